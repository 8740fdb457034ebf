"""Fees of many signed transactions and prices of many blocks: `python -m benchmarks bench_networks`."""

from __future__ import annotations

import os
import statistics
import sys
import time
from collections.abc import Callable

import numpy as np

from benchmarks.table import Row, median_seconds
from tidemill import networks
from tidemill.networks.arbitrum_kernel import base_fees_down
from tidemill.networks.arbitrum_l1 import brotli_length, poster_fee_down, poster_units
from tidemill.networks.arbitrum_l2 import grow, single_update
from tidemill.networks.fastlz import compressed_length
from tidemill.networks.op_stack_kernel import data_fees_down, fastlz_lengths

SIZE = 250
"""Bytes of a typical signed transaction of a liquidity position."""


def transactions(count: int) -> tuple[np.ndarray, np.ndarray]:
    """Return `count` transactions of SIZE bytes that look like calldata: words of small numbers, a random tail."""
    rng = np.random.default_rng(5)
    data = np.zeros((count, SIZE), dtype=np.uint8)
    data[:, :12] = rng.integers(0, 256, (count, 12), dtype=np.uint8)
    for word in range(5):
        filled = rng.integers(4, 20)
        end = 24 + 32 * (word + 1)
        data[:, end - filled : end] = rng.integers(0, 256, (count, filled), dtype=np.uint8)
    data[:, -66:] = rng.integers(0, 256, (count, 66), dtype=np.uint8)  # the signature
    return data.reshape(-1), np.arange(count + 1, dtype=np.int64) * SIZE


def rows(count: int = 1_000_000) -> list[Row]:
    """Return the rows of the networks room."""
    return [*fastlz_rows(count), *arbitrum_rows(4 * count), *poster_rows(count // 50)]


def fastlz_rows(count: int) -> list[Row]:
    """Return how fast FastLZ and Fjord's fee are."""
    data, offsets = transactions(count)
    price = np.array([16 * 5227 * 5 * 10**9 + 1014213], dtype=np.int64)
    fastlz_lengths(data[: SIZE * 10], offsets[:11])
    few = [bytes(data[i * SIZE : (i + 1) * SIZE]) for i in range(200)]
    slow = median_seconds(lambda: [compressed_length(tx) for tx in few], 3) / len(few)
    one = median_seconds(lambda: data_fees_down(data, offsets, price, threads=1))
    all_cores = median_seconds(lambda: data_fees_down(data, offsets, price))
    ratio = f"{slow * count / one:,.0f} x plain Python"
    cores = os.cpu_count() or 1
    return [
        Row(f"FastLZ and Fjord fee of {count:,} transactions of {SIZE} B, one thread", f"{one:.2f} s", ratio, "", None),
        Row(
            f"  on {cores} threads",
            f"{all_cores:.2f} s",
            f"{one / all_cores:.1f} x one thread",
            "<= 1 s on two cores",
            all_cores <= 1,
        ),
    ]


def arbitrum_rows(count: int) -> list[Row]:
    """Return how many blocks a second are priced by Arbitrum One's six constraints, and by the one of before."""
    one = networks.get("arbitrum-one")
    six = one.constraints(1_790_000_000)
    rng = np.random.default_rng(7)
    gas = rng.integers(0, 20_000_000, count)
    seconds = rng.integers(0, 2, count)

    def plainly(few: int = 5_000) -> None:
        now = six
        for used, passed in zip(gas[:few].tolist(), seconds[:few].tolist(), strict=True):
            now, _ = single_update(now, passed, 20_000_000)
            now = tuple(type(c)(c.target, c.window, grow(c.backlog, used)) for c in now)

    base_fees_down(gas[:10], seconds[:10], six, 20_000_000)
    slow = median_seconds(plainly, 3) / 5_000
    table = []
    for words, constraints, must in (("six constraints", six, True), ("one constraint", six[-1:], None)):
        each = (
            median_seconds(lambda constraints=constraints: base_fees_down(gas, seconds, constraints, 20_000_000))
            / count
        )
        ratio = f"{slow / each:,.0f} x plain Python" if must else ""
        reached = None if must is None else each <= 1e-7
        measured = f"{1e-6 / each:.1f} M blocks/s"
        table.append(Row(f"Arbitrum's price of gas, {words}", measured, ratio, ">= 10 M/s" if must else "", reached))
    return table


def cpu_seconds(work: Callable[[], None]) -> float:
    """Return the processor time of `work`."""
    began = time.process_time()
    work()
    return time.process_time() - began


def poster_rows(count: int) -> list[Row]:
    """Return how much of a poster fee's time is the brotli library's own."""
    import brotli  # noqa: PLC0415

    data, _ = transactions(count)
    signed = [bytes(row) for row in data.reshape(count, SIZE)]
    price, base_fee = 30_000_000, 20_000_000

    def library() -> None:
        for tx in signed:
            brotli.compress(tx, quality=1, lgwin=22)

    def ours() -> None:
        for tx in signed:
            poster_fee_down(poster_units(brotli_length(tx, 1)), price, base_fee)

    # Turn about and in processor time, so that what else runs weighs on both alike.
    pairs = [(cpu_seconds(library), cpu_seconds(ours)) for _ in range(5)]
    each = statistics.median(mine for _, mine in pairs) / count
    ratio = statistics.median(mine / theirs for theirs, mine in pairs)
    return [
        Row(
            f"poster fee of {count:,} transactions of {SIZE} B",
            f"{each * 1e6:.1f} us each",
            f"{ratio:.2f} x brotli alone",
            "<= 1.25 x brotli alone",
            ratio <= 1.25,
        )
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print("  ".join(str(cell) for cell in row))
