"""What the owner of the contract may do, and what anybody may: open a market, let somebody act for oneself."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import Revert
from tidemill.units import WAD
from tidemill.venues.morpho_blue.accrual import accrue, rate_of
from tidemill.venues.morpho_blue.rules import MAX_FEE
from tidemill.venues.morpho_blue.state import ADAPTIVE, MarketState, MorphoState
from tidemill.venues.shared.effects import Effects

__all__ = ["GOVERN", "govern"]

GOVERN = frozenset(
    {"create_market", "set_fee", "set_fee_recipient", "set_owner", "enable_irm", "enable_lltv", "set_authorization"}
)


def govern(state: MorphoState, verb: str, args: Mapping[str, Any], effects: Effects) -> None:
    """Do one of ``GOVERN``."""
    if verb == "create_market":
        _create_market(state, args, effects)
    elif verb == "set_authorization":
        _set_authorization(state, effects, str(args["to"]), bool(args["allowed"]))
    elif effects.ctx.sender != state.owner:
        raise Revert("not owner")
    elif verb == "set_fee":
        name = str(args.get("market", next(iter(state.markets), "")))
        _set_fee(state, state.market(name), effects, int(args["fee"]))
    elif verb == "set_fee_recipient":
        if args["to"] == state.fee_recipient:
            raise Revert("already set")
        state.fee_recipient = str(args["to"])
        effects.log("SetFeeRecipient", newFeeRecipient=state.fee_recipient)
    elif verb == "set_owner":
        if args["to"] == state.owner:
            raise Revert("already set")
        state.owner = str(args["to"])
        effects.log("SetOwner", newOwner=state.owner)
    elif verb == "enable_irm":
        if args["irm"] in state.irms:
            raise Revert("already set")
        state.irms.add(str(args["irm"]))
        effects.log("EnableIrm", irm=str(args["irm"]))
    else:
        _enable_lltv(state, effects, int(args["lltv"]))


def _enable_lltv(state: MorphoState, effects: Effects, lltv: int) -> None:
    if lltv in state.lltvs:
        raise Revert("already set")
    if lltv >= WAD:
        raise Revert("max LLTV exceeded")
    state.lltvs.add(lltv)
    effects.log("EnableLltv", lltv=lltv)


def _set_authorization(state: MorphoState, effects: Effects, to: str, allowed: bool) -> None:
    me = effects.ctx.sender
    if ((me, to) in state.authorized) == allowed:
        raise Revert("already set")
    (state.authorized.add if allowed else state.authorized.discard)((me, to))
    effects.log("SetAuthorization", caller=me, authorizer=me, authorized=to, newIsAuthorized=allowed)


def _create_market(state: MorphoState, args: Mapping[str, Any], effects: Effects) -> None:
    """Anybody may open a market of an allowed rate model and limit; ``price`` is what its oracle says."""
    name, irm, lltv = str(args["market"]), str(args["irm"]), int(args["lltv"])
    if irm not in state.irms:
        raise Revert("IRM not enabled")
    if lltv not in state.lltvs:
        raise Revert("LLTV not enabled")
    if name in state.markets:
        raise Revert("market already created")
    market = MarketState(name, str(args["loan"]), str(args["collateral"]), irm, lltv, int(args["price"]))
    market.last_update = effects.ctx.block.time
    state.markets[name] = market
    effects.log("CreateMarket", id=name, loanToken=market.loan, collateralToken=market.collateral, irm=irm, lltv=lltv)
    if irm == ADAPTIVE:
        market.at_target = rate_of(market, market.last_update)[1]


def _set_fee(state: MorphoState, market: MarketState, effects: Effects, fee: int) -> None:
    if fee == market.fee:
        raise Revert("already set")
    if fee > MAX_FEE:
        raise Revert("max fee exceeded")
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    market.fee = fee
    effects.log("SetFee", id=market.name, newFee=fee)
