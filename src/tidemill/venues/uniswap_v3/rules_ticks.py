"""Ticks and prices: ``sqrt_price = 1.0001 ** (tick / 2)`` in Q64.96.

The white paper (section 6.1) defines the price of a tick; the contract computes it as a product of twenty constants,
one for each bit of ``|tick|``, each ``1.0001 ** -(2**bit / 2)`` in Q128, rounded to nearest (a test derives them).
Products are rounded down to Q128, the final Q64.96 is rounded up. So every ratio here is a fact of the bytecode.
"""

from __future__ import annotations

from tidemill.units import MAX_UINT128, MAX_UINT256, Q96, Index, Uint, div_down, div_up, rule, to_uint, wide

__all__ = [
    "MAX_SQRT_RATIO",
    "MAX_TICK",
    "MIN_SQRT_RATIO",
    "MIN_TICK",
    "max_liquidity_per_tick",
    "sqrt_ratio_at_tick",
    "tick_at_sqrt_ratio",
]

MAX_TICK = 887_272
"""The greatest tick whose price, and the least whose inverse, fits Q64.96 in 160 bits: log(2**128) / log(1.0001)."""
MIN_TICK = -MAX_TICK
MIN_SQRT_RATIO = wide(4_295_128_739)
"""``sqrt_ratio_at_tick(MIN_TICK)``; no pool price is lower."""
MAX_SQRT_RATIO = wide(1_461_446_703_485_210_103_287_273_052_203_988_822_378_723_970_342)
"""``sqrt_ratio_at_tick(MAX_TICK)``; every pool price is lower."""

# 1.0001 ** -(2**bit / 2) in Q128, rounded to nearest, for bit 0 … 19.
_RATIO_0 = wide(0xFFFCB933BD6FAD37AA2D162D1A594001)
_RATIO_1 = wide(0xFFF97272373D413259A46990580E213A)
_RATIO_2 = wide(0xFFF2E50F5F656932EF12357CF3C7FDCC)
_RATIO_3 = wide(0xFFE5CACA7E10E4E61C3624EAA0941CD0)
_RATIO_4 = wide(0xFFCB9843D60F6159C9DB58835C926644)
_RATIO_5 = wide(0xFF973B41FA98C081472E6896DFB254C0)
_RATIO_6 = wide(0xFF2EA16466C96A3843EC78B326B52861)
_RATIO_7 = wide(0xFE5DEE046A99A2A811C461F1969C3053)
_RATIO_8 = wide(0xFCBE86C7900A88AEDCFFC83B479AA3A4)
_RATIO_9 = wide(0xF987A7253AC413176F2B074CF7815E54)
_RATIO_10 = wide(0xF3392B0822B70005940C7A398E4B70F3)
_RATIO_11 = wide(0xE7159475A2C29B7443B29C7FA6E889D9)
_RATIO_12 = wide(0xD097F3BDFD2022B8845AD8F792AA5825)
_RATIO_13 = wide(0xA9F746462D870FDF8A65DC1F90E061E5)
_RATIO_14 = wide(0x70D869A156D2A1B890BB3DF62BAF32F7)
_RATIO_15 = wide(0x31BE135F97D08FD981231505542FCFA6)
_RATIO_16 = wide(0x09AA508B5B7A84E1C677DE54F3E99BC9)
_RATIO_17 = wide(0x005D6AF8DEDB81196699C329225EE604)
_RATIO_18 = wide(0x00002216E584F5FA1EA926041BEDFE98)
_RATIO_19 = wide(0x00000000048A170391F7DC42444E8FA2)
_TWO_32 = wide(1 << 32)


@rule
def _ratio_below_one_x128(steps: Index) -> Uint:
    """``1.0001 ** -(steps / 2)`` in Q128: the constants of the set bits, lowest first, rounded down each time."""
    ratio = MAX_UINT128 + 1  # 1.0
    if steps & 0x1 != 0:
        ratio = (ratio * _RATIO_0) >> 128
    if steps & 0x2 != 0:
        ratio = (ratio * _RATIO_1) >> 128
    if steps & 0x4 != 0:
        ratio = (ratio * _RATIO_2) >> 128
    if steps & 0x8 != 0:
        ratio = (ratio * _RATIO_3) >> 128
    if steps & 0x10 != 0:
        ratio = (ratio * _RATIO_4) >> 128
    if steps & 0x20 != 0:
        ratio = (ratio * _RATIO_5) >> 128
    if steps & 0x40 != 0:
        ratio = (ratio * _RATIO_6) >> 128
    if steps & 0x80 != 0:
        ratio = (ratio * _RATIO_7) >> 128
    if steps & 0x100 != 0:
        ratio = (ratio * _RATIO_8) >> 128
    if steps & 0x200 != 0:
        ratio = (ratio * _RATIO_9) >> 128
    if steps & 0x400 != 0:
        ratio = (ratio * _RATIO_10) >> 128
    if steps & 0x800 != 0:
        ratio = (ratio * _RATIO_11) >> 128
    if steps & 0x1000 != 0:
        ratio = (ratio * _RATIO_12) >> 128
    if steps & 0x2000 != 0:
        ratio = (ratio * _RATIO_13) >> 128
    if steps & 0x4000 != 0:
        ratio = (ratio * _RATIO_14) >> 128
    if steps & 0x8000 != 0:
        ratio = (ratio * _RATIO_15) >> 128
    if steps & 0x10000 != 0:
        ratio = (ratio * _RATIO_16) >> 128
    if steps & 0x20000 != 0:
        ratio = (ratio * _RATIO_17) >> 128
    if steps & 0x40000 != 0:
        ratio = (ratio * _RATIO_18) >> 128
    if steps & 0x80000 != 0:
        ratio = (ratio * _RATIO_19) >> 128
    return ratio


