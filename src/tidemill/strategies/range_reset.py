"""Range reset: keep a range around the price; when the price has left it far enough, close and start over."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct, structs

from tidemill.interfaces import At, Decision, News, Position, TickLeaves, View
from tidemill.strategies.liquidity import LpMemo, M, PoolView, closed, enter, learn, leave, now_of, ranges
from tidemill.strategies.parameters import Bps, ExitHow, Seconds, Ticks, TicksOrNone, Token, Venue
from tidemill.strategies.ratio import usable_range

__all__ = ["RangeReset"]


class RangeReset(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold ``width`` ticks to each side; reset when the price is ``trigger`` ticks outside, ``cooldown`` s apart."""

    venue: Venue
    home: Token
    width: Ticks = 600
    trigger: TicksOrNone = 0
    cooldown: Seconds = 3_600
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: M, news: Sequence[News]) -> Decision[M]:
        """Enter, watch, close, enter again: one of them at a time, each on the wallet as it then is."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        held = ranges(view, self.venue)
        return self._watch(view, memo, held[0], now) if held else self._enter(view, memo, now)

    def _enter(self, view: View, memo: M, now: int) -> Decision[M]:
        pool = PoolView.of(view, self.venue)
        lower, upper = usable_range(pool.tick - self.width, pool.tick + self.width, pool.spacing)
        plan = enter(view, self.venue, lower, upper, self.slippage_bps)
        return Decision((plan,) if plan else (), memo=structs.replace(memo, entered_at=now))

    def _watch(self, view: View, memo: M, position: Position, now: int) -> Decision[M]:
        lower, upper = position.data["tick_lower"] - self.trigger, position.data["tick_upper"] + self.trigger
        if lower <= PoolView.of(view, self.venue).tick < upper:
            return Decision(wake=(TickLeaves(self.venue, lower, upper),), memo=memo)
        if now < memo.entered_at + self.cooldown:
            return Decision(wake=(At(memo.entered_at + self.cooldown),), memo=memo)
        return Decision((closed(position),), memo=memo)
