"""What v3.6 reckons otherwise than v3.0: every balance is rounded in the pool's favour, and debt is valued upwards.

Source: Aave's public notes on v3.1 to v3.6 (virtual accounting, no stable rates, rounding in favour of the protocol), and what
the bytecode of v3.6 answers: each formula here was told from its neighbours by some hundred random actions.
"""

from __future__ import annotations

from tidemill.units import MAX_UINT256, RAY, Uint, div_down, div_up, rule
from tidemill.venues.aave_v3.rules import percent_div_half_up, percent_mul_half_up, wad_div_half_up

__all__ = [
    "available_borrows_down",
    "leaves_dust",
    "liquidatable_debt_down",
    "liquidation_amounts_v36",
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
_HALF = 5_000
_CLOSE_ALL_BELOW = 95 * 10**16
_CLOSE_ALL_UNDER = 2_000 * 10**8
_DUST = 1_000 * 10**8


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


@rule
def liquidatable_debt_down(debt: Uint, price: Uint, unit: Uint, collateral: Uint, total: Uint, health: Uint) -> Uint:
    """How much of ``debt`` one liquidation may cover, raw units.

    All of it at a health factor of 0.95 and below, and where it or the collateral (a value) is worth less than 2,000 of the
    base currency; else at most half of the value ``total`` that the account owes everywhere.
    """
    value = value_up(debt, price, unit)
    if collateral >= _CLOSE_ALL_UNDER and value >= _CLOSE_ALL_UNDER and health > _CLOSE_ALL_BELOW:
        half = percent_mul_half_up(total, _HALF)
        if value > half:
            return div_down(half * unit, price)
    return debt


@rule
def liquidation_amounts_v36(
    cover: Uint,
    held: Uint,
    debt_price: Uint,
    debt_unit: Uint,
    collateral_price: Uint,
    collateral_unit: Uint,
    bonus: Uint,
    fee: Uint,
) -> tuple[Uint, Uint, Uint]:
    """Collateral for the liquidator, debt covered, collateral for the treasury; as in v3.0, but debt is covered upwards."""
    taken = percent_mul_half_up(div_down(debt_price * cover * collateral_unit, collateral_price * debt_unit), bonus)
    covered = cover
    if taken > held:
        taken = held
        covered = div_up(div_down(collateral_price * held * debt_unit, debt_price * collateral_unit) * _ONE, bonus)
    kept = percent_mul_half_up(taken - percent_div_half_up(taken, bonus), fee)
    return taken - kept, covered, kept


@rule
def leaves_dust(amount: Uint, price: Uint, unit: Uint) -> bool:
    """Whether raw units that a liquidation would leave are worth less than 1,000 of the base currency."""
    return div_down(amount * price, unit) < _DUST
