"""What an account did with position tokens of Uniswap v3, and what it held: read back from a chain.

Tokens are found by the position manager's ``Transfer`` logs and by what it says the account owned at first; what
happened to them by its other logs. Holdings are read through the client, deeds are decoded from receipts: amounts paid
out are the pool's own ``Collect``, as the manager's may name a unit more than the pool paid.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from msgspec import Struct, field

from tidemill.errors import BadInput, Revert, RpcError
from tidemill.interfaces import Event, Transfer
from tidemill.venues.shared.client_parts import abi, ask, ask_many
from tidemill.venues.shared.history import (
    ME,
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
from tidemill.venues.shared.kept import KEPT, handed_in, kept_at_first, kept_logs
from tidemill.venues.uniswap_v3.client import UniswapV3Client, V3Deployment
from tidemill.venues.uniswap_v3.client_abi import FACTORY, MANAGER, POOL
from tidemill.venues.uniswap_v3.client_logs import decode_events

__all__ = ["PoolHistory", "histories"]

_NOBODY = "0x" + "0" * 40
_IDS_PER_QUERY = 100
_EVENTS = {codec.name: codec.topic for codec in abi(MANAGER).events.values()}
_PAY_FEES = tuple(topic for topic, codec in abi(POOL).events.items() if codec.name in ("Swap", "Flash"))


class _Token(Struct):
    """One position token: who owned it from which place (block, log index) on, and the transactions that touch it."""

    id: int
    owners: list[tuple[tuple[int, int], str]] = field(default_factory=list)
    touches: set[Touch] = field(default_factory=set)

    def owner(self, place: tuple[int, int]) -> str:
        """Return its owner behind ``place``, empty while it does not exist."""
        return next((who for at, who in reversed(self.owners) if at <= place), "")


def histories(past: Past) -> Sequence[History]:
    """Return a reader for each pool in which the account has or had a position token; see ``Kind.history``."""
    manager = past.contracts.get("position_manager") or past.contracts.get("address")
    if not manager and past.find:
        return []
    if not manager:
        raise BadInput(f"no position manager of Uniswap v3 is known on {past.network}; give its address", field="at")
    if "address" not in past.contracts and not past.rpc.code(manager, block=past.last):
        return []  # known to stand on this network, but not on this chain: a local one
    factory = _factory(past, manager)
    tokens = _tokens(past, manager)
    pools: dict[str, dict[int, _Token]] = {}
    for token in tokens.values():
        pool = _pool(past, manager, factory, token)
        if pool:
            pools.setdefault(pool, {})[token.id] = token
    return [PoolHistory(past, manager, pool, mine) for pool, mine in sorted(pools.items())]


class PoolHistory:
    """The account's position tokens of one pool."""

    def __init__(self, past: Past, manager: str, pool: str, tokens: Mapping[int, _Token]) -> None:
        self._past, self._tokens = past, tokens
        self.contracts: Sequence[str] = (manager,)
        at = V3Deployment.of_pool(past.rpc, pool, manager=manager, router="", token_ids=("", ""))
        self._assets = past.asset(at.token0), past.asset(at.token1)
        ids = self._assets[0].id, self._assets[1].id
        symbols = "-".join(one.partition("@")[0] for one in ids)
        self.venue = f"uniswap_v3:{symbols}-{at.fee}"
        self.client = UniswapV3Client(
            past.rpc,
            V3Deployment(at.pool, at.manager, "", at.token0, at.token1, ids, at.fee, at.tick_spacing),
            venue=self.venue,
            account=past.account or _NOBODY,
        )

    def touches(self) -> Sequence[Touch]:
        """See ``History``."""
        return sorted({touch for token in self._tokens.values() for touch in token.touches})

    def assets(self) -> Sequence[Asset]:
        """See ``History``."""
        return self._assets

    def notes(self) -> Sequence[str]:
        """See ``History``."""
        return ()

    def holding(self, block: int) -> Holding:
        """See ``History``."""
        place = (block + 1, -1)
        owned = [t.id for t in self._tokens.values() if self._is_mine(t.owner(place))]
        positions = self.client.positions_by_id(owned, block) if owned else ()
        kept = tuple(p for p in positions if p.data["liquidity"] or any(p.claimable.values()))
        try:
            sqrt_price = int(self.client.read("slot0", block=block)[0])
        except RpcError:
            sqrt_price = 0  # the pool did not stand yet
        if not sqrt_price:
            return Holding(kept)
        token0, token1 = (asset.id for asset in self._assets)
        return Holding(kept, quotes=(Quote(token0, token1, sqrt_price * sqrt_price, 1 << 192),))

    def ahead(self, block: int) -> Holding | None:
        """See ``History``: where nothing paid fees in the block, all is as at the end of the one before."""
        rpc, pool = self._past.rpc, self.client.deployment.pool
        paid = rpc.logs(address=pool, topics=(_PAY_FEES,), block_hash=rpc.block(block).hash)
        return None if paid else self.holding(block - 1)

    def deeds(self, tx: Transaction) -> Sequence[Deed]:
        """See ``History``."""
        at, out = self.client.deployment, []
        paid: Event | None = None
        for log in tx.receipt.logs:
            out += self._passed_on(log)
            for event in decode_events([log], pool=at.pool, manager=at.manager):
                if event.name == "Collect":
                    paid = event
                token = self._tokens.get(int(event.args["tokenId"])) if "tokenId" in event.args else None
                if token is None:
                    continue
                place = int(log["blockNumber"], 16), int(log["logIndex"], 16)
                deed = self._deed(event, token, place, paid)
                if deed is not None:
                    out.append(deed)
        return out

    def _passed_on(self, log: Mapping[str, Any]) -> list[Deed]:
        """Tell a token that changed hands while it lay at a keeper."""
        topics = [str(one).lower() for one in log["topics"]]
        if str(log["address"]).lower() not in self._past.keepers or topics[0] != KEPT:
            return []
        number, source, target = int(topics[1], 16), *("0x" + one[-40:] for one in topics[2:])
        if number not in self._tokens or _NOBODY in (source, target):
            return []
        deed = self._moved(f"{self.venue}#{number}", source, target)
        return [deed] if deed else []

    def _deed(self, event: Event, token: _Token, place: tuple[int, int], paid: Event | None) -> Deed | None:
        name, args = f"{self.venue}#{token.id}", event.args
        if event.name == "Manager.Transfer":
            source, target = str(args["from"]), str(args["to"])
            if source in self._past.keepers:
                source = token.owner((place[0], place[1] - 1))
            return self._moved(name, source, token.owner(place) if target in self._past.keepers else target)
        if not self._is_mine(token.owner(place)):
            return None
        pair = {key: int(args[key]) for key in ("amount0", "amount1") if key in args}
        if event.name == "Manager.IncreaseLiquidity":
            moves = self._moves(pair, source=ME, target=self.venue)
            added = int(args["liquidity"])
            return Deed(self.venue, name, "own", "increase", {"liquidity": added, **pair}, moves, added)
        if event.name == "Manager.DecreaseLiquidity":
            less = int(args["liquidity"])
            return Deed(self.venue, name, "own", "decrease", {"liquidity": less, **pair}, (), -less)
        if event.name == "Manager.Collect" and paid is not None:
            pair = {key: int(paid.args[key]) for key in pair}
            return Deed(self.venue, name, "own", "collect", pair, self._moves(pair, source=self.venue, target=ME))
        return None

    def _moved(self, name: str, source: str, target: str) -> Deed | None:
        """Tell a token that came from or went to somebody else; made and burned ones are told by what they hold."""
        if target == _NOBODY:
            return Deed(self.venue, name, "own", "burn") if self._is_mine(source) else None
        if source == _NOBODY or not self._past.account:
            return None
        came, went = self._is_mine(target), self._is_mine(source)
        if came == went:
            return None
        return Deed(self.venue, name, "came", "received") if came else Deed(self.venue, name, "went", "sent")

    def _moves(self, pair: Mapping[str, int], *, source: str, target: str) -> tuple[Transfer, ...]:
        ids = {f"amount{i}": asset.id for i, asset in enumerate(self._assets)}
        return tuple(Transfer(ids[key], source, target, amount) for key, amount in pair.items() if amount)

    def _is_mine(self, owner: str) -> bool:
        """Whether ``owner`` is whose past this is; where tokens were asked for by number, any owner is."""
        return owner not in ("", _NOBODY) and self._past.account in ("", owner)


