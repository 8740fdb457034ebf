"""A range whose provider a sponsor rewards by a campaign: claims are worth a transaction only from a certain size on."""

from msgspec import Struct

from tidemill.interfaces import At, Claimable, Decision, Intent, Plan
from tidemill.strategies.fixed_range import FixedRange
from tidemill.strategies.liquidity import LpMemo, learn, now_of


class RewardedRange(Struct, frozen=True):
    """A fixed range in ``venue``; claim from ``campaign`` whenever ``claim_at`` raw units of ``reward`` can be had."""

    venue: str
    campaign: str
    home: str
    reward: str
    claim_at: int
    below: int = 1_000
    above: int = 1_000

    Memo = LpMemo

    def decide(self, view, memo, news):
        """Called at the start, after each transaction, when enough can be claimed, and at the end."""
        claims = next((p for p in view.positions if p.id == f"{self.campaign}#claims"), None)
        due = claims.claimable.get(self.reward, 0) if claims else 0
        now = now_of(view)
        waiting = view.in_flight or now < memo.not_before
        if not waiting and due and (view.why == "end" or due >= self.claim_at):
            return Decision((Plan((Intent(self.campaign, "claim"),)),), memo=learn(memo, news, now))
        inner = FixedRange(self.venue, self.home, self.below, self.above).decide(view, memo, news)
        if view.in_flight or inner.plans:
            return inner
        if now < inner.memo.not_before:
            return Decision(wake=(At(inner.memo.not_before),), memo=inner.memo)
        wake = (Claimable(self.campaign, f"{self.campaign}#claims", self.reward, max(self.claim_at, due + 1)),)
        return Decision(wake=wake if view.why != "end" else (), memo=inner.memo)
