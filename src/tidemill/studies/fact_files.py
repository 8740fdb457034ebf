"""Every file of facts at once: networks, their risk, and where venues stand; what is old, and what ends when."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Iterator
from pathlib import Path

from msgspec import Struct

from tidemill import networks
from tidemill.facts import Fact, Facts, Status, load_facts
from tidemill.networks import Network, risk_facts
from tidemill.studies.network_facts import endings
from tidemill.venues.about import deployments_file
from tidemill.venues.kinds import kind, kinds

__all__ = ["Ending", "Old", "calendar", "every_file", "stale"]

_STILL = (Status.LIVE, Status.SCHEDULED, Status.WITHDRAW_ONLY, Status.INCIDENT)
"""Of these somebody may rely on the value today; what is superseded or over does not get old."""


_FACTS = re.compile(r"^\[(facts|timelines)\b", re.MULTILINE)
_PACKAGE = Path(__file__).resolve().parents[1]
_VENUES = "venues/"
_OVER = (Status.ENDED, Status.WITHDRAW_ONLY, Status.SCHEDULED)
_WHOLE = "the network"
_TODO = "take out what is there; put in nothing new"


class Old(Struct, frozen=True):
    """A fact that nobody has read again for ``days``; ``file`` and ``name`` say where it stands."""

    file: str
    name: str
    days: int
    fact: Fact


class Ending(Struct, frozen=True):
    """Something that ends or has ended: ``day`` is ``None`` where it is not known; ``todo`` is what to do about it."""

    network: str
    what: str
    day: dt.date | None
    status: str
    todo: str
    fact: Fact


def every_file() -> Iterator[tuple[str, Facts]]:
    """Yield every file of facts with its place: all of this package's, and where kinds of other packages stand."""
    for path in sorted(_PACKAGE.rglob("*.toml")):
        if _FACTS.search(path.read_text(encoding="utf-8")):
            yield path.relative_to(_PACKAGE).as_posix(), load_facts(path)
    for name in kinds():
        path = deployments_file(kind(name))
        if _PACKAGE not in path.parents and path.is_file():
            yield f"{_VENUES}{name}/{path.name}", load_facts(path)


def stale(on: dt.date, days: int) -> list[Old]:
    """Return facts in force that were read more than ``days`` before ``on``, the oldest first.

    Of a value that changed over time, the last entry counts; incidents are history and do not get old.
    """
    found = []
    for file, facts in every_file():
        current = dict(facts.facts)
        for name, line in facts.timelines.items():
            if name != "incidents":
                current[name] = line.entries[-1].fact
        for name, fact in current.items():
            age = (on - fact.as_of).days
            if fact.status in _STILL and age > days:
                found.append(Old(file, name, age, fact))
    return sorted(found, key=lambda old: (-old.days, old.file, old.name))


def calendar() -> list[Ending]:
    """Return what ends and what has ended, in order of day; what has no day stands at the end.

    A network's own ``standing`` says when it ended and what to do; its risk facts, which of its services did.
    """
    found = [ending for name in networks.names() for ending in _standings(networks.get(name))]
    for name in risk_facts.names():
        risk = risk_facts.get(name)
        way = risk.fact("way_out")
        for what, day, fact in risk.sunsets():
            todo = str(way.value) if way else _TODO
            found.append(Ending(name, what, day, fact.status.value, todo, fact))
    for file, facts in every_file():
        if file.startswith(_VENUES):
            found += _venue_endings(file, facts)
    return sorted(found, key=lambda one: (one.day or dt.date.max, one.network, one.what))


def _standings(network: Network) -> Iterator[Ending]:
    """Yield when a network ended, closed to new money, or will, by its own file."""
    for day, fact in endings(network):
        yield Ending(network.name, _WHOLE, day, fact.status.value, str(fact.value), fact)


def _venue_endings(file: str, facts: Facts) -> Iterator[Ending]:
    """Yield deployments that are over: their address is a fact that has ended or only pays out."""
    for name, fact in facts.facts.items():
        if fact.status in _OVER:
            network, _, what = name.partition(".")
            todo = fact.note or "withdraw; put in nothing new"
            yield Ending(network, f"{file.split('/')[1]} {what}", None, fact.status.value, todo, fact)
