"""A statement read from a chain: who, from when to when, through which endpoint."""

from __future__ import annotations

import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from functools import cache
from typing import Any

import msgspec

from tidemill import networks
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.errors import BadInput, RpcError
from tidemill.market.fetch import read_chunks
from tidemill.market.ingest import read_token
from tidemill.studies.held.asked import Asked, address_of, moment, places_of
from tidemill.studies.held.document import Portfolio, Told, state
from tidemill.studies.held.story import read_story
from tidemill.studies.schema import Fidelity
from tidemill.venues.about import about
from tidemill.venues.kinds import kind, kinds
from tidemill.venues.shared.history import Asset, History, LogQuery, Past

__all__ = ["Assets", "from_chain", "network_of", "readers_of"]

_LONG = 1_000_000
"""Blocks of a chain from which on a statement must say its start."""

_KEEPERS = ("cl_gauge",)
"""Kinds whose contracts hold position tokens for those who handed them in."""

_NO_STATE = re.compile(r"missing trie|pruned|archive|historical state|state .*not available|no state", re.IGNORECASE)
"""How endpoints say that they do not have the state of a block any more."""


def from_chain(rpc: Rpc, asked: Asked, tell: Callable[[str], None] = lambda _line: None) -> Portfolio:
    """Read and state.

    Raises
    ------
    BadInput : what is asked for cannot be: a reversed range, an address that has nothing, a token without a price.
    RpcError : the endpoint is on another chain, lacks the old state, or contradicts itself.
    """
    try:
        return _from_chain(rpc, asked, tell)
    except RpcRejected as refused:
        if not _NO_STATE.search(refused.reason):
            raise
        raise RpcError(
            f"{rpc.address}: has no state of old blocks ({refused.reason[:80]}); use an archive endpoint, or --logs"
        ) from None


def _from_chain(rpc: Rpc, asked: Asked, tell: Callable[[str], None]) -> Portfolio:
    who = address_of(asked.address) if asked.address else ""
    if not who and not asked.token_ids:
        raise BadInput("whose positions? give --address or --token-id", field="address")
    name, native, data_fee = network_of(rpc, asked.network)
    last = _block(rpc, asked.end, "to")
    if not asked.start and last > _LONG:
        raise BadInput(f"from when on? this chain has {last:,} blocks; give a block or a moment", field="from")
    first = _block(rpc, asked.start or "0", "from")
    if first >= last:
        raise BadInput(f"block {first:,} is not before block {last:,}, the end of the period", field="from")
    assets = Assets(rpc, name, last, native)
    readers = list(readers_of(rpc, asked, who, name, (first, last), assets, tell))
    whose = who or f"token {', '.join(map(str, asked.token_ids))}"
    if not readers:
        raise BadInput(f"{whose} has nothing, and had nothing, at the venues read on {name} ({_read(asked, name)})")
    story = read_story(
        rpc,
        readers,
        network=name,
        native=native,
        account=who,
        first=first,
        last=last,
        samples=asked.samples,
        tell=tell,
    )
    tell("stating …")
    notes = [*story.notes, *(note for reader in readers for note in reader.notes())]
    told = Told(
        title=f"What {whose} earned",
        parameters={"address": who, "token ids": ", ".join(map(str, asked.token_ids)), "blocks": f"{first} to {last}"},
        venues=[reader.venue for reader in readers],
        warnings=_ended(asked, name),
        fidelity=Fidelity("exact", "n/a", "bytecode-equal", "none: every amount was read from the chain", notes),
        data_fee=data_fee,
    )
    occurring = {native} | {asset.id for reader in readers for asset in reader.assets()}
    return state(
        story,
        {name: one for name, one in assets.found.items() if name in occurring},
        told,
        home=asked.home,
        given=asked.given,
    )


class Assets:
    """Tokens by address, each asked once; symbols that stand for two tokens are told apart by their address."""

    def __init__(self, rpc: Rpc, network: str, block: int, native: str) -> None:
        self._rpc, self._network, self._block = rpc, network, block
        self.found = {native: Asset(native, "", 18)}
        self._by_address: dict[str, Asset] = {}

    def __call__(self, address: str) -> Asset:
        """Return the token at an address; raises ``RpcError`` where there is none."""
        address = address.lower()
        if address not in self._by_address:
            token = read_token(self._rpc, address, self._block)
            name = f"{token.symbol}@{self._network}"
            if name in self.found:
                name = f"{token.symbol}.{address[2:8]}@{self._network}"
            self._by_address[address] = self.found[name] = Asset(name, address, token.decimals)
        return self._by_address[address]


