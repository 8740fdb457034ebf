"""Votes at any moment: the sum of all locks followed week by week, and views into the past by search."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidemill.venues.vote_escrow.rules import WEEK, changed, decayed, time_of_down, week_down
from tidemill.venues.vote_escrow.state import EscrowState, Point

__all__ = ["FURTHEST", "balance_at", "balance_at_block", "own_point", "sum_point", "supply_at", "supply_at_block"]

_HALVINGS = 128
FURTHEST = 255
"""Weeks that one call follows."""


def halved(
    points: Mapping[Any, Point], last: int, fits: Callable[[Point], bool], key: Callable[[int], Any]
) -> tuple[int, list[int]]:
    """Return the last of the points 1 … ``last`` that ``fits``, 0 for none, and which were looked at to find it."""
    low, high, looked = 0, last, []
    for _ in range(_HALVINGS):
        if low >= high:
            break
        middle = (low + high + 1) // 2
        looked.append(middle)
        if fits(points[key(middle)]):
            low = middle
        else:
            high = middle - 1
    return low, looked


def own_point(state: EscrowState, who: str, time: int) -> tuple[int, list[int]]:
    """Return the number of an account's last point up to ``time``, and which were looked at."""
    last = state.user_epochs.get(who, 0)
    return halved(state.user_points, last, lambda point: point.ts <= time, lambda number: (who, number))


def sum_point(state: EscrowState, time: int) -> tuple[int, list[int]]:
    """Return the epoch of the sum's last point up to ``time``, and which were looked at."""
    return halved(state.points, state.epoch, lambda point: point.ts <= time, _same)


def balance_at(state: EscrowState, who: str, time: int) -> int:
    """Return the votes of ``who`` at ``time`` (seconds), past or to come if nothing is changed."""
    number, _ = own_point(state, who, time)
    if number == 0:
        return 0
    point = state.user_points[who, number]
    return decayed(point.bias, point.slope, time - point.ts)


def supply_at(state: EscrowState, time: int) -> int:
    """Return all votes at ``time`` (seconds), past or to come if nothing is changed."""
    return _followed(state, state.points[sum_point(state, time)[0]], time)


def balance_at_block(state: EscrowState, who: str, block: int, now: int, number: int) -> int:
    """Return the votes of ``who`` in a past block, whose time is guessed between the points around it."""
    last = state.user_epochs.get(who, 0)
    mine, _ = halved(state.user_points, last, lambda point: point.blk <= block, lambda number: (who, number))
    point = state.user_points.get((who, mine), Point())
    time, _ = _time_of(state, block, now, number)
    return decayed(point.bias, point.slope, time - point.ts)


def supply_at_block(state: EscrowState, block: int, now: int, number: int) -> int:
    """Return all votes in a past block, whose time is guessed between the points around it."""
    time, before = _time_of(state, block, now, number)
    return _followed(state, before, time)


def _time_of(state: EscrowState, block: int, now: int, number: int) -> tuple[int, Point]:
    epoch, _ = halved(state.points, state.epoch, lambda point: point.blk <= block, _same)
    before = state.points[epoch]
    after = state.points[epoch + 1] if epoch < state.epoch else Point(ts=now, blk=number)
    return time_of_down(block, before.blk, after.blk, before.ts, after.ts), before


def _followed(state: EscrowState, point: Point, time: int) -> int:
    bias, slope, at = point.bias, point.slope, point.ts
    week = week_down(at)
    for _ in range(FURTHEST):
        week += WEEK
        stop = min(week, time)
        bias = decayed(bias, slope, stop - at)
        if stop == time:
            break
        slope, at = changed(slope, 0, -state.slope_changes.get(week, 0)), stop
    return bias


def _same(number: int) -> int:
    return number
