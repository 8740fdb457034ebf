"""Ticks and prices: published constants, the derivation of the contract's factors, exact inverses."""

from __future__ import annotations

import random
from decimal import Decimal, localcontext
from math import isqrt

import pytest

from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules_ticks
from tidemill.venues.uniswap_v3.rules import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    max_liquidity_per_tick,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)

RANDOM = random.Random("ticks")
SOME_TICKS = sorted({MIN_TICK, MIN_TICK + 1, -1, 0, 1, MAX_TICK - 1} | {1 << bit for bit in range(20)}) + sorted(
    RANDOM.randrange(MIN_TICK, MAX_TICK) for _ in range(1500)
)


def test_factors_are_the_powers_of_the_tick_base_rounded_to_nearest() -> None:
    """1.0001 ** -(2**bit / 2) in Q128, by integer square root and repeated squaring with 384 spare bits."""
    spare = 512
    power = isqrt((10_000 << 2 * spare) // 10_001)
    for bit in range(20):
        nearest = ((power >> (spare - 129)) + 1) >> 1
        assert getattr(rules_ticks, f"_RATIO_{bit}") == nearest
        power = power * power >> spare


@pytest.mark.parametrize(
    ("tick", "sqrt_ratio"),
    [
        (MIN_TICK, 4295128739),
        (0, 1 << 96),
        (MAX_TICK, 1461446703485210103287273052203988822378723970342),
    ],
)
def test_published_ratios(tick: int, sqrt_ratio: int) -> None:
    assert sqrt_ratio_at_tick(tick) == sqrt_ratio
    assert (sqrt_ratio_at_tick(-887_272), sqrt_ratio_at_tick(887_272)) == (MIN_SQRT_RATIO, MAX_SQRT_RATIO)


def test_ratios_are_the_square_root_of_the_price() -> None:
    with localcontext() as context:
        context.prec = 80
        for tick in SOME_TICKS[::20]:
            exact = (Decimal("1.0001") ** tick).sqrt() * 2**96
            below_one = Decimal("1.0001") ** (Decimal(-abs(tick)) / 2)
            error = sqrt_ratio_at_tick(tick) - exact
            # Twenty factors, each off by half a unit of Q128 and each product by one, relative to the least of them.
            assert abs(error) <= 1 + exact * 40 / (below_one * 2**128)


def test_ratios_rise_with_the_tick_and_are_each_others_inverse() -> None:
    ratios = [sqrt_ratio_at_tick(tick) for tick in SOME_TICKS]
    assert all(sqrt_ratio_at_tick(tick + 1) > ratio for tick, ratio in zip(SOME_TICKS, ratios, strict=True))
    for tick in range(1, 3000, 7):
        product = sqrt_ratio_at_tick(tick) * sqrt_ratio_at_tick(-tick)
        assert 0 <= product - (1 << 192) < 1 << 98  # both are rounded up


def test_tick_of_a_price_is_the_greatest_not_above_it() -> None:
    for tick in SOME_TICKS:
        first, beyond = sqrt_ratio_at_tick(tick), sqrt_ratio_at_tick(tick + 1)
        assert tick_at_sqrt_ratio(first) == tick
        assert tick_at_sqrt_ratio(RANDOM.randrange(first, beyond)) == tick
        assert tick_at_sqrt_ratio(beyond - 1) == tick


@pytest.mark.long
def test_tick_of_a_price_at_both_ends_of_every_tick() -> None:
    """The search is monotone in the price, so both ends of every tick are a proof for every price."""
    first = sqrt_ratio_at_tick(MIN_TICK)
    for tick in range(MIN_TICK, MAX_TICK):
        beyond = sqrt_ratio_at_tick(tick + 1)
        assert tick_at_sqrt_ratio(first) == tick == tick_at_sqrt_ratio(beyond - 1)
        first = beyond


@pytest.mark.parametrize(
    ("spacing", "liquidity"),
    [
        (10, 1917569901783203986719870431555990),
        (60, 11505743598341114571880798222544994),
        (200, 38350317471085141830651933667504588),
    ],
)
def test_published_most_liquidity_per_tick(spacing: int, liquidity: int) -> None:
    assert max_liquidity_per_tick(spacing) == liquidity
    usable = len(range(-(MAX_TICK // spacing) * spacing, MAX_TICK + 1, spacing))
    assert liquidity * usable < 1 << 128 <= (liquidity + 1) * usable


def test_on_every_number_type() -> None:
    assert assert_rule_equal_on_three_types(sqrt_ratio_at_tick, [(tick,) for tick in SOME_TICKS]) == 0
    prices = [(sqrt_ratio_at_tick(tick) + by,) for tick in SOME_TICKS[1:] for by in (-1, 0, 1)]
    assert assert_rule_equal_on_three_types(tick_at_sqrt_ratio, prices, checked=500) == 0
    assert assert_rule_equal_on_three_types(max_liquidity_per_tick, [(n,) for n in range(1, 400)]) == 0
