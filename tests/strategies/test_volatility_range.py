"""The volatility range: how wide it gets, when it is laid anew, and that it knows the past alone."""

from __future__ import annotations

import math
import random
from itertools import pairwise
from typing import Any

import pytest
from msgspec import structs
from plays import BLOCK, HOME, failures, filled, played, walk

from tidemill.errors import BadInput
from tidemill.strategies.registry import find
from tidemill.strategies.volatility_range import VolatilityMemo, VolatilityRange

ONE = 1 << 32
QUICK = {**HOME, "window": 400, "every": 60, "horizon": 600, "cooldown": 60, "min_width": 20, "max_width": 2_000}


def widths(outcomes: Any) -> list[tuple[int, int]]:
    """(time, half the width) of every range laid."""
    laid = filled(outcomes, "mint")
    return [(r.at.time, (r.action.args["tick_upper"] - r.action.args["tick_lower"]) // 2) for r in laid]


@pytest.mark.parametrize("seed", range(20))
def test_the_sums_are_those_of_plain_arithmetic_and_lose_nothing_that_counts(seed: int) -> None:
    rng = random.Random(f"sums {seed}")
    window, now, tick = rng.randrange(200, 200_000), 1_000, 0
    memo, squares, seconds = VolatilityMemo().saw(tick, now, window), 0.0, 0.0
    for _ in range(300):
        took, moved = rng.randrange(1, window // 4), rng.randrange(-500, 501)
        now, tick = now + took, tick + moved
        memo = memo.saw(tick, now, window)
        left = 1 - took / window
        squares, seconds = squares * left + moved**2, seconds * left + took
    assert abs(memo.squares / ONE - squares) < 1e-6 * squares + 1e-3
    assert abs(memo.seconds / ONE - seconds) < 1e-6 * seconds + 1e-3
    exact = math.sqrt(squares / seconds * 86_400)
    assert exact - 1.001 < memo.deviation_down(86_400) <= exact + 0.001


def test_a_walk_of_known_volatility_is_measured() -> None:
    rng, memo, now, tick = random.Random("known"), VolatilityMemo(), 1_000, 0.0
    for _ in range(4_000):
        memo = memo.saw(round(tick), now, 3_600 * 500)
        now, tick = now + 3_600, tick + rng.gauss(0, 30)
    # 500 looks count, so the standard error is about 1/sqrt(1000); rounding to whole ticks adds a hundredth of a percent
    assert abs(memo.deviation_down(86_400) / (30 * math.sqrt(24)) - 1) < 0.1


def test_after_a_gap_as_long_as_the_window_only_the_last_move_counts() -> None:
    wild = VolatilityMemo().saw(0, 1_000, 600).saw(900, 1_100, 600).saw(0, 1_200, 600)
    assert wild.deviation_down(100) > 800
    assert wild.saw(6, 1_800, 600).deviation_down(600) == 6


def test_looks_are_as_far_apart_as_they_should_be_whatever_else_wakes_it() -> None:
    looks = set()

    class Witness:
        Memo = VolatilityMemo

        def decide(self, view: Any, memo: VolatilityMemo, news: Any) -> Any:
            decision = VolatilityRange(**QUICK).decide(view, memo, news)
            looks.add(decision.memo.seen_at)
            return decision

    assert len(filled(played(Witness(), walk(1, step=80)))) > 8  # each of them wakes it
    assert all(60 <= b - a <= 120 for a, b in pairwise(sorted(looks)))


def test_a_restless_market_gets_a_wider_range_than_a_quiet_one() -> None:
    wild, calm = (played(VolatilityRange(**QUICK), walk(1, step=step)) for step in (80, 8))
    assert widths(wild)[0][1] == widths(calm)[0][1] == 2_000  # nothing is known yet
    assert min(w for _, w in widths(calm)) < min(w for _, w in widths(wild)) / 4
    assert not failures(wild) and not failures(calm)


def test_it_is_laid_anew_when_the_market_has_calmed_down_and_not_if_that_is_switched_off() -> None:
    path = [*walk(2, step=60, blocks=400), *((n, t) for n, t in walk(3, step=2, blocks=1_000) if n >= 400)]
    kept, moved = (played(VolatilityRange(**QUICK, rewidth_bps=drift), path) for drift in (0, 5_000))
    assert len(widths(moved)) > len(widths(kept))
    assert widths(moved)[-1][1] < widths(moved)[0][1]
    assert [w for _, w in widths(kept)] == [2_000] * len(widths(kept))  # never left, never laid anew


def test_the_width_keeps_its_bounds_and_resets_their_distance() -> None:
    bounded = VolatilityRange(**{**QUICK, "min_width": 300, "max_width": 350, "cooldown": 200})
    laid = widths(played(bounded, walk(4, step=200)))
    assert len(laid) > 3
    assert all(290 <= width <= 360 for _, width in laid)  # outwards to the spacing of 10
    assert all(b[0] - a[0] >= 200 for a, b in pairwise(laid))


@pytest.mark.parametrize("seed", range(6))
def test_it_knows_the_past_alone(seed: int) -> None:
    """Two worlds that are the same up to a block: up to then the same was done."""
    split = 600
    one = walk(seed, step=60)
    two = [(n, t) for n, t in one if n <= split] + [(n, 5_000 - t) for n, t in one if n > split]
    a, b = (played(VolatilityRange(**QUICK), path) for path in (one, two))
    until = 1_000 + split * BLOCK
    told = [[(r.at, r.verb, r.action) for r in out.record if r.at.time <= until] for out in (a, b)]
    assert told[0] == told[1] and len(told[0]) >= 2
    assert [(r.at, r.verb, r.action) for r in a.record] != [(r.at, r.verb, r.action) for r in b.record]


@pytest.mark.parametrize(
    ("bad", "says"),
    [
        ({"min_width": 300, "max_width": 200}, "min_width: 300 is above max_width, 200"),
        ({"every": 7_200, "window": 14_400}, "every: 7200 s give fewer than four looks"),
        ({"multiple_bps": 10}, "parameters.multiple_bps: expected a whole number >= 100"),
        ({"window": 5}, "parameters.window: expected a whole number >= 60"),
    ],
)
def test_what_cannot_be_is_named(bad: dict[str, int], says: str) -> None:
    with pytest.raises(BadInput) as caught:
        find("volatility_range", None, own_code=False).make(bad, HOME, file="s.toml")
    assert says in str(caught.value)


def test_the_widest_is_kept_until_half_the_window_is_known() -> None:
    strategy, memo = VolatilityRange(**QUICK), VolatilityMemo()
    for now in range(1_000, 1_181, 60):
        memo = memo.saw(0, now, 400)
    assert strategy.width(memo) == 2_000
    assert strategy.width(memo.saw(0, 1_240, 400)) == 2_000
    assert strategy.width(structs.replace(memo, seconds=200 * ONE)) == 20
