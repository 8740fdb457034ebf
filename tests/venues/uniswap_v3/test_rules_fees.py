"""Fee growth and fees owed: small examples, wrapping, and the additivity that makes ranges work."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units import Q128
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules as r

RANDOM = random.Random("fees")
WRAP = 1 << 256


@pytest.mark.parametrize(
    ("fee", "denominator", "share"), [(100, 0, 0), (100, 4, 25), (103, 4, 25), (9, 10, 0), (10, 10, 1)]
)
def test_protocol_share(fee: int, denominator: int, share: int) -> None:
    assert r.protocol_share_down(fee, denominator) == share


def test_growth_is_the_fee_per_liquidity_in_q128_rounded_down() -> None:
    assert r.fee_growth_down(0, 1, 3) == int(Q128) // 3
    assert r.fee_growth_down(5, 3, 1) == 3 * int(Q128) + 5
    assert r.fee_growth_down(WRAP - 1, 1, 1 << 128) == 0
    with pytest.raises(Revert, match="^overflow$"):
        r.fee_growth_down(0, 1 << 128, 1)


@pytest.mark.parametrize(("tick", "inside"), [(-61, 30), (-60, 60), (59, 60), (60, 10)])
def test_growth_inside_a_range_by_hand(tick: int, inside: int) -> None:
    """Global 100; outside the lower end (-60) 30 or as given, outside the upper end (60) 10."""
    lower, upper = {-61: (40, 10), -60: (30, 10), 59: (30, 10), 60: (30, 40)}[tick]
    assert r.fee_growth_inside(tick, -60, 60, 100, lower, upper) == inside


def test_growth_inside_neighbouring_ranges_adds_up() -> None:
    for _ in range(500):
        growth = RANDOM.getrandbits(256)
        a, b, c = (RANDOM.getrandbits(256) for _ in range(3))
        for tick in (-70, -60, 0, 30, 59, 60, 100):
            whole = r.fee_growth_inside(tick, -60, 60, growth, a, c)
            left = r.fee_growth_inside(tick, -60, 30, growth, a, b)
            right = r.fee_growth_inside(tick, 30, 60, growth, b, c)
            assert (left + right - whole) % WRAP == 0


def test_fees_owed_is_the_growth_since_times_liquidity_rounded_down() -> None:
    assert r.fees_owed_down(int(Q128) // 3, 0, 3) == 0  # a third per unit, rounded down: two thirds are lost
    assert r.fees_owed_down(int(Q128), 0, 7) == 7
    assert r.fees_owed_down(4, WRAP - (1 << 128) + 4, 9) == 9  # the growth has wrapped
    assert r.fees_owed_down(WRAP - 1, 0, (1 << 128) - 1) == (WRAP - 1) * ((1 << 128) - 1) >> 128 & (1 << 128) - 1


@pytest.mark.parametrize(("amount", "fee", "due"), [(0, 3000, 0), (1, 3000, 1), (1000, 3000, 3), (1001, 3000, 4)])
def test_flash_fee(amount: int, fee: int, due: int) -> None:
    assert r.flash_fee_up(amount, fee) == due


def test_128_bits_wrap() -> None:
    assert r.wrapping_add_128((1 << 128) - 1, 3) == 2
    assert r.wrapping_add_128(5, 6) == 11


def test_on_every_number_type() -> None:
    edges = [n for n in EDGES if n < WRAP]
    pairs = [(RANDOM.choice(edges), RANDOM.choice(edges)) for _ in range(600)]
    assert_rule_equal_on_three_types(r.wrapping_add_128, pairs)
    assert_rule_equal_on_three_types(r.protocol_share_down, [(a, b % 11) for a, b in pairs])
    assert_rule_equal_on_three_types(r.flash_fee_up, [(a, b % 1_000_000) for a, b in pairs])
    threes = [(a, b, RANDOM.choice(edges)) for a, b in pairs]
    assert_rule_equal_on_three_types(r.fees_owed_down, [(a, b, c >> 128) for a, b, c in threes])
    assert_rule_equal_on_three_types(r.fee_growth_down, threes)
    ticks = [(RANDOM.randrange(-9, 9), -5, 5, *three) for three in threes]
    assert assert_rule_equal_on_three_types(r.fee_growth_inside, ticks) == 0
