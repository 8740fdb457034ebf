"""A savings plan: put to work what arrives, bought in equal parts over time where another token is wanted."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, field

from tidemill.errors import BadInput
from tidemill.interfaces import All, At, Decision, Intent, News, Plan, View, Wake
from tidemill.strategies.liquidity import PATIENCE, LpMemo, learn, now_of, sell, works
from tidemill.strategies.parameters import Amount, Bps, ExitHow, Seconds, Token, Venue
from tidemill.strategies.places import Place

__all__ = ["SavingsMemo", "SavingsPlan"]


class SavingsMemo(Struct, frozen=True):
    """When the next purchase is due (seconds), beside what failed lately."""

    next_buy: int = 0
    lately: LpMemo = field(default_factory=LpMemo)


class SavingsPlan(Struct, frozen=True, forbid_unknown_fields=True):
    """Sweep idle ``asset`` into ``place``; or, with ``buys``, spend ``spend`` of it on that token every so often.

    What arrives during the study is told by its contributions. Averaging spends the same each time, whatever the price,
    and less only when less is there; what is bought is swept into ``place``, where there is one.

    Parameters
    ----------
    buys, market, spend, every : the token bought, at which pool, raw units of ``asset`` each time, seconds between two.
    sweep_at : raw units that must lie idle before they are swept, so that a transaction is worth its fee.
    """

    asset: Token
    place: Annotated[Place | None, Meta(description="venue, asset and, of a vault, share")] = None
    buys: Token | None = None
    market: Venue | None = None
    spend: Amount | None = None
    every: Seconds = 7 * 86_400
    sweep_at: Amount = 1
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[SavingsMemo]] = SavingsMemo

    def __post_init__(self) -> None:
        if self.buys and not (self.market and self.spend and self.every):
            raise BadInput("buying needs a market, what to spend each time, and how often", field="buys")
        if not self.buys and not self.place:
            raise BadInput("give a place to sweep into, a token to buy, or both", field="place")
        if self.place and self.place.asset != (self.buys or self.asset):
            raise BadInput(f"the place takes {self.place.asset}, not {self.buys or self.asset}", field="place")

    def decide(self, view: View, memo: SavingsMemo, news: Sequence[News]) -> Decision[SavingsMemo]:
        """Buy if it is time, sweep if it is worth it, otherwise wait for the next purchase or the next arrival."""
        now = now_of(view)
        memo = SavingsMemo(memo.next_buy or now, learn(memo.lately, news, now))
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return Decision(self._leave(view) if memo.lately.failures <= PATIENCE else (), memo=memo)
        if now < memo.lately.not_before:
            return Decision(wake=(At(memo.lately.not_before),), memo=memo)
        if self.buys and now >= memo.next_buy:
            purchase = self._buy(view)
            rounds = (now - memo.next_buy) // self.every + 1  # down: the next one after now
            memo = SavingsMemo(memo.next_buy + rounds * self.every, memo.lately)
            if purchase:
                return Decision((Plan((purchase,)),), memo=memo)
        swept = self.place and view.balances.get(self.place.asset, 0)
        if self.place and swept and swept >= self.sweep_at and works(view, self.place.put(swept)):
            return Decision((Plan((self.place.put(All(self.place.asset)),)),), memo=memo)
        wake: Wake = (At(memo.next_buy),) if self.buys else ()
        return Decision(wake=wake, memo=memo)

    def _buy(self, view: View) -> Intent | None:
        amount = min(view.balances.get(self.asset, 0), self.spend or 0)
        return sell(view, self.market, self.asset, amount, self.slippage_bps) if self.market and amount else None

    def _leave(self, view: View) -> tuple[Plan, ...]:
        """Take everything back, then sell what was bought."""
        if self.exit == "mark":
            return ()
        if self.place and self.place.there(view):
            return (Plan((self.place.leave(),)),) if works(view, self.place.leave()) else ()
        held = view.balances.get(self.buys, 0) if self.buys else 0
        sale = (
            sell(view, self.market, self.buys, held, self.slippage_bps) if self.market and self.buys and held else None
        )
        return (Plan((sale,)),) if sale else ()
