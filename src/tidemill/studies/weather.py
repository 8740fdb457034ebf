"""What shocks do to a simulated future, hour by hour: prices, costs, who can send anything, what is taken."""

from __future__ import annotations

import math
from collections.abc import Sequence
from functools import cache
from typing import Any

import numpy as np
from msgspec import Struct, structs

from tidemill.studies.shocks import BELOW, CRASH_FEES, Shock

__all__ = ["ALONE", "EVERYBODY", "Weather", "weather"]

DAY = 24
ALONE, EVERYBODY = 1, 2
"""Who can send nothing: oneself (an exit is frozen), or all (the sequencer is down)."""


class Weather(Struct, frozen=True):
    """One future's shocks, by hour from its start: arrays of hours + 1.

    ``price``: what is added to the logarithm of the volatile token's price; ``reward``: times the reward token's. ``gas``:
    times the usual cost of a transaction. ``still``: not 0 where nothing can be sent. ``taken``: part of the venue lost, at
    ``hour`` (also when a fall begins).
    """

    price: Any
    reward: Any
    gas: Any
    still: Any
    taken: float
    hour: int


@cache
def _calm(hours: int) -> Weather:
    return Weather(np.zeros(hours + 1), np.ones(hours + 1), np.ones(hours + 1), np.zeros(hours + 1, np.uint8), 0.0, 0)


def weather(
    shocks: Sequence[Shock], hours: int, rng: np.random.Generator, data_part: float, forced: int | None
) -> Weather:
    """Make one future's weather.

    Parameters
    ----------
    data_part : part of a transaction's cost that is its data fee. forced : hours after which a network includes what its
        sequencer does not, ``None`` where it never does.
    """
    at = int(float(rng.uniform(0.1, 0.9)) * hours)
    if not shocks:
        return structs.replace(_calm(hours), hour=at)
    since = np.arange(hours + 1) - at
    price, reward, gas = np.zeros(hours + 1), np.ones(hours + 1), np.ones(hours + 1)
    still, taken = np.zeros(hours + 1, np.uint8), 0.0
    for shock in shocks:
        down = math.log1p(-shock.size / 100) if shock.kind in BELOW else 0.0
        if shock.kind == "crash":
            price += np.interp(since, [0, 1], [0.0, down])
            gas *= np.where((since >= 0) & (since < DAY), CRASH_FEES, 1.0)
        elif shock.kind == "depeg":
            # the deepest moment of each hour: a depeg may be over within one
            within = 3_600 * (since[:, None] - 1) + 60 * np.arange(1, 61)
            price += down * np.interp(within, *shock.shape()).max(axis=1)
        elif shock.kind == "bridge":
            price += np.where(since > 0, down, 0.0)
        elif shock.kind == "fees":
            gas *= shock.size
        elif shock.kind == "l1":
            gas *= 1.0 - data_part + data_part * shock.size
        elif shock.kind == "reward":
            reward *= np.where(since > 0, math.exp(down), 1.0)
        elif shock.kind == "sequencer":
            out = min(shock.size, forced) if forced is not None else shock.size
            still = np.where((since >= 0) & (since < out), EVERYBODY, still)
        elif shock.kind == "frozen":
            ahead = hours - np.arange(hours + 1)
            still = np.where((ahead > 0) & (ahead <= shock.size * DAY), np.maximum(still, ALONE), still)
        elif shock.kind == "exploit":
            taken = 1.0 - (1.0 - taken) * (1.0 - shock.size / 100)
    return Weather(price, reward, gas, still.astype(np.uint8), taken, at)
