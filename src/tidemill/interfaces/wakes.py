"""The closed set of reasons to be woken. A wake is the first of its conditions; any news wakes too.

Conditions are compiled: between decisions no Python runs. A wake *follows* its trigger: the view shows the
state after the event that fired it, and an action lands at least one block later (the over-shoot).
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["At", "Claimable", "Condition", "Crosses", "EventCount", "Every", "TickLeaves", "Wake"]


class At(Struct, frozen=True, tag="at"):
    """At the first block whose time is ``time`` (seconds) or later."""

    time: int


class Every(Struct, frozen=True, tag="every"):
    """A polling cadence: at the first block at or after each multiple of ``seconds`` since the run's start."""

    seconds: int


class TickLeaves(Struct, frozen=True, tag="tick_leaves"):
    """When the venue's tick is outside ``[lower, upper)``."""

    venue: str
    lower: int
    upper: int


class Claimable(Struct, frozen=True, tag="claimable"):
    """When ``claimable(position)[token]`` (fees or rewards, raw units) is ``amount`` or more."""

    venue: str
    position: str
    token: str
    amount: int


class Crosses(Struct, frozen=True, tag="crosses"):
    """When a venue's or oracle's ``quantity`` goes above (or below) ``threshold``.

    ``quantity`` is one that the venue declares (``utilisation``, ``rate``, ``health_factor``, ``price``), scaled as
    the venue documents it.
    """

    source: str
    quantity: str
    threshold: int
    above: bool


class EventCount(Struct, frozen=True, tag="events"):
    """After ``count`` further recorded events of the venue."""

    venue: str
    count: int


Condition = At | Every | TickLeaves | Claimable | Crosses | EventCount
Wake = tuple[Condition, ...]
"""The first condition that holds wakes the strategy; an empty wake means: only news or the end."""
