"""What strategies on concentrated liquidity share: entering a range from any wallet, and leaving into the home asset.

Everything is integers. A swap's least output is what it would give now, less ``slippage_bps``.
"""

from __future__ import annotations

from typing import NamedTuple

from tidemill.interfaces import All, Intent, Limits, Plan, Revert, View
from tidemill.units import BPS, PIPS, div_down
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_up
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK, sqrt_ratio_at_tick

__all__ = ["Q192", "PoolView", "enter", "leave", "look", "range_around", "swap_for_range", "swap_with_least"]

Q192 = 1 << 192
_UNIT = 1 << 96
_DUST_BPS = 5
"""A swap below this share of what is held is not worth its fee; the remainder stays in the wallet."""


class PoolView(NamedTuple):
    """What a strategy reads of a pool."""

    venue: str
    sqrt_price_x96: int
    tick: int
    tick_spacing: int
    fee: int
    token0: str
    token1: str

    def in_token1_down(self, amount0: int) -> int:
        """Return what ``amount0`` is worth in token1 at the current price."""
        return div_down(amount0 * self.sqrt_price_x96**2, Q192)


def look(view: View, venue: str) -> PoolView:
    """Read a pool."""
    price, tick, *_ = view.read(venue, "slot0")
    return PoolView(
        venue,
        price,
        tick,
        *(view.read(venue, query) for query in ("tickSpacing", "fee", "token0", "token1")),
    )


def range_around(pool: PoolView, width: int) -> tuple[int, int]:
    """Return ``[lower, upper)`` of ``width`` ticks to each side of the price, out to the spacing, within the ends."""
    spacing = pool.tick_spacing
    lower = (pool.tick - width) // spacing * spacing
    upper = -(-(pool.tick + 1 + width) // spacing) * spacing
    lowest, highest = -(-MIN_TICK // spacing) * spacing, MAX_TICK // spacing * spacing
    return max(lower, lowest), min(upper, highest)


def swap_for_range(pool: PoolView, lower: int, upper: int, have0: int, have1: int) -> tuple[str, int] | None:
    """Return (token, amount) to sell so that what remains fits the range, or ``None`` where little is out of place.

    At the current price, impact not counted. With ``r0 : r1`` the range's mix, ``p`` the price and ``f`` the fee,
    selling ``x`` of token0 leaves ``(have0 - x) : (have1 + x p (1 - f))``, so ``x = (have0 r1 - have1 r0) /
    (r1 + r0 p (1 - f))``; token1 likewise.
    """
    need0, need1 = amounts_for_liquidity_up(
        pool.sqrt_price_x96, sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper), _UNIT
    )
    square, left = pool.sqrt_price_x96**2, PIPS - pool.fee
    excess = have0 * need1 - have1 * need0
    if excess > 0:
        amount = div_down(excess * Q192 * PIPS, need1 * Q192 * PIPS + need0 * square * left)
        return (pool.token0, amount) if amount * BPS > have0 * _DUST_BPS else None
    amount = div_down(-excess * square * PIPS, need0 * square * PIPS + need1 * Q192 * left)
    return (pool.token1, amount) if amount * BPS > have1 * _DUST_BPS else None


def swap_with_least(
    view: View, pool: PoolView, token: str, amount: int, slippage_bps: int, *, whole: bool = False
) -> Intent | None:
    """Return an exact-input swap with a least output, or ``None`` where it would give nothing.

    ``whole`` sells the whole balance at the time of the step; ``amount`` then only serves the quote.
    """
    probe = Intent(pool.venue, "swap_exact_in", {"token_in": token, "amount_in": amount})
    try:
        out = view.quote(probe).amounts["amount_out"]
    except Revert:
        return None
    if out == 0:
        return None
    least = div_down(out * (BPS - slippage_bps), BPS)
    return Intent(
        pool.venue,
        "swap_exact_in",
        {"token_in": token, "amount_in": All(token) if whole else amount},
        Limits(amounts={"amount_out_min": least}),
    )


def enter(view: View, pool: PoolView, lower: int, upper: int, slippage_bps: int) -> Plan | None:
    """Plan to put the whole wallet into a range: swap to its mix if need be, then mint what there is."""
    have0, have1 = view.balances.get(pool.token0, 0), view.balances.get(pool.token1, 0)
    if not have0 and not have1:
        return None
    steps: list[Intent] = []
    sell = swap_for_range(pool, lower, upper, have0, have1)
    if sell:
        swap = swap_with_least(view, pool, *sell, slippage_bps)
        if swap is None:
            return None
        steps.append(swap)
    wanted = {"amount0_desired": All(pool.token0), "amount1_desired": All(pool.token1)}
    steps.append(Intent(pool.venue, "mint", {"tick_lower": lower, "tick_upper": upper, **wanted}))
    return Plan(tuple(steps))


def leave(view: View, pool: PoolView, home: str, slippage_bps: int) -> Plan | None:
    """Plan to close every position at the pool and sell its other token into ``home`` (if that is one of the two)."""
    mine = [p for p in view.positions if p.venue == pool.venue]
    steps = [Intent(pool.venue, "close", {"position": p.id}) for p in mine]
    for token in (pool.token0, pool.token1):
        if token == home or home not in (pool.token0, pool.token1):
            continue
        expected = view.balances.get(token, 0)
        expected += sum(p.principal.get(token, 0) + p.claimable.get(token, 0) for p in mine)
        swap = swap_with_least(view, pool, token, expected, slippage_bps, whole=True) if expected else None
        if swap:
            steps.append(swap)
    return Plan(tuple(steps)) if steps else None