def readers_of(
    rpc: Rpc,
    asked: Asked,
    who: str,
    network: str,
    blocks: tuple[int, int],
    assets: Assets,
    tell: Callable[[str], None],
    logs: Callable[[LogQuery], Sequence[Mapping[str, Any]]] | None = None,
) -> Iterator[History]:
    """Yield the readers of everything that the account has to do with between two blocks; see ``History``.

    ``logs`` finds logs of these blocks; by default the endpoint is asked.
    """

    @cache  # readers of several kinds ask for the same
    def found(query: LogQuery) -> Sequence[Mapping[str, Any]]:
        if logs is not None:
            return logs(query)
        chunks = read_chunks(rpc, query.address, blocks[0] + 1, blocks[1], topics=query.topics, blooms=4, progress=tell)
        return [log for chunk in chunks for log in chunk.logs]

    keepers = tuple(address_of(address) for name, address in asked.contracts if name in _KEEPERS)
    for name, contracts in _contracts(asked, network):
        histories = kind(name).history
        assert histories is not None, "only kinds that can be read back are looked at"
        tell(f"looking for positions of {name} …")
        past = Past(
            rpc, network, who, asked.token_ids, contracts, *blocks, found, assets, tell, asked.find, asked.trees
        )
        yield from histories(msgspec.structs.replace(past, keepers=keepers))


def _contracts(asked: Asked, network: str) -> Iterator[tuple[str, Mapping[str, str]]]:
    """Yield each kind that can be read back, with where it stands: as given, else as known."""
    for name, _ in asked.contracts:
        if kind(name).history is None:
            raise BadInput(f"positions of kind {name} cannot be read back yet", field="at")
    for name in kinds():
        given = [address for one, address in asked.contracts if one == name]
        for address in given:
            yield name, places_of(address)
        if given or kind(name).history is None:
            continue
        known = about(name).deployments.get(network)
        if known or asked.find:
            yield name, {key: str(fact.value) for key, fact in (known or {}).items()}


def _ended(asked: Asked, network: str) -> list[str]:
    """Say which of the known contracts read here have ended, and since when that is known."""
    out = []
    for name, _ in _contracts(asked, network):
        for what, fact in about(name).deployments.get(network, {}).items():
            if fact.status.value != "live":
                out.append(f"{name} {what} on {network}: {fact.status.value} as of {fact.as_of} ({fact.source})")
    return out


def _read(asked: Asked, network: str) -> str:
    names = [name for name, _ in _contracts(asked, network)]
    return ", ".join(names) if names else "none is known there; give contracts with --at KIND=0x…"


def network_of(rpc: Rpc, wanted: str) -> tuple[str, str, bool]:
    """Return name, native token id, and whether the network charges for data; refuse another chain than wanted."""
    if wanted:
        found = networks.get(wanted)
        if found.chain_id != rpc.chain_id:
            raise BadInput(
                f"{wanted} is chain {found.chain_id}, the endpoint {rpc.address} is on chain {rpc.chain_id}",
                field="network",
            )
        return wanted, f"{found.native_token}@{wanted}", found.data_fee
    for name in networks.names():
        found = networks.get(name)
        if found.chain_id == rpc.chain_id:
            return name, f"{found.native_token}@{name}", found.data_fee
    name = f"chain-{rpc.chain_id}"
    return name, f"ETH@{name}", True


def _block(rpc: Rpc, text: str, field: str) -> int:
    """Return the block that is meant: by number, or the last one not after a moment."""
    newest = rpc.block()
    if text == "latest":
        return newest.number
    if text.isdecimal():
        number = int(text)
        if number > newest.number:
            raise BadInput(f"block {number:,} is not there yet; the newest is {newest.number:,}", field=field)
        return number
    wanted = moment(text, field)
    if wanted > newest.timestamp:
        raise BadInput(f"{text} lies after the newest block, {newest.number:,}", field=field)
    low, high = 0, newest.number
    while low < high:
        middle = (low + high + 1) // 2
        if rpc.block(middle).timestamp <= wanted:
            low = middle
        else:
            high = middle - 1
    return low
