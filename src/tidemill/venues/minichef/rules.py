"""Reward accrual of MiniChefV2 and its rewarder: a stream shared among pools by points, within a pool by stake.

``per_share`` is a running total of reward per staked unit, scaled by 1e12, held in 128 bits and rounded down at each
touch. A staker's *debt* is what that total would already have paid on the stake; it is signed, because whoever withdraws
without harvesting is still owed, and then the debt is below zero.

MasterChef (version 1) is the special case of these rules in which ``elapsed`` counts blocks (times a bonus multiplier),
the rate is a block's, and the debt is set anew at each touch, so that it is never signed: the same `emitted_down`,
`growth_down` and `accrued_down` (`tests/twins/test_master_chef.py` holds them to its bytecode).

Source: Sushi's documentation of MasterChefV2 and MiniChefV2, and the observed behaviour of the bytecode that
`@sushiswap/core` ships.
"""

from __future__ import annotations

from tidemill.units import Int, Uint, div_down, require, require_bits, rule, to_int, to_uint, wide

__all__ = ["PRECISION", "accrued_down", "emitted_down", "growth_down", "multiplied_down", "owed", "per_share_after"]

PRECISION = wide(10**12)
WAD = wide(10**18)


@rule
def emitted_down(elapsed: Uint, rate: Uint, points: Uint, total_points: Uint) -> Uint:
    """Reward (raw units) that falls to a pool over ``elapsed`` seconds at ``rate`` a second for all pools.

    >>> emitted_down(100, 7, 1, 3)
    233
    """
    return div_down(elapsed * rate * points, total_points)


@rule
def growth_down(reward: Uint, staked: Uint) -> Uint:
    """Reward per staked unit, scaled by 1e12."""
    return div_down(reward * PRECISION, staked)


@rule
def per_share_after(per_share: Uint, growth: Uint) -> Uint:
    """Running total after ``growth``; both are 128-bit, and the contract has its own words for each that is not."""
    narrow = require_bits(growth, 128, "BoringMath: uint128 Overflow")
    return require_bits(per_share + narrow, 128, "BoringMath: Add Overflow")


@rule
def accrued_down(staked: Uint, per_share: Uint) -> Uint:
    """What a stake would have earned since the first second, raw units."""
    return div_down(staked * per_share, PRECISION)


@rule
def owed(accrued: Uint, debt: Int) -> Uint:
    """What is still to be paid.

    After part of a stake was withdrawn, two roundings down can leave this one unit below zero until more has accrued:
    the contract then refuses to harvest, and so does this.
    """
    due = to_int(accrued) - debt
    require(due >= 0, "Integer < 0")
    return to_uint(due)


@rule
def multiplied_down(reward: Uint, multiplier: Uint) -> Uint:
    """What a multiplying rewarder adds to ``reward`` (both raw units; ``multiplier`` scaled by 1e18)."""
    return div_down(reward * multiplier, WAD)
