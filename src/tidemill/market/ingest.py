"""A pool's history from a JSON-RPC endpoint into a dataset: state at the block before, then every log.

Only finalised blocks are taken. The last block is pinned by its hash when ingestion starts; if it is gone at the end,
nothing is written and the work so far is kept.
"""

from __future__ import annotations

import shutil
from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Any

import msgspec
import polars as pl
from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc, RpcRejected
from tidemill.errors import BadData, BadInput, RpcError
from tidemill.files import write_whole
from tidemill.market.decode import decode_logs
from tidemill.market.fetch import Chunk, fetch_chunks
from tidemill.market.layouts import TOPICS
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.schema import BLOCKS, Kind
from tidemill.market.state import encode_state
from tidemill.market.store import Dataset, make_manifest, write_dataset

__all__ = ["IngestSpec", "NoState", "ingest", "ingest_pool", "read_pool", "read_token"]


class IngestSpec(Struct, frozen=True, kw_only=True):
    """What to ingest.

    ``last_block`` None means the newest finalised block; a later one is refused unless ``unfinalised``. ``with_state``
    reads the pool at the block before the first (needs an archive endpoint for old blocks) and makes the dataset
    ``exact``; positions then come from ``Mint`` logs since ``positions_from`` (None: positions are left out, and only
    collects cannot be replayed).
    """

    address: str
    network: str
    first_block: int
    last_block: int | None = None
    with_state: bool = True
    positions_from: int | None = None
    unfinalised: bool = False
    max_range: int = 10_000
    blooms: int = 32
    symbols: tuple[str, str] | None = None


class NoState(RpcError):
    """The endpoint has no state at the block before the first: it is no archive, or the pool did not exist."""


class _Plan(Struct, frozen=True):
    """What is being fetched, pinned when it started."""

    chain_id: int
    address: str
    first_block: int
    last_block: int
    last_hash: str


def ingest_pool(
    source: str,
    pool: PoolInfo,
    first_block: int,
    last_block: int | None,
    folder: str | Path,
    *,
    progress: Callable[[str], None] | None = None,
) -> Dataset:
    """Ingest a described pool from the endpoint at ``source``: what ``market import`` does with an address.

    With state where the endpoint has it, else ``inferred``, which ``progress`` is told, as it is of every further try.

    Raises
    ------
    BadInput : the pool on chain is another than described; names the field and both values.
    RpcError : see ``ingest``.
    """
    symbols = (pool.token0.symbol, pool.token1.symbol)
    spec = IngestSpec(
        address=pool.address, network=pool.network, first_block=first_block, last_block=last_block, symbols=symbols
    )
    tell = progress or (lambda _: None)
    with Rpc.connect(source.removeprefix("ipc:"), chain_id=pool.chain_id, tell=tell) as rpc:
        found = read_pool(rpc, pool.address, pool.network, "latest", symbols)
        for name, told, true in (
            ("fee", pool.fee, found.fee),
            ("tick_spacing", pool.tick_spacing, found.tick_spacing),
            ("token0", pool.token0.decimals, found.token0.decimals),
            ("token1", pool.token1.decimals, found.token1.decimals),
        ):
            if told != true:
                what = "decimals, " if name.startswith("token") else ""
                raise BadInput(f"{what}{told} given, the pool {pool.address} says {true}", field=name)
        try:
            return ingest(rpc, spec, folder, progress=tell)
        except NoState as missing:
            tell(f"{missing}; going on without it: the dataset will be inferred, not exact")
            return ingest(rpc, msgspec.structs.replace(spec, with_state=False), folder, progress=tell)


def ingest(rpc: Rpc, spec: IngestSpec, folder: str | Path, *, progress: Callable[[str], None] | None = None) -> Dataset:
    """Fetch ``spec`` from ``rpc`` and write it to ``folder``; started again after a kill, it goes on.

    Raises
    ------
    BadInput : the range is empty, reversed or not final yet.
    RpcError : the endpoint fails, lies, or the chain was reorganised below what it called final.
    """
    target = Path(folder)
    work = target.parent / f".{target.name}.ingest"
    work.mkdir(parents=True, exist_ok=True)
    plan = _plan(rpc, spec, work)
    pool = read_pool(rpc, spec.address, spec.network, plan.last_block, spec.symbols)
    write_whole({work / "plan.json": msgspec.json.encode(plan)})
    state = _state(rpc, spec, plan, pool, work) if spec.with_state else None
    chunks = fetch_chunks(
        rpc,
        plan.address,
        plan.first_block,
        plan.last_block,
        work / "logs",
        max_range=spec.max_range,
        blooms=spec.blooms,
        progress=progress,
    )
    _still_there(rpc, plan)
    tables = {"events": _events(chunks, pool, rpc.address), "blocks": _blocks(chunks)}
    pool = _at_start(pool, tables["events"])
    manifest = make_manifest(
        kind="uniswap_v3.events",
        pool=pool,
        tables=tables,
        state=state,
        blocks=(plan.first_block, plan.last_block),
        source="JSON-RPC",
        query=f"eth_getLogs address {plan.address}, last block {plan.last_hash}",
        provider=rpc.address,
        licence="public chain data",
    )
    dataset = write_dataset(Dataset(manifest, tables, state), target)
    shutil.rmtree(work, ignore_errors=True)
    return dataset


