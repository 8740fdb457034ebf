"""What a liquidity bridge takes and how long it may: the public rule of bridges by intents (Across, ERC-7683), our wording.

Somebody locks an amount on one network and states what he wants on another, and by when. Whoever has money there may pay it until
then, and is repaid from what is locked by a settlement; where nobody does, the settlement gives it back.
"""

from __future__ import annotations

from tidemill.units import Uint, mul_div_up, rule

__all__ = ["fee_up", "settleable"]


@rule
def fee_up(amount: Uint, bps: Uint, flat: Uint) -> Uint:
    """What is kept of ``amount`` raw units: basis points of it, rounded up, and a flat part.

    >>> fee_up(10_000_000_000, 4, 50_000)
    4050000
    """
    return flat + mul_div_up(amount, bps, 10_000)


@rule
def settleable(deadline: Uint, settle: Uint) -> Uint:
    """The first second at which a settlement can pay out what is locked: ``settle`` seconds after the deadline.

    >>> settleable(1_000, 12_600)
    13600
    """
    return deadline + settle
