"""Lock and claim: lock a token for votes, collect the weekly dividends, and take it back when the lock ends."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, structs

from tidemill.interfaces import All, At, Claimable, Condition, Decision, Intent, News, Plan, Position, Revert, View
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, sell
from tidemill.strategies.parameters import Amount, Bps, ExitHow, Token, Venue

__all__ = ["LockAndClaim"]

WEEK = 7 * 86_400
Weeks = Annotated[int, Meta(ge=1, le=52, description="weeks")]


class LockAndClaim(Struct, frozen=True, forbid_unknown_fields=True):
    """Lock all of ``asset`` at ``escrow`` for ``weeks`` and claim ``reward`` whenever ``claim_at`` of it are there.

    Parameters
    ----------
    renew : extend the lock every week, so that its votes do not decay; at the end it is then still locked.
        Without it the asset is taken back when the lock ends, and kept.
    market : pool in which dividends are sold for ``home``; ``None`` keeps them.
    """

    escrow: Venue
    asset: Token
    reward: Token
    home: Token
    weeks: Weeks = 26
    claim_at: Amount = 1
    renew: Annotated[bool, Meta(description="extend the lock every week")] = False
    market: Venue | None = None
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Lock once, take back what has ended, extend, claim, sell; otherwise wait."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        lock = next((p for p in view.positions if p.venue == self.escrow), None)
        if view.why == "end":
            return self._leave(view, memo, lock, now)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        step = self._step(view, memo, lock, now)
        if step is None:
            return Decision(wake=tuple(self._wake(lock)), memo=memo)
        if step.verb == "create_lock":
            memo = structs.replace(memo, entered_at=now)
        return Decision((Plan((step,)),), memo=memo)

    def _step(self, view: View, memo: LpMemo, lock: Position | None, now: int) -> Intent | None:
        if lock is not None and lock.claimable.get(self.reward, 0) >= self.claim_at:
            return Intent(self.escrow, "claim")
        if lock is None or not lock.principal:
            idle = view.balances.get(self.asset, 0)
            first = not memo.entered_at or memo.failures > 0
            return self._tried(view, self._lock(now)) if idle and first else self._sale(view)
        if lock.data["end"] <= now:
            return Intent(self.escrow, "withdraw")
        if self.renew and now >= self._extends(lock):
            extend = Intent(self.escrow, "increase_unlock_time", {"unlock_time": now + self.weeks * WEEK})
            return self._tried(view, extend)
        return self._sale(view)

    def _lock(self, now: int) -> Intent:
        return Intent(self.escrow, "create_lock", {"amount": All(self.asset), "unlock_time": now + self.weeks * WEEK})

    @staticmethod
    def _tried(view: View, intent: Intent) -> Intent | None:
        """Return a step if the contract would do it now."""
        try:
            view.quote(intent)
        except Revert:
            return None
        return intent

    def _sale(self, view: View) -> Intent | None:
        held = view.balances.get(self.reward, 0) if self.reward != self.home else 0
        return sell(view, self.market, self.reward, held, self.slippage_bps) if self.market and held else None

    def _leave(self, view: View, memo: LpMemo, lock: Position | None, now: int) -> Decision[LpMemo]:
        """Claim what is there, take back what has ended; what is locked stays, and the statement names it."""
        if self.exit == "mark" or memo.failures > PATIENCE:
            return Decision(memo=memo)
        step: Intent | None = None
        if lock is not None and lock.claimable:
            step = Intent(self.escrow, "claim")
        elif lock is not None and lock.principal and lock.data["end"] <= now:
            step = Intent(self.escrow, "withdraw")
        else:
            step = self._sale(view)
        return Decision((Plan((step,)),) if step else (), memo=memo)

    def _extends(self, lock: Position) -> int:
        """Return when ``weeks`` from now first reach into another week than the one in which the lock ends."""
        return lock.data["end"] - (self.weeks - 1) * WEEK

    def _wake(self, lock: Position | None) -> Iterator[Condition]:
        if lock is None:
            return
        yield Claimable(self.escrow, lock.id, self.reward, self.claim_at)
        if lock.principal:
            yield At(self._extends(lock) if self.renew else lock.data["end"])
