"""Range ladder: several adjacent ranges with a weight each; what the price has left is laid anew, or left alone."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, structs

from tidemill.interfaces import At, Decision, News, Plan, TickLeaves, View
from tidemill.strategies.liquidity import (
    LpMemo,
    PoolView,
    balanced,
    closed,
    learn,
    leave,
    minted,
    now_of,
    ranges,
)
from tidemill.strategies.parameters import Bps, ExitHow, Seconds, Ticks, TicksOrNone, Token, Venue
from tidemill.strategies.ratio import MAX_TICK, needs_of

__all__ = ["LadderMemo", "RangeLadder"]

SCALE = 1 << 128
"""By which a weight is multiplied before it is divided by a rung's worth: amounts keep 30 digits."""
FEW = 100
"""What is out of ratio by less than a hundredth of all is not swapped."""

Weight = Annotated[int, Meta(ge=1, le=1_000)]
Weights = Annotated[tuple[Weight, ...], Meta(min_length=1, max_length=16, description="1 to 1000, lowest rung first")]
Span = tuple[int, int]


class LadderMemo(LpMemo, frozen=True):
    """The tick in the ladder's middle, ``None`` before the first is laid, beside when that was and what failed lately."""

    centre: int | None = None


class RangeLadder(Struct, frozen=True, forbid_unknown_fields=True):
    """Hold a rung of ``width`` ticks for each of ``weights`` (parts of the worth), side by side around the price.

    ``reset`` says what happens when the price is gone. ``all``: it is ``trigger`` ticks outside the whole ladder, which is
    laid anew around it. ``edge``: it is ``trigger`` ticks outside the middle of the ladder, and only the rungs at the far
    end are closed and put on in front; the others are left alone and keep their weight. ``none``: all are left alone.
    """

    venue: Venue
    home: Token
    weights: Weights = (1, 2, 1)
    width: Ticks = 400
    reset: Literal["all", "edge", "none"] = "all"
    trigger: TicksOrNone = 0
    cooldown: Seconds = 3_600
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LadderMemo]] = LadderMemo

    def decide(self, view: View, memo: LadderMemo, news: Sequence[News]) -> Decision[LadderMemo]:
        """Say where the rungs should be; close what stands elsewhere, lay what is missing, otherwise watch."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        pool, held = PoolView.of(view, self.venue), ranges(view, self.venue)
        left = held and self._left(pool, memo)
        if left and now < memo.entered_at + self.cooldown:
            return Decision(wake=(At(memo.entered_at + self.cooldown),), memo=memo)
        if left or not held or memo.centre is None:
            memo = structs.replace(memo, centre=self._centre(pool, memo if held else LadderMemo()), entered_at=now)
        wanted = self.rungs(pool, memo)
        at = {(p.data["tick_lower"], p.data["tick_upper"]): p for p in held}
        plans = tuple(closed(p) for span, p in at.items() if span not in wanted)
        plans = plans or self._lay(view, pool, {span: w for span, w in wanted.items() if span not in at})
        return Decision(plans, wake=() if plans else self._wake(pool, memo), memo=memo)

    def rungs(self, pool: PoolView, memo: LadderMemo) -> dict[Span, int]:
        """Return the rungs and their weights; none beyond the ticks that a pool has."""
        wide, most = self._wide(pool), MAX_TICK // pool.spacing * pool.spacing
        low = ((memo.centre or 0) - wide * len(self.weights) // 2) // pool.spacing * pool.spacing
        spans = [(low + i * wide, low + (i + 1) * wide) for i in range(len(self.weights))]
        known = zip(spans, self.weights, strict=True)
        return {span: weight for span, weight in known if span[0] >= -most and span[1] <= most}

    def _wide(self, pool: PoolView) -> int:
        """Return the width, up to the next tick spacing."""
        return -(-self.width // pool.spacing) * pool.spacing

    def _reach(self, pool: PoolView) -> int:
        """Return how far the price may be from the middle."""
        rungs = 1 if self.reset == "edge" else len(self.weights)
        return -(-self._wide(pool) * rungs // 2) + self.trigger

    def _left(self, pool: PoolView, memo: LadderMemo) -> bool:
        away = abs(pool.tick - (memo.centre or 0))
        return self.reset != "none" and memo.centre is not None and away >= self._reach(pool)

    def _centre(self, pool: PoolView, memo: LadderMemo) -> int:
        """Return where the middle should be: at the price, or as many whole rungs nearer to it as it takes."""
        if self.reset != "edge" or memo.centre is None:
            return pool.tick
        wide, away = self._wide(pool), pool.tick - memo.centre
        rungs = (2 * abs(away) + wide) // (
            2 * wide
        )  # to the nearest; one at least, where the price has left the middle
        return memo.centre + (rungs if away > 0 else -rungs) * wide

    def _lay(self, view: View, pool: PoolView, missing: dict[Span, int]) -> tuple[Plan, ...]:
        """Return the swap after which the wallet fits the missing rungs, or their mints if it does; none without money."""
        price, needs = pool.sqrt_price_x96, {}
        for span, weight in missing.items():
            unit = needs_of(price, *span)
            scale = weight * SCALE // max(pool.worth_down(unit), 1)
            needs[span] = (unit[0] * scale, unit[1] * scale)
        whole = sum(n for n, _ in needs.values()), sum(n for _, n in needs.values())
        sale, after = balanced(view, self.venue, whole, self.slippage_bps)
        held = pool.held(view)
        moved = pool.worth_down((max(held[0] - after[0], 0), max(held[1] - after[1], 0)))
        if sale and moved * FEW > pool.worth_down(held):
            return (Plan((sale,)),)
        parts = {
            span: (held[0] * n0 // max(whole[0], 1), held[1] * n1 // max(whole[1], 1))
            for span, (n0, n1) in needs.items()
        }
        mints = (minted(self.venue, span, part, price, self.slippage_bps) for span, part in parts.items())
        return tuple(Plan((mint,)) for mint in mints if mint)

    def _wake(self, pool: PoolView, memo: LadderMemo) -> tuple[TickLeaves, ...]:
        reach, centre = self._reach(pool), memo.centre or 0
        return () if self.reset == "none" else (TickLeaves(self.venue, centre - reach + 1, centre + reach),)
