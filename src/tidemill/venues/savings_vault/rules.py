"""A savings vault: what a share is worth (``chi``) grows by a rate per second; both are rays.

Source: the public rule of the Sky (Maker) savings rate, in which powers are taken by squaring and each product is rounded
to the nearest ray, and EIP-4626 (rounding favours the vault).
"""

from __future__ import annotations

from tidemill.units import RAY, Index, Uint, div_down, div_up, rule, wide

__all__ = [
    "assets_for_shares_down",
    "assets_for_shares_up",
    "chi_after_down",
    "interest_down",
    "ray_pow_half_up",
    "shares_for_assets_down",
    "shares_for_assets_up",
]

_HALF_RAY = wide(5 * 10**26)


@rule
def ray_pow_half_up(base: Uint, seconds: Index) -> Uint:
    """``base ** seconds`` in rays: by squares, each product rounded to the nearest, halves up.

    >>> ray_pow_half_up(1000000001547125957863212448, 31_536_000)  # five percent a year, per second
    1049999999999999999961070145
    """
    power = base
    rest = seconds
    out = base if (rest & 1) == 1 else RAY
    for _ in range(63):
        rest = rest >> 1
        if rest == 0:
            break
        power = div_down(power * power + _HALF_RAY, RAY)
        if (rest & 1) == 1:
            out = div_down(out * power + _HALF_RAY, RAY)
    return out


@rule
def chi_after_down(chi: Uint, rate: Uint, elapsed: Index) -> Uint:
    """What a share is worth ``elapsed`` seconds later."""
    return div_down(ray_pow_half_up(rate, elapsed) * chi, RAY)


@rule
def interest_down(total_shares: Uint, chi: Uint, chi_now: Uint) -> Uint:
    """Assets to be minted so that all shares are covered at ``chi_now``; both worths are rounded down."""
    return div_down(total_shares * chi_now, RAY) - div_down(total_shares * chi, RAY)


@rule
def shares_for_assets_down(assets: Uint, chi: Uint) -> Uint:
    """Shares that ``assets`` buy (``deposit``)."""
    return div_down(assets * RAY, chi)


@rule
def shares_for_assets_up(assets: Uint, chi: Uint) -> Uint:
    """Shares that must be burned to take ``assets`` out (``withdraw``)."""
    return div_up(assets * RAY, chi)


@rule
def assets_for_shares_down(shares: Uint, chi: Uint) -> Uint:
    """Assets that ``shares`` give (``redeem``)."""
    return div_down(shares * chi, RAY)


@rule
def assets_for_shares_up(shares: Uint, chi: Uint) -> Uint:
    """Assets that must be paid for ``shares`` (``mint``)."""
    return div_up(shares * chi, RAY)
