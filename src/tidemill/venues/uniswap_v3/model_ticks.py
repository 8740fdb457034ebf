"""Ticks of a pool: their liquidity, what lies outside them, and the bitmap that finds them."""

from __future__ import annotations

from functools import lru_cache

from tidemill.errors import Revert
from tidemill.venues.uniswap_v3.model_state import NO_TICK, PoolState, TickInfo
from tidemill.venues.uniswap_v3.rules_bitmap import compress, next_tick_in_word_left, next_tick_in_word_right
from tidemill.venues.uniswap_v3.rules_fees import fee_growth_inside
from tidemill.venues.uniswap_v3.rules_oracle import seconds_between, wrap_int56, wrapping_sub_160
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

__all__ = [
    "check_range",
    "clear_tick",
    "cross_tick",
    "growth_inside",
    "next_tick",
    "ratio_at_tick",
    "update_tick",
    "word_of",
]

_UINT128 = 1 << 128
_UINT256 = 1 << 256

ratio_at_tick = lru_cache(maxsize=1 << 16)(sqrt_ratio_at_tick)
"""`sqrt_ratio_at_tick`, remembered."""


def check_range(tick_lower: int, tick_upper: int) -> None:
    """Refuse a range that is empty or leaves the tick range (TLU, TLM, TUM, in that order)."""
    if tick_lower >= tick_upper:
        raise Revert("TLU")
    if tick_lower < -887_272:
        raise Revert("TLM")
    if tick_upper > 887_272:
        raise Revert("TUM")


def add_liquidity(liquidity: int, delta: int) -> int:
    """Return ``liquidity + delta``, or revert: LS below zero, LA at 2**128."""
    after = liquidity + delta
    if after < 0:
        raise Revert("LS")
    if after >= _UINT128:
        raise Revert("LA")
    return after


def update_tick(pool: PoolState, tick: int, delta: int, upper: bool, accumulators: tuple[int, int], now: int) -> bool:
    """Add ``delta`` (signed) to the liquidity that refers to ``tick`` as one end of a range.

    A tick first used counts everything so far as below it, if it is at or below the current one.

    Parameters
    ----------
    upper : whether ``tick`` is the upper end.
    accumulators : the oracle's, up to ``now``.

    Returns
    -------
    bool : whether the tick came into use or went out of it; its bit has to be turned then.
    """
    info = pool.ticks.get(tick, NO_TICK)
    gross = add_liquidity(info.liquidity_gross, delta)
    if gross > pool.max_liquidity_per_tick:
        raise Revert("LO")
    net = info.liquidity_net - delta if upper else info.liquidity_net + delta
    if info.liquidity_gross == 0:
        if tick <= pool.tick:
            info = TickInfo(
                gross, net, pool.fee_growth_global_0_x128, pool.fee_growth_global_1_x128, *accumulators, now
            )
        else:
            info = TickInfo(gross, net, 0, 0, 0, 0, 0)
    else:
        info = TickInfo(gross, net, *info[2:])
    flipped = (gross == 0) != (pool.ticks.get(tick, NO_TICK).liquidity_gross == 0)
    pool.journal.put(pool.ticks, tick, info)
    return flipped


def flip_tick(pool: PoolState, tick: int) -> int:
    """Turn the bit of a tick and return its word's number; reverts without a reason for a tick off the spacing."""
    if tick % pool.tick_spacing != 0:
        raise Revert("")
    compressed = compress(tick, pool.tick_spacing)
    word = pool.bitmap.get(compressed >> 8, 0) ^ (1 << (compressed & 255))
    pool.journal.put(pool.bitmap, compressed >> 8, word)
    return compressed >> 8


def clear_tick(pool: PoolState, tick: int) -> None:
    """Forget a tick that went out of use."""
    pool.journal.drop(pool.ticks, tick)


def cross_tick(pool: PoolState, tick: int, growth0: int, growth1: int, accumulators: tuple[int, int], now: int) -> int:
    """Cross a tick: what was outside is now the other side. Returns its net liquidity (signed, for a rising price)."""
    info = pool.ticks[tick]
    crossed = TickInfo(
        info.liquidity_gross,
        info.liquidity_net,
        (growth0 - info.fee_growth_outside_0_x128) % _UINT256,
        (growth1 - info.fee_growth_outside_1_x128) % _UINT256,
        wrap_int56(accumulators[0] - info.tick_cumulative_outside),
        wrapping_sub_160(accumulators[1], info.seconds_per_liquidity_outside_x128),
        seconds_between(info.seconds_outside, now),
    )
    pool.journal.put(pool.ticks, tick, crossed)
    return info.liquidity_net


def growth_inside(pool: PoolState, tick_lower: int, tick_upper: int) -> tuple[int, int]:
    """Fee growth inside a range, token0 and token1 (see the rule); ticks not in use count as 0 outside."""
    lower, upper = pool.ticks.get(tick_lower, NO_TICK), pool.ticks.get(tick_upper, NO_TICK)
    return (
        fee_growth_inside(
            pool.tick,
            tick_lower,
            tick_upper,
            pool.fee_growth_global_0_x128,
            lower.fee_growth_outside_0_x128,
            upper.fee_growth_outside_0_x128,
        ),
        fee_growth_inside(
            pool.tick,
            tick_lower,
            tick_upper,
            pool.fee_growth_global_1_x128,
            lower.fee_growth_outside_1_x128,
            upper.fee_growth_outside_1_x128,
        ),
    )


def word_of(tick: int, tick_spacing: int, leftward: bool) -> int:
    """The number of the bitmap word that `next_tick` looks into."""
    return (compress(tick, tick_spacing) + int(not leftward)) >> 8


def next_tick(pool: PoolState, tick: int, leftward: bool) -> tuple[int, bool]:
    """Where the next step of a swap ends at the latest: a tick in use (True) or the end of the bitmap word (False)."""
    compressed = compress(tick, pool.tick_spacing)
    if leftward:
        return next_tick_in_word_left(pool.bitmap.get(compressed >> 8, 0), compressed, pool.tick_spacing)
    compressed += 1
    return next_tick_in_word_right(pool.bitmap.get(compressed >> 8, 0), compressed, pool.tick_spacing)
