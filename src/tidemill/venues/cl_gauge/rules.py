"""Rewards of a concentrated-liquidity gauge: a fixed sum shared by seconds of liquidity in range.

The pool counts *seconds per unit of liquidity* inside every range (Q128, 160 bits, wrapping). A stake's liquidity times
what that count grew by are its *seconds inside*: of each second that passes, the part that this liquidity was of all the
liquidity in range. An incentive shares what is left of its sum over the seconds that nobody has claimed yet, so seconds in
which no staked liquidity was in range pay nobody until the end. After the end seconds go on, those of who is still staked
and in range as well: what was left over is theirs, and who stays out of range is diluted.

Source: Uniswap's documentation of the v3 staker and the observed behaviour of the bytecode that `@uniswap/v3-staker` ships.
"""

from __future__ import annotations

from tidemill.units import (
    MAX_UINT160,
    Index,
    Uint,
    maximum,
    mul_div_down,
    rule,
    to_uint,
    wrapping_mul,
    wrapping_sub,
)

__all__ = ["reward_down", "seconds_inside", "seconds_unclaimed"]


@rule
def seconds_inside(inside_now: Uint, inside_then: Uint, liquidity: Uint) -> Uint:
    """Q128 seconds that ``liquidity`` was all there was in range, between two readings of seconds per liquidity (160 bits).

    >>> seconds_inside(3 << 128, 1 << 128, 5) >> 128
    10
    """
    return wrapping_mul(wrapping_sub(inside_now, inside_then) & MAX_UINT160, liquidity) & MAX_UINT160


@rule
def seconds_unclaimed(start: Index, end: Index, now: Index, claimed: Uint) -> Uint:
    """Q128 seconds of an incentive from ``start`` to ``end`` (or to ``now``, once that is later) that nobody has claimed."""
    last = to_uint(end)
    return wrapping_sub((maximum(last, to_uint(now)) - to_uint(start)) << 128, claimed)


@rule
def reward_down(left: Uint, inside: Uint, unclaimed: Uint) -> Uint:
    """What a stake is paid of the ``left`` raw units of an incentive: its part of the seconds unclaimed."""
    return mul_div_down(left, inside, unclaimed)
