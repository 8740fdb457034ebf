"""Which part of a study is rehearsed: as much as a local chain manages, where the most is decided."""

from __future__ import annotations

import copy
from collections.abc import Sequence

import numpy as np
from msgspec import Struct

from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Filled, Pending, Recorded, Reverted
from tidemill.studies.prepare import Prepared
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["Window", "choose_window", "narrowed"]

PER_SECOND = 150
"""Recorded transactions that a local chain is sure to manage in a second."""


class Window(Struct, frozen=True):
    """Seconds of world time, the blocks they lie in, and how much of the study they hold.

    ``actions`` and ``own`` are what lies in the window, ``actions_of`` and ``own_of`` what the study has.
    """

    start: int
    end: int
    first: Block
    last: Block
    actions: int
    actions_of: int
    own: int
    own_of: int


def choose_window(prepared: Prepared, outcomes: Outcomes) -> Window:
    """Return the window with the most own steps among those with few enough recorded actions.

    ``outcomes`` are of a backtest of the whole study. Windows begin at the study's start or a block before an own step;
    scripted venues begin at their start, so theirs do. Raises ``BadInput`` when nothing fits.
    """
    limits = prepared.study.rehearse
    most = min(limits.actions, limits.seconds * PER_SECOND)
    times = _action_times(prepared)
    own = np.array(sorted(step.at.time for step in steps_done(outcomes)), np.int64)
    scripted = any(name not in prepared.markets for name in prepared.placed)
    starts = [prepared.start]
    if not scripted:
        starts += [int(time) - prepared.network.block_time for time in own if time > prepared.start]
    best: tuple[int, int, int] | None = None
    for start in starts:
        end = _end(prepared, times, start, most)
        if end is None:
            continue
        inside = int(np.searchsorted(own, end, side="right") - np.searchsorted(own, start, side="left"))
        if best is None or inside > best[0]:
            best = (inside, start, end)
    if best is None:
        raise BadInput(f"{most} recorded actions are fewer than one block holds; give more", field="rehearse.actions")
    inside, start, end = best
    if end == prepared.end:  # every window has an exit; here it is the study's own, which comes after its end
        inside = len(own) - int(np.searchsorted(own, start, side="left"))
    blocks = prepared.blocks
    first, last = blocks.last_until(start), blocks.last_until(end)
    # What others did in the first block is part of a pool's start, and is played where there is a script.
    within = _count(times, first.time - scripted, last.time)
    return Window(start, end, first, last, within, _count(times, prepared.start - 1, prepared.end), inside, len(own))


def narrowed(prepared: Prepared, window: Window) -> Prepared:
    """Return the same study over the window only; data and venues are shared."""
    out = copy.copy(prepared)
    out.start, out.end = window.start, window.end
    return out


def _action_times(prepared: Prepared) -> np.ndarray[tuple[int], np.dtype[np.int64]]:
    """Return when others do something that is executed again: collects are left out, they move no price."""
    columns = [np.empty(0, np.int64)]
    for market in prepared.markets.values():
        flow = market.flow()
        columns.append(np.asarray(flow.time[np.isin(flow.kind, (0, 1, 2, 4, 5))], np.int64))
    for name, placed in prepared.placed.items():
        if name not in prepared.markets:
            stage = placed.make()
            if isinstance(stage, ScriptedStage):
                columns.append(np.array([item.block.time for item in stage.script], np.int64))
    return np.sort(np.concatenate(columns))


def _end(prepared: Prepared, times: np.ndarray[tuple[int], np.dtype[np.int64]], start: int, most: int) -> int | None:
    """Return the last second such that at most ``most`` actions lie after ``start``; some are left for the exit."""
    first = int(np.searchsorted(times, start, side="right"))
    room = first + most - max(most // 20, 2)
    if room >= len(times):
        return prepared.end
    end = min(int(times[room]) - 1, prepared.end)
    return end if end > start + prepared.network.block_time else None


def _count(times: np.ndarray[tuple[int], np.dtype[np.int64]], after: int, until: int) -> int:
    return int(np.searchsorted(times, until, side="right") - np.searchsorted(times, after, side="right"))


def _acted(step: object) -> bool:
    return isinstance(step, Recorded) and isinstance(step.status, Filled | Reverted | Pending)


def steps_done(outcomes: Outcomes) -> Sequence[Recorded]:
    """Return the steps of a run that were included in a block."""
    return [step for step in outcomes.record if isinstance(step, Recorded) and _acted(step)]
