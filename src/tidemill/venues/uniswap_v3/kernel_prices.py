"""Prices of ticks and ticks of prices for the kernel: the rules' values, found faster.

`sqrt_ratio_at_tick` multiplies up to twenty wide numbers. A swap asks for the same few ticks again and again, so a
small table remembers the last price asked for in each of its rows. The tick of a price comes from a float logarithm
where that is safe: it is accepted only well inside a tick, and the exact prices decide everywhere else.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tidemill.units.jit import load192, store192, to_float
from tidemill.units.kernels import part
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

__all__ = ["PRICE_ROWS", "price_of_tick", "tick_of_price"]

PRICE_ROWS = 2048
_MASK = PRICE_ROWS - 1
_TAG = 1_000_000  # makes every tick positive, so that 0 marks an empty row

_TICKS_PER_E = 2.0 / math.log(1.0001)  # not money: sqrt(1.0001) ** tick = price
_LOG_Q96 = 96.0 * math.log(2.0)  # not money: prices are scaled by 2**96
# The logarithm is right to 1e-9 ticks, and prices of ticks differ from 1.0001 ** (tick / 2) by less than 5e-6 ticks:
# by rounding up to Q64.96 (2**-32 of the least price) and to Q128 (20 * 2**-64 there).
_MARGIN = 1e-4  # not money: twenty times that


@part
def price_of_tick(table: Any, tick: int) -> Any:
    """Return ``sqrt_ratio_at_tick(tick)``, from the table if it is there.

    `table` is a ``(n, 4)`` array whose first ``PRICE_ROWS`` rows are the table: three limbs and a tag.
    """
    row = tick & _MASK
    tag = np.uint64(tick + _TAG)
    if table[row, 3] == tag:
        return load192(table, row)
    price = sqrt_ratio_at_tick(tick)
    store192(table, row, price)
    table[row, 3] = tag
    return price


@part
def tick_of_price(table: Any, sqrt_price: Any) -> int:
    """Return ``tick_at_sqrt_ratio(sqrt_price)``; the price lies in [MIN_SQRT_RATIO, MAX_SQRT_RATIO)."""
    estimate = (math.log(to_float(sqrt_price)) - _LOG_Q96) * _TICKS_PER_E  # not money: a guess with a margin
    low = math.floor(estimate)
    inside = estimate - low
    if _MARGIN < inside < 1.0 - _MARGIN:  # not money: an estimate
        return int(low)
    tick = int(math.floor(estimate + 0.5))  # noqa: RUF046 - numba's floor is a float # not money: the tick whose price is next to ours
    if sqrt_price < price_of_tick(table, tick):
        return tick - 1
    return tick
