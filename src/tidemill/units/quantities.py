"""Names for scaled integers, and the constants of the field.

Every quantity is a plain ``int``; the names below only tell mypy, and the reader, which scale it has.
Arithmetic stays on ``int`` (wrapped integers cost four to five times as much); ranges are checked at the borders.
"""

from __future__ import annotations

from typing import NewType

__all__ = [
    "BPS",
    "MAX_INT128",
    "MAX_INT256",
    "MAX_UINT128",
    "MAX_UINT160",
    "MAX_UINT256",
    "MICRO",
    "MIN_INT128",
    "MIN_INT256",
    "PIPS",
    "Q96",
    "Q128",
    "RAY",
    "WAD",
    "Bps",
    "FeeGrowthX128",
    "Gwei",
    "Liquidity",
    "MicroUnits",
    "MilliSat",
    "Pips",
    "Ray",
    "Seconds",
    "Shares",
    "SqrtPriceX96",
    "Tick",
    "TokenAmount",
    "Wad",
    "Wei",
    "Wide",
    "wide",
]

Wad = NewType("Wad", int)  # 18 decimals: 1.0 is 10**18
Ray = NewType("Ray", int)  # 27 decimals: 1.0 is 10**27 (indices and rates of lending markets)
Bps = NewType("Bps", int)  # basis points: 1.0 is 10_000
Pips = NewType("Pips", int)  # hundredths of a basis point: 1.0 is 1_000_000 (fees of pools)
Wei = NewType("Wei", int)  # smallest unit of a network's native token
Gwei = NewType("Gwei", int)  # 10**9 wei
MilliSat = NewType("MilliSat", int)  # thousandth of a satoshi, the unit inside a Lightning channel
TokenAmount = NewType("TokenAmount", int)  # smallest unit of a token; its decimals are the token's business
Shares = NewType("Shares", int)  # a claim on a vault, market or farm, not an amount of the asset
MicroUnits = NewType("MicroUnits", int)  # 10**-6 of the valuation currency: the unit of the books
SqrtPriceX96 = NewType("SqrtPriceX96", int)  # sqrt(token1 / token0) in Q64.96
Liquidity = NewType("Liquidity", int)  # sqrt(token0 * token1) of a concentrated position, uint128
FeeGrowthX128 = NewType("FeeGrowthX128", int)  # fees per unit of liquidity in Q128.128, modulo 2**256
Tick = NewType("Tick", int)  # price is 1.0001**tick; may be negative
Seconds = NewType("Seconds", int)  # world time


class Wide(int):
    """An integer constant that a compiled rule holds in 256 bits; on ``int`` it is only itself."""

    __slots__ = ()


def wide(value: int) -> Wide:
    """Declare a wide constant, as in ``Q128 = wide(1 << 128)``.

    Any constant of 2**63 or more that a rule uses must be declared so: the compiler would otherwise see a
    machine integer.

    Raises
    ------
    ValueError : below 0 or at 2**256 and above.
    """
    if not 0 <= value < 1 << 256:
        raise ValueError(f"wide({value}): a wide constant lies in [0, 2**256)")
    return Wide(value)


WAD = 10**18  # below 2**63, so rules may use it undeclared
RAY = wide(10**27)
BPS = 10_000
PIPS = 1_000_000
MICRO = 1_000_000
Q96 = wide(1 << 96)
Q128 = wide(1 << 128)
MAX_UINT128 = wide((1 << 128) - 1)
MAX_UINT160 = wide((1 << 160) - 1)
MAX_UINT256 = wide((1 << 256) - 1)
MAX_INT128 = wide((1 << 127) - 1)
MAX_INT256 = wide((1 << 255) - 1)
MIN_INT128 = -(1 << 127)  # for range checks in models; rules never need it
MIN_INT256 = -(1 << 255)
