"""Hold a classic pool's share: bring both tokens at the ratio of the reserves, keep the share, and leave at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import At, Decision, News, Plan, View
from tidemill.strategies import pairs
from tidemill.strategies.liquidity import LpMemo, learn, leave, now_of
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue

__all__ = ["HoldLp"]


class HoldLp(Struct, frozen=True, forbid_unknown_fields=True):
    """Provide liquidity to a constant-product pair, whose ``share`` is a token, and stay until the end."""

    venue: Venue
    home: Token
    share: Token
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Enter if not entered yet; nothing else until the end."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        held = view.balances.get(self.share, 0)
        if view.why == "end":
            step = (
                pairs.remove(view, self.venue, self.share, self.slippage_bps) if self.exit == "close" and held else None
            )
            if step:
                return Decision((Plan((step,)),), memo=memo)
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if held:
            return Decision(memo=memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        steps = pairs.add(view, self.venue, self.slippage_bps)
        return Decision((Plan(steps),) if steps else (), memo=memo)
