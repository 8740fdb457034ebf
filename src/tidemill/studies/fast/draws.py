"""Recursions over drawn hours that numpy cannot do at once, compiled."""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tidemill.units.kernels import kernel

__all__ = ["garch_path", "reverting", "smoothed", "warm"]


@kernel(fastmath=False)
def reverting(shocks: Any, memory: float, out: Any) -> None:
    """First-order autoregression from 0: ``out[t] = memory * out[t - 1] + shocks[t]``."""
    level = 0.0
    for t in range(shocks.shape[0]):
        level = memory * level + shocks[t]
        out[t] = level


@kernel(fastmath=False)
def smoothed(squares: Any, memory: float, start: float, out: Any) -> None:
    """Exponential mean of ``squares``, each value made of what came before and itself."""
    level = start
    for t in range(squares.shape[0]):
        level = memory * level + (1.0 - memory) * squares[t]
        out[t] = level


@kernel(fastmath=False)
def garch_path(shocks: Any, omega: float, alpha: float, beta: float, out: Any) -> None:
    """Log returns of a GARCH(1, 1) driven by standardised ``shocks``, centred so that the price is expected to stay."""
    variance = omega / (1.0 - alpha - beta)
    for t in range(shocks.shape[0]):
        move = math.sqrt(variance) * shocks[t]
        out[t] = move - variance / 2.0
        variance = omega + alpha * move * move + beta * variance


def warm() -> None:
    """Compile the kernels, or load them."""
    one = np.ones(1)
    reverting(one, 0.5, one.copy())
    smoothed(one, 0.5, 1.0, one.copy())
    garch_path(one, 0.1, 0.1, 0.1, one.copy())
