"""Models of how a price moves, fitted to its history, and paths drawn from them.

Everything is about log returns over equal steps; floats, because futures are simulated and nothing of them is booked.
No model has a drift of its own: each is centred so that the *price* is expected to stay where it is, and a view on its
direction has to be asked for.

=============  =============================================================================================================
``gbm``        normal returns of the history's variance (geometric Brownian motion)
``jump``       normal returns, and now and then a jump as large and as frequent as the history's (Merton, 1976)
``bootstrap``  the history's own returns in blocks of random length (stationary bootstrap; Politis and Romano, 1994)
``garch``      variance that remembers, with fat tails: GARCH(1, 1) with Student's t, fitted by the package ``arch``
``regime``     a calm and a wild regime, each with its variance, that follow one another (Hamilton, 1989), by ``statsmodels``
=============  =============================================================================================================
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from msgspec import Struct, structs

from tidemill.errors import BadInput, MissingArtefact

__all__ = ["FEWEST", "Fitted", "Model", "fit", "stationary_rows"]

Model = Literal["gbm", "jump", "bootstrap", "garch", "regime"]
FEWEST = 200
"""Returns of history below which no model is fitted."""
JUMP = 4.0
"""A return beyond so many robust deviations is a jump."""
GARCH_FEWEST = 1_000
FEWEST_BLOCKS = 40
PERCENT = 100.0
"""The optimiser of ``arch`` wants returns near 1."""


class Fitted(Struct, frozen=True):
    """A model with its parameters, per step.

    ``sigma`` is the deviation of a usual return; ``jump_rate`` and ``jump_sigma`` are the chance of a jump and its
    deviation; ``block`` is the mean length of a bootstrap block; ``garch`` holds (omega, alpha, beta, nu) for returns.
    ``history`` is what was fitted, centred. ``seconds`` is the length of a step. ``regimes`` holds the deviation of each
    regime and its chance to go on, calm first. ``diagnostics`` say how well it fits.
    """

    model: Model
    seconds: int
    sigma: float
    jump_rate: float = 0.0
    jump_sigma: float = 0.0
    block: float = 0.0
    garch: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    history: tuple[float, ...] = ()
    regimes: tuple[tuple[float, float], ...] = ()
    diagnostics: tuple[str, ...] = ()

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
        return history[stationary_rows(len(history), steps, self.block, rng)]

    def _garch(self, steps: int, rng: np.random.Generator) -> Any:
        nu = self.garch[3]
        return self.garch_returns(rng.standard_t(nu, steps) * math.sqrt((nu - 2) / nu))

    def garch_returns(self, shocks: Any) -> Any:
        """Return log returns driven by standardised ``shocks``."""
        from tidemill.studies.fast.draws import garch_path  # noqa: PLC0415 - numba, for this model alone

        out = np.empty(len(shocks))
        garch_path(shocks, *self.garch[:3], out)
        return out

    def _regime(self, steps: int, rng: np.random.Generator) -> Any:
        sigma = np.array([one for one, _ in self.regimes])[self.regime_states(steps, rng)]
        return rng.standard_normal(steps) * sigma - sigma**2 / 2

    def regime_states(self, steps: int, rng: np.random.Generator) -> Any:
        """Return which of the two regimes it is at each step: stays of geometric length, the first by its share of time."""
        leave = [1 - stay for _, stay in self.regimes]
        state = int(rng.random() < leave[0] / sum(leave))
        out, at = np.empty(steps, np.int64), 0
        while at < steps:
            length = int(rng.geometric(leave[state]))
            out[at : at + length] = state
            at, state = at + length, 1 - state
        return out

    def regime_weights(self, returns: Any) -> Any:
        """Return how likely each regime was at each step of ``returns`` (n, 2), given all of them up to it."""
        sigma, stay = (np.array(column) for column in zip(*self.regimes, strict=True))
        leave = 1 - stay
        chance, out = leave[::-1] / leave.sum(), np.empty((len(returns), 2))
        density = np.exp(-((np.asarray(returns)[:, None] / sigma) ** 2) / 2) / sigma
        for t, seen in enumerate(density):
            chance = chance * stay + (chance * leave)[::-1]
            chance = chance * seen
            total = chance.sum()
            chance = chance / total if total > 0 else np.array([0.0, 1.0])
            out[t] = chance
        return out


def stationary_rows(rows: int, steps: int, block: float, rng: np.random.Generator) -> Any:
    """Return which rows of a history a stationary bootstrap takes: blocks of geometric length, from anywhere, in a circle."""
    fresh = rng.random(steps) < 1 / block
    fresh[0] = True
    start = rng.integers(0, rows, steps)
    place = np.flatnonzero(fresh)
    lengths = np.diff([*place, steps])
    since = np.arange(steps) - np.repeat(place, lengths)
    return (np.repeat(start[place], lengths) + since) % rows


def fit(model: Model, returns: Any, seconds: int) -> Fitted:
    """Fit a model to log returns over steps of ``seconds``.

    Raises
    ------
    BadInput : an unknown model, fewer than 200 returns (1,000 for ``garch`` and ``regime``), or returns that are not
        finite or never move.
    MissingArtefact : ``garch`` without the package ``arch``, ``regime`` without ``statsmodels``.
    """
    returns = np.asarray(returns, dtype=float)
    if model not in get_args(Model):
        raise BadInput(f"{model!r} is none of {', '.join(get_args(Model))}", field="model")
    fewest = GARCH_FEWEST if model in ("garch", "regime") else FEWEST
    if returns.size < fewest:
        raise BadInput(f"{returns.size} returns of history; {model} needs at least {fewest}", field="model")
    if not np.isfinite(returns).all():
        raise BadInput("the history has returns that are no numbers", field="history")
    sigma = float(returns.std())
    if sigma == 0:
        raise BadInput("the price never moved: there is nothing to fit", field="history")
    about = _about(returns, seconds)
    if model == "gbm":
        return Fitted(model, seconds, sigma, diagnostics=about)
    if model == "bootstrap":
        centred = returns - math.log(np.exp(returns).mean())
        # Long enough that what follows what is kept: a day; but at least forty blocks in the history. A block is drawn from a
        # sample whose mean is taken off, which makes sums of blocks too narrow by about twice its part of the history: with
        # ten blocks 90 % intervals held the truth 84 % of the time (tests/studies/test_coverage.py)
        block = max(1.0, min(86_400 / seconds, returns.size / FEWEST_BLOCKS))
        told = (
            f"blocks of {block * seconds / 3_600:.0f} h on average, {returns.size / block:.0f} of them in the history",
        )
        return Fitted(model, seconds, sigma, block=block, history=tuple(centred.tolist()), diagnostics=about + told)
    found = {"jump": _fit_jumps, "garch": _fit_garch, "regime": _fit_regimes}[model](returns, seconds, sigma)
    return structs.replace(found, diagnostics=about + found.diagnostics)


def _about(returns: Any, seconds: int) -> tuple[str, ...]:
    """Say what any model should be judged by: how much there is, how fat the tails are."""
    centred = returns - returns.mean()
    tails = float((centred**4).mean() / (centred**2).mean() ** 2)
    days = returns.size * seconds / 86_400
    return (f"{returns.size:,} returns over {days:.0f} days; kurtosis {tails:.1f} (3 is normal)",)


def _fit_regimes(returns: Any, seconds: int, sigma: float) -> Fitted:
    try:
        from statsmodels.tsa.regime_switching.markov_regression import (  # noqa: PLC0415 - an extra, and slow to import
            MarkovRegression,
        )
    except ImportError:
        raise MissingArtefact(
            "regime needs the package statsmodels; install tidemill[stress], or choose another model"
        ) from None
    import warnings  # noqa: PLC0415

    scaled = returns / sigma
    with warnings.catch_warnings():
        warnings.simplefilter("ignore")  # the verdict is read from the result
        found = MarkovRegression(scaled, k_regimes=2, trend="n", switching_variance=True).fit(disp=0)
    if not found.mle_retvals["converged"] or not np.isfinite(found.llf):
        raise BadInput("no two regimes are found in this history; use bootstrap, jump or garch", field="model")
    names = dict(zip(found.model.param_names, found.params, strict=True))
    stays = [float(names["p[0->0]"]), 1 - float(names["p[1->0]"])]
    sigmas = [sigma * math.sqrt(float(names[f"sigma2[{k}]"])) for k in (0, 1)]
    order = (0, 1) if sigmas[0] <= sigmas[1] else (1, 0)
    regimes = tuple((sigmas[k], min(max(stays[k], 1e-9), 1 - 1e-9)) for k in order)
    hours = [seconds / 3_600 / (1 - stay) for _, stay in regimes]
    one = -0.5 * returns.size * (math.log(2 * math.pi * float((scaled**2).mean())) + 1)
    sure = float(np.mean(np.max(found.smoothed_marginal_probabilities, axis=1)))
    yearly = [deviation * math.sqrt(365 * 86_400 / seconds) for deviation, _ in regimes]
    told = (
        f"calm at {yearly[0]:.0%} a year for {hours[0]:.1f} h on average, wild at {yearly[1]:.0%} for {hours[1]:.1f} h",
        f"log-likelihood {found.llf - one:,.1f} above one regime's, for three parameters more",
        f"the regime of a step is told with {sure:.0%} certainty on average",
    )
    return Fitted("regime", seconds, sigma, regimes=regimes, diagnostics=told)


def _fit_jumps(returns: Any, seconds: int, _sigma: float) -> Fitted:
    usual = 1.4826 * float(np.median(np.abs(returns)))
    jumped = np.abs(returns) > JUMP * max(usual, 1e-12)
    calm, jumps = returns[~jumped], returns[jumped]
    sigma = float(calm.std())
    if len(jumps) < 2:
        return Fitted("jump", seconds, sigma, diagnostics=("no jumps: all returns are of one size",))
    # what a jump adds is what is there beside the usual move
    extra = max(float(np.mean(jumps**2)) - sigma**2, 0.0)
    told = f"{len(jumps)} jumps, {len(jumps) * 86_400 / seconds / len(returns):.1f} a day, of {math.sqrt(extra):.2%}"
    return Fitted("jump", seconds, sigma, len(jumps) / len(returns), math.sqrt(extra), diagnostics=(told,))


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
    return Fitted(
        "garch",
        seconds,
        sigma,
        garch=(omega / PERCENT**2, alpha, beta, max(nu, 2.05)),
        diagnostics=_garch_told(found, alpha, beta, nu, seconds),
    )


def _garch_told(found: Any, alpha: float, beta: float, nu: float, seconds: int) -> tuple[str, ...]:
    """Say what was found, and whether squares of what is left over still follow one another (Ljung and Box, 1978)."""
    from statsmodels.stats.diagnostic import acorr_ljungbox  # noqa: PLC0415 - comes with arch

    left = np.asarray(found.std_resid)
    chance = float(acorr_ljungbox(left**2, lags=[20])["lb_pvalue"].iloc[0])
    half = math.log(0.5) / math.log(alpha + beta) * seconds / 3_600
    verdict = "none left" if chance > 0.05 else "some left: calm and storm last otherwise than this model has it"
    return (
        f"alpha {alpha:.3f}, beta {beta:.3f}: half of a storm is over in {half:.1f} h; tails of Student's t with {nu:.1f}",
        f"Ljung-Box on squared residuals, 20 lags: p {chance:.2f} ({verdict})",
    )
