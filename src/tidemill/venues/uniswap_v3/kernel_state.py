"""A pool as arrays, for compiled code: the model's state without positions, oracle and token balances.

Columns of 256-bit numbers are ``(n, 4)`` little-endian limbs. Ticks in use have a row each; `slot` finds it.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.kernel_prices import empty_price_table
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK

__all__ = [
    "FEE",
    "GROWTH",
    "LIQUIDITY",
    "MAX_PER_TICK",
    "PRICE",
    "PROTOCOL",
    "SHARE",
    "SPACING",
    "TICK",
    "TICKS",
    "UNDONE",
    "PoolArrays",
    "copy_arrays",
    "growth_outside",
    "make_arrays",
    "tick_rows",
]

# rows of `wide`
PRICE, LIQUIDITY, GROWTH, PROTOCOL, MAX_PER_TICK = 0, 1, 2, 4, 6  # GROWTH and PROTOCOL: token0, then token1
# places in `small`
TICK, FEE, SPACING, SHARE, TICKS, UNDONE = 0, 1, 2, 3, 5, 6  # SHARE: token0, then token1


class PoolArrays(NamedTuple):
    """State of one pool. Everything but `ratios` (a cache) and `undo` (scratch) is state."""

    wide: NDArray[np.uint64]
    """``(7, 4)``: price Q64.96, liquidity, fee growth of token0 and token1, protocol fees of both, most per tick."""
    small: NDArray[np.int64]
    """tick, fee (millionths), spacing, protocol's share of token0 and token1, ticks with a row, rows to undo."""
    bitmap: NDArray[np.uint64]
    """``(words, 4)``: word ``(compressed >> 8) + words // 2``."""
    slot: NDArray[np.int32]
    """Row of a tick by ``compressed + len // 2``; 0 for none."""
    ticks: NDArray[np.int32]
    """``(rows,)``: the tick of a row. Row 0 is not used."""
    gross: NDArray[np.uint64]
    """``(rows, 2)``: liquidity that refers to the tick; 0: not in use."""
    net: NDArray[np.uint64]
    """``(rows, 4)``: liquidity added when the price rises across, two's complement."""
    outside: NDArray[np.uint64]
    """``(2 rows, 4)``: fee growth outside of token0 (even) and token1 (odd)."""
    ratios: NDArray[np.uint64]
    undo: NDArray[np.uint64]
    """Ticks crossed by the swap in progress: ``(rows, 9)`` row and old growth outside."""


def make_arrays(pool: PoolState, more_ticks: Iterable[int] = ()) -> PoolArrays:
    """Turn a model's state into arrays.

    Parameters
    ----------
    more_ticks : ticks that may come into use later (each must have a row before it is minted on).
    """
    spacing = pool.tick_spacing
    half_words = (MAX_TICK // spacing >> 8) + 2
    half_slots = MAX_TICK // spacing + 2
    ticks = sorted({*pool.ticks, *more_ticks})
    rows = len(ticks) + 1
    arrays = PoolArrays(
        wide=pack(
            [
                pool.sqrt_price_x96,
                pool.liquidity,
                pool.fee_growth_global_0_x128,
                pool.fee_growth_global_1_x128,
                pool.protocol_fees_0,
                pool.protocol_fees_1,
                pool.max_liquidity_per_tick,
            ]
        ),
        small=np.array([pool.tick, pool.fee, spacing, pool.fee_protocol_0, pool.fee_protocol_1, rows, 0], np.int64),
        bitmap=np.zeros((2 * half_words, 4), np.uint64),
        slot=np.zeros(2 * half_slots, np.int32),
        ticks=np.array([0, *ticks], np.int32),
        gross=np.zeros((rows, 2), np.uint64),
        net=np.zeros((rows, 4), np.uint64),
        outside=np.zeros((2 * rows, 4), np.uint64),
        ratios=empty_price_table(),
        undo=np.zeros((rows, 9), np.uint64),
    )
    for word, bits in pool.bitmap.items():
        arrays.bitmap[word + half_words] = pack([bits])[0]
    for row, tick in enumerate(ticks, 1):
        arrays.slot[tick // spacing + half_slots] = row
        if tick in pool.ticks:
            info = pool.ticks[tick]
            arrays.gross[row] = pack([info.liquidity_gross], 2)[0]
            arrays.net[row] = pack([info.liquidity_net])[0]
            arrays.outside[2 * row : 2 * row + 2] = pack(
                [info.fee_growth_outside_0_x128, info.fee_growth_outside_1_x128]
            )
    return arrays


def copy_arrays(arrays: PoolArrays) -> PoolArrays:
    """A snapshot that later changes leave alone."""
    return PoolArrays(*(array.copy() for array in arrays))


def tick_rows(arrays: PoolArrays) -> dict[int, tuple[int, int, int, int]]:
    """Ticks in use: gross and net liquidity, growth outside of token0 and token1 (as in `model_state.TickInfo`)."""
    gross = unpack(arrays.gross)
    net = unpack(arrays.net, signed=True)
    outside = unpack(arrays.outside)
    return {
        int(tick): (gross[row], net[row], outside[2 * row], outside[2 * row + 1])
        for row, tick in enumerate(arrays.ticks)
        if row and gross[row]
    }


def growth_outside(arrays: PoolArrays, tick: int) -> tuple[int, int]:
    """Fee growth outside a tick, token0 and token1; 0 for a tick without a row."""
    spacing = int(arrays.small[SPACING])
    row = int(arrays.slot[tick // spacing + len(arrays.slot) // 2])
    token0, token1 = unpack(arrays.outside[2 * row : 2 * row + 2])
    return token0, token1
