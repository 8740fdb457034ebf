"""What a campaign pays: the difference of cumulative amounts; and how a study's campaign shares out an epoch.

Source: the public rule of cumulative merkle distributors (leaves say what an account has earned in all so far).
"""

from __future__ import annotations

from tidemill.units import Uint, mul_div_down, require, rule

__all__ = ["shared_down", "unpaid"]


@rule
def unpaid(cumulative: Uint, paid: Uint) -> Uint:
    """Raw units still to be paid of ``cumulative``; refused where there are none.

    >>> unpaid(700, 450)
    250
    """
    require(paid < cumulative, "nothing to claim")
    return cumulative - paid


@rule
def shared_down(amount: Uint, weight: Uint, weights: Uint) -> Uint:
    """Raw units of an epoch's ``amount`` that fall to ``weight`` of ``weights``."""
    return mul_div_down(amount, weight, weights)
