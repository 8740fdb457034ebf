"""Hold a staking token: stake at its contract (or buy it at a pool), keep it, and leave by the queue (or sell it there)."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.interfaces import All, At, Decision, Intent, News, Plan, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, sell, works
from tidemill.strategies.parameters import Bps, ExitHow, Token, Venue

__all__ = ["HoldStaked"]


class HoldStaked(Struct, frozen=True, forbid_unknown_fields=True):
    """Turn all of ``asset`` into the staking ``token`` and back at the end.

    Parameters
    ----------
    staking : the liquid staking venue. market : pool where the token is bought and sold instead; needed where it is bridged.
    """

    staking: Venue
    asset: Token
    token: Token
    market: Venue | None = None
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Turn what lies idle into the token, otherwise wait."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us; a withdrawal is in flight until it is claimed
        if view.why == "end":
            return self._leave(view, memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        step = self._enter(view)
        return Decision((Plan((step,)),) if step else (), memo=memo)

    def _enter(self, view: View) -> Intent | None:
        idle = view.balances.get(self.asset, 0)
        if not idle:
            return None
        if self.market:
            return sell(view, self.market, self.asset, idle, self.slippage_bps)
        stake = Intent(self.staking, "stake", {"amount": All(self.asset)})
        return stake if works(view, stake) else None

    def _leave(self, view: View, memo: LpMemo) -> Decision[LpMemo]:
        held = view.balances.get(self.token, 0)
        if self.exit == "mark" or memo.failures > PATIENCE or not held:
            return Decision(memo=memo)
        if self.market:
            sale = sell(view, self.market, self.token, held, self.slippage_bps)
            return Decision((Plan((sale,)),) if sale else (), memo=memo)
        most = view.read(self.staking, "convertToShares", view.read(self.staking, "maxRequest"))
        parts = [min(most, held - start) for start in range(0, held, most)]
        requests = [Intent(self.staking, "request_withdrawal", {"shares": part}) for part in parts]
        return Decision(tuple(Plan((request,)) for request in requests if works(view, request)), memo=memo)
