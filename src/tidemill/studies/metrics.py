"""What a run is ranked by, from the path of its value: integers in basis points and millionths, towards the worse."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, Literal

import numpy as np

__all__ = ["METRICS", "Metric", "cvar_bps", "drawdown_bps", "figure", "log_returns", "sharpe_micro"]

BPS = 10_000
TAIL = 20
"""One in so many of the returns is the tail whose mean is the CVaR: 5 %."""

Metric = Literal["keep", "cvar", "drawdown", "sharpe"]
METRICS: dict[Metric, str] = {
    "keep": "what you keep",
    "cvar": "mean of the worst 5 % of steps",
    "drawdown": "deepest fall from a peak",
    "sharpe": "gain over holding per step, over its deviation",
}

_FIELD: dict[Metric, str] = {
    "keep": "keep",
    "cvar": "cvar_bps",
    "drawdown": "drawdown_bps",
    "sharpe": "sharpe_micro",
}


def figure(row: Any, metric: Metric) -> int:
    """Return what ``row`` is ranked by: more is better, for every metric."""
    found: int = getattr(row, _FIELD[metric])
    return found


def log_returns(paths: Any) -> Any:
    """Log returns along the rows; nothing left counts as the smallest unit, so that a total loss stays finite."""
    return np.diff(np.log(np.maximum(paths, 1.0)), axis=-1)


def cvar_bps(path: Any) -> int:
    """Return the mean of the worst 5 % of steps, basis points, 0 or below, towards the worse."""
    steps = np.sort(np.diff(path) / np.maximum(path[:-1], 1.0))
    return min(0, int(np.floor(steps[: max(len(steps) // TAIL, 1)].mean() * BPS)))


def drawdown_bps(path: Sequence[int]) -> int:
    """Return the deepest fall from a peak, basis points of the peak, 0 or below, towards the worse."""
    peak, worst = 0, 0
    for value in path:
        peak = max(peak, value)
        if peak:
            worst = min(worst, (value - peak) * BPS // peak)
    return worst


def sharpe_micro(gains: Any) -> int:
    """Return the mean of gains over holding, step by step, over their deviation, in millionths."""
    spread = float(gains.std(ddof=1))
    return int(gains.mean() / spread * 1_000_000) if spread > 0 else 0
