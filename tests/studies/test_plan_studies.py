"""The studies that a plan writes run as they are: played on the model, and rehearsed against real contracts."""

from __future__ import annotations

import datetime as dt
from functools import cache
from pathlib import Path

import pytest

from tidemill.studies.load import Result, load
from tidemill.studies.plan.as_study import Unplayed, Written, studies_of
from tidemill.studies.plan.streams import Line

ON = dt.date(2026, 11, 21)
M = 10**6
PRICES = {"USDC": "1", "USDT": "1", "DAI": "1", "ETH": "3000", "POL": "0.2"}
LINES = {
    "aave": ("base", "aave_v3", "USDC", 500),
    "aave of ether": ("base", "aave_v3", "WETH", 200),
    "aave on arbitrum": ("arbitrum-one", "aave_v3", "USDC", 500),
    "aave on polygon": ("polygon-pos", "aave_v3", "USDC", 500),
    "morpho": ("base", "morpho_blue", "USDC", 700),
    "staking": ("ethereum", "liquid_staking", "WSTETH", 300),
    "savings": ("ethereum", "savings_vault", "SUSDS", 500),
    "pair": ("op-mainnet", "uniswap_v2", "USDC-DAI", 300),
}


def line(name: str, network: str, kind: str, symbol: str, rate: int, reward: int = 0) -> Line:
    stable = symbol not in ("WETH", "WSTETH", "USDC-WETH", "ARB")
    return Line(
        name,
        f"{name} {symbol}",
        network,
        kind,
        tuple(symbol.split("-")),
        6_000 * M,
        rate,
        reward,
        50_000_000 * M,
        stable,
    )


@cache
def written() -> tuple[list[Written], list[Unplayed]]:
    return studies_of([line(name, *what) for name, what in LINES.items()], PRICES, ON, 30)


def saved(name: str, folder: Path) -> Path:
    one = next(one for one in written()[0] if one.lines == (name,))
    (folder / one.name).write_text(one.text)
    return folder / one.name


def played(name: str, folder: Path) -> Result:
    return load(saved(name, folder)).run()


@pytest.mark.parametrize("name", LINES)
def test_each_pays_about_what_the_plan_believes(name: str, tmp_path: Path) -> None:
    document = played(name, tmp_path).document
    income = sum(row.value for row in document.waterfall if row.key in ("interest", "growth", "fees"))
    believed = LINES[name][3] / 10_000 * 30 / 365
    assert document.headline.capital_value > 0
    assert income / _put_in(name) == pytest.approx(believed, rel=0.25)


def _put_in(name: str) -> float:
    """Return the line's money in micro-units of its study's home."""
    return 2 * M if LINES[name][2] in ("WETH", "WSTETH") else 6_000 * M


def test_nothing_that_the_list_does_not_say_is_hidden() -> None:
    (one, *_), _ = written()
    assert "# What the list says is a rate and a size" in one.text and "# * usage 75 %" in one.text
    (rewarded,), _ = studies_of([line("r", "base", "aave_v3", "USDC", 500, 200)], PRICES, ON, 30)
    assert "2.00 % of its rate are rewards in tokens, played as if paid in USDC" in rewarded.text


@pytest.mark.parametrize(
    ("what", "why"),
    [
        (("base", "", "USDC", 5), "no model of its venue here"),
        (("base", "staking_rewards", "USDC", 5), "a list does not say enough for a staking_rewards"),
        (("base", "aave_v3", "ARB", 5), "no price of ARB; give --price ARB="),
        (("base", "liquid_staking", "WSTETH", 5), "must be bought at a pool"),
        (("base", "uniswap_v3", "USDC-DAI", 5), "no recorded swaps of USDC-DAI"),
        (("base", "uniswap_v2", "USDC", 5), "a pair of two tokens is played, not USDC"),
        (("rootstock", "aave_v3", "USDC", 5), "no price of RBTC"),
        (("scroll", "aave_v3", "USDC", 5), "no fee levels of scroll"),
    ],
)
def test_what_cannot_be_played_is_said_in_the_study_and_beside_it(what: tuple[str, str, str, int], why: str) -> None:
    lines = [line("good", "base", "aave_v3", "USDC", 500), line("bad\nname = 1", *what)]
    (one,), (unplayed,) = studies_of(lines, PRICES, ON, 30)
    assert why in unplayed.why
    assert f"# Not in any study: bad name = 1 {what[2]}: {unplayed.why}" in one.text


def test_no_name_in_a_list_leaves_its_place_in_the_file(tmp_path: Path) -> None:
    odd = 'x\x1b[31m\x7f\u2028\r\nstrategy = "evil.py:Mine"'
    lines = [line(odd, "base", "aave_v3", "USDC", 500), line(odd, "base", "", "USDC", 5)]
    (one,), _ = studies_of(lines, PRICES, ON, 30)
    (tmp_path / "odd.toml").write_text(one.text)
    study = load(tmp_path / "odd.toml").study
    assert study.strategy == "lend" and study.title.startswith("Plan: x [31m") and one.name.isascii()
    assert not [char for char in one.text if not char.isprintable() and char != "\n"]


@pytest.mark.chain
@pytest.mark.parametrize("name", ["aave", "morpho", "savings"])
def test_they_rehearse_with_no_wei_of_difference(name: str, tmp_path: Path) -> None:
    comparison = load(saved(name, tmp_path)).rehearse()
    document = comparison.document
    assert document.agrees and document.books_equal and not document.differences
    assert {row.difference for row in document.balances} == {0}
