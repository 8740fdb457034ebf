"""What can go wrong with a network: dated facts in ``risk/*.toml``, one file per network, checked against a vocabulary.

A fact that a file does not have is *unknown*. The axes are those on which rollups are commonly compared; each has levels
from best to worst, so that a model can say "worse" without knowing what an axis means.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterator, Mapping
from functools import cache
from importlib import resources

from msgspec import Struct

from tidemill.errors import BadInput, UnknownName, nearest
from tidemill.facts import Fact, Facts, Status, parse_facts
from tidemill.networks import catalogue

__all__ = ["AXES", "Axis", "Incident", "RiskFacts", "checked", "get", "names"]

_DAY = 86_400
_SECONDS = ("upgrade_delay", "sequencer_delay")
_DATES = ("launched",)
_TEXTS = ("way_out", "collateral_use")
_SUNSET, _REGULATORY = "sunset.", "regulatory."


class Axis(Struct, frozen=True):
    """One thing that networks do better or worse.

    ``levels`` stand from best to worst, several values of a fact on one level being as good as each other; an axis of
    seconds has the least seconds of each level instead. ``typical`` is the level of most networks in the table that
    the base rate is counted over (L2BEAT, about June 2024), so that it neither raises nor lowers that rate.
    """

    name: str
    about: str
    typical: int
    levels: tuple[tuple[str, ...], ...] = ()
    least_seconds: tuple[int, ...] = ()

    @property
    def count(self) -> int:
        """Number of levels."""
        return len(self.levels or self.least_seconds)

    def level(self, value: object) -> int | None:
        """Return the level of a fact's value, 0 the best; ``None`` for a value that the axis does not have."""
        if self.least_seconds:
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                return None
            return next(at for at, least in enumerate(self.least_seconds) if value >= least)
        return next((at for at, values in enumerate(self.levels) if value in values), None)

    def valid(self) -> str:
        """Return what a fact on this axis may be, for an error line."""
        if self.least_seconds:
            return "whole seconds"
        return ", ".join(repr(value) for values in self.levels for value in values)


AXES: tuple[Axis, ...] = (
    Axis("stage", "L2BEAT stage", 2, (("2",), ("1",), ("0",), ("none",))),
    Axis(
        "state_validation",
        "who makes sure that the state is right",
        3,
        (("zk proofs",), ("fraud proofs", "tee and zk proofs"), ("validators", "federation", "one of n"), ("none",)),
    ),
    Axis("data_availability", "where the data to rebuild the state are", 0, (("on chain",), ("external",))),
    Axis("exit_window", "time to leave before an unwanted upgrade", 3, least_seconds=(30 * _DAY, 7 * _DAY, 1, 0)),
    Axis(
        "sequencer_failure",
        "what you can do when the sequencer is down or leaves you out",
        0,
        (("self sequence",), ("force via L1",), ("enqueue via L1",), ("no mechanism",)),
    ),
    Axis(
        "proposer_failure",
        "what you can do when nobody posts the state",
        2,
        (("self propose",), ("escape hatch",), ("cannot withdraw",)),
    ),
    Axis(
        "bridge_validation",
        "what the bridge believes",
        2,
        (("own proofs",), ("destination chain", "one of n"), ("federation", "none")),
    ),
)
"""The axes of a network that settles on another one."""

_SETTLES_ITSELF = "own consensus"


class Incident(Struct, frozen=True):
    """Something that went wrong: when, and what it cost (``None``: not known) in ``fact.unit``; the note says what."""

    date: dt.date
    loss: int | None
    fact: Fact


