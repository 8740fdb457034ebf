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
from tidemill.market.book import SeenBook, UnknownLiquidity
from tidemill.market.manifest import PoolInfo
from tidemill.market.replay import Account, Replay, SwapType, reproduce
from tidemill.market.rows import EventRow, event_rows
from tidemill.market.schema import Kind
from tidemill.market.tapes import FlowBuilder, TapeBuilder
from tidemill.market.walk import UNBOUNDED, Order, Spot, Step, bound, price_at, walk
from tidemill.venues.uniswap_v3.rules import amounts_for_liquidity_down, amounts_for_liquidity_up

__all__ = ["infer"]

_MISMATCH_SHARE = 100
"""Refuse data in which more than one swap in so many contradicts earlier events."""


class _Gap(NamedTuple):
    """A swap whose path is not known from earlier events: state before it and what was known then."""

    row: int
    spot: Spot
    book: SeenBook


def infer(events: pl.DataFrame, pool: PoolInfo) -> Replay:
    """Type and reproduce every swap of ``events`` (table ``EVENTS`` of one pool, in order).

    Raises
    ------
    BadData : more than one swap in a hundred contradicts earlier events (wrong pool parameters, or events missing).
    """
    rows = list(event_rows(events))
    state = _Inference(pool)
    for number, row in enumerate(rows):
        state.take(number, row)
    state.fill_gaps(rows)
    return state.result(rows)


