"""A pool as one array, for compiled code: the model's state without positions, oracle and token balances.

`Cells` is ``(n, 4)`` of 64-bit limbs. One array, because each array handed to compiled code costs two atomic operations
per call, and a snapshot is one copy. Its rows, in order:

* the table of prices of ticks (`kernel_prices`), a cache;
* numbers of 256 bits: price, liquidity, fee growth (token0, token1), protocol fees (both), most liquidity per tick;
* small numbers: `TICK` … `UNDO`, each by (row, column); ticks are stored with `BIAS` added;
* the bitmap, one row per word;
* four tick slots per row: where a tick's rows are, by compressed tick, 0 for none;
* four rows per tick in use: gross liquidity (two limbs) and the tick; net liquidity, two's complement; fee growth
  outside of token0; of token1. The first four rows belong to no tick;
* three rows for each tick that the swap in progress has crossed: which, and what was outside.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.kernel_prices import PRICE_ROWS
from tidemill.venues.uniswap_v3.model_state import PoolState, TickInfo
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK

__all__ = [
    "BIAS",
    "BITMAP",
    "FEE",
    "GROWTH",
    "LIQUIDITY",
    "MAX_PER_TICK",
    "PRICE",
    "PROTOCOL",
    "SHARE",
    "SLOTS",
    "SPACING",
    "STEPS",
    "TICK",
    "UNDO",
    "UNDONE",
    "Cells",
    "bitmap_words",
    "ensure_rows",
    "growth_outside",
    "make_cells",
    "set_globals",
    "set_tick",
    "set_word",
    "small",
    "tick_rows",
]

Cells = NDArray[np.uint64]

BIAS = 1 << 32
PRICE = PRICE_ROWS
LIQUIDITY, GROWTH, PROTOCOL, MAX_PER_TICK = PRICE + 1, PRICE + 2, PRICE + 4, PRICE + 6
_SMALL = PRICE + 7
TICK, FEE, SPACING, UNDONE = ((_SMALL, k) for k in range(4))
SHARE = _SMALL + 1
"""Row of the protocol's share: token0 and token1 in columns 0 and 1."""
BITMAP, SLOTS, UNDO, STEPS = ((_SMALL + 2, k) for k in range(4))
"""Row of the bitmap's word 0; slot of compressed tick 0; first row to undo; most steps a swap can take."""
_TICKS = (_SMALL + 1, 2)
_FIXED = _SMALL + 3


def make_cells(pool: PoolState, more_ticks: Iterable[int] = ()) -> Cells:
    """Turn a model's state into cells.

    Parameters
    ----------
    more_ticks : ticks that may come into use later (each must have its rows before it is minted on).
    """
    spacing = pool.tick_spacing
    words = (MAX_TICK // spacing >> 8) + 2  # on either side of word 0
    half = MAX_TICK // spacing + 2
    slot_rows = -(-2 * half // 4)
    ticks = _FIXED + 2 * words + slot_rows
    cells = np.zeros((ticks + 4, 4), np.uint64)
    cells[_SMALL] = 0, pool.fee, spacing, 0
    cells[SHARE] = 0, 0, ticks, 0
    set_globals(cells, pool)
    cells[BITMAP[0]] = _FIXED + words, 4 * (_FIXED + 2 * words) + half, ticks + 4, 2 * words
    for word, bits in pool.bitmap.items():
        set_word(cells, word, bits)
    cells = ensure_rows(cells, {*pool.ticks, *more_ticks})
    for tick, info in pool.ticks.items():
        set_tick(cells, tick, info)
    return cells


def set_globals(cells: Cells, pool: PoolState) -> None:
    """Write price, tick, liquidity, fee growth and the protocol's numbers of a model's state."""
    cells[PRICE : MAX_PER_TICK + 1] = pack(
        [
            pool.sqrt_price_x96,
            pool.liquidity,
            pool.fee_growth_global_0_x128,
            pool.fee_growth_global_1_x128,
            pool.protocol_fees_0,
            pool.protocol_fees_1,
            pool.max_liquidity_per_tick,
        ]
    )
    cells[TICK] = pool.tick + BIAS
    cells[SHARE, 0], cells[SHARE, 1] = pool.fee_protocol_0, pool.fee_protocol_1


def set_word(cells: Cells, word: int, bits: int) -> None:
    """Write a word of the bitmap."""
    cells[small(cells, BITMAP) + word] = pack([bits])[0]


def set_tick(cells: Cells, tick: int, info: TickInfo) -> None:
    """Write a tick that has its rows."""
    row = _row(cells, tick)
    cells[row, :2] = pack([info.liquidity_gross], 2)[0]
    cells[row + 1 : row + 4] = pack(
        [info.liquidity_net, info.fee_growth_outside_0_x128, info.fee_growth_outside_1_x128]
    )


def ensure_rows(cells: Cells, ticks: Iterable[int]) -> Cells:
    """Return cells in which each usable tick of `ticks` has its rows (the same cells if they all have)."""
    spacing = small(cells, SPACING)
    new = sorted(t for t in set(ticks) if t % spacing == 0 and abs(t) <= MAX_TICK and not _row(cells, t))
    if not new:
        return cells
    end = small(cells, UNDO)
    count = (end - small(cells, _TICKS)) // 4 + len(new)
    grown = np.zeros((end + 4 * len(new) + 3 * count, 4), np.uint64)
    grown[:end] = cells[:end]
    for k, tick in enumerate(new):
        slot = small(cells, SLOTS) + tick // spacing
        grown[slot >> 2, slot & 3] = end + 4 * k
        grown[end + 4 * k, 2] = tick + BIAS
    grown[UNDO] = end + 4 * len(new)
    grown[STEPS] = int(grown[STEPS]) + len(new)
    return grown


def small(cells: Cells, place: tuple[int, int]) -> int:
    """A small number by its place (`TICK` with `BIAS` still added)."""
    return int(cells[place])


def bitmap_words(cells: Cells) -> dict[int, int]:
    """Words of the bitmap that are not empty."""
    middle, end = small(cells, BITMAP), small(cells, SLOTS) // 4
    first = _FIXED
    words = unpack(cells[first : min(end, 2 * middle - first)])
    return {k + first - middle: word for k, word in enumerate(words) if word}


def tick_rows(cells: Cells) -> dict[int, tuple[int, int, int, int]]:
    """Ticks in use: gross and net liquidity, growth outside of token0 and token1 (as in `model_state.TickInfo`)."""
    first, end = small(cells, _TICKS) + 4, small(cells, UNDO)
    rows = unpack(cells[first:end])
    gross = unpack(np.ascontiguousarray(cells[first:end:4, :2]))
    net = unpack(np.ascontiguousarray(cells[first + 1 : end : 4]), signed=True)
    ticks = (cells[first:end:4, 2].astype(np.int64) - BIAS).tolist()
    return {tick: (gross[k], net[k], rows[4 * k + 2], rows[4 * k + 3]) for k, tick in enumerate(ticks) if gross[k]}


def growth_outside(cells: Cells, tick: int) -> tuple[int, int]:
    """Fee growth outside a tick, token0 and token1; 0 for a tick without rows."""
    row = _row(cells, tick)
    if not row:
        return 0, 0
    token0, token1 = unpack(cells[row + 2 : row + 4])
    return token0, token1


def _row(cells: Cells, tick: int) -> int:
    slot = small(cells, SLOTS) + tick // small(cells, SPACING)
    return int(cells[slot >> 2, slot & 3])
