"""Batch proving: when what waits is proven, and when its fees are collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tidemill.interfaces import At, Decision, EventCount, Intent, News, Plan, View, Wake
from tidemill.strategies.liquidity import LpMemo, held_back, learn, now_of, works
from tidemill.strategies.parameters import ExitHow, Seconds, Venue

__all__ = ["BatchProving"]


class BatchProving(Struct, frozen=True, forbid_unknown_fields=True):
    """Prove once ``transactions`` wait, after ``max_wait`` whatever waits; collect fees once ``collect_at`` wei are due."""

    prover: Venue
    transactions: Annotated[int, Meta(ge=1, description="transactions that must wait")] = 1
    max_wait: Annotated[Seconds, Meta(description="seconds after which their number does not matter")] = 86_400
    collect_at: Annotated[int, Meta(ge=1, description="wei")] = 10**18
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Collect what pays for proving, prove if it is time, otherwise wait for the next transactions."""
        now = now_of(view)
        memo = learn(memo, news, now)
        waits = held_back(view, memo, now, self.exit)
        if waits is not None:
            return waits
        end = view.why == "end"
        waiting, (_, due) = (view.read(self.prover, name) for name in ("waiting", "fees"))
        latest = view.read(self.prover, "provenAt") + self.max_wait
        prove, collect = Intent(self.prover, "prove"), Intent(self.prover, "collect")
        is_due = waiting and (end or waiting >= self.transactions or now >= latest)
        if due and (due >= self.collect_at or (end and not waiting)):
            return Decision((Plan((collect,)),), memo=memo)  # first: it pays for the computing
        if is_due and works(view, prove):
            return Decision((Plan((prove,)),), memo=memo)
        wake: Wake = (EventCount(self.prover, 1), *((At(latest),) if waiting and latest > now else ()))
        return Decision(wake=() if end else wake, memo=memo)
