"""Hedged liquidity: delta within its band wherever it decides, a loan that stays healthy, and less variance than without."""

from __future__ import annotations

import datetime as dt
import statistics
from pathlib import Path
from typing import Any

import pytest
from desk import Desk
from msgspec import Struct, structs
from plays import BLOCK, decisions, failures, filled, walk
from standins import RangePool
from worlds import world

from kit import small_market
from tidemill.engine.run import run
from tidemill.errors import BadInput
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import Mark
from tidemill.ledger.posting import post
from tidemill.strategies.fixed_range import FixedRange
from tidemill.strategies.hedged_lp import HedgedLp
from tidemill.strategies.registry import find
from tidemill.studies.backtest import Backtest
from tidemill.studies.market_data import MarketData
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study
from tidemill.venues.shared.oracle import Feed, Oracle

EXAMPLE = Path(__file__).parents[2] / "examples" / "hedged_lp.toml"
WETH, USDC = "WETH@op", "USDC@op"
OWN = 10**12
GIVEN = {"venue": "pool", "lending": "desk", "home": USDC}
QUICK = {**GIVEN, "width": 600, "cooldown": 60, "every": 600}


class Asked(Struct):
    """A decision with nothing under way while a range stands: delta over the range's worth, and what was done."""

    time: int
    delta: float
    plans: int


def hedged(strategy: Any, path: Any, tokens: Any = (WETH, USDC)) -> Any:
    """Run a strategy on a pool and a desk, whose oracle answers the pool's price at each of its steps."""
    pool = RangePool("pool", "op", tokens, path)
    signs = 1 if tokens[0] == WETH else -1
    answers = [(1_000 + number * BLOCK, round(10**8 * 1.0001 ** (signs * tick))) for number, tick in path]
    told = world(
        [pool, Desk(pool, USDC, WETH)],
        {USDC: OWN, "ETH@op": 10**12},
        oracles=[Oracle("desk:WETH", "op", Feed(heartbeat=10**6), answers)],
    )
    return run(told, strategy, run_id="hedge", log=MemoryJournal())


def asked(strategy: HedgedLp, path: Any, tokens: Any = (WETH, USDC)) -> tuple[list[Asked], Any]:
    """Run it and say what it saw each time it could act."""
    seen = []

    class Witness:
        Memo = HedgedLp.Memo

        def decide(self, view: Any, memo: Any, news: Any) -> Any:
            decision = strategy.decide(view, memo, news)
            assert decision == strategy.decide(view, memo, news)
            told = [p for p in view.positions if p.venue == "pool"]
            if told and not view.in_flight and view.why != "end":
                price = view.read("desk", "getAssetPrice", WETH) / 10**8
                owed = sum(-p.principal[WETH] for p in view.positions if p.kind == "debt")
                held = told[0].principal[WETH]
                worth = held * price + told[0].principal[USDC]
                delta = held + view.balances.get(WETH, 0) - owed
                seen.append(Asked(view.at["op"].time, delta * price / worth, len(decision.plans)))
            return decision

    return seen, hedged(Witness(), path, tokens)


def of(mark: Mark) -> dict[str, int]:
    """What is in the range, idle, supplied and owed, of the other token and of home."""
    told = {"range": 0, "range_home": 0, "idle": mark.balances.get(WETH, 0), "supplied": 0, "debt": 0}
    for position in mark.positions:
        if position.venue == "pool":
            told["range"] += position.principal[WETH]
            told["range_home"] += position.principal[USDC]
        elif position.kind == "debt":
            told["debt"] -= position.principal[WETH]
        else:
            told["supplied"] += position.principal[USDC]
    return told


