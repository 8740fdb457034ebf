"""A ladder of two lending markets: it moves from the worse to the better rate, and only where that pays."""

from __future__ import annotations

from functools import cache
from itertools import pairwise
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.errors import BadInput
from tidemill.interfaces import All, Costs, Filled, Intent, Position, Recorded, Result
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "lending_ladder.toml"
USDC = "USDC@op-mainnet"
YEAR = 365 * 86_400


def changed(*, aave: dict[str, int | str] | None = None, **parameters: Any) -> Study:
    study = load_study(EXAMPLE)
    spec = study.venues["aave"]
    venues = {**study.venues, "aave": structs.replace(spec, params={**spec.params, **(aave or {})})}
    return structs.replace(
        study, venues=venues, end=study.start.replace(month=2), parameters={**study.parameters, **parameters}
    )


def played(study: Study) -> Any:
    return Backtest(prepare(study)).play().outcomes


@cache
def example() -> Any:
    return played(changed())


def moves(outcomes: Any) -> list[tuple[Recorded, Recorded]]:
    """Pairs of withdraw and supply within one plan, before the end."""
    done = [r for r in outcomes.record if isinstance(r, Recorded) and isinstance(r.status, Filled) and r.phase == "run"]
    return [(a, b) for a, b in pairwise(done) if a.plan == b.plan and a.verb == "withdraw"]


def lying(mark: Any) -> dict[str, int]:
    return {p.venue: p.principal.get(USDC, 0) for p in mark.positions}


def test_it_splits_at_the_start_and_takes_everything_back():
    outcomes = example()
    first = [line for line in outcomes.record if isinstance(line, Recorded)][:2]
    assert {line.venue for line in first} == {"aave", "morpho"}
    assert {line.action.args["amount"] for line in first} == {10_000 * 10**6}
    assert sum(lying(outcomes.marks[-1]).values()) == 0
    assert outcomes.marks[-1].balances[USDC] > 20_000 * 10**6


def test_a_part_goes_where_more_was_earned_since_the_last_look():
    outcomes = example()
    assert len(moves(outcomes)) >= 3
    assert {take.venue for take, _ in moves(outcomes)} == {"aave", "morpho"}  # both ways
    for take, give in moves(outcomes):
        behind = [m for m in outcomes.marks if m.time <= take.at.time and m.seq < take.seq]
        now, then = behind[-1], next(m for m in reversed(behind) if m.time <= behind[-1].time - 86_000)
        grown = {name: lying(now)[name] * 10**12 // lying(then)[name] for name in lying(now)}
        assert grown[give.venue] > grown[take.venue]
        amount = take.result.amounts.get("amount", take.result.amounts.get("assets"))
        assert 0 < amount <= sum(lying(now).values()) // 5
        given = give.result.amounts.get("amount", give.result.amounts.get("assets"))
        assert given == amount
        # the gain over thirty days, by the rates of a day, is more than both transactions cost
        gain = amount * (grown[give.venue] - grown[take.venue]) * 30 // 10**12
        assert gain * 10**18 > (take.costs.total + give.costs.total) * 3_000 * 10**6 * 9 // 10


def test_something_stays_everywhere():
    outcomes = played(changed(parts=1))
    assert moves(outcomes)
    held = [lying(mark) for mark in outcomes.marks if mark.why == "after" and len(mark.positions) == 2]
    assert min(min(one.values()) for one in held) >= 20_000 * 10**6 // 100 - 2


def test_it_stays_where_moving_costs_more_than_it_brings():
    assert not moves(played(changed(horizon=60)))
    assert not moves(played(changed(native_price=10**15)))


def test_a_market_that_is_full_is_left_out():
    outcomes = played(changed(aave={"supply_cap": 1_000_000, "supplied": 1_000_000}))
    assert {p.venue for p in outcomes.marks[5].positions} == {"morpho"}
    assert not outcomes.marks[5].balances.get(USDC)  # all of it works
    assert not [line for line in outcomes.record if isinstance(line, Recorded) and not isinstance(line.status, Filled)]


def test_what_lies_idle_is_put_to_work():
    """At the start the market takes a part only; once there is room, what was left goes in too."""
    strategy = Backtest(prepare(changed())).chosen.strategy
    held = {"morpho": Position("morpho#supply", "morpho", "supply", {"size": 1}, {USDC: 10**10}, {})}
    view = World({USDC: 5 * 10**9})
    (plan,) = strategy._move(view, held, {"morpho": 5 * 10**16})
    assert [(step.venue, step.verb, step.args["amount"]) for step in plan.steps] == [("morpho", "supply", All(USDC))]
    assert strategy._move(World({USDC: 10}), held, {"morpho": 5 * 10**16}) == ()  # dust


class World:
    """As much of a view as the question takes: every step can be done and costs 1 gwei."""

    def __init__(self, balances: dict[str, int]) -> None:
        self.balances = balances

    def quote(self, intent: Intent) -> Result:
        return Result({"amount": 1})

    def fee(self, intent: Intent) -> Costs:
        return Costs(l2_execution=10**9)


@pytest.mark.parametrize(
    ("parameters", "says"),
    [
        ({"markets": ["aave"]}, "markets"),
        ({"markets": ["aave", "aave"]}, "markets"),
        ({"foothold_bps": 0}, "foothold_bps"),
        ({"parts": 0}, "parts"),
    ],
)
def test_bad_parameters_are_named(parameters: dict[str, Any], says: str):
    with pytest.raises(BadInput) as told:
        Backtest(prepare(changed(**parameters)))
    assert told.value.field in (says, f"parameters.{says}")
