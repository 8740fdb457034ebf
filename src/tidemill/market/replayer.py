"""One pass over a pool's events: swaps re-executed, positions checked, steps and flow collected.

``infer`` and ``exact`` are this pass with a book of what has been seen, and with a full one.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import NamedTuple

from tidemill.market.book import FullBook, SeenBook, UnknownLiquidity
from tidemill.market.manifest import PoolInfo
from tidemill.market.replay import SwapType, reproduce
from tidemill.market.rows import EventRow
from tidemill.market.schema import Kind
from tidemill.market.tapes import FlowBuilder, TapeBuilder
from tidemill.market.walk import Spot, Step, bound, price_at
from tidemill.venues.uniswap_v3.rules import amounts_for_liquidity_down, amounts_for_liquidity_up
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["Path", "Replayer", "position_amounts"]


class Path(NamedTuple):
    """The steps of one event (row ``row``), the tick it ends at, its direction, the protocol's share as 1/n."""

    row: int
    steps: list[Step]
    tick: int
    down: bool
    fee_protocol: int


class Replayer:
    """State of the pass. What goes wrong is handed to ``on_unknown`` and ``on_mismatch``, which subclasses define."""

    def __init__(self, pool: PoolInfo, book: SeenBook | FullBook, spot: Spot | None) -> None:
        self.pool, self.book = pool, book
        self.spot = spot or Spot(0, 0, 0)
        self.known = spot is not None
        self.fee_protocol = [pool.fee_protocol0, pool.fee_protocol1]
        self.flow = FlowBuilder()
        self.paths: list[Path] = []
        self.counts = dict.fromkeys(SwapType, 0)
        self.in_cell = self.cell_changing = self.positions = 0
        self.first: list[tuple[int, int]] = []

    def run(self, rows: Sequence[EventRow]) -> None:
        """Take every event in order."""
        for number, row in enumerate(rows):
            self.take(number, row)

    def take(self, number: int, row: EventRow) -> None:
        """Take one event, the ``number``-th."""
        if row.kind == Kind.SWAP:
            self._swap(number, row)
        else:
            self._other(number, row)

    def on_unknown(self, number: int, row: EventRow, down: bool) -> list[Step]:
        """Swap ``row`` passes liquidity that the book does not know; return its steps."""
        raise NotImplementedError

    def on_mismatch(self, row: EventRow, down: bool) -> list[Step]:
        """Event ``row`` contradicts the state before it; return steps for the tape."""
        raise NotImplementedError

    def build(self, rows: Sequence[EventRow]) -> tuple[Tape, Flow]:
        """Pack what has been collected."""
        tape = TapeBuilder(self.pool.tick_spacing)
        for path in self.paths:
            row = rows[path.row]
            for step in path.steps:
                fee = step.fee - (step.fee // path.fee_protocol if path.fee_protocol else 0)
                after = path.tick if step is path.steps[-1] else step.tick_to
                assert after is not None, "only the last step of a swap ends within a cell"
                tape.add((row.time, row.block, path.row), step, after, down=path.down, fee=fee)
        return tape.build(), self.flow.build()

    def _other(self, number: int, row: EventRow) -> None:
        delta = 0
        if row.kind in {Kind.MINT, Kind.BURN}:
            delta = row.liquidity if row.kind == Kind.MINT else -row.liquidity
            self._position(row, delta)
        elif row.kind == Kind.FLASH:
            self._flash(number, row)
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

    def _position(self, row: EventRow, delta: int) -> None:
        if delta:
            self.book.change(row.lower, row.upper, delta)
        if not self.known:
            return
        if row.lower <= self.spot.tick < row.upper:
            self.spot = self.spot._replace(liquidity=self.spot.liquidity + delta)
        if position_amounts(self.spot, row.lower, row.upper, delta) == (row.amount0, row.amount1):
            self.positions += 1
        else:
            self.on_mismatch(row, down=False)

    def _flash(self, number: int, row: EventRow) -> None:
        for token, paid in enumerate((row.paid0, row.paid1)):
            if paid and self.spot.liquidity:
                step = Step(self.spot.tick, self.spot.price, self.spot.price, self.spot.liquidity, 0, 0, paid, None)
                self.paths.append(Path(number, [step], self.spot.tick, token == 0, self.fee_protocol[token]))

    def _swap(self, number: int, row: EventRow) -> None:
        down = row.down if row.amount0 or row.amount1 else row.price < self.spot.price
        kind = SwapType(row.swap_type or 0)
        if not self.known:
            self.first.append(row.name)
            steps = [lump(row, down, self.pool.fee)]
        else:
            try:
                found = reproduce(self.book, self.spot, row, down, self.pool.fee)
            except UnknownLiquidity:
                steps = self.on_unknown(number, row, down)
            else:
                if found is None:
                    steps = self.on_mismatch(row, down)
                else:
                    kind, steps = found[0], found[1].steps
                    self._count(kind, row)
        self.paths.append(Path(number, steps, row.tick, down, self.fee_protocol[0 if down else 1]))
        self._swap_flow(row, kind, down)
        self.spot, self.known = Spot(row.price, row.tick, row.liquidity), True
        if isinstance(self.book, SeenBook):
            self.book.learn(row.tick // self.pool.tick_spacing, row.liquidity)

    def _count(self, kind: SwapType, row: EventRow) -> None:
        self.counts[kind] += 1
        if row.tick // self.pool.tick_spacing == self.spot.tick // self.pool.tick_spacing:
            self.in_cell += 1
        else:
            self.cell_changing += 1

    def _swap_flow(self, row: EventRow, kind: SwapType, down: bool) -> None:
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


def position_amounts(spot: Spot, lower: int, upper: int, delta: int) -> tuple[int, int]:
    """Return the amounts (token0, token1) a mint (``delta`` > 0, rounded up) or burn (rounded down) moves."""
    low, high = price_at(lower), price_at(upper)
    # the contract compares ticks, the rule prices; they differ at an end just crossed only, where the amounts agree
    if delta > 0:
        return amounts_for_liquidity_up(spot.price, low, high, delta)
    return amounts_for_liquidity_down(spot.price, low, high, -delta)


def lump(row: EventRow, down: bool, fee: int) -> Step:
    """A swap with no known path, as one step at its final price; the fee is its input's share, rounded up."""
    paid = row.paid_in(down)
    charged = -(-paid * fee // 1_000_000)
    return Step(row.tick, row.price, row.price, row.liquidity, paid - charged, row.paid_out(down), charged, row.tick)
