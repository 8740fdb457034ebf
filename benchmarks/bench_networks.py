"""FastLZ and Fjord data fees of many signed transactions: `python benchmarks/bench_networks.py [count]`."""

from __future__ import annotations

import os
import statistics
import sys
import time

import numpy as np

from benchmarks.table import Row
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


def seconds(work, repeats: int = 5) -> float:
    """Return the median wall time of `work`."""
    times = []
    for _ in range(repeats):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)


def rows(count: int = 1_000_000) -> list[Row]:
    """Return the rows of the networks room."""
    data, offsets = transactions(count)
    price = np.array([16 * 5227 * 5 * 10**9 + 1014213], dtype=np.int64)
    fastlz_lengths(data[: SIZE * 10], offsets[:11])
    few = [bytes(data[i * SIZE : (i + 1) * SIZE]) for i in range(200)]
    slow = seconds(lambda: [compressed_length(tx) for tx in few], 3) / len(few)
    one = seconds(lambda: data_fees_down(data, offsets, price, threads=1))
    all_cores = seconds(lambda: data_fees_down(data, offsets, price))
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


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print("  ".join(str(cell) for cell in row))
