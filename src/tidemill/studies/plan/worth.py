"""What a plan changes of what one has: dollars for ether, ether for dollars; and what that may come to as prices move.

Figures of a plan are against holding the same tokens. Whoever sells ether to lend dollars no longer holds the same: what he gives
up moves, and what he buys moves. Prices have no drift here, so that no expected figure changes; futures do.
"""

from __future__ import annotations

import math
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tidemill.engine.rng import array_stream
from tidemill.studies.plan.asked import MICRO, Asked, capital_of
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.tokens import family

__all__ = ["Changed", "Prices", "exchanged", "prices_of_plan", "reach"]

YEAR = 365.0
SIGMA = 0.7
"""Yearly deviation of a volatile token's log price: an assumption, about what ether has had."""
SIGMAS = {"USD": 0.0, "EUR": 0.08}
"""Those of other families: assumptions."""
SHARED = 0.8
"""How much of a token's move is the market's, by correlation: an assumption."""


class Changed(Struct, frozen=True):
    """What one has of a family of tokens (micro-dollars), and what the plan has of it, in places and in the wallet."""

    family: str
    have: int
    planned: int


class Prices(Struct, frozen=True):
    """How prices may move: ``families`` by name; ``moves`` (scenarios, families) parts gained or lost; ``have`` (families)
    money; ``weights`` (opportunities, families) of what an opportunity consists.
    """

    families: tuple[str, ...]
    moves: Any
    have: Any
    weights: Any

    @property
    def held(self) -> Any:
        """Places of the families of which one has something."""
        return np.flatnonzero(self.have > 0)


def prices_of_plan(rows: Sequence[Opportunity], asked: Asked) -> Prices:
    """Return what offers consist of and how their prices may move together over the horizon."""
    parts = [_parts(row) for row in rows]
    have: dict[str, float] = {}
    for token, amount in asked.have.items():
        name = family(token)
        have[name] = have.get(name, 0.0) + capital_of(_only(asked, token, amount)) / MICRO
    families = tuple(sorted({*have, *(name for one in parts for name in one)}))
    return Prices(
        families,
        np.column_stack([_moves(name, asked) for name in families]),
        np.array([have.get(name, 0.0) for name in families]),
        np.array([[one.get(name, 0.0) for name in families] for one in parts]).reshape(len(rows), len(families)),
    )


def _only(asked: Asked, token: str, amount: str) -> Asked:
    return replace(asked, have={token: amount})


def _parts(row: Opportunity) -> Mapping[str, float]:
    """Return of what a place consists: its tokens in equal parts; those of one that is said to be stable are dollars."""
    names = [family(token) for token in row.tokens] or ["USD"]
    names = ["USD" if row.stable and name not in SIGMAS else name for name in names]
    return {name: names.count(name) / len(names) for name in names}


def _moves(name: str, asked: Asked) -> Any:
    sigma = SIGMAS.get(name, SIGMA) * math.sqrt(asked.days / YEAR)
    if not sigma:
        return np.zeros(asked.count)
    # the first draw of the scenarios' own stream is the market's
    market = array_stream("plan", asked.seed, asked.days, asked.count).standard_normal(asked.count)
    own = array_stream("plan", "price", name, asked.seed, asked.days, asked.count).standard_normal(asked.count)
    draw = SHARED * market + math.sqrt(1 - SHARED**2) * own
    move = np.exp(sigma * draw - sigma**2 / 2)
    return move / move.mean() - 1  # centred, so that nothing is expected of a price


def exchanged(prices: Prices, amounts: Any) -> Any:
    """Return what more (or less) money is in each family than one has, when ``amounts`` are put in places and as little as
    possible is exchanged: what is bought is paid out of what is left over of the others, each by its part.
    """
    needed = np.asarray(amounts) @ prices.weights
    bought = np.maximum(needed - prices.have, 0.0)
    spare = np.maximum(prices.have - needed, 0.0)
    total = bought.sum()
    return bought - (spare * min(total / spare.sum(), 1.0) if spare.sum() > 0 else 0.0)


def reach(prices: Prices, exchange: float) -> Any:
    """Return the most money that each place takes of what one has, when ``exchange`` money may be exchanged for other tokens.

    A place that is made of nothing one has takes all that there is: only an exchange could fill it.
    """
    total = float(prices.have.sum())
    high = np.full(len(prices.weights), total)
    low = np.zeros(len(prices.weights))
    for _ in range(60):
        middle = (low + high) / 2
        bought = np.maximum(middle[:, None] * prices.weights - prices.have, 0.0).sum(axis=1)
        low, high = np.where(bought <= exchange, middle, low), np.where(bought <= exchange, high, middle)
    return np.where(low > total * 1e-9, high, total)
