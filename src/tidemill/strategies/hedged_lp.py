"""Hedged liquidity: a range whose volatile token is borrowed, so that what its price does is owed as much as it is held."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, ClassVar

from msgspec import Meta, Struct, structs

from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import All, At, Condition, Crosses, Decision, Every, Intent, News, Of, Plan, Position, View
from tidemill.strategies.hedge import Hedge, within
from tidemill.strategies.lend import EVERYTHING
from tidemill.strategies.liquidity import LpMemo, closed, held_back, learn, minted, now_of, sell, works
from tidemill.strategies.parameters import Bps, ExitHow, Seconds, Ticks, TicksOrNone, Token, Venue
from tidemill.strategies.ratio import needs_of, usable_range

__all__ = ["HedgeMemo", "HedgedLp"]

BPS = 10_000
_MORE = 10_001
"""A debt grows until it is paid: a hundredth of a per cent more is enough for days."""
_NEAR = 9_900
"""Part of what could be taken out that is: prices may move a little until then."""
_ROOM = 10_300
"""A health factor is to begin 3 % above the guard: oracle and pool differ."""
_FEW = 100
"""Less than a hundredth of what there is stays as it is."""

Part = Annotated[int, Meta(ge=5_000, le=9_500, description="of what one brings, hundredths of a per cent")]
Band = Annotated[int, Meta(ge=10, le=5_000, description="of the range's worth, hundredths of a per cent")]
Apart = Annotated[int, Meta(ge=1, le=31_536_000, description="seconds between looks, beside those that are called for")]
Health = Annotated[int, Meta(ge=10_100, le=100_000, description="health factor, 10000 is where liquidation begins")]


class HedgeMemo(LpMemo, frozen=True):
    """Beside failures: whether everything is being taken down, to be built up again."""

    down: bool = False


class HedgedLp(Struct, frozen=True, forbid_unknown_fields=True):
    """Supply ``collateral_bps`` of ``home``, borrow the pool's other token, and put it with the rest into a range.

    Delta is what one holds of the other token, in the range and beside it, less what one owes of it. Once it is worth
    more than ``band_bps`` of the range it is brought to nothing: too much is covered by borrowing and selling, too little
    by buying and repaying, with money from the collateral. When the price is ``trigger`` ticks outside the range, or the
    health factor below ``guard_bps``, all of it is taken down and built up again around the price.

    Parameters
    ----------
    lending : market that takes ``home`` as collateral and lends the other token.
    """

    venue: Venue
    lending: Venue
    home: Token
    width: Ticks = 1_500
    trigger: TicksOrNone = 0
    cooldown: Seconds = 21_600
    collateral_bps: Part = 6_600
    band_bps: Band = 500
    guard_bps: Health = 11_500
    every: Apart = 21_600
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[HedgeMemo]] = HedgeMemo

    def decide(self, view: View, memo: HedgeMemo, news: Sequence[News]) -> Decision[HedgeMemo]:
        """Build up, keep delta within its band, take down; one plan at a time."""
        now = now_of(view)
        memo = learn(memo, news, now)
        waits = held_back(view, memo, now, self.exit)
        if waits is not None:
            return waits
        if view.why == "end":
            return Decision(self._leave(view), memo=memo)
        hedge = Hedge.of(view, self.venue, self.lending, self.home)
        if memo.down or self._over(hedge, memo, now):
            if plan := self._down(view, hedge):
                return Decision((plan,), memo=structs.replace(memo, down=True))
            memo = structs.replace(memo, down=False)
        if hedge.range is None:
            plan = self._up(view, hedge)
            return Decision((plan,) if plan else (), memo=structs.replace(memo, entered_at=now))
        if abs(hedge.delta) > self._band(hedge):
            if plan := self._even(view, hedge):
                return Decision((plan,), memo=memo)
            return Decision((closed(hedge.range),), memo=structs.replace(memo, down=True))
        return Decision(wake=self._wake(view, hedge, hedge.range, memo), memo=memo)

    # --- looking ------------------------------------------------------------------------------------------------------

    def _band(self, hedge: Hedge) -> int:
        """Return the most that delta may be, raw units of the other token."""
        return hedge.in_other_down(hedge.worth_down) * self.band_bps // BPS

    def _over(self, hedge: Hedge, memo: HedgeMemo, now: int) -> bool:
        """Say whether it must be taken down: a debt without a range, a debt too large, or a price that has gone."""
        if hedge.debt and (hedge.range is None or hedge.health_bps < self.guard_bps):
            return True
        if hedge.range is None or now < memo.entered_at + self.cooldown:
            return False
        lower, upper = self._ends(hedge.range)
        return not lower <= hedge.pool.tick < upper

    def _ends(self, position: Position) -> tuple[int, int]:
        return position.data["tick_lower"] - self.trigger, position.data["tick_upper"] + self.trigger

    def _wake(self, view: View, hedge: Hedge, position: Position, memo: HedgeMemo) -> tuple[Condition, ...]:
        """Look now and then, and at once when delta, price or oracle has gone as far as it may."""
        leaves = within(hedge, self.venue, self._band(hedge), *self._ends(position))
        oracle = f"{self.lending}:{hedge.other.partition('@')[0]}"
        price = view.read(self.lending, "getAssetPrice", hedge.other)
        rest = max(memo.entered_at + self.cooldown, now_of(view) + 1)
        lower, upper = self._ends(position)
        gone: tuple[Condition, ...] = (leaves,) if lower <= hedge.pool.tick < upper else (At(rest),)
        try:
            view.oracle(oracle)
        except UnknownName:
            return (Every(self.every), *gone)
        dear = Crosses(oracle, "price", price * hedge.health_bps // self.guard_bps, above=True)
        return (Every(self.every), *gone, dear)

    # --- up and even --------------------------------------------------------------------------------------------------

    def _up(self, view: View, hedge: Hedge) -> Plan | None:
        """Sell what one has of the other token; supply; then borrow it and mint with the rest of home."""
        pool, (home, other) = hedge.pool, hedge.idle
        if not hedge.collateral:
            if hedge.in_home_down(other) * _FEW > home:
                sale = sell(view, self.venue, hedge.other, other, self.slippage_bps)
                return Plan((sale,)) if sale else None
            part = home * self.collateral_bps // BPS
            return Plan((self._supply(part),)) if part else None
        span = usable_range(pool.tick - self.width, pool.tick + self.width, pool.spacing)
        needs = needs_of(pool.sqrt_price_x96, *span)
        need_home, need_other = needs if hedge.home_is_0 else needs[::-1]
        borrowed = home * need_other // max(need_home, 1)
        self._check(view, hedge, borrowed)
        amounts = (home, borrowed) if hedge.home_is_0 else (borrowed, home)
        mint = minted(self.venue, span, amounts, pool.sqrt_price_x96, self.slippage_bps)
        borrow = Intent(self.lending, "borrow", {"asset": hedge.other, "amount": borrowed})
        return Plan((borrow, mint)) if mint else None

    def _check(self, view: View, hedge: Hedge, borrowed: int) -> None:
        """Refuse what the market does not lend, or what the guard would take down at once."""
        value, _, free, threshold, *_ = view.read(self.lending, "getUserAccountData", "me", now_of(view))
        # in the market's base currency, at the pool's price: the oracle may be a little off, hence some room
        debt = -(-value * hedge.in_home_down(borrowed) * _ROOM // (max(hedge.collateral, 1) * BPS)) or 1
        if debt > free:
            raise BadInput(
                f"{self.lending} lends {free * BPS // max(value, 1)} per 10000 of collateral and the range needs "
                f"{debt * BPS // max(value, 1)}; supply more",
                field="collateral_bps",
            )
        if value * threshold < debt * self.guard_bps:
            raise BadInput(
                f"{self.guard_bps} is above the health factor to begin with, {value * threshold // debt}; lower it, or "
                "raise collateral_bps",
                field="guard_bps",
            )

    def _even(self, view: View, hedge: Hedge) -> Plan | None:
        """Return the plan that brings delta to nothing, or nearer, as far as the market lends and lets go at once.

        ``None`` where that is next to nothing.
        """
        if hedge.delta > 0:
            amount = min(hedge.delta, hedge.in_other_down(hedge.free) * _NEAR // BPS)
            if amount * _FEW < hedge.delta:
                return None
            borrow = Intent(self.lending, "borrow", {"asset": hedge.other, "amount": amount})
            return self._through(view, borrow, hedge.other, amount, self._supply(All(self.home)))
        price = self._price_of(hedge, -hedge.delta)
        amount = min(price, hedge.loose_down() * _NEAR // BPS)
        if amount * _FEW < price:
            return None
        withdraw = Intent(self.lending, "withdraw", {"asset": self.home, "amount": amount})
        return self._through(view, withdraw, self.home, amount, self._repay(hedge, All(hedge.other)))

    def _through(self, view: View, first: Intent, token: str, amount: int, last: Intent) -> Plan | None:
        """Return the plan that sells what a first step brings and does a last one with the proceeds."""
        sale = sell(view, self.venue, token, amount, self.slippage_bps)
        if sale is None or not works(view, first):
            return None
        through = Intent(self.venue, sale.verb, {**sale.args, "amount_in": Of(0, "amount")}, sale.limits)
        return Plan((first, through, last))

    def _supply(self, amount: int | All) -> Intent:
        return Intent(self.lending, "supply", {"asset": self.home, "amount": amount})

    def _repay(self, hedge: Hedge, amount: int | All) -> Intent:
        return Intent(self.lending, "repay", {"asset": hedge.other, "amount": amount})

    def _price_of(self, hedge: Hedge, other: int) -> int:
        """Return home that buys at least ``other``: its worth, the pool's fee and a little for the swap's own impact."""
        return (
            -(-hedge.in_home_down(other) * (BPS + self.slippage_bps) // BPS) * 1_000_000 // (1_000_000 - hedge.pool.fee)
            + 1
        )

    # --- down ---------------------------------------------------------------------------------------------------------

    def _down(self, view: View, hedge: Hedge) -> Plan | None:
        """Close the range, repay everything, take the collateral back: the next of these that is not done yet."""
        if hedge.range is not None:
            return closed(hedge.range)
        if not hedge.debt:
            everything = Intent(self.lending, "withdraw", {"asset": self.home, "amount": EVERYTHING})
            return Plan((everything,)) if hedge.collateral else None
        home, other = hedge.idle
        missing = -(-hedge.debt * _MORE // BPS) - other
        if missing <= 0:
            return Plan((self._repay(hedge, EVERYTHING),))
        price = max(
            self._price_of(hedge, missing), (home + hedge.collateral) // BPS
        )  # no swap of dust, which brings nothing
        if home >= price:
            sale = sell(view, self.venue, self.home, price, self.slippage_bps)
            return Plan((sale,)) if sale else None
        # the range has lost more than it earned: what the collateral can spare buys the rest, in as many steps as it takes
        loose = hedge.loose_down() * _NEAR // BPS
        if not loose:
            sale = sell(view, self.venue, self.home, home, self.slippage_bps) if home else None
            return Plan((sale, self._repay(hedge, All(hedge.other)))) if sale else None
        amount = min(price - home, loose)
        withdraw = Intent(self.lending, "withdraw", {"asset": self.home, "amount": amount})
        return self._through(view, withdraw, self.home, amount, self._repay(hedge, All(hedge.other)))

    def _leave(self, view: View) -> tuple[Plan, ...]:
        """Take everything down and sell what is left of the other token."""
        hedge = Hedge.of(view, self.venue, self.lending, self.home)
        if plan := self._down(view, hedge):
            return (plan,)
        held = hedge.idle[1]
        sale = sell(view, self.venue, hedge.other, held, self.slippage_bps) if held else None
        return (Plan((sale,)),) if sale else ()
