"""The steps of swaps as the kernel logs them, and the tape made of them: each step split where a range may begin.

A step of the pool ends at ticks in use and at bitmap-word ends. The tape goes on to split it at every multiple of the
tick spacing. The parts' fees are ``floor(fee * part's input / step's input)``, inputs rounded down, and the last part
takes what is left, so that they sum to the step's.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.units import mul_div_down, wide, wrapping_sub
from tidemill.units.jit import as_index, load128, load192, store128, store192
from tidemill.units.kernels import kernel, part
from tidemill.venues.uniswap_v3.kernel_prices import price_of_tick
from tidemill.venues.uniswap_v3.kernel_state import BIAS, SPACING, Cells, small
from tidemill.venues.uniswap_v3.rules_prices import amount0_delta_down, amount1_delta_down
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["StepLog", "empty_log", "read_log", "split_steps"]

_ZERO: int = wide(0)


class StepLog(NamedTuple):
    """Steps of swaps in order; those without liquidity, and those in which nothing happened, are left out."""

    event: NDArray[np.int32]
    """Row of the flow."""
    zero_for_one: NDArray[np.uint8]
    tick_from: NDArray[np.int32]
    tick_to: NDArray[np.int32]
    price_from: NDArray[np.uint64]
    """``(n, 3)``, Q64.96."""
    price_to: NDArray[np.uint64]
    liquidity: NDArray[np.uint64]
    """``(n, 2)``: active during the step."""
    fee: NDArray[np.uint64]
    """``(n, 2)``: what providers keep, raw units of the input token."""


def empty_log(steps: int) -> NDArray[np.uint64]:
    """Room for `steps` steps, four rows of limbs each: one array for compiled code, as `kernel_state.Cells` is."""
    return np.zeros((4 * steps, 4), np.uint64)


def read_log(rows: NDArray[np.uint64], steps: int) -> StepLog:
    """The first `steps` steps of what a kernel logged, column by column."""
    step = rows[: 4 * steps].reshape(steps, 4, 4)
    return StepLog(
        event=step[:, 0, 3].astype(np.int32),
        zero_for_one=step[:, 1, 3].astype(np.uint8),
        tick_from=(step[:, 2, 2].astype(np.int64) - BIAS).astype(np.int32),
        tick_to=(step[:, 2, 3].astype(np.int64) - BIAS).astype(np.int32),
        price_from=step[:, 0, :3].copy(),
        price_to=step[:, 1, :3].copy(),
        liquidity=step[:, 2, :2].copy(),
        fee=step[:, 3, :2].copy(),
    )


def split_steps(pool: Cells, log: StepLog, flow: Flow) -> Tape:
    """Make the tape of a log: one row per part of a step within one cell of the tick spacing."""
    spacing = small(pool, SPACING)
    rows = _count_parts(log, spacing)
    tape = Tape(
        time=np.zeros(rows, np.int64),
        block=np.zeros(rows, np.int64),
        event=np.zeros(rows, np.int32),
        cell=np.zeros(rows, np.int32),
        tick=np.zeros(rows, np.int32),
        sqrt_price=np.zeros((rows, 3), np.uint64),
        liquidity=np.zeros((rows, 2), np.uint64),
        fee=np.zeros((rows, 2), np.uint64),
        zero_for_one=np.zeros(rows, np.uint8),
    )
    made = _fill_tape(log, spacing, pool, tape)
    tape = Tape._make(column[:made] for column in tape)
    tape.time[:] = flow.time[tape.event]
    tape.block[:] = flow.block[tape.event]
    return tape


@kernel
def _count_parts(log: Any, spacing: int) -> int:
    """At most this many parts: one per cell that a step's ticks span, and one for each end."""
    rows = 0
    for k in range(log.fee.shape[0]):
        rows += abs(as_index(log.tick_from[k]) // spacing - as_index(log.tick_to[k]) // spacing) + 2
    return rows


@kernel
def _fill_tape(log: Any, spacing: int, prices: Any, tape: Any) -> int:
    made = 0
    for k in range(log.fee.shape[0]):
        cell = as_index(log.tick_from[k]) // spacing
        start, end = load192(log.price_from, k), load192(log.price_to, k)
        liquidity, fee = load128(log.liquidity, k), load128(log.fee, k)
        down = end < start
        whole, left = _ZERO, fee
        first = made
        while start != end:
            edge = price_of_tick(prices, (cell if down else cell + 1) * spacing)
            if (down and end >= edge) or (not down and end <= edge):
                break
            if start != edge:
                if first == made:
                    whole = _input(load192(log.price_from, k), end, liquidity)
                share = _ZERO
                if whole != 0:
                    share = mul_div_down(fee, _input(start, edge, liquidity), whole)
                left = wrapping_sub(left, share)
                tick = cell * spacing - 1 if down else (cell + 1) * spacing
                _write(tape, made, log, k, cell, tick, edge, liquidity, share)
                made += 1
            start = edge
            cell += -1 if down else 1
        _write(tape, made, log, k, cell, as_index(log.tick_to[k]), end, liquidity, left)
        made += 1
    return made


@part
def _input(start: Any, end: Any, liquidity: Any) -> Any:
    """Input of a price move, rounded down."""
    if end < start:
        return amount0_delta_down(end, start, liquidity)
    return amount1_delta_down(start, end, liquidity)


@part
def _write(tape: Any, row: int, log: Any, k: int, cell: int, tick: int, price: Any, liquidity: Any, fee: Any) -> None:
    tape.event[row], tape.zero_for_one[row] = log.event[k], log.zero_for_one[k]
    tape.cell[row], tape.tick[row] = cell, tick
    store192(tape.sqrt_price, row, price)
    store128(tape.liquidity, row, liquidity)
    store128(tape.fee, row, fee)
