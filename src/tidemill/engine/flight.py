"""A plan under way: which step it stands at, what was sent and when it lands, what waits and until when."""

from __future__ import annotations

from dataclasses import dataclass, field

from msgspec import Struct

from tidemill.interfaces import Action, Block, Filled, Plan

__all__ = ["Flight", "Moment", "Sent", "Waiting"]


class Moment(Struct, frozen=True, order=True):
    """A point of world time: seconds, ties by network id, then by block number."""

    time: int
    network: str
    number: int

    @property
    def block(self) -> Block:
        """The block of that network."""
        return Block(time=self.time, number=self.number)


class Sent(Struct, frozen=True):
    """A transaction on its way: the actions in it (more than one only if atomic), and where it lands."""

    first_step: int
    actions: tuple[tuple[str, Action], ...]
    """(venue, action) in order."""
    lands: Moment
    stage: str = ""
    """Which stage of a saga this is, empty for the intent itself."""


class Waiting(Struct, frozen=True):
    """What is sent at ``since`` or later: the next stage of a saga, or without an action the present step, planned then."""

    venue: str
    action: Action | None
    since: Moment


@dataclass(slots=True)
class Flight:
    """The life of one submitted plan. ``next`` is ``None`` once every step has its final answer."""

    plan: Plan
    order: int
    """Submission order within the run: decides who goes first in a block."""
    step: int = 0
    next: Sent | Waiting | None = None
    filled: list[Filled | None] = field(default_factory=list)
    venue: str = ""
    """Which venue serves the present stage of a saga; empty for the step's own."""
    exit: bool = False
    """The plan was made after the end, to leave every position."""

    def agenda(self) -> Moment | None:
        """When this flight has something to do by itself."""
        if isinstance(self.next, Sent):
            return self.next.lands
        return self.next.since if self.next else None
