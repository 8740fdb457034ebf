"""What fronting money over a bridge earns: a relayer who waits to be repaid, and a pool's provider of liquidity."""

from __future__ import annotations

from tidemill.networks.liquidity import RateModel, rate_at_down
from tidemill.units import BPS, div_up, mul_div_down

__all__ = [
    "YEAR",
    "pool_yield_bps_down",
    "relayer_yield_bps_down",
    "repaid_at",
    "utilisation_bps_down",
    "utilisation_rate_down",
]

YEAR = 365 * 86_400


def relayer_yield_bps_down(fee: int, gas: int, amount: int, seconds: int) -> int:
    """Return what a transfer earns on the money fronted, in basis points a year: ``fee`` less ``gas``, both in the same unit.

    Simple, as if the next transfer came at once; a loss is rounded away from zero.

    >>> relayer_yield_bps_down(6 * 10**6, 10**6, 10_000 * 10**6, 3_600)
    43800
    """
    return (fee - gas) * YEAR * BPS // (amount * seconds)


def repaid_at(filled: int, start: int, interval: int, challenge: int) -> int:
    """Return when a fill is repaid (seconds): by the next bundle, one each ``interval`` from ``start``, ``challenge`` later.

    >>> repaid_at(5_401, 0, 5_400, 7_200)
    18000
    """
    return start + div_up(filled - start, interval) * interval + challenge


def pool_yield_bps_down(fees: int, seconds: int, liquidity: int) -> int:
    """Return what a pool's fees over some time are a year of what lies in it, in basis points: whether it is in use or not."""
    return mul_div_down(fees * BPS, YEAR, seconds * liquidity)


def utilisation_bps_down(lent: int, liquidity: int) -> int:
    """Return what part of a pool is on its way, in basis points."""
    return mul_div_down(lent, BPS, liquidity)


def utilisation_rate_down(utilisation: int, kink: int, base: int, slope: int, steep: int) -> int:
    """Return the yearly rate (basis points) of a pool that is ``utilisation`` in use: two straight lines that meet at ``kink``.

    ``slope`` is what the first adds up to at the kink, ``steep`` what the second adds between there and full use.

    >>> [utilisation_rate_down(u, 8_000, 0, 400, 6_000) for u in (0, 4_000, 8_000, 9_000, 10_000)]
    [0, 200, 400, 3400, 6400]
    """
    return rate_at_down(RateModel(kink, base, slope, steep), utilisation, BPS)
