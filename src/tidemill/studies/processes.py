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

A history tells the size of moves only so well: each future draws its own (``Fitted.size``), from what the history leaves
open. One too short for a model gets normal moves instead (``Fitted.asked`` says in whose place), or is refused.
"""

from __future__ import annotations

import math
from typing import Any, Literal, get_args

import numpy as np
from msgspec import Struct, structs

from tidemill.errors import BadInput, MissingArtefact

__all__ = ["FEWEST", "SHORTEST", "Fitted", "Model", "centred", "fit", "stationary_rows"]

Model = Literal["gbm", "jump", "bootstrap", "garch", "regime"]
FEWEST = 200
"""Returns of history below which only normal moves are fitted."""
SHORTEST = 30
"""Returns of history below which nothing is fitted."""
DAYS_SPREAD = 0.94
"""Variance of the logarithm of a day's variance: the middle of 26 tokens' daily prices, July to October 2025."""
FEW_DAYS = 7
"""Days below which a history does not show how one day differs from another."""
LEAST_FREEDOM = 3.0
"""Degrees of freedom of a size that a history tells worst: with two a variance would have no mean."""
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
    ``history`` is what was fitted, centred (n,). ``seconds`` is the length of a step. ``regimes`` holds the deviation of each
    regime and its chance to go on, calm first. ``diagnostics`` say how well it fits. ``freedom``: of how many independent
    normal returns the history is worth where the size of moves is told; infinite for one that is known. ``asked``: the model
    in whose place this one stands, for want of history.
    """

    model: Model
    seconds: int
    sigma: float
    jump_rate: float = 0.0
    jump_sigma: float = 0.0
    block: float = 0.0
    garch: tuple[float, float, float, float] = (0.0, 0.0, 0.0, 0.0)
    history: Any = ()
    regimes: tuple[tuple[float, float], ...] = ()
    diagnostics: tuple[str, ...] = ()
    freedom: float = math.inf
    asked: str = ""

    @property
    def per_year(self) -> float:
        """Annualised deviation of all returns, jumps included."""
        variance = self.sigma**2 + self.jump_rate * self.jump_sigma**2
        return math.sqrt(variance * 365 * 86_400 / self.seconds)

    @property
    def per_year_range(self) -> tuple[float, float]:
        """Annualised deviations between which nine of ten futures are drawn (chi-squared by Wilson and Hilferty, 1931)."""
        if not math.isfinite(self.freedom):
            return self.per_year, self.per_year
        part = 2 / (9 * self.freedom)
        low, high = (self.per_year / (1 - part + way * 1.645 * math.sqrt(part)) ** 1.5 for way in (1, -1))
        return low, high

    def size(self, rng: np.random.Generator) -> float:
        """Draw how large one future's moves are, as a multiple of those found: 1 where nothing is left open.

        The variance's posterior given as many normal returns (Jeffreys' prior): scaled inverse chi-squared.
        """
        return math.sqrt(self.freedom / float(rng.chisquare(self.freedom))) if math.isfinite(self.freedom) else 1.0

    def sized(self, size: float) -> Fitted:
        """Return the same model with moves ``size`` times as large, known to be so; the price is still expected to stay."""
        history = centred(np.asarray(self.history) * size) if len(self.history) else ()
        omega, *others = self.garch
        return structs.replace(
            self,
            sigma=self.sigma * size,
            jump_sigma=self.jump_sigma * size,
            garch=(omega * size**2, *others),
            history=history,
            regimes=tuple((sigma * size, stay) for sigma, stay in self.regimes),
            freedom=math.inf,
        )

    def returns(self, steps: int, rng: np.random.Generator) -> Any:
        """Draw ``steps`` log returns of this size of moves."""
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


def centred(returns: Any) -> Any:
    """Return log returns (n,) or (n, k) less what makes the price expected to move."""
    return returns - np.log(np.exp(returns).mean(axis=0))


