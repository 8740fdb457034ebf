"""Where the versions of a reserve part: how balances are rounded, and how debt grows."""

from __future__ import annotations

from tidemill.venues.aave_v3.rules import (
    binomial_interest_down,
    ray_div_half_up,
    ray_mul_half_up,
    taylor_interest_half_up,
)
from tidemill.venues.aave_v3.rules_v36 import ray_div_down, ray_div_up, ray_mul_down, ray_mul_up
from tidemill.venues.aave_v3.state import ReserveState

__all__ = ["V30", "V36", "balance", "debt_growth", "shares"]

V30, V36 = 30, 36
"""Versions by `ReserveState.version`."""


def balance(reserve: ReserveState, scaled: int, index: int, *, debt: bool) -> int:
    """Return the raw units that scaled shares stand for."""
    if reserve.version == V30:
        return ray_mul_half_up(scaled, index)
    return ray_mul_up(scaled, index) if debt else ray_mul_down(scaled, index)


def shares(reserve: ReserveState, amount: int, index: int, *, debt: bool, burnt: bool) -> int:
    """Return the scaled shares that raw units make, or burn: since v3.5 never to the pool's loss."""
    if reserve.version == V30:
        return ray_div_half_up(amount, index)
    return ray_div_up(amount, index) if debt != burnt else ray_div_down(amount, index)


def debt_growth(reserve: ReserveState, seconds: int) -> int:
    """Return the growth of debt over ``seconds``, in rays."""
    grown = binomial_interest_down if reserve.version == V30 else taylor_interest_half_up
    return grown(reserve.variable_rate, seconds)
