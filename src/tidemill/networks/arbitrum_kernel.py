"""Base fees of many Arbitrum blocks in a row, compiled; equal to ``arbitrum_l2.single_update`` and ``legacy_update``.

Heavy: importing it imports numba and numpy. The module imports no other compiled code, so numba's on-disk cache (keyed
by this file alone) is safe.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

import numba as nb
import numpy as np
from numpy.typing import NDArray

from tidemill.errors import BadInput
from tidemill.networks.arbitrum_l2 import Constraint

__all__ = ["base_fees_down"]

_i64 = nb.int64
_WORDS = nb.types.Array(_i64, 1, "C", readonly=True)
_BIPS = 10_000
_STEEPEST = 1_000_000  # bips; four terms of it still fit 63 bits
_DEAREST = 100_000_000  # wei; so does the price at the steepest
_MOST = 900_000_000_000_000  # gas; in bips it still fits 63 bits


@nb.njit(_i64(_WORDS, _WORDS, _i64[::1], _WORDS, _WORDS, _i64, _i64, _i64[::1]), nogil=True, cache=True)
def _run(
    gas: Any, seconds: Any, backlogs: Any, targets: Any, windows: Any, tolerance: Any, floor: Any, out: Any
) -> Any:
    # Returns the first block whose sums leave 63 bits, -1 if none does. A quotient is first guessed with floats, then
    # put right: the guess is off by one at most.
    count = targets.size
    below = np.empty(count, dtype=np.int64)
    free = np.empty(count, dtype=np.int64)
    inverse = np.empty(count, dtype=np.float64)
    for each in range(count):
        free[each] = tolerance * targets[each]
        below[each] = targets[each] * windows[each]
        inverse[each] = _BIPS / below[each]
    for block in range(gas.size):
        exponent = np.int64(0)
        for each in range(count):
            backlog = backlogs[each] - seconds[block] * targets[each]
            if backlog < 0:
                backlog = np.int64(0)
            if backlog > _MOST:
                return block
            above = backlog - free[each]
            if above < 0:
                above = np.int64(0)
            share = np.int64(above * inverse[each])
            rest = above * _BIPS - share * below[each]
            if rest < 0:
                share -= 1
            elif rest >= below[each]:
                share += 1
            if share > _STEEPEST:
                return block
            exponent += share
            backlogs[each] = backlog + gas[block]
        if exponent > _STEEPEST:
            return block
        power = _BIPS + exponent // 4
        power = _BIPS + power * exponent // (3 * _BIPS)
        power = _BIPS + power * exponent // (2 * _BIPS)
        power = _BIPS + power * exponent // _BIPS
        out[block] = floor * power // _BIPS
    return np.int64(-1)


def base_fees_down(
    gas: NDArray[np.int64],
    seconds: NDArray[np.int64],
    constraints: Sequence[Constraint],
    min_base_fee: int,
    tolerance: int = 0,
) -> tuple[NDArray[np.int64], tuple[Constraint, ...]]:
    """Return the base fee of each block (wei) and the constraints after the last.

    Parameters
    ----------
    gas, seconds : of each block in order: gas used (without data), and seconds since the block before it.
    constraints : as they stand before the first block.
    tolerance : seconds at the target that a backlog may stand at no price; the old model is one constraint (speed limit,
        inertia as window) with its tolerance, and constraints have none.

    Raises
    ------
    BadInput : shapes differ, a value is negative, or a price might exceed 63 bits (then use ``arbitrum_l2``).
    """
    gas = np.ascontiguousarray(gas, dtype=np.int64)
    seconds = np.ascontiguousarray(seconds, dtype=np.int64)
    if gas.shape != seconds.shape or gas.ndim != 1:
        raise BadInput(f"{seconds.size} seconds for {gas.size} blocks", field="seconds")
    if gas.size and (gas.min() < 0 or seconds.min() < 0):
        raise BadInput("negative gas or seconds")
    steps = int(seconds.max()) if gas.size else 0
    targets = [c.target for c in constraints]
    if (
        not 0 <= min_base_fee <= _DEAREST
        or tolerance < 0
        or (gas.size and int(gas.max()) > _MOST)
        or any(c.backlog > _MOST or c.target * max(c.window, steps, tolerance) > _MOST for c in constraints)
    ):
        raise BadInput("beyond 63 bits; use arbitrum_l2.single_update")
    backlogs = np.array([c.backlog for c in constraints], dtype=np.int64)
    windows = np.array([c.window for c in constraints], dtype=np.int64)
    out = np.empty(gas.size, dtype=np.int64)
    failed = int(_run(gas, seconds, backlogs, np.array(targets, dtype=np.int64), windows, tolerance, min_base_fee, out))
    if failed >= 0:
        raise BadInput(f"block {failed} leaves 63 bits; use arbitrum_l2.single_update")
    after = tuple(
        Constraint(c.target, c.window, int(backlog)) for c, backlog in zip(constraints, backlogs, strict=True)
    )
    return out, after
