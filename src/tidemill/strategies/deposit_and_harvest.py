"""Deposit and harvest: a vault, a farm, or a vault's share staked in a farm; claim rewards when they are worth it."""

from __future__ import annotations

from collections.abc import Sequence
from typing import ClassVar

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import All, At, Claimable, Decision, Intent, News, Of, Plan, Revert, View, Wake
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, sell, works
from tidemill.strategies.parameters import Amount, Bps, ExitHow, Token, Venue

__all__ = ["DepositAndHarvest"]


class DepositAndHarvest(Struct, frozen=True, forbid_unknown_fields=True):
    """Put ``asset`` to work and collect what it is paid.

    Parameters
    ----------
    vault : ERC-4626 vault that ``asset`` is deposited in, ``None`` to stake ``asset`` itself.
    farm : staking contract for the vault's ``share`` (or for ``asset``), ``None`` for a vault alone.
    share : token id of the vault's share; needed with a vault.
    reward, claim_at : the farm's reward token, and the raw amount of it at which it is claimed.
    market : pool in which rewards are sold for ``asset`` and put to work again; ``None`` keeps them.
    """

    asset: Token
    vault: Venue | None = None
    farm: Venue | None = None
    share: Token | None = None
    reward: Token | None = None
    claim_at: Amount | None = None
    market: Venue | None = None
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def __post_init__(self) -> None:
        if self.vault is None and self.farm is None:
            raise BadInput("give a vault, a farm or both", field="vault")
        if self.vault is not None and self.share is None:
            raise BadInput("a vault's share needs its token id, SYMBOL@network", field="share")
        if self.claim_at is not None and (self.farm is None or self.reward is None):
            raise BadInput("rewards are claimed from a farm; give farm and reward", field="claim_at")

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Claim if it is time, put to work what lies idle, otherwise wait."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return self._leave(view, memo)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        if self.claim_at is not None and self._claimable(view) >= self.claim_at and self.farm:
            return Decision((Plan((Intent(self.farm, "claim"),)),), memo=memo)
        plan = self._sell_rewards(view) or self._deposit(view)
        return Decision((plan,), memo=memo) if plan else Decision(wake=self._wake(view), memo=memo)

    def _deposit(self, view: View) -> Plan | None:
        """Return the plan that puts the idle asset (and idle shares) to work."""
        steps: list[Intent] = []
        idle = view.balances.get(self.asset, 0)
        if self.vault and idle:
            steps.append(Intent(self.vault, "deposit", {"assets": All(self.asset)}))
            if self.farm:
                steps.append(Intent(self.farm, "stake", {"amount": Of(0, "shares")}))
        elif self.farm and (held := self.share if self.vault else self.asset) and view.balances.get(held, 0):
            steps.append(Intent(self.farm, "stake", {"amount": All(held)}))
        return Plan(tuple(steps)) if steps and works(view, steps[0]) else None

    def _sell_rewards(self, view: View) -> Plan | None:
        held = view.balances.get(self.reward, 0) if self.reward and self.reward != self.asset else 0
        if not (self.market and self.reward and held):
            return None
        sale = sell(view, self.market, self.reward, held, self.slippage_bps)
        return Plan((sale,)) if sale else None

    def worth(self, view: View, token: str) -> int:
        """Return raw units of ``token`` that are idle or in the vault, as it would redeem its shares now."""
        idle = view.balances.get(token, 0)
        if self.vault is None or self.share is None or token != self.asset:
            return idle + sum(p.principal.get(token, 0) for p in view.positions if p.venue == self.farm)
        staked = sum(p.principal.get(self.share, 0) for p in view.positions if p.venue == self.farm)
        shares = view.balances.get(self.share, 0) + staked
        try:
            return (
                idle + view.quote(Intent(self.vault, "redeem", {"shares": shares})).amounts["assets"]
                if shares
                else idle
            )
        except Revert:
            return idle  # not to be had now

    def free(self, view: View, token: str, amount: int) -> Plan | None:
        """Return the plan that takes ``amount`` out of the vault (a portfolio moves it on); a farm keeps its stake."""
        if self.vault is None or self.farm is not None or token != self.asset:
            return None
        withdraw = Intent(self.vault, "withdraw", {"assets": amount})
        return Plan((withdraw,)) if works(view, withdraw) else None

    def _leave(self, view: View, memo: LpMemo) -> Decision[LpMemo]:
        if self.exit == "mark" or memo.failures > PATIENCE:
            return Decision(memo=memo)
        if self.farm and any(p.venue == self.farm and p.principal for p in view.positions):
            return Decision((Plan((Intent(self.farm, "exit"),)),), memo=memo)
        if self.vault and self.share and view.balances.get(self.share, 0):
            redeem = Intent(self.vault, "redeem", {"shares": All(self.share)})
            return Decision((Plan((redeem,)),), memo=memo) if works(view, redeem) else Decision(memo=memo)
        plan = self._sell_rewards(view)
        return Decision((plan,) if plan else (), memo=memo)

    def _claimable(self, view: View) -> int:
        return sum(p.claimable.get(self.reward or "", 0) for p in view.positions if p.venue == self.farm)

    def _wake(self, view: View) -> Wake:
        if self.claim_at is None or not self.farm or not self.reward:
            return ()
        staked = [p.id for p in view.positions if p.venue == self.farm]
        return tuple(Claimable(self.farm, position, self.reward, self.claim_at) for position in staked)
