"""Out of a rollup over its own bridge, and lend there: a withdrawal is one staged intent, and what is in flight earns nothing."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct, field, structs

from tidemill.interfaces import All, Decision, Intent, News, Plan, View
from tidemill.strategies.lend import Lend
from tidemill.strategies.liquidity import LpMemo, works
from tidemill.strategies.parameters import ExitHow, MaybeVenue, Token, Venue

__all__ = ["BridgeAndLend"]


class BridgeMemo(Struct, frozen=True):
    """Whether the money has been sent, and what the lender remembers."""

    sent: bool = False
    lend: LpMemo = field(default_factory=LpMemo)


class BridgeAndLend(Struct, frozen=True, forbid_unknown_fields=True):
    """Send all of ``token`` through ``bridge``; lend what arrives, ``asset``, at ``lending``, or hold it where none is named."""

    bridge: Venue
    token: Token
    asset: Token
    lending: MaybeVenue = ""
    exit: ExitHow = "close"

    Memo: ClassVar[type[BridgeMemo]] = BridgeMemo

    def decide(self, view: View, memo: BridgeMemo, news: Sequence[News]) -> Decision[BridgeMemo]:
        """Send at the start; the world does the later steps, and their news wakes the lender."""
        send = Intent(self.bridge, "send", {"amount": All(self.token)})
        if not memo.sent and view.why != "end" and works(view, send):
            return Decision((Plan((send,)),), memo=structs.replace(memo, sent=True))
        if not self.lending:
            return Decision(memo=memo)
        then = Lend(self.lending, self.asset, self.exit).decide(view, memo.lend, news)
        return Decision(then.plans, then.cancels, then.wake, structs.replace(memo, lend=then.memo))
