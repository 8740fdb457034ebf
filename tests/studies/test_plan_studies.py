"""The studies that a plan writes run as they are: played on the model, and rehearsed against real contracts."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import pytest

from tidemill.studies.load import Result, load
from tidemill.studies.plan.as_study import Written, studies_of
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
    "stake": ("ethereum", "delegation", "POL", 190),
}


def line(name: str, network: str, kind: str, symbol: str, rate: int, reward: int = 0) -> Line:
    stable = symbol not in ("WETH", "WSTETH", "USDC-WETH", "ARB", "POL", "STRK")
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


def alone(name: str) -> Written:
    (one,), unplayed = studies_of([line(name, *LINES[name])], PRICES, ON, 30)
    assert not unplayed and one.lines == (name,)
    return one


def saved(one: Written, folder: Path) -> Path:
    (folder / one.name).write_text(one.text)
    return folder / one.name


def played(name: str, folder: Path) -> Result:
    return load(saved(alone(name), folder)).run()


@pytest.mark.parametrize("name", LINES)
def test_each_pays_about_what_the_plan_believes(name: str, tmp_path: Path) -> None:
    document = played(name, tmp_path).document
    income = sum(
        row.value for row in document.waterfall if row.key in ("interest", "growth", "fees", "rewards", "dilution")
    )
    believed = LINES[name][3] / 10_000 * 30 / 365
    assert document.headline.capital_value > 0
    assert income / _put_in(name) == pytest.approx(believed, rel=0.25)


def _put_in(name: str) -> float:
    """Return the line's money in micro-units of its study's home."""
    if LINES[name][2] == "POL":
        return 30_000 * M
    return 2 * M if LINES[name][2] in ("WETH", "WSTETH") else 6_000 * M


def test_all_that_can_be_played_together_is_one_portfolio(tmp_path: Path) -> None:
    """Five networks, three assets, two native tokens, several shares of one asset: what each stream leaves, its study leaves."""
    swapped = line("range", "base", "uniswap_v3", "USDC-WETH", 900)
    names = ("aave on polygon", "aave of ether", "morpho", "staking", "savings", "pair")
    lines = [line(name, *LINES[name]) for name in names]
    (one, apart), unplayed = studies_of([*lines, swapped], PRICES, ON, 5)
    assert (one.name, one.lines, apart.lines) == ("plan.toml", names, ("range",)) and not unplayed
    document = load(saved(one, tmp_path)).run().document
    rows = {row.name: row for row in document.streams}
    for number, name in enumerate(names, 1):
        row = rows[f"{LINES[name][1]}_{number}"]
        income = sum(row.rows.get(key, 0) for key in ("interest", "growth", "fees"))
        assert row.start_value + row.brought == pytest.approx(6_000 * M, rel=0.001), name
        if name != "pair":  # of five days' trades, which are drawn
            assert income == pytest.approx(6_000 * M * LINES[name][3] / 10_000 * 5 / 365, rel=0.3), name


def test_nothing_that_the_list_does_not_say_is_hidden() -> None:
    one = alone("aave")
    assert "# What the list says is a rate and a size" in one.text and "# * aave_v3: usage 75 %" in one.text
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
        (("ethereum", "delegation", "STRK", 5), "no price of STRK"),
        (("starknet", "delegation", "POL", 5), "no price of STRK, which pays gas there"),
        (("polygon-pos", "delegation", "POL", 5), "only POL, which is staked on Ethereum"),
        (("ethereum", "delegation", "POL", 60), "which there cannot be"),
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
def test_a_portfolio_over_two_networks_rehearses_with_no_wei_of_difference(tmp_path: Path) -> None:
    lines = [line(name, *LINES[name]) for name in ("aave", "morpho", "savings", "aave on arbitrum")]
    (one,), _ = studies_of(lines, PRICES, ON, 10)
    document = load(saved(one, tmp_path)).rehearse().document
    assert document.agrees and document.books_equal and not document.differences
    assert {row.difference for row in document.balances} == {0}


@pytest.mark.chain
@pytest.mark.parametrize("name", ["aave", "morpho", "stake"])
def test_they_rehearse_with_no_wei_of_difference(name: str, tmp_path: Path) -> None:
    comparison = load(saved(alone(name), tmp_path)).rehearse()
    document = comparison.document
    assert document.agrees and document.books_equal and not document.differences
    assert {row.difference for row in document.balances} == {0}
