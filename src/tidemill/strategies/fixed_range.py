"""Fixed range: provide liquidity around the entry price and stay there, in or out of range, until the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import At, Decision, News, View
from tidemill.strategies.liquidity import LpMemo, PoolView, enter, learn, leave, now_of, ranges
from tidemill.strategies.parameters import Bps, ExitHow, Ticks, Token, Venue
from tidemill.strategies.ratio import MAX_TICK, usable_range

__all__ = ["FixedRange", "FullRange"]


class FixedRange(Struct, frozen=True, forbid_unknown_fields=True):
    """Enter once, from ``below`` to ``above`` ticks around the price at entry."""

    venue: Venue
    home: Token
    below: Ticks = 1_000
    above: Ticks = 1_000
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Enter if not entered yet; nothing else until the end."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if ranges(view, self.venue):
            return Decision(memo=memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        pool = PoolView.of(view, self.venue)
        lower, upper = usable_range(pool.tick - self.below, pool.tick + self.above, pool.spacing)
        plan = enter(view, self.venue, lower, upper, self.slippage_bps)
        return Decision((plan,) if plan else (), memo=memo)


class FullRange(Struct, frozen=True, forbid_unknown_fields=True):
    """Provide liquidity at every price, as a Uniswap v2 position does; never out of range, least fees per capital."""

    venue: Venue
    home: Token
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Do as the fixed range does, over all ticks."""
        wide = FixedRange(self.venue, self.home, MAX_TICK, MAX_TICK, self.slippage_bps, self.exit)
        return wide.decide(view, memo, news)
