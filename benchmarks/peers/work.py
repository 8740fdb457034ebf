"""The work that every tool gets, as files: swaps, a year of minute bars, and bars with the exact fees behind them."""

from __future__ import annotations

import csv
import json
import random
from pathlib import Path

import numpy as np

from benchmarks import bench_study
from benchmarks.bench_v3 import Work, flow_of, make_work, pool_state
from tidemill.market.index import FeeIndex
from tidemill.units.jit import unpack
from tidemill.venues.uniswap_v3.kernel import KernelPool
from tidemill.venues.uniswap_v3.model import TICK_SPACING

COLUMNS = (
    *("timestamp", "netAmount0", "netAmount1", "openTick", "lowestTick", "highestTick", "closeTick"),
    *("inAmount0", "inAmount1", "currentLiquidity"),
)
SPACING = TICK_SPACING[500]
BACKGROUND = [
    (-887_200, 887_200, 3 * 10**21),
    (-5_000, 5_000, 10**20),
    (-300, 300, 2 * 10**20),
    (-150, 50, 3 * 10**20),
    (-50, 40, 2 * 10**20),
]
OWN = [(-1000, 1000, 3 * 10**19), (-100, 100, 27 * 10**19)]
"""A wide position (under 1 % of the liquidity) and a narrow one (about 7 %)."""


def write_swaps(folder: Path, count: int) -> None:
    """Write the swaps of ``make bench``'s row (fee 3000)."""
    work = make_work(3000, count)
    (folder / "swaps.json").write_text(json.dumps({**work._asdict(), "spacing": TICK_SPACING[work.fee]}))


def write_year(folder: Path, minutes: int) -> None:
    """Write the bars, the strategy and the study of ``make bench``'s row."""
    bench_study.MINUTES = minutes
    bench_study.year_of_bars(folder / "bars")
    import polars as pl  # noqa: PLC0415

    pl.read_parquet(folder / "bars.parquet").write_csv(folder / "year.csv", datetime_format="%Y-%m-%d %H:%M:%S")
    (folder / "weekly.py").write_text(bench_study.WEEKLY)
    (folder / "year.toml").write_text(bench_study.STUDY)
    (folder / "year.json").write_text(json.dumps({"decimals": [6, 18]}))


def write_fees(folder: Path, count: int = 20_000, minutes: int = 7_200) -> tuple[list[int], list[int]]:
    """Write bars of an exactly executed market; return what each of ``OWN`` earns: exactly, and by its events.

    The bars are the market without the position. The exact answer is the market with that one position in the pool,
    from the fee growth of the exact kernel; the second answer shares the fees of the market without it. Fees are
    token0 + token1: the price stays near 1, and both count alike.
    """
    rng = random.Random(7)
    swaps = [(rng.random() < 0.5, True, int(2e17 * rng.lognormvariate(0, 0.6))) for _ in range(count)]
    alone, flow = KernelPool(pool_state(Work(500, BACKGROUND, swaps))), flow_of(Work(500, BACKGROUND, swaps))
    out, log = alone.run(flow, steps=True)
    index = FeeIndex(alone.tape(log, flow))
    ticks, liquidity = out.tick.tolist(), unpack(out.liquidity)
    amounts = list(zip(unpack(out.amount0, signed=True), unpack(out.amount1, signed=True), strict=True))
    opened, at = 0, 0
    with (folder / "fees.csv").open("w", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(COLUMNS)
        for minute in range(minutes):
            first, at = at, (minute + 1) * count // minutes
            path, moved = [opened, *ticks[first:at]], amounts[first:at]
            net = [sum(pair[side] for pair in moved) for side in (0, 1)]
            taken = [sum(max(pair[side], 0) for pair in moved) for side in (0, 1)]
            stamp = str(np.datetime64("2025-01-01T00:00:00") + np.timedelta64(minute, "m")).replace("T", " ")
            rows.writerow([stamp, *net, opened, min(path), max(path), path[-1], *taken, liquidity[at - 1]])
            opened = path[-1]
    (folder / "fees.json").write_text(json.dumps({"decimals": [18, 18], "own": OWN}))
    exact, from_events = [], []
    for lower, upper, own in OWN:
        work = Work(500, [*BACKGROUND, (lower, upper, own)], swaps)
        pool = KernelPool(pool_state(work))
        pool.run(flow_of(work))
        exact.append(sum(growth * own >> 128 for growth in pool.growth_inside(lower, upper)))
        shared = index.diluted_fees(lower // SPACING, upper // SPACING, 0, index.steps, liquidity=own)
        from_events.append(sum(shared))
    return exact, from_events
