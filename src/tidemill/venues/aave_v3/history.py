"""What the logs of a transaction say that an account supplied, borrowed and handed on, and what befell it.

How much is told by the reserves' own tokens: each change of a balance is logged there with the interest that it took
in, whoever caused it. The pool's events that stand behind them say what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from tidemill.interfaces import Event
from tidemill.venues.aave_v3.client import MarketClient
from tidemill.venues.aave_v3.client_abi import POOL, RECEIPT
from tidemill.venues.aave_v3.rules import ray_div_half_up
from tidemill.venues.shared.client_parts import decode_log
from tidemill.venues.shared.told import Told

__all__ = ["told"]

_Side = Literal["supply", "debt"]
_VERBS = {"Supply": "supply", "Withdraw": "withdraw", "Borrow": "borrow", "Repay": "repay"}


class _Change(NamedTuple):
    """Of one balance: raw units more (or less) than interest explains, and the same scaled."""

    asset: str
    side: _Side
    amount: int
    scaled: int


def told(client: MarketClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account, all listed reserves.

    Somebody else's liquidation of its debt befell it; supply tokens that came or went without the pool are
    ``receive`` and ``send``.
    """
    at, out = client.deployment, []
    places: dict[str, tuple[str, _Side]] = {}
    for asset, reserve in at.reserves.items():
        places[reserve.supply], places[reserve.debt] = (asset, "supply"), (asset, "debt")
    assets = {reserve.token: asset for asset, reserve in at.reserves.items()}
    waiting: list[_Change] = []
    sent: dict[tuple[str, str, str], int] = {}
    for log in logs:
        address = str(log["address"]).lower()
        if address in places:
            event = decode_log(log, RECEIPT, venue="a token of Aave v3", may_be_unknown=True)
            if event is not None:
                waiting += _changes(event, client.account, *places[address], sent)
        elif address == at.pool:
            event = decode_log(log, POOL, venue="Aave v3", may_be_unknown=True)
            named = _named(event, assets)
            mine = [change for change in waiting if change.asset in named]
            if event is not None and mine:
                waiting = [change for change in waiting if change.asset not in named]
                out += _by_side(client, event, mine)
    moved = [change for change in waiting if change.scaled]
    return [*out, *(_one(client, "receive" if change.amount > 0 else "send", change) for change in moved)]


def _named(event: Event | None, assets: Mapping[str, str]) -> set[str]:
    """Return the assets that an event of the pool closes the account of, none for other events."""
    if event is None or (event.name not in _VERBS and event.name != "LiquidationCall"):
        return set()
    tokens = (event.args.get(name) for name in ("reserve", "collateralAsset", "debtAsset"))
    return {assets[str(token)] for token in tokens if token in assets}


def _changes(event: Event, me: str, asset: str, side: _Side, sent: dict[tuple[str, str, str], int]) -> list[_Change]:
    """Return what an event of a reserve's token did to the account's balance.

    ``sent`` remembers plain amounts of transfers until the event behind them tells the scaled one.
    """
    args: Any = event.args
    if event.name in ("Transfer", "BalanceTransfer"):
        between = asset, args["from"], args["to"]
        if event.name == "Transfer":
            sent[between] = args["value"]
            return []
        sign = (args["to"] == me) - (args["from"] == me)
        return [_Change(asset, side, sign * sent[between], sign * args["value"])] if sign else []
    if args["onBehalfOf" if event.name == "Mint" else "from"] != me:
        return []
    # A burn smaller than the interest it takes in is logged as a mint of what is left of that.
    amount = (
        args["value"] - args["balanceIncrease"] if event.name == "Mint" else -args["value"] - args["balanceIncrease"]
    )
    scaled = ray_div_half_up(abs(amount), args["index"])
    return [_Change(asset, side, amount, scaled if amount > 0 else -scaled)]


def _by_side(client: MarketClient, event: Event, changes: Sequence[_Change]) -> list[Told]:
    args: Any = event.args
    if event.name != "LiquidationCall":
        verb = "repay_with_supply" if args.get("useATokens") else _VERBS[event.name]
        return [_one(client, verb, change) for change in changes]
    if args["user"] != client.account or args["liquidator"] == client.account:
        return [_one(client, "liquidate", change) for change in changes]
    out = []
    for change in changes:
        lost = {change.asset: change.amount if change.side == "supply" else -change.amount}
        told = {"debt": int(args["debtToCover"]), "collateral": int(args["liquidatedCollateralAmount"])}
        out.append(Told("liquidated", f"{client.venue}#{change.side}", {}, change.scaled, told, lost))
    return out


def _one(client: MarketClient, verb: str, change: _Change) -> Told:
    paid = change.amount if change.side == "debt" else -change.amount
    amounts = {"amount": abs(change.amount)}
    return Told(verb, f"{client.venue}#{change.side}", {change.asset: paid}, change.scaled, amounts)
