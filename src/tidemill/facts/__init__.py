"""Dated facts: every number that came from outside says when, from where, how surely, and whether it still holds.

Light: importing it imports msgspec and tomllib, nothing heavier. See ``docs/rooms/facts.md``.
"""

from tidemill.facts.load import load_facts, parse_facts
from tidemill.facts.types import Axis, Confidence, Entry, Fact, Facts, Scalar, Status, Timeline

__all__ = [
    "Axis",
    "Confidence",
    "Entry",
    "Fact",
    "Facts",
    "Scalar",
    "Status",
    "Timeline",
    "load_facts",
    "parse_facts",
]