# --- finding ----------------------------------------------------------------------------------------------------------


def _tokens(past: Past, manager: str) -> dict[int, _Token]:
    """Find the tokens, their owners over time, and the transactions that touch them while they are the account's."""
    logs = kept_logs(past) if past.account else []
    owned = _owned_at_first(past, manager)
    ids = set(past.token_ids) or set(owned)
    if past.account:
        who = topic_of(past.account)
        for topics in ((_EVENTS["Transfer"], None, who), (_EVENTS["Transfer"], who)):
            logs += past.logs(LogQuery(manager, topics))
        found = {int(log["topics"][1 if log["topics"][0] == KEPT else 3], 16) for log in logs}
        ids = ids & (found | set(owned)) if past.token_ids else ids | found
    tokens = {n: _Token(n, [((past.first, -1), owned[n])] if n in owned else []) for n in sorted(ids)}
    every = (_EVENTS["IncreaseLiquidity"], _EVENTS["DecreaseLiquidity"], _EVENTS["Collect"])
    for part in _parts(sorted(ids)):
        words = tuple(topic_of(n) for n in part)
        logs += past.logs(LogQuery(manager, (every, words)))
        for keeper in past.keepers if past.account else (None,):
            source = topic_of(keeper) if keeper else None
            logs += past.logs(LogQuery(manager, (_EVENTS["Transfer"], source, None, words)))
    for log in sorted({_place(log): log for log in logs}.values(), key=_place):  # to oneself: found twice
        transfer, kept = (log["topics"][0] == one for one in (_EVENTS["Transfer"], KEPT))
        token = tokens.get(int(log["topics"][3 if transfer else 1], 16))
        if token is None or (transfer and handed_in(log, logs, past.keepers)):
            continue
        if transfer or (kept and int(log["topics"][3], 16)):  # taken out of a keeper, the transfer says to whom
            token.owners.append((_place(log), "0x" + log["topics"][3 if kept else 2][-40:]))
        if transfer or kept or past.account in ("", token.owner(_place(log))):
            token.touches.add(touch_of(log))
    return {n: token for n, token in tokens.items() if token.owners}


