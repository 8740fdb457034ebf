"""Several prices drawn together: models of ``processes`` for one, and the same ideas with a stated or measured correlation.

``bootstrap`` draws whole rows of history, so that whatever moved together does; the others draw normal moves of the
measured correlations. Jumps come to all prices in the same hour, variances of ``garch`` share their tail, and regimes are
everybody's at once: what happens together in a bad hour is the point of a stress.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from itertools import combinations
from typing import Any

import numpy as np
from msgspec import Struct, structs

from tidemill.errors import BadInput
from tidemill.studies.processes import FEWEST, Fitted, Model, centred, fit, stationary_rows

__all__ = ["Joint", "correlation_of", "fit_joint", "stated"]

LEAST_EIGENVALUE = 1e-10


class Joint(Struct, frozen=True):
    """A model of ``names`` prices: each by itself (``each``), and their ``correlation`` (k, k).

    ``history`` holds centred rows for ``bootstrap``; ``jump_covariance`` is what a jump adds; ``by_regime`` covariances.
    ``size``: of moves, as a multiple of those fitted, in one future (``future``).
    """

    names: tuple[str, ...]
    model: Model
    each: tuple[Fitted, ...]
    correlation: Any
    history: Any = None
    jump_rate: float = 0.0
    jump_covariance: Any = None
    by_regime: tuple[Any, ...] = ()
    size: float = 1.0

    @property
    def variance(self) -> list[float]:
        """Of one hour's logarithm, of each."""
        return [(one.per_year**2) / 8_760 for one in self.each]

    @property
    def diagnostics(self) -> list[str]:
        """What the fit says of itself, of each price."""
        lines = [f"{name}: {line}" for name, one in zip(self.names, self.each, strict=True) for line in one.diagnostics]
        for i, j in combinations(range(len(self.names)), 2):
            lines.append(f"correlation of {self.names[i]} and {self.names[j]}: {float(self.correlation[i, j]):+.2f}")
        return lines

    @property
    def freedom(self) -> float:
        """How well the size of all moves is known: as badly as that of the one known worst."""
        return min(one.freedom for one in self.each)

    def weaker(self, asked: str) -> list[str]:
        """Say why this is another model than the one asked for, if it is."""
        if self.model == asked:
            return []
        if not self.each[0].asked:
            return [f"no history to fit {asked} to: normal moves of the volatility stated"]
        fewer = f"{asked} needs {FEWEST} looks at a history and this one has fewer: gbm instead, normal moves"
        more = f"a longer dataset, or a table of prices (--history, with --tier fast), gives {asked} enough"
        return [f"{fewer} whose size each future draws from what so short a history leaves open; {more}"]

    def future(self, rng: np.random.Generator) -> Joint:
        """Return the model of one future: the size of its moves drawn, of all prices alike, from what history leaves open."""
        if not math.isfinite(self.freedom):
            return self
        size = structs.replace(self.each[0], freedom=self.freedom).size(rng)
        return structs.replace(
            self,
            each=tuple(one.sized(size) for one in self.each),
            history=None if self.history is None else centred(self.history * size),
            by_regime=tuple(one * size**2 for one in self.by_regime),
            jump_covariance=None if self.jump_covariance is None else self.jump_covariance * size**2,
            size=size,
        )

    def returns(self, hours: int, rng: np.random.Generator) -> Any:
        """Draw log returns of hours (hours, k)."""
        steps = 3_600 // self.each[0].seconds
        drawn = self.draw(hours * steps, rng)
        return drawn if steps == 1 else drawn.reshape(hours, steps, len(self.each)).sum(axis=1)

    def draw(self, steps: int, rng: np.random.Generator) -> Any:
        """Draw log returns of the model's own steps (steps, k)."""
        if len(self.each) == 1:
            return self.each[0].returns(steps, rng)[:, None]
        if self.model == "bootstrap":
            return self.history[stationary_rows(len(self.history), steps, self.each[0].block, rng)]
        if self.model == "regime":
            return self._regimes(steps, rng)
        drawn = rng.standard_normal((steps, len(self.each))) @ np.linalg.cholesky(self.correlation).T
        if self.model == "garch":
            nu = float(np.mean([one.garch[3] for one in self.each]))
            drawn *= np.sqrt((nu - 2) / rng.chisquare(nu, steps))[:, None]
            return np.column_stack([one.garch_returns(drawn[:, k].copy()) for k, one in enumerate(self.each)])
        sigma = np.array([one.sigma for one in self.each])
        out = drawn * sigma - sigma**2 / 2
        if self.model == "jump" and self.jump_rate > 0:
            jumped = (rng.random(steps) < self.jump_rate)[:, None]
            moves = rng.standard_normal(out.shape) @ np.linalg.cholesky(self.jump_covariance).T
            lift = np.log1p(self.jump_rate * np.expm1(np.diag(self.jump_covariance) / 2))
            out = out + jumped * moves - lift
        return out

    def _regimes(self, steps: int, rng: np.random.Generator) -> Any:
        states = self.each[0].regime_states(steps, rng)
        drawn, out = rng.standard_normal((steps, len(self.each))), np.empty((steps, len(self.each)))
        for state, covariance in enumerate(self.by_regime):
            here = states == state
            out[here] = drawn[here] @ np.linalg.cholesky(covariance).T - np.diag(covariance) / 2
        return out


