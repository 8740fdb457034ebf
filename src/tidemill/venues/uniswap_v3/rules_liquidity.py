"""Liquidity for amounts, and amounts for liquidity (white paper, section 6.3; the periphery's way of rounding)."""

from __future__ import annotations

from tidemill.units import Q96, Uint, minimum, mul_div_down, require_bits, rule
from tidemill.venues.uniswap_v3.rules_prices import (
    amount0_delta_down,
    amount0_delta_up,
    amount1_delta_down,
    amount1_delta_up,
)

__all__ = [
    "amounts_for_liquidity_down",
    "amounts_for_liquidity_up",
    "liquidity_for_amount0_down",
    "liquidity_for_amount1_down",
    "liquidity_for_amounts_down",
]


@rule
def liquidity_for_amount0_down(lower: Uint, upper: Uint, amount0: Uint) -> Uint:
    """Most liquidity that ``amount0`` pays for between two prices (Q64.96), each division rounded down.

    Raises
    ------
    Revert : the prices are equal, or the liquidity needs more than 128 bits.
    """
    return require_bits(mul_div_down(amount0, mul_div_down(lower, upper, Q96), upper - lower), 128, "")


@rule
def liquidity_for_amount1_down(lower: Uint, upper: Uint, amount1: Uint) -> Uint:
    """Most liquidity that ``amount1`` pays for between two prices; reverts as `liquidity_for_amount0_down`."""
    return require_bits(mul_div_down(amount1, Q96, upper - lower), 128, "")


@rule
def liquidity_for_amounts_down(sqrt_price: Uint, lower: Uint, upper: Uint, amount0: Uint, amount1: Uint) -> Uint:
    """Most liquidity of the range ``lower < upper`` that both amounts pay for at the current price.

    Below the range only token0 counts, above it only token1, inside it the scarcer of the two.
    """
    if sqrt_price <= lower:
        return liquidity_for_amount0_down(lower, upper, amount0)
    if sqrt_price < upper:
        by_amount0 = liquidity_for_amount0_down(sqrt_price, upper, amount0)
        return minimum(by_amount0, liquidity_for_amount1_down(lower, sqrt_price, amount1))
    return liquidity_for_amount1_down(lower, upper, amount1)


@rule
def amounts_for_liquidity_up(sqrt_price: Uint, lower: Uint, upper: Uint, liquidity: Uint) -> tuple[Uint, Uint]:
    """What a range of this liquidity costs at a price: (amount0, amount1), rounded up.

    At a price exactly on an end, inside and outside give the same, so it does not matter that the tick of such a price
    depends on the side it was reached from.
    """
    if sqrt_price < lower:
        return amount0_delta_up(lower, upper, liquidity), 0
    if sqrt_price < upper:
        return amount0_delta_up(sqrt_price, upper, liquidity), amount1_delta_up(lower, sqrt_price, liquidity)
    return 0, amount1_delta_up(lower, upper, liquidity)


@rule
def amounts_for_liquidity_down(sqrt_price: Uint, lower: Uint, upper: Uint, liquidity: Uint) -> tuple[Uint, Uint]:
    """What a range of this liquidity gives back at a price: (amount0, amount1), rounded down."""
    if sqrt_price < lower:
        return amount0_delta_down(lower, upper, liquidity), 0
    if sqrt_price < upper:
        return amount0_delta_down(sqrt_price, upper, liquidity), amount1_delta_down(lower, sqrt_price, liquidity)
    return 0, amount1_delta_down(lower, upper, liquidity)
