"""Lend: supply a token to a lending market, and take everything back at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import All, At, Decision, Intent, News, Plan, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, works
from tidemill.strategies.parameters import ExitHow, Token, Venue

__all__ = ["EVERYTHING", "Lend"]

EVERYTHING = (1 << 256) - 1
"""What such markets take for all that is there, interest of the last second included."""


class Lend(Struct, frozen=True, forbid_unknown_fields=True):
    """Supply all of ``asset`` at ``lending`` and leave it there. Where too much is lent out to leave, it waits."""

    lending: Venue
    asset: Token
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Supply what lies idle, otherwise wait."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return self._leave(view, memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        supply = Intent(self.lending, "supply", {"asset": self.asset, "amount": All(self.asset)})
        if view.balances.get(self.asset, 0) and works(view, supply):
            return Decision((Plan((supply,)),), memo=memo)
        return Decision(memo=memo)

    def free(self, view: View, token: str, amount: int) -> Plan | None:
        """Return the plan that takes ``amount`` out (a portfolio moves it on), ``None`` where it cannot be had now."""
        withdraw = Intent(self.lending, "withdraw", {"asset": self.asset, "amount": amount})
        return Plan((withdraw,)) if token == self.asset and works(view, withdraw) else None

    def _leave(self, view: View, memo: LpMemo) -> Decision[LpMemo]:
        held = any(p.venue == self.lending and p.principal.get(self.asset, 0) > 0 for p in view.positions)
        if self.exit == "mark" or memo.failures > PATIENCE or not held:
            return Decision(memo=memo)
        withdraw = Intent(self.lending, "withdraw", {"asset": self.asset, "amount": EVERYTHING})
        return Decision((Plan((withdraw,)),), memo=memo)
