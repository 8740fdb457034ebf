"""Compiled passes over the tape for one's own positions: what they earned, and when a wake condition first holds.

``small``: a step's fee is shared by the recorded liquidity, own liquidity not counted. ``diluted``: it is shared by the
recorded liquidity plus all own liquidity in range. Either way growth is the contract's: ``floor(fee * 2**128 / L)`` per
step, added up modulo 2**256; a position then earns ``floor(liquidity * growth / 2**128)``.

Own ranges are rows of small arrays: ``lower``, ``upper`` (cells, upper excluded), ``own`` (liquidity, two limbs) and
``growth`` (rows ``2 i`` and ``2 i + 1``: growth inside range ``i`` in token0 and token1, four limbs).
"""

from __future__ import annotations

from typing import Any

from tidemill.units import wrapping_add
from tidemill.units.jit import load128, load256, store256
from tidemill.units.kernels import kernel
from tidemill.venues.uniswap_v3.rules_fees import fee_growth_down, fees_owed_down

__all__ = ["accrue", "first_earned", "first_outside"]


@kernel
def accrue(
    cell: Any,
    zero_for_one: Any,
    liquidity: Any,
    fee: Any,
    start: int,
    stop: int,
    lower: Any,
    upper: Any,
    own: Any,
    diluted: bool,
    growth: Any,
) -> None:
    """Add the growth of steps ``[start, stop)`` to every own range they lie in."""
    ranges = lower.shape[0]
    for k in range(start, stop):
        here = cell[k]
        shared = load128(liquidity, k)
        touched = False
        for i in range(ranges):
            if lower[i] <= here < upper[i]:
                touched = True
                if diluted:
                    shared = shared + load128(own, i)
        if not touched or shared == 0:
            continue
        side = 0 if zero_for_one[k] else 1
        earned = fee_growth_down(0, load128(fee, k), shared)
        for i in range(ranges):
            if lower[i] <= here < upper[i]:
                store256(growth, 2 * i + side, wrapping_add(load256(growth, 2 * i + side), earned))


@kernel
def first_earned(
    cell: Any,
    zero_for_one: Any,
    liquidity: Any,
    fee: Any,
    start: int,
    stop: int,
    lower: Any,
    upper: Any,
    own: Any,
    diluted: bool,
    growth: Any,
    which: int,
    side: int,
    position: Any,
) -> int:
    """Return the first step after which a position has earned enough, or ``stop``; ``growth`` is a scratch copy.

    ``which`` is the position's range, ``side`` its token; rows of ``position``: liquidity, growth at its snapshot, what
    is still missing (raw units).
    """
    missing = load256(position, 2)
    for k in range(start, stop):
        here = cell[k]
        if not lower[which] <= here < upper[which]:
            continue
        if (0 if zero_for_one[k] else 1) != side:
            continue
        shared = load128(liquidity, k)
        if diluted:
            for i in range(lower.shape[0]):
                if lower[i] <= here < upper[i]:
                    shared = shared + load128(own, i)
        if shared == 0:
            continue
        row = 2 * which + side
        store256(growth, row, fee_growth_down(load256(growth, row), load128(fee, k), shared))
        if fees_owed_down(load256(growth, row), load256(position, 1), load256(position, 0)) >= missing:
            return k
    return stop


@kernel
def first_outside(tick: Any, start: int, stop: int, lower: int, upper: int) -> int:
    """Return the first step in ``[start, stop)`` that ends outside ``[lower, upper)``, or ``stop``."""
    for k in range(start, stop):
        if tick[k] < lower or tick[k] >= upper:
            return k
    return stop
