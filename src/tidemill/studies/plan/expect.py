"""What an opportunity is expected to leave, and how it may turn out together with the others.

Over a horizon, per unit of money: what is believed of its rate, less divergence where the pool diverges, less the losses of a
year by cause (``studies.risk``). A scenario draws the factors that opportunities share: one market, the level of rates, reward
tokens, and every shock by name, so that two pools on one network fall together. Floats: these are chances, not books.
"""

from __future__ import annotations

import datetime as dt
import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.engine.rng import array_stream
from tidemill.errors import TidemillError
from tidemill.studies.closed_forms import cpmm_divergence, cpmm_loss_rate
from tidemill.studies.plan.doubts import Believed
from tidemill.studies.risk import assess
from tidemill.studies.risk.causes import asset_shock
from tidemill.studies.risk.estimates import Estimate, Shock

__all__ = ["Expected", "expect", "scenarios"]

YEAR = 365.0
MARKET_SIGMA = 0.7
"""Yearly deviation of a volatile token's log price: an assumption, about what ether has had."""
RATE_SIGMA = 0.8
"""Deviation of the logarithm of a rate after a year: an assumption."""
RATE_YEARS = 1.0
"""A rate wanders no further than in so many years, as demand answers it; without an end the mean of many years would be that of a
few absurd ones. An assumption."""
REWARD_SIGMA = 1.0
"""Yearly deviation of the log price of a reward token: an assumption."""
UNKNOWN = Shock(
    "protocol",
    "",
    Estimate(0.0005, 0.0162, 0.2),
    Estimate(0.145, 0.29, 1.0),
    unknown=("no model, no facts: the rate of all protocols in 2024 (0.47 % of value a year) stands in",),
)


class Expected(Struct, frozen=True):
    """Parts of the money over the horizon, from what is displayed to what is left; ``shocks`` are behind ``loss``."""

    believed: Believed
    displayed: float
    base: float
    reward: float
    divergence: float
    loss: float
    shocks: tuple[Shock, ...]

    @property
    def net(self) -> float:
        """What is expected to be left, before what coming and going costs."""
        return self.base + self.reward + self.divergence + self.loss


def expect(believed: Believed, days: int, on: dt.date) -> Expected:
    """Return what an opportunity is expected to leave over ``days``."""
    part, row = days / YEAR, believed.opportunity
    shocks = _shocks(believed, on)
    lost = 1 - math.prod(1 - shock.loss.usual for shock in shocks)
    sigma = _sigma(believed)
    return Expected(
        believed,
        displayed=(row.displayed_bps or 0) / 1e4 * part,
        base=believed.base_bps / 1e4 * part,
        reward=believed.reward_bps / 1e4 * part,
        divergence=-cpmm_loss_rate(sigma) * part if row.diverges else 0.0,
        loss=-(1 - (1 - lost) ** part),
        shocks=shocks,
    )


def _sigma(believed: Believed) -> float:
    return 0.0 if believed.opportunity.stable else MARKET_SIGMA


def _shocks(believed: Believed, on: dt.date) -> tuple[Shock, ...]:
    row = believed.opportunity
    found = _assessed(f"{row.kind}@{row.network}" if row.kind else row.network, on)
    # a pool's own divergence is reckoned here, with its own market
    shocks = [shock for shock in found if shock.cause in ("network", "protocol")]
    if not any(shock.cause == "protocol" for shock in shocks):
        shocks.append(Shock("protocol", f"protocol:{row.project}", UNKNOWN.chance, UNKNOWN.part, (), UNKNOWN.unknown))
    for token in row.tokens:
        issuer = asset_shock(token, on)
        if issuer is not None and all(issuer.factor != shock.factor for shock in shocks):
            shocks.append(issuer)
    return tuple(shocks)


@cache
def _assessed(subject: str, on: dt.date) -> tuple[Shock, ...]:
    """Return the shocks of a network or of a kind on one, none where nothing is known: many rows of a list share them."""
    try:
        return assess(subject, on).shocks
    except TidemillError:
        return ()


def scenarios(expected: Sequence[Expected], days: int, count: int, seed: int = 0) -> Any:
    """Return returns over the horizon, (scenarios, opportunities), before what coming and going costs.

    The mean of each column is that of ``net`` but for sampling: factors are drawn centred.
    """
    rng = array_stream("plan", seed, days, count)
    part = days / YEAR
    root = math.sqrt(part)
    market = rng.standard_normal(count)
    wander = RATE_SIGMA * math.sqrt(min(part, RATE_YEARS))
    level = np.exp(wander * rng.standard_normal(count) - wander**2 / 2)
    tokens = np.exp(REWARD_SIGMA * root * rng.standard_normal(count) - REWARD_SIGMA**2 * part / 2)
    move = np.exp(MARKET_SIGMA * root * market)
    apart = np.array([cpmm_divergence(ratio) for ratio in move])
    factors = {shock.factor: shock for one in expected for shock in one.shocks}
    struck = {name: rng.random(count) < 1 - (1 - shock.chance.usual) ** part for name, shock in factors.items()}
    out = np.empty((count, len(expected)))
    for column, one in enumerate(expected):
        kept = np.ones(count)
        for shock in one.shocks:
            kept *= np.where(struck[shock.factor], 1 - shock.part.usual, 1.0)
        earned = one.base * level + one.reward * level * tokens
        if one.divergence:
            # its mean over a horizon is the rate's: scale the drawn one to it
            earned = earned + apart * (one.divergence / apart.mean())
        out[:, column] = (1 + earned) * kept - 1
    return out
