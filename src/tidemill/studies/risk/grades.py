"""From an expected yearly loss to a letter, and the flags that no number excuses."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable

from msgspec import Struct

from tidemill.facts import Fact, Status
from tidemill.networks import Network
from tidemill.networks.risk_facts import RiskFacts
from tidemill.studies import network_facts
from tidemill.studies.risk import base_rates
from tidemill.venues.kinds import Kind

__all__ = ["Flag", "asset_flags", "bands", "capped", "grade", "network_flags", "venue_flags"]

WORST = "D"
"""Beyond the last published band."""
_BAND = "band."


class Flag(Struct, frozen=True):
    """Something that caps the grade whatever the number says; ``fact`` is behind it."""

    name: str
    words: str
    cap: str
    fact: Fact


def bands() -> list[tuple[str, float]]:
    """Return the published bands: letters with the largest value of each, best first."""
    names = [name for name in base_rates.rates().facts if name.startswith(_BAND)]
    return sorted(((name.removeprefix(_BAND), base_rates.number(name)) for name in names), key=lambda band: band[1])


def grade(loss: float) -> str:
    """Return the letter of an expected yearly loss (a part of the money); ``D`` beyond the last band.

    >>> grade(0.001), grade(0.0011), grade(0.9999)
    ('A+', 'A', 'D')
    """
    return next((letter for letter, most in bands() if loss <= most), WORST)


def capped(letter: str, flags: Iterable[Flag]) -> str:
    """Return the worst of a letter and the caps of flags."""
    order = [*(name for name, _ in bands()), WORST]
    return max((letter, *(flag.cap for flag in flags)), key=order.index)


def network_flags(risk: RiskFacts, on: dt.date, network: Network | None = None) -> list[Flag]:
    """Return the flags of a network on a day; ``network`` says how it stands, ``None`` where only its risk is known."""
    found = []
    forced, delay = risk.fact("forced_exit"), risk.fact("upgrade_delay")
    if forced is not None and forced.value is False:
        found.append(_flag("no_forced_exit", f"{risk.name}: nobody can force a way out", forced))
    if delay is not None and delay.value == 0:
        found.append(_flag("instant_upgrade", f"{risk.name}: contracts can be changed at once", delay))
    if network is not None:
        found += _standing_flags(network, on)
    for one in risk.incidents(on):
        if one.fact.status is Status.INCIDENT or (on - one.date).days <= base_rates.days("recent_days"):
            found.append(_flag("recent_incident", f"{risk.name}: incident of {one.date}", one.fact))
    return found


def _standing_flags(network: Network, on: dt.date) -> list[Flag]:
    """Return what follows from how a network stands: an open incident, and an end that has come or was announced."""
    found = []
    now = network_facts.standing(network, int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp()))
    if now.status is Status.INCIDENT:
        found.append(_flag("recent_incident", f"{network.name}: an incident is open", now))
    for day, fact in network_facts.endings(network):
        if fact == now:
            since = "day unknown" if day is None else f"since {day}"
            found.append(_flag("sunset", f"{network.name}: {fact.status.value}, {since}", fact))
        elif day is not None and day > on >= fact.as_of:  # announced by then
            found.append(_flag("sunset", f"{network.name}: {fact.status.value} from {day} on", fact))
    return found


def venue_flags(kind: Kind) -> list[Flag]:
    """Return the flags of a kind of venue."""
    known = base_rates.venues().facts
    wanted = {
        "upgrade": ("instant", "instant_upgrade", "its contracts can be changed at once"),
        "oracle": ("hard-coded", "hard_coded_oracle", "its price is written down, not asked for"),
        "income": ("sponsor", "unverified_incentive", "what it pays depends on a sponsor whom nothing binds"),
    }
    found = []
    for name, (bad, flag, words) in wanted.items():
        fact = known.get(f"{kind.name}.{name}")
        if fact is not None and fact.value == bad:
            found.append(_flag(flag, f"{kind.name}: {words}", fact))
    return found


def asset_flags(symbol: str, on: dt.date) -> list[Flag]:
    """Return the flags of a token: an incident that is open or recent."""
    line = base_rates.assets().timelines.get(f"{base_rates.spelled(symbol)}.incidents")
    found = []
    for entry in line.entries if line else ():
        day = dt.datetime.fromtimestamp(entry.since, dt.UTC).date()
        recent = 0 <= (on - day).days <= base_rates.days("recent_days")
        if day <= on and (recent or entry.fact.status is Status.INCIDENT):
            found.append(_flag("recent_incident", f"{symbol}: incident of {day}", entry.fact))
    return found


def _flag(name: str, words: str, fact: Fact) -> Flag:
    return Flag(name, words, str(base_rates.fact(f"cap.{name}").value), fact)
