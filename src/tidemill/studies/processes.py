"""Models of how a price moves, fitted to its history, and paths drawn from them.

Everything is about log returns over equal steps; floats, because futures are simulated and nothing of them is booked.
No model has a drift of its own: each is centred so that the *price* is expected to stay where it is, and a view on its
direction has to be asked for.

=============  =============================================================================================================
``gbm``        normal returns of the history's variance (geometric Brownian motion)
``jump``       normal returns, and now and then a jump as large and as frequent as the history's (Merton, 1976)
``bootstrap``  the history's own returns in blocks of random length (stationary bootstrap; Politis and Romano, 1994)
``garch``      variance that remembers, with fat tails: GARCH(1, 1) with Student's t, fitted by the package ``arch``
=============  =============================================================================================================
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from msgspec import Struct

from tidemill.errors import BadInput, MissingArtefact

__all__ = ["FEWEST", "Fitted", "Model", "fit"]

Model = Literal["gbm", "jump", "bootstrap", "garch"]
FEWEST = 200
"""Returns of history below which no model is fitted."""
JUMP = 4.0
"""A return beyond so many robust deviations is a jump."""
GARCH_FEWEST = 1_000
PERCENT = 100.0
"""The optimiser of ``arch`` wants returns near 1."""


class Fitted(Struct, frozen=True):
    """A model with its parameters, per step.

    ``sigma`` is the deviation of a usual return; ``jump_rate`` and ``jump_sigma`` are the chance of a jump and its
    deviation; ``block`` is the mean length of a bootstrap block; ``garch`` holds (omega, alpha, beta, nu) for returns.
    ``history`` is what was fitted, centred. ``seconds`` is the length of a step.
    """

    model: Model
    seconds: int
    sigma: float
    jump_rate: float = 0.0
    jump_sigma: float = 0.0
    block: float = 0.0
    garch: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    history: tuple[float, ...] = ()

    @property
    def per_year(self) -> float:
        """Annualised deviation of all returns, jumps included."""
        variance = self.sigma**2 + self.jump_rate * self.jump_sigma**2
        return math.sqrt(variance * 365 * 86_400 / self.seconds)

    def returns(self, steps: int, rng: np.random.Generator) -> Any:
        """Draw ``steps`` log returns."""
        drawn: Any = getattr(self, f"_{self.model}")(steps, rng)
        return drawn

    def _gbm(self, steps: int, rng: np.random.Generator) -> Any:
        return rng.normal(-(self.sigma**2) / 2, self.sigma, steps)

    def _jump(self, steps: int, rng: np.random.Generator) -> Any:
        jumps = (rng.random(steps) < self.jump_rate) * rng.normal(0.0, self.jump_sigma, steps)
        # E[e^jump] - 1 = rate * (e^(s^2 / 2) - 1): taken off, so that jumps move the price and not its expectation
        lift = math.log1p(self.jump_rate * math.expm1(self.jump_sigma**2 / 2))
        return self._gbm(steps, rng) + jumps - lift

    def _bootstrap(self, steps: int, rng: np.random.Generator) -> Any:
        history = np.asarray(self.history)
        fresh = rng.random(steps) < 1 / self.block
        fresh[0] = True
        start = rng.integers(0, len(history), steps)
        place = np.flatnonzero(fresh)
        since = np.arange(steps) - np.repeat(place, np.diff([*place, steps]))
        return history[(np.repeat(start[place], np.diff([*place, steps])) + since) % len(history)]

    def _garch(self, steps: int, rng: np.random.Generator) -> Any:
        omega, alpha, beta, nu = self.garch
        shocks = rng.standard_t(nu, steps) * math.sqrt((nu - 2) / nu)
        out = np.empty(steps)
        variance = omega / (1 - alpha - beta)
        for k in range(steps):
            move = math.sqrt(variance) * shocks[k]
            out[k] = move - variance / 2
            variance = omega + alpha * move * move + beta * variance
        return out


def fit(model: Model, returns: Any, seconds: int) -> Fitted:
    """Fit a model to log returns over steps of ``seconds``.

    Raises
    ------
    BadInput : an unknown model, fewer than 200 returns (1,000 for ``garch``), or returns that are not finite or never move.
    MissingArtefact : ``garch`` without the package ``arch``.
    """
    returns = np.asarray(returns, dtype=float)
    if model not in get_args(Model):
        raise BadInput(f"{model!r} is none of {', '.join(get_args(Model))}", field="model")
    fewest = GARCH_FEWEST if model == "garch" else FEWEST
    if returns.size < fewest:
        raise BadInput(f"{returns.size} returns of history; {model} needs at least {fewest}", field="model")
    if not np.isfinite(returns).all():
        raise BadInput("the history has returns that are no numbers", field="history")
    sigma = float(returns.std())
    if sigma == 0:
        raise BadInput("the price never moved: there is nothing to fit", field="history")
    if model == "gbm":
        return Fitted(model, seconds, sigma)
    if model == "jump":
        return _fit_jumps(returns, seconds)
    centred = returns - math.log(np.exp(returns).mean())
    if model == "bootstrap":
        # long enough that what follows what is kept: a day, but at least ten blocks in the history
        block = max(1.0, min(86_400 / seconds, returns.size / 10))
        return Fitted(model, seconds, sigma, block=block, history=tuple(centred.tolist()))
    return _fit_garch(returns, seconds, sigma)


def _fit_jumps(returns: Any, seconds: int) -> Fitted:
    usual = 1.4826 * float(np.median(np.abs(returns)))
    jumped = np.abs(returns) > JUMP * max(usual, 1e-12)
    calm, jumps = returns[~jumped], returns[jumped]
    sigma = float(calm.std())
    if len(jumps) < 2:
        return Fitted("jump", seconds, sigma)
    # what a jump adds is what is there beside the usual move
    extra = max(float(np.mean(jumps**2)) - sigma**2, 0.0)
    return Fitted("jump", seconds, sigma, len(jumps) / len(returns), math.sqrt(extra))


def _fit_garch(returns: Any, seconds: int, sigma: float) -> Fitted:
    try:
        from arch import arch_model  # noqa: PLC0415 - an extra, and slow to import
    except ImportError:
        raise MissingArtefact(
            "garch needs the package arch; install tidemill[stress], or choose another model"
        ) from None
    made = arch_model(returns * PERCENT, mean="Zero", vol="GARCH", p=1, q=1, dist="t", rescale=False)
    found = made.fit(disp="off", show_warning=False)
    if found.convergence_flag != 0:
        raise BadInput("GARCH does not converge on this history; use bootstrap or jump", field="model")
    omega, alpha, beta, nu = (float(found.params[name]) for name in ("omega", "alpha[1]", "beta[1]", "nu"))
    if alpha + beta >= 1:
        raise BadInput(
            f"GARCH finds no level that variance returns to (alpha + beta = {alpha + beta:.4f}); use bootstrap",
            field="model",
        )
    return Fitted("garch", seconds, sigma, garch=(omega / PERCENT**2, alpha, beta, max(nu, 2.05)))
