"""The tape: recorded flow as compiled code reads it.

A *step* is a piece of a swap inside one cell, ``cell = floor(tick / tick_spacing)``, with one active liquidity. Real
swap steps end only at initialised ticks and at bitmap-word ends; the tape splits further at every multiple of the tick
spacing, so that any range may begin or end there. The parts of one recorded step sum to it exactly: price moves are
split at the tick's own sqrt ratio, the fee by ``floor`` of each part's input share with the remainder on
the last part.

256-bit values are little-endian ``uint64`` limbs: shape ``(n, 4)``, ``(n, 3)`` for Q64.96 prices,
``(n, 2)`` for 128 bits.
"""

from __future__ import annotations

from typing import TYPE_CHECKING, NamedTuple

if TYPE_CHECKING:
    import numpy as np
    from numpy.typing import NDArray

__all__ = ["Flow", "Tape"]


class Tape(NamedTuple):
    """One row per step, in order. Times are seconds; all arrays have length ``n``."""

    time: NDArray[np.int64]
    block: NDArray[np.int64]
    event: NDArray[np.int32]
    """Row of the recorded event (of ``Flow``) that the step belongs to."""
    cell: NDArray[np.int32]
    """Cell in which the whole step lies."""
    tick: NDArray[np.int32]
    """Tick after the step."""
    sqrt_price: NDArray[np.uint64]
    """Q64.96 price after the step, ``(n, 3)``."""
    liquidity: NDArray[np.uint64]
    """Active liquidity during the step, own liquidity not counted, ``(n, 2)``."""
    fee: NDArray[np.uint64]
    """Fee left to liquidity providers (the protocol's share taken off), raw units of the input token, ``(n, 2)``."""
    zero_for_one: NDArray[np.uint8]
    """1 where token0 goes in (its fee is in token0), 0 where token1 does."""


class Flow(NamedTuple):
    """One row per recorded event, in order: what is re-executed in ``impact`` and ``anchored`` mode.

    ``kind``: 0 swap, 1 mint, 2 burn, 3 collect, 4 flash, 5 set_fee_protocol, 6 collect_protocol. Amounts are two's
    complement 256-bit limbs ``(n, 4)``. For a swap ``specified`` is the signed amount it was called with (positive:
    exact input) and ``limit`` the price bound inferred for it; ``swap_type`` says 0 exact in, 1 exact out, 2 price-
    limited.
    """

    time: NDArray[np.int64]
    block: NDArray[np.int64]
    log_index: NDArray[np.int32]
    kind: NDArray[np.uint8]
    swap_type: NDArray[np.uint8]
    zero_for_one: NDArray[np.uint8]
    specified: NDArray[np.uint64]
    limit: NDArray[np.uint64]
    amount0: NDArray[np.uint64]
    amount1: NDArray[np.uint64]
    tick_lower: NDArray[np.int32]
    tick_upper: NDArray[np.int32]
    liquidity_delta: NDArray[np.uint64]
    sqrt_price: NDArray[np.uint64]
    """Recorded price after the event, ``(n, 3)``."""
