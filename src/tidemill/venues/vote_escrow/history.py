"""What the logs of a transaction say that an account locked, took back and was paid at a vote escrow and its distributor."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.errors import BadData, Revert, RpcError
from tidemill.interfaces import Position
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.history import Deed, History, Holding, LogQuery, Past, Transaction, topic_of
from tidemill.venues.shared.reader import Reader, Standing, named, readers_of, topic
from tidemill.venues.shared.told import Told
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import DIVIDENDS, ESCROW, EscrowDeployment

__all__ = ["histories", "told"]

_VERBS = ("deposit_for", "create_lock", "increase_amount", "increase_unlock_time")
"""By the type that a deposit's event tells."""


def told(client: EscrowClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account: whoever adds to a lock adds the owner's own tokens."""
    at, place, out = client.deployment, f"{client.venue}#{client.name}", []
    for event in client.events(logs):
        args = event.args
        if event.name == "Deposit" and args["provider"] == client.account:
            amount = int(args["value"])
            legs, amounts = {at.token_id: -amount} if amount else {}, {"amount": amount, "end": int(args["locktime"])}
            out.append(Told(_VERBS[int(args["type"])], place, legs, amount, amounts))
        elif event.name == "Withdraw" and args["provider"] == client.account:
            amount = int(args["value"])
            out.append(Told("withdraw", place, {at.token_id: amount} if amount else {}, -amount, {"amount": amount}))
        elif event.name == "Claimed" and args["recipient"] == client.account:
            reward, amounts = int(args["amount"]), {"reward": int(args["amount"]), "until": int(args["claim_until"])}
            out.append(Told("claim", place, {at.paid_id: reward} if reward else {}, 0, amounts))
    return out


class _Locks(Reader):
    """``History`` of one escrow and its distributor, which says up to which week it has paid: so no claim is missed."""

    def __init__(self, *args: Any, **named: Any) -> None:
        super().__init__(*args, **named)
        self._claimed: dict[int, int] = {}

    def deeds(self, tx: Transaction) -> Sequence[Deed]:
        """See ``History``; what claims say they paid is kept, to be held against the distributor."""
        out = super().deeds(tx)
        for deed in out:
            if deed.verb == "claim":
                self._claimed[tx.at.block] = deed.amounts["until"]
        return out

    def holding(self, block: int) -> Holding:
        """See ``History``; raises ``BadData`` where the account was paid for weeks of which no log tells."""
        told = max((at for at in self._claimed if at <= block), default=0)
        until, paid = self._claimed[told] if told else self._cursor(self._past.first), self._cursor(block)
        if paid != until:
            raise BadData(
                f"block {block:,}: {self.venue} has paid weeks up to {paid}, its logs tell of those up to {until}; the "
                "endpoint left out a log, or the contract is not what it is taken for"
            )
        return super().holding(block)

    def ahead(self, block: int) -> Holding | None:
        """See ``History``: weeks that are over stay as they are, so the block's end says what was due ahead of its claims."""
        if not self._standing.at(self._contract, block - 1):
            return None
        before, client = self.holding(block - 1), self.client
        due = client.owed(self._past.account, block, self._cursor(block - 1)) if self._pays(block) else 0
        claimable = {client.deployment.paid_id: due} if due else {}
        return structs.replace(
            before, positions=tuple(structs.replace(one, claimable=claimable) for one in before.positions)
        )

    def _pays(self, block: int) -> bool:
        payer = self.client.deployment.dividends
        return bool(payer) and self._standing.at(payer, block)

    def _cursor(self, block: int) -> int:
        """Return the first week that the account has not been paid for, 0 before its first claim."""
        if not self._pays(block):
            return 0
        return int(self.client.read("dividends.time_cursor_of", self._past.account, block=block))


def histories(past: Past) -> Sequence[History]:
    """Return the readers of escrows in which the account has or had a lock; see ``Kind.history``.

    The address given is an escrow's, or its distributor's: dividends are read where the distributor is known, or found.
    """
    given = past.contracts.get("address", "")
    escrow = _escrow_of(past, given) if given else ""
    if escrow:
        past = structs.replace(past, contracts={"address": escrow})
    payers = {escrow: [given]} if escrow else _payers(past)
    views = ESCROW, ("token", "supply", "epoch", "smart_wallet_checker")
    make = lambda at: _readers(past, at, payers.get(at, []))  # noqa: E731  one line, once
    return readers_of(past, "vote_escrow", make, views, name="escrow", marks=_queries("", past.account)[:1])


def _escrow_of(past: Past, payer: str) -> str:
    """Return the escrow of a distributor, empty where this is none."""
    try:
        (escrow,) = ask(past.rpc, payer, DIVIDENDS, "ESCROW", (), past.last)
        ask(past.rpc, payer, DIVIDENDS, "last_token_time", (), past.last)
    except (Revert, RpcError):
        return ""
    return str(escrow).lower()


def _payers(past: Past) -> dict[str, list[str]]:
    """Return the distributors that paid the account, by escrow, where they are to be found."""
    out: dict[str, list[str]] = {}
    if past.find and past.account:
        (query,) = _queries("", past.account)[1:]
        for address in dict.fromkeys(str(log["address"]).lower() for log in past.logs(query)):
            out.setdefault(_escrow_of(past, address), []).append(address)
    return out


def _queries(escrow: str, account: str, payer: str = "") -> list[LogQuery]:
    who = topic_of(account or 0)
    return [
        LogQuery(escrow, ((topic(ESCROW, "Deposit"), topic(ESCROW, "Withdraw")), who)),
        LogQuery(payer, (topic(DIVIDENDS, "Claimed"), who)),
    ]


def _readers(past: Past, escrow: str, payers: Sequence[str]) -> Sequence[History]:
    payer = payers[0] if payers else ""
    place = EscrowDeployment.of(past.rpc, escrow, payer, token_id="", paid_id="")
    assets = [past.asset(one) for one in dict.fromkeys((place.token, place.paid)) if one]
    place = structs.replace(place, token_id=assets[0].id, paid_id=assets[-1].id if payer else "")
    client = EscrowClient(past.rpc, place, venue=named("vote_escrow", assets[0].id, escrow), account=past.account)
    standing = Standing(past.rpc)

    def positions(one: EscrowClient, block: int) -> Sequence[Position]:
        if payer and not standing.at(payer, block):
            alone = structs.replace(place, dividends="")
            one = EscrowClient(one.rpc, alone, venue=one.venue, account=one.account)
        empty = Position(f"{one.venue}#{one.name}", one.venue, "lock", {"locked": 0, "end": 0}, {}, {})
        return one.positions(past.account, block) or (empty,)  # dividends of a lock that ended may come later

    reader = _Locks(
        past, client, escrow, told, _queries(escrow, past.account, payer)[: 2 if payer else 1], assets,
        positions=positions,
        notes=_notes(client.venue, payers),
    )  # fmt: skip
    reader.contracts = tuple(address for address in (escrow, payer) if address)
    held = bool(reader.touches()) or any(p.principal or p.claimable for p in reader.holding(past.first).positions)
    return (reader,) if held else ()


def _notes(venue: str, payers: Sequence[str]) -> tuple[str, ...]:
    if not payers:
        return (f"{venue}: dividends are not read; name the distributor with --at vote_escrow=0x…",)
    return tuple(f"{venue}: dividends of {other} are not read, only those of {payers[0]}" for other in payers[1:])
