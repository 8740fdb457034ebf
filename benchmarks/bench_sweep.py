"""Time the screen of range resets over a long path, against the same policy scanned step by step.

Usage: ``python -m benchmarks.bench_sweep [steps]`` (default 1,000,000). The path crosses cells as often as the one real day
of the reference data does (X/n near 0.13 at a spacing of 10); widths are 1 to 500 cells, cooldowns 0 (30 %) or up to
50,000 steps.
"""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np

from benchmarks.bench_index import make_tape
from benchmarks.peers.peak_memory import peak_kb
from benchmarks.table import Row, median_seconds
from tidemill.market.index import FeeIndex
from tidemill.studies.fast.ground import Terms, recorded
from tidemill.studies.fast.range_reset import play
from tidemill.venues.uniswap_v3.tape import Tape

SPACING = 10
SIGMA = 2.6
"""Ticks: at this the path crosses cells as the real day did."""


def asked(count: int, seed: int = 3) -> tuple[np.ndarray, ...]:
    """Widths, triggers (ticks) and cooldowns (seconds, one a step)."""
    rng = np.random.default_rng(seed)
    width = SPACING * np.exp(rng.uniform(0, np.log(500), count)).astype(np.int64)
    wait = np.exp(rng.uniform(0, np.log(50_000), count)).astype(np.int64)
    return width, np.zeros(count, np.int64), np.where(rng.random(count) < 0.3, 0, wait)


def work(tape: Tape, index: FeeIndex, variants: tuple[np.ndarray, ...], *, dilutes: bool, by_scan: bool) -> np.ndarray:
    """Play every variant; what is left, resets and seconds in a position."""
    out = np.empty((len(variants[0]), 3))
    depth = tape.liquidity[:, 0].astype(float)
    terms = Terms(
        start=0, end=len(depth) - 1, have0=1e10, have1=1e10, spacing=SPACING, fee=5e-4, dilutes=dilutes, home0=True,
        costs=(1e5, 1e5, 1e5), native=(1.0, False), period=1,
    )  # fmt: skip
    path = recorded(tape, index, 1.0001 ** (tape.tick / 2.0), depth, dilutes=dilutes)
    play(*variants, by_scan, tuple(terms), path, out)
    return out


def child(n: int) -> None:
    """Screen once in a process of its own and say what memory that took, beside the path that was given."""
    tape = make_tape(n, sigma=SIGMA)
    given = peak_kb()
    work(tape, FeeIndex(tape), asked(1_000), dilutes=False, by_scan=False)
    print(json.dumps({"peak": peak_kb() / 1024, "given": given / 1024}))


def rows(n: int = 1_000_000) -> list[Row]:
    """Screen 1,000 variants with own swaps and costs, in both modes, by the index and by a scan."""
    tape = make_tape(n, sigma=SIGMA)
    index, variants = FeeIndex(tape), asked(1_000)
    few = tuple(column[:40] for column in variants)
    work(tape, index, few, dilutes=False, by_scan=False)
    found = work(tape, index, few, dilutes=False, by_scan=False)
    same = np.allclose(found, work(tape, index, few, dilutes=False, by_scan=True), rtol=1e-9)
    small = median_seconds(lambda: work(tape, FeeIndex(tape), variants, dilutes=False, by_scan=False), 3)
    mixed = median_seconds(lambda: work(tape, index, variants, dilutes=True, by_scan=False), 3)
    quick = median_seconds(lambda: work(tape, index, few, dilutes=False, by_scan=False), 3)
    slow = median_seconds(lambda: work(tape, index, few, dilutes=False, by_scan=True), 1)
    resets = int(work(tape, index, variants, dilutes=False, by_scan=False)[:, 1].sum())
    asked_child = [sys.executable, "-m", "benchmarks.bench_sweep", "child", str(n)]
    peak = json.loads(subprocess.run(asked_child, check=True, capture_output=True, text=True).stdout)["peak"]
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
    if sys.argv[1:2] == ["child"]:
        child(int(sys.argv[2]))
    else:
        for row in rows(int(sys.argv[1]) if len(sys.argv) > 1 else 1_000_000):
            print("  ".join(str(cell) for cell in row))
