"""Amounts between two prices, and the price after an amount (white paper, section 6.2).

With liquidity ``L`` the pool behaves as if it held ``L / sqrt_price`` of token0 and ``L * sqrt_price`` of token1. Every
rounding favours the pool: what a swapper or provider pays is rounded up, what they receive is rounded down.
Prices are Q64.96, amounts raw units, liquidity is below 2**128.
"""

from __future__ import annotations

from tidemill.units import (
    MAX_UINT128,
    MAX_UINT256,
    Q96,
    Uint,
    div_down,
    div_up,
    mul_div_down,
    mul_div_up,
    mul_shift_down,
    mul_shift_up,
    rule,
    wide,
    wrapping_mul,
)

__all__ = [
    "amount0_delta_down",
    "amount0_delta_up",
    "amount1_delta_down",
    "amount1_delta_up",
    "sqrt_price_after_amount0_in_up",
    "sqrt_price_after_amount0_out_up",
    "sqrt_price_after_amount1_in_down",
    "sqrt_price_after_amount1_out_down",
]

# Below 2**95, amount * price < 2**255 and L * 2**96 < 2**224: the sum fits without a division to find out.
_ALWAYS_FITS = wide(1 << 95)


# Floors of floors and ceilings of ceilings nest: two divisions are one by the product, where that fits 256 bits
# (`lower` is never above `upper`). The masks take nothing away: they tell the compiler that a short product will do.
_PRODUCT_FITS = wide(1 << 128)


@rule
def amount0_delta_down(lower: Uint, upper: Uint, liquidity: Uint) -> Uint:
    """Token0 between two prices, ``L * (upper - lower) / (upper * lower)``, each of its two divisions rounded down."""
    if upper < _PRODUCT_FITS:
        return mul_div_down(upper - lower, liquidity << 96, wrapping_mul(upper & MAX_UINT128, lower & MAX_UINT128))
    return div_down(mul_div_down(upper - lower, liquidity << 96, upper), lower)


@rule
def amount0_delta_up(lower: Uint, upper: Uint, liquidity: Uint) -> Uint:
    """Token0 between two prices, each of its two divisions rounded up."""
    if upper < _PRODUCT_FITS:
        return mul_div_up(upper - lower, liquidity << 96, wrapping_mul(upper & MAX_UINT128, lower & MAX_UINT128))
    return div_up(mul_div_up(upper - lower, liquidity << 96, upper), lower)


@rule
def amount1_delta_down(lower: Uint, upper: Uint, liquidity: Uint) -> Uint:
    """Token1 between two prices, ``L * (upper - lower)``, rounded down."""
    return mul_shift_down(liquidity, upper - lower, 96)


@rule
def amount1_delta_up(lower: Uint, upper: Uint, liquidity: Uint) -> Uint:
    """Token1 between two prices, rounded up."""
    return mul_shift_up(liquidity, upper - lower, 96)


@rule
def sqrt_price_after_amount0_in_up(sqrt_price: Uint, liquidity: Uint, amount: Uint) -> Uint:
    """Price after ``amount`` of token0 went in: it falls; rounded up, so that it falls no further than paid for.

    ``L * P / (L + amount * P)``. Where the denominator does not fit 256 bits, the contract divides twice instead:
    ``L / (L / P + amount)``, the inner quotient rounded down.
    """
    reserve = liquidity << 96
    if amount < _ALWAYS_FITS:
        return mul_div_up(sqrt_price, reserve, reserve + wrapping_mul(amount, sqrt_price))
    if amount <= div_down(MAX_UINT256 - reserve, sqrt_price):
        return mul_div_up(sqrt_price, reserve, reserve + amount * sqrt_price)
    return div_up(reserve, div_down(reserve, sqrt_price) + amount)


@rule
def sqrt_price_after_amount0_out_up(sqrt_price: Uint, liquidity: Uint, amount: Uint) -> Uint:
    """Price after ``amount`` of token0 went out: it rises; rounded up, so that it rises at least as far as taken for.

    ``amount`` is less than the pool holds: ``amount * P < L``.
    """
    reserve = liquidity << 96
    return mul_div_up(sqrt_price, reserve, reserve - amount * sqrt_price)


@rule
def sqrt_price_after_amount1_in_down(sqrt_price: Uint, liquidity: Uint, amount: Uint) -> Uint:
    """Price after ``amount`` of token1 went in: it rises by ``amount / L``; rounded down, no further than paid for."""
    return sqrt_price + mul_div_down(amount, Q96, liquidity)


@rule
def sqrt_price_after_amount1_out_down(sqrt_price: Uint, liquidity: Uint, amount: Uint) -> Uint:
    """Price after ``amount`` of token1 went out: it falls by ``amount / L``, rounded up."""
    return sqrt_price - mul_div_up(amount, Q96, liquidity)
