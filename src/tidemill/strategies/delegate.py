"""Delegate: stake with a validator, put rewards to work again now and then, and ask everything back at the end."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tidemill.interfaces import All, At, Decision, Intent, News, Plan, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, works
from tidemill.strategies.parameters import ExitHow, Seconds, Token, Venue

__all__ = ["Delegate"]


class Delegate(Struct, frozen=True, forbid_unknown_fields=True):
    """Delegate all of ``asset`` at ``staking``.

    Parameters
    ----------
    restake_every : seconds between putting rewards to work; 0 leaves them until the end.
    keep : what stays in the wallet, for fees where the token staked is the one that pays them.
    """

    staking: Venue
    asset: Token
    restake_every: Seconds = 0
    keep: Annotated[int, Meta(ge=0, description="raw units of the token that are not delegated")] = 0
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Delegate what lies idle, restake when it is time, otherwise wait."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us; what is unbonding is in flight until it is claimed
        staked = sum(p.data["staked"] for p in view.positions if p.venue == self.staking and p.kind == "stake")
        if view.why == "end":
            leave = Intent(self.staking, "undelegate", {"amount": staked})
            closes = self.exit == "close" and staked and memo.failures <= PATIENCE
            return Decision((Plan((leave,)),) if closes else (), memo=memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        if not memo.entered_at and view.balances.get(self.asset, 0) > self.keep:
            enter = Intent(self.staking, "delegate", {"amount": All(self.asset, self.keep)})
            return self._do(view, enter, LpMemo(now))
        if not (self.restake_every and staked):
            return Decision(memo=memo)
        due = memo.entered_at + self.restake_every
        if now < due:
            return Decision(wake=(At(due),), memo=memo)
        return self._do(view, Intent(self.staking, "restake"), LpMemo(now))

    @staticmethod
    def _do(view: View, step: Intent, memo: LpMemo) -> Decision[LpMemo]:
        return Decision((Plan((step,)),) if works(view, step) else (), memo=memo)
