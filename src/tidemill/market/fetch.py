"""Logs of one contract over a range of blocks from any endpoint, whatever its limits: adaptive, checked, resumable.

Endpoints refuse long ranges in a hundred ways (some name what they would take, some only fail, some cut the answer
short without saying so). Here a refusal halves the range, down to one block, a hint is followed, and an answer of a
round number of logs counts as cut short. Every log is checked against the header of its block, and blocks said to be
empty against their bloom filter.

Progress is kept as one file per range, each written whole by a rename, so data and checkpoint cannot disagree: killed
at any write, it goes on where it was and comes to the same dataset.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any

import msgspec
from eth_hash.auto import keccak
from msgspec import Struct

from tidemill.chain import answers
from tidemill.chain.rpc import Rpc, RpcRejected
from tidemill.errors import BadData, RpcError
from tidemill.files import write_whole

__all__ = ["Chunk", "Header", "fetch_chunks", "fetch_logs", "in_bloom", "read_chunks", "suggested_range"]

_PAGE = 1000
"""Answers of a multiple of this many logs may have been cut: endpoints' pages are 1,000, 5,000, 10,000 …"""

_HEX_RANGE = re.compile(r"\[\s*(0x[0-9a-fA-F]+)\s*,\s*(0x[0-9a-fA-F]+)\s*\]")
_BLOCKS = re.compile(
    r"(?:limited to|up to|max(?:imum)?(?: block range| range| is| of)*|range (?:of|limit)?|exceed[a-z]*|within)"
    r"[^0-9a-z]{0,4}(?:a |an? )?([0-9][0-9,_]*)\s*(k)?\b(?! *results| *logs)",
    re.IGNORECASE,
)


class Header(Struct, frozen=True, array_like=True):
    """What is kept of a block's header; ``base_fee`` in wei."""

    hash: str
    parent_hash: str
    time: int
    base_fee: int


class Chunk(Struct, frozen=True):
    """Logs of blocks ``first`` to ``last`` as the endpoint gave them, with the headers of their blocks."""

    first: int
    last: int
    logs: list[dict[str, Any]]
    headers: dict[int, Header]


def suggested_range(reason: str, first: int, last: int) -> int | None:
    """Return the last block an endpoint's refusal says it would take, None where it says nothing usable."""
    if found := _HEX_RANGE.search(reason):
        end = int(found[2], 16)
        return end if int(found[1], 16) <= first <= end < last else None
    for number, kilo in _BLOCKS.findall(reason):
        span = int(re.sub("[,_]", "", number)) * (1000 if kilo else 1)
        if 0 < span < last - first + 1:
            return first + span - 1
    return None


def in_bloom(bloom: str, item: str) -> bool:
    """Whether a block's bloom filter (hex, 256 bytes) may contain an address or topic (hex)."""
    bits = int(bloom, 16)
    digest = keccak(bytes.fromhex(item[2:]))
    return all(bits >> (int.from_bytes(digest[k : k + 2], "big") & 2047) & 1 for k in (0, 2, 4))


def fetch_chunks(
    rpc: Rpc,
    address: str,
    first: int,
    last: int,
    folder: Path,
    *,
    topics: Sequence[Any] = (),
    max_range: int = 10_000,
    blooms: int = 32,
    progress: Callable[[str], None] | None = None,
) -> list[Chunk]:
    """Fetch all logs of ``address`` in blocks ``first`` to ``last``, keeping progress in ``folder``.

    Parameters
    ----------
    topics : as in ``eth_getLogs``.
    max_range : most blocks to ask for at once.
    blooms : blocks without logs, per chunk, whose bloom filter is checked (spread evenly); 0 checks none.
    progress : told a line after each chunk.

    Raises
    ------
    RpcError : the endpoint refuses a single block, contradicts itself, or hides logs.
    BadData : a kept chunk is damaged.
    """
    folder.mkdir(parents=True, exist_ok=True)
    chunks = _kept(folder, first, last)
    at = chunks[-1].last + 1 if chunks else first
    how: dict[str, Any] = {"topics": topics, "max_range": max_range, "blooms": blooms, "progress": progress}
    for chunk in read_chunks(rpc, address, at, last, **how):
        _keep(folder, chunk)
        chunks.append(chunk)
    return chunks


