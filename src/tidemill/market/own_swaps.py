"""What one's own swap would have met at any point of a recorded path: the liquidity that events up to there show.

With an initial state (``exact``) all of it is known. With events only (``inferred``) it is known in cells where the price
has been; a swap that leaves them uses the nearest known cell, and ``beyond`` counts how often, for the report.
"""

from __future__ import annotations

from collections.abc import Mapping
from itertools import pairwise
from typing import TYPE_CHECKING

import numpy as np

from tidemill.errors import BadInput
from tidemill.market.book import FullBook, SeenBook, UnknownLiquidity
from tidemill.market.limbs import from_limbs
from tidemill.market.replay import tick_fits
from tidemill.market.schema import Kind
from tidemill.market.walk import Order, Spot, Step, Walk, bound, walk
from tidemill.venues.uniswap_v3.stage import Fill
from tidemill.venues.uniswap_v3.tape import Flow, Tape

if TYPE_CHECKING:
    from tidemill.market.store import Dataset

__all__ = ["PathLiquidity"]

MOST_UNKNOWN = 1_000
"""Cells beyond the known liquidity that an own swap may pass; one that wants more is out of proportion to the pool."""
_PIECE = 1 << 15


class PathLiquidity:
    """Liquidity along a path (``stage.KnownLiquidity``); questions go forward cheaply, backward at the cost of a replay.

    Parameters
    ----------
    ticks : ``{tick: (liquidity_gross, liquidity_net)}`` before the first event, ``None`` where it is not known.
    """

    def __init__(
        self, tape: Tape, flow: Flow, fee: int, tick_spacing: int, ticks: Mapping[int, tuple[int, int]] | None = None
    ) -> None:
        self._tape, self._flow, self._fee, self._spacing = tape, flow, fee, tick_spacing
        self._ticks = ticks
        self._sure: SeenBook | FullBook
        self._book: SeenBook | FullBook
        changes = np.flatnonzero((flow.kind == Kind.MINT) | (flow.kind == Kind.BURN))
        self._changes = [
            (int(row), int(flow.tick_lower[row]), int(flow.tick_upper[row]), delta)
            for row, delta in zip(changes, from_limbs(flow.liquidity_delta[changes], signed=True), strict=True)
        ]
        self.beyond = 0
        self._restart()

    @classmethod
    def of(cls, dataset: Dataset) -> PathLiquidity:
        """Return the liquidity along a dataset's own path."""
        state = dataset.initial_state()
        ticks = None if state is None else {t: (i.liquidity_gross, i.liquidity_net) for t, i in state.ticks.items()}
        pool = dataset.pool
        return cls(dataset.tape(), dataset.flow(), pool.fee, pool.tick_spacing, ticks)

    def swap(
        self, steps: int, events: int, *, zero_for_one: bool, exact_in: bool, amount: int, sqrt_price_limit_x96: int
    ) -> Fill:
        """Fill a swap after ``steps`` steps and ``events`` events of the path, changing nothing."""
        spot = self._spot(steps, events)
        done = self._walk(spot, Order(zero_for_one, exact_in, amount, sqrt_price_limit_x96))
        liquidities = [step.liquidity for step in done.steps] + [done.liquidity]
        crossed = sum(a != b for a, b in pairwise(liquidities))
        return Fill(done.amount_in, done.amount_out, len(done.steps), crossed, not tick_fits(spot.tick, done))

    def walked(self, steps: int, events: int, *, zero_for_one: bool, amount: int) -> list[Step]:
        """Return the steps of selling ``amount`` there: what any smaller sale would meet too."""
        return self._walk(self._spot(steps, events), Order(zero_for_one, True, amount, bound(zero_for_one))).steps

    def active(self, steps: int, events: int) -> int:
        """Return the active liquidity there."""
        return self._spot(steps, events).liquidity

    def known(self, steps: int, events: int) -> Mapping[int, int]:
        """Return the active liquidity of every cell that inferred data show there, by cell; empty if all is known."""
        self._forward(steps, events)
        return self._sure.cells if isinstance(self._sure, SeenBook) else {}

    def bounded(self, steps: int, events: int, tick: int) -> int:
        """Return the liquidity known to begin or end at ``tick`` there."""
        self._forward(steps, events)
        return self._sure.bounded(tick // self._spacing)

    def _spot(self, steps: int, events: int) -> Spot:
        self._forward(steps, events)
        last = steps - 1
        tick = int(self._tape.tick[last])
        price = from_limbs(self._tape.sqrt_price[last : last + 1])[0]
        try:
            liquidity = self._book.liquidity(tick // self._spacing)
        except UnknownLiquidity as gap:
            liquidity = self._nearest(gap.cell)
        return Spot(price, tick, liquidity)

    def _walk(self, spot: Spot, order: Order) -> Walk:
        for _ in range(MOST_UNKNOWN):
            try:
                return walk(self._book, spot, order, self._fee)
            except UnknownLiquidity as gap:
                self._nearest(gap.cell)
        raise BadInput(
            f"a swap of {order.amount} raw units goes more than {MOST_UNKNOWN * self._spacing:,} ticks beyond the "
            "liquidity that the data show: the capital is too large for this pool, or the decimals of a token are wrong",
            field="capital",
        )

    def _nearest(self, cell: int) -> int:
        """Fill an unknown cell with its nearest known one, in a copy of the book that the next event throws away."""
        assert isinstance(self._book, SeenBook)
        self.beyond += 1
        known = np.fromiter(self._book.cells, np.int64)
        nearest = int(known[np.argmin(np.abs(known - cell))])
        scratch = SeenBook(self._spacing)
        scratch.cells, scratch.gross = {**self._book.cells, cell: self._book.cells[nearest]}, self._book.gross
        self._book = scratch
        return scratch.cells[cell]

    def _restart(self) -> None:
        self._steps = self._events = self._change = 0
        self._sure = SeenBook(self._spacing) if self._ticks is None else FullBook(self._spacing, dict(self._ticks))
        self._book = self._sure

    def _forward(self, steps: int, events: int) -> None:
        """Bring the book to a point of the path: cells as last seen, mints and burns since."""
        if steps < self._steps or events < self._events:
            self._restart()
        while self._change < len(self._changes) and self._changes[self._change][0] < events:
            row, lower, upper, delta = self._changes[self._change]
            before = int(np.searchsorted(self._tape.event, row, side="left"))
            self._learn(min(before, steps))
            self._sure.change(lower, upper, delta)
            self._change += 1
        self._learn(steps)
        self._events, self._book = events, self._sure

    def _learn(self, steps: int) -> None:
        if steps <= self._steps or isinstance(self._sure, FullBook):
            self._steps = max(steps, self._steps)
            return
        cells = self._tape.cell[self._steps : steps]
        lowest = int(cells.min())
        last = np.full(int(cells.max()) - lowest + 1, -1, np.int64)
        for start in range(0, len(cells), _PIECE):
            some = cells[start : start + _PIECE]
            last[some - lowest] = np.arange(start, start + len(some))  # of rows of one cell the last one stays
        newest = last[last >= 0] + self._steps
        for row, liquidity in zip(newest, from_limbs(self._tape.liquidity[newest]), strict=True):
            self._sure.learn(int(self._tape.cell[row]), liquidity)
        self._steps = steps
