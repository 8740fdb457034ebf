"""The pool's own oracle: a ring of observations, one per block in which the tick or a range around it changed."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.errors import Revert
from tidemill.venues.uniswap_v3.model_state import NO_OBSERVATION, Observation, PoolState
from tidemill.venues.uniswap_v3.rules_oracle import (
    interpolate_seconds_per_liquidity_down,
    interpolate_tick_cumulative,
    not_after,
    seconds_between,
    seconds_per_liquidity_down,
    tick_cumulative,
)

__all__ = ["accumulators_now", "grow", "observe", "start", "write"]


def start(pool: PoolState, now: int) -> None:
    """Begin with one slot, taken at ``now`` (32-bit seconds)."""
    pool.journal.put(pool.observations, 0, Observation(now, 0, 0, True))
    pool.journal.set(pool, "observation_cardinality", 1)
    pool.journal.set(pool, "observation_cardinality_next", 1)


def write(pool: PoolState, now: int, tick: int, liquidity: int) -> bool:
    """Note the accumulators up to ``now``, before ``tick`` or ``liquidity`` change; once a block only.

    Returns
    -------
    bool : whether a slot was written.
    """
    index, cardinality = pool.observation_index, pool.observation_cardinality
    last = pool.observations[index]
    if last.time == now:
        return False
    if index == cardinality - 1 and pool.observation_cardinality_next > cardinality:
        cardinality = pool.observation_cardinality_next
        pool.journal.set(pool, "observation_cardinality", cardinality)
    index = (index + 1) % cardinality
    pool.journal.put(pool.observations, index, _carry(last, now, tick, liquidity))
    pool.journal.set(pool, "observation_index", index)
    return True


def grow(pool: PoolState, cardinality_next: int) -> None:
    """Make room for more slots; they are used once the ring comes round. Fewer than there are changes nothing."""
    for index in range(pool.observation_cardinality_next, cardinality_next):
        pool.journal.put(pool.observations, index, Observation(1, 0, 0, False))
    if cardinality_next > pool.observation_cardinality_next:
        pool.journal.set(pool, "observation_cardinality_next", cardinality_next)


def accumulators_now(pool: PoolState, now: int) -> tuple[int, int]:
    """(tick cumulative, seconds per liquidity) up to ``now`` with the tick and liquidity in force."""
    last = pool.observations[pool.observation_index]
    if last.time != now:
        last = _carry(last, now, pool.tick, pool.liquidity)
    return last.tick_cumulative, last.seconds_per_liquidity_x128


def observe(pool: PoolState, seconds_agos: Sequence[int], now: int) -> tuple[tuple[int, ...], tuple[int, ...]]:
    """Answer the contract's ``observe``: both accumulators as they were some seconds before ``now``.

    Raises
    ------
    Revert : ``I`` before initialisation, ``OLD`` before the oldest observation kept.
    """
    if pool.observation_cardinality == 0:
        raise Revert("I")
    answers = [_observe_one(pool, ago, now) for ago in seconds_agos]
    return tuple(tick for tick, _ in answers), tuple(seconds for _, seconds in answers)


def _carry(last: Observation, now: int, tick: int, liquidity: int) -> Observation:
    elapsed = seconds_between(last.time, now)
    return Observation(
        now,
        tick_cumulative(last.tick_cumulative, tick, elapsed),
        seconds_per_liquidity_down(last.seconds_per_liquidity_x128, elapsed, liquidity),
        True,
    )


def _observe_one(pool: PoolState, ago: int, now: int) -> tuple[int, int]:
    if ago == 0:
        return accumulators_now(pool, now)
    target = (now - ago) & 0xFFFF_FFFF
    before, after = _surrounding(pool, target, now)
    elapsed = seconds_between(before.time, target)
    span = seconds_between(before.time, after.time)
    if elapsed == 0:
        return before.tick_cumulative, before.seconds_per_liquidity_x128
    if elapsed == span:
        return after.tick_cumulative, after.seconds_per_liquidity_x128
    return (
        interpolate_tick_cumulative(before.tick_cumulative, after.tick_cumulative, elapsed, span),
        interpolate_seconds_per_liquidity_down(
            before.seconds_per_liquidity_x128, after.seconds_per_liquidity_x128, elapsed, span
        ),
    )


def _surrounding(pool: PoolState, target: int, now: int) -> tuple[Observation, Observation]:
    """The last observation at or before ``target`` and the one that follows (or would, at ``target``)."""
    index, cardinality = pool.observation_index, pool.observation_cardinality
    newest = pool.observations[index]
    if not_after(now, newest.time, target):
        return newest, _carry(newest, target, pool.tick, pool.liquidity)
    first = (index + 1) % cardinality
    if not pool.observations.get(first, NO_OBSERVATION).initialised:
        first = 0  # the ring has grown and is not full yet: slot 0 is the oldest
    if not not_after(now, pool.observations[first].time, target):
        raise Revert("OLD")
    low, high = 0, (index - first) % cardinality  # places counted from the oldest; the newest is after the target
    while high - low > 1:
        middle = (low + high) // 2
        if not_after(now, pool.observations[(first + middle) % cardinality].time, target):
            low = middle
        else:
            high = middle
    return pool.observations[(first + low) % cardinality], pool.observations[(first + high) % cardinality]