def read_chunks(
    rpc: Rpc,
    address: str,
    first: int,
    last: int,
    *,
    topics: Sequence[Any] = (),
    max_range: int = 10_000,
    blooms: int = 32,
    progress: Callable[[str], None] | None = None,
) -> Iterator[Chunk]:
    """Fetch and check as ``fetch_chunks`` does, range by range, and keep nothing; no ``address`` means any contract's."""
    at, span = first, max_range
    while at <= last:
        logs, end = fetch_logs(rpc, address, at, min(at + span - 1, last), topics)
        headers = _headers(rpc, logs)
        check_logs(rpc, logs, headers, address, (at, end))
        check_blooms(rpc, address, topics, (at, end), headers, blooms)
        yield Chunk(at, end, logs, headers)
        if progress is not None:
            progress(f"blocks {at:,} to {end:,} of {last:,}: {len(logs):,} logs")
        # grow again slowly: most refusals depend on how busy the blocks are
        span = min(max_range, max(2 * (end - at + 1), 1) if len(logs) < _PAGE // 2 else end - at + 1)
        at = end + 1


def fetch_logs(
    rpc: Rpc, address: str, first: int, last: int, topics: Sequence[Any] = ()
) -> tuple[list[dict[str, Any]], int]:
    """Ask for logs from ``first`` on; return them and the block up to which they are complete (at most ``last``)."""
    end = last
    while True:
        try:
            logs = [
                dict(log) for log in rpc.logs(address=address or None, topics=topics, from_block=first, to_block=end)
            ]
        except RpcError as refused:
            if end == first:
                raise RpcError(f"{refused} (asked for the single block {first})") from None
            hint = suggested_range(refused.reason, first, end) if isinstance(refused, RpcRejected) else None
            end = hint if hint is not None else first + (end - first) // 2
            continue
        if logs and len(logs) % _PAGE == 0 and end > first:
            end = first + (end - first) // 2
            continue
        return logs, end


def check_logs(
    rpc: Rpc, logs: Sequence[Mapping[str, Any]], headers: Mapping[int, Header], address: str, blocks: tuple[int, int]
) -> None:
    """Refuse logs of other contracts or blocks, duplicates, disorder, and those of another fork than the headers."""
    previous = (-1, -1)
    for number, log in enumerate(logs):
        where = f"{rpc.address}: log {number} of blocks {blocks[0]} to {blocks[1]}"
        block, index = int(log["blockNumber"], 16), int(log["logIndex"], 16)
        if address and log["address"].lower() != address.lower():
            raise RpcError(f"{where}: of contract {log['address']}, asked for {address}")
        if not blocks[0] <= block <= blocks[1]:
            raise RpcError(f"{where}: in block {block}, which was not asked for")
        if (block, index) <= previous:
            what = "given twice" if (block, index) == previous else "out of order"
            raise RpcError(f"{where}: block {block}, log index {index} {what}")
        if log["blockHash"].lower() != headers[block].hash:
            raise RpcError(
                f"{where}: block hash {log['blockHash']}, the header of block {block} says {headers[block].hash}"
            )
        previous = (block, index)


def check_blooms(
    rpc: Rpc, address: str, topics: Sequence[Any], blocks: tuple[int, int], full: Iterable[int], count: int
) -> None:
    """Ask for some headers of blocks without logs and see that their bloom filters agree.

    A filter may match by chance: the block's receipts then decide, and an endpoint that cannot give them is refused.
    """
    known = set(full)
    empty = [number for number in range(blocks[0], blocks[1] + 1) if number not in known]
    if count < len(empty):
        empty = [empty[k * len(empty) // count] for k in range(count)] if count else []
    raw = rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number in empty])
    for number, header in zip(empty, raw, strict=True):
        where = f"{rpc.address}: block {number}"
        if isinstance(header, RpcRejected):
            raise header
        bloom = answers.mapping(header, where).get("logsBloom")
        if not isinstance(bloom, str) or not re.fullmatch("0x[0-9a-fA-F]{512}", bloom):
            raise RpcError(f"{where}: logsBloom is not 256 hex bytes")
        if (
            (not address or in_bloom(bloom, address))
            and _topics_in(bloom, topics)
            and _hidden(rpc, address, topics, number)
        ):
            raise RpcError(f"{where}: no logs given, but its receipts hold some of {address}; the endpoint hides logs")


def _topics_in(bloom: str, topics: Sequence[Any]) -> bool:
    for wanted in topics:
        any_of = [wanted] if isinstance(wanted, str) else list(wanted or ())
        if any_of and not any(in_bloom(bloom, topic) for topic in any_of):
            return False
    return True


def _hidden(rpc: Rpc, address: str, topics: Sequence[Any], number: int) -> bool:
    try:
        receipts = rpc.request("eth_getBlockReceipts", hex(number))
    except RpcRejected as refused:
        raise RpcError(
            f"{rpc.address}: block {number}: its bloom filter shows logs of {address}, none are given, and receipts are "
            f"refused ({refused.reason}); use another endpoint"
        ) from None
    for receipt in receipts if isinstance(receipts, list) else ():
        for log in answers.logs(receipt.get("logs"), f"{rpc.address}: receipts of block {number}"):
            mine = not address or log["address"].lower() == address.lower()
            if mine and all(_fits(log["topics"], place, wanted) for place, wanted in enumerate(topics)):
                return True
    return False


def _fits(topics: Sequence[str], place: int, wanted: Any) -> bool:
    if not wanted:
        return True
    any_of = [wanted] if isinstance(wanted, str) else wanted
    return place < len(topics) and topics[place].lower() in {topic.lower() for topic in any_of}


def _headers(rpc: Rpc, logs: Sequence[Mapping[str, Any]]) -> dict[int, Header]:
    numbers = sorted({int(log["blockNumber"], 16) for log in logs})
    raw = rpc.batch([("eth_getBlockByNumber", [hex(number), False]) for number in numbers])
    headers = {}
    for number, answer in zip(numbers, raw, strict=True):
        if isinstance(answer, RpcRejected):
            raise answer
        where = f"{rpc.address}: block {number}"
        seen = answers.block_ref(answers.mapping(answer, where), where)
        if seen.number != number:
            raise RpcError(f"{where}: the endpoint answered with block {seen.number}")
        headers[number] = Header(seen.hash, seen.parent_hash, seen.timestamp, seen.base_fee)
    return headers


def _kept(folder: Path, first: int, last: int) -> list[Chunk]:
    chunks: list[Chunk] = []
    for path in sorted(folder.glob("chunk-*.json")):
        try:
            chunk = msgspec.json.decode(path.read_bytes(), type=Chunk)
        except (OSError, msgspec.DecodeError) as error:
            raise BadData(f"{path}: damaged ({error}); delete it to fetch its blocks again") from None
        expected = chunks[-1].last + 1 if chunks else first
        if chunk.first < expected:
            path.unlink()  # left from a kept chunk that was deleted by hand and fetched in other pieces
            continue
        if chunk.first != expected or chunk.last > last:
            break
        chunks.append(chunk)
    return chunks


def _keep(folder: Path, chunk: Chunk) -> None:
    write_whole({folder / f"chunk-{chunk.first:012d}.json": msgspec.json.encode(chunk)})
