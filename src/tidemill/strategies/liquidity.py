"""Strategies on one concentrated-liquidity pool."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Annotated, Literal

from msgspec import Meta, Struct

from tidemill.interfaces import (
    All,
    At,
    Claimable,
    Decision,
    Filled,
    Intent,
    News,
    Outcome,
    Plan,
    TickLeaves,
    View,
    Wake,
)
from tidemill.strategies.ranges import Q192, PoolView, enter, leave, look, range_around
from tidemill.units import div_down, isqrt_down
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK

__all__ = ["Compound", "FixedRange", "FullRange", "Hold", "RangeReset"]

Venue = Annotated[str, Meta(min_length=1, description="the study's name of the pool")]
Home = Annotated[str, Meta(min_length=1, description="token id into which everything is closed")]
Exit = Annotated[Literal["close", "mark"], Meta(description="what happens at the end; the study's own `exit`")]
Slippage = Annotated[
    int, Meta(ge=0, le=10_000, description="least output of a swap: its quote less this, basis points")
]
Ticks = Annotated[int, Meta(ge=1, le=MAX_TICK, description="ticks to each side of the price (100 are about 1 %)")]
Tick = Annotated[int, Meta(ge=MIN_TICK, le=MAX_TICK, description="a tick, multiple of the pool's spacing")]


class Entered(Struct, frozen=True):
    """Memo: the range held (ticks), and when it was entered (seconds)."""

    lower: int = 0
    upper: int = 0
    since: int = 0


class _OnPool(Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What all of them take."""

    venue: Venue
    home: Home
    exit: Exit = "close"
    slippage_bps: Slippage = 50

    def _end(self, view: View, pool: PoolView, memo: Entered) -> Decision[Entered]:
        """Leave over as many decisions as it takes."""
        if view.in_flight or self.exit == "mark":
            return Decision(memo=memo)
        plan = leave(view, pool, self.home, self.slippage_bps)
        return Decision((plan,) if plan else (), memo=memo)

    def _held(self, view: View) -> bool:
        return any(p.venue == self.venue for p in view.positions)