def stated(names: Sequence[str], sigmas: Sequence[float], correlations: Mapping[tuple[str, str], float]) -> Joint:
    """Return normal moves of stated deviations an hour, and of stated correlations (0 where none is).

    Raises
    ------
    BadInput : a correlation of a price that is not there, or correlations that no prices can have together.
    """
    each = tuple(Fitted("gbm", 3_600, sigma) for sigma in sigmas)
    return Joint(tuple(names), "gbm", each, correlation_of(names, np.eye(len(names)), correlations))


def correlation_of(names: Sequence[str], measured: Any, told: Mapping[tuple[str, str], float]) -> Any:
    """Return the measured correlations with those told put in; raises ``BadInput`` as `stated`."""
    out = np.array(measured, float)
    bases = [name.partition("/")[0] for name in names]
    for pair, value in told.items():
        try:
            i, j = (bases.index(one) for one in pair)
        except ValueError:
            raise BadInput(
                f"{pair[0]}:{pair[1]}: the prices drawn here are of {', '.join(bases)}", field="correlation"
            ) from None
        if i == j:
            raise BadInput(f"{pair[0]} with itself is always 1", field="correlation")
        out[i, j] = out[j, i] = value
    if float(np.linalg.eigvalsh(out).min()) < LEAST_EIGENVALUE:
        raise BadInput("no prices can have these correlations together; bring them nearer to 0", field="correlation")
    return out


def fit_joint(
    model: Model,
    names: Sequence[str],
    returns: Any,
    seconds: int,
    told: Mapping[tuple[str, str], float],
    days: float | None = None,
) -> Joint:
    """Fit a model to log returns (n, k) over steps of ``seconds``, seen over ``days`` (by default, as long as they last).

    Raises
    ------
    BadInput : as `processes.fit` for each price, and as `stated`.
    """
    returns = np.asarray(returns, float)
    if returns.ndim == 1:
        returns = returns[:, None]
    each = tuple(fit(model, returns[:, k], seconds, days) for k in range(returns.shape[1]))
    model = each[0].model  # that of a short history is weaker than the one asked for
    if len(each) == 1:
        return Joint(tuple(names), model, each, np.eye(1))
    if told and model in ("bootstrap", "regime"):
        raise BadInput(
            f"{model} takes correlations from history; state them with gbm, jump or garch", field="correlation"
        )
    correlation = correlation_of(names, np.corrcoef(returns.T), told)
    joint = Joint(tuple(names), model, each, correlation)
    if model == "bootstrap":
        return structs.replace(joint, history=np.column_stack([one.history for one in each]))
    if model == "regime":
        weights = each[0].regime_weights(returns[:, 0])
        centred = returns - returns.mean(axis=0)
        by = tuple((centred * w[:, None]).T @ centred / w.sum() for w in weights.T)
        return structs.replace(joint, by_regime=by)
    if model == "jump":
        usual = 1.4826 * np.median(np.abs(returns), axis=0)
        jumped = (np.abs(returns) > 4.0 * np.maximum(usual, 1e-12)).any(axis=1)
        if jumped.sum() > 1:
            added = returns[jumped].T @ returns[jumped] / jumped.sum() - np.cov(returns[~jumped].T)
            values, vectors = np.linalg.eigh(added)
            sound = vectors @ np.diag(np.maximum(values, 1e-14)) @ vectors.T
            return structs.replace(joint, jump_rate=float(jumped.mean()), jump_covariance=sound)
    return joint
