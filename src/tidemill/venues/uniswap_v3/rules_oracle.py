"""Oracle accumulators (white paper, section 5): tick-seconds, and seconds per unit of liquidity.

Times are 32-bit seconds and wrap; the tick accumulator is 56-bit signed and wraps; seconds per liquidity is Q128 in 160
bits and wraps. Only differences mean something.
"""

from __future__ import annotations

from tidemill.units import (
    MAX_UINT160,
    Index,
    Uint,
    div_down,
    maximum,
    mul_div_down,
    rule,
    to_uint,
    wide,
    wrapping_add,
    wrapping_sub,
)

__all__ = [
    "interpolate_seconds_per_liquidity_down",
    "interpolate_tick_cumulative",
    "not_after",
    "seconds_between",
    "seconds_per_liquidity_down",
    "tick_cumulative",
    "wrap_int56",
    "wrapping_sub_160",
]

_SIGN_56 = 1 << 55
_MASK_56 = (1 << 56) - 1
_MASK_32 = (1 << 32) - 1
_ONE = wide(1)


@rule
def wrap_int56(value: Index) -> Index:
    """Fold into [-2**55, 2**55), as a 56-bit signed number wraps."""
    return ((value + _SIGN_56) & _MASK_56) - _SIGN_56


@rule
def wrapping_sub_160(a: Uint, b: Uint) -> Uint:
    """Return ``a - b`` modulo 2**160."""
    return wrapping_sub(a, b) & MAX_UINT160


@rule
def seconds_between(earlier: Index, later: Index) -> Index:
    """Seconds from one 32-bit time to a later one, across the wrap."""
    return (later - earlier) & _MASK_32


@rule
def not_after(now: Index, a: Index, b: Index) -> bool:
    """Whether 32-bit time ``a`` is at or before ``b``, both being at most 2**32 seconds before ``now``."""
    return seconds_between(b, now) <= seconds_between(a, now)


@rule
def tick_cumulative(cumulative: Index, tick: Index, elapsed: Index) -> Index:
    """Tick accumulator after ``elapsed`` seconds at ``tick``."""
    return wrap_int56(cumulative + tick * elapsed)


@rule
def seconds_per_liquidity_down(cumulative: Uint, elapsed: Index, liquidity: Uint) -> Uint:
    """Seconds-per-liquidity accumulator after ``elapsed`` seconds; each addition rounded down.

    Without liquidity the contract counts as if there were one unit.
    """
    return wrapping_add(cumulative, div_down(to_uint(elapsed) << 128, maximum(liquidity, _ONE))) & MAX_UINT160


@rule
def interpolate_tick_cumulative(before: Index, after: Index, elapsed: Index, span: Index) -> Index:
    """Tick accumulator ``elapsed`` of ``span`` seconds after ``before``.

    The tick does not change between two observations, so the slope is a whole number and needs no rounding.
    """
    return wrap_int56(before + wrap_int56(after - before) // span * elapsed)


@rule
def interpolate_seconds_per_liquidity_down(before: Uint, after: Uint, elapsed: Index, span: Index) -> Uint:
    """Seconds-per-liquidity accumulator ``elapsed`` of ``span`` seconds after ``before``; rounded down."""
    change = mul_div_down(wrapping_sub_160(after, before), to_uint(elapsed), to_uint(span))
    return wrapping_add(before, change) & MAX_UINT160
