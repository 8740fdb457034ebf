"""A canonical bridge in a world: two stages over one state, a half on either network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import (
    ARRIVED,
    Action,
    At,
    Block,
    Condition,
    Context,
    Happened,
    Position,
    Rate,
    Result,
    Revert,
    Transfer,
)
from tidemill.venues.canonical_bridge.model import DONE, BridgeModel, BridgeState
from tidemill.venues.shared.scripted import Holdings

__all__ = ["BridgeStage", "PortalStage"]


class _Half:
    """What both halves do alike; ``state`` is shared, so it is changed in place and never replaced."""

    on_l1: bool

    def __init__(self, id_: str, network: str, account: str, state: BridgeState) -> None:
        self.id, self.network, self.account, self.state = id_, network, account, state
        self.model = BridgeModel()

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; the state is unchanged when it reverts."""
        before = self.snapshot()
        try:
            return self.model.apply(self.state, action, ctx, on_l1=self.on_l1)
        except Revert:
            self.restore(before)
            raise

    def snapshot(self) -> Any:
        """Return a copy of the whole bridge."""
        return copy.deepcopy(vars(self.state))

    def restore(self, snapshot: Any) -> None:
        """Go back to a copy, on both networks."""
        vars(self.state).update(copy.deepcopy(snapshot))

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view of the model."""
        return self.model.read(self.state, query, *args)

    @property
    def holdings(self) -> Holdings:
        """What lies at the bridge itself: the escrow on Ethereum."""
        found = Holdings()
        if self.on_l1:
            found.held[self.state.l1_token, self.state.escrow] = self.state.locked
        return found

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what is on its way to this side."""
        return self.model.positions(self.state, owner, on_l1=self.on_l1)

    def rates(self) -> Mapping[str, Rate]:
        """A bridge issues no receipt token: what it mints is the token itself on the other side."""
        return {}

    def _check(self, conditions: Sequence[Condition]) -> None:
        for condition in conditions:
            if not isinstance(condition, At):
                raise BadInput(f"{type(condition).__name__} is not a wake condition of this venue", field=self.id)


class PortalStage(_Half):
    """The half on Ethereum: deposits go in, withdrawals are proven and paid."""

    on_l1 = True

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Nothing befalls anybody here: every step is one's own."""
        del until
        self._check(conditions)
        return None

    def advance(self, to: Block) -> Sequence[Happened]:
        """Nothing happens by itself."""
        del to
        return ()


class BridgeStage(_Half):
    """The half on the rollup: withdrawals begin, deposits arrive by themselves. ``beside`` is the other half."""

    on_l1 = False

    def __init__(
        self, id_: str, network: str, account: str, state: BridgeState, first_from: Callable[[int], Block]
    ) -> None:
        super().__init__(id_, network, account, state)
        self.first_from = first_from
        self.beside = (PortalStage(state.portal, state.l1, state.escrow, state),)

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the block in which the next deposit arrives."""
        self._check(conditions)
        found = [block for _, block in self._due(until)]
        return min(found, key=lambda block: block.number) if found else None

    def advance(self, to: Block) -> Sequence[Happened]:
        """Let every deposit in whose time has come."""
        news = []
        for number, block in self._due(to):
            ticket = self.state.tickets[number - 1]
            ticket.stage = DONE
            paid = Transfer(self.state.l2_token, self.state.minter, ticket.owner, ticket.amount)
            news.append(Happened(self.id, f"{self.id}#{number}", ARRIVED, {}, block, (paid,)))
        return news

    def _due(self, until: Block) -> list[tuple[int, Block]]:
        """Return deposits under way that arrive by ``until``, with their blocks, in order of arrival."""
        waiting = [
            (number, self.first_from(ticket.ready))
            for number, ticket in enumerate(self.state.tickets, 1)
            if not ticket.out and ticket.stage != DONE and ticket.ready <= until.time
        ]
        return sorted((one for one in waiting if one[1].number <= until.number), key=lambda one: one[1].number)