class RiskFacts(Struct, frozen=True):
    """What is known of a network's risk. Made by ``get`` or ``checked``; ``facts.file`` is empty where there is no file."""

    name: str
    facts: Facts

    def fact(self, name: str) -> Fact | None:
        """Return a fact, ``None`` where it is unknown."""
        return self.facts.facts.get(name)

    @property
    def settles_itself(self) -> bool:
        """Whether the network is its own settlement (Ethereum), so that the axes do not apply."""
        fact = self.fact("state_validation")
        return fact is not None and fact.value == _SETTLES_ITSELF

    def levels(self) -> Mapping[str, int | None]:
        """Return the level on each axis, ``None`` where unknown or only past; nothing for a network that settles itself."""
        if self.settles_itself:
            return {}
        found = {axis.name: (axis, self.fact(axis.name)) for axis in AXES}
        return {
            name: None if fact is None or fact.status is Status.SUPERSEDED else axis.level(fact.value)
            for name, (axis, fact) in found.items()
        }

    def incidents(self, until: dt.date) -> list[Incident]:
        """Return what went wrong up to a day, oldest first."""
        line = self.facts.timelines.get("incidents")
        out = []
        for entry in line.entries if line else ():
            date = dt.datetime.fromtimestamp(entry.since, dt.UTC).date()
            if date <= until:
                value = entry.fact.value
                out.append(Incident(date, value if isinstance(value, int) else None, entry.fact))
        return out

    def sunsets(self) -> list[tuple[str, dt.date | None, Fact]]:
        """Return which of the network's services end or have ended, and when (``None``: not known).

        When the network itself does is not a fact of this file: the network's own ``standing`` says that.
        """
        return [
            (name.removeprefix(_SUNSET), _day(fact), fact)
            for name, fact in self.facts.facts.items()
            if name.startswith(_SUNSET)
        ]

    def launched(self) -> dt.date | None:
        """Return the day since when the network has been watched, ``None`` where unknown."""
        fact = self.fact("launched")
        return None if fact is None else _day(fact)

    def regulatory(self) -> Iterator[tuple[str, Fact]]:
        """Yield notes of law by jurisdiction, where a source has one. They are facts, no advice."""
        for name, fact in self.facts.facts.items():
            if name.startswith(_REGULATORY):
                yield name.removeprefix(_REGULATORY), fact


def checked(name: str, facts: Facts) -> RiskFacts:
    """Return ``facts`` as risk facts of a network; raises ``BadInput`` naming a fact that the vocabulary does not have."""
    axes = {axis.name: axis for axis in AXES}
    known = (*axes, *_SECONDS, *_DATES, *_TEXTS, "forced_exit", "sunset.SERVICE", "regulatory.COUNTRY")
    for key, fact in facts.facts.items():
        field, value = f"facts.{key}", fact.value
        if key == "state_validation" and value == _SETTLES_ITSELF:
            continue
        if key in axes:
            if axes[key].level(value) is None:
                raise BadInput(f"{value!r}: expected {axes[key].valid()}", file=facts.file, field=field)
        elif key in _SECONDS:
            if isinstance(value, bool) or not isinstance(value, int) or value < 0:
                raise BadInput(f"{value!r}: expected whole seconds", file=facts.file, field=field)
        elif key == "sunset":
            home = f"parameters/{name.replace('-', '_')}.toml, timelines.standing"
            raise BadInput(
                f"when the network itself ends stands in {home}; a service: sunset.NAME", file=facts.file, field=field
            )
        elif key in _DATES or key.startswith(_SUNSET):
            if not (key.startswith(_SUNSET) and value == "unknown") and _day(fact) is None:
                raise BadInput(f"{value!r}: expected a day such as 2026-05-04", file=facts.file, field=field)
        elif key == "forced_exit":
            if not isinstance(value, bool):
                raise BadInput(f"{value!r}: expected true or false", file=facts.file, field=field)
        elif key not in _TEXTS and not key.startswith(_REGULATORY):
            raise BadInput(f"unknown fact of risk{nearest(key, known)}", file=facts.file, field=field)
    for key in facts.timelines:
        if key != "incidents":
            raise BadInput(f"unknown timeline{nearest(key, ('incidents',))}", file=facts.file, field=f"timelines.{key}")
    return RiskFacts(name, facts)


def _day(fact: Fact) -> dt.date | None:
    try:
        return dt.date.fromisoformat(str(fact.value))
    except ValueError:
        return None


@cache
def names() -> tuple[str, ...]:
    """Return the networks that have a file of risk facts, sorted."""
    files = [entry.name for entry in resources.files("tidemill.networks").joinpath("risk").iterdir()]
    return tuple(sorted(name.removesuffix(".toml").replace("_", "-") for name in files if name.endswith(".toml")))


@cache
def get(name: str) -> RiskFacts:
    """Return the risk facts of a network; nothing is known of one that has no file.

    Raises ``UnknownName``, which names the nearest, where neither a file nor a network has that name.
    """
    if name not in names():
        if name not in catalogue.names():
            raise UnknownName("network", name, {*names(), *catalogue.names()})
        return RiskFacts(name, Facts(file="", about=name, facts={}, timelines={}))
    file = f"risk/{name.replace('-', '_')}.toml"
    text = resources.files("tidemill.networks").joinpath(file).read_text(encoding="utf-8")
    return checked(name, parse_facts(text, file))
