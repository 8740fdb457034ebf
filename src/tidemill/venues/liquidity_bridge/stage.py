"""A liquidity bridge in a world: two stages over one state, a half on either network."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any, Literal

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import (
    ARRIVED,
    REFUNDED,
    Action,
    At,
    Block,
    Condition,
    Context,
    Happened,
    Position,
    Rate,
    Result,
)
from tidemill.venues.liquidity_bridge.model import BridgeState, LiquidityBridgeModel
from tidemill.venues.shared.scripted import Holdings

__all__ = ["Due", "LiquidityStage"]


class Due(Struct, frozen=True):
    """What others do at a half, and in which block: ``fill`` a ticket of the other side's, or ``settle`` one of this side's."""

    block: Block
    what: Literal["fill", "settle"]
    number: int


class LiquidityStage:
    """One half; ``state`` is shared, so it is changed in place. ``beside`` is the other half, where this is the study's own."""

    def __init__(self, state: BridgeState, side: int, clocks: Sequence[Callable[[int], Block]]) -> None:
        here = state.sides[side]
        self.id, self.network, self.account = here.id, here.network, here.spoke
        self.accounts = (here.spoke, here.relayer)
        self.state, self.side, self.first_from = state, side, clocks[side]
        self.model = LiquidityBridgeModel()
        self.beside = (LiquidityStage(state, 1, clocks),) if side == 0 else ()

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions; the state is unchanged when it reverts."""
        return self.model.apply(self.state, self.side, action, ctx)

    def snapshot(self) -> Any:
        """Return a copy of both halves."""
        return copy.deepcopy(self.state.sides)

    def restore(self, snapshot: Any) -> None:
        """Go back to a copy, on both networks."""
        self.state.sides = copy.deepcopy(snapshot)

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view of the model."""
        return self.model.read(self.state, self.side, query, *args)

    @property
    def holdings(self) -> Holdings:
        """What lies in the contract."""
        here, found = self.state.sides[self.side], Holdings()
        found.held[here.token, here.spoke] = here.locked
        return found

    def positions(self, owner: str) -> Sequence[Position]:
        """Return what is on its way to this side."""
        return self.model.positions(self.state, self.side, owner)

    def rates(self) -> Mapping[str, Rate]:
        """A bridge issues no receipt token."""
        return {}

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the block in which somebody is paid next; raises ``BadInput`` for a condition that is no time."""
        for condition in conditions:
            if not isinstance(condition, At):
                raise BadInput(f"{type(condition).__name__} is not a wake condition of this venue", field=self.id)
        due = self.due(until)
        return due[0].block if due else None

    def advance(self, to: Block) -> Sequence[Happened]:
        """Let others fill and settle what is due; news of what reaches an owner."""
        return [news for due in self.due(to) if (news := self._done(due))]

    def due(self, until: Block) -> list[Due]:
        """Return what others do here up to a block, in order."""
        state, side = self.state, self.side
        found = []
        for number, ticket in enumerate(state.other(side).tickets, 1):
            if not ticket.filled and (time := state.fill_time(1 - side, number)) is not None:
                found.append(Due(self.first_from(time), "fill", number))
        for number, ticket in enumerate(state.sides[side].tickets, 1):
            if not ticket.settled:
                found.append(Due(self.first_from(state.settle_time(side, number)), "settle", number))
        return sorted((one for one in found if one.block.number <= until.number), key=_order)

    def _done(self, due: Due) -> Happened | None:
        state, side = self.state, self.side
        here, across = state.sides[side], state.other(side)
        if due.what == "fill":
            paid = self.model.fill(state, side, due.number)
            return Happened(self.id, f"{across.id}#{due.number}", ARRIVED, {}, due.block, (paid,))
        ticket, paid = here.tickets[due.number - 1], self.model.settle(state, side, due.number)
        if paid.target == here.relayer:
            return None  # the relayer is repaid: nobody's news here
        lost = {across.token: -ticket.output, here.token: ticket.amount}
        return Happened(self.id, f"{here.id}#{due.number}", REFUNDED, lost, due.block, (paid,))


def _order(due: Due) -> tuple[int, str, int]:
    return due.block.number, due.what, due.number
