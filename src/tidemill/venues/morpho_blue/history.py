"""What the logs of a transaction say that an account supplied, put up and borrowed at a market, and what befell it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.errors import Revert, RpcError
from tidemill.venues.morpho_blue.client import ZERO, MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.client_abi import IRM, MORPHO
from tidemill.venues.morpho_blue.state import ADAPTIVE
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.history import History, LogQuery, Past, Quote, topic_of
from tidemill.venues.shared.reader import Reader, named, readers_of, topic
from tidemill.venues.shared.told import Told

__all__ = ["histories", "told"]

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


def histories(past: Past) -> Sequence[History]:
    """Return a reader for each market in which something happened to the account; see ``Kind.history``.

    Markets are found by their logs. One in which the account held something all the time, and did nothing, is not found.
    """
    views = MORPHO, ("owner", "feeRecipient")
    marks = _queries("", past.account)
    return readers_of(past, "morpho_blue", lambda morpho: _readers(past, morpho), views, name="morpho", marks=marks)


def _readers(past: Past, morpho: str) -> Sequence[History]:
    queries = _queries(morpho, past.account)
    found = [str(log["topics"][1]) for query in queries for log in past.logs(query)]
    return [_market(past, morpho, bytes.fromhex(one[2:])) for one in dict.fromkeys(found)]


def _queries(morpho: str, account: str, market: str | None = None) -> list[LogQuery]:
    """All that names the account as the owner: third topic of some events, fourth of others."""
    who = topic_of(account or 0)
    third = tuple(topic(MORPHO, name) for name in ("Withdraw", "WithdrawCollateral", "Borrow"))
    fourth = tuple(topic(MORPHO, name) for name in ("Supply", "SupplyCollateral", "Repay", "Liquidate"))
    return [LogQuery(morpho, (third, market, who)), LogQuery(morpho, (fourth, market, None, who))]


def _market(past: Past, morpho: str, market: bytes) -> Reader:
    rpc = past.rpc
    params = ask(rpc, morpho, MORPHO, "idToMarketParams", (market,), past.last)
    loan, collateral = past.asset(params[0]), past.asset(params[1])
    place = MorphoDeployment.of_market(
        morpho, params, loan_id=loan.id, collateral_id=collateral.id, irm_name=_rate_model(past, params[3], market)
    )
    label = f"{collateral.id.partition('@')[0]}/{loan.id.partition('@')[0]}"
    client = MorphoClient(rpc, place, venue=named("morpho_blue", label, "0x" + market.hex()), account=past.account)

    def quotes(block: int) -> Sequence[Quote]:
        try:
            price = int(client.read("price", block=block))
        except (Revert, RpcError):
            return ()
        return (Quote(collateral.id, loan.id, price, 10**36),) if price else ()

    others = [LogQuery(morpho, (None, "0x" + market.hex()))]
    own = _queries(morpho, past.account, "0x" + market.hex())
    return Reader(past, client, morpho, told, own, (loan, collateral), quotes=quotes, others=others)


def _rate_model(past: Past, irm: str, market: bytes) -> str:
    """Return the name of a market's rate model: the adaptive one is known by its view, another is taken to be the plain one."""
    if irm == ZERO:
        return ""
    try:
        ask(past.rpc, irm, IRM, "rateAtTarget", (market,), past.last)
    except (Revert, RpcError):
        return "utilisation"
    return ADAPTIVE
