"""The whole state of a pool at one block, by batched view calls.

Ticks come from the bitmap, so none is missed. Positions cannot be listed on chain: they are found in the pool's
``Mint`` logs, or given by the caller.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eth_hash.auto import keccak

from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.chain.types import BlockRef
from tidemill.errors import RpcError
from tidemill.venues.shared.client_parts import abi, ask, ask_many, decode_log
from tidemill.venues.uniswap_v3.client_abi import FACTORY, MANAGER, POOL
from tidemill.venues.uniswap_v3.client_place import V3Deployment
from tidemill.venues.uniswap_v3.model_state import (
    ManagerState,
    Observation,
    PoolPosition,
    PoolState,
    TickInfo,
    TokenPosition,
    UniswapV3State,
)

__all__ = ["PositionId", "position_key", "read_state"]

_NEXT_ID_SLOT = 13

MAX_TICK = 887_272

PositionId = tuple[str, int, int]
"""Owner (address), lower tick, upper tick."""


def position_key(owner: str, lower: int, upper: int) -> bytes:
    """Return the pool's key of a position: the hash of owner and ticks, tightly packed."""
    packed = bytes.fromhex(owner[2:]) + lower.to_bytes(3, "big", signed=True) + upper.to_bytes(3, "big", signed=True)
    return bytes(keccak(packed))


def read_state(
    rpc: Rpc,
    at: V3Deployment,
    *,
    name: str,
    block: BlockId = "latest",
    positions: Iterable[PositionId] | None = None,
    token_ids: Iterable[int] | None = None,
    from_block: int = 0,
) -> UniswapV3State:
    """Read a pool and its position manager at one block.

    Parameters
    ----------
    name : the venue's, starts position ids.
    positions, token_ids : which positions of the core and of the position manager to read; ``None`` finds all in logs
        from ``from_block`` on (in one query: give them yourself where the endpoint limits ranges).

    Raises ``RpcError`` when the block is gone (reorganised) while reading, so that no mixture is ever returned.
    """
    seen = rpc.block(block)
    view = _Views(rpc, at.pool, seen)
    names = (
        "maxLiquidityPerTick",
        "slot0",
        "liquidity",
        "feeGrowthGlobal0X128",
        "feeGrowthGlobal1X128",
        "protocolFees",
    )
    (most,), slot0, (liquidity,), (growth0,), (growth1,), owed, (factory,) = view.many(
        [(view_name, ()) for view_name in (*names, "factory")]
    )
    (owner,) = ask(rpc, factory, FACTORY, "owner", (), seen)
    bitmap = _bitmap(view, at.tick_spacing)
    wanted = list(dict.fromkeys(_owners(rpc, at.pool, seen, from_block) if positions is None else positions))
    held = view.many([("positions", (position_key(*p),)) for p in wanted])
    rooms = range(slot0[4])
    observed = view.many([("observations", (i,)) for i in rooms])
    pool = PoolState(
        token0=at.token_ids[0],
        token1=at.token_ids[1],
        fee=at.fee,
        tick_spacing=at.tick_spacing,
        max_liquidity_per_tick=most,
        account=at.pool,
        owner=owner,
        sqrt_price_x96=slot0[0],
        tick=slot0[1],
        liquidity=liquidity,
        fee_growth_global_0_x128=growth0,
        fee_growth_global_1_x128=growth1,
        fee_protocol_0=slot0[5] % 16,
        fee_protocol_1=slot0[5] >> 4,
        protocol_fees_0=owed[0],
        protocol_fees_1=owed[1],
        observation_index=slot0[2],
        observation_cardinality=slot0[3],
        observation_cardinality_next=slot0[4],
        ticks=_ticks(view, bitmap, at.tick_spacing),
        bitmap=bitmap,
        positions={p: PoolPosition(*values) for p, values in zip(wanted, held, strict=True) if any(values)},
        observations={i: Observation(*values) for i, values in zip(rooms, observed, strict=True) if any(values)},
    )
    manager = _manager(rpc, at, seen, token_ids=token_ids, from_block=from_block)
    if rpc.block(seen.number).hash != seen.hash:
        raise RpcError(f"{rpc.address}: block {seen.number} was reorganised while its state was read; ask again")
    return UniswapV3State(name, pool, manager)


class _Views:
    """View calls of the pool, all at one block."""

    def __init__(self, rpc: Rpc, pool: str, seen: BlockRef) -> None:
        self._rpc, self._pool, self._seen = rpc, pool, seen

    def many(self, asked: Sequence[tuple[str, tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        return ask_many(self._rpc, self._pool, POOL, asked, self._seen)


def _bitmap(view: _Views, spacing: int) -> dict[int, int]:
    # Words of 256 compressed ticks, from the lowest usable tick to the highest.
    first, last = (-MAX_TICK // spacing) >> 8, (MAX_TICK // spacing) >> 8
    words = range(first, last + 1)
    answers = view.many([("tickBitmap", (w,)) for w in words])
    return {w: bits for w, (bits,) in zip(words, answers, strict=True) if bits}


def _ticks(view: _Views, bitmap: dict[int, int], spacing: int) -> dict[int, TickInfo]:
    found = [((word << 8) + bit) * spacing for word, bits in bitmap.items() for bit in range(256) if bits >> bit & 1]
    answers = view.many([("ticks", (t,)) for t in found])
    return {tick: TickInfo(*values[:7]) for tick, values in zip(found, answers, strict=True)}


def _owners(rpc: Rpc, pool: str, seen: BlockRef, from_block: int) -> list[PositionId]:
    topic = next(t for t, codec in abi(POOL).events.items() if codec.name == "Mint")
    logs = rpc.logs(address=pool, topics=[topic], from_block=from_block, to_block=seen.number)
    out = []
    for log in logs:
        event = decode_log(log, POOL, venue="a Uniswap v3 pool")
        if event is not None:
            out.append((str(event.args["owner"]), int(event.args["tickLower"]), int(event.args["tickUpper"])))
    return out


def _manager(
    rpc: Rpc, at: V3Deployment, seen: BlockRef, *, token_ids: Iterable[int] | None, from_block: int
) -> ManagerState:
    codec = abi(MANAGER)
    if token_ids is None:
        topic = next(t for t, event in codec.events.items() if event.name == "IncreaseLiquidity")
        logs = rpc.logs(address=at.manager, topics=[topic], from_block=from_block, to_block=seen.number)
        token_ids = sorted({int(log["topics"][1], 16) for log in logs})
    ids = list(token_ids)
    calls = [(at.manager, codec.encode(name, i)) for i in ids for name in ("positions", "ownerOf")]
    answers = rpc.call_many(calls, block=seen)
    tokens = {}
    for token_id, kept, owner in zip(ids, answers[::2], answers[1::2], strict=True):
        if isinstance(kept, RpcRejected) or isinstance(owner, RpcRejected):
            rejected = next(a for a in (kept, owner) if isinstance(a, RpcRejected))
            if not rejected.reverted:
                raise rejected
            continue  # burnt
        values = codec.decode("positions", kept)
        if values[2:5] == (at.token0, at.token1, at.fee):
            tokens[token_id] = TokenPosition(codec.decode("ownerOf", owner)[0], *values[5:])
    # The next id has no view: it is the low 176 bits of this word of the manager's storage.
    next_id = rpc.storage(at.manager, _NEXT_ID_SLOT, block=seen) & ((1 << 176) - 1)
    return ManagerState(at.manager, next_id, tokens)
