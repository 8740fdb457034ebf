"""Fees: what a swap leaves per unit of liquidity, and what a range has earned (white paper, sections 6.2 and 6.3).

Fee growth is fees per unit of liquidity in Q128.128, modulo 2**256: only differences mean something, and they may
wrap. Fees owed are 128-bit in the contract, and wrap there too.
"""

from __future__ import annotations

from tidemill.units import (
    MAX_UINT128,
    PIPS,
    Q128,
    Index,
    Uint,
    div_down,
    mul_div_down,
    mul_div_up,
    mul_shift_down,
    rule,
    wrapping_add,
    wrapping_sub,
)

__all__ = [
    "fee_growth_down",
    "fee_growth_inside",
    "fees_owed_down",
    "flash_fee_up",
    "protocol_share_down",
    "wrapping_add_128",
]


@rule
def protocol_share_down(fee_amount: Uint, denominator: Uint) -> Uint:
    """The protocol's part of a fee, ``1 / denominator`` rounded down; a denominator of 0 means none."""
    if denominator == 0:
        return denominator
    return div_down(fee_amount, denominator)


@rule
def fee_growth_down(growth: Uint, fee_amount: Uint, liquidity: Uint) -> Uint:
    """Global fee growth after ``fee_amount`` (raw units) is shared by ``liquidity`` (> 0); the share rounded down.

    Raises
    ------
    Revert : the growth of this one fee needs more than 256 bits (a fee of ``2**128 * liquidity`` or more).
    """
    return wrapping_add(growth, mul_div_down(fee_amount, Q128, liquidity))


@rule
def fee_growth_inside(
    tick: Index, tick_lower: Index, tick_upper: Index, growth: Uint, outside_lower: Uint, outside_upper: Uint
) -> Uint:
    """Fee growth while the price was in ``[tick_lower, tick_upper)``, up to a constant of the range.

    Parameters
    ----------
    tick : current tick.
    growth : global growth.
    outside_lower, outside_upper : growth on the far side of each end, as seen from the current tick; 0 for a tick not
        in use.
    """
    below = outside_lower
    if tick < tick_lower:
        below = wrapping_sub(growth, outside_lower)
    above = outside_upper
    if tick >= tick_upper:
        above = wrapping_sub(growth, outside_upper)
    return wrapping_sub(wrapping_sub(growth, below), above)


@rule
def fees_owed_down(growth_inside: Uint, growth_inside_last: Uint, liquidity: Uint) -> Uint:
    """Fees a liquidity earned since its snapshot: ``liquidity * growth``, rounded down, the low 128 bits of it."""
    return mul_shift_down(wrapping_sub(growth_inside, growth_inside_last), liquidity, 128) & MAX_UINT128


@rule
def flash_fee_up(amount: Uint, fee: Uint) -> Uint:
    """Fee of a flash loan: ``fee`` millionths of ``amount``, rounded up."""
    return mul_div_up(amount, fee, PIPS)


@rule
def wrapping_add_128(a: Uint, b: Uint) -> Uint:
    """Return ``a + b`` modulo 2**128, as the contract keeps fees owed and protocol fees."""
    return wrapping_add(a, b) & MAX_UINT128
