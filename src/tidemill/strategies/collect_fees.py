"""Collect fees: take what a role has earned once it is worth the transaction."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tidemill.interfaces import Decision, EventCount, Intent, News, Plan, View
from tidemill.strategies.liquidity import LpMemo, held_back, learn, now_of
from tidemill.strategies.parameters import ExitHow, Venue

__all__ = ["CollectFees"]


class CollectFees(Struct, frozen=True, forbid_unknown_fields=True):
    """Collect a manager's fees once ``collect_at`` raw units are due, and what is left at the end."""

    custodian: Venue
    collect_at: Annotated[int, Meta(ge=1, description="raw units of the token")] = 1
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Collect if it is worth it, otherwise wait for the next day."""
        now = now_of(view)
        memo = learn(memo, news, now)
        waits = held_back(view, memo, now, self.exit)
        if waits is not None:
            return waits
        end = view.why == "end"
        due = sum(sum(one.claimable.values()) for one in view.positions if one.venue == self.custodian)
        if due and (end or due >= self.collect_at):
            return Decision((Plan((Intent(self.custodian, "collect"),)),), memo=memo)
        return Decision(wake=() if end else (EventCount(self.custodian, 1),), memo=memo)
