"""Fidelity ``inferred``: events only, liquidity known from earlier events.

Every swap is typed and re-executed from the state that earlier events show; price, amounts, liquidity, tick and hence
the fee must come out to the wei. Swaps through liquidity that no earlier event shows are listed. Their steps on the
tape use what later events show of that liquidity, and where even that is silent, the nearest cell known.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

import polars as pl

from tidemill.errors import BadData
from tidemill.market.book import FullBook, SeenBook, UnknownLiquidity
from tidemill.market.manifest import PoolInfo
from tidemill.market.replay import Account, Replay, SwapType, reproduce
from tidemill.market.replayer import Replayer, lump
from tidemill.market.rows import EventRow, event_rows
from tidemill.market.schema import Kind
from tidemill.market.walk import UNBOUNDED, Order, Spot, Step, certain_steps, walk

__all__ = ["Inference", "infer"]

_MISMATCH_SHARE = 100
"""Refuse data in which more than one event in so many contradicts earlier ones."""


class _Gap(NamedTuple):
    """A swap whose path is not known from earlier events: its place in ``paths``, the state before it, what was known."""

    place: int
    spot: Spot
    book: SeenBook


def infer(events: pl.DataFrame, pool: PoolInfo) -> Replay:
    """Type and reproduce every swap of ``events`` (table ``EVENTS`` of one pool, in order).

    Raises
    ------
    BadData : more than one event in a hundred contradicts earlier ones (wrong pool parameters, or events missing).
    """
    rows = list(event_rows(events))
    state = Inference.of(rows, pool)
    state.run(rows)
    state.fill_gaps(rows)
    return state.result(rows)


class Inference(Replayer):
    """The pass over events alone; after ``run`` and ``fill_gaps``, ``unsure`` are the rows whose path is not known, each with the
    steps that are certain all the same.
    """

    def __init__(self, pool: PoolInfo, *, born: bool = False) -> None:
        self.seen = SeenBook(pool.tick_spacing)
        super().__init__(pool, FullBook(pool.tick_spacing, {}) if born else self.seen, None)
        self.gaps: dict[int, _Gap] = {}  # by row
        self.later = 0
        self.unsure: dict[int, list[Step]] = {}
        self.mismatched: list[tuple[int, int]] = []

    @classmethod
    def of(cls, rows: Sequence[EventRow], pool: PoolInfo) -> Inference:
        """Return the pass for these events; where they begin with the pool itself, all of its liquidity is known."""
        return cls(pool, born=bool(rows) and rows[0].kind == Kind.INITIALIZE)

    def on_unknown(self, number: int, row: EventRow, down: bool) -> list[Step]:
        """See ``Replayer``: what was known is kept for ``fill_gaps``."""
        self.gaps[number] = _Gap(len(self.paths), self.spot, _around(self.seen, self.spot.tick, row.tick))
        return []

    def on_mismatch(self, row: EventRow, down: bool) -> list[Step]:
        """See ``Replayer``: counted, and refused by ``result`` if there are many."""
        self.mismatched.append(row.name)
        return [lump(row, down, self.pool.fee)]

    def fill_gaps(self, rows: Sequence[EventRow]) -> None:
        """Give undeterminable swaps the best path later events allow."""
        _learn_backwards(rows, self.gaps, self.pool.tick_spacing)
        for number, gap in self.gaps.items():
            row, path = rows[number], self.paths[gap.place]
            certain = certain_steps(gap.book, gap.spot, path.down, row.price, self.pool.fee)
            _fill_nearest(gap.book, gap.spot.tick // self.pool.tick_spacing, row.tick // self.pool.tick_spacing)
            try:
                found = reproduce(gap.book, gap.spot, row, path.down, self.pool.fee)
            except UnknownLiquidity:
                found = None
            self.later += found is not None
            if found is None:
                self.unsure[number] = certain or []
            steps = found[1].steps if found else _approximate(gap, row, path.down, self.pool.fee)
            self.paths[gap.place] = path._replace(steps=steps)

    def check(self, rows: Sequence[EventRow]) -> None:
        """Raise ``BadData`` where too many events contradict earlier ones."""
        wrong = len(self.mismatched)
        if wrong * _MISMATCH_SHARE > max(len(rows), _MISMATCH_SHARE):
            block, index = self.mismatched[0]
            raise BadData(
                f"events do not follow from one another: {wrong} of {len(rows)} contradict earlier ones, first at "
                f"block {block}, log index {index}; another pool's, a wrong fee or tick spacing, or events missing"
            )

    def result(self, rows: Sequence[EventRow]) -> Replay:
        """Return what was inferred; raises as ``check`` does."""
        self.check(rows)
        wrong, exact = len(self.mismatched), sum(self.counts.values())
        swaps = sum(row.kind == Kind.SWAP for row in rows)
        account = Account(
            fidelity="inferred",
            swaps=swaps,
            exact_in=self.counts[SwapType.EXACT_IN],
            exact_out=self.counts[SwapType.EXACT_OUT],
            price_limited=self.counts[SwapType.PRICE_LIMITED],
            in_cell=self.in_cell,
            cell_changing=self.cell_changing,
            positions=self.positions,
            no_state=tuple(self.first),
            undeterminable=tuple(rows[number].name for number in self.gaps),
            undeterminable_later=self.later,
            mismatched=tuple(self.mismatched),
            model_error=(
                f"{exact} of {swaps} swaps reproduce to the wei; {len(self.gaps)} pass liquidity that earlier events "
                f"do not show ({self.later} of them reproduce with later events), {len(self.first)} without a state "
                f"before, {wrong} contradict earlier events"
            ),
        )
        return Replay(*self.build(rows), account)


def _around(book: SeenBook, tick: int, to: int) -> SeenBook:
    """What ``book`` knows around the cells between two ticks."""
    low, high = min(tick, to) // book.spacing - 1, max(tick, to) // book.spacing + 1
    part = SeenBook(book.spacing)
    part.cells = {cell: book.cells[cell] for cell in range(low, high + 1) if cell in book.cells}
    part.gross.update({edge: book.gross[edge] for edge in range(low, high + 2) if edge in book.gross})
    return part


def _learn_backwards(rows: Sequence[EventRow], wanted: dict[int, _Gap], spacing: int) -> None:
    """Walk the events from the end and add to each wanted book what later events show of its cells."""
    later: dict[int, int] = {}
    for number in range(len(rows) - 1, -1, -1):
        row = rows[number]
        if row.kind == Kind.SWAP:
            later[row.tick // spacing] = row.liquidity
            if number in wanted:
                gap = wanted[number]
                low, high = sorted((gap.spot.tick // spacing, row.tick // spacing))
                for cell in range(low - 1, high + 2):
                    if cell in later:
                        gap.book.assume(cell, later[cell])
        elif row.kind in {Kind.MINT, Kind.BURN}:
            delta = row.liquidity if row.kind == Kind.MINT else -row.liquidity
            for cell in later:
                if row.lower // spacing <= cell < row.upper // spacing:
                    later[cell] -= delta


def _fill_nearest(book: SeenBook, start: int, end: int) -> None:
    """Give cells still unknown the liquidity of the nearest cell known, in the direction of the swap."""
    way = 1 if end >= start else -1
    last = book.cells[start]
    for cell in (*range(start, end + 2 * way, way), start - way):
        last = book.assume(cell, last)


def _approximate(gap: _Gap, row: EventRow, down: bool, fee: int) -> list[Step]:
    """Steps to the recorded price over assumed liquidity, the fee of the recorded input shared among them."""
    done = walk(gap.book, gap.spot, Order(down, True, UNBOUNDED, row.price), fee)
    charged = -(-row.paid_in(down) * fee // 1_000_000)
    shares = [charged * step.fee // done.fee if done.fee else 0 for step in done.steps]
    shares[-1] += charged - sum(shares)
    return [step._replace(fee=share) for step, share in zip(done.steps, shares, strict=True)]
