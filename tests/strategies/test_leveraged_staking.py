"""The leveraged staking loop: how high it builds, when its guard acts, and what befalls one that does not guard itself."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Befell, Filled, Mark, Recorded
from tidemill.ledger.posting import post
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import parse_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "leveraged_staking.toml"
DAY, START = 86_400, 1_735_689_600
WETH, STAKED = "WETH@op-mainnet", "wstETH@op-mainnet"
PATH = 'price_path = "60:3561 61:3347 74:3347 75:3561"'


@cache
def played(*pairs: tuple[str, str]) -> tuple[dict[str, int], Any]:
    """Rows of the waterfall in micro-units of WETH, and what the run left behind."""
    text = EXAMPLE.read_text()
    for old, new in pairs:
        assert old in text, old
        text = text.replace(old, new, 1)
    document, outcomes = Backtest(prepare(parse_study(text))).main_run()
    post(outcomes.record, outcomes.marks).check()
    assert abs(document.unexplained) <= document.unexplained_bound
    return {row.key: row.value for row in document.waterfall}, outcomes


def done(outcomes: Any, verb: str) -> list[Recorded]:
    return [r for r in outcomes.record if isinstance(r, Recorded) and r.verb == verb and isinstance(r.status, Filled)]


def befell(outcomes: Any) -> list[tuple[str, str]]:
    return [(e.happened.cause, e.happened.position) for e in outcomes.record if isinstance(e, Befell)]


def after(outcomes: Any, step: Recorded) -> Mark:
    return next(mark for mark in outcomes.marks if mark.why == "after" and mark.seq > step.seq)


def leverage_and_health(mark: Mark, price: int = 3_561, threshold: int = 9_300) -> tuple[float, float]:
    """By the oracle's prices: 3,000 for WETH and ``price`` for wstETH."""
    held = {position.id: position.principal for position in mark.positions}
    collateral, debt = held["aave#supply"][STAKED] * price, -held["aave#debt"][WETH] * 3_000
    return collateral / (collateral - debt), collateral * threshold / debt / 10_000


def test_it_builds_up_to_the_leverage_and_no_further() -> None:
    _, outcomes = played()
    start = [r for r in done(outcomes, "supply") if r.at.time < START + DAY]
    assert [len(done(outcomes, verb)) for verb in ("borrow",)] == [4]
    leverage, health = leverage_and_health(after(outcomes, start[-1]))
    assert 3.4 < leverage < 3.6
    assert 1.28 < health < 1.33
    assert len(start) == 5


def test_the_market_s_own_limit_stops_it_earlier() -> None:
    _, outcomes = played(("ltv_bps = 9_000", "ltv_bps = 5_000"))
    leverage, _ = leverage_and_health(after(outcomes, done(outcomes, "supply")[-1]))
    assert 1.9 < leverage < 2.01
    assert not befell(outcomes)


def test_the_guard_unwinds_one_step_when_the_oracle_falls() -> None:
    rows, outcomes = played()
    guarded = [r for r in done(outcomes, "repay") if r.at.time < START + 180 * DAY]
    assert len(guarded) == 1
    # The oracle falls from day 60 on; it woke within the hour in which its answer crossed.
    assert START + 60 * DAY < guarded[0].at.time < START + 61 * DAY
    _, health = leverage_and_health(after(outcomes, guarded[0]), price=3_418)
    assert 1.33 < health < 1.38
    assert not befell(outcomes)
    assert rows["growth"] > -rows["borrowing"] > 0
    last = outcomes.marks[-1]
    assert not last.positions
    assert last.balances.get(STAKED, 0) == 0


def test_without_a_guard_a_liquidator_comes() -> None:
    careless = ("guard_bps = 12_500 ", "guard_bps = 10_000 ")
    deep = (PATH, 'price_path = "60:3561 61:2700 74:2700 75:3561"')
    soon = ("end = 2025-07-01", "end = 2025-03-20")  # three days after the oracle is back
    rows, outcomes = played(careless, ("restore_bps = 13_500", "restore_bps = 10_100"), deep, soon)
    assert set(befell(outcomes)) == {("liquidated", "aave#supply"), ("liquidated", "aave#debt")}
    # Seized at a price a fifth below what the shares stand for, and a premium on top.
    assert rows["events"] < -1_000_000
    guarded, safe = played(deep, soon)
    assert rows["keep"] < guarded["keep"]
    assert rows["keep"] < 0
    assert done(safe, "repay")[0].at.time < START + 61 * DAY


def test_slashing_befalls_the_collateral_too() -> None:
    rows, outcomes = played(("apr_bps = 310", "apr_bps = 310\nslash_bps = 200\nslash_day = 30"))
    assert befell(outcomes) == [("slashed", "rate#shares")]
    before = next(m for m in outcomes.marks if m.why == "before" and START + 29 * DAY < m.time < START + 31 * DAY)
    assert STAKED not in before.balances
    supplied = next(p for p in before.positions if p.id == "aave#supply").principal[STAKED]
    worth = before.rates[STAKED].of_down(supplied)[WETH]
    assert abs(-rows["events"] * 10**12 - worth * 2 // 100) < worth // 2_000


@pytest.mark.parametrize("placement", ["last", "seeded"])
def test_the_books_hold_wherever_it_stands_in_its_block(placement: str) -> None:
    world = ("[venues.rate]", f'[world]\nplacement = "{placement}"\n\n[venues.rate]')
    rows, _ = played(world)
    first, _ = played()
    assert abs(rows["keep"] - first["keep"]) < 20_000


def test_a_guard_that_restores_nothing_is_named() -> None:
    with pytest.raises(BadInput, match="restore_bps: 12500 is not above guard_bps, 12500"):
        played(("restore_bps = 13_500", "restore_bps = 12_500"))


def test_marking_sells_nothing() -> None:
    _, outcomes = played(('home = "WETH"', 'home = "WETH"\nexit = "mark"'))
    assert {p.id for p in outcomes.marks[-1].positions} == {"aave#supply", "aave#debt"}
