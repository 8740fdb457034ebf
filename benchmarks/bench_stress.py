"""Time stress by kernels: futures of a year of hours for a range in a pool, a lending loop and a farmed pair.

Usage: ``python -m benchmarks.bench_stress [paths] [exact paths]`` (default 10,000 and 1,000). The studies are the shipped
examples; each is played once exactly before, for what its transactions cost, and that is not in these times. Processor
time of all processes counts, for other work on the machine does not slow it; memory is the peak of all processes together.
"""

from __future__ import annotations

import json
import resource
import subprocess
import sys
import time
from functools import partial
from pathlib import Path
from typing import Any

from benchmarks.peers.peak_memory import peak_kb
from benchmarks.table import Row
from tidemill.studies.arrange import Arrangement, arrange
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.stress_hours import CHUNK, Player, Tier, fitted
from tidemill.studies.study import load_study
from tidemill.studies.workers import spread

STUDIES = ("range_reset", "leveraged_staking", "farm_compound")
HOURS, CORES = 8_760, 2


def arranged(name: str) -> Arrangement:
    """Return an example ready to be played."""
    study = Path(__file__).parents[1] / "examples" / f"{name}.toml"
    backtest = Backtest(prepare(load_study(study)))
    return arrange(backtest, backtest.play(), HOURS, 87, partial(fitted, "bootstrap", {}, None), ())


def used() -> float:
    """Processor seconds of this process and of those that have ended."""
    return sum(
        told.ru_utime + told.ru_stime
        for told in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def play(found: Arrangement, tier: Tier, paths: int, first: int, jobs: int) -> list[Any]:
    """Play so many futures from number ``first`` on; return what is kept, by chunk."""
    make = partial(Player, found, (), HOURS, tier, None, "bench")
    tasks = [
        (n, (start, min(CHUNK, first + paths - start))) for n, start in enumerate(range(first, first + paths, CHUNK))
    ]
    answers: list[Any] = [None] * len(tasks)
    for n, answer in spread(make, make(), tasks, jobs):
        answers[n] = [row[0] for row in answer["out"]]
    return answers


def child(tier: Tier, paths: int, jobs: int) -> None:
    """Play all three studies in a process of its own and say what that took."""
    ready = [arranged(name) for name in STUDIES]
    given = peak_kb() / 1024
    for one in ready:
        play(one, tier, CHUNK, 0, 1)  # compiled, and memory taken
    before, began, each = used(), time.perf_counter(), []
    kept = []
    for one in ready:
        since = used()
        kept.append(play(one, tier, paths, 1_000, jobs))
        each.append(used() - since)
    peak = peak_kb() / 1024 + (jobs if jobs > 1 else 0) * resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    told = {"wall": time.perf_counter() - began, "cpu": used() - before, "each": each, "peak": peak, "given": given}
    print(json.dumps(told | {"same": json.dumps(kept)}))


def measured(tier: Tier, paths: int, jobs: int) -> dict[str, Any]:
    """Run a child and read what it says."""
    asked = [sys.executable, "-m", "benchmarks.bench_stress", "child", tier, str(paths), str(jobs)]
    found: dict[str, Any] = json.loads(subprocess.run(asked, check=True, capture_output=True, text=True).stdout)
    return found


def rows(paths: int = 10_000, exact: int = 1_000) -> list[Row]:
    """Time both tiers, and compare one worker with two."""
    quick, slow = measured("fast", paths, CORES), measured("exact", exact, CORES)
    same = measured("fast", 200, 1)["same"] == measured("fast", 200, CORES)["same"]
    each = ", ".join(f"{seconds:.0f}" for seconds in quick["each"])
    ratio = (slow["cpu"] / exact) / (quick["cpu"] / paths)
    return [
        Row(
            f"{paths:,} futures of a year x range, loop, farm, in floats",
            f"{quick['cpu'] / CORES:.0f} s of two cores ({each} s of one; {quick['wall']:.0f} s by the clock), "
            f"{quick['peak']:.0f} MB",
            f"{ratio:.0f} x the exact kernels{'' if same else ' (DIFFERS by workers)'}",
            "<= 30 s, <= 2 GB",
            quick["cpu"] / CORES <= 30 and quick["peak"] <= 2_000 and same,
        ),
        Row(
            f"{exact:,} of them by the exact kernels",
            f"{slow['cpu'] / CORES:.0f} s of two cores ({slow['wall']:.0f} s by the clock), {slow['peak']:.0f} MB",
            "",
            "<= 60 s",
            slow["cpu"] / CORES <= 60,
        ),
    ]


if __name__ == "__main__":
    if sys.argv[1:2] == ["child"]:
        child(sys.argv[2], int(sys.argv[3]), int(sys.argv[4]))  # type: ignore[arg-type]
    else:
        for row in rows(*map(int, sys.argv[1:])):
            print("  ".join(str(cell) for cell in row))
