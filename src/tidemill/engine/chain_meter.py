"""What own transactions cost: by the model's table, and as their receipts and signed bytes say."""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.engine.rules import CostOf
from tidemill.interfaces import Block, Costs

__all__ = ["Meter", "Metered"]


class Metered(Struct, frozen=True):
    """One own transaction included: what the table says and what was measured."""

    name: str
    venue: str
    verb: str
    reverted: bool
    table: Costs
    measured: Costs


class Meter:
    """``CostOf`` that knows when a transaction has landed and was measured.

    Parameters
    ----------
    table : the model's costs; they answer every question about what something would cost.
    feed : charge what was measured for what has landed, instead of the table's costs.
    """

    def __init__(self, table: CostOf, *, feed: bool = False) -> None:
        self._table, self._feed = table, feed
        self._landed: tuple[str, Costs] | None = None
        self.rows: list[Metered] = []

    def landed(self, name: str, costs: Costs) -> None:
        """Say that a transaction has landed and what it cost; the next question is about it."""
        self._landed = (name, costs)

    def __call__(self, venue: str, verb: str, features: Mapping[str, int], block: Block) -> Costs:
        """Return what a transaction costs."""
        table = self._table(venue, verb, features, block)
        if self._landed is None:
            return table
        (name, measured), self._landed = self._landed, None
        self.rows.append(Metered(name, venue, verb, bool(features.get("reverted")), table, measured))
        return measured if self._feed else table

    def measured(self) -> dict[str, Costs]:
        """Return what every landed transaction was measured to cost, by its name."""
        return {row.name: row.measured for row in self.rows}
