"""What the logs of a transaction say that an account supplied, put up and borrowed at a market, and what befell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.morpho_blue.client import MorphoClient
from tidemill.venues.shared.told import Told

__all__ = ["told"]

_SIDES = {
    "Supply": ("supply", "supply", 1),
    "Withdraw": ("withdraw", "supply", -1),
    "SupplyCollateral": ("supply_collateral", "collateral", 1),
    "WithdrawCollateral": ("withdraw_collateral", "collateral", -1),
    "Borrow": ("borrow", "debt", 1),
    "Repay": ("repay", "debt", -1),
}
"""Event to (verb, position, whether the position grows)."""


def told(client: MorphoClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account. Somebody else's liquidation of its loan befell it."""
    at, out = client.deployment, []
    for event in client.events(logs):
        args: Any = event.args
        if event.name == "Liquidate" and args["borrower"] == client.account:
            out += _liquidated(client, args)
        elif event.name in _SIDES and args["onBehalf"] == client.account:
            verb, side, sign = _SIDES[event.name]
            assets = int(args["assets"])
            shares = int(args.get("shares", assets))
            token = at.collateral_id if side == "collateral" else at.loan_id
            leg = sign * assets if side == "debt" else -sign * assets
            told = {name: int(args[name]) for name in ("assets", "shares") if name in args}
            out.append(Told(verb, f"{client.venue}#{side}", {token: leg}, sign * shares, told))
    return out


def _liquidated(client: MorphoClient, args: Mapping[str, Any]) -> list[Told]:
    """Collateral seized against debt repaid; debt that nothing covers any more is written off."""
    at, ids = client.deployment, [f"{client.venue}#{side}" for side in ("collateral", "debt")]
    seized, repaid, bad = (int(args[name]) for name in ("seizedAssets", "repaidAssets", "badDebtAssets"))
    sizes = -seized, -int(args["repaidShares"]) - int(args["badDebtShares"])
    amounts = {"seized": seized, "repaid": repaid, "bad_debt": bad}
    if args["caller"] == client.account:
        moves = {at.collateral_id: seized}, {at.loan_id: -repaid}
        return [Told("liquidate", *one, amounts) for one in zip(ids, moves, sizes, strict=True)]
    losses = {at.collateral_id: -seized}, {at.loan_id: repaid + bad}
    each = zip(ids, sizes, losses, strict=True)
    return [Told("liquidated", place, {}, size, amounts, lost) for place, size, lost in each]
