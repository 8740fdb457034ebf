"""The ladder: where its rungs stand, what each is worth, and which of them a reset touches."""

from __future__ import annotations

from itertools import pairwise
from typing import Any

import pytest
from plays import HOME, decisions, failures, filled, played, walk
from standins import ratio_at

from tidemill.errors import BadInput
from tidemill.interfaces import Mark
from tidemill.strategies.range_ladder import RangeLadder
from tidemill.strategies.registry import find

W0, W1 = "WETH@op", "USDC@op"


def spans(mark: Mark) -> list[tuple[int, int]]:
    return sorted((p.data["tick_lower"], p.data["tick_upper"]) for p in mark.positions)


def laid(outcomes: Any) -> list[tuple[int, int]]:
    return [(r.action.args["tick_lower"], r.action.args["tick_upper"]) for r in filled(outcomes, "mint")]


def worths(mark: Mark, tick: int) -> list[int]:
    """What each rung holds in token1 at a tick, lowest first."""
    price = ratio_at(tick)
    held = sorted(mark.positions, key=lambda p: p.data["tick_lower"])
    return [(p.principal[W0] * price * price >> 192) + p.principal[W1] for p in held]


def whole(outcomes: Any, rungs: int) -> Mark:
    """The first mark with every rung laid."""
    return next(m for m in outcomes.marks if len(m.positions) == rungs)


@pytest.mark.parametrize("weights", [(1,), (1, 1), (1, 2, 1), (5, 1, 1, 2), (3, 1, 4, 1, 5, 9, 2, 6)])
@pytest.mark.parametrize("tick", [0, 3, -777])
def test_rungs_stand_side_by_side_around_the_price_and_are_worth_their_weights(
    weights: tuple[int, ...], tick: int
) -> None:
    out = played(RangeLadder(**HOME, weights=weights, width=95), [(0, tick)])
    mark = whole(out, len(weights))
    low = (tick - len(weights) * 50) // 10 * 10
    assert spans(mark) == [(low + i * 100, low + (i + 1) * 100) for i in range(len(weights))]
    worth = worths(mark, tick)
    for weight, value in zip(weights, worth, strict=True):
        assert abs(value * sum(weights) / sum(worth) / weight - 1) < 0.02
    idle = mark.balances.get(W0, 0) + mark.balances.get(W1, 0)
    assert idle * 100 < sum(worth) * 2
    assert not failures(out)
    assert set(out.marks[-1].balances) == {"USDC@op", "ETH@op"} and not out.marks[-1].positions


def test_the_whole_ladder_is_laid_anew_when_the_price_has_left_it_and_not_before() -> None:
    path = [(0, 0), (100, 154), (200, 160), (600, -500)]
    out = played(RangeLadder(**HOME, weights=(1, 1, 1), width=100, trigger=5, cooldown=600), path)
    first, second, third = [(-150, -50), (-50, 50), (50, 150)], [(10, 110), (110, 210), (210, 310)], laid(out)[6:]
    assert laid(out)[:6] == [*first, *second]  # around 0, then around 160
    assert third == [(-650, -550), (-550, -450), (-450, -350)]
    # 600 s after it was laid, and not at block 100, where the trigger is not reached; then at once; then the end
    assert [r.at.number for r in filled(out, "close")] == [302] * 3 + [604] * 3 + [1_001] * 3


def test_at_the_edge_one_rung_goes_to_the_front_and_the_others_are_left_alone() -> None:
    path = [(0, 0), (100, 49), (200, 55), (400, 160), (700, -60)]
    out = played(RangeLadder(**HOME, weights=(1, 1, 1), width=100, reset="edge", cooldown=0), path)
    assert laid(out)[:5] == [(-150, -50), (-50, 50), (50, 150), (150, 250), (250, 350)]
    assert laid(out)[5:] == [(-210, -110), (-110, -10), (-10, 90)]  # farther than a ladder: all of it, around the price
    gone = [(r.at.number, r.action.args["position"]) for r in filled(out, "close")]
    assert gone[:3] == [(201, "pool#1"), (401, "pool#2"), (701, "pool#3")]  # one each time, the lowest


def test_at_the_edge_it_follows_a_falling_price_too() -> None:
    path = [(0, 0), (100, -49), (200, -60), (400, -160)]
    out = played(RangeLadder(**HOME, weights=(1, 1, 1), width=100, reset="edge", cooldown=0), path)
    assert laid(out)[3:] == [(-250, -150), (-350, -250)]
    assert [r.action.args["position"] for r in filled(out, "close")][:2] == ["pool#3", "pool#2"]


@pytest.mark.parametrize(("trigger", "closed"), [(0, 101), (7, 301), (20, 1_001)])
def test_the_trigger_is_how_far_outside_the_price_may_be(trigger: int, closed: int) -> None:
    path = [(0, 0), (100, 151), (200, 153), (300, 158)]
    out = played(RangeLadder(**HOME, weights=(1, 1, 1), width=100, trigger=trigger, cooldown=0), path)
    assert filled(out, "close")[0].at.number == closed


def test_left_alone_means_left_alone() -> None:
    out = played(RangeLadder(**HOME, reset="none"), walk(5, step=300))
    assert len(filled(out, "mint")) == len(filled(out, "close")) == 3
    assert {r.at.number for r in filled(out, "close")} == {1_001}


@pytest.mark.parametrize("reset", ["all", "edge", "none"])
@pytest.mark.parametrize("seed", range(8))
def test_in_random_worlds_rungs_never_overlap_nor_stand_idle(reset: str, seed: int) -> None:
    strategy = RangeLadder(**HOME, weights=(1, 2, 3, 2), width=60, reset=reset, trigger=10, cooldown=100)  # type: ignore[arg-type]
    out = played(strategy, walk(f"{reset} {seed}", step=45), fee_per_tick=10**4)
    marks = decisions(out)
    assert any(len(m.positions) == 4 for m in marks)
    for mark in marks:
        held = spans(mark)
        assert all(a[1] <= b[0] for a, b in pairwise(held)), held
        assert all(b - a == 60 for a, b in held)
    assert not out.marks[-1].positions
    swaps = filled(out, "swap_exact_in")
    assert all(r.action.limits["amount_out_min"] > 0 for r in swaps)


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"weights": []}, "parameters.weights"),
        ({"weights": [1, 0]}, "parameters.weights[1]: expected a whole number >= 1"),
        ({"weights": [1] * 17}, "parameters.weights"),
        ({"reset": "some"}, "parameters.reset: not a valid choice: 'some'; valid: all, edge, none"),
        ({"width": 0}, "parameters.width: expected a whole number >= 1"),
    ],
)
def test_what_cannot_be_is_named(bad: dict[str, Any], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        find("range_ladder", None, own_code=False).make(bad, HOME, file="s.toml")
    assert says in str(caught.value)