def _factory(past: Past, manager: str) -> str:
    """Return the factory of the pools, and so make sure that a position manager stands here: of another contract, such as
    a token, ``balanceOf`` may be any number.
    """
    try:
        (factory,) = ask(past.rpc, manager, MANAGER, "factory", (), past.last)
        ask(past.rpc, factory, FACTORY, "getPool", (_NOBODY, _NOBODY, 0), past.last)
        ask(past.rpc, manager, MANAGER, "balanceOf", (manager,), past.last)  # a pool has a factory as well
    except (Revert, RpcError):
        raise BadInput(f"{manager} on {past.network} is no position manager of Uniswap v3", field="at") from None
    return str(factory)


def _owned_at_first(past: Past, manager: str) -> dict[int, str]:
    """Return the owners of tokens at the end of the first block: all of the account's, or of those asked for."""
    if not past.rpc.code(manager, block=past.first):
        return {}
    if past.account:
        (count,) = ask(past.rpc, manager, MANAGER, "balanceOf", (past.account,), past.first)
        asked = [("tokenOfOwnerByIndex", (past.account, i)) for i in range(count)]
        held = [n for (n,) in ask_many(past.rpc, manager, MANAGER, asked, past.first)]
        return dict.fromkeys([*held, *kept_at_first(past, manager)], past.account)
    codec = abi(MANAGER)
    calls = [(manager, codec.encode("ownerOf", n)) for n in past.token_ids]
    answers = past.rpc.call_many(calls, block=past.first)
    return {
        n: str(codec.decode("ownerOf", answer)[0])
        for n, answer in zip(past.token_ids, answers, strict=True)
        if isinstance(answer, bytes)
    }


def _pool(past: Past, manager: str, factory: str, token: _Token) -> str:
    """Return the pool of a token, asked at a block at whose end it exists; empty if there is none and nothing happened."""
    for (block, _), owner in token.owners:
        if owner != _NOBODY and token.owner((block + 1, -1)) != _NOBODY:
            kept = ask(past.rpc, manager, MANAGER, "positions", (token.id,), block)
            (pool,) = ask(past.rpc, factory, FACTORY, "getPool", kept[2:5], block)
            return str(pool)
    return _pool_in_receipts(past, manager, token)


def _pool_in_receipts(past: Past, manager: str, token: _Token) -> str:
    """Return the pool of a token that never saw the end of a block: the contract that logged just before the manager."""
    for receipt in past.rpc.receipts([touch.tx for touch in sorted(token.touches)]):
        before = ""
        for log in receipt.logs if receipt else ():
            if log["address"].lower() != manager:
                before = log["address"].lower()
            elif log["topics"][0] == _EVENTS["IncreaseLiquidity"] and int(log["topics"][1], 16) == token.id:
                return before
    return ""


def _parts(ids: Sequence[int]) -> Iterable[Sequence[int]]:
    return (ids[k : k + _IDS_PER_QUERY] for k in range(0, len(ids), _IDS_PER_QUERY))


def _place(log: Mapping[str, Any]) -> tuple[int, int]:
    return int(log["blockNumber"], 16), int(log["logIndex"], 16)
