"""How much of a best result is luck: statistics over all the variants that were tried, not over the winner alone.

Whoever tries a hundred settings and reports the best reports mostly noise. Three answers, each from published work:

* the **deflated Sharpe ratio** (Bailey and López de Prado, 2014): the probability that the winner's Sharpe ratio is above
  the one that the best of as many worthless variants would show, given skew and tails;
* the **probability of backtest overfitting** (Bailey, Borwein, López de Prado and Zhu, 2015): how often the best of one
  half of the time is below the middle in the other half, over all symmetric splits into blocks;
* **walk-forward**: choose on what has passed, keep what that choice earned next.

All of it is about returns that have been earned already, so floats are right here: nothing of this is booked.
"""

from __future__ import annotations

import itertools
import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput

__all__ = [
    "WalkForward",
    "deflated_sharpe",
    "expected_best_sharpe",
    "overfit_probability",
    "probabilistic_sharpe",
    "sharpe",
    "walk_forward",
]

EULER = 0.5772156649015329
NORMAL = NormalDist()
FEWEST = 30
"""Returns below which none of these figures says anything."""


def sharpe(returns: Any) -> Any:
    """Return the Sharpe ratio per period of each row of ``returns`` (…, periods); 0 where nothing ever moved."""
    returns = np.asarray(returns, dtype=float)
    deviation = returns.std(axis=-1, ddof=1)
    return np.divide(returns.mean(axis=-1), deviation, out=np.zeros_like(deviation), where=deviation > 0)


def probabilistic_sharpe(returns: Any, benchmark: float) -> float:
    """Return the probability that the true Sharpe ratio per period of ``returns`` (periods,) is above ``benchmark``.

    ``Φ((s − b)·√(n − 1) / √(1 − skew·s + (kurtosis − 1)/4·s²))``. Raises ``BadInput`` for fewer than 30 returns.
    """
    returns = np.asarray(returns, dtype=float)
    if returns.size < FEWEST:
        raise BadInput(f"{returns.size} returns; at least {FEWEST} are needed to judge luck", field="returns")
    s, deviation = float(sharpe(returns)), returns.std()
    if deviation == 0:
        return 1.0 if s > benchmark else 0.0
    centred = (returns - returns.mean()) / deviation
    skew, kurtosis = float((centred**3).mean()), float((centred**4).mean())
    spread = 1 - skew * s + (kurtosis - 1) / 4 * s * s
    # At least the smallest float: the expansion can go below 0 for a large ratio of few, very skewed returns.
    return NORMAL.cdf((s - benchmark) * math.sqrt(returns.size - 1) / math.sqrt(max(spread, 1e-300)))


def expected_best_sharpe(ratios: Sequence[float], count: int | None = None) -> float:
    """Return the Sharpe ratio that the best of ``count`` worthless trials would show, from the spread of ``ratios``.

    ``√V·((1 − γ)·Φ⁻¹(1 − 1/N) + γ·Φ⁻¹(1 − 1/(N·e)))``; 0 for a single trial. ``count`` is that of ``ratios`` unless more
    were tried than have a ratio.
    """
    count = count or len(ratios)
    if min(count, len(ratios)) < 2:
        return 0.0
    spread = float(np.std(np.asarray(ratios, dtype=float), ddof=1))
    return spread * ((1 - EULER) * NORMAL.inv_cdf(1 - 1 / count) + EULER * NORMAL.inv_cdf(1 - 1 / (count * math.e)))


def deflated_sharpe(returns: Any, ratios: Sequence[float], count: int | None = None) -> float:
    """Return the probability that ``returns`` are better than the luck of the best of ``count`` trials with ``ratios``."""
    return probabilistic_sharpe(returns, expected_best_sharpe(ratios, count))


def overfit_probability(returns: Any, blocks: int = 10) -> float:
    """Return the probability of backtest overfitting of choosing the best mean return among the rows of ``returns``.

    Parameters
    ----------
    returns : (variants, periods), at least two variants. blocks : an even number; all ``C(blocks, blocks/2)`` splits of
        time into two halves are tried.

    Returns
    -------
    Share of splits in which the variant that was best in one half lies at or below the median in the other; a tie counts
    as its middle rank.

    Raises
    ------
    BadInput : fewer than two variants, an odd or too large number of blocks, or fewer periods than two per block.
    """
    returns = np.asarray(returns, dtype=float)
    if returns.ndim != 2 or returns.shape[0] < 2:
        raise BadInput("at least two variants are needed to tell choice from luck", field="variants")
    if blocks % 2 or not 2 <= blocks <= 16:
        raise BadInput(f"{blocks} is not an even number between 2 and 16", field="blocks")
    if returns.shape[1] < 2 * blocks:
        raise BadInput(f"{returns.shape[1]} periods; {2 * blocks} are needed for {blocks} blocks", field="returns")
    edges = np.linspace(0, returns.shape[1], blocks + 1).astype(int)
    sums = np.add.reduceat(returns, edges[:-1], axis=1)
    total = sums.sum(axis=1)
    failed = splits = 0
    for chosen in itertools.combinations(range(blocks), blocks // 2):
        inside = sums[:, chosen].sum(axis=1)
        outside = total - inside
        best = outside[int(np.argmax(inside))]
        rank = np.count_nonzero(outside < best) + (np.count_nonzero(outside == best) + 1) / 2
        failed += int(rank <= (len(outside) + 1) / 2)
        splits += 1
    return failed / splits


class WalkForward(Struct, frozen=True):
    """What choosing as one goes would have earned: per window the variant taken and its return there, and the sums."""

    chosen: list[int]
    earned: list[float]
    best_in_hindsight: list[float]
    total: float
    average: float
    """What the mean variant earned over the same windows: choosing was worth something only above it."""


def walk_forward(returns: Any, windows: int = 5) -> WalkForward:
    """Choose, before each window but the first, the variant with the best return so far, and keep what it earns there.

    Parameters
    ----------
    returns : (variants, periods) of log returns, which add up. windows : equal parts of time, at least 2.

    Raises
    ------
    BadInput : fewer than two windows or fewer periods than windows.
    """
    returns = np.asarray(returns, dtype=float)
    if windows < 2 or returns.shape[1] < windows:
        raise BadInput(f"{windows} windows of {returns.shape[1]} periods", field="windows")
    edges = np.linspace(0, returns.shape[1], windows + 1).astype(int)
    sums = np.add.reduceat(returns, edges[:-1], axis=1)
    past = np.cumsum(sums, axis=1)
    chosen = [int(np.argmax(past[:, w - 1])) for w in range(1, windows)]
    earned = [float(sums[variant, w]) for w, variant in enumerate(chosen, 1)]
    hindsight = [float(sums[:, w].max()) for w in range(1, windows)]
    return WalkForward(chosen, earned, hindsight, sum(earned), float(sums[:, 1:].mean(axis=0).sum()))
