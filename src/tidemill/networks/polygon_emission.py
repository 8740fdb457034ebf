"""How POL grows, by the token's own contract, as pure integer functions. Amounts are wei of POL.

The contract's growth is that of the year before PIP-26's last step; what validators are paid out of it is dated in the
network's file (``validator_emission``). Source: 0xPolygon/pol-token, DefaultEmissionManager.
"""

from __future__ import annotations

__all__ = ["SECONDS_PER_YEAR", "emission_split_down", "supply_after_down"]

SECONDS_PER_YEAR = 31_536_000
_WAD = 10**18
_LN2 = 693_147_180_559_945_309_417_232_121_458_176_568_075_500_134_360_255_254_120_680  # times 10^60
_LN2_ONE = 10**60


def supply_after_down(start_supply: int, seconds: int, log2_growth: int) -> int:
    """Return the supply that an emission of ``2**(log2_growth / 10**18)`` a year makes of ``start_supply``.

    The power is the Taylor sum of ``e**(x ln 2)`` on integers of 60 digits, so it is exact to far below a wei.
    """
    exponent = _LN2 * log2_growth * seconds // (_WAD * SECONDS_PER_YEAR)
    term, total, index = _LN2_ONE, 0, 1
    while term > 0:
        total += term
        term = term * exponent // (_LN2_ONE * index)
        index += 1
    return start_supply * total // _LN2_ONE


def emission_split_down(minted: int) -> tuple[int, int]:
    """Return what of newly minted POL goes to validators and what to the treasury: three fifths and two (2.5 % a year)."""
    treasury = minted * 2 // 5
    return minted - treasury, treasury
