"""The whole state of a pool at one block, by batched view calls.

Ticks come from the bitmap, so none is missed. Positions cannot be listed on chain: they are found in the pool's
``Mint`` logs, or given by the caller. Fields are named as the model's state is.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.chain.types import BlockRef
from tidemill.errors import RpcError
from tidemill.venues.uniswap_v3.client_abi import MANAGER, POOL, abi
from tidemill.venues.uniswap_v3.client_logs import decode_event

__all__ = ["PoolSnapshot", "PositionId", "position_key", "read_snapshot"]

MAX_TICK = 887_272

PositionId = tuple[str, int, int]
"""Owner (address), lower tick, upper tick."""


class PoolSnapshot(Struct, frozen=True):
    """A pool at ``block``. Tuples stand in the order of the contract's own view functions.

    ``ticks``: liquidity gross and net, fee growth outside 0 and 1, tick cumulative outside, seconds per liquidity
    outside, seconds outside. ``positions``: liquidity, fee growth inside last 0 and 1, tokens owed 0 and 1.
    ``observations``: time, tick cumulative, seconds per liquidity, initialised. ``manager``: by token id the owner,
    then ticks, liquidity, fee growth inside last 0 and 1, tokens owed 0 and 1.
    """

    block: BlockRef
    token0: str
    token1: str
    fee: int
    tick_spacing: int
    max_liquidity_per_tick: int
    sqrt_price_x96: int
    tick: int
    liquidity: int
    fee_growth_global_0_x128: int
    fee_growth_global_1_x128: int
    fee_protocol_0: int
    fee_protocol_1: int
    protocol_fees_0: int
    protocol_fees_1: int
    observation_index: int
    observation_cardinality: int
    observation_cardinality_next: int
    ticks: dict[int, tuple[int, ...]]
    bitmap: dict[int, int]
    positions: dict[PositionId, tuple[int, ...]]
    observations: dict[int, tuple[int, int, int, bool]]
    manager: dict[int, tuple[Any, ...]]


def position_key(owner: str, lower: int, upper: int) -> bytes:
    """Return the pool's key of a position: the hash of owner and ticks, tightly packed."""
    packed = bytes.fromhex(owner[2:]) + lower.to_bytes(3, "big", signed=True) + upper.to_bytes(3, "big", signed=True)
    return bytes(keccak(packed))


def read_snapshot(
    rpc: Rpc,
    pool: str,
    *,
    block: BlockId = "latest",
    manager: str = "",
    positions: Iterable[PositionId] | None = None,
    token_ids: Iterable[int] | None = None,
    from_block: int = 0,
) -> PoolSnapshot:
    """Read a pool's state at one block.

    Parameters
    ----------
    positions, token_ids : which positions of the core and of the position manager to read; ``None`` finds all in logs
        from ``from_block`` on (in one query: give them yourself where the endpoint limits ranges).
    manager : the position manager's address; empty leaves its positions out.

    Raises ``RpcError`` when the block is gone (reorganised) while reading, so that no mixture is ever returned.
    """
    at = rpc.block(block)
    view = _Views(rpc, pool, at)
    names = ("token0", "token1", "fee", "tickSpacing", "maxLiquidityPerTick", "slot0", "liquidity")
    more = ("feeGrowthGlobal0X128", "feeGrowthGlobal1X128", "protocolFees")
    answers = view.many([(name, ()) for name in (*names, *more)])
    (token0,), (token1,), (fee,), (spacing,), (most,), slot0, (liquidity,), (growth0,), (growth1,), owed = answers
    bitmap = _bitmap(view, spacing)
    ticks = _ticks(view, bitmap, spacing)
    if positions is None:
        positions = _owners(rpc, pool, at, from_block)
    wanted = list(dict.fromkeys(positions))
    held = view.many([("positions", (position_key(*p),)) for p in wanted])
    rooms = range(slot0[4])
    observed = view.many([("observations", (i,)) for i in rooms])
    tokens = {}
    if manager:
        key = (token0, token1, fee)
        tokens = _manager(rpc, manager, at, pool_key=key, token_ids=token_ids, from_block=from_block)
    if rpc.block(at.number).hash != at.hash:
        raise RpcError(f"{rpc.address}: block {at.number} was reorganised while its state was read; ask again")
    return PoolSnapshot(
        block=at,
        token0=token0,
        token1=token1,
        fee=fee,
        tick_spacing=spacing,
        max_liquidity_per_tick=most,
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
        ticks=ticks,
        bitmap=bitmap,
        positions={p: values for p, values in zip(wanted, held, strict=True) if any(values)},
        observations={i: values for i, values in zip(rooms, observed, strict=True) if any(values)},
        manager=tokens,
    )


