"""A reader of one contract's past through its venue's client: what families of the statement do alike."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.chain.later import Later
from tidemill.chain.rpc import Rpc
from tidemill.errors import BadData, BadInput
from tidemill.interfaces import Position, Rate, Transfer
from tidemill.venues.shared.client_parts import ERC20, abi, ask
from tidemill.venues.shared.history import (
    ME,
    OUTSIDE,
    Asset,
    Deed,
    History,
    Holding,
    LogQuery,
    Past,
    Quote,
    Touch,
    Transaction,
    topic_of,
    touch_of,
)
from tidemill.venues.shared.told import Told

__all__ = ["NOBODY", "TRANSFER", "Reader", "Standing", "client_ahead", "handed", "named", "readers_of", "topic"]

NOBODY = "0x" + "00" * 20
TRANSFER = "0xddf252ad1be2c89b69c2b068fc378daa952ba7f163c4a11628f55a4df523b3ef"


def named(kind: str, label: str, address: str) -> str:
    """Name a venue: what it is of, and enough of its address to tell it from another.

    >>> named("erc4626", "vUSDC@op", "0xab12" + "00" * 18)
    'erc4626:vUSDC-ab12'
    """
    return f"{kind}:{label.partition('@')[0]}-{address[2:6]}"


def readers_of(
    past: Past,
    kind: str,
    make: Callable[[str], Sequence[History]],
    views: tuple[str, Sequence[str]],
    *,
    name: str = "address",
    marks: Sequence[LogQuery] = (),
    unless: Mapping[str, tuple[str, Sequence[str]]] | None = None,
) -> list[History]:
    """Return the readers of the address the user gave, else of the known one and of those found by their events.

    Parameters
    ----------
    make : address → its readers, none where the account has nothing to do with it. name : of the known address.
    views : an ABI as text and views of it without arguments that every such contract answers; what is found must.
    marks : events of any contract that name the account. Without an account there is nothing to look for.
    unless : views as ``views``, by kind: what answers these as well is of that kind, and of no other.

    Raises ``BadInput`` where the address that the user gave is no such contract, or of a more particular kind.
    """
    if not past.account:
        return []
    given = past.contracts.get("address", "")
    if given and not _answers(past, given, *views):
        raise BadInput(f"{given} on {past.network} is no {kind}: it does not answer {', '.join(views[1])}", field="at")
    if given and (other := _particular(past, given, unless)):
        raise BadInput(f"{given} on {past.network} is a {other}; give --at {other}={given}", field="at")
    if given:
        return list(make(given))
    known = past.contracts.get(name, "")
    places = [known] if known and past.rpc.code(known, block=past.last) else []
    for query in marks if past.find else ():
        for address in dict.fromkeys(str(log["address"]).lower() for log in past.logs(query)):
            if address not in places and _answers(past, address, *views) and not _particular(past, address, unless):
                places.append(address)
    return [reader for place in places for reader in make(place)]


def _particular(past: Past, address: str, kinds: Mapping[str, tuple[str, Sequence[str]]] | None) -> str:
    """Return the first of ``kinds`` as which a contract answers, empty for none."""
    return next((kind for kind, views in (kinds or {}).items() if _answers(past, address, *views)), "")


def _answers(past: Past, address: str, contract: str, views: Sequence[str]) -> bool:
    codec = abi(contract)
    answers = past.rpc.call_many([(address, codec.encode(view)) for view in views], block=past.last)
    try:
        return all(isinstance(one, bytes) and codec.decode(v, one) for v, one in zip(views, answers, strict=True))
    except ValueError:
        return False


def client_ahead(client: Any, block: int) -> Any:
    """Return a client that reads what was ahead of ``block`` at its time; ``None`` where the endpoint cannot."""
    later = Later(client.rpc, block - 1, client.rpc.block(block).timestamp)
    if not later.works():
        return None
    ahead = copy.copy(client)
    ahead.rpc = later
    return ahead


def topic(contract: str, event: str) -> str:
    """Return the topic of an event by its name in a contract's ABI (as text)."""
    return next(one for one, codec in abi(contract).events.items() if codec.name == event)


def handed(token: str, account: str) -> list[LogQuery]:
    """Return the queries for all that came of a token into an account's wallet or left it."""
    who = topic_of(account)
    return [LogQuery(token, (TRANSFER, None, who)), LogQuery(token, (TRANSFER, who))]


class Standing:
    """Since when contracts stand: before, there is nothing to ask."""

    def __init__(self, rpc: Rpc) -> None:
        self._rpc, self._seen = rpc, dict[str, tuple[int, int]]()

    def at(self, address: str, block: int) -> bool:
        """Whether there is code at ``address`` at the end of ``block``; asked as seldom as may be."""
        missing, there = self._seen.get(address, (-1, 1 << 64))
        if missing < block < there:
            if self._rpc.code(address, block=block):
                there = block
            else:
                missing = block
            self._seen[address] = missing, there
        return block >= there


