"""FastLZ lengths and Fjord data fees of many signed transactions at once, compiled; equal to the ``int`` functions.

Heavy: importing it imports numba and numpy. ``fastlz`` and ``op_stack`` are the specification. The module imports no
other compiled code, so numba's on-disk cache (keyed by this file alone) is safe.
"""

from __future__ import annotations

import os
from concurrent.futures import ThreadPoolExecutor
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tidemill.errors import BadInput

__all__ = ["data_fees_down", "fastlz_lengths", "fjord_l1_fees_down", "pack"]

_SLOTS = 8192
_WINDOW = 8191
_REBASE = 1 << 30  # positions in the table are int32: start over before they could overflow
_MILLION = 1_000_000
_FEWEST = 2_000  # below this many transactions threads cost more than they save
_i32, _i64 = nb.int32, nb.int64
_BYTES = nb.types.Array(nb.uint8, 1, "C", readonly=True)
_WORDS = nb.types.Array(_i64, 1, "C", readonly=True)
_LENGTHS = nb.types.Array(_i32, 1, "C", readonly=True)


@nb.njit(_i64(_BYTES, _i64, _i64, _i32[::1], _i64), nogil=True, cache=True)
def _length(data: Any, begin: Any, end: Any, seen: Any, base: Any) -> Any:
    # `seen` is never cleared between transactions: an entry below `base` is an earlier transaction's, hence unwritten.
    limit = end - 14
    total = 0
    flushed = begin
    at = begin + 2
    while at < limit:
        b0, b1, b2 = data[at], data[at + 1], data[at + 2]
        three = np.uint32(b0) | np.uint32(b1) << np.uint32(8) | np.uint32(b2) << np.uint32(16)
        slot = np.uint32(np.uint64(three) * np.uint64(2654435769)) >> np.uint32(19)
        earlier: Any = begin + max(0, np.int64(seen[slot]) - base)
        seen[slot] = base + at - begin
        if at - earlier > _WINDOW or data[earlier] != b0 or data[earlier + 1] != b1 or data[earlier + 2] != b2:
            at += 1
            continue
        count: Any = at - flushed
        total += count + (count + 31) // 32
        agreement = end - 7 - at
        for step in range(agreement):
            if data[earlier + 3 + step] != data[at + 3 + step]:
                agreement = step + 1
                break
        total += 3 * ((agreement - 1) // 262) + (3 if (agreement - 1) % 262 >= 6 else 2)
        at += agreement
        for _ in range(2):
            three = (
                np.uint32(data[at]) | np.uint32(data[at + 1]) << np.uint32(8) | np.uint32(data[at + 2]) << np.uint32(16)
            )
            seen[np.uint32(np.uint64(three) * np.uint64(2654435769)) >> np.uint32(19)] = base + at - begin
            at += 1
        flushed = at
    count = end - flushed
    return total + count + (count + 31) // 32


@nb.njit(nb.void(_BYTES, _WORDS, _i64, _i64, _i64, _i32[::1]), nogil=True, cache=True)
def _lengths(data: Any, offsets: Any, first: int, last: int, rebase: int, out: Any) -> None:
    seen = np.zeros(_SLOTS, dtype=np.int32)
    base = np.int64(0)
    for index in range(first, last):
        size = offsets[index + 1] - offsets[index]
        if base + size > rebase:
            seen[:] = 0
            base = np.int64(0)
        out[index] = _length(data, offsets[index], offsets[index + 1], seen, base)
        base += size


@nb.njit(_i64[::1](_LENGTHS, _WORDS), nogil=True, cache=True)
def _fees(lengths: Any, prices: Any) -> Any:
    # floor(size * price / 1e12) without leaving int64: both factors split at 1e6, carries kept exactly.
    out = np.empty(lengths.size, dtype=np.int64)
    for index in range(lengths.size):
        size: Any = max(100_000_000, 836_500 * np.int64(lengths[index]) - 42_585_600)
        price: Any = prices[index] if prices.size > 1 else prices[0]
        s1, s0 = size // _MILLION, size % _MILLION
        p1, p0 = price // _MILLION, price % _MILLION
        cross = s1 * p0 + s0 * p1
        out[index] = s1 * p1 + cross // _MILLION + (cross % _MILLION * _MILLION + s0 * p0) // (_MILLION * _MILLION)
    return out


def pack(transactions: list[bytes]) -> tuple[NDArray[np.uint8], NDArray[np.int64]]:
    """Return the bytes of all transactions end to end, and where each begins (one more offset than transactions)."""
    offsets = np.zeros(len(transactions) + 1, dtype=np.int64)
    np.cumsum([len(tx) for tx in transactions], out=offsets[1:])
    return np.frombuffer(b"".join(transactions), dtype=np.uint8), offsets


def fastlz_lengths(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], *, threads: int | None = None
) -> NDArray[np.int32]:
    """Return the FastLZ length of each transaction.

    Parameters
    ----------
    data, offsets : as ``pack`` gives them; transaction ``i`` is ``data[offsets[i]:offsets[i + 1]]``.
    threads : worker threads, by default one per core.

    Raises
    ------
    BadInput : ``offsets`` do not rise from 0 to the length of ``data``, or one transaction exceeds 2**30 bytes.
    """
    data = np.ascontiguousarray(data, dtype=np.uint8)
    offsets = np.ascontiguousarray(offsets, dtype=np.int64)
    sizes = np.diff(offsets)
    if offsets.size == 0 or offsets[0] != 0 or offsets[-1] != data.size or (sizes < 0).any():
        raise BadInput(f"offsets must rise from 0 to the {data.size} bytes of data", field="offsets")
    if sizes.size and sizes.max() >= _REBASE:
        raise BadInput(f"a transaction of {sizes.max()} bytes: nothing above 2**30 exists", field="offsets")
    count = offsets.size - 1
    out = np.empty(count, dtype=np.int32)
    workers = 1 if count < _FEWEST else (threads or os.cpu_count() or 1)
    cuts = [count * part // workers for part in range(workers + 1)]
    if workers == 1:
        _lengths(data, offsets, 0, count, _REBASE, out)
        return out
    with ThreadPoolExecutor(workers) as pool:
        list(pool.map(lambda i: _lengths(data, offsets, cuts[i], cuts[i + 1], _REBASE, out), range(workers)))
    return out


def fjord_l1_fees_down(lengths: NDArray[np.int32], prices: NDArray[np.int64]) -> NDArray[np.int64]:
    """Return the L1 data fee (wei) of Fjord and later for each FastLZ length.

    Parameters
    ----------
    lengths : FastLZ lengths of signed transactions.
    prices : ``16 * l1_base_fee * base_fee_scalar + blob_base_fee * blob_base_fee_scalar``, one per transaction or one
        for all.

    Raises
    ------
    BadInput : shapes differ, a value is negative, or a fee or price might exceed 62 bits (then use ``op_stack``).
    """
    lengths = np.ascontiguousarray(lengths, dtype=np.int32)
    prices = np.ascontiguousarray(prices, dtype=np.int64)
    if prices.size not in (1, lengths.size):
        raise BadInput(f"{prices.size} prices for {lengths.size} transactions", field="prices")
    if lengths.size == 0:
        return np.empty(0, dtype=np.int64)
    if lengths.min() < 0 or prices.min() < 0:
        raise BadInput("negative length or price")
    largest = max(100_000_000, 836_500 * int(lengths.max()))
    highest = int(prices.max())
    if highest >= 1 << 62 or largest * highest // _MILLION**2 >= 1 << 62:
        raise BadInput("fees beyond 62 bits; use op_stack.fjord_l1_fee_down", field="prices")
    return np.asarray(_fees(lengths, prices), dtype=np.int64)


def data_fees_down(
    data: NDArray[np.uint8], offsets: NDArray[np.int64], prices: NDArray[np.int64], *, threads: int | None = None
) -> NDArray[np.int64]:
    """Return the L1 data fee of each signed transaction: ``fastlz_lengths``, then ``fjord_l1_fees_down``."""
    return fjord_l1_fees_down(fastlz_lengths(data, offsets, threads=threads), prices)
