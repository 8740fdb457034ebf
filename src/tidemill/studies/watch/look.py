"""Look at an account once: what it holds at the newest block, how that stands, what it could claim, what has ended."""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

from msgspec import Struct, structs

from tidemill import networks
from tidemill.chain import answers
from tidemill.chain.rpc import Rpc
from tidemill.errors import BadInput
from tidemill.facts import Status
from tidemill.interfaces import Position, Price
from tidemill.market.fetch import read_chunks
from tidemill.studies.held.asked import Asked, address_of
from tidemill.studies.held.chain import Assets, network_of, readers_of
from tidemill.studies.held.prices import USD, prices
from tidemill.studies.watch.judge import NOTHING, Claim, Look
from tidemill.studies.watch.memory import Grown, Memory
from tidemill.venues.about import about
from tidemill.venues.kinds import kind
from tidemill.venues.shared.history import History, Holding, LogQuery, Quote
from tidemill.venues.shared.signs import Sign

__all__ = ["Watched"]

YEAR = 365 * 86_400
SOON, LONG = 3_600, 86_400
"""Seconds over which growth says a rate, and after which the reference is renewed."""
MICRO = 10**6
INDEX = 10**36


class _Held(Struct, frozen=True):
    """What one reader says is held, and by which client."""

    kind: str
    client: Any
    holding: Holding


