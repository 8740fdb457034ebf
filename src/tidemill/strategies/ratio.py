"""How much to swap so that what remains is what a range needs: closed form, in integers."""

from __future__ import annotations

from msgspec import Struct

from tidemill.units import mul_div_down
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down, liquidity_for_amounts_down
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

__all__ = [
    "MAX_TICK",
    "Swap",
    "least_amounts",
    "liquidity_of",
    "needs_of",
    "swap_to_needs",
    "swap_to_ratio",
    "usable_range",
]

MAX_TICK = 887_272
PIPS = 1_000_000
PROBE = 1 << 100
"""Liquidity by which the needed ratio is measured: large enough for any price, and the amounts fit 256 bits."""


class Swap(Struct, frozen=True):
    """Sell ``amount`` raw units of token0 (or of token1)."""

    zero_for_one: bool
    amount: int


def usable_range(lower: int, upper: int, spacing: int) -> tuple[int, int]:
    """Return the range widened outwards to multiples of the tick spacing, within the ticks a pool has.

    >>> usable_range(-7, 12, 10), usable_range(-10**7, 10**7, 60)
    ((-10, 20), (-887220, 887220))
    """
    most = MAX_TICK // spacing * spacing
    low, high = lower // spacing * spacing, -(-upper // spacing) * spacing
    low, high = max(low, -most), min(high, most)
    return (low, high) if low < high else (min(low, most - spacing), min(low, most - spacing) + spacing)


def swap_to_ratio(
    held: tuple[int, int], sqrt_price_x96: int, lower: int, upper: int, rate: tuple[int, int] | None, fee: int = 0
) -> Swap | None:
    """Return the swap after which ``held`` has the ratio that the range ``[lower, upper)`` needs: see ``swap_to_needs``."""
    return swap_to_needs(held, needs_of(sqrt_price_x96, lower, upper), sqrt_price_x96, rate, fee)


def needs_of(sqrt_price_x96: int, lower: int, upper: int) -> tuple[int, int]:
    """Return raw units of (token0, token1) that 2**100 of liquidity of the range hold at this price, rounded down."""
    return amounts_for_liquidity_down(sqrt_price_x96, sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper), PROBE)


def swap_to_needs(
    held: tuple[int, int], needs: tuple[int, int], sqrt_price_x96: int, rate: tuple[int, int] | None, fee: int = 0
) -> Swap | None:
    """Return the swap after which ``held`` has the ratio of ``needs``.

    Derivation. A unit of what is to be had needs ``n0`` and ``n1``. Selling ``x`` of token0 brings ``x·r`` token1
    (``r`` = token1 per token0, fee taken off), and the ratio fits when ``(h0 − x) / (h1 + x·r) = n0 / n1``, so::

        x = (h0·n1 − h1·n0) / (n1 + n0·r)                      if that is positive, else, selling token1,
        x = (h1·n0 − h0·n1) / (n0 + n1·r)    with r = token0 per token1.

    The swap's own effect on the price is in ``r`` when that is taken from a quote of about this size (ask twice).

    Parameters
    ----------
    held : raw units of (token0, token1). rate : (out, in) of a quoted swap in the right direction, or ``None``: the
        pool's price less ``fee`` (millionths).

    Returns
    -------
    Swap, rounded down; ``None`` if nothing needs selling.
    """
    need0, need1 = needs
    surplus0 = held[0] * need1 - held[1] * need0
    if surplus0 == 0 or (need0 == 0 and need1 == 0):
        return None
    square = sqrt_price_x96 * sqrt_price_x96
    if surplus0 > 0:
        out, into = rate or (square * (PIPS - fee), (1 << 192) * PIPS)
        amount = mul_div_down_wide(surplus0, into, need1 * into + need0 * out)
    else:
        out, into = rate or ((1 << 192) * (PIPS - fee), square * PIPS)
        amount = mul_div_down_wide(-surplus0, into, need0 * into + need1 * out)
    return Swap(surplus0 > 0, amount) if amount else None


def least_amounts(
    held: tuple[int, int], sqrt_price_x96: int, lower: int, upper: int, slippage_bps: int
) -> tuple[int, int]:
    """Return (amount0_min, amount1_min) of a mint, such that it reverts once the price has moved too far.

    Adding liquidity at a price that somebody has just moved gives value away, so the minimums are the price bound: with
    the price ``slippage_bps`` higher the mint takes less of token0, with it lower less of token1; exactly these are
    asked for. The square root moves by half as many basis points. (Removing liquidity needs no such bound: what a
    position gives at a moved price is worth no less at the true one.)
    """
    a, b = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    ends = []
    for moved in (20_000 + slippage_bps, 20_000 - slippage_bps):
        price = mul_div_down(sqrt_price_x96, moved, 20_000)
        ends.append(amounts_for_liquidity_down(price, a, b, liquidity_for_amounts_down(price, a, b, *held)))
    return ends[0][0], ends[1][1]


def liquidity_of(held: tuple[int, int], sqrt_price_x96: int, lower: int, upper: int) -> int:
    """Return the most liquidity of ``[lower, upper)`` that ``held`` pays for at this price."""
    a, b = sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
    return liquidity_for_amounts_down(sqrt_price_x96, a, b, *held)


def mul_div_down_wide(a: int, b: int, d: int) -> int:
    """Return ``a·b/d`` rounded down, of any width: an estimate of what to sell, not a contract's arithmetic."""
    return a * b // d
