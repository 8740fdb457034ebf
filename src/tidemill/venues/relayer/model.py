"""A relayer in memory: orders come with a fee, are filled with the float that is free, and are repaid after a while.

One purse on both sides of the bridge: what an order brings in lies with the venue until it is repaid.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import Struct, structs

from tidemill.interfaces import Action, Block, Context, Pending, Position, Rate, Result, Revert
from tidemill.venues.relayer.rules import repaid_at
from tidemill.venues.shared.effects import Effects

__all__ = ["Order", "Out", "RelayerModel", "RelayerState"]


class Order(Struct, frozen=True):
    """What somebody wants on the other side: ``amount`` less ``fee``, raw units."""

    amount: int
    fee: int


class Out(Struct, frozen=True):
    """Money that is out: what was paid, the fee that comes back with it, and from when on it is repaid (seconds)."""

    paid: int
    fee: int
    ready: int


@dataclass
class RelayerState:
    """``float_`` is what the relayer brought; ``out`` what of it is out, in order of filling; ``earned`` fees repaid.

    A fill is in the next bundle of ``interval`` seconds counted from ``start``, which is paid ``challenge`` seconds later.
    """

    venue: str
    account: str
    token: str
    operator: str
    start: int
    interval: int
    challenge: int
    float_: int = 0
    earned: int = 0
    number: int = 0
    orders: dict[int, Order] = field(default_factory=dict)
    out: tuple[Out, ...] = ()

    def __deepcopy__(self, memo: object) -> RelayerState:
        """Copy quickly: stages copy before every action."""
        made = copy.copy(self)
        made.orders = dict(self.orders)
        return made


class RelayerModel:
    """`Model` of a relayer. Of the script: order (``amount``, ``fee``), take (``order``: a rival was first).

    Of the relayer: deposit (``amount``), fill (``order``), collect (fees repaid), withdraw (all: what is out comes pending).
    """

    def init(self, params: Mapping[str, Any]) -> RelayerState:
        """Make a relayer without a float; ``params``: the fields of `RelayerState`."""
        return RelayerState(**params)

    def apply(self, state: RelayerState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts."""
        doing = _VERBS.get(action.verb)
        if doing is None:
            raise Revert(f"no verb {action.verb!r}")
        if action.verb not in ("order", "take") and ctx.sender != state.operator:
            raise Revert("not the relayer")
        return doing(state, Effects(ctx), action.args)

    def read(self, state: RelayerState, query: str, *args: Any) -> Any:
        """Answer ``orders`` (open ones: number, amount, fee) or, at a time: ``free`` (float that is not out), ``repaid``
        (when more of it will be, 0 for never).
        """
        if query == "orders":
            return tuple((number, one.amount, one.fee) for number, one in state.orders.items())
        waits = [one for one in state.out if one.ready > int(args[0])]
        if query == "free":
            return state.float_ - sum(one.paid for one in waits)
        if query == "repaid":
            return min((one.ready for one in waits), default=0)
        raise KeyError(query)

    def positions(
        self, state: RelayerState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the float, out or not, and the fees that have come back with what was repaid."""
        fees = _earned(state, now)
        if owner != state.operator or not (state.float_ or fees):
            return ()
        held, due = ({state.token: amount} if amount else {} for amount in (state.float_, fees))
        return (Position(f"{venue}#float", venue, "float", {"size": state.float_}, held, due),)

    def rates(self, state: RelayerState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A relayer has no receipt token."""
        return {}


def _earned(state: RelayerState, now: int) -> int:
    return state.earned + sum(one.fee for one in state.out if one.ready <= now)


def _settle(state: RelayerState, now: int) -> None:
    state.earned = _earned(state, now)
    state.out = tuple(one for one in state.out if one.ready > now)


def _order(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount, fee = int(args["amount"]), int(args["fee"])
    effects.move(state.token, effects.ctx.sender, state.account, amount, "balance")
    state.number += 1
    state.orders[state.number] = Order(amount, fee)
    return effects.result({"amount": amount, "fee": fee})


def _take(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    order = _open(state, args)
    effects.move(state.token, state.account, effects.ctx.sender, order.amount, "balance")
    del state.orders[int(args["order"])]
    return effects.result({"amount": order.amount})


def _open(state: RelayerState, args: Mapping[str, Any]) -> Order:
    order = state.orders.get(int(args["order"]))
    if order is None:
        raise Revert("already filled")
    return order


def _deposit(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    amount = int(args["amount"])
    if amount <= 0:
        raise Revert("nothing to deposit")
    effects.move(state.token, state.operator, state.account, amount, "balance")
    state.float_ += amount
    return effects.result({"amount": amount})


def _fill(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    order, now = _open(state, args), effects.ctx.block.time
    _settle(state, now)
    paid = order.amount - order.fee
    if paid > state.float_ - sum(one.paid for one in state.out):
        raise Revert("the float does not hold as much")
    ready = repaid_at(now, state.start, state.interval, state.challenge)
    effects.move(state.token, state.account, "recipients", paid, "balance")
    del state.orders[int(args["order"])]
    state.out = (*state.out, Out(paid, order.fee, ready))
    effects.log("Filled", order=int(args["order"]), paid=paid, fee=order.fee, ready=ready)
    return effects.result({"paid": paid, "fee": order.fee})


def _collect(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    del args
    _settle(state, effects.ctx.block.time)
    if not state.earned:
        raise Revert("nothing to collect")
    fees, state.earned = state.earned, 0
    effects.move(state.token, state.account, state.operator, fees, "balance")
    return effects.result({"fees": fees})


def _withdraw(state: RelayerState, effects: Effects, args: Mapping[str, Any]) -> Result:
    """Pay all that is not out, fees included; the rest follows once the last of it is repaid."""
    del args
    now = effects.ctx.block
    _settle(state, now.time)
    rest, fees = sum(one.paid for one in state.out), state.earned
    free = state.float_ - rest
    if not state.float_ + fees:
        raise Revert("nothing to withdraw")
    effects.move(state.token, state.account, state.operator, free + fees, "balance")
    state.float_, state.earned = rest, 0
    done = effects.result({"amount": free, "fees": fees}, f"{state.venue}#float")
    if not rest:
        return done
    ready = max(one.ready for one in state.out)
    wait = Pending("withdraw", state.token.partition("@")[2], Block(time=ready, number=now.number))
    return structs.replace(done, pending=wait)


_VERBS: Mapping[str, Callable[[RelayerState, Effects, Mapping[str, Any]], Result]] = {
    "order": _order,
    "take": _take,
    "deposit": _deposit,
    "fill": _fill,
    "collect": _collect,
    "withdraw": _withdraw,
}
