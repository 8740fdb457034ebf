"""Fill orders: keep a float with a liquidity bridge and fill what pays more than its gas."""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct

from tidemill.interfaces import All, At, Decision, EventCount, Intent, News, Plan, View, Wake
from tidemill.strategies.liquidity import LpMemo, now_of
from tidemill.strategies.parameters import Amount, Bps, ExitHow, Token, Venue

__all__ = ["FillOrders"]

_ETHER = 10**18


class FillOrders(Struct, frozen=True, forbid_unknown_fields=True):
    """Bring all of ``asset`` as a float and fill every order that it covers, whose fee is worth it.

    Parameters
    ----------
    native_price : raw units of ``asset`` for one ether: a fee must be above the gas of its fill; without it gas is not looked at.
    collect_at : raw units of fees repaid at which they are put to work; 0 leaves them until the end.
    """

    relayer: Venue
    asset: Token
    least_fee_bps: Annotated[Bps, Meta(description="of the order, hundredths of a per cent")] = 0
    most_bps: Annotated[int, Meta(ge=1, le=10_000, description="of the float in one order, at most")] = 10_000
    collect_at: Annotated[int, Meta(ge=0, description="raw units of the token, 0 for never")] = 0
    native_price: Amount | None = None
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Fill what is there, put fees to work, otherwise wait for the next order. A fill that came late is no reason to wait."""
        now = now_of(view)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        held = [one for one in view.positions if one.venue == self.relayer]
        if view.why == "end":
            leave = Plan((Intent(self.relayer, "withdraw"),))
            return Decision((leave,) if held and self.exit == "close" else (), memo=memo)
        if not memo.entered_at and view.balances.get(self.asset, 0):
            bring = Intent(self.relayer, "deposit", {"amount": All(self.asset)})
            return Decision((Plan((bring,)),), memo=LpMemo(now))
        fees = sum(sum(one.claimable.values()) for one in held)
        if self.collect_at and fees >= self.collect_at:
            collect = Intent(self.relayer, "collect")
            again = Intent(self.relayer, "deposit", {"amount": All(self.asset)})
            return Decision((Plan((collect, again)),), memo=memo)
        plans = tuple(Plan((Intent(self.relayer, "fill", {"order": number}),)) for number in self._worth(view, now))
        repaid = view.read(self.relayer, "repaid", now)
        wake: Wake = (EventCount(self.relayer, 1), *((At(repaid),) if repaid else ()))
        return Decision(plans, wake=() if plans else wake, memo=memo)

    def _worth(self, view: View, now: int) -> Iterator[int]:
        """Yield open orders that pay, the best for its size first, as long as the float reaches."""
        free = view.read(self.relayer, "free", now)
        most = (
            sum(sum(one.principal.values()) for one in view.positions if one.venue == self.relayer)
            * self.most_bps
            // 10_000
        )
        orders = sorted(view.read(self.relayer, "orders"), key=lambda one: (-one[2] * _ETHER // one[1], one[0]))
        for number, amount, fee in orders:
            paid = amount - fee
            if paid > min(free, most) or fee * 10_000 < amount * self.least_fee_bps:
                continue
            if self.native_price is not None:
                gas = view.fee(Intent(self.relayer, "fill", {"order": number})).total
                if fee * _ETHER <= gas * self.native_price:
                    continue
            free -= paid
            yield number
