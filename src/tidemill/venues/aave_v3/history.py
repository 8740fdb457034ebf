"""What the logs of a transaction say that an account supplied, borrowed and handed on, and what befell it.

How much is told by the reserves' own tokens: each change of a balance is logged there with the interest that it took
in, whoever caused it. The pool's events that stand behind them say what it was.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any, Literal, NamedTuple

from msgspec import structs

from tidemill.errors import BadInput, Revert, RpcError
from tidemill.interfaces import Event, Position
from tidemill.venues.aave_v3.client import MarketClient, MarketDeployment, ReserveAt
from tidemill.venues.aave_v3.client_abi import ORACLE, POOL, RECEIPT
from tidemill.venues.aave_v3.client_state import rounding_at
from tidemill.venues.aave_v3.rules import ray_div_half_up
from tidemill.venues.aave_v3.rules_v36 import ray_div_down, ray_div_up
from tidemill.venues.aave_v3.versions import V30
from tidemill.venues.shared.client_parts import ask, ask_many, decode_log
from tidemill.venues.shared.history import Asset, History, LogQuery, Past, Quote, topic_of
from tidemill.venues.shared.reader import Reader, Standing, handed, named, readers_of, topic
from tidemill.venues.shared.told import Told

__all__ = ["histories", "told"]

_ROUNDED = 2
"""Raw units that rounding may put between what was paid and what a debt fell by."""
_Side = Literal["supply", "debt"]
_VERBS = {"Supply": "supply", "Withdraw": "withdraw", "Borrow": "borrow", "Repay": "repay"}


class _Change(NamedTuple):
    """Of one balance: raw units more (or less) than interest explains, and the same scaled.

    ``at`` is the index at which they were reckoned from one another, 0 where the log told both.
    """

    asset: str
    side: _Side
    amount: int
    scaled: int
    at: int = 0

    def settled(self, version: int, actual: int) -> _Change:
        """Of v3.6 a token logs what its balance made of the ``actual`` amount: shares follow from that amount itself."""
        if version == V30 or not (self.at and self.amount):
            return self
        more = self.amount > 0
        shares = (ray_div_up if (self.side == "debt") == more else ray_div_down)(actual, self.at)
        sign = 1 if more else -1
        return self._replace(amount=sign * actual, scaled=sign * shares)


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
    return [_Change(asset, side, amount, scaled if amount > 0 else -scaled, args["index"])]


def _by_side(client: MarketClient, event: Event, changes: Sequence[_Change]) -> list[Told]:
    args: Any = event.args
    version = client.deployment.version
    if event.name != "LiquidationCall":
        verb, moved = "repay_with_supply" if args.get("useATokens") else _VERBS[event.name], int(args["amount"])
        return [_one(client, verb, change.settled(version, moved)) for change in changes]
    if args["user"] != client.account or args["liquidator"] == client.account:
        return [_one(client, "liquidate", change) for change in changes]
    out = []
    for change in (_struck(one, version, args) for one in changes):
        lost = {change.asset: change.amount if change.side == "supply" else -change.amount}
        told = {"debt": int(args["debtToCover"]), "collateral": int(args["liquidatedCollateralAmount"])}
        out.append(Told("liquidated", f"{client.venue}#{change.side}", {}, change.scaled, told, lost))
    return out


def _struck(change: _Change, version: int, args: Any) -> _Change:
    """Settle what a liquidation took; a debt may be gone beyond what was paid, written off."""
    if change.side == "supply":
        return change.settled(version, int(args["liquidatedCollateralAmount"]))
    paid, gone = int(args["debtToCover"]), -change.amount
    return change.settled(version, paid if abs(gone - paid) <= _ROUNDED else gone)


def _one(client: MarketClient, verb: str, change: _Change) -> Told:
    paid = change.amount if change.side == "debt" else -change.amount
    amounts = {"amount": abs(change.amount)}
    return Told(verb, f"{client.venue}#{change.side}", {change.asset: paid}, change.scaled, amounts)


def histories(past: Past) -> Sequence[History]:
    """Return the readers of pools, each for the reserves the account has to do with; see ``Kind.history``."""
    views = POOL, ("ADDRESSES_PROVIDER", "getReservesList")
    marks = _queries("", past.account)
    return readers_of(past, "aave_v3", lambda pool: _readers(past, pool), views, name="pool", marks=marks)


def _readers(past: Past, pool: str) -> Sequence[History]:
    market = _Market(past, pool)
    return (market.reader(),) if market.reserves else ()


def _queries(pool: str, account: str) -> list[LogQuery]:
    who, struck = topic_of(account or 0), topic(POOL, "LiquidationCall")
    verbs = tuple(topic(POOL, name) for name in _VERBS)
    return [LogQuery(pool, (verbs, None, who)), LogQuery(pool, (struck, None, None, who))]


class _Market:
    """The part of a pool that the account has to do with: every reserve is contracts of its own to be searched."""

    def __init__(self, past: Past, pool: str) -> None:
        self.past, self.pool, self.standing = past, pool, Standing(past.rpc)
        (listed,) = ask(past.rpc, pool, POOL, "getReservesList", (), past.last)
        whole = MarketDeployment.of_pool(past.rpc, pool, {token: token for token in listed})
        self.queries = _queries(pool, past.account)
        touched = {token for query in self.queries for log in past.logs(query) for token in _tokens(log)}
        self.assets: dict[str, Asset] = {}
        self.reserves: dict[str, ReserveAt] = {}
        for token, reserve in whole.reserves.items():
            handed_on = handed(reserve.supply, past.account)
            if token in touched or self._held_at_first(reserve) or any(past.logs(query) for query in handed_on):
                asset = past.asset(token)
                self.assets[asset.id], self.reserves[asset.id] = asset, reserve
                self.queries += handed_on
        self.place = structs.replace(whole, reserves=self.reserves, version=self._version())

    def _version(self) -> int:
        """Return whose rounding the pool had all the time; raises ``BadInput`` where it changed in between."""
        past = self.past
        asked = [block for block in (past.first, past.last) if self.standing.at(self.pool, block)]
        found = {rounding_at(past.rpc, self.pool, block) for block in asked}
        if len(found) > 1:
            raise BadInput(
                f"the pool {self.pool} got other rounding rules between blocks {past.first:,} and {past.last:,} (Aave v3.5); "
                "ask for the time before and the time after",
                field="from",
            )
        return found.pop() if found else V30

    def reader(self) -> Reader:
        venue = named("aave_v3", "pool", self.pool)
        client = MarketClient(self.past.rpc, self.place, venue=venue, account=self.past.account)

        def positions(one: MarketClient, block: int) -> Sequence[Position]:
            there = {name: at for name, at in self.reserves.items() if self.standing.at(at.debt, block)}
            part = structs.replace(self.place, reserves=there)
            return MarketClient(one.rpc, part, venue=venue, account=one.account).positions(one.account, block)

        def quotes(block: int) -> Sequence[Quote]:
            if not self.standing.at(self.place.oracle, block):
                return ()
            asked = [("getAssetPrice", (one.token,)) for one in self.reserves.values()]
            try:
                found = ask_many(client.rpc, self.place.oracle, ORACLE, asked, block)
            except (Revert, RpcError):
                return ()
            prices = zip(self.assets.values(), found, strict=True)
            return [Quote(asset.id, "USD", price, 10**asset.decimals) for asset, (price,) in prices if price]

        return Reader(
            self.past, client, self.pool, told, self.queries, list(self.assets.values()),
            positions=positions, quotes=quotes, others=[LogQuery(self.pool)],
        )  # fmt: skip

    def _held_at_first(self, reserve: ReserveAt) -> bool:
        both = [token for token in (reserve.supply, reserve.debt) if self.standing.at(token, self.past.first)]
        asked = (self.past.account,)
        return any(ask(self.past.rpc, token, RECEIPT, "scaledBalanceOf", asked, self.past.first)[0] for token in both)


def _tokens(log: Mapping[str, Any]) -> list[str]:
    """Return the reserves that an event of the pool names."""
    named_there = log["topics"][1:3] if log["topics"][0] == topic(POOL, "LiquidationCall") else log["topics"][1:2]
    return ["0x" + str(one)[-40:].lower() for one in named_there]
