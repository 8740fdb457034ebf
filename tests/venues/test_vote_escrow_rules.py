"""Rules of the vote escrow: small examples by hand, what sums to what, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.vote_escrow import rules as r

RANDOM = random.Random("vote escrow")


@pytest.mark.parametrize(
    ("time", "down", "up"), [(0, 0, 0), (1, 0, r.WEEK), (r.WEEK, r.WEEK, r.WEEK), (r.WEEK - 1, 0, r.WEEK)]
)
def test_weeks_begin_where_they_began_in_1970(time: int, down: int, up: int) -> None:
    assert (r.week_down(time), r.week_up(time)) == (down, up)


def test_a_full_year_gives_a_vote_a_unit_less_rounding() -> None:
    slope = r.slope_down(10**18)
    assert r.votes(slope, r.LONGEST, 0) <= 10**18
    assert 10**18 - r.votes(slope, r.LONGEST, 0) < r.LONGEST
    assert r.slope_down(r.LONGEST - 1) == 0  # too little has no votes at all
    with pytest.raises(Revert):
        r.votes(slope, 5, 6)


def test_votes_fall_in_a_straight_line_and_no_further() -> None:
    for _ in range(200):
        slope, end = RANDOM.randrange(10**12), RANDOM.randrange(1, r.LONGEST)
        whole, now = r.votes(slope, end, 0), RANDOM.randrange(2 * r.LONGEST)
        assert r.decayed(whole, slope, now) == max(whole - slope * now, 0)


@pytest.mark.parametrize(
    ("whole", "more", "less", "after"), [(5, 3, 0, 8), (5, 0, 5, 0), (5, 0, 6, 0), (0, 0, 1, 0), (2, 2, 3, 1)]
)
def test_a_sum_never_falls_below_nothing(whole: int, more: int, less: int, after: int) -> None:
    assert r.changed(whole, more, less) == after


def test_blocks_are_placed_between_two_known_ones() -> None:
    assert r.block_rate_down(10, 0) == 0
    assert r.block_rate_down(1, 12) == 10**18 // 12
    assert r.later_block_down(100, r.block_rate_down(50, 600), 300) == 124  # the rate was rounded down
    assert r.time_of_down(7, 5, 5, 100, 900) == 100
    assert [r.time_of_down(block, 5, 8, 100, 200) for block in range(5, 9)] == [100, 133, 166, 200]
    with pytest.raises(Revert):
        r.time_of_down(4, 5, 8, 100, 200)


def test_what_arrived_is_spread_by_time() -> None:
    assert r.spread_down(1_000, 0, 0) == 1_000
    for _ in range(200):
        arrived, since = RANDOM.randrange(10**9), RANDOM.randrange(1, r.LONGEST)
        cut = RANDOM.randrange(since + 1)
        parts = r.spread_down(arrived, cut, since) + r.spread_down(arrived, since - cut, since)
        assert 0 <= arrived - parts <= 1


def test_no_week_pays_more_than_it_has() -> None:
    for _ in range(200):
        votes, tokens = [RANDOM.randrange(1, 10**20) for _ in range(5)], RANDOM.randrange(10**9)
        assert 0 <= tokens - sum(r.dividend_down(held, tokens, sum(votes)) for held in votes) < 5


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256))) for _ in range(3_000)]
    ones = [(value,) for value in values]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    threes = [(*pair, value) for pair, value in zip(pairs, values, strict=False)]
    fives = [(*three, *pair) for three, pair in zip(threes, reversed(pairs), strict=True)]
    for rule in (r.week_down, r.slope_down):
        assert assert_rule_equal_on_three_types(rule, ones) == 0
    assert 0 < assert_rule_equal_on_three_types(r.week_up, ones) < len(ones)
    for rule in (r.changed, r.votes, r.decayed, r.later_block_down, r.spread_down, r.dividend_down):
        assert 0 < assert_rule_equal_on_three_types(rule, threes) < len(threes)
    assert 0 < assert_rule_equal_on_three_types(r.block_rate_down, pairs) < len(pairs)
    assert 0 < assert_rule_equal_on_three_types(r.time_of_down, fives) < len(fives)
