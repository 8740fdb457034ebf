"""What a vault over lending markets earns, loses and charges; its shares convert as every ERC-4626 vault's do.

Source: the public description of MetaMorpho (README and documentation of version 1.1): a performance fee taken as shares on
interest, losses kept in the price of a share, caps. Shares and assets: ``venues/shared/vault_rules.py``.
"""

from __future__ import annotations

from tidemill.units import WAD, Uint, div_down, maximum, rule

__all__ = ["fee_assets_down", "less_or_zero", "lost_after"]


@rule
def less_or_zero(whole: Uint, part: Uint) -> Uint:
    """``whole - part``, 0 where the part is larger."""
    return maximum(whole, part) - part


@rule
def lost_after(there: Uint, last: Uint, lost: Uint) -> Uint:
    """What is lost so far: markets hold ``there``, ``last`` is what was counted, ``lost`` of it not there already.

    >>> lost_after(95, 100, 0), lost_after(95, 100, 7), lost_after(99, 100, 5)
    (5, 7, 5)
    """
    return maximum(less_or_zero(last, there), lost)


@rule
def fee_assets_down(total: Uint, last: Uint, fee: Uint) -> Uint:
    """Part of the growth from ``last`` to ``total`` that is the fee's (a wad), raw units."""
    return div_down((total - last) * fee, WAD)
