"""Amounts between prices and prices after amounts, held against exact fractions and hand-made vectors."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil, floor

import pytest

from tidemill.errors import Revert
from tidemill.units import MAX_UINT256, Q96
from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules as r

RANDOM = random.Random("prices")
ONE = int(Q96)


def _price() -> int:
    return r.sqrt_ratio_at_tick(RANDOM.randrange(r.MIN_TICK, r.MAX_TICK)) + RANDOM.randrange(1000)


def _liquidity() -> int:
    return RANDOM.getrandbits(RANDOM.randint(1, 128))


def _triples(n: int) -> list[tuple[int, int, int]]:
    out = []
    for _ in range(n):
        near = _price()
        far = min(near + RANDOM.getrandbits(RANDOM.randint(1, near.bit_length())), r.MAX_SQRT_RATIO)
        out.append((near, far, _liquidity()))
    return out


def test_by_hand() -> None:
    """From price 1 to price 4 (its root doubles) and liquidity 7: 7 - 7/2 of token0, 14 - 7 of token1."""
    assert (r.amount0_delta_down(ONE, 2 * ONE, 7), r.amount0_delta_up(ONE, 2 * ONE, 7)) == (3, 4)
    assert (r.amount1_delta_down(ONE, 2 * ONE, 7), r.amount1_delta_up(ONE, 2 * ONE, 7)) == (7, 7)
    assert (r.amount1_delta_down(ONE, ONE * 3 // 2, 7), r.amount1_delta_up(ONE, ONE * 3 // 2, 7)) == (3, 4)
    # A third of a unit of price is not a whole number of Q64.96.
    assert r.sqrt_price_after_amount1_in_down(ONE, 3, 1) == ONE + ONE // 3
    assert r.sqrt_price_after_amount1_out_down(ONE, 3, 1) == ONE - ONE // 3 - 1
    assert r.sqrt_price_after_amount0_in_up(ONE, 2, 1) == ONE * 2 // 3 + 1
    assert r.sqrt_price_after_amount0_out_up(ONE, 4, 1) == ONE * 4 // 3 + 1
    assert r.sqrt_price_after_amount0_out_up(ONE, 2, 1) == ONE * 2


def test_amounts_are_the_fractions_rounded_each_way() -> None:
    for lower, upper, liquidity in _triples(3000):
        amount1 = Fraction(liquidity * (upper - lower), ONE)
        assert r.amount1_delta_down(lower, upper, liquidity) == floor(amount1)
        assert r.amount1_delta_up(lower, upper, liquidity) == ceil(amount1)
        inner = Fraction(liquidity * ONE * (upper - lower), upper)
        assert r.amount0_delta_down(lower, upper, liquidity) == floor(Fraction(floor(inner), lower))
        assert r.amount0_delta_up(lower, upper, liquidity) == ceil(Fraction(ceil(inner), lower))
        # The two roundings of token0 are within a unit of the exact amount.
        exact = inner / lower
        assert floor(exact) - 1 <= r.amount0_delta_down(lower, upper, liquidity) <= exact
        assert exact <= r.amount0_delta_up(lower, upper, liquidity) <= ceil(exact) + 1


def test_prices_after_amounts_are_the_fractions_rounded_against_the_swapper() -> None:
    for _ in range(3000):
        price, liquidity = _price(), _liquidity() + 1
        amount = RANDOM.getrandbits(RANDOM.randint(1, 100))
        reserve = liquidity * ONE
        assert r.sqrt_price_after_amount0_in_up(price, liquidity, amount) == ceil(
            Fraction(reserve * price, reserve + amount * price)
        )
        assert r.sqrt_price_after_amount1_in_down(price, liquidity, amount) == price + floor(
            Fraction(amount * ONE, liquidity)
        )
        out0 = min(amount, (reserve - 1) // price)
        assert r.sqrt_price_after_amount0_out_up(price, liquidity, out0) == ceil(
            Fraction(reserve * price, reserve - out0 * price)
        )
        out1 = min(amount, liquidity * price // ONE)
        assert r.sqrt_price_after_amount1_out_down(price, liquidity, out1) == price - ceil(
            Fraction(out1 * ONE, liquidity)
        )


def test_an_input_beyond_256_bits_divides_twice() -> None:
    price, liquidity = r.MAX_SQRT_RATIO - 1, (1 << 128) - 1
    reserve = liquidity << 96
    most = (int(MAX_UINT256) - reserve) // price  # the greatest amount whose denominator still fits
    for amount in (most - 1, most):
        exact = ceil(Fraction(reserve * price, reserve + amount * price))
        assert r.sqrt_price_after_amount0_in_up(price, liquidity, amount) == exact
    for amount in (most + 1, 1 << 200, int(MAX_UINT256) - reserve):
        twice = ceil(Fraction(reserve, reserve // price + amount))
        assert r.sqrt_price_after_amount0_in_up(price, liquidity, amount) == twice
    assert r.sqrt_price_after_amount0_in_up(1 << 96, 1, 1 << 95) == ceil(Fraction(ONE * ONE, ONE + (1 << 95) * ONE))


@pytest.mark.parametrize("amount", [10**18, 10**19])
def test_taking_all_there_is_or_more_reverts(amount: int) -> None:
    with pytest.raises(Revert):
        r.sqrt_price_after_amount0_out_up(ONE, 10**18, amount)
    with pytest.raises(Revert):
        r.sqrt_price_after_amount1_out_down(ONE, 10**18, amount + 1)


@pytest.mark.parametrize("name", ["amount0_delta_down", "amount0_delta_up", "amount1_delta_down", "amount1_delta_up"])
def test_amounts_on_every_number_type(name: str) -> None:
    rows = [*_triples(800), (ONE, ONE, 5), (ONE, 2 * ONE, 0)]
    assert assert_rule_equal_on_three_types(getattr(r, name), rows) == 0
    assert assert_rule_equal_on_three_types(getattr(r, name), [(ONE + 1, ONE, 5)]) == 1


@pytest.mark.parametrize(
    "name",
    [
        "sqrt_price_after_amount0_in_up",
        "sqrt_price_after_amount0_out_up",
        "sqrt_price_after_amount1_in_down",
        "sqrt_price_after_amount1_out_down",
    ],
)
def test_prices_on_every_number_type(name: str) -> None:
    rows = [(_price(), _liquidity(), RANDOM.getrandbits(RANDOM.randint(1, 250))) for _ in range(800)]
    assert_rule_equal_on_three_types(getattr(r, name), rows)
