"""Liquid staking in a study: growth, a loss and its cause, the queue, and what a market pays in a depeg."""

from __future__ import annotations

from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest

from rehearse.played import rehearsed
from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Filled, Pending, Recorded, Reverted
from tidemill.ledger.posting import post
from tidemill.studies.backtest import Backtest
from tidemill.studies.load import load
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

EXAMPLES = Path(__file__).parents[2] / "examples"
SHARES = "staking#shares"


def changed(tmp_path: Path, name: str, *pairs: tuple[str, str]) -> Path:
    """An example with some of its text replaced."""
    text = (EXAMPLES / f"{name}.toml").read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    (tmp_path / "study.toml").write_text(text)
    return tmp_path / "study.toml"


def played(path: Path) -> tuple[dict[str, int], Any]:
    """Rows of the waterfall in micro-units of WETH, and what the run left behind."""
    document, outcomes = Backtest(prepare(load_study(path))).main_run()
    assert abs(document.unexplained) <= document.unexplained_bound
    post(outcomes.record, outcomes.marks).check()
    return {row.key: row.value for row in document.waterfall}, outcomes


def queued(*params: str) -> tuple[str, str]:
    return "queue_days = 3 ", "\n".join([*params, "queue_days = 3 "])


def befallen(outcomes: Any) -> list[tuple[str, str, int]]:
    return [
        (e.happened.cause, e.happened.position, e.happened.amounts["WETH@ethereum"])
        for e in outcomes.record
        if isinstance(e, Befell)
    ]


def test_half_a_year_earns_half_the_rate_less_the_protocol_s_part() -> None:
    rows, outcomes = played(EXAMPLES / "liquid_staking.toml")
    apr = 310 * 9_000 // 10_000  # basis points of the 32 WETH that holders get
    expected = 32_000_000 * apr * 181 // (365 * 10_000)
    assert abs(rows["growth"] - expected) < expected // 20  # draws about the mean, and half a year's compounding
    assert "events" not in rows
    statuses = [(r.verb, type(r.status)) for r in outcomes.record if isinstance(r, Recorded)]
    assert statuses == [("stake", Filled), ("request_withdrawal", Pending), ("claim", Filled)]
    asked, claimed = (r for r in outcomes.record if isinstance(r, Recorded) and r.verb != "stake")
    assert 3 * 86_400 <= claimed.at.time - asked.at.time <= 4 * 86_400 + 24
    assert claimed.result.amounts["assets"] == asked.result.amounts["assets"]