def read_pool(rpc: Rpc, address: str, network: str, block: BlockId, symbols: tuple[str, str] | None = None) -> PoolInfo:
    """Ask a pool what it is at ``block``; raises ``RpcError`` when it is no Uniswap v3 pool."""
    from tidemill.venues.shared.client_parts import ask_many  # noqa: PLC0415 - the codec is needed here only
    from tidemill.venues.uniswap_v3.client_abi import POOL  # noqa: PLC0415

    asked: list[tuple[str, tuple[()]]] = [(name, ()) for name in ("token0", "token1", "fee", "tickSpacing", "slot0")]
    try:
        (token0,), (token1,), (fee,), (spacing,), slot0 = ask_many(rpc, address, POOL, asked, block)
    except RpcError as refused:
        raise RpcError(f"{address}: no Uniswap v3 pool at block {block} ({refused})") from None
    tokens = [
        read_token(rpc, where, block, symbols[k] if symbols else None) for k, where in enumerate((token0, token1))
    ]
    return PoolInfo(
        chain_id=rpc.chain_id,
        network=network,
        address=address.lower(),
        token0=tokens[0],
        token1=tokens[1],
        fee=fee,
        tick_spacing=spacing,
        fee_protocol0=slot0[5] % 16,
        fee_protocol1=slot0[5] >> 4,
    )


def read_token(rpc: Rpc, address: str, block: BlockId, symbol: str | None = None) -> Token:
    """Ask a token what it is; ``symbol`` where it is known better. Raises ``RpcError`` when it is no ERC-20 token."""
    (decimals,) = _words(rpc.call(address, bytes.fromhex("313ce567"), block=block)) or (None,)
    if decimals is None or decimals > 255:
        raise RpcError(f"{rpc.address}: token {address}: decimals() is no small number")
    if symbol is None:
        try:
            symbol = _text(rpc.call(address, bytes.fromhex("95d89b41"), block=block))
        except RpcRejected:
            symbol = ""
    return Token(symbol or address[:8], decimals, address.lower())


def _words(answer: bytes) -> tuple[int, ...]:
    return tuple(int.from_bytes(answer[k : k + 32], "big") for k in range(0, len(answer) - 31, 32))


def _text(answer: bytes) -> str:
    """A string, or (old tokens) 32 bytes padded with zeros; what is not printable is dropped."""
    words = _words(answer)
    raw = answer[64 : 64 + words[1]] if len(words) > 2 and words[0] == 32 else answer[:32].rstrip(b"\0")
    return "".join(c for c in raw.decode("utf-8", "replace") if c.isalnum() or c in ".-_$")[:16]


def _plan(rpc: Rpc, spec: IngestSpec, work: Path) -> _Plan:
    path = work / "plan.json"
    if path.is_file():
        try:
            plan = msgspec.json.decode(path.read_bytes(), type=_Plan)
        except msgspec.DecodeError as error:
            raise BadData(f"{path}: damaged ({error}); delete {work} to start again") from None
        same = (rpc.chain_id, spec.address.lower(), spec.first_block)
        if (plan.chain_id, plan.address, plan.first_block) != same or spec.last_block not in {None, plan.last_block}:
            raise BadInput(f"{work} holds another unfinished ingestion (blocks {plan.first_block} to {plan.last_block}); "
                           "finish it or delete the folder")  # fmt: skip
        _still_there(rpc, plan)
        return plan
    final = _final(rpc)
    last = final if spec.last_block is None else spec.last_block
    if last > final and not spec.unfinalised:
        raise BadInput(f"last block {last}: not final yet, the newest final block is {final}", field="last_block")
    if not 0 < spec.first_block <= last:
        raise BadInput(f"blocks {spec.first_block} to {last}: empty or reversed", field="first_block")
    return _Plan(rpc.chain_id, spec.address.lower(), spec.first_block, last, rpc.block(last).hash)


def _final(rpc: Rpc) -> int:
    try:
        return rpc.block("finalized").number
    except RpcRejected as refused:
        raise RpcError(f"{rpc.address}: does not say which block is final ({refused.reason}); give last_block and "
                       "unfinalised") from None  # fmt: skip


