"""How soon money can be had again: the place's own lock or queue first, then the network's own way to Ethereum."""

from __future__ import annotations

import datetime as dt
from collections.abc import Sequence
from functools import cache

from msgspec import Struct

from tidemill import networks
from tidemill.studies.network_facts import usual_exit
from tidemill.studies.plan.doubts import Believed, Doubt
from tidemill.venues.kinds import kind

__all__ = ["DAY", "Exit", "exit_of", "too_slow", "within"]

DAY = 86_400
_DELAYS = {
    "liquid_staking": ("queue_days", DAY),
    "delegation": ("unbonding_hours", 3_600),
}
"""Parameter of a kind that says how long leaving takes, and its unit in seconds; others pay out at once, as far as they can."""
_LOCKS = {"vote_escrow": 365 * DAY}
"""Kinds that lock what is put in: for how long at most."""


class Exit(Struct, frozen=True):
    """Seconds until money is out: of the place (``lock``), and then by the network's own way to Ethereum (``way``).

    ``way`` is ``None`` where nobody says. ``why`` says where the lock comes from, empty without one.
    """

    lock: int
    way: int | None
    why: str = ""

    def seconds(self, reach: str) -> int | None:
        """Return the whole wait to where money counts as reached; ``None`` is unknown."""
        if reach == "network":
            return self.lock
        return None if self.way is None else self.lock + self.way


def exit_of(believed: Believed, on: dt.date) -> Exit:
    """Return how long it takes to leave an opportunity: the longer of what its kind needs and of what the list says."""
    row = believed.opportunity
    lock, why = _of_kind(row.kind)
    if row.lock_days * DAY > lock:
        lock, why = row.lock_days * DAY, f"the list says {row.lock_days} days"
    if row.network != "ethereum" and row.kind == "liquid_staking" and not row.lock_days:
        lock, why = 0, ""  # bridged: sold at a pool, not redeemed
    return Exit(lock, _way(row.network, on), why)


def too_slow(exits: Sequence[tuple[Believed, Exit]], days: int, reach: str) -> list[Doubt]:
    """Return those that cannot be left within the horizon, with the reason."""
    out = []
    for believed, found in exits:
        seconds = found.seconds(reach)
        if seconds is not None and seconds > days * DAY:
            way = f", {found.way / DAY:.2f} d the way to Ethereum" if found.way and reach == "ethereum" else ""
            lock = f"{found.lock / DAY:.2f} d to be out of it ({found.why})" if found.lock else "no lock"
            why = f"leaving takes {seconds / DAY:.2f} d, longer than the {days} d asked for: {lock}{way}"
            out.append(Doubt(believed.opportunity, "exit too slow", why, "horizon"))
    return out


def within(exits: Sequence[Exit], days: int, reach: str) -> list[bool]:
    """Say of each whether it is reached within ``days``; what nobody knows is not."""
    return [(seconds := one.seconds(reach)) is not None and seconds <= days * DAY for one in exits]


def _of_kind(name: str) -> tuple[int, str]:
    if name in _LOCKS:
        return _LOCKS[name], "locked for up to a year"
    if name in _DELAYS:
        key, unit = _DELAYS[name]
        value = kind(name).params[key][0]
        assert isinstance(value, int), "delays are whole numbers with a default"
        return value * unit, f"{key.replace('_', ' ')}: {value}"
    return 0, ""


@cache
def _way(network: str, on: dt.date) -> int | None:
    """Return how long the network's own way out usually takes, seconds; 0 on Ethereum, ``None`` where nobody says."""
    if network == "ethereum":
        return 0
    return usual_exit(networks.get(network), int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp()))