def fit(model: Model, returns: Any, seconds: int, days: float | None = None) -> Fitted:
    """Fit a model to log returns over steps of ``seconds``; fewer than 200 of them get ``gbm``, with ``asked`` told.

    ``days``: over how many the returns were seen, where that is longer than they last (a table of days, as hours).

    Raises
    ------
    BadInput : an unknown model, fewer than 30 returns (1,000 for ``garch`` and ``regime``), or returns that are not
        finite or never move.
    MissingArtefact : ``garch`` without the package ``arch``, ``regime`` without ``statsmodels``.
    """
    returns = np.asarray(returns, dtype=float)
    if model not in get_args(Model):
        raise BadInput(f"{model!r} is none of {', '.join(get_args(Model))}", field="model")
    fewest = GARCH_FEWEST if model in ("garch", "regime") else SHORTEST
    if returns.size < fewest:
        other = "; take bootstrap, jump or gbm" if returns.size >= SHORTEST else ""
        raise BadInput(f"{returns.size:,} returns of history; {model} needs at least {fewest:,}{other}", field="model")
    if not np.isfinite(returns).all():
        raise BadInput("the history has returns that are no numbers", field="history")
    sigma = float(returns.std())
    if sigma == 0:
        raise BadInput("the price never moved: there is nothing to fit", field="history")
    block = _block(returns.size, seconds)
    found = _fit(model if returns.size >= FEWEST else "gbm", returns, seconds, sigma, block)
    days = returns.size * seconds / 86_400 if days is None else days
    found = structs.replace(found, freedom=_freedom(returns, days, block), asked=model if model != found.model else "")
    return structs.replace(found, diagnostics=(_about(returns, days), _open(found, days), *found.diagnostics))


def _fit(model: Model, returns: Any, seconds: int, sigma: float, block: float) -> Fitted:
    if model == "gbm":
        return Fitted(model, seconds, sigma)
    if model == "bootstrap":
        # sums of blocks around a sample's own mean are too narrow by this part of their variance, for returns that do not
        # follow one another: their circular autocovariances add up to nothing, and a block takes up the nearest
        short = (2 * block - 1) / returns.size
        blocks = (
            f"blocks of {block * seconds / 3_600:.0f} h on average, {returns.size / block:.0f} of them in the history"
        )
        history = centred((returns - returns.mean()) / math.sqrt(1 - short))
        return Fitted(model, seconds, sigma, block=block, history=history, diagnostics=(blocks,))
    return {"jump": _fit_jumps, "garch": _fit_garch, "regime": _fit_regimes}[model](returns, seconds, sigma)


def _block(count: int, seconds: int) -> float:
    """Return the mean length of a block: a day, so that what follows what is kept; but at least forty in the history."""
    return max(1.0, min(86_400 / seconds, count / FEWEST_BLOCKS))


def _freedom(returns: Any, days: float, block: float) -> float:
    """Return of how many independent normal returns the history is worth where its variance is told.

    Squares of fat tails tell less of their mean, squares that follow one another too: their long-run variance is measured
    over windows of a block (Newey and West, 1987). What a history of few days does not show of others is added.
    """
    squares = (returns - returns.mean()) ** 2
    beyond, window = squares - squares.mean(), max(round(block), 1)
    sums = np.concatenate([[0.0], np.cumsum(np.concatenate([beyond, beyond[:window]]))])
    spread = float(np.mean((sums[window:] - sums[:-window]) ** 2)) / window
    left = spread / (squares.size * float(squares.mean()) ** 2)
    left = max(left, 2 / (squares.size - 1)) + (DAYS_SPREAD / max(days, 1.0) if days < FEW_DAYS else 0.0)
    # the logarithm of a variance told by so many normal returns has this variance: trigamma(x) is about 1/x + 1/(2 x^2)
    return float(max((1 + math.sqrt(1 + 2 * left)) / left, LEAST_FREEDOM))


def _open(found: Fitted, days: float) -> str:
    """Say between which volatilities nine of ten futures are drawn, and why so far apart."""
    low, high = found.per_year_range
    few = f"; {days:.1f} days show nothing of others, which are taken to differ as those of other tokens do"
    return f"each future draws its own volatility, nine of ten from {low:.1%} to {high:.1%} a year" + (
        few if days < FEW_DAYS else ""
    )


def _about(returns: Any, days: float) -> str:
    """Say what any model should be judged by: how much there is, how fat the tails are."""
    centred = returns - returns.mean()
    tails = float((centred**4).mean() / (centred**2).mean() ** 2)
    return f"{returns.size:,} returns over {days:.0f} days; kurtosis {tails:.1f} (3 is normal)"


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
