"""What a vote escrow and the distributor beside it remember. Tokens lie in the world's book, not here."""

from __future__ import annotations

import copy
from dataclasses import dataclass, field
from typing import Any, NamedTuple, TypeVar

S = TypeVar("S", bound="Dividends | EscrowState")

__all__ = ["NOBODY", "NOTHING", "Dividends", "EscrowState", "Lock", "Point"]


class Point(NamedTuple):
    """Votes at one moment: ``bias`` then, falling by ``slope`` a second; ``ts`` in seconds, ``blk`` the block's number."""

    bias: int = 0
    slope: int = 0
    ts: int = 0
    blk: int = 0


class Lock(NamedTuple):
    """Raw units locked, and until when (seconds)."""

    amount: int = 0
    end: int = 0


NOTHING = Lock()
NOBODY = ""
"""The checker of contracts where there is none."""


@dataclass
class Dividends:
    """The distributor: ``account`` holds ``token``. Weeks are named by their first second.

    ``last_time`` is up to when tokens have been given to weeks, ``last_balance`` how many of those still lie here;
    ``cursors`` are the first week not yet paid, by account.
    """

    account: str
    token: str
    start: int = 0
    last_time: int = 0
    last_balance: int = 0
    tokens: dict[int, int] = field(default_factory=dict)
    cursors: dict[str, int] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> Dividends:
        return _copied(self)


@dataclass
class EscrowState:
    """An escrow. ``account`` holds what is locked of ``token``.

    ``points`` are the sum of all locks by epoch, ``user_points`` one lock's by account and number (from 1),
    ``slope_changes`` by how much the sum's slope changes at a week's start. ``contracts`` are accounts with code, which
    only lock if a checker lets them: ``lets`` says whom each does.
    """

    account: str
    token: str
    admin: str
    dividends: Dividends
    points: dict[int, Point]
    epoch: int = 0
    supply: int = 0
    locked: dict[str, Lock] = field(default_factory=dict)
    user_epochs: dict[str, int] = field(default_factory=dict)
    user_points: dict[tuple[str, int], Point] = field(default_factory=dict)
    slope_changes: dict[int, int] = field(default_factory=dict)
    checker: str = NOBODY
    future_checker: str = NOBODY
    contracts: frozenset[str] = frozenset()
    lets: dict[str, frozenset[str]] = field(default_factory=dict)

    def __deepcopy__(self, memo: dict[int, Any]) -> EscrowState:
        made = _copied(self)
        made.dividends = _copied(self.dividends)
        return made


def _copied(state: S) -> S:
    """Copy a state whose dicts hold nothing that can change: the history grows long, and copies are many."""
    made = copy.copy(state)
    for name, value in vars(state).items():
        if isinstance(value, dict):
            setattr(made, name, dict(value))
    return made
