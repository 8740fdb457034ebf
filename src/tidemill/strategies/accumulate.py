"""Accumulate: range orders on one side of the price; what they have bought is taken out and never put in again."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar, Literal

from msgspec import Meta, Struct, structs

from tidemill.errors import BadInput
from tidemill.interfaces import At, Decision, News, Plan, Position, TickLeaves, View
from tidemill.strategies.liquidity import LpMemo, PoolView, closed, learn, leave, minted, now_of, ranges
from tidemill.strategies.parameters import Bps, ExitHow, Ticks, TicksOrNone, Token, Venue
from tidemill.strategies.ratio import MAX_TICK

__all__ = ["Accumulate", "OrderMemo"]

Orders = Annotated[int, Meta(ge=1, le=1_000, description="orders, one after the other; each takes an equal part")]

Follow = Annotated[
    int, Meta(ge=0, le=887_272, description="ticks that the price may go away before an order is laid anew; 0: any")
]


class OrderMemo(LpMemo, frozen=True):
    """How many orders have been carried out, and the position that was the last of them."""

    done: int = 0
    last: str = ""


class Accumulate(Struct, frozen=True, forbid_unknown_fields=True):
    """Buy the other token with ``home`` as its price falls, or sell it for ``home`` as its price rises.

    An order is a range of ``width`` ticks, at least ``gap`` ticks beyond the price, of the token that is paid with alone;
    the price turns it into the other as it passes. Then it is closed, and the next one is laid beyond the price of that
    time. What was bought stays in the wallet until the end, and so does what is left over when the orders are used up.
    """

    venue: Venue
    home: Token
    side: Literal["buy", "sell"] = "buy"
    orders: Orders = 4
    width: Ticks = 200
    gap: TicksOrNone = 10
    follow: Follow = 0
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[OrderMemo]] = OrderMemo

    def decide(self, view: View, memo: OrderMemo, news: Sequence[News]) -> Decision[OrderMemo]:
        """Lay an order, watch it, take it out when the price has passed it; then the next."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        pool, held = PoolView.of(view, self.venue), ranges(view, self.venue)
        return self._watch(pool, held[0], memo) if held else self._order(view, pool, memo)

    def _order(self, view: View, pool: PoolView, memo: OrderMemo) -> Decision[OrderMemo]:
        """Lay the next order of what is paid with, and of nothing else."""
        with0 = self._with_token0(pool)
        idle = pool.held(view)[0 if with0 else 1]
        if memo.done >= self.orders:
            return Decision(memo=memo)
        amount, wide = idle // (self.orders - memo.done), -(-self.width // pool.spacing) * pool.spacing
        if with0:  # token0 alone lies above the price and is sold as it rises
            low = -(-(pool.tick + 1 + self.gap) // pool.spacing) * pool.spacing
        else:
            low = (pool.tick - self.gap) // pool.spacing * pool.spacing - wide
        paid = (amount, 0) if with0 else (0, amount)
        mint = minted(self.venue, (low, low + wide), paid, pool.sqrt_price_x96, self.slippage_bps)
        return Decision((Plan((mint,)),) if mint else (), memo=memo)

    def _watch(self, pool: PoolView, order: Position, memo: OrderMemo) -> Decision[OrderMemo]:
        """Close an order that the price has passed, or, if so asked, one that it has gone away from."""
        low, high = order.data["tick_lower"], order.data["tick_upper"]
        reach = self.follow + self.gap + pool.spacing if self.follow else 2 * MAX_TICK
        if self._with_token0(pool):
            low, done = low - reach, pool.tick >= high
        else:
            high, done = high + reach, pool.tick < low
        if done and order.id != memo.last:
            memo = structs.replace(memo, done=memo.done + 1, last=order.id)
        if done or not low <= pool.tick < high:
            return Decision((closed(order),), memo=memo)
        return Decision(wake=(TickLeaves(self.venue, low, high),), memo=memo)

    def _with_token0(self, pool: PoolView) -> bool:
        """Say whether token0 is what is paid with."""
        if self.home not in (pool.token0, pool.token1):
            raise BadInput(f"{self.venue} trades {pool.token0} and {pool.token1}, not {self.home}", field="home")
        return (self.home == pool.token0) == (self.side == "buy")
