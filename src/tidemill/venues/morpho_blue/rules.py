"""Shares, interest, health and liquidation of a Morpho Blue market.

Source: the Morpho Blue white paper (Frambot, Egis, Gontier and others, 2023) and yellow paper, Morpho's public
documentation, and what the bytecode of 1.0.0 answers. Rates and factors are wads (1.0 is 10**18), rates per second,
prices raw units of the loan token for one raw unit of collateral times 10**36. Products stay below 2**256 or revert.
"""

from __future__ import annotations

from tidemill.units import WAD, Uint, div_down, div_up, maximum, minimum, rule, wide

__all__ = [
    "MAX_FEE",
    "ORACLE_SCALE",
    "VIRTUAL_ASSETS",
    "VIRTUAL_SHARES",
    "assets_down",
    "assets_up",
    "compounded_down",
    "fee_shares_down",
    "incentive_down",
    "less_or_zero",
    "max_borrow_down",
    "repaid_shares_up",
    "seized_down",
    "shares_down",
    "shares_up",
    "utilisation_down",
    "wad_mul_down",
]

VIRTUAL_SHARES = 10**6
"""Shares that stand behind every market from its beginning, so that nobody can set the first price of a share."""
VIRTUAL_ASSETS = 1
ORACLE_SCALE = wide(10**36)
_ONE_SQUARED = wide(10**36)
MAX_FEE = 25 * 10**16
"""A quarter of the interest."""

_TWO = wide(2 * 10**18)
_THREE = wide(3 * 10**18)
_CURSOR = wide(3 * 10**17)
_MAX_INCENTIVE = wide(115 * 10**16)


@rule
def wad_mul_down(a: Uint, b: Uint) -> Uint:
    """``a * b`` where one of them is a wad."""
    return div_down(a * b, WAD)


@rule
def shares_down(assets: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Shares that ``assets`` are worth, the virtual ones counted.

    >>> shares_down(100, 0, 0)
    100000000
    """
    return div_down(assets * (total_shares + VIRTUAL_SHARES), total_assets + VIRTUAL_ASSETS)


@rule
def shares_up(assets: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Shares that ``assets`` are worth, rounded against who gives them up or owes them."""
    return div_up(assets * (total_shares + VIRTUAL_SHARES), total_assets + VIRTUAL_ASSETS)


@rule
def assets_down(shares: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Raw units that ``shares`` are worth."""
    return div_down(shares * (total_assets + VIRTUAL_ASSETS), total_shares + VIRTUAL_SHARES)


@rule
def assets_up(shares: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Raw units that ``shares`` are worth, rounded against who brings them or owes them."""
    return div_up(shares * (total_assets + VIRTUAL_ASSETS), total_shares + VIRTUAL_SHARES)


@rule
def utilisation_down(total_supply: Uint, total_borrow: Uint) -> Uint:
    """Part of what is supplied that is lent out, a wad; none while nothing is supplied."""
    if total_supply == 0:
        return total_supply
    return div_down(total_borrow * WAD, total_supply)


@rule
def compounded_down(rate: Uint, seconds: Uint) -> Uint:
    """``e**(rate * seconds) - 1`` by the first three terms of its series, a wad, each term rounded down.

    >>> compounded_down(10**9, 31_536_000)
    32038486841419776
    """
    first = rate * seconds
    second = div_down(first * first, _TWO)
    third = div_down(second * first, _THREE)
    return first + second + third


@rule
def fee_shares_down(interest: Uint, fee: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Shares that hand ``fee`` (a wad) of ``interest`` to its recipient; ``total_assets`` has the interest already."""
    amount = wad_mul_down(interest, fee)
    return shares_down(amount, total_assets - amount, total_shares)


@rule
def max_borrow_down(collateral: Uint, price: Uint, lltv: Uint) -> Uint:
    """Raw units of the loan token that ``collateral`` carries; ``lltv`` is a wad."""
    return wad_mul_down(div_down(collateral * price, ORACLE_SCALE), lltv)


@rule
def incentive_down(lltv: Uint) -> Uint:
    """What a liquidator may seize for what is repaid, a wad: 1 / (1 - 0.3 (1 - lltv)), at most 1.15.

    >>> incentive_down(86 * 10**16)
    1043841336116910229
    """
    return minimum(_MAX_INCENTIVE, div_down(_ONE_SQUARED, WAD - wad_mul_down(_CURSOR, WAD - lltv)))


@rule
def repaid_shares_up(seized: Uint, price: Uint, incentive: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Debt shares to repay for ``seized`` raw units of collateral, every step rounded against the liquidator."""
    quoted = div_up(div_up(seized * price, ORACLE_SCALE) * WAD, incentive)
    return shares_up(quoted, total_assets, total_shares)


@rule
def seized_down(repaid_shares: Uint, price: Uint, incentive: Uint, total_assets: Uint, total_shares: Uint) -> Uint:
    """Raw units of collateral for repaying so many debt shares; raises ``Revert`` where the price is zero."""
    repaid = wad_mul_down(assets_down(repaid_shares, total_assets, total_shares), incentive)
    return div_down(repaid * ORACLE_SCALE, price)


@rule
def less_or_zero(total: Uint, part: Uint) -> Uint:
    """``total - part``, 0 where rounding up made the part larger than the whole."""
    return maximum(total, part) - part
