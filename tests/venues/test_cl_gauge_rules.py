"""Rules of the gauge: small examples by hand, every refusal, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.cl_gauge import rules as r

RANDOM = random.Random("cl_gauge")
Q128 = 1 << 128
MOST = (1 << 160) - 1


def test_all_the_liquidity_for_an_hour_is_an_hour() -> None:
    assert r.seconds_inside(7 + 3_600 * Q128 // 10**18, 7, 10**18) // Q128 in (3_599, 3_600)
    assert r.seconds_inside(5, 5, 10**30) == 0


def test_both_readings_wrap() -> None:
    assert r.seconds_inside(4, MOST - 5, 3) == 30
    assert r.seconds_inside(MOST, 0, MOST) == 1


@pytest.mark.parametrize(
    ("now", "claimed", "left"), [(50, 0, 100), (200, 0, 100), (201, 0, 101), (50, 99, 1), (150, 0, 100)]
)
def test_unclaimed_seconds_grow_once_it_is_over(now: int, claimed: int, left: int) -> None:
    assert r.seconds_unclaimed(100, 200, now, claimed * Q128) == left * Q128


def test_rewards_of_all_that_is_claimed_are_never_more_than_there_is() -> None:
    for _ in range(200):
        left, unclaimed = RANDOM.randrange(1, 10**30), 3_600 * Q128
        paid = 0
        for _ in range(5):
            inside = RANDOM.randrange(unclaimed // 4)
            reward = r.reward_down(left - paid, inside, unclaimed)
            paid, unclaimed = paid + reward, unclaimed - inside
        assert 0 <= paid <= left
    assert r.reward_down(7, 1, 3) == 2
    assert r.reward_down(7, 3, 3) == 7


def test_what_cannot_be_shared_is_refused() -> None:
    with pytest.raises(Revert):
        r.reward_down(1, 1, 0)
    with pytest.raises(Revert):
        r.reward_down((1 << 256) - 1, 2, 1)


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM))) for _ in range(3_000)]
    threes = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    assert assert_rule_equal_on_three_types(r.seconds_inside, threes) == 0
    times = [(RANDOM.randrange(1 << 33), RANDOM.randrange(1 << 33), RANDOM.randrange(1 << 33), a) for a, _, _ in threes]
    assert 0 < assert_rule_equal_on_three_types(r.seconds_unclaimed, times) < len(times)
    assert 0 < assert_rule_equal_on_three_types(r.reward_down, threes) < len(threes)
