"""Record and marks merged into intervals: either the market moved, or own steps did, never both."""

from __future__ import annotations

import itertools
from collections.abc import Sequence
from typing import NamedTuple

from tidemill.errors import InvariantBroken
from tidemill.interfaces import Befell, Cancelled, Expired, Mark, Recorded, Skipped

__all__ = ["Interval", "Step", "intervals", "is_quiet"]

Step = Recorded | Befell


class Interval(NamedTuple):
    """From mark ``number`` to the next: a market interval if ``steps`` is empty, else an own one."""

    number: int
    before: Mark
    after: Mark
    steps: tuple[Step, ...]


def is_quiet(step: Step) -> bool:
    """Return whether a step moved nothing and cost nothing, so that it needs no marks around it."""
    return (
        isinstance(step, Recorded)
        and isinstance(step.status, Skipped | Expired | Cancelled)
        and step.costs.total == 0
        and step.result is None
    )


def intervals(record: Sequence[Step], marks: Sequence[Mark]) -> list[Interval]:
    """Merge by ``seq`` and check the order that ``tidemill.interfaces.record`` promises.

    Raises ``InvariantBroken``, naming the ``seq``, where the order is broken: fewer than two marks, not from ``start``
    to ``end``, ``seq`` or time going back, a step outside a pair of ``before`` and ``after``.
    """
    _check_marks(marks)
    steps = sorted((step for step in record if not is_quiet(step)), key=lambda step: step.seq)
    if len({step.seq for step in steps} | {mark.seq for mark in marks}) != len(steps) + len(marks):
        raise InvariantBroken("record and marks share a seq; one counter must number both")
    result: list[Interval] = []
    at = 0
    for index, (before, after) in enumerate(itertools.pairwise(marks)):
        first = at
        while at < len(steps) and steps[at].seq < after.seq:
            at += 1
        inside = tuple(steps[first:at])
        _check_pair(before, after, inside)
        result.append(Interval(index, before, after, inside))
    if at < len(steps):
        raise InvariantBroken(f"step seq {steps[at].seq} is recorded after the end mark")
    return result


def _check_marks(marks: Sequence[Mark]) -> None:
    if len(marks) < 2 or marks[0].why != "start" or marks[-1].why != "end":
        raise InvariantBroken("marks must run from a start mark to an end mark")
    for before, after in itertools.pairwise(marks):
        if after.seq <= before.seq or after.time < before.time:
            raise InvariantBroken(f"mark seq {after.seq} does not follow mark seq {before.seq}")


def _check_pair(before: Mark, after: Mark, inside: Sequence[Step]) -> None:
    if inside and (inside[0].seq < before.seq or before.why != "before" or after.why != "after"):
        raise InvariantBroken(
            f"step seq {inside[0].seq} must stand between a before and an after mark, not between "
            f"{before.why!r} and {after.why!r}"
        )
    if not inside and after.why == "after":
        raise InvariantBroken(f"after mark seq {after.seq} has no step before it")
