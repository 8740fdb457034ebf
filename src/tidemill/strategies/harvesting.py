"""Strategies on vaults and farms."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.interfaces import All, Arg, Decision, Every, Intent, Limits, News, Plan, Revert, View
from tidemill.units import BPS, div_down

__all__ = ["DepositAndHarvest"]


class DepositAndHarvest(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Deposit an asset into a vault, stake the share in a farm, claim on a cadence, leave at the end.

    Either may be missing: a vault alone just grows; a farm alone takes ``asset`` itself. With ``sell_at`` rewards are
    sold there into the asset and put back in; without it they stay in the wallet as they came.
    """

    home: Annotated[str, Meta(description="token id of the home asset")]
    asset: Annotated[str, Meta(description="token id of what is deposited (or staked, without a vault)")]
    vault: Annotated[str, Meta(description="the study's name of the vault, if any")] = ""
    share: Annotated[str, Meta(description="token id of the vault's share")] = ""
    farm: Annotated[str, Meta(description="the study's name of the farm, if any")] = ""
    reward: Annotated[str, Meta(description="token id of the farm's reward")] = ""
    sell_at: Annotated[str, Meta(description="the study's name of a pool that takes the reward, if any")] = ""
    every: Annotated[int, Meta(ge=60, le=10**9, description="seconds between harvests")] = 7 * 86_400
    slippage_bps: Annotated[int, Meta(ge=0, le=10_000, description="least output of a sale: quote less this")] = 50
    exit: Annotated[Literal["close", "mark"], Meta(description="the study's own `exit`")] = "close"

    def decide(self, view: View, memo: None, news: Sequence[News]) -> Decision[None]:
        """Put in whatever is in the wallet; claim when the time has come; take all out at the end."""
        if view.in_flight:
            return Decision(wake=(Every(self.every),))
        if view.why == "end":
            steps = () if self.exit == "mark" else self._out(view)
        elif view.why == "condition":
            steps = self._harvest(view)
        else:
            steps = self._in(view) if view.why == "start" else ()
        return Decision((Plan(tuple(steps)),) if steps else (), wake=(Every(self.every),))

    def _in(self, view: View) -> list[Intent]:
        """Deposit, then stake what the deposit gave."""
        steps = []
        if self.vault and view.balances.get(self.asset):
            steps.append(Intent(self.vault, "deposit", {"assets": All(self.asset)}))
        staked = self.share if self.vault else self.asset
        if self.farm and (steps or view.balances.get(staked)):
            steps.append(Intent(self.farm, "stake", {"amount": All(staked)}))
        return steps

    def _harvest(self, view: View) -> list[Intent]:
        claimable = sum(p.claimable.get(self.reward, 0) for p in view.positions if p.venue == self.farm)
        if not self.farm or not claimable:
            return []
        steps = [Intent(self.farm, "claim")]
        sale = self._sale(view, claimable + view.balances.get(self.reward, 0))
        if sale is None:
            return steps
        steps.append(sale)
        if self.vault:
            steps.append(Intent(self.vault, "deposit", {"assets": All(self.asset)}))
        steps.append(Intent(self.farm, "stake", {"amount": All(self.share if self.vault else self.asset)}))
        return steps

    def _out(self, view: View) -> list[Intent]:
        mine = [p for p in view.positions if p.venue == self.farm]
        steps = [Intent(self.farm, "exit")] if any(p.data.get("staked") for p in mine) else []
        if self.vault and (steps or view.balances.get(self.share)):
            steps.append(Intent(self.vault, "redeem", {"shares": All(self.share)}))
        expected = view.balances.get(self.reward, 0) + sum(p.claimable.get(self.reward, 0) for p in mine)
        sale = self._sale(view, expected)
        return [*steps, sale] if sale else steps

    def _sale(self, view: View, amount: int) -> Intent | None:
        if not self.sell_at or not amount:
            return None
        probe = Intent(self.sell_at, "swap_exact_in", {"token_in": self.reward, "amount_in": amount})
        try:
            out = view.quote(probe).amounts["amount_out"]
        except Revert:
            return None
        least = div_down(out * (BPS - self.slippage_bps), BPS)
        args: dict[str, Arg] = {"token_in": self.reward, "amount_in": All(self.reward)}
        return Intent(self.sell_at, "swap_exact_in", args, Limits(amounts={"amount_out_min": least}))
