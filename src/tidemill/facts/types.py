"""What a dated fact is, and a value that changed over time."""

from __future__ import annotations

import datetime as dt
from bisect import bisect_right
from collections.abc import Mapping
from enum import StrEnum
from typing import Literal

from msgspec import Struct

from tidemill.errors import BadInput, UnknownName
from tidemill.wording import rfc3339

__all__ = ["Axis", "Confidence", "Entry", "Fact", "Facts", "Scalar", "Status", "Timeline"]

Scalar = int | str | bool
"""What a fact may be worth. No floats: write a fraction as an integer in a smaller unit, or as text."""

Axis = Literal["time", "block"]
"""What a timeline is read by: unix seconds, or the network's own block number."""


class Confidence(StrEnum):
    """How a fact is known, strongest first."""

    CODE = "code"
    """read in the named source code or registry"""
    SPEC = "spec"
    """read in a specification"""
    MEASURED = "measured"
    """measured by a tool of this project"""
    WEB = "web"
    """read in a published page"""
    DERIVED = "derived"
    """computed from other facts"""
    UNCERTAIN = "uncertain"
    """one weak source, or known not to be the whole truth: show it as uncertain"""


class Status(StrEnum):
    """Whether the thing that the fact speaks of still holds."""

    LIVE = "live"
    SCHEDULED = "scheduled"
    """announced, not in force at ``as_of``"""
    SUPERSEDED = "superseded"
    """replaced by a later value; kept for history"""
    WITHDRAW_ONLY = "withdraw-only"
    ENDED = "ended"
    INCIDENT = "incident"


class Fact(Struct, frozen=True):
    """One value with its provenance. ``unit`` is empty for names and pure numbers."""

    value: Scalar
    as_of: dt.date
    source: str
    confidence: Confidence
    status: Status
    unit: str = ""
    note: str = ""


class Entry(Struct, frozen=True):
    """A fact in force from ``since`` (a time or a block, as the timeline's axis says)."""

    since: int
    fact: Fact


class Timeline(Struct, frozen=True):
    """A value that changed: each entry holds from its ``since`` until the next one's."""

    name: str
    axis: Axis
    entries: tuple[Entry, ...]
    file: str = ""

    def at(self, moment: int) -> Scalar:
        """Return the value in force at ``moment`` (unix seconds or block number).

        Raises
        ------
        BadInput : ``moment`` lies before the first entry.
        """
        return self.fact_at(moment).value

    def fact_at(self, moment: int) -> Fact:
        """Return the whole fact in force at ``moment``; raises as ``at``."""
        place = bisect_right(self.entries, moment, key=lambda entry: entry.since)
        if place == 0:
            asked, first = (
                f"{when} ({rfc3339(when)})" if self.axis == "time" else str(when)
                for when in (moment, self.entries[0].since)
            )
            raise BadInput(
                f"nothing is known at {self.axis} {asked}; the timeline begins at {first}",
                file=self.file or None,
                field=f"timelines.{self.name}",
            )
        return self.entries[place - 1].fact


class Facts(Struct, frozen=True):
    """A file of facts: single values by name, and timelines by name."""

    file: str
    about: str
    facts: Mapping[str, Fact]
    timelines: Mapping[str, Timeline]

    def fact(self, name: str) -> Fact:
        """Return the fact ``name``; raises ``UnknownName``."""
        try:
            return self.facts[name]
        except KeyError:
            raise UnknownName("fact", name, self.facts, file=self.file) from None

    def timeline(self, name: str) -> Timeline:
        """Return the timeline ``name``; raises ``UnknownName``."""
        try:
            return self.timelines[name]
        except KeyError:
            raise UnknownName("timeline", name, self.timelines, file=self.file) from None

    def integer(self, name: str) -> int:
        """Return the value of the fact ``name``, which must be an integer; raises ``UnknownName`` or ``BadInput``."""
        value = self.fact(name).value
        if isinstance(value, bool) or not isinstance(value, int):
            raise BadInput(f"expected an integer, got {value!r}", file=self.file, field=f"facts.{name}.value")
        return value

    def text(self, name: str) -> str:
        """Return the value of the fact ``name``, which must be text; raises ``UnknownName`` or ``BadInput``."""
        value = self.fact(name).value
        if not isinstance(value, str):
            raise BadInput(f"expected text, got {value!r}", file=self.file, field=f"facts.{name}.value")
        return value
