"""Writes the world down: marks around every own step and every event suffered, in one sequence."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import TYPE_CHECKING, Any, Literal
from weakref import proxy

from msgspec import structs

from tidemill.execution.ids import content_hash
from tidemill.interfaces import Befell, Happened, Mark, Move, Moved, Price, Rate, Recorded
from tidemill.ledger.purses import Purses

if TYPE_CHECKING:
    from tidemill.engine.world import ModelWorld

__all__ = ["PricesOf", "RatesOf", "Scribe", "record_hash"]

PricesOf = Callable[["ModelWorld"], Mapping[str, Price]]
"""The world as it stands → the price of every token held, for a mark."""

RatesOf = Callable[["ModelWorld"], Mapping[str, Rate]]
"""The world as it stands → what every receipt token held stands for, for a mark."""

MarkWhy = Literal["start", "sample", "decision", "before", "after", "end"]


def record_hash(record: Sequence[Recorded | Befell], marks: Sequence[Mark], moved: Sequence[Moved] = ()) -> str:
    """Return the hash of a run's whole record: equal runs, equal hash, whatever happened to the process meanwhile."""
    whole: list[Sequence[Any]] = [record, marks]
    return content_hash([*whole, moved] if moved else whole)


class Scribe:
    """Keeps ``record`` and ``marks`` of ``world``, and what belongs to which purse of its wallet."""

    def __init__(self, world: ModelWorld, prices: PricesOf, rates: RatesOf) -> None:
        # a proxy: a cycle would keep a finished world, and the tapes of its venues, until the collector runs
        self._world: ModelWorld = proxy(world)
        self._prices, self._rates = prices, rates
        self._seq = 0
        self.record: list[Recorded | Befell] = []
        self.marks: list[Mark] = []
        self.moved: list[Moved] = []
        self.purses = Purses(world.book.holdings(world.account), world.account)

    def look(self, why: MarkWhy, *, parent: bool = False) -> Mark:
        """Take a mark of the present state without writing it down; ``put`` does that, if it turns out to matter."""
        world = self._world
        return Mark(
            seq=-1,
            time=max(block.time for block in world.at.values()),
            why=why,
            balances=world.book.holdings(world.account),
            positions=world.positions(),
            prices=dict(self._prices(world)),
            rates=dict(self._rates(world)),
            blocks=dict(world.at),
            parent=parent,
        )

    def put(self, mark: Mark) -> None:
        """Write down a mark taken before."""
        self.marks.append(structs.replace(mark, seq=self._next()))
        self.purses.seen(mark)

    def mark(self, why: MarkWhy) -> None:
        """Take a mark of the present state and write it down."""
        self.put(self.look(why))

    def recorded(self, line: Recorded) -> None:
        """Write down a step answered."""
        self.record.append(structs.replace(line, seq=self._next()))
        self.purses.recorded(line)

    def befell(self, happened: Happened) -> None:
        """Write down something suffered, with the part of its transfers that touches the wallet."""
        me = self._world.account
        own = tuple(t for t in happened.transfers if me in (t.source, t.target))
        line = Befell(self._next(), happened, own)
        self.record.append(line)
        self.purses.befell(line)

    def move(self, move: Move, why: Literal["plan", "gas"]) -> None:
        """Write down a move between purses."""
        time = max(block.time for block in self._world.at.values())
        self.moved.append(Moved(self._next(), time, move, why))
        self.purses.move(move)

    def _next(self) -> int:
        self._seq += 1
        return self._seq - 1
