"""Whole studies through ``load().run()``, costs and books on: a year of minute bars, and the embedded example.

Each runs in a process of its own, so that memory and imports are counted; the second run of each is the warm one. The
peak is the resident memory of a fresh process: interpreter, every library and one ``load().run()`` with the runs beside.
"""

from __future__ import annotations

import json
import os
import subprocess
import sys
import tempfile
from pathlib import Path

import numpy as np
import polars as pl

from benchmarks.table import Row
from tidemill.market.importing import import_bars
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.store import write_dataset

__all__ = ["rows"]

ROOT = Path(__file__).resolve().parents[1]  # a child is started here, where it finds `benchmarks`
MINUTES = 525_600
WEEKLY = """
from msgspec import Struct
from tidemill.interfaces import At, Decision, Intent, Plan
from tidemill.strategies.liquidity import LpMemo, PoolView, enter, leave, now_of, ranges
from tidemill.strategies.ratio import usable_range

class Weekly(Struct, frozen=True):
    venue: str
    home: str
    Memo = LpMemo

    def decide(self, view, memo, news):
        if view.in_flight:
            return Decision(memo=memo)
        now, held = now_of(view), ranges(view, self.venue)
        if view.why == "end":
            return leave(view, self.venue, self.home, 50, memo)
        if not held:
            pool = PoolView.of(view, self.venue)
            lower, upper = usable_range(pool.tick - 950, pool.tick + 950, pool.spacing)
            return Decision((enter(view, self.venue, lower, upper, 50),), memo=LpMemo(entered_at=now))
        if now >= memo.entered_at + 7 * 86_400:
            return Decision((Plan((Intent(self.venue, "close", {"position": held[0].id}),)),), memo=memo)
        return Decision(wake=(At(memo.entered_at + 7 * 86_400),), memo=memo)
"""
STUDY = """title = "A year of minute bars"
network = "op-mainnet"
strategy = "weekly.py:Weekly"
[capital]
USDC = "10000"
ETH = "0.05"
[venues.pool]
kind = "uniswap_v3"
dataset = "bars"
[fees.op-mainnet]
base_fee_gwei = "0.002"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "0.1"
"""
FRESH = """
import json, sys
import tidemill
from benchmarks.peers.peak_memory import peak_kb
tidemill.load(sys.argv[1]).run()
print(json.dumps({"peak": peak_kb() / 1024}))
"""
WARM = """
import json, sys, time
import tidemill
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
study = tidemill.load(sys.argv[1]).study
def once():
    began = time.perf_counter()
    document, outcomes = Backtest(prepare(study)).main_run()
    return time.perf_counter() - began, len(outcomes.record), document.headline.keep
def whole():
    began = time.perf_counter()
    tidemill.load(sys.argv[1]).run()
    return time.perf_counter() - began
once()
seconds, steps, keep = min(once() for _ in range(3))
print(json.dumps({"seconds": seconds, "steps": steps, "keep": keep, "whole": min(whole() for _ in range(2))}))
"""


def year_of_bars(folder: Path) -> None:
    """Write a synthetic year of minute bars: a random walk of ticks with volumes."""
    rng = np.random.default_rng(1)
    close = 195_000 + np.cumsum(rng.normal(0, 6, MINUTES)).astype(np.int64)
    opened = np.concatenate([[195_000], close[:-1]])
    spread = rng.integers(0, 8, (2, MINUTES))
    stamp = np.datetime64("2025-01-01T00:00:00") + np.arange(MINUTES) * np.timedelta64(60, "s")
    frame = pl.DataFrame(
        {
            "timestamp": stamp.astype("datetime64[us]"),
            "netAmount0": rng.integers(-(10**9), 10**9, MINUTES).astype(str),
            "netAmount1": rng.integers(-(10**17), 10**17, MINUTES).astype(str),
            "openTick": opened,
            "lowestTick": np.minimum(opened, close) - spread[0],
            "highestTick": np.maximum(opened, close) + spread[1],
            "closeTick": close,
            "inAmount0": (rng.lognormal(0, 1, MINUTES) * 2e9).astype(np.int64).astype(str),
            "inAmount1": (rng.lognormal(0, 1, MINUTES) * 6e16).astype(np.int64).astype(str),
            "currentLiquidity": ["300000000000000000"] * MINUTES,
        }
    )
    pool = PoolInfo(10, "op-mainnet", "0x" + "ba" * 20, Token("USDC", 6), Token("WETH", 18), 500, 10)
    source = folder.with_suffix(".parquet")
    frame.write_parquet(source)
    write_dataset(import_bars(source, pool), folder)


def rows() -> list[Row]:
    """Return the rows of whole studies."""
    out = []
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        year_of_bars(folder / "bars")
        (folder / "weekly.py").write_text(WEEKLY)
        (folder / "year.toml").write_text(STUDY)
        # timed first: it finds or makes the kernels' machine code, which takes memory to make; the peak is a fresh process's
        got = {}
        for child in (WARM, FRESH):
            command = [sys.executable, "-c", child, str(folder / "year.toml")]
            said = subprocess.run(command, check=True, capture_output=True, text=True, cwd=ROOT).stdout
            got |= json.loads(said)
        seconds, whole, peak = got["seconds"], got["whole"], got["peak"]
        out.append(
            Row(
                f"a year of minute bars, weekly reset, books and costs on ({got['steps']} own steps)",
                f"{seconds:.2f} s, with half, double and comparisons {whole:.1f} s; {peak:.0f} MB in all",
                f"{MINUTES / seconds:,.0f} bars/s",
                "<= 1 s warm, <= 300 MB",
                seconds <= 1 and peak <= 300,
            )
        )
        demo = [sys.executable, "-m", "tidemill.app.main", "demo", "--out", name]
        times = []
        for _ in range(3):
            began = os.times()
            subprocess.run(demo, check=True, capture_output=True)
            ended = os.times()
            times.append(ended.elapsed - began.elapsed)
        out.append(
            Row(
                "make run after install: first / second (median)",
                f"{times[0]:.1f} s / {min(times[1:]):.1f} s",
                "",
                "<= 20 s / <= 3 s",
                times[0] <= 20 and min(times[1:]) <= 3,
            )
        )
    return out


if __name__ == "__main__":
    for row in rows():
        print(row)
