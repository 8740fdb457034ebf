"""Payees of a study on a local chain: the token, and an address for everyone who is paid."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.payees.client import PayeesClient
from tidemill.venues.payees.model import PayeesState, account_of
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalPayees", "seat"]


class LocalPayees(ScriptedLocal):
    """``LocalVenue`` of payees: no contract but the token's."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: PayeesState = twin.state
        self._state = state
        self._payees = {name: ground.address(account_of(name)) for name in state.names}
        ground.token(state.token)
        super().__init__(ground, twin, (state.token,), (state.token,), ground.address(twin.account))
        self.accounts = (*self.accounts, *map(account_of, state.names))

    def client_for(self, who: str) -> PayeesClient:
        """Return a client; it is the same for every account."""
        del who
        token = self.ground.token(self._state.token)
        return PayeesClient(self.ground.rpc, token, self._state.token, self._payees, venue=self.id)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what everyone has been paid."""
        names = self._state.names
        return tuple(model.read("paid", n) for n in names), tuple(self.client.read("paid", n) for n in names)

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare what each has been paid."""
        return [(f"paid {n}", model.read("paid", n), self.client.read("paid", n)) for n in self._state.names]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how payees are rehearsed."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalPayees, rank=1)
