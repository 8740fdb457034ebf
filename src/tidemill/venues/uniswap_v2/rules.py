"""Constant-product pairs: what a swap gives, what a share is worth, the protocol's sixth, and the price accumulators.

Source: the Uniswap v2 core white paper (Adams, Zinsmeister, Robinson, March 2020), sections 2.2 to 2.4 and 3.2 to 3.4.
Amounts and reserves are raw units; reserves fit 112 bits. The fee of 0.3 % stands in 997 / 1000.
"""

from __future__ import annotations

from tidemill.units import Uint, div_down, isqrt_down, minimum, rule, wide, wrapping_add

__all__ = [
    "MINIMUM_LIQUIDITY",
    "amount_in_up",
    "amount_out_down",
    "cumulative_price",
    "first_liquidity_down",
    "keeps_product",
    "liquidity_for_down",
    "protocol_liquidity_down",
    "quote_down",
    "share_down",
]

MINIMUM_LIQUIDITY = 1_000
"""Shares that the first deposit locks for ever (white paper 3.4)."""

_MILLION = wide(10**6)


@rule
def amount_out_down(amount_in: Uint, reserve_in: Uint, reserve_out: Uint) -> Uint:
    """Raw units out for an exact input, after the fee of 3/1000.

    >>> amount_out_down(10**18, 10**21, 2 * 10**21)
    1992013962079806432
    """
    after_fee = amount_in * 997
    return div_down(after_fee * reserve_out, reserve_in * 1000 + after_fee)


@rule
def amount_in_up(amount_out: Uint, reserve_in: Uint, reserve_out: Uint) -> Uint:
    """Raw units in for an exact output: rounded down, plus one, so that the product never falls."""
    return div_down(reserve_in * amount_out * 1000, (reserve_out - amount_out) * 997) + 1


@rule
def quote_down(amount_a: Uint, reserve_a: Uint, reserve_b: Uint) -> Uint:
    """Raw units of b that match ``amount_a`` at the ratio of the reserves, no fee (adding liquidity)."""
    return div_down(amount_a * reserve_b, reserve_a)


@rule
def keeps_product(balance0: Uint, balance1: Uint, in0: Uint, in1: Uint, reserve0: Uint, reserve1: Uint) -> bool:
    """Whether balances less 3/1000 of what came in have at least the product of the reserves before (3.2.1)."""
    return (balance0 * 1000 - in0 * 3) * (balance1 * 1000 - in1 * 3) >= reserve0 * reserve1 * _MILLION


@rule
def first_liquidity_down(amount0: Uint, amount1: Uint) -> Uint:
    """Shares of the first deposit, those locked for ever included: the geometric mean of the amounts (3.4)."""
    return isqrt_down(amount0 * amount1)


@rule
def liquidity_for_down(amount0: Uint, amount1: Uint, reserve0: Uint, reserve1: Uint, total_supply: Uint) -> Uint:
    """Shares of a later deposit: in proportion to the reserves, by the token of which there is less (3.4)."""
    return minimum(div_down(amount0 * total_supply, reserve0), div_down(amount1 * total_supply, reserve1))


@rule
def share_down(liquidity: Uint, balance: Uint, total_supply: Uint) -> Uint:
    """Raw units that ``liquidity`` shares take out of ``balance``."""
    return div_down(liquidity * balance, total_supply)


@rule
def protocol_liquidity_down(k: Uint, k_last: Uint, total_supply: Uint) -> Uint:
    """Shares minted to the protocol: a sixth of the growth of sqrt(k) since ``k_last`` (white paper 2.4, formula 7)."""
    root, root_last = isqrt_down(k), isqrt_down(k_last)
    if root <= root_last:
        return root - root
    return div_down(total_supply * (root - root_last), root * 5 + root_last)


@rule
def cumulative_price(total: Uint, reserve: Uint, other: Uint, elapsed: Uint) -> Uint:
    """The price accumulator after ``elapsed`` seconds at ``other`` per ``reserve`` in Q112.112, modulo 2**256 (2.2)."""
    return wrapping_add(total, div_down(other << 112, reserve) * elapsed)
