"""Volatility range: as range reset, with a width that follows how much the price has moved lately."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, structs

from tidemill.errors import BadInput
from tidemill.interfaces import Decision, Every, News, Position, View
from tidemill.strategies.liquidity import LpMemo, PoolView, closed, now_of, ranges
from tidemill.strategies.parameters import Bps, ExitHow, Seconds, Ticks, TicksOrNone, Token, Venue
from tidemill.strategies.range_reset import RangeReset
from tidemill.strategies.ratio import usable_range

__all__ = ["VolatilityMemo", "VolatilityRange"]

BPS = 10_000
ONE = 1 << 32
"""Scale of the sums, so that what fades does not fade in whole ticks."""

Window = Annotated[int, Meta(ge=60, le=31_536_000, description="seconds; what is as old counts 1/e")]
Apart = Annotated[int, Meta(ge=60, le=31_536_000, description="seconds between looks")]
Horizon = Annotated[int, Meta(ge=60, le=31_536_000, description="seconds that a range is to hold")]
Times = Annotated[int, Meta(ge=100, le=200_000, description="hundredths of a per cent of a standard deviation")]
Drift = Annotated[int, Meta(ge=0, le=100_000, description="of the width held, hundredths of a per cent; 0 for never")]


class VolatilityMemo(LpMemo, frozen=True):
    """The last look, and two sums that fade: squared moves in ticks and the seconds they took, both times 2**32."""

    seen_at: int = 0
    seen_tick: int = 0
    squares: int = 0
    seconds: int = 0

    def saw(self, tick: int, now: int, window: int) -> VolatilityMemo:
        """Return the memo with one move more; what is ``window`` seconds old counts 1/e, after a gap as long nothing."""
        if not self.seen_at:
            return structs.replace(self, seen_at=now, seen_tick=tick)
        took, moved = now - self.seen_at, tick - self.seen_tick
        left = max(window - took, 0)
        squares = self.squares * left // window + moved * moved * ONE
        seconds = self.seconds * left // window + took * ONE
        return structs.replace(self, seen_at=now, seen_tick=tick, squares=squares, seconds=seconds)

    def deviation_down(self, horizon: int) -> int:
        """Return the standard deviation of the tick over ``horizon`` seconds, if it walks on as it did.

        One for the mean: a drift over a window is small against the moves between looks, and nobody can tell it.
        """
        return isqrt(self.squares * horizon // self.seconds) if self.seconds else 0


class VolatilityRange(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold ``multiple_bps`` standard deviations of a ``horizon`` to each side, measured over the last ``window``.

    Looks are ``every`` s apart and take the tick that stands then, so nothing but the past is known. Until half the window
    has been seen the range is as wide as it may be. It is reset when the price has left it, as in ``range_reset``, and
    when the width that the market asks for is more than ``rewidth_bps`` from the one that is held.
    """

    venue: Venue
    home: Token
    window: Window = 172_800
    every: Apart = 3_600
    horizon: Horizon = 86_400
    multiple_bps: Times = 20_000
    min_width: Ticks = 100
    max_width: Ticks = 5_000
    rewidth_bps: Drift = 5_000
    trigger: TicksOrNone = 0
    cooldown: Seconds = 21_600
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[VolatilityMemo]] = VolatilityMemo

    def __post_init__(self) -> None:
        if self.min_width > self.max_width:
            raise BadInput(f"{self.min_width} is above max_width, {self.max_width}", field="min_width")
        if self.every * 4 > self.window:
            raise BadInput(f"{self.every} s give fewer than four looks in a window of {self.window} s", field="every")

    def decide(self, view: View, memo: VolatilityMemo, news: Sequence[News]) -> Decision[VolatilityMemo]:
        """Look; then do as ``range_reset`` does at today's width, and reset as well if that has become another."""
        now = now_of(view)
        if now >= memo.seen_at + self.every:
            memo = memo.saw(PoolView.of(view, self.venue).tick, now, self.window)
        reset = RangeReset(
            self.venue, self.home, self.width(memo), self.trigger, self.cooldown, self.slippage_bps, self.exit
        )
        decision: Decision[VolatilityMemo] = reset.decide(view, memo, news)
        if decision.plans or view.in_flight or view.why == "end":
            return decision
        told: VolatilityMemo = decision.memo
        held = ranges(view, self.venue)
        if held and now >= max(told.not_before, told.entered_at + self.cooldown) and self._another(view, held[0], told):
            return Decision((closed(held[0]),), memo=told)
        return Decision(wake=(*decision.wake, Every(self.every)), memo=told)

    def width(self, memo: VolatilityMemo) -> int:
        """Return ticks to each side; as many as may be while less than half the window has been seen."""
        if memo.seconds * 2 < self.window * ONE:
            return self.max_width
        wanted = memo.deviation_down(self.horizon) * self.multiple_bps // BPS
        return min(max(wanted, self.min_width), self.max_width)

    def _another(self, view: View, position: Position, memo: VolatilityMemo) -> bool:
        """Say whether a range laid now would have a width far from that of the one held; a tick spacing does not count."""
        pool, width = PoolView.of(view, self.venue), self.width(memo)
        lower, upper = usable_range(pool.tick - width, pool.tick + width, pool.spacing)
        have = position.data["tick_upper"] - position.data["tick_lower"]
        beyond = abs(upper - lower - have) - 2 * pool.spacing
        return bool(self.rewidth_bps) and beyond * BPS > have * self.rewidth_bps