def _still_there(rpc: Rpc, plan: _Plan) -> None:
    now = rpc.block(plan.last_block).hash
    if now != plan.last_hash:
        raise RpcError(
            f"{rpc.address}: block {plan.last_block} was {plan.last_hash[:14]}… and is now {now[:14]}…: the chain was "
            "reorganised; nothing is written, delete the unfinished ingestion to start again"
        )


def _state(rpc: Rpc, spec: IngestSpec, plan: _Plan, pool: PoolInfo, work: Path) -> dict[str, Any]:
    path = work / "state.json"
    if path.is_file():
        found: dict[str, Any] = msgspec.json.decode(path.read_bytes())
        return found
    from tidemill.venues.uniswap_v3.client_place import V3Deployment  # noqa: PLC0415
    from tidemill.venues.uniswap_v3.client_snapshot import read_state  # noqa: PLC0415

    before = plan.first_block - 1
    owners = _owners(rpc, spec, plan, work) if spec.positions_from is not None else []
    ids = (f"{pool.token0.symbol}@{pool.network}", f"{pool.token1.symbol}@{pool.network}")
    # no manager is read (no token ids are asked for), so the pool stands in for it
    place = V3Deployment(
        plan.address,
        plan.address,
        plan.address,
        pool.token0.address,
        pool.token1.address,
        ids,
        pool.fee,
        pool.tick_spacing,
    )
    try:
        state = read_state(rpc, place, name="pool", block=before, positions=owners, token_ids=[])
    except RpcRejected as refused:
        raise NoState(
            f"{rpc.address}: no state at block {before} ({refused.reason}); an archive endpoint may have it"
        ) from None
    plain = encode_state(state.pool)
    write_whole({path: msgspec.json.encode(plain, order="sorted")})
    return plain


def _owners(rpc: Rpc, spec: IngestSpec, plan: _Plan, work: Path) -> list[tuple[str, int, int]]:
    topic = next(topic for topic, kind in TOPICS.items() if kind == Kind.MINT)
    assert spec.positions_from is not None
    if spec.positions_from > plan.first_block - 1:
        return []
    chunks = fetch_chunks(
        rpc,
        plan.address,
        spec.positions_from,
        plan.first_block - 1,
        work / "mints",
        topics=[topic],
        max_range=spec.max_range,
        blooms=0,
    )
    logs = [log for chunk in chunks for log in chunk.logs]
    return list(
        dict.fromkeys(("0x" + log["topics"][1][-40:], _tick(log["topics"][2]), _tick(log["topics"][3])) for log in logs)
    )


def _tick(word: str) -> int:
    return int.from_bytes(bytes.fromhex(word[-6:]), "big", signed=True)


def _events(chunks: Sequence[Chunk], pool: PoolInfo, where: str) -> pl.DataFrame:
    rows = []
    seen: set[tuple[str, int]] = set()
    for chunk in chunks:
        for log in chunk.logs:
            block, index = int(log["blockNumber"], 16), int(log["logIndex"], 16)
            key = (log["blockHash"].lower(), index)
            if key in seen:
                raise RpcError(f"{where}: block {block}, log index {index} given twice")
            seen.add(key)
            rows.append(
                {
                    "block": block,
                    "time": chunk.headers[block].time,
                    "tx_index": int(log["transactionIndex"], 16),
                    "log_index": index,
                    "tx_hash": log.get("transactionHash"),
                    "block_hash": log["blockHash"].lower(),
                    "address": log["address"],
                    "topics": log["topics"],
                    "data": log["data"],
                }
            )
    if not rows:
        raise RpcError(f"{where}: {pool.address} logged nothing in these blocks")
    return decode_logs(pl.DataFrame(rows), address=pool.address, tick_spacing=pool.tick_spacing, where=where)


def _at_start(pool: PoolInfo, events: pl.DataFrame) -> PoolInfo:
    """The pool as it was before the first event: the protocol's share was read at the last block."""
    changes = events.filter(pl.col("kind") == Kind.SET_FEE_PROTOCOL)
    if changes.is_empty():
        return pool
    old = [int(changes[name].to_numpy()[0, 0]) for name in ("paid0", "paid1")]
    return msgspec.structs.replace(pool, fee_protocol0=old[0], fee_protocol1=old[1])


def _blocks(chunks: Sequence[Chunk]) -> pl.DataFrame:
    rows = [
        (number, header.time, header.base_fee, None, None)
        for chunk in chunks
        for number, header in sorted(chunk.headers.items())
    ]
    return pl.DataFrame(rows, schema=BLOCKS, orient="row")
