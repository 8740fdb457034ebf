"""One row of the benchmark table."""

from __future__ import annotations

import statistics
import time
from collections.abc import Callable
from typing import NamedTuple

__all__ = ["Row", "median_seconds"]


class Row(NamedTuple):
    """What was done, how fast, against what, what it must reach, and whether it did (``None``: nothing to reach)."""

    work: str
    measured: str
    ratio: str
    must: str
    reached: bool | None


def median_seconds(work: Callable[[], object], runs: int = 5) -> float:
    """Return the median wall time of ``work`` in seconds."""
    times = []
    for _ in range(runs):
        began = time.perf_counter()
        work()
        times.append(time.perf_counter() - began)
    return statistics.median(times)