class Hold(_OnPool, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Do nothing; at the end sell into the home asset. The baseline of every comparison."""

    Memo = Entered

    def decide(self, view: View, memo: Entered, news: Sequence[News]) -> Decision[Entered]:
        """Wait for the end."""
        return self._end(view, look(view, self.venue), memo) if view.why == "end" else Decision(memo=memo)


class _OneRange(_OnPool, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Enter one range at the start and stay."""

    Memo = Entered

    def bounds(self, pool: PoolView) -> tuple[int, int]:
        """Return the range, ticks."""
        raise NotImplementedError

    def decide(self, view: View, memo: Entered, news: Sequence[News]) -> Decision[Entered]:
        """Enter once; leave at the end."""
        pool = look(view, self.venue)
        if view.why == "end":
            return self._end(view, pool, memo)
        if view.in_flight or self._held(view):
            return Decision(memo=memo)
        lower, upper = (memo.lower, memo.upper) if memo.since else self.bounds(pool)
        plan = enter(view, pool, lower, upper, self.slippage_bps)
        since = max(block.time for block in view.at.values())
        return Decision((plan,) if plan else (), memo=Entered(lower, upper, since))


class FullRange(_OneRange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Provide over the whole range of prices, as a constant-product pool does."""

    def bounds(self, pool: PoolView) -> tuple[int, int]:
        """Return the widest range the spacing allows."""
        return range_around(pool, 2 * MAX_TICK)


class FixedRange(_OneRange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Provide in one range: ``width`` ticks around the first price, or from ``tick_lower`` to ``tick_upper``."""

    width: Ticks = 1_000
    tick_lower: Tick | None = None
    tick_upper: Tick | None = None

    def bounds(self, pool: PoolView) -> tuple[int, int]:
        """Return the range asked for."""
        around = range_around(pool, self.width)
        return (
            around[0] if self.tick_lower is None else self.tick_lower,
            around[1] if self.tick_upper is None else self.tick_upper,
        )


class RangeReset(_OnPool, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Keep a range around the price: when the price is ``trigger`` ticks beyond it, close it and open it anew.

    At most one reset per ``cooldown`` seconds.
    """

    Memo = Entered

    width: Ticks = 500
    trigger: Annotated[int, Meta(ge=0, le=MAX_TICK, description="ticks beyond the range before it is reset")] = 0
    cooldown: Annotated[int, Meta(ge=0, le=10**9, description="least seconds between two resets")] = 3_600

    def decide(self, view: View, memo: Entered, news: Sequence[News]) -> Decision[Entered]:
        """Enter, wait for the price to leave, close, enter again."""
        pool = look(view, self.venue)
        if view.why == "end":
            return self._end(view, pool, memo)
        if view.in_flight:
            return Decision(memo=memo)
        now = max(block.time for block in view.at.values())
        if not self._held(view):
            lower, upper = range_around(pool, self.width)
            plan = enter(view, pool, lower, upper, self.slippage_bps)
            return Decision(
                (plan,) if plan else (), wake=(At(now + max(self.cooldown, 1)),), memo=Entered(lower, upper, now)
            )
        lower, upper = memo.lower - self.trigger, memo.upper + self.trigger
        if lower <= pool.tick < upper:
            return Decision(wake=(TickLeaves(self.venue, lower, upper),), memo=memo)
        if now < memo.since + self.cooldown:
            return Decision(wake=(At(memo.since + self.cooldown),), memo=memo)
        closing = tuple(
            Intent(self.venue, "close", {"position": p.id}) for p in view.positions if p.venue == self.venue
        )
        return Decision((Plan(closing),), memo=memo)


class Compound(FixedRange, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Provide in one range and put fees back in when they have reached ``k`` times the cost of doing so.

    The default ``k = 0`` takes the optimum. Income of rate ``r`` on a position worth ``V`` collects ``rV`` a second;
    putting it back every ``T`` seconds costs ``c / T`` and leaves on average ``rVT / 2`` idle, which forgoes
    ``r * rVT / 2``. The sum is least at ``T = sqrt(2 c / V) / r``, when the fees are ``rVT = sqrt(2 c V)``: the rate
    drops out. So fees are put back when they reach ``sqrt(2 * cost * position)``.
    """

    k: Annotated[
        int, Meta(ge=0, le=10**6, description="harvest at k times its cost; 0 for the closed-form optimum")
    ] = 0
    native: Annotated[str, Meta(description="pool token that is the native token, wrapped; gas is valued in it")] = ""

    def decide(self, view: View, memo: Entered, news: Sequence[News]) -> Decision[Entered]:
        """Enter; harvest and add when it pays; leave at the end."""
        mine = [p for p in view.positions if p.venue == self.venue]
        if view.why == "end" or view.in_flight or not mine:
            return super().decide(view, memo, news)
        pool, held = look(view, self.venue), mine[0]
        harvest = Intent(self.venue, "harvest", {"position": held.id})
        both = {"amount0_desired": All(pool.token0), "amount1_desired": All(pool.token1)}
        add = Intent(self.venue, "increase", {"position": held.id, **both})
        cost = self._cost(view, pool, harvest)
        owed0, owed1 = (held.claimable.get(token, 0) for token in (pool.token0, pool.token1))
        worth = pool.in_token1_down(held.principal.get(pool.token0, 0)) + held.principal.get(pool.token1, 0)
        due = self.k * cost if self.k else isqrt_down(2 * cost * worth)
        missing = due - pool.in_token1_down(owed0) - owed1
        if missing <= 0:
            if any(isinstance(n, Outcome) and isinstance(n.status, Filled) for n in news) and not owed0 | owed1:
                return Decision(memo=memo)
            return Decision((Plan((harvest, add)),), memo=memo)
        return Decision(wake=self._when(pool, held.id, owed0, owed1, missing), memo=memo)

    def _cost(self, view: View, pool: PoolView, harvest: Intent) -> int:
        """Return the gas of harvesting and adding, in token1; adding costs about what harvesting does."""
        wei = 2 * view.fee(harvest).total
        return pool.in_token1_down(wei) if self.native == pool.token0 else wei

    def _when(self, pool: PoolView, position: str, owed0: int, owed1: int, missing: int) -> Wake:
        """Wake when either token has gained half of what is missing: before both together can have gained all of it."""
        half1 = missing // 2 + 1
        half0 = div_down(half1 * Q192, pool.sqrt_price_x96**2) + 1
        return (
            Claimable(self.venue, position, pool.token0, owed0 + half0),
            Claimable(self.venue, position, pool.token1, owed1 + half1),
        )