class Watched:
    """An account on a chain, looked at again and again: logs are asked for once, newer ones beside them.

    Parameters
    ----------
    asked : as for a statement; ``start`` is the block from which on positions are looked for by logs, by default
        the first of a short chain and the newest of a long one.
    families : families of venues to look at (``Kind.family``), all where empty.
    """

    LONG = 1_000_000

    def __init__(self, rpc: Rpc, asked: Asked, families: Collection[str] = ()) -> None:
        if not (asked.address or asked.token_ids):
            raise BadInput("whose positions? give --address or --token-id", field="address")
        self.rpc, self.families = rpc, families
        self.who = address_of(asked.address) if asked.address else ""
        self.network, self.native, _ = network_of(rpc, asked.network)
        newest = rpc.block().number
        if asked.start and not asked.start.isdecimal():
            raise BadInput(f"{asked.start!r} is no block number", field="from")
        self.first = int(asked.start) if asked.start else 0 if newest <= self.LONG else newest
        if self.first > newest:
            raise BadInput(f"block {self.first:,} is not there yet; the newest is {newest:,}", field="from")
        self.asked = structs.replace(asked, contracts=tuple(asked.contracts))
        self._logs: dict[LogQuery, list[Mapping[str, Any]]] = {}
        self._until: dict[LogQuery, int] = {}
        self._assets = Assets(rpc, self.network, newest, self.native)

    def look(self, memory: Memory, tell: Callable[[str], None] = lambda _line: None) -> tuple[Look, Memory]:
        """Look at the newest block; returns what is seen, and the memory with what things are worth now.

        Raises ``RpcError`` where the endpoint does not answer.
        """
        block = self.rpc.block()
        held = [one for one in self._held(block.number, tell) if self._is_meant(one.kind)]
        signs = [sign for one in held for sign in _signs(one, block.number)]
        grown, memory = _grown(held, {sign.subject for sign in signs if sign.what == "rate"}, memory, block.timestamp)
        quotes = [quote for one in held for quote in one.holding.quotes]
        look = Look(
            block.number,
            block.timestamp,
            tuple(_names(held)),
            (*signs, *grown),
            tuple(self._claims(held, quotes)),
            self._prices(quotes),
            tuple(self._standing({one.kind for one in held})),
        )
        paid = {sign.subject for sign in look.signs if sign.what == "rate" and sign.value >= NOTHING}
        return look, structs.replace(memory, paid=sorted(paid | set(memory.paid)))

    def _is_meant(self, name: str) -> bool:
        return not self.families or kind(name).family in self.families

    # --- what is held -------------------------------------------------------------------------------------------------

    def _held(self, block: int, tell: Callable[[str], None]) -> Iterator[_Held]:
        readers: Sequence[History] = list(
            readers_of(
                self.rpc,
                self.asked,
                self.who,
                self.network,
                (self.first, block),
                self._assets,
                lambda _line: None,
                cache(lambda query: self._logs_of(query, block, tell)),
            )
        )
        for reader in readers:
            yield _Held(reader.venue.partition(":")[0], getattr(reader, "client", None), reader.holding(block))

    def _logs_of(self, query: LogQuery, block: int, tell: Callable[[str], None]) -> Sequence[Mapping[str, Any]]:
        begin = self._until.get(query, self.first) + 1
        if begin <= block:
            for chunk in read_chunks(
                self.rpc, query.address, begin, block, topics=query.topics, blooms=4, progress=tell
            ):
                self._logs.setdefault(query, []).extend(chunk.logs)
            self._until[query] = block
        return self._logs.get(query, ())

    # --- what it is worth ---------------------------------------------------------------------------------------------

    def _prices(self, quotes: Sequence[Quote]) -> dict[tuple[str, str], int]:
        """Return millionths of the quote for one whole token, for every pair that a venue quotes."""
        decimals = {asset.id: asset.decimals for asset in self._assets.found.values()}
        out: dict[tuple[str, str], int] = {}
        for quote in quotes:
            if quote.base not in decimals or not (quote.quote == USD or quote.quote in decimals):
                continue
            places = 8 if quote.quote == USD else decimals[quote.quote]
            price = quote.num * 10 ** decimals[quote.base] * MICRO // (quote.den * 10**places)
            base, other = (one.partition("@")[0] for one in (quote.base, quote.quote))
            out.setdefault((base, other), price)
            if price:
                out.setdefault((other, base), MICRO * MICRO // price)
        return out

    def _claims(self, held: Sequence[_Held], quotes: Sequence[Quote]) -> Iterator[Claim]:
        claimable = [(one.kind, p) for one in held for p in one.holding.positions if any(p.claimable.values())]
        if not claimable:
            return
        gas_price = answers.quantity(self.rpc.request("eth_gasPrice"), f"{self.rpc.address}: eth_gasPrice")
        known = prices(quotes, {self.native: Price(1, 1)}, self.native)
        for name, position in claimable:
            worths = [
                _worth(known[token], raw) if token in known else None
                for token, raw in position.claimable.items()
                if raw
            ]
            yield Claim(
                position.id,
                None if None in worths else sum(worth for worth in worths if worth is not None),
                _gas(name) * gas_price,
                self._words(position),
            )

    def _words(self, position: Position) -> str:
        found = self._assets.found
        parts = []
        for token, raw in position.claimable.items():
            places = found[token].decimals if token in found else 0
            text = f"{raw / 10**places:,.6f}".rstrip("0").rstrip(".")
            parts += [f"{text} {token.partition('@')[0]}"] if raw else []
        return " and ".join(parts)

    def _standing(self, kinds: set[str]) -> Iterator[tuple[str, str]]:
        """Yield what is known to have ended: the network, and contracts of the kinds held."""
        if self.network not in networks.names():
            return
        status = networks.get(self.network).status
        if status is not Status.LIVE:
            yield self.network, f"the network is {status.value}"
        for name in sorted(kinds):
            for what, fact in about(name).deployments.get(self.network, {}).items():
                if fact.status is not Status.LIVE:
                    yield f"{name} {what} on {self.network}", f"{fact.status.value} as of {fact.as_of} ({fact.source})"


def _worth(price: Price, raw: int) -> int:
    return raw * price.num // price.den


def _gas(name: str) -> int:
    costs = about(name).costs
    return (costs.get("harvest") or costs["leave"]).gas if costs else 0


def _names(held: Sequence[_Held]) -> Iterator[str]:
    for one in held:
        yield from (position.id for position in one.holding.positions)
        yield from (share for share, raw in one.holding.shares.items() if raw)


def _signs(one: _Held, block: int) -> Sequence[Sign]:
    found = kind(one.kind).signs
    return found(one.client, one.holding, block) if found and one.client is not None else ()


def _grown(held: Sequence[_Held], told: set[str], memory: Memory, now: int) -> tuple[list[Sign], Memory]:
    """Return yearly rates by what a share of each thing has grown by since an earlier look, where that is long enough ago."""
    kept, signs = dict(memory.grown), []
    for subject, index in _indices(held):
        if any(one.startswith(subject.partition("#")[0]) for one in told):
            continue  # the place itself says its rate
        before = kept.get(subject)
        if before is None or index <= 0 or before.index <= 0 or now <= before.time:
            kept.setdefault(subject, Grown(now, index))
            continue
        elapsed = now - before.time
        if elapsed >= SOON:
            rate = (index - before.index) * YEAR * 10_000 // (before.index * elapsed)
            signs.append(
                Sign("rate", subject, rate, f"{rate / 100:.2f} % a year over the last {elapsed / 3_600:.1f} h")
            )
        if elapsed >= LONG:
            kept[subject] = Grown(now, index)
    return signs, structs.replace(memory, grown=kept)


def _indices(held: Sequence[_Held]) -> Iterator[tuple[str, int]]:
    for one in held:
        shares = one.holding.shares
        for token, rate in one.holding.rates.items():
            if rate.kind == "vault" and shares.get(token) and len(rate.assets) == 1 and rate.shares:
                yield token, next(iter(rate.assets.values())) * INDEX // rate.shares
        for position in one.holding.positions:
            size, amounts = position.data.get("size", 0), list(position.principal.values())
            if position.kind == "supply" and size > 0 and len(amounts) == 1 and amounts[0] > 0:
                yield position.id, amounts[0] * INDEX // size