def test_a_loss_stands_in_the_books_with_its_cause(tmp_path: Path) -> None:
    rows, outcomes = played(changed(tmp_path, "liquid_staking", queued("slash_bps = 500", "slash_day = 60")))
    ((cause, position, amount),) = befallen(outcomes)
    assert (cause, position) == ("slashed", SHARES)
    held = next(m for m in outcomes.marks if m.why == "before" and m.seq > outcomes.marks[2].seq)
    worth = held.rates["wstETH@ethereum"].of_down(held.balances["wstETH@ethereum"])["WETH@ethereum"]
    # A twentieth of what others staked and earned: of one's own a little less, as one is part of the whole.
    assert abs(-amount - worth * 500 // 10_000) < worth // 1_000
    assert rows["events"] == amount // 10**12
    assert rows["growth"] > 400_000
    assert rows["keep"] < 0


def test_a_loss_in_the_queue_befalls_the_request(tmp_path: Path) -> None:
    path = changed(tmp_path, "liquid_staking", queued("slash_bps = 500", "slash_day = 182"))
    rows, outcomes = played(path)
    ((cause, position, amount),) = befallen(outcomes)
    assert (cause, position) == ("slashed", "staking#1")
    asked, claimed = (r for r in outcomes.record if isinstance(r, Recorded) and r.verb != "stake")
    paid = claimed.result.amounts["assets"]
    assert paid < asked.result.amounts["assets"] * 96 // 100
    assert abs(asked.result.amounts["assets"] + amount - paid) < asked.result.amounts["assets"] // 5_000
    assert rows["events"] == amount // 10**12
    later, _ = played(changed(tmp_path, "liquid_staking", queued("slash_bps = 500", "slash_day = 170")))
    assert abs(later["keep"] - rows["keep"]) < 10_000  # waiting outside would have been no better


def test_whoever_asks_for_more_than_one_request_takes_makes_several(tmp_path: Path) -> None:
    rows, outcomes = played(changed(tmp_path, "liquid_staking", queued("max_request = 13")))
    asked = [r for r in outcomes.record if isinstance(r, Recorded) and r.verb == "request_withdrawal"]
    assert [r.result.position for r in asked] == ["staking#1", "staking#2", "staking#3"]
    whole, _ = played(EXAMPLES / "liquid_staking.toml")
    assert rows["growth"] == whole["growth"]
    assert rows["keep"] < whole["keep"]  # more transactions


def test_a_bridged_rate_moves_at_its_heartbeat_only(tmp_path: Path) -> None:
    prepared = prepare(
        load_study(changed(tmp_path, "bridged_staking", ("heartbeat_hours = 24", "heartbeat_hours = 72")))
    )
    stage = next(one for one in prepared.stages() if one.id == "rate")
    seen = []
    for hours in range(0, 20 * 24, 6):
        stage.advance(prepared.blocks.last_until(prepared.start + hours * 3_600 + 60))
        seen.append(stage.read("getRate"))
    assert seen == sorted(seen)
    assert [n for n, (a, b) in enumerate(pairwise(seen), 1) if a != b] == [12, 24, 36, 48, 60, 72]


def test_a_depeg_is_what_the_market_pays(tmp_path: Path) -> None:
    """The rate grows as if nothing were; what selling at the pool brings is the headline."""
    fallen, _ = played(EXAMPLES / "bridged_staking.toml")
    level, outcomes = played(changed(tmp_path, "bridged_staking", ("shock_bps = 150 ", "shock_bps = 0 ")))
    back, _ = played(changed(tmp_path, "bridged_staking", ("shock_day = 150 ", "shock_days = 20\nshock_day = 150 ")))
    assert fallen["growth"] == level["growth"] == back["growth"] > 130_000
    assert abs(level["keep"] - fallen["keep"] - 150_000) < 5_000
    assert abs(level["keep"] - back["keep"]) < 20_000
    # Both legs of each trade count: what was paid and what the token stands for differ by fee, impact and depeg alone.
    for row, most in (("swaps", 100_000), ("exit", 100_000)):
        assert -most < level[row] < 0
    assert not befallen(outcomes)


def test_a_push_below_the_last_rate_is_a_loss(tmp_path: Path) -> None:
    path = changed(tmp_path, "bridged_staking", ("apr_bps = 310", "apr_bps = 310\nslash_bps = 300\nslash_day = 60"))
    rows, outcomes = played(path)
    ((cause, position, _),) = [
        (e.happened.cause, e.happened.position, e.happened.amounts) for e in outcomes.record if isinstance(e, Befell)
    ]
    assert (cause, position) == ("slashed", "rate#shares")
    assert -310_000 < rows["events"] < -280_000


@pytest.mark.parametrize(
    ("line", "says"),
    [
        ('form = "l2"', "a form is staking or bridged"),
        ('rate = "0.9"', "a rate begins at 1"),
        ('rate = "much"', "much"),
        ("fee_bps = 10000", "must be 0 to 9999"),
        ("slash_bps = 10000", "must be 0 to 9999"),
        ("report_every_hours = 0", "must be 1 to 10000"),
        ("staked = 0", "must be 1 to"),
        ('share = "WETH"', "must differ"),
        ('asset = "XYZ"', "decimals of XYZ are not known"),
    ],
)
def test_bad_parameters_are_named(tmp_path: Path, line: str, says: str) -> None:
    key = line.partition(" ")[0]
    text = (EXAMPLES / "liquid_staking.toml").read_text()
    kept = [one for one in text.splitlines() if not one.startswith(f"{key} =")]
    at = kept.index("[venues.staking.params]")
    (tmp_path / "study.toml").write_text("\n".join([*kept[: at + 1], line, *kept[at + 1 :]]))
    with pytest.raises(BadInput, match=says):
        load(tmp_path / "study.toml").run()


@pytest.mark.chain
def test_a_withdrawal_waits_on_a_chain_that_mines_by_itself() -> None:
    comparison = rehearsed("liquid_staking", "live-like", "model")
    assert comparison.document.agrees and comparison.document.books_equal, comparison.document.differences
    steps = [r for r in comparison.chain.record if isinstance(r, Recorded) and not isinstance(r.status, Reverted)]
    assert [r.verb for r in steps][-2:] == ["request_withdrawal", "claim"]
    asked, claimed = steps[-2:]
    assert claimed.at.time >= asked.status.not_before.time
    assert claimed.status.amounts["assets"] <= asked.result.amounts["assets"]
