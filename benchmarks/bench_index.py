"""Time the fee index against a compiled scan, in one run: medians and ratios.

Usage: ``python -m benchmarks.bench_index [steps]`` (default 1,000,000). The path is a seeded mean-reverting walk that
crosses cells about as often as a volatile pool does (X/n near 0.7).
"""

from __future__ import annotations

import sys

import numpy as np
from numba import get_num_threads, njit

from benchmarks.table import Row, median_seconds
from tidemill.market.index import FeeIndex
from tidemill.market.index_bracket import BracketIndex
from tidemill.market.limbs import to_limbs
from tidemill.venues.uniswap_v3.tape import Tape


@njit(cache=True)
def walk_cells(n, spacing, sigma, theta, draws):
    """Cells and directions of a mean-reverting walk; ``draws`` are normal and uniform numbers, two a swap."""
    cell = np.empty(n, np.int32)
    down = np.empty(n, np.uint8)
    x, k, j = 0.0, 0, 0
    while k < n:
        draw, shock = draws[j, 0], draws[j, 1]
        j += 1
        scale = sigma * (0.5 if draw < 0.7 else (1.2 if draw < 0.95 else 3.0))
        y = x * (1.0 - theta) + scale * shock
        at, to = int(np.floor(x / spacing)), int(np.floor(y / spacing))
        way = 1 if y >= x else -1
        while True:
            cell[k] = at
            down[k] = way < 0
            k += 1
            if at == to or k >= n:
                break
            at += way
        x = y
    return cell, down


def make_tape(n: int, *, spacing: int = 10, sigma: float = 14.0, seed: int = 1) -> Tape:
    """A seeded tape of ``n`` steps: cells, fees and liquidity of plausible sizes."""
    theta = (sigma * 1.05 / 2500.0) ** 2 / 2
    rng = np.random.default_rng(seed)
    cell, down = walk_cells(n, spacing, sigma, theta, np.column_stack([rng.random(n), rng.standard_normal(n)]))
    profile = np.exp(np.cumsum(rng.normal(0, 0.05, int(cell.max() - cell.min()) + 1)) * 0.5)
    drift = np.repeat(np.exp(np.cumsum(rng.normal(0, 0.01, n // 1000 + 1))), 1000)[:n]
    depth = np.maximum(1e18 * profile[cell - cell.min()] * drift, 1e15).astype(np.uint64)
    size = np.exp(rng.normal(0, 1.2, n))
    fee = np.where(down == 1, size * 3e6, size * 1e15).astype(np.uint64)
    zero = np.zeros(n, np.uint64)
    return Tape(
        time=np.arange(n, dtype=np.int64),
        block=np.arange(n, dtype=np.int64),
        event=np.arange(n, dtype=np.int32),
        cell=cell,
        tick=cell * np.int32(spacing),
        sqrt_price=np.zeros((n, 3), np.uint64),
        liquidity=np.column_stack([depth, zero]),
        fee=np.column_stack([fee, zero]),
        zero_for_one=down,
    )


def queries(tape: Tape, count: int, seed: int = 7) -> tuple[np.ndarray, ...]:
    """Ranges around visited cells, log-uniform widths, random intervals."""
    rng = np.random.default_rng(seed)
    n = len(tape.cell)
    start, stop = np.sort(rng.integers(0, n + 1, (2, count)), axis=0)
    cells = int(tape.cell.max() - tape.cell.min()) + 1
    width = np.exp(rng.uniform(0, np.log(cells), count)).astype(np.int64) + 1
    lower = tape.cell[rng.integers(0, n, count)] - rng.integers(0, width)
    return lower.astype(np.int32), (lower + width).astype(np.int32), start.astype(np.int32), stop.astype(np.int32)


def rows(n: int = 1_000_000) -> list[Row]:
    """Time the index on ``n`` steps."""
    tape = make_tape(n)
    FeeIndex(make_tape(1000))  # compile before timing
    index = FeeIndex(tape)
    count, few = 1_000_000, 200
    low, up, start, stop = queries(tape, count)
    begin, end = np.zeros(count, np.int32), np.full(count, n, np.int32)
    own = np.repeat(to_limbs([10**17], 2), count, axis=0)
    for work in (index.growth_many, lambda *q: index.first_exit_many(*q[:3]), lambda *q: index.fees_many(*q, own[:10])):
        work(low[:10], up[:10], np.minimum(start[:10], n - 1), stop[:10])
    index.growth_by_scan(0, 1, 0, 1)
    slow = [tuple(map(int, query)) for query in zip(low[:few], up[:few], start[:few], stop[:few], strict=True)]

    build = median_seconds(lambda: FeeIndex(tape))
    query = median_seconds(lambda: index.growth_many(low, up, start, stop)) / count * 1e9
    leave = median_seconds(lambda: index.first_exit_many(low, up, np.minimum(start, n - 1))) / count * 1e9
    screen = median_seconds(lambda: index.fees_many(low, up, begin, end, own))
    scan = median_seconds(lambda: [index.growth_by_scan(*q) for q in slow], 3) / few * 1e9
    bracket = BracketIndex(tape, index)
    part = slice(0, 20_000)
    bounds = median_seconds(lambda: bracket.bracket_many(low[part], up[part], start[part], stop[part], 10**17), 3)
    found = bracket.bracket_many(low[part], up[part], start[part], stop[part], 7 * 10**16)
    width = float(found.width[found.high > 1e6].max())
    bytes_a_step = index.nbytes / n
    return [
        Row(
            f"fee index, {n:,} steps, {index.crossings / n:.2f} crossings a step: build",
            f"{build:.3f} s, {bytes_a_step:.0f} B/step",
            "",
            "<= 0.2 s a million, <= 130 B/step",
            build <= 0.2 * n / 1e6 and bytes_a_step <= 130,
        ),
        Row(
            f"  fees of a random range and interval ({get_num_threads()} threads)",
            f"{query:.0f} ns",
            f"{scan / query:,.0f} x a compiled scan ({scan / 1000:.0f} us)",
            "<= 400 ns",
            query <= 400,
        ),
        Row("  first exit", f"{leave:.0f} ns", f"1/{query / leave:.1f} of a fee query", "<= 1/4", leave * 4 <= query),
        Row("  fees of 1,000,000 candidates, whole path", f"{screen:.3f} s", "", "<= 0.5 s", screen <= 0.5),
        Row(
            "  bracket of diluted fees",
            f"{bounds / 20_000 * 1e6:.1f} us, {bracket.nbytes / n:.0f} B/step more",
            f"at most {width:.0e} wide at l/L about 7 %",
            "<= 1e-4 wide",
            width <= 1e-4,
        ),
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print("  ".join(str(cell) for cell in row))
