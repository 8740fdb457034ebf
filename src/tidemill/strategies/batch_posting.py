"""Batch posting: when a rollup's data go to Ethereum, and when its fees are collected."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct

from tidemill.interfaces import At, Decision, EventCount, Intent, News, Plan, View, Wake
from tidemill.strategies.liquidity import LpMemo, held_back, learn, now_of, works
from tidemill.strategies.parameters import ExitHow, Seconds, Venue

__all__ = ["BatchPosting"]

Count = Annotated[int, Meta(ge=0)]


class BatchPosting(Struct, frozen=True, forbid_unknown_fields=True):
    """Post once ``batch_bytes`` wait and blob gas costs at most ``blob_price``; after ``max_wait`` whatever it costs.

    Parameters
    ----------
    form : of posting: ``cheaper`` takes blobs or calldata as prices are. max_seconds : no batch spans more, so that users
        see their data on Ethereum soon; what is then sent half empty is paid for all the same. 0 fills every batch.
    collect_at : wei in the vaults at which they are emptied.
    """

    sequencer: Venue
    batch_bytes: Annotated[Count, Meta(description="bytes that must wait, 0 for any")] = 0
    blob_price: Annotated[Count, Meta(description="most wei a blob gas to post at, 0 for any")] = 0
    max_wait: Annotated[Seconds, Meta(description="seconds after which price and size do not matter")] = 86_400
    max_seconds: Annotated[Seconds, Meta(description="most seconds that one batch may span, 0 for any")] = 0
    form: Literal["cheaper", "blob", "calldata"] = "cheaper"
    collect_at: Annotated[int, Meta(ge=1, description="wei")] = 10**18
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Post if the policy says so, collect if it is worth it, otherwise wait for the next transactions."""
        now = now_of(view)
        memo = learn(memo, news, now)
        waits = held_back(view, memo, now, self.exit)
        if waits is not None:
            return waits
        end = view.why == "end"
        takings = sum(sum(p.claimable.values()) for p in view.positions if p.venue == self.sequencer)
        collect = Intent(self.sequencer, "collect")
        if takings and (end or takings >= self.collect_at):
            return Decision((Plan((collect,)),), memo=memo)  # first: it pays for the posting
        post = Intent(self.sequencer, "post", {"form": self.form, "max_seconds": self.max_seconds})
        if (end or self._due(view, now)) and works(view, post):
            return Decision((Plan((post,)),), memo=memo)
        return Decision(wake=() if end else self._wake(view, now), memo=memo)

    def _wake(self, view: View, now: int) -> Wake:
        """With the next transactions, or once what waits may wait no longer."""
        latest = view.read(self.sequencer, "postedAt") + self.max_wait
        waits = view.read(self.sequencer, "waiting") and latest > now
        return (EventCount(self.sequencer, 1), *((At(latest),) if waits else ()))

    def _due(self, view: View, now: int) -> bool:
        waiting = view.read(self.sequencer, "waiting")
        if not waiting:
            return False
        _, blob_price = view.read(self.sequencer, "prices")
        dear = self.blob_price and view.read(self.sequencer, "blobs", now) and blob_price > self.blob_price
        if waiting >= self.batch_bytes and not dear:
            return True
        return bool(now - view.read(self.sequencer, "postedAt") >= self.max_wait)
