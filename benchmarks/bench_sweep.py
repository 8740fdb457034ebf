"""Time the screen of range resets over a long path, against the same policy scanned step by step.

Usage: ``python -m benchmarks.bench_sweep [steps]`` (default 1,000,000). The path crosses cells as often as the one real day
of the reference data does (X/n near 0.13 at a spacing of 10); widths are 1 to 500 cells, cooldowns 0 (30 %) or up to
50,000 steps.
"""

from __future__ import annotations

import resource
import sys

import numpy as np

from benchmarks.bench_index import make_tape
from benchmarks.table import Row, median_seconds
from tidemill.market.index import FeeIndex
from tidemill.studies.fast.range_reset import grown_by, play

SPACING = 10


def asked(count: int, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Widths, triggers (ticks) and cooldowns (seconds, one a step)."""
    rng = np.random.default_rng(seed)
    width = SPACING * np.exp(rng.uniform(0, np.log(500), count)).astype(np.int64)
    wait = np.exp(rng.uniform(0, np.log(50_000), count)).astype(np.int64)
    return width, np.zeros(count, np.int64), np.where(rng.random(count) < 0.3, 0, wait)


def rows(n: int = 1_000_000) -> list[Row]:
    """Screen 1,000 variants with own swaps and costs, in both modes, by the index and by a scan."""
    tape = make_tape(n, sigma=2.6)
    root = 1.0001 ** (tape.tick / 2.0)
    depth = tape.liquidity[:, 0].astype(float)
    grown = grown_by(tape, depth)

    def work(index: FeeIndex, variants: tuple[np.ndarray, ...], *, dilutes: bool, by_scan: bool) -> np.ndarray:
        out = np.empty((len(variants[0]), 3))
        play(
            *variants, 0, n - 1, 1e10, 1e10, SPACING, 5e-4, dilutes, by_scan, True, 1e5, 1e5, 1e5, (1.0, 0), 1, out,
            tape.time, tape.block, tape.tick, tape.cell, root, depth, grown, *index.lists,
        )  # fmt: skip
        return out

    index, variants = FeeIndex(tape), asked(1_000)
    few = tuple(column[:40] for column in variants)
    work(index, few, dilutes=False, by_scan=False)
    found = work(index, few, dilutes=False, by_scan=False)
    same = np.allclose(found, work(index, few, dilutes=False, by_scan=True), rtol=1e-9)
    small = median_seconds(lambda: work(FeeIndex(tape), variants, dilutes=False, by_scan=False), 3)
    mixed = median_seconds(lambda: work(index, variants, dilutes=True, by_scan=False), 3)
    quick = median_seconds(lambda: work(index, few, dilutes=False, by_scan=False), 3)
    slow = median_seconds(lambda: work(index, few, dilutes=False, by_scan=True), 1)
    resets = int(work(index, variants, dilutes=False, by_scan=False)[:, 1].sum())
    peak = resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024
    return [
        Row(
            f"1,000 range-reset variants, {n:,} steps ({index.crossings / n:.2f} crossings a step, {resets:,} resets)",
            f"{small:.2f} s with the index built, {peak:.0f} MB",
            f"{slow / quick:.1f} x a compiled scan of the same policy{'' if same else ' (DIFFERS)'}",
            "<= 2 s, <= 500 MB",
            small <= 2 and peak <= 500 and same,
        ),
        Row("  in diluted mode", f"{mixed:.2f} s", "", "<= 30 s", mixed <= 30),
    ]


if __name__ == "__main__":
    for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
        print("  ".join(str(cell) for cell in row))
