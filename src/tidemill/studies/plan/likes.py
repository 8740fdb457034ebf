"""A rate far above what its like pays comes down: how much of the excess is believed over a horizon.

Measured on Aave v3 (57 dollar reserves on 12 networks, daily, July 2025 to August 2026): of what a reserve paid above the median
of all, as believed on a day, 82 % was there in the mean of the next 30 days, 49 % of the next 90 and 30 % of the next 180. One
rate of decay fits all three: an excess halves in 39 days. A choice of the best of many rates is a choice of such excesses.
"""

from __future__ import annotations

import math
from collections.abc import Sequence
from statistics import median_low

from msgspec.structs import replace

from tidemill.studies.plan.doubts import Believed
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.tokens import family, said

__all__ = ["COMPANY", "calmed", "lasting_part", "like"]

DECAY = 1 / 56
"""A day, of an excess: fitted to the three figures above."""
COMPANY = 10
"""Fewer offers than this say nothing of what is usual."""
_NAMED = ("USD", "ETH", "BTC", "EUR")


def like(row: Opportunity) -> str:
    """Return what an offer is compared with: places of the same worth alone, or pairs."""
    names = {family(token) for token in row.tokens}
    if row.stable:
        return said("USD")
    name = next(iter(names)) if len(names) == 1 else ""
    return "pairs" if len(names) > 1 else said(name) if name in _NAMED else "other tokens"


def lasting_part(days: int) -> float:
    """Return the part of an excess that is there in the mean of the next ``days``.

    >>> [round(lasting_part(days), 2) for days in (30, 90, 180)]
    [0.77, 0.5, 0.3]
    """
    return (1 - math.exp(-DECAY * days)) / (DECAY * days)


def calmed(kept: Sequence[Believed], days: int) -> list[Believed]:
    """Return what is believed over a horizon, best first: less of what is above the median of its like, never more."""
    rates: dict[str, list[int]] = {}
    for one in kept:
        rates.setdefault(like(one.opportunity), []).append(one.bps)
    usual = {name: median_low(of) for name, of in rates.items() if len(of) >= COMPANY}
    part = lasting_part(days)
    found = [_calmed(one, usual.get(like(one.opportunity)), part, days) for one in kept]
    return sorted(found, key=lambda one: (-one.bps, one.opportunity.row))


def _calmed(one: Believed, usual: int | None, part: float, days: int) -> Believed:
    if usual is None or one.bps <= usual:
        return one
    bps = usual + math.floor((one.bps - usual) * part)
    reward = one.reward_bps * bps // one.bps
    note = (
        f"{like(one.opportunity)} usually pay {usual / 100:.2f} % here: of the {(one.bps - usual) / 100:.2f} % above, "
        f"{part * 100:.0f} % is believed over {days} days"
    )
    return replace(one, base_bps=bps - reward, reward_bps=reward, notes=(*one.notes, note))
