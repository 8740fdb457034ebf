"""Oracle accumulators: small examples, 32-, 56- and 160-bit wrapping, interpolation."""

from __future__ import annotations

import random

import pytest

from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules as r

RANDOM = random.Random("oracle")
WRAP_32, WRAP_160 = 1 << 32, 1 << 160


@pytest.mark.parametrize(
    ("value", "folded"),
    [(0, 0), ((1 << 55) - 1, (1 << 55) - 1), (1 << 55, -(1 << 55)), (-(1 << 55) - 1, (1 << 55) - 1), (-5, -5)],
)
def test_56_bits_wrap(value: int, folded: int) -> None:
    assert r.wrap_int56(value) == folded


def test_times_wrap() -> None:
    assert r.seconds_between(100, 160) == 60
    assert r.seconds_between(WRAP_32 - 10, 50) == 60
    now = 1000
    for earlier, later in ((5, 6), (6, 6), (WRAP_32 - 5, 6), (WRAP_32 - 6, WRAP_32 - 5), (999, 1000)):
        assert r.not_after(now, earlier, later)
        assert r.not_after(now, later, earlier) == (earlier == later)


def test_tick_cumulative() -> None:
    assert r.tick_cumulative(1000, -7, 60) == 580
    assert r.tick_cumulative((1 << 55) - 1, 1, 1) == -(1 << 55)


def test_seconds_per_liquidity_counts_no_liquidity_as_one_unit() -> None:
    assert r.seconds_per_liquidity_down(5, 60, 0) == (60 << 128) + 5 == r.seconds_per_liquidity_down(5, 60, 1)
    assert r.seconds_per_liquidity_down(0, 60, 7) == (60 << 128) // 7
    assert r.seconds_per_liquidity_down(WRAP_160 - 1, 1, 1 << 128) == 0
    assert r.wrapping_sub_160(3, 5) == WRAP_160 - 2


def test_interpolation() -> None:
    assert r.interpolate_tick_cumulative(100, 200, 5, 10) == 150
    assert r.interpolate_tick_cumulative(100, 60, 3, 4) == 70
    assert r.interpolate_tick_cumulative((1 << 55) - 2, -(1 << 55), 1, 2) == (1 << 55) - 1
    assert r.interpolate_tick_cumulative(-(1 << 55), (1 << 55) - 3, 1, 3) == (1 << 55) - 1
    assert r.interpolate_seconds_per_liquidity_down(100, 107, 3, 4) == 105
    assert r.interpolate_seconds_per_liquidity_down(WRAP_160 - 1, 3, 1, 2) == 1


def test_on_every_number_type() -> None:
    def time() -> int:
        return RANDOM.choice((RANDOM.getrandbits(32), WRAP_32 - 1, 0, RANDOM.getrandbits(8)))

    def tick_sum() -> int:
        return RANDOM.choice((RANDOM.randrange(-(1 << 55), 1 << 55), RANDOM.randrange(-1000, 1000)))

    def spl() -> int:
        return RANDOM.getrandbits(RANDOM.choice((8, 130, 160)))

    n = range(500)
    assert_rule_equal_on_three_types(r.wrap_int56, [(tick_sum() * 3,) for _ in n])
    assert_rule_equal_on_three_types(r.wrapping_sub_160, [(spl(), spl()) for _ in n])
    assert_rule_equal_on_three_types(r.seconds_between, [(time(), time()) for _ in n])
    assert_rule_equal_on_three_types(r.not_after, [(time(), time(), time()) for _ in n])
    assert_rule_equal_on_three_types(
        r.tick_cumulative, [(tick_sum(), RANDOM.randrange(-887_272, 887_273), time()) for _ in n]
    )
    liquidity = [RANDOM.choice((0, 1, RANDOM.getrandbits(RANDOM.randint(1, 128)))) for _ in n]
    assert_rule_equal_on_three_types(r.seconds_per_liquidity_down, [(spl(), time(), each) for each in liquidity])
    spans = [(time(), RANDOM.randrange(1, WRAP_32)) for _ in n]
    assert_rule_equal_on_three_types(
        r.interpolate_tick_cumulative, [(tick_sum(), tick_sum(), e % span, span) for e, span in spans]
    )
    assert_rule_equal_on_three_types(
        r.interpolate_seconds_per_liquidity_down, [(spl(), spl(), e % span, span) for e, span in spans]
    )
