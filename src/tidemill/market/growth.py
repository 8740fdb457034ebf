"""Fee growth inside any range, followed through recorded events as the contract keeps it.

The contract adds ``floor(fee * 2**128 / liquidity)`` at every step of a swap, and a step ends at every initialised tick:
so while a range holds liquidity, what grows inside it is the sum over the steps that lie in it. Differences are all that
positions need, and all that events can show. Where a swap's path is not known the sum over ranges it may have touched
is not either, and that is said.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING, NamedTuple

import numpy as np

from tidemill.market.exact import exact_pass
from tidemill.market.infer import Inference
from tidemill.market.replayer import Replayer
from tidemill.market.rows import EventRow, event_rows
from tidemill.market.walk import Spot

if TYPE_CHECKING:
    import polars as pl
    from numpy.typing import NDArray

    from tidemill.market.manifest import PoolInfo
    from tidemill.market.store import Dataset

__all__ = ["Growth", "Unknown", "growth_of_events", "growth_of_state"]

_ANY = 1 << 23
_Q128 = 1 << 128


class Unknown(NamedTuple):
    """An event whose path between two ticks is not known, by its place in the table."""

    row: int
    low: int
    high: int


class Growth(NamedTuple):
    """The steps of all events, in order, and where price and liquidity stood.

    ``row``, ``tick`` and ``down`` (token0 went in, and left its fee) are one for each step; ``amount`` is its growth,
    Q128 per unit of liquidity. ``spots`` is the state behind each event.
    """

    rows: Sequence[EventRow]
    row: NDArray[np.int64]
    tick: NDArray[np.int64]
    down: NDArray[np.bool_]
    amount: NDArray[np.object_]
    spots: Sequence[Spot]
    unknown: Sequence[Unknown]

    def inside(self, lower: int, upper: int, after: int, until: int) -> tuple[int, int]:
        """Return what token0's and token1's growth inside a range gained behind event ``after``, ahead of ``until``."""
        first, last = np.searchsorted(self.row, (after + 1, until))
        within = (self.tick[first:last] >= lower) & (self.tick[first:last] < upper)
        down, amount = self.down[first:last], self.amount[first:last]
        return int(amount[within & down].sum()), int(amount[within & ~down].sum())

    def doubt(self, lower: int, upper: int, after: int, until: int) -> EventRow | None:
        """Return the first event in between whose path may have touched the range and is not known."""
        for one in self.unknown:
            if after < one.row < until and one.low < upper and one.high >= lower:
                return self.rows[one.row]
        return None


def growth_of_events(events: pl.DataFrame, pool: PoolInfo) -> Growth:
    """Follow events alone: liquidity as far as events show it. Raises ``BadData`` as ``infer`` does."""
    rows = list(event_rows(events))
    state = Inference.of(rows, pool)
    spots = _run(state, rows)
    state.fill_gaps(rows)
    state.check(rows)
    names = {*state.first, *state.mismatched}
    lost = [number for number, row in enumerate(rows) if row.name in names]
    unknown = [Unknown(number, -_ANY, _ANY) for number in lost]
    for number, steps in state.unsure.items():
        place = state.gaps[number].place
        state.paths[place] = state.paths[place]._replace(steps=steps)
        reached = steps[-1].tick_to if steps else spots[number - 1].tick
        assert reached is not None, "certain steps end on boundaries"
        unknown.append(Unknown(number, *sorted((reached, rows[number].tick))))
    return _growth(state, rows, spots, sorted(unknown))


def growth_of_state(dataset: Dataset) -> Growth:
    """Follow events from a known state; raises ``ReplayMismatch`` at the first that does not reproduce."""
    state, rows = exact_pass(dataset)
    spots = _run(state, rows)
    return _growth(state, rows, spots, ())


def _run(state: Replayer, rows: Sequence[EventRow]) -> list[Spot]:
    spots = []
    for number, row in enumerate(rows):
        state.take(number, row)
        spots.append(state.spot)
    return spots


def _growth(state: Replayer, rows: Sequence[EventRow], spots: Sequence[Spot], unknown: Sequence[Unknown]) -> Growth:
    steps = [
        (
            path.row,
            step.tick_from,
            path.down,
            (step.fee - _protocol(step.fee, path.fee_protocol)) * _Q128 // step.liquidity,
        )
        for path in state.paths
        for step in path.steps
        if step.liquidity and step.fee
    ]
    row, tick, down, amount = zip(*steps, strict=True) if steps else ((), (), (), ())
    wide = np.empty(len(amount), dtype=object)
    wide[:] = amount
    return Growth(rows, np.array(row, np.int64), np.array(tick, np.int64), np.array(down, bool), wide, spots, unknown)


def _protocol(fee: int, share: int) -> int:
    return fee // share if share else 0