@rule
def sqrt_ratio_at_tick(tick: Index) -> Uint:
    """Price of a tick.

    Parameters
    ----------
    tick : in [MIN_TICK, MAX_TICK]; the caller checks (the contract reverts with ``T``).

    Returns
    -------
    Uint : ``sqrt(1.0001 ** tick)`` in Q64.96, rounded up.
    """
    if tick > 0:
        return div_up(div_down(MAX_UINT256, _ratio_below_one_x128(tick)), _TWO_32)
    return div_up(_ratio_below_one_x128(-tick), _TWO_32)


@rule
def tick_at_sqrt_ratio(sqrt_price: Uint) -> Index:
    """Return the greatest tick whose price is not above ``sqrt_price``.

    Parameters
    ----------
    sqrt_price : Q64.96, in [MIN_SQRT_RATIO, MAX_SQRT_RATIO); the caller checks (the contract reverts with ``R``).

    Returns
    -------
    Index : in [MIN_TICK, MAX_TICK).

    A logarithm by restoring multiplication: for each bit from the top, keep the constant if the product stays above
    the price (or its inverse, where the price is above 1). Below 1 that is exact; above it may be one short, where
    the order of the products matters, and the exact ratio decides. (A test looks at both ends of every tick.)
    """
    below_one = sqrt_price < Q96
    target = div_down(MAX_UINT256, (sqrt_price << 32) + 1)
    if below_one:
        target = sqrt_price << 32
    ratio = MAX_UINT128 + 1  # 1.0
    steps = 0
    trial = (ratio * _RATIO_19) >> 128
    if trial > target:
        ratio = trial
        steps += 0x80000
    trial = (ratio * _RATIO_18) >> 128
    if trial > target:
        ratio = trial
        steps += 0x40000
    trial = (ratio * _RATIO_17) >> 128
    if trial > target:
        ratio = trial
        steps += 0x20000
    trial = (ratio * _RATIO_16) >> 128
    if trial > target:
        ratio = trial
        steps += 0x10000
    trial = (ratio * _RATIO_15) >> 128
    if trial > target:
        ratio = trial
        steps += 0x8000
    trial = (ratio * _RATIO_14) >> 128
    if trial > target:
        ratio = trial
        steps += 0x4000
    trial = (ratio * _RATIO_13) >> 128
    if trial > target:
        ratio = trial
        steps += 0x2000
    trial = (ratio * _RATIO_12) >> 128
    if trial > target:
        ratio = trial
        steps += 0x1000
    trial = (ratio * _RATIO_11) >> 128
    if trial > target:
        ratio = trial
        steps += 0x800
    trial = (ratio * _RATIO_10) >> 128
    if trial > target:
        ratio = trial
        steps += 0x400
    trial = (ratio * _RATIO_9) >> 128
    if trial > target:
        ratio = trial
        steps += 0x200
    trial = (ratio * _RATIO_8) >> 128
    if trial > target:
        ratio = trial
        steps += 0x100
    trial = (ratio * _RATIO_7) >> 128
    if trial > target:
        ratio = trial
        steps += 0x80
    trial = (ratio * _RATIO_6) >> 128
    if trial > target:
        ratio = trial
        steps += 0x40
    trial = (ratio * _RATIO_5) >> 128
    if trial > target:
        ratio = trial
        steps += 0x20
    trial = (ratio * _RATIO_4) >> 128
    if trial > target:
        ratio = trial
        steps += 0x10
    trial = (ratio * _RATIO_3) >> 128
    if trial > target:
        ratio = trial
        steps += 0x8
    trial = (ratio * _RATIO_2) >> 128
    if trial > target:
        ratio = trial
        steps += 0x4
    trial = (ratio * _RATIO_1) >> 128
    if trial > target:
        ratio = trial
        steps += 0x2
    trial = (ratio * _RATIO_0) >> 128
    if trial > target:
        ratio = trial
        steps += 0x1
    if below_one:
        return -steps - 1
    if sqrt_ratio_at_tick(steps + 1) > sqrt_price:
        return steps
    return steps + 1


@rule
def max_liquidity_per_tick(tick_spacing: Index) -> Uint:
    """Most liquidity that may refer to one tick, so that the liquidity of all usable ticks together fits 128 bits.

    Parameters
    ----------
    tick_spacing : 1 to 16383; usable ticks are its multiples within [MIN_TICK, MAX_TICK].
    """
    usable = to_uint(MAX_TICK // tick_spacing)
    return div_down(MAX_UINT128, usable + usable + 1)
