"""What v3.6 reckons otherwise than v3.0: every balance is rounded in the pool's favour, and debt is valued upwards.

Source: Aave's public notes on v3.1 to v3.6 (virtual accounting, no stable rates, rounding in favour of the protocol), and what
the bytecode of v3.6 answers: each formula here was told from its neighbours by some hundred random actions.
"""

from __future__ import annotations

from tidemill.units import MAX_UINT256, RAY, Uint, div_down, div_up, rule
from tidemill.venues.aave_v3.rules import percent_mul_half_up, wad_div_half_up

__all__ = [
    "available_borrows_down",
    "percent_mul_down",
    "percent_mul_up",
    "ray_div_down",
    "ray_div_up",
    "ray_mul_down",
    "ray_mul_up",
    "treasury_shares_down",
    "value_up",
    "weighted_health_factor",
]

_ONE = 10**4


@rule
def ray_mul_down(a: Uint, b: Uint) -> Uint:
    """``a * b`` in rays, down: what a supply is worth."""
    return div_down(a * b, RAY)


@rule
def ray_mul_up(a: Uint, b: Uint) -> Uint:
    """``a * b`` in rays, up: what is owed."""
    return div_up(a * b, RAY)


@rule
def ray_div_down(a: Uint, b: Uint) -> Uint:
    """``a / b`` in rays, down: shares that a supply makes, and debt that a payment clears."""
    return div_down(a * RAY, b)


@rule
def ray_div_up(a: Uint, b: Uint) -> Uint:
    """``a / b`` in rays, up: shares that a withdrawal burns, and debt that a loan makes."""
    return div_up(a * RAY, b)


@rule
def percent_mul_down(value: Uint, bps: Uint) -> Uint:
    """``bps`` basis points of ``value``, down."""
    return div_down(value * bps, _ONE)


@rule
def percent_mul_up(value: Uint, bps: Uint) -> Uint:
    """``bps`` basis points of ``value``, up."""
    return div_up(value * bps, _ONE)


@rule
def treasury_shares_down(scaled_debt: Uint, before: Uint, after: Uint, reserve_factor: Uint, index: Uint) -> Uint:
    """Scaled shares owed to the treasury for what the index of debt grew by; the part itself is rounded half up."""
    grown = ray_mul_down(scaled_debt, after - before)
    return ray_div_down(percent_mul_half_up(grown, reserve_factor), index)


@rule
def value_up(amount: Uint, price: Uint, unit: Uint) -> Uint:
    """Value of raw units owed; ``unit`` is ten to the token's decimals."""
    return div_up(amount * price, unit)


@rule
def weighted_health_factor(weighted: Uint, debt: Uint) -> Uint:
    """Collateral times its thresholds (basis points) per debt, in wads; the largest number where nothing is owed."""
    if debt == 0:
        return MAX_UINT256
    return div_down(wad_div_half_up(weighted, debt), _ONE)


@rule
def available_borrows_down(collateral: Uint, debt: Uint, ltv: Uint) -> Uint:
    """Value that can still be borrowed, nothing below zero."""
    limit = percent_mul_down(collateral, ltv)
    if limit < debt:
        return limit - limit
    return limit - debt