class _Views:
    """View calls of the pool, all at one block."""

    def __init__(self, rpc: Rpc, pool: str, at: BlockRef) -> None:
        self._rpc, self._pool, self._at, self._abi = rpc, pool, at, abi(POOL)

    def many(self, asked: Sequence[tuple[str, tuple[Any, ...]]]) -> list[tuple[Any, ...]]:
        calls = [(self._pool, self._abi.encode(name, *args)) for name, args in asked]
        out = []
        for (name, _args), answer in zip(asked, self._rpc.call_many(calls, block=self._at), strict=True):
            if isinstance(answer, RpcRejected):
                raise answer
            try:
                out.append(self._abi.decode(name, answer))
            except ValueError:
                raise RpcError(
                    f"{self._rpc.address}: {self._pool} is no Uniswap v3 pool: {name}() answered wrongly"
                ) from None
        return out


def _bitmap(view: _Views, spacing: int) -> dict[int, int]:
    # Words of 256 compressed ticks, from the lowest usable tick to the highest.
    first, last = (-MAX_TICK // spacing) >> 8, (MAX_TICK // spacing) >> 8
    words = range(first, last + 1)
    answers = view.many([("tickBitmap", (w,)) for w in words])
    return {w: bits for w, (bits,) in zip(words, answers, strict=True) if bits}


def _ticks(view: _Views, bitmap: dict[int, int], spacing: int) -> dict[int, tuple[int, ...]]:
    found = [((word << 8) + bit) * spacing for word, bits in bitmap.items() for bit in range(256) if bits >> bit & 1]
    answers = view.many([("ticks", (t,)) for t in found])
    return {tick: values[:7] for tick, values in zip(found, answers, strict=True)}


def _owners(rpc: Rpc, pool: str, at: BlockRef, from_block: int) -> list[PositionId]:
    topic = next(t for t, codec in abi(POOL).events.items() if codec.name == "Mint")
    logs = rpc.logs(address=pool, topics=[topic], from_block=from_block, to_block=at.number)
    out = []
    for log in logs:
        event = decode_event(log, POOL)
        if event is not None:
            out.append((str(event.args["owner"]), int(event.args["tickLower"]), int(event.args["tickUpper"])))
    return out


def _manager(
    rpc: Rpc,
    manager: str,
    at: BlockRef,
    *,
    pool_key: tuple[str, str, int],
    token_ids: Iterable[int] | None,
    from_block: int,
) -> dict[int, tuple[Any, ...]]:
    codec = abi(MANAGER)
    if token_ids is None:
        topic = next(t for t, event in codec.events.items() if event.name == "IncreaseLiquidity")
        logs = rpc.logs(address=manager, topics=[topic], from_block=from_block, to_block=at.number)
        token_ids = sorted({int(log["topics"][1], 16) for log in logs})
    ids = list(token_ids)
    calls = [(manager, codec.encode(name, i)) for i in ids for name in ("positions", "ownerOf")]
    answers = rpc.call_many(calls, block=at)
    out = {}
    for token_id, kept, owner in zip(ids, answers[::2], answers[1::2], strict=True):
        if isinstance(kept, RpcRejected) or isinstance(owner, RpcRejected):
            rejected = next(a for a in (kept, owner) if isinstance(a, RpcRejected))
            if not rejected.reverted:
                raise rejected
            continue  # burnt
        values = codec.decode("positions", kept)
        if values[2:5] == pool_key:
            out[token_id] = (codec.decode("ownerOf", owner)[0], *values[5:])
    return out
