"""What others do at an escrow, drawn from a seed: three lockers who lock again when a lock ends, and dividends by the day."""

from __future__ import annotations

from collections.abc import Callable, Iterator
from random import Random

from msgspec import Struct

from tidemill.interfaces import Action, Block
from tidemill.units import BPS, mul_div_down
from tidemill.venues.shared.scripted import Scripted
from tidemill.venues.vote_escrow.rules import LONGEST, WEEK, week_down

__all__ = ["Terms", "script_of"]

DAY = 86_400
_LOCKERS = {"locker1": (6_000, LONGEST), "locker2": (3_000, 26 * WEEK), "locker3": (1_000, 4 * WEEK)}
"""Who locks which part of all (basis points), and for how long each time."""


class Terms(Struct, frozen=True):
    """What others lock and what is paid, raw units; ``start`` and ``end`` in seconds."""

    locked: int
    paid_per_week: int
    more_bps: int
    start: int
    end: int


def script_of(terms: Terms, random: Random, first_from: Callable[[int], Block]) -> list[Scripted]:
    """Return everything others do, in order."""
    rows = [*_locks(terms, random), *_dividends(terms, random)]
    return [Scripted(first_from(time), who, action) for time, who, action in sorted(rows, key=lambda row: row[0])]


def _locks(terms: Terms, random: Random) -> Iterator[tuple[int, str, Action]]:
    for who, (part, length) in _LOCKERS.items():
        amount = mul_div_down(terms.locked, part, BPS)
        time = terms.start
        while amount and time < terms.end:
            end = week_down(time + length)
            yield time, who, Action("create_lock", {"amount": amount, "unlock_time": end})
            for week in range(week_down(time) + WEEK, min(end, terms.end), WEEK) if terms.more_bps else ():
                # Not in a week's first day: what is locked counts from the next week on.
                more = mul_div_down(amount, random.randrange(2 * terms.more_bps), BPS)
                if more and week + DAY < end:
                    yield week + DAY, who, Action("increase_amount", {"amount": more})
            if end < terms.end:
                yield end, who, Action("withdraw")
            time = end


def _dividends(terms: Terms, random: Random) -> Iterator[tuple[int, str, Action]]:
    mean = terms.paid_per_week // 7
    for time in range(terms.start + DAY, terms.end, DAY):
        if amount := mul_div_down(mean, random.randrange(5_000, 15_001), BPS):
            yield time, "treasury", Action("fund", {"amount": amount})
        yield time, "treasury", Action("checkpoint_dividends")
