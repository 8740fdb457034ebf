"""Shares and assets of ERC-4626 vaults with virtual shares, as OpenZeppelin's implementation rounds them.

Source: EIP-4626 (rounding favours the vault) and the "virtual shares and assets" note of OpenZeppelin Contracts 5.
``offset_unit`` is ``10**decimals_offset``: the vault behaves as if it always held one asset and that many shares.
"""

from __future__ import annotations

from tidemill.units import Uint, mul_div_down, mul_div_up, rule

__all__ = ["assets_for_shares_down", "assets_for_shares_up", "quoted", "shares_for_assets_down", "shares_for_assets_up"]


@rule
def shares_for_assets_down(assets: Uint, total_assets: Uint, total_shares: Uint, offset_unit: Uint) -> Uint:
    """Shares that ``assets`` buy (``deposit``, ``convertToShares``).

    >>> shares_for_assets_down(10**18, 0, 0, 10**6)
    1000000000000000000000000
    """
    return mul_div_down(assets, total_shares + offset_unit, total_assets + 1)


@rule
def shares_for_assets_up(assets: Uint, total_assets: Uint, total_shares: Uint, offset_unit: Uint) -> Uint:
    """Shares that must be burned to take ``assets`` out (``withdraw``)."""
    return mul_div_up(assets, total_shares + offset_unit, total_assets + 1)


@rule
def assets_for_shares_down(shares: Uint, total_assets: Uint, total_shares: Uint, offset_unit: Uint) -> Uint:
    """Assets that ``shares`` give (``redeem``, ``convertToAssets``)."""
    return mul_div_down(shares, total_assets + 1, total_shares + offset_unit)


@rule
def assets_for_shares_up(shares: Uint, total_assets: Uint, total_shares: Uint, offset_unit: Uint) -> Uint:
    """Assets that must be paid for ``shares`` (``mint``)."""
    return mul_div_up(shares, total_assets + 1, total_shares + offset_unit)


def quoted(verb: str, amount: int, total_assets: int, total_shares: int, offset_unit: int) -> tuple[int, int]:
    """Return (assets, shares) of deposit, mint, withdraw or redeem; each rounds in the vault's favour.

    >>> quoted("redeem", 10**6, 99, 10**6, 0)
    (100, 1000000)
    """
    whole = (total_assets, total_shares, offset_unit)
    if verb == "deposit":
        return amount, shares_for_assets_down(amount, *whole)
    if verb == "mint":
        return assets_for_shares_up(amount, *whole), amount
    if verb == "withdraw":
        return amount, shares_for_assets_up(amount, *whole)
    return assets_for_shares_down(amount, *whole), amount
