"""Less noise in a mean from the same number of futures: control variates, mirrored and evenly spread draws.

A *control* is something of a drawn future whose expectation is known without drawing: where the price's logarithm went beyond
what its model expects, what holding the token made (nothing on average: every model is centred, so the price is a
martingale), where usage or others' stakes went. What is kept is regressed on them (least squares), and what they
explain is taken off: the mean stays the same in expectation, its error shrinks (Lavenberg and Welch, 1981).
Controls are taken before shocks, which move the expectation of everything else; they are not touched by those.

``pairs``: every second future takes the draws of the one before with their sign turned (antithetic; Hammersley and Morton,
1956). ``even``: the whole move of each price is spread by a Halton sequence, turned by random shifts (Cranley and Patterson,
1976), and the hours between are drawn given it; normal moves only, of which a sum and what is around it are independent.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import NormalDist
from typing import TYPE_CHECKING, Any, Literal

import numpy as np

from tidemill.engine.rng import array_stream
from tidemill.errors import BadInput
from tidemill.studies.processes import Fitted
from tidemill.studies.stress_document import Reduced

if TYPE_CHECKING:
    from tidemill.studies.arrange import Arrangement
    from tidemill.studies.joint import Joint

__all__ = ["SHIFTS", "Draws", "Mirrored", "check_draws", "controls", "evenly", "mean_return", "reduced"]

Draws = Literal["plain", "pairs", "even"]
SHIFTS = 20
"""Random shifts of the even draws: as many means as their error is told from."""
POINTS_A_CONTROL = 20
"""Futures for each coefficient; with fewer the regression itself would be noise."""
MARTINGALES = ("gbm", "jump", "regime")
"""Models by which prices of any two steps are independent given the regime, so that a product's mean is known."""
_PRIMES = (2, 3, 5, 7, 11, 13)
_NORMAL = NormalDist()


def mean_return(one: Fitted) -> float:
    """Return the expected log return of a step: what centring the price leaves of it."""
    if one.model == "gbm":
        return -(one.sigma**2) / 2
    if one.model == "jump":
        return -(one.sigma**2) / 2 - math.log1p(one.jump_rate * math.expm1(one.jump_sigma**2 / 2))
    if one.model == "bootstrap":
        return float(np.mean(one.history))
    if one.model == "garch":
        omega, alpha, beta, _ = one.garch
        return -omega / (1 - alpha - beta) / 2
    leave = [1 - stay for _, stay in one.regimes]
    share = leave[1] / sum(leave)  # of the time in the calm regime
    return -(share * one.regimes[0][0] ** 2 + (1 - share) * one.regimes[1][0] ** 2) / 2


def expected_returns(model: Joint) -> Any:
    """Return the expected log return of an hour of each price (k,)."""
    steps = 3_600 // model.each[0].seconds
    if len(model.each) == 1 or model.model == "garch":
        return np.array([mean_return(one) for one in model.each]) * steps
    if model.model == "bootstrap":
        return np.asarray(model.history).mean(axis=0) * steps
    if model.model == "regime":
        leave = np.array([1 - stay for _, stay in model.each[0].regimes])
        share = leave[::-1] / leave.sum()
        return -sum(part * np.diag(one) for part, one in zip(share, model.by_regime, strict=True)) / 2 * steps
    found = np.array([-(one.sigma**2) / 2 for one in model.each])
    if model.model == "jump" and model.jump_rate > 0:
        found -= np.log1p(model.jump_rate * np.expm1(np.diag(model.jump_covariance) / 2))
    return found * steps


def controls(arranged: Arrangement, model: Joint, returns: Any, made: Sequence[Any]) -> list[float]:
    """Return the controls of one future, each of expectation 0.

    Parameters
    ----------
    model : of this future. returns : (hours, k), before shocks. made : a kernel's arrays, of which those that no price decides
        are read.
    """
    beyond = returns - expected_returns(model)
    hours = len(returns)
    keeps = getattr(arranged.paths, "keeps", 1.0)
    if keeps < 1.0:  # a price that comes back: what is left of each hour's move at the end, and on average
        left = keeps ** np.arange(hours - 1, -1, -1)
        found = [*(left @ beyond), *(((1 - keeps * left) / (1 - keeps)) @ beyond / hours)]
    else:
        level = np.cumsum(beyond, axis=0)
        found = [*level[-1], *level.mean(axis=0)]
        if model.model in MARTINGALES:
            price = np.expm1(np.cumsum(returns, axis=0))
            found += [*price[-1], *price.mean(axis=0)]
    found.append(1 / model.size**2 - 1)  # chi-squared over its degrees of freedom; no control where size is known
    if arranged.kind == "loop":
        found.append(float(np.mean(np.log(made[1] / (1 - made[1]))) - arranged.paths.logit))  # type: ignore[attr-defined]
    elif arranged.kind == "farm":
        crowd = np.log(made[2])
        found += [crowd[-1], crowd.mean()]
    return [float(one) for one in found]


