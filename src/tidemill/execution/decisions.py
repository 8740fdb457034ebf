"""Decisions as the journal keeps them: plans, cancels, wake and memo in one row, written before they are submitted."""

from __future__ import annotations

import json
from typing import Any

import msgspec
from msgspec import Struct

from tidemill.execution.ids import canonical
from tidemill.interfaces import Decision, Move, Plan, Wake

__all__ = ["Decided", "memo_type"]


class Decided(Struct, frozen=True):
    """One decision of a run, as stored.

    ``seen`` is the hash of what it was decided on (time, why, balances, news), so that a resumed run can tell
    whether it is still in the same world; ``body`` is the canonical text of the decision.
    """

    number: int
    seen: str
    body: str

    @classmethod
    def of(cls, number: int, seen: str, decision: Decision[Any]) -> Decided:
        """Return the row for ``decision``; its plans have their ids."""
        return cls(number, seen, canonical(decision))

    def decision(self, memo: type | None) -> Decision[Any]:
        """Return the decision with its memo as a ``memo`` struct again (``None``: the strategy keeps no memo)."""
        raw = json.loads(self.body)
        return Decision(
            plans=msgspec.convert(raw["plans"], tuple[Plan, ...]),
            cancels=tuple(raw["cancels"]),
            wake=msgspec.convert(raw["wake"], Wake),
            moves=msgspec.convert(raw.get("moves", []), tuple[Move, ...]),
            memo=None if memo is None else msgspec.convert(raw["memo"], memo),
        )


def memo_type(strategy: object) -> type | None:
    """Return the type of a strategy's memo (its class attribute ``Memo``), ``None`` if it keeps none."""
    memo: type | None = getattr(type(strategy), "Memo", None)
    return memo
