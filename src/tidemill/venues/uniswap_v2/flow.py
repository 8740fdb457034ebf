"""What others do at a made-up pair: noise trades, and arbitrage that follows a seeded log-normal price. All integers.

Every step the outside price moves (about a stated drift, none by default), somebody trades either way at random, and then an
arbitrageur trades the pair back to the edge of what the fee leaves worth trading. Amounts are worked out for the pair without
one's own liquidity: with it, the pair's price follows the outside price damped by one's share.
"""

from __future__ import annotations

from collections.abc import Iterator
from random import Random

from msgspec import Struct

from tidemill.units import BPS, isqrt_down, mul_div_down
from tidemill.venues.uniswap_v2.rules import amount_out_down

__all__ = ["FlowSpec", "swaps"]

E18 = 10**18
DAY = 86_400
YEAR = 365 * DAY


class FlowSpec(Struct, frozen=True):
    """A pair's start and what moves it.

    Parameters
    ----------
    reserves : raw units of both tokens that others bring. volatility_bps : of the outside price, a year.
    noise : raw units of token1 that noise traders trade a day. every : seconds between steps.
    drift_bps : growth of the outside price a year. shock : (fall in basis points, from this second on, until before that
        one): a stress, on top of everything else.
    """

    reserves: tuple[int, int]
    volatility_bps: int
    noise: int
    every: int
    drift_bps: int = 0
    shock: tuple[int, int, int] = (0, 0, 0)


def swaps(spec: FlowSpec, draws: Random, start: int, end: int) -> Iterator[tuple[int, bool, int]]:
    """Return (time, whether token0 is sold, raw amount in) from ``start`` to ``end`` (seconds)."""
    reserves = spec.reserves
    num, den = reserves[1] * E18, reserves[0]  # the outside price: raw token1 per raw token0, times 10**18
    price = num // den
    # The standard deviation of a step, times 10**18: volatility * sqrt(every / year).
    sigma = mul_div_down(spec.volatility_bps, isqrt_down(spec.every * E18 * E18 // YEAR), BPS)
    drift = mul_div_down(spec.drift_bps * E18, spec.every, BPS * YEAR)
    fall, since, until = spec.shock
    mean = mul_div_down(spec.noise, spec.every, DAY)
    for time in range(start + spec.every, end, spec.every):
        price = mul_div_down(price, _growth(draws, sigma) + drift, E18)
        outside = mul_div_down(price, BPS - fall, BPS) if since <= time < until else price
        size = mul_div_down(mean, draws.randrange(2 * BPS), BPS)
        sells0 = draws.randrange(2) == 0
        if sells0:
            size = mul_div_down(size, reserves[0], reserves[1])
        for arbitrage in (False, True):  # the arbitrageur sees what the noise left behind
            zero_for_one, amount = _arbitrage(reserves, outside) if arbitrage else (sells0, size)
            after = _after(reserves, zero_for_one, amount)
            if after is not None:
                yield time, zero_for_one, amount
                reserves = after


def _growth(draws: Random, sigma: int) -> int:
    """Return exp(x - sigma²/2) times 10**18 for a near-normal x: twelve even draws added, then four terms of the series."""
    normal = sum(draws.randrange(10**6) for _ in range(12)) - 6 * 10**6  # deviation one million
    x = normal * sigma // 10**6 - sigma * sigma // (2 * E18)
    square = x * x // E18
    return E18 + x + square // 2 + square * x // (6 * E18)


def _arbitrage(reserves: tuple[int, int], price: int) -> tuple[bool, int]:
    """Return the trade that brings the pair to the edge of the fee's band around ``price``, 0 within the band."""
    k = reserves[0] * reserves[1]
    # Selling token0 pays while reserve1 / reserve0 * 0.997 is above the price; selling token1 while it is below price * 0.997.
    target0 = isqrt_down(k * E18 * 997 // (price * 1000))
    if target0 > reserves[0]:
        return True, target0 - reserves[0]
    target1 = isqrt_down(k * price * 997 // (E18 * 1000))
    return False, max(target1 - reserves[1], 0)


def _after(reserves: tuple[int, int], zero_for_one: bool, amount: int) -> tuple[int, int] | None:
    """Return the reserves after a swap, ``None`` where it would give nothing."""
    reserve_in, reserve_out = reserves if zero_for_one else reserves[::-1]
    out = amount_out_down(amount, reserve_in, reserve_out) if amount else 0
    if not out:
        return None
    after = reserve_in + amount, reserve_out - out
    return after if zero_for_one else after[::-1]