def tick_at(path: Any, time: int) -> int:
    return [tick for number, tick in path if number <= (time - 1_000) // BLOCK][-1]


def test_what_is_put_into_the_range_is_borrowed_and_delta_begins_at_nothing() -> None:
    out = hedged(HedgedLp(**QUICK), [(0, 0)])
    verbs = [r.verb for r in filled(out)]
    assert verbs == ["supply", "borrow", "mint", "close", "swap_exact_in", "repay", "withdraw", "swap_exact_in"]
    held = of(next(m for m in out.marks if any(p.venue == "pool" for p in m.positions)))
    assert held["supplied"] == OWN * 66 // 100
    assert abs(held["range"] + held["idle"] - held["debt"]) <= 2
    assert abs(held["debt"] / (OWN * 0.34) - 1) < 0.02
    last = out.marks[-1]
    assert not last.positions and not last.balances.get(WETH)
    assert last.balances[USDC] > OWN * 999 // 1000


@pytest.mark.parametrize("move", [200, -200])
def test_a_move_within_the_range_is_evened_out_and_one_beyond_it_builds_anew(move: int) -> None:
    told, out = asked(HedgedLp(**QUICK), [(0, 0), (200, move), (500, 4 * move)])
    even = [r.verb for r in filled(out) if 200 < r.at.number < 210]
    buys, sells = ["withdraw", "swap_exact_in", "repay"], ["borrow", "swap_exact_in", "supply"]
    assert even == (buys if move > 0 else sells)  # as it rises the range has sold what is still owed
    assert len(filled(out, "mint")) == len(filled(out, "close")) == 2
    before, after = [one for one in told if 1_400 <= one.time < 1_450]
    assert before.plans == 1 and 0.15 < abs(before.delta) < 0.2
    assert after.plans == 0 and abs(after.delta) < 0.005
    assert not failures(out)


def test_a_jump_that_the_market_does_not_lend_for_at_once_takes_several_steps() -> None:
    told, out = asked(HedgedLp(**QUICK), [(0, 0), (200, -500)])
    assert [r.verb for r in filled(out) if r.at.number > 200][:6] == ["borrow", "swap_exact_in", "supply"] * 2
    assert abs(told[-1].delta) < 0.05 and len(filled(out, "mint")) == 1
    assert not failures(out)


@pytest.mark.parametrize("tokens", [(WETH, USDC), (USDC, WETH)])
@pytest.mark.parametrize("seed", range(10))
def test_in_random_worlds_delta_is_within_its_band_at_every_decision(seed: int, tokens: Any) -> None:
    path = walk(f"hedge {seed}", step=12, every=2)
    turned = path if tokens[0] == WETH else [(n, -t) for n, t in path]
    told, out = asked(HedgedLp(**QUICK, band_bps=400), turned, tokens)
    assert len(told) > 10 and any(one.plans for one in told)
    # where it goes on as it is, delta is within the band (a tick is a price only to 0.01 %)
    assert all(abs(one.delta) < 0.0405 for one in told if not one.plans)
    # where it acts, it was called in time: a step of 12 ticks moves 0.0012 / (2 x 0.06) of the range, two until it lands
    assert all(abs(one.delta) < 0.04 + 2 * 0.0012 / 0.12 + 0.001 for one in told)
    assert not failures(out)
    assert not out.marks[-1].positions and not out.marks[-1].balances.get(WETH)


def test_the_guard_takes_it_down_before_the_loan_is_in_danger() -> None:
    path = [(0, 0), *((n, (n - 100) * 4) for n in range(100, 500, 2))]  # up by 16 % in 800 s, within the trigger
    wide = {**QUICK, "width": 3_000, "band_bps": 5_000, "guard_bps": 13_500}
    for guard in (13_500, 10_100):
        out = hedged(HedgedLp(**{**wide, "guard_bps": guard}), path)
        health = [
            of(m)["supplied"] * 0.8 / (of(m)["debt"] * 1.0001 ** tick_at(path, m.time))
            for m in decisions(out)
            if of(m)["debt"]
        ]
        assert min(health) > guard / 10_000 - 0.01  # a step of the price is 0.08 %
        assert (len(filled(out, "mint")) > 1) is (guard == 13_500)


def test_the_hedge_takes_most_of_the_variance_away_over_many_worlds() -> None:
    kept: dict[str, list[float]] = {"hedged": [], "bare": []}
    for seed in range(30):
        path = walk(f"variance {seed}", step=40, every=5)
        kept["hedged"].append(hedged(HedgedLp(**{**QUICK, "width": 1_500}), path).marks[-1].balances[USDC] / OWN - 1)
        kept["bare"].append(
            hedged(FixedRange("pool", USDC, below=1_500, above=1_500), path).marks[-1].balances[USDC] / OWN - 1
        )
    spread = {name: statistics.stdev(values) for name, values in kept.items()}
    assert spread["hedged"] < spread["bare"] / 20, spread
    assert spread["bare"] > 0.01  # there was something to take away
    # what the curve gives away is not hedged: neither keeps all it brought, and the mean is not what the hedge is for
    assert statistics.mean(kept["hedged"]) < 0


@pytest.mark.parametrize(
    ("changed", "says"),
    [
        ({"collateral_bps": 5_000}, "collateral_bps: desk lends 7500 per 10000 of collateral"),
        ({"guard_bps": 16_000}, "guard_bps: 16000 is above the health factor to begin with"),
        ({"home": "DAI@op"}, "home: pool trades WETH@op and USDC@op, not DAI@op"),
    ],
)
def test_what_the_market_does_not_allow_is_named_before_anything_is_borrowed(changed: Any, says: str) -> None:
    with pytest.raises(BadInput) as caught:
        hedged(HedgedLp(**{**QUICK, **changed}), [(0, 0)])
    assert says in str(caught.value)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"collateral_bps": 4_000}, "parameters.collateral_bps: expected a whole number >= 5000"),
        ({"band_bps": 0}, "parameters.band_bps: expected a whole number >= 10"),
        ({"guard_bps": 10_000}, "parameters.guard_bps: expected a whole number >= 10100"),
    ],
)
def test_what_cannot_be_is_named(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        find("hedged_lp", None, own_code=False).make({**GIVEN, **bad}, file="s.toml")  # type: ignore[arg-type]
    assert says in str(caught.value)


def test_the_example_stays_within_the_band_and_its_books_show_both_sides() -> None:
    study = load_study(EXAMPLE)
    study = structs.replace(study, end=study.start + dt.timedelta(days=2))
    document, outcomes = Backtest(prepare(study)).main_run()
    assert abs(document.unexplained) <= document.unexplained_bound
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["fees"] > 0 and rows["interest"] > 0 and rows["borrowing"] < 0
    assert min(len(filled(outcomes, verb)) for verb in ("borrow", "repay")) > 2
    assert not failures(outcomes)
    last = outcomes.marks[-1]
    assert not last.positions and not last.balances.get("WETH@op-mainnet")


# --- real venues: the pool's model on generated markets, Aave's model beside it ---------------------------------------


def on_real_venues(seed: int, days: int = 2) -> dict[str, float]:
    """Play a generated market hedged and bare; what is kept of the capital, as parts of it."""
    dataset = small_market(seed=f"hedge {seed}", days=days, start_tick=195_500, sigma=5_000)
    study = load_study(EXAMPLE)  # its market's oracle follows the pool
    study = structs.replace(study, start=None, end=None)
    bare = {"below": 1_200, "above": 1_200}
    kept = {}
    for name, parameters in (("hedged_lp", study.parameters), ("fixed_range", bare)):
        one = structs.replace(study, strategy=name, parameters=parameters)
        backtest = Backtest(prepare(one, {"pool": MarketData(dataset)}))
        outcomes = backtest.play().outcomes
        post(outcomes.record, outcomes.marks).check()
        assert not failures(outcomes) and not outcomes.marks[-1].positions
        kept[name] = backtest.keep(outcomes) / (30_000 * 10**6)
    return kept


def spread_on_real_venues(seeds: int) -> dict[str, float]:
    runs = [on_real_venues(seed) for seed in range(seeds)]
    return {name: statistics.stdev(run[name] for run in runs) for name in runs[0]}


def test_on_real_venues_the_hedge_takes_most_of_the_variance_too() -> None:
    spread = spread_on_real_venues(4)
    assert spread["hedged_lp"] < spread["fixed_range"] / 5, spread


@pytest.mark.long
def test_on_real_venues_over_many_seeds() -> None:
    spread = spread_on_real_venues(60)
    assert spread["hedged_lp"] < spread["fixed_range"] / 5, spread
