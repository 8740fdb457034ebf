"""A hedged position as it stands: the range, the loan, what lies beside them, and how far the price may go."""

from __future__ import annotations

from collections.abc import Callable

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import Position, TickLeaves, View
from tidemill.strategies.liquidity import PoolView, now_of, ranges
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

__all__ = ["Hedge", "within"]

BPS = 10_000
WAD = 10**18


class Hedge(Struct, frozen=True):
    """What one holds and owes, raw units.

    Parameters
    ----------
    other : the pool's token that is not home. range : the position, ``None`` before and after.
    idle : (home, other) in the wallet. owed : (home, other) of fees not collected. collateral : home supplied.
    debt : other owed. health_bps : health factor, 10,000 is where liquidation begins. free : what the market lends on
        top, in home.
    """

    pool: PoolView
    home_is_0: bool
    other: str
    home: str
    range: Position | None
    idle: tuple[int, int]
    owed: tuple[int, int]
    collateral: int
    debt: int
    health_bps: int
    free: int

    @classmethod
    def of(cls, view: View, venue: str, lending: str, home: str) -> Hedge:
        """Read it; raises ``BadInput`` for a pool that does not trade ``home``."""
        pool = PoolView.of(view, venue)
        if home not in (pool.token0, pool.token1):
            raise BadInput(f"{venue} trades {pool.token0} and {pool.token1}, not {home}", field="home")
        other = pool.token1 if home == pool.token0 else pool.token0
        held = ranges(view, venue)
        loans = [p.principal for p in view.positions if p.venue == lending]
        account = view.read(lending, "getUserAccountData", "me", now_of(view))
        fees = held[0].claimable if held else {}
        collateral = sum(max(p.get(home, 0), 0) for p in loans)
        return cls(
            pool=pool,
            home_is_0=home == pool.token0,
            other=other,
            home=home,
            range=held[0] if held else None,
            idle=(view.balances.get(home, 0), view.balances.get(other, 0)),
            owed=(fees.get(home, 0), fees.get(other, 0)),
            collateral=collateral,
            debt=sum(max(-p.get(other, 0), 0) for p in loans),
            health_bps=account[5] * BPS // WAD,
            free=collateral * account[2] // account[0] if account[0] else 0,
        )

    @property
    def inside(self) -> int:
        """Of the other token in the range."""
        return self.range.principal.get(self.other, 0) if self.range else 0

    @property
    def beside(self) -> int:
        """Of the other token held elsewhere, less what is owed: what of delta the price does not move."""
        return self.idle[1] + self.owed[1] - self.debt

    @property
    def delta(self) -> int:
        """Of the other token held, less what is owed."""
        return self.inside + self.beside

    @property
    def worth_down(self) -> int:
        """What the range holds of both, in home."""
        held = self.range.principal.get(self.home, 0) if self.range else 0
        return held + self.in_home_down(self.inside)

    def in_home_down(self, other: int) -> int:
        """Return an amount of the other token in home, at the pool's price, rounded down."""
        square = self.pool.sqrt_price_x96**2
        return (other << 192) // square if self.home_is_0 else other * square >> 192

    def in_other_down(self, home: int) -> int:
        """Return an amount of home in the other token, at the pool's price, rounded down."""
        square = self.pool.sqrt_price_x96**2
        return home * square >> 192 if self.home_is_0 else (home << 192) // square

    def loose_down(self) -> int:
        """Return the collateral that could be taken out before liquidation begins, by the market's own health factor."""
        if not self.debt:
            return self.collateral
        return self.collateral * max(self.health_bps - BPS, 0) // self.health_bps if self.health_bps else 0

    def inside_at(self, tick: int) -> int:
        """Return what the range would hold of the other token at a tick, rounded down."""
        if self.range is None:
            return 0
        data = self.range.data
        lower, upper = (sqrt_ratio_at_tick(data[name]) for name in ("tick_lower", "tick_upper"))
        return amounts_for_liquidity_down(sqrt_ratio_at_tick(tick), lower, upper, data["liquidity"])[self.home_is_0]


def within(hedge: Hedge, venue: str, band: int, lower: int, upper: int) -> TickLeaves:
    """Return when the price leaves the ticks, within ``[lower, upper)``, where delta is no more than ``band``.

    What a range holds of a token moves one way with the price, so each end is found by halving.
    """

    def fine(tick: int) -> bool:
        return abs(hedge.inside_at(tick) + hedge.beside) <= band

    here = min(max(hedge.pool.tick, lower), upper - 1)
    return TickLeaves(venue, _last(fine, here, lower), _last(fine, here, upper - 1) + 1)


def _last(fine: Callable[[int], bool], here: int, end: int) -> int:
    """Return the tick farthest from ``here`` towards ``end`` that is fine; ``here`` itself is taken to be."""
    step = 1 if end >= here else -1
    good, bad = 0, abs(end - here)
    if fine(end):
        return end
    while bad - good > 1:
        middle = (good + bad) // 2
        if fine(here + step * middle):
            good = middle
        else:
            bad = middle
    return here + step * good
