"""Risk in Aave v3: values in the base currency, health, what can be borrowed, and what a liquidation takes.

Source: the Aave v3 technical paper (January 2022), sections 3.4 and 4.3, and what the bytecode of v3.0.2 answers. Values
are in the oracle's base currency (8 decimals on the networks of today), percentages basis points, health factors wads.
"""

from __future__ import annotations

from tidemill.units import MAX_UINT256, Uint, div_down, rule
from tidemill.venues.aave_v3.rules import percent_div_half_up, percent_mul_half_up, wad_div_half_up

__all__ = [
    "HEALTHY",
    "available_borrows",
    "average_down",
    "collateral_needed",
    "health_factor_half_up",
    "isolated_units_down",
    "liquidatable_debt",
    "liquidation_amounts",
    "value_down",
]

HEALTHY = 10**18
"""Health factor below which a position can be liquidated."""

_CLOSE_ALL_BELOW = 95 * 10**16
_ONE = 10**4
_HALF = 5_000
_FULL_PERCENT = 10_000


@rule
def value_down(amount: Uint, price: Uint, unit: Uint) -> Uint:
    """Value of raw units; ``unit`` is ten to the token's decimals."""
    return div_down(amount * price, unit)


@rule
def average_down(weighted: Uint, total: Uint) -> Uint:
    """A sum of value times basis points, per value; nothing where there is no value."""
    if total == 0:
        return total
    return div_down(weighted, total)


@rule
def health_factor_half_up(collateral: Uint, threshold: Uint, debt: Uint) -> Uint:
    """Collateral at its average threshold per debt; the largest number where nothing is owed."""
    if debt == 0:
        return MAX_UINT256
    return wad_div_half_up(percent_mul_half_up(collateral, threshold), debt)


@rule
def available_borrows(collateral: Uint, debt: Uint, ltv: Uint) -> Uint:
    """Value that can still be borrowed, nothing below zero."""
    limit = percent_mul_half_up(collateral, ltv)
    if limit < debt:
        return limit - limit
    return limit - debt


@rule
def collateral_needed(debt: Uint, borrowed: Uint, ltv: Uint) -> Uint:
    """Collateral that old and new debt ask for at the average loan to value."""
    return percent_div_half_up(debt + borrowed, ltv)


@rule
def isolated_units_down(amount: Uint, unit: Uint) -> Uint:
    """Debt in hundredths of the token, as a debt ceiling counts it."""
    return div_down(amount, div_down(unit, 100))


@rule
def liquidatable_debt(debt: Uint, health_factor: Uint) -> Uint:
    """How much of a debt one liquidation may cover: half, or all of it at a health factor of 0.95 and below."""
    if health_factor > _CLOSE_ALL_BELOW:
        return percent_mul_half_up(debt, _HALF)
    return percent_mul_half_up(debt, _FULL_PERCENT)


@rule
def liquidation_amounts(
    cover: Uint,
    held: Uint,
    debt_price: Uint,
    debt_unit: Uint,
    collateral_price: Uint,
    collateral_unit: Uint,
    bonus: Uint,
    fee: Uint,
) -> tuple[Uint, Uint, Uint]:
    """Collateral for the liquidator, debt covered, collateral for the treasury; raw units.

    ``held`` collateral bounds what is taken, and then the debt covered follows from it. ``bonus`` is 10_000 and more,
    ``fee`` the treasury's basis points of the bonus.
    """
    taken = percent_mul_half_up(div_down(debt_price * cover * collateral_unit, collateral_price * debt_unit), bonus)
    covered = cover
    if taken > held:
        taken = held
        value = div_down(collateral_price * held * debt_unit, debt_price * collateral_unit)
        covered = percent_div_half_up(value, bonus)
    kept = percent_mul_half_up(taken - percent_div_half_up(taken, bonus), fee)
    return taken - kept, covered, kept
