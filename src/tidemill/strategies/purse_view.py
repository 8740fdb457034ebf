"""What one stream of a portfolio sees: its own purse, positions and plans, and the same world as everyone."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.interfaces import COMMON, All, Arg, Block, Costs, Intent, Plan, Position, Result, View, Why

__all__ = ["PurseView"]


class PurseView:
    """``view`` as the owner of purse ``name`` sees it (``interfaces.View``).

    Parameters
    ----------
    held : raw units by token in the purse, moves of this decision included.
    planned : plans of the purse made in this decision already: they count as in flight.
    """

    def __init__(self, view: View, name: str, held: Mapping[str, int], planned: Sequence[Plan] = ()) -> None:
        self._view = view
        self.at: Mapping[str, Block] = view.at
        self.why: Why = view.why
        self.balances: Mapping[str, int] = {token: amount for token, amount in sorted(held.items()) if amount}
        self.positions: Sequence[Position] = tuple(p for p in view.positions if view.owners.get(p.id, COMMON) == name)
        self.in_flight: Sequence[Plan] = (*(plan for plan in view.in_flight if plan.purse == name), *planned)
        self.purses: Mapping[str, Mapping[str, int]] = {COMMON: self.balances}
        self.owners: Mapping[str, str] = {}

    def oracle(self, oracle_id: str) -> Any:
        """Read a price feed."""
        return self._view.oracle(oracle_id)

    def read(self, venue: str, query: str, *args: Any) -> Any:
        """Answer a view of a venue."""
        return self._view.read(venue, query, *args)

    def quote(self, intent: Intent) -> Result:
        """Return what the intent would do; all of a token is all that is in the purse."""
        return self._view.quote(self._resolved(intent))

    def fee(self, intent: Intent) -> Costs:
        """Return what the intent would cost."""
        return self._view.fee(self._resolved(intent))

    def _resolved(self, intent: Intent) -> Intent:
        limits = structs.replace(intent.limits, amounts=self._amounts(intent.limits.amounts))
        return structs.replace(intent, args=self._amounts(intent.args), limits=limits)

    def _amounts(self, args: Mapping[str, Arg]) -> dict[str, Arg]:
        return {
            key: max(self.balances.get(arg.token, 0) - arg.keep, 0) if isinstance(arg, All) else arg
            for key, arg in args.items()
        }