class _Inference:
    def __init__(self, pool: PoolInfo) -> None:
        self.pool = pool
        self.book = SeenBook(pool.tick_spacing)
        self.spot = Spot(0, 0, 0)
        self.known = False
        self.fee_protocol = [pool.fee_protocol0, pool.fee_protocol1]
        self.flow = FlowBuilder()
        self.paths: list[tuple[int, list[Step], int, bool, int]] = []  # row, steps, tick after, down, protocol
        self.gaps: list[tuple[int, _Gap]] = []  # place in paths, gap
        self.counts = dict.fromkeys(SwapType, 0)
        self.in_cell = self.cell_changing = self.positions = self.later = 0
        self.first: list[tuple[int, int]] = []
        self.unknown: list[tuple[int, int]] = []
        self.mismatched: list[tuple[int, int]] = []

    def take(self, number: int, row: EventRow) -> None:
        if row.kind == Kind.SWAP:
            self.swap(number, row)
            return
        delta = 0
        if row.kind in {Kind.MINT, Kind.BURN}:
            delta = row.liquidity if row.kind == Kind.MINT else -row.liquidity
            self.position(row, delta)
        elif row.kind == Kind.FLASH:
            self.flash(number, row)
        elif row.kind == Kind.SET_FEE_PROTOCOL:
            self.fee_protocol = [row.amount0, row.amount1]
        elif row.kind == Kind.INITIALIZE:
            self.spot, self.known = Spot(row.price, row.tick, 0), True
        if row.kind <= Kind.COLLECT_PROTOCOL:
            self.flow.add(
                (row.time, row.block, row.log_index),
                row.kind,
                amount0=row.amount0,
                amount1=row.amount1,
                price=self.spot.price,
                ticks=(row.lower, row.upper),
                liquidity_delta=delta,
            )

    def position(self, row: EventRow, delta: int) -> None:
        self.book.change(row.lower, row.upper, delta)
        if not self.known:
            return
        if row.lower <= self.spot.tick < row.upper:
            self.spot = self.spot._replace(liquidity=self.spot.liquidity + delta)
        if position_amounts(self.spot, row.lower, row.upper, delta) == (row.amount0, row.amount1):
            self.positions += 1
        else:
            self.mismatched.append((row.block, row.log_index))

    def flash(self, number: int, row: EventRow) -> None:
        for token, paid in enumerate((row.paid0, row.paid1)):
            if paid and self.spot.liquidity:
                step = Step(
                    self.spot.tick, self.spot.price, self.spot.price, self.spot.liquidity, 0, 0, paid, self.spot.tick
                )
                self.paths.append((number, [step], self.spot.tick, token == 0, self.fee_protocol[token]))

    def swap(self, number: int, row: EventRow) -> None:
        down = row.down if row.amount0 or row.amount1 else row.price < self.spot.price
        kind = SwapType.EXACT_IN
        steps: list[Step] = []
        if not self.known:
            self.first.append((row.block, row.log_index))
            steps = [_lump(row, down, self.pool.fee)]
        else:
            try:
                found = reproduce(self.book, self.spot, row, down, self.pool.fee)
            except UnknownLiquidity:
                self.unknown.append((row.block, row.log_index))
                around = _around(self.book, self.spot.tick, row.tick)
                self.gaps.append((len(self.paths), _Gap(number, self.spot, around)))
            else:
                if found is None:
                    self.mismatched.append((row.block, row.log_index))
                    steps = [_lump(row, down, self.pool.fee)]
                else:
                    kind, done = found
                    steps = done.steps
                    self.count(kind, row)
        self.paths.append((number, steps, row.tick, down, self.fee_protocol[0 if down else 1]))
        self.add_flow(row, kind, down)
        self.spot, self.known = Spot(row.price, row.tick, row.liquidity), True
        self.book.learn(row.tick // self.pool.tick_spacing, row.liquidity)

    def count(self, kind: SwapType, row: EventRow) -> None:
        self.counts[kind] += 1
        if row.tick // self.pool.tick_spacing == self.spot.tick // self.pool.tick_spacing:
            self.in_cell += 1
        else:
            self.cell_changing += 1

    def add_flow(self, row: EventRow, kind: SwapType, down: bool) -> None:
        self.flow.add(
            (row.time, row.block, row.log_index),
            Kind.SWAP,
            amount0=row.amount0,
            amount1=row.amount1,
            price=row.price,
            swap_type=kind,
            down=down,
            specified=-row.paid_out(down) if kind == SwapType.EXACT_OUT else row.paid_in(down),
            limit=row.price if kind == SwapType.PRICE_LIMITED else bound(down),
        )

    def fill_gaps(self, rows: Sequence[EventRow]) -> None:
        """Give undeterminable swaps the best path later events allow."""
        if not self.gaps:
            return
        wanted = {gap.row: gap for _, gap in self.gaps}
        _learn_backwards(rows, wanted, self.pool.tick_spacing)
        for place, gap in self.gaps:
            row = rows[gap.row]
            number, _, tick, down, protocol = self.paths[place]
            _fill_nearest(gap.book, gap.spot.tick // self.pool.tick_spacing, row.tick // self.pool.tick_spacing)
            found = reproduce(gap.book, gap.spot, row, down, self.pool.fee)
            if found is not None:
                self.later += 1
                steps = found[1].steps
            else:
                steps = _approximate(gap, row, down, self.pool.fee)
            self.paths[place] = (number, steps, tick, down, protocol)

    def result(self, rows: Sequence[EventRow]) -> Replay:
        swaps = sum(self.counts.values()) + len(self.first) + len(self.unknown)
        wrong = len(self.mismatched)
        if wrong * _MISMATCH_SHARE > max(len(rows), _MISMATCH_SHARE):
            block, index = self.mismatched[0]
            raise BadData(
                f"events do not follow from one another: {wrong} of {len(rows)} contradict earlier ones, first at "
                f"block {block}, log index {index}; logs of another pool, a wrong fee or tick spacing, or events missing"
            )
        tape = TapeBuilder(self.pool.tick_spacing)
        for number, steps, tick, down, protocol in self.paths:
            row = rows[number]
            for step in steps:
                fee = step.fee - (step.fee // protocol if protocol else 0)
                after = tick if step is steps[-1] else step.tick_to
                assert after is not None, "only the last step of a swap ends within a cell"
                tape.add((row.time, row.block, number), step, after, down=down, fee=fee)
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
            undeterminable=tuple(self.unknown),
            undeterminable_later=self.later,
            mismatched=tuple(self.mismatched),
            model_error=(
                f"{sum(self.counts.values())} of {swaps} swaps reproduce to the wei; {len(self.unknown)} pass liquidity "
                f"that earlier events do not show ({self.later} of them reproduce with later events), "
                f"{len(self.first)} has no state before it"
            ),
        )
        return Replay(tape.build(), self.flow.build(), account)


def position_amounts(spot: Spot, lower: int, upper: int, delta: int) -> tuple[int, int]:
    """Return the amounts (token0, token1) a mint (``delta`` > 0, rounded up) or burn (rounded down) moves."""
    low, high = price_at(lower), price_at(upper)
    # the contract compares ticks: a price on the lower end, just crossed downwards, is below the range
    price = min(spot.price, low - 1) if spot.tick < lower else spot.price
    if delta > 0:
        return amounts_for_liquidity_up(price, low, high, delta)
    return amounts_for_liquidity_down(price, low, high, -delta)


def _lump(row: EventRow, down: bool, fee: int) -> Step:
    """A swap with no known path, as one step at its final price; the fee is its input's share, rounded up."""
    paid = row.paid_in(down)
    charged = -(-paid * fee // 1_000_000)
    return Step(row.tick, row.price, row.price, row.liquidity, paid - charged, row.paid_out(down), charged, row.tick)


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
                        gap.book.cells.setdefault(cell, later[cell])
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
        last = book.cells.setdefault(cell, last)


def _approximate(gap: _Gap, row: EventRow, down: bool, fee: int) -> list[Step]:
    """Steps to the recorded price over assumed liquidity, the fee of the recorded input shared among them."""
    done = walk(gap.book, gap.spot, Order(down, True, UNBOUNDED, row.price), fee)
    charged = -(-row.paid_in(down) * fee // 1_000_000)
    shares = [charged * step.fee // done.fee if done.fee else 0 for step in done.steps]
    shares[-1] += charged - sum(shares)
    return [step._replace(fee=share) for step, share in zip(done.steps, shares, strict=True)]
