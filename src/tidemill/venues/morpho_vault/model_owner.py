"""What the owner of a vault does, alone and at once: markets, caps, queues, the fee, and moving what is lent."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action
from tidemill.venues.morpho_vault.state import Place, VaultState
from tidemill.venues.shared.effects import Effects

__all__ = ["MOST_FEE", "VERBS"]

MOST_FEE = 5 * 10**17


def _place(state: VaultState, index: int) -> Place:
    if index >= len(state.places):
        raise Revert("no such market")
    return state.places[index]


def _queue(text: str) -> tuple[int, ...]:
    return tuple(int(one) for one in text.split(",") if one)


def _add_market(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    place = Place(str(args["venue"]), str(args["market"]), int(args["cap"]))
    if not effects.ctx.read(place.venue, "lastUpdate", place.market):
        raise Revert("no such market")
    if any((one.venue, one.market) == (place.venue, place.market) for one in state.places):
        raise Revert("already there")
    state.places = [*state.places, place]
    state.withdraw_queue = (*state.withdraw_queue, len(state.places) - 1)


def _set_cap(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    """Change a cap; a market that was out of the withdraw queue comes back to its end."""
    del effects
    index, cap = int(args["index"]), int(args["cap"])
    place = _place(state, index)
    state.places = [place._replace(cap=cap) if i == index else one for i, one in enumerate(state.places)]
    if cap and index not in state.withdraw_queue:
        state.withdraw_queue = (*state.withdraw_queue, index)


def _set_supply_queue(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    del effects
    queue = _queue(str(args["queue"]))
    for index in queue:
        if not _place(state, index).cap:
            raise Revert("no cap")
    state.supply_queue = queue


def _set_withdraw_queue(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    """Reorder; only a market without a cap and without anything in it may be left out."""
    queue, seen = _queue(str(args["queue"])), set[int]()
    for index in queue:
        _place(state, index)
        if index in seen:
            raise Revert("twice")
        seen.add(index)
    for index, place in enumerate(state.places):
        if index not in seen:
            if place.cap:
                raise Revert("still capped")
            if effects.ctx.read(place.venue, "position", place.market, state.account)[0]:
                raise Revert("still supplied")
    state.withdraw_queue = queue


def _reallocate(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    """Take assets out of one market and put them into another under its cap."""
    ctx, assets = effects.ctx, int(args["assets"])
    source, target = (_place(state, int(args[name])) for name in ("source", "target"))
    ctx.call(source.venue, Action("withdraw", {"market": source.market, "assets": assets}))
    lent, _ = ctx.read(target.venue, "expectedSupplyAssets", target.market, state.account, ctx.block.time)
    if lent + assets > target.cap:
        raise Revert("cap exceeded")
    ctx.call(target.venue, Action("supply", {"market": target.market, "assets": assets}))


def _set_fee(state: VaultState, effects: Effects, args: Mapping[str, Any]) -> None:
    """Change the fee and who takes it; what has grown so far is charged at the old one first."""
    del effects
    fee, recipient = int(args["fee"]), str(args["recipient"])
    if fee > MOST_FEE:
        raise Revert("fee too high")
    if recipient == "zero":
        raise Revert("no recipient")
    state.fee, state.fee_recipient = fee, recipient


VERBS: Mapping[str, Callable[[VaultState, Effects, Mapping[str, Any]], None]] = {
    "add_market": _add_market,
    "set_cap": _set_cap,
    "set_supply_queue": _set_supply_queue,
    "set_withdraw_queue": _set_withdraw_queue,
    "reallocate": _reallocate,
    "set_fee": _set_fee,
}
"""By verb: (state, effects, arguments); queues are indices in a text, ``"0,2,1"``."""