class Mirrored:
    """A generator that gives another one's normal and Student draws with their sign turned, and the rest as it is."""

    def __init__(self, rng: np.random.Generator) -> None:
        self._rng = rng

    def __getattr__(self, name: str) -> Any:
        return getattr(self._rng, name)

    def normal(self, loc: float = 0.0, scale: float = 1.0, size: Any = None) -> Any:
        """As NumPy's, mirrored at ``loc``."""
        return 2 * loc - self._rng.normal(loc, scale, size)

    def standard_normal(self, size: Any = None) -> Any:
        """As NumPy's, with the sign turned."""
        return -self._rng.standard_normal(size)

    def standard_t(self, df: float, size: Any = None) -> Any:
        """As NumPy's, with the sign turned."""
        return -self._rng.standard_t(df, size)


def check_draws(draws: Draws, model: str) -> None:
    """Raise ``BadInput`` where a model's moves cannot be drawn so."""
    if draws == "pairs" and model == "bootstrap":
        raise BadInput("a history's own returns have no mirror; take gbm, jump, garch or regime", field="draws")
    if draws == "even" and model != "gbm":
        raise BadInput(f"{model} moves are not normal; even draws need gbm", field="draws")


def evenly(model: Joint, returns: Any, seed: str, number: int) -> Any:
    """Return ``returns`` (hours, k) of normal moves with their sums put where the Halton sequence says."""
    hours, k = returns.shape
    if k > len(_PRIMES):
        raise BadInput(f"even draws of {k} prices; {len(_PRIMES)} at most", field="draws")
    which, place = number % SHIFTS, number // SHIFTS
    shift = array_stream("shift", seed, which).random(k)
    at = [(_inverse(place, base) + float(by)) % 1.0 for base, by in zip(_PRIMES[:k], shift, strict=True)]
    normal = np.array([_NORMAL.inv_cdf(min(max(one, 1e-15), 1 - 1e-15)) for one in at])
    steps = hours * 3_600 // model.each[0].seconds
    sigma = np.array([one.sigma for one in model.each])
    whole = (np.linalg.cholesky(model.correlation) @ normal) * sigma * math.sqrt(steps) - sigma**2 / 2 * steps
    return returns + (whole - returns.sum(axis=0)) / hours


def _inverse(number: int, base: int) -> float:
    """Return the digits of a number mirrored at the point (van der Corput)."""
    value, part = 0.0, 1.0 / base
    while number:
        number, digit = divmod(number, base)
        value += digit * part
        part /= base
    return value


def reduced(keep: Any, drawn: Any, draws: Draws) -> Reduced | None:
    """Return the mean of ``keep`` (n,) with what its controls ``drawn`` (n, c) explain taken off, and its error.

    ``None`` for too few futures. Futures that hang together (a pair, a shift) count as one when the error is told.
    """
    keep, drawn = np.asarray(keep, float), np.asarray(drawn, float)
    moving = drawn[:, drawn.std(axis=0) > 0]
    count, coefficients = len(keep), moving.shape[1] + 1
    if draws == "pairs":
        count -= count % 2
    if count < POINTS_A_CONTROL * coefficients or keep.std() == 0:
        return None
    keep, moving = keep[:count], moving[:count]
    scaled = moving / moving.std(axis=0)
    around = scaled - scaled.mean(axis=0)
    # directions that others tell already (a calm year: what holding made, and the logarithm) count once, by a cut-off
    by = np.linalg.lstsq(around, keep - keep.mean(), rcond=1e-7)[0]
    left = keep - scaled @ by
    groups = {"plain": np.arange(count), "pairs": np.arange(count) // 2, "even": np.arange(count) % SHIFTS}[draws]
    sums = np.bincount(groups, left - left.mean())
    error = math.sqrt(float(sums @ sums) / count**2 * count / (count - coefficients))
    if draws != "plain":
        error *= math.sqrt(len(sums) / (len(sums) - 1))
    plain = float(keep.std(ddof=1)) / math.sqrt(count)
    return Reduced(
        mean=math.floor(left.mean()),
        error=math.ceil(error),
        gain_percent=math.floor(100 * plain / max(error, 1e-9 * plain)),
        controls=moving.shape[1],
        draws=draws,
    )
