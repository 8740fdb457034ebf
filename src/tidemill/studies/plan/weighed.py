"""Everything that a plan weighs: what is expected of each opportunity, its way out, its costs, its futures, its caps."""

from __future__ import annotations

import math
from collections.abc import Sequence
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill import networks
from tidemill.studies.plan.asked import BPS, MICRO, Asked
from tidemill.studies.plan.doubts import Believed
from tidemill.studies.plan.exits import DAY, Exit, within
from tidemill.studies.plan.expect import Expected, expect, scenarios
from tidemill.studies.plan.fares import ETHER_DOLLARS, fare
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.worth import Prices, prices_of_plan

__all__ = ["COSTS", "SHARE", "Weighed", "groups_of", "ladder", "weigh"]

SHARE = 0.1
"""Largest part of what is in an opportunity that is put in: a judgement; nothing here models one's own weight in a rate."""
COSTS = {"ethereum": 20 * MICRO, "": MICRO // 2}
"""What coming and going costs, micro-dollars, where neither a person says nor a model measures it; the empty name is every
other network."""


class Weighed(Struct, frozen=True):
    """Everything that is weighed: what is expected of each opportunity, its exit, its cost (money,
    and where it is known from), its futures but for prices, and prices.

    ``most`` is the largest part of the capital in one, ``exchange`` what may be exchanged; ``caps`` are those of groups and of
    the ladder: name, members, and the largest part in them.
    """

    expected: list[Expected]
    exits: list[Exit]
    costs: Any
    bases: list[str]
    returns: Any
    gain: Any
    room: Any
    prices: Prices
    most: float = 1.0
    exchange: float = 1.0
    caps: tuple[tuple[str, tuple[int, ...], float], ...] = ()


def weigh(pairs: Sequence[tuple[Believed, Exit]], asked: Asked) -> Weighed:
    """Return all that is known of believed opportunities and their ways out; caps are not in it yet."""
    expected = [expect(one, asked.days, asked.on) for one, _ in pairs]
    fares = [_cost(one, asked) for one in expected]
    moving = 2 * asked.move_bps / BPS
    return Weighed(
        expected,
        [found for _, found in pairs],
        np.array([cost / MICRO for cost, _ in fares]),
        [basis for _, basis in fares],
        scenarios(expected, asked.days, asked.count, asked.seed) - moving,
        np.array([one.net - moving for one in expected]),
        np.array([_room(one.believed.opportunity) for one in expected]),
        prices_of_plan([one.believed.opportunity for one in expected], asked),
    )


def _room(row: Opportunity) -> float:
    return math.inf if row.tvl is None else row.tvl / MICRO * SHARE


def _cost(one: Expected, asked: Asked) -> tuple[int, str]:
    """Return what coming and going costs, micro-dollars, and whether that is given, measured or assumed."""
    row = one.believed.opportunity
    if row.network in asked.costs:
        return asked.costs[row.network], "given"
    native = networks.get(row.network).native_token
    price = asked.prices.get(native, str(ETHER_DOLLARS) if native == "ETH" else "")
    measured = fare(row.kind, row.network, asked.on, price) if row.kind and price else None
    return (measured, "measured") if measured is not None else (COSTS.get(row.network, COSTS[""]), "assumed")


def groups_of(weighed: Weighed) -> dict[str, list[str | tuple[str, ...]]]:
    """Return for each kind of cap to which values of it each opportunity belongs."""
    rows = [one.believed.opportunity for one in weighed.expected]
    issuers = [
        tuple(s.factor.partition(":")[2] for s in one.shocks if s.factor.startswith("issuer:"))
        for one in weighed.expected
    ]
    return {
        "network": [row.network for row in rows],
        "project": [row.project for row in rows],
        "issuer": [found[:1] for found in issuers],
        "asset": [row.tokens for row in rows],
        "locked": ["for a day or more" if one.lock >= DAY else "" for one in weighed.exits],
    }


def ladder(exits: Sequence[Exit], asked: Asked) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    """Return the ladder as caps: of what cannot be reached in time no more than the rest."""
    out = []
    for rung in asked.liquid:
        slow = tuple(i for i, soon in enumerate(within(exits, rung.days, asked.reach)) if not soon)
        if slow:
            name = f"{rung.bps / 100:g} % to be reachable within {rung.days} d"
            out.append((name, slow, 1.0 - rung.bps / BPS))
    return tuple(out)
