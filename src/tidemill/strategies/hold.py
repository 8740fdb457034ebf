"""Hold: do nothing, and at the end be worth what the tokens fetch. What every other strategy is measured against."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import Decision, News, View
from tidemill.strategies.liquidity import LpMemo, learn, leave, now_of
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue

__all__ = ["Hold"]


class Hold(Struct, frozen=True, forbid_unknown_fields=True):
    """Keep the tokens you brought; sell them into ``home`` at the end, through ``venue``."""

    venue: Venue
    home: Token
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Wait for the end."""
        memo = learn(memo, news, now_of(view))
        if view.why == "end" and not view.in_flight:
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        return Decision(memo=memo)
