"""What a pair's reserves say one token is worth in the other."""

from __future__ import annotations

from tidemill.units import div_down, isqrt_down

__all__ = ["LP_DECIMALS", "sqrt_price_x96_down"]

LP_DECIMALS = 18
"""Decimals of every pair's share."""


def sqrt_price_x96_down(reserve0: int, reserve1: int) -> int:
    """Return the square root of token1 per token0 in Q64.96, rounded down.

    >>> sqrt_price_x96_down(1, 4) == 2 << 96
    True
    """
    return isqrt_down(div_down(reserve1 << 192, reserve0))
