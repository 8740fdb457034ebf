"""A liquidity bridge in memory: two sides of one token, money locked on either, tickets in order of sending."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from typing import Any

from tidemill.interfaces import Action, Context, Position, Result, Revert, Transfer
from tidemill.venues.liquidity_bridge.rules import fee_up, settleable
from tidemill.venues.shared.effects import Effects

__all__ = ["NOTHING_LEFT", "BridgeState", "LiquidityBridgeModel", "Side", "Terms", "Ticket", "flight"]

NOTHING_LEFT = "the fee takes all of it"
UNFUNDED = "balance"


@dataclass(frozen=True)
class Terms:
    """Fee (``bps`` and ``flat`` raw units), largest amount that is filled (raw units), and seconds: until it is filled, until it
    expires, and from there until it is settled. ``missed``: draws by ticket number, in turn; where true nobody fills.
    """

    bps: int
    flat: int
    limit: int
    fill: int
    expiry: int
    settle: int
    missed: tuple[bool, ...] = (False,)


@dataclass
class Ticket:
    """Money sent: raw units locked here and asked for there, until when (seconds); ``filled`` there, ``settled`` here."""

    owner: str
    amount: int
    output: int
    deadline: int
    filled: bool = False
    settled: bool = False


@dataclass
class Side:
    """One network's half: ``spoke`` is the contract, ``relayer`` who pays there; ``tickets`` are those sent from here."""

    id: str
    network: str
    token: str
    spoke: str
    relayer: str
    tickets: list[Ticket] = field(default_factory=list)

    @property
    def locked(self) -> int:
        """Raw units that lie in the contract."""
        return sum(one.amount for one in self.tickets if not one.settled)


@dataclass
class BridgeState:
    """Both sides and the terms, which are the same in both directions."""

    sides: tuple[Side, Side]
    terms: Terms

    def other(self, side: int) -> Side:
        """Return the side across."""
        return self.sides[1 - side]

    def fill_time(self, side: int, number: int) -> int | None:
        """Return the second at which ticket ``number`` sent from ``side`` is filled across, ``None`` where nobody fills it."""
        terms, ticket = self.terms, self.sides[side].tickets[number - 1]
        missed = terms.missed[(number - 1) % len(terms.missed)]
        if ticket.amount > terms.limit or missed or terms.fill > terms.expiry:
            return None
        return ticket.deadline - terms.expiry + terms.fill

    def settle_time(self, side: int, number: int) -> int:
        """Return the second at which what ticket ``number`` locked is paid out: to who filled it, or back."""
        return settleable(self.sides[side].tickets[number - 1].deadline, self.terms.settle)


class LiquidityBridgeModel:
    """`Model` of both sides: ``send`` (``amount``) locks it here; what is asked for across is that less the fee.

    Filling and settling are others': ``fill`` and ``settle``, by ticket number.
    """

    def apply(self, state: BridgeState, side: int, action: Action, ctx: Context) -> Result:
        """Do one's own verb on a side; nothing changes when it reverts."""
        if action.verb != "send":
            raise Revert(f"no verb {action.verb!r} at a liquidity bridge")
        here, terms, effects = state.sides[side], state.terms, Effects(ctx)
        amount = int(action.args["amount"])
        fee = fee_up(amount, terms.bps, terms.flat)
        if amount <= fee:
            raise Revert(NOTHING_LEFT)
        effects.move(here.token, ctx.sender, here.spoke, amount, UNFUNDED)
        here.tickets.append(Ticket(ctx.sender, amount, amount - fee, ctx.block.time + terms.expiry))
        return effects.result({"amount": amount, "output": amount - fee}, f"{here.id}#{len(here.tickets)}")

    def fill(self, state: BridgeState, side: int, number: int) -> Transfer:
        """Pay ticket ``number`` of the other side's on ``side``: the relayer's own money, to its owner."""
        here, ticket = state.sides[side], state.other(side).tickets[number - 1]
        ticket.filled = True
        return Transfer(here.token, here.relayer, ticket.owner, ticket.output)

    def settle(self, state: BridgeState, side: int, number: int) -> Transfer:
        """Pay out what ticket ``number`` locked on ``side``: to the relayer who filled it, else back to its owner."""
        here = state.sides[side]
        ticket = here.tickets[number - 1]
        ticket.settled = True
        filled = (
            state.fill_time(side, number) is not None
        )  # not by the mark: the other network may be played after this one
        return Transfer(here.token, here.spoke, here.relayer if filled else ticket.owner, ticket.amount)

    def read(self, state: BridgeState, side: int, query: str, *args: Any) -> Any:
        """Answer by name: ``limit`` (raw units), ``fee`` of an amount, ``locked`` here, ``count`` sent from here, ``ticket`` by
        number (amount, output, deadline, settled here), ``filled`` of the other side's by number.
        """
        here = state.sides[side]
        if query == "limit":
            return state.terms.limit
        if query == "fee":
            return fee_up(int(args[0]), state.terms.bps, state.terms.flat)
        if query == "locked":
            return here.locked
        if query == "count":
            return len(here.tickets)
        if query == "ticket":
            one = here.tickets[int(args[0]) - 1]
            return one.amount, one.output, one.deadline, one.settled
        if query == "filled":
            return state.other(side).tickets[int(args[0]) - 1].filled
        raise KeyError(query)

    def positions(self, state: BridgeState, side: int, owner: str) -> tuple[Position, ...]:
        """Return what is on its way to ``side``: worth what was asked for here, until it is filled or given back."""
        here, across = state.sides[side], state.other(side)
        return tuple(
            flight(f"{across.id}#{number}", here.id, here.token, one.output, one.deadline)
            for number, one in enumerate(across.tickets, 1)
            if one.owner == owner and not one.filled and not one.settled
        )


def flight(id_: str, venue: str, token: str, output: int, deadline: int) -> Position:
    """Return what is on its way as a position: ``output`` raw units of ``token``, to be paid until ``deadline``."""
    data: Mapping[str, int] = {"size": output, "deadline": deadline}
    return Position(id_, venue, "flight", data, {token: output}, {})