class Reader:
    """``History`` of one contract.

    Parameters
    ----------
    client : of the contract, for the account. contract : its address.
    told : reads a transaction's logs. queries : find the logs that touch what the account holds.
    assets : tokens that occur. share : the receipt token that the contract issues, if it does; one that is not ``issued``
        there is made and burnt by others, which is as good as received and sent.
    positions : (client, block) → what the account holds by name; by default as the client says, nothing beside shares.
    quotes : (block) → prices. notes : what a reader of the statement must know.
    others : finds logs of whatever but time moves what is held; none given: it cannot be told.
    """

    def __init__(
        self,
        past: Past,
        client: Any,
        contract: str,
        told: Callable[[Any, Sequence[Mapping[str, Any]]], Sequence[Told]],
        queries: Sequence[LogQuery],
        assets: Sequence[Asset],
        *,
        share: Asset | None = None,
        issued: bool = True,
        positions: Callable[[Any, int], Sequence[Position]] | None = None,
        quotes: Callable[[int], Sequence[Quote]] = lambda _block: (),
        notes: Sequence[str] = (),
        others: Sequence[LogQuery] = (),
    ) -> None:
        self._past, self.client, self.venue = past, client, str(client.venue)
        self.contracts: Sequence[str] = (contract,)
        self._contract, self._told, self._assets, self._share, self._quotes = contract, told, assets, share, quotes
        self._positions = positions or (lambda one, block: () if share else one.positions(past.account, block))
        self._notes, self._standing, self._others = notes, Standing(past.rpc), others
        self._looks_ahead, self._issued = bool(others), issued
        logs = [log for query in queries for log in past.logs(query)]
        self._touches = sorted({touch_of(log) for log in logs})

    def concerns(self) -> bool:
        """Whether the account has or had anything to do with the contract in this past."""
        if self._touches:
            return True
        holding = self.holding(self._past.first)
        return bool(holding.positions or any(holding.shares.values()))

    def touches(self) -> Sequence[Touch]:
        """See ``History``."""
        return self._touches

    def assets(self) -> Sequence[Asset]:
        """See ``History``."""
        return self._assets

    def notes(self) -> Sequence[str]:
        """See ``History``."""
        return self._notes

    def holding(self, block: int) -> Holding:
        """See ``History``."""
        if not self._standing.at(self._contract, block):
            return Holding()
        account, client = self._past.account, self.client
        quotes, positions = tuple(self._quotes(block)), tuple(self._positions(client, block))
        if self._share is None:
            return Holding(positions, quotes=quotes)
        (held,) = ask(client.rpc, self._share.address, ERC20, "balanceOf", (account,), block)
        rates: Mapping[str, Rate] = client.rates(block)
        return Holding(positions, {self._share.id: held} if held else {}, rates, quotes)

    def ahead(self, block: int) -> Holding | None:
        """See ``History``: asked with the time of the block, where nobody else did anything here in it."""
        if not self._looks_ahead or not self._standing.at(self._contract, block - 1) or self._had_others(block):
            return None
        client = client_ahead(self.client, block)
        if client is None:
            self._looks_ahead = False
            return None
        ahead = structs.replace(self.holding(block - 1), positions=tuple(self._positions(client, block - 1)))
        return structs.replace(ahead, rates=client.rates(block - 1)) if self._share else ahead

    def _had_others(self, block: int) -> bool:
        mine = {touch.tx for touch in self._touches}
        block_hash = self._past.rpc.block(block).hash
        return any(
            str(log["transactionHash"]).lower() not in mine
            for query in self._others
            for log in self._past.rpc.logs(address=query.address, topics=query.topics, block_hash=block_hash)
        )

    def deeds(self, tx: Transaction) -> Sequence[Deed]:
        """See ``History``; raises ``BadData`` where shares were made or burnt that no event tells."""
        logs, out = tx.receipt.logs, []
        made, handed_over = self._shares_moved(logs)
        for told in self._told(self.client, logs):
            if told.losses or told.fell:
                out.append(Deed(self.venue, told.position, "befell", told.verb, told.losses, (), told.size, told.fell))
                continue
            moves = tuple(_move(token, amount, self.venue) for token, amount in told.legs.items())
            out.append(Deed(self.venue, told.position, "own", told.verb, told.amounts, moves, told.size))
            shares = told.legs.get(self._share.id, 0) if self._share else 0
            if told.position.endswith("#shares"):
                made -= shares
            else:  # not burnt: the contract keeps them for a position of its own
                handed_over -= shares
        if made:
            raise BadData(f"transaction {tx.at.tx}: {made} shares of {self.venue} are more than its events tell")
        if handed_over and self._share:
            move, place = _move(self._share.id, handed_over, OUTSIDE), f"{self.venue}#shares"
            came = handed_over > 0
            out.append(Deed(self.venue, place, "came" if came else "went", "received" if came else "sent", {}, (move,)))
        return out

    def _shares_moved(self, logs: Sequence[Mapping[str, Any]]) -> tuple[int, int]:
        """Return the receipt tokens made for the account less those burnt, and those that came less those that went.

        What is sent to the contract itself is burnt, if the contract burns anything then.
        """
        moves = [move for log in logs if (move := self._share_move(log)) is not None] if self._share else []
        burns = any(source == self._contract and target == NOBODY for source, target, _ in moves)
        makers = {NOBODY, self._contract} if burns else {NOBODY}
        made = handed_over = 0
        for source, target, amount in moves:
            into = amount * ((target == self._past.account) - (source == self._past.account))
            if self._issued and (source in makers or target in makers):
                made += into
            else:
                handed_over += into
        return made, handed_over

    def _share_move(self, log: Mapping[str, Any]) -> tuple[str, str, int] | None:
        topics = [str(topic).lower() for topic in log["topics"]]
        if str(log["address"]).lower() != self._contract or topics[0] != TRANSFER:
            return None
        return "0x" + topics[1][-40:], "0x" + topics[2][-40:], int(str(log["data"]), 16)


def _move(token: str, amount: int, other: str) -> Transfer:
    return Transfer(token, other, ME, amount) if amount > 0 else Transfer(token, ME, other, -amount)
