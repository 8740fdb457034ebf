"""One swap, mint or burn on a pool's arrays: the model's loops in machine code, by the same rules.

Every function returns a code, `DONE` or a place in `REASONS`, and leaves the state unchanged unless it is `DONE`;
arithmetic that the contract refuses raises `Revert`, which `tidemill.venues.uniswap_v3.kernel` turns into a code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tidemill.units import MAX_UINT128, Uint, rule, wide, wrapping_add, wrapping_sub
from tidemill.units.jit import as_index, load128, load256, store128, store192, store256
from tidemill.units.kernels import part
from tidemill.venues.uniswap_v3.kernel_prices import price_of_tick, tick_of_price
from tidemill.venues.uniswap_v3.kernel_state import (
    BIAS,
    BITMAP,
    FEE,
    GROWTH,
    LIQUIDITY,
    MAX_PER_TICK,
    PRICE,
    PROTOCOL,
    SHARE,
    SLOTS,
    SPACING,
    TICK,
    UNDO,
    UNDONE,
)
from tidemill.venues.uniswap_v3.kernel_step import step_exact_in, step_exact_out
from tidemill.venues.uniswap_v3.rules_bitmap import next_tick_in_word_left, next_tick_in_word_right
from tidemill.venues.uniswap_v3.rules_fees import fee_growth_down, protocol_share_down, wrapping_add_128
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down, amounts_for_liquidity_up
from tidemill.venues.uniswap_v3.rules_ticks import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK

__all__ = [
    "ARITHMETIC",
    "DONE",
    "NONE_IN_RANGE",
    "NO_ROW",
    "REASONS",
    "change_range",
    "get_small",
    "row_of",
    "set_small",
    "swap",
    "undo_swap",
]

REASONS = ("", "", "AS", "SPL", "LOK", "TLU", "TLM", "TUM", "LO", "LS", "LA", "a tick without a row", "L")
"""Why an action was refused, by code; 1 stands for arithmetic and for requirements without a reason."""
DONE, ARITHMETIC, AS, SPL, LOK, TLU, TLM, TUM, LO, LS, LA, NO_ROW, NONE_IN_RANGE = range(13)

_ZERO: int = wide(0)
_INT128 = wide(1 << 127)


@rule
def _plus(a: Uint, b: Uint) -> Uint:
    """A sum that reverts where it does not fit, also where kernels run as Python."""
    return a + b


@part
def swap(
    pool: Any, zero_for_one: bool, exact_in: bool, amount: Any, limit: Any, log: Any, logged: int, event: int
) -> tuple[int, Any, Any, int, int]:
    """Swap as the model does.

    Parameters
    ----------
    amount : raw units, input with fee (exact in) or output.
    limit : the price it stops at, Q64.96.
    log, logged, event : where steps go (`kernel_tape.StepLog`; nowhere if it has no rows), how many are there,
        and their event.

    Returns
    -------
    (code, input with fees, output, rows logged, ticks crossed)
    """
    price, liquidity = load256(pool, PRICE), load256(pool, LIQUIDITY)
    spent = received = protocol = _ZERO
    set_small(pool, UNDONE, 0)
    if amount == 0:
        return AS, spent, received, logged, 0
    if price == 0:
        return LOK, spent, received, logged, 0
    if zero_for_one:
        if not (limit > MIN_SQRT_RATIO and limit < price):
            return SPL, spent, received, logged, 0
    elif not (price < limit < MAX_SQRT_RATIO):
        return SPL, spent, received, logged, 0
    side = 0 if zero_for_one else 1
    tick, fee, spacing = get_small(pool, TICK) - BIAS, get_small(pool, FEE), get_small(pool, SPACING)
    share = get_small(pool, (SHARE, side))
    growth = load256(pool, GROWTH + side)
    bitmap = get_small(pool, BITMAP)
    logs = log.shape[0] > 0
    remaining = amount
    crossed = 0

    while remaining != 0 and price != limit:
        start, start_tick = price, tick
        compressed = tick // spacing
        if zero_for_one:
            word = load256(pool, (compressed >> 8) + bitmap)
            ahead, in_use = next_tick_in_word_left(word, compressed, spacing)
            ahead = max(ahead, MIN_TICK)
        else:
            compressed += 1
            word = load256(pool, (compressed >> 8) + bitmap)
            ahead, in_use = next_tick_in_word_right(word, compressed, spacing)
            ahead = min(ahead, MAX_TICK)
        price_ahead = price_of_tick(pool, ahead)
        target = price_ahead
        if (zero_for_one and price_ahead < limit) or (not zero_for_one and price_ahead > limit):
            target = limit
        if exact_in:
            price, amount_in, amount_out, charged = step_exact_in(start, target, liquidity, remaining, fee)
            remaining = wrapping_sub(remaining, amount_in + charged)
        else:
            price, amount_in, amount_out, charged = step_exact_out(start, target, liquidity, remaining, fee)
            remaining = wrapping_sub(remaining, amount_out)
        spent = _plus(spent, _plus(amount_in, charged))
        received = _plus(received, amount_out)
        if share != 0:
            part_of_it = protocol_share_down(charged, share)
            charged = wrapping_sub(charged, part_of_it)
            protocol = _plus(protocol, part_of_it)
        if liquidity != 0:
            growth = fee_growth_down(growth, charged, liquidity)
        active = liquidity
        if price == price_ahead:
            if in_use:
                crossed += 1
                liquidity = _cross(pool, row_of(pool, ahead, spacing), side, growth, liquidity)
                if liquidity > MAX_UINT128:
                    return LA, spent, received, logged, crossed
            tick = ahead - 1 if zero_for_one else ahead
        elif price != start:
            tick = tick_of_price(pool, price)
        if logs and active != 0 and (charged != 0 or price != start):
            _log_step(log, logged, event, side, start_tick, tick, start, price, active, charged)
            logged += 1

    set_small(pool, TICK, tick + BIAS)
    store256(pool, PRICE, price)
    store256(pool, LIQUIDITY, liquidity)
    store256(pool, GROWTH + side, growth)
    if share != 0:
        store256(pool, PROTOCOL + side, wrapping_add_128(load256(pool, PROTOCOL + side), protocol))
    return DONE, spent, received, logged, crossed


@part
def get_small(pool: Any, place: Any) -> Any:
    """A small number by its (row, column)."""
    return as_index(pool[place[0], place[1]])


@part
def set_small(pool: Any, place: Any, value: int) -> None:
    """Set a small number, 0 or more."""
    pool[place[0], place[1]] = value


@part
def row_of(pool: Any, tick: int, spacing: int) -> Any:
    """First row of a tick, 0 for none."""
    slot = get_small(pool, SLOTS) + tick // spacing
    return as_index(pool[slot >> 2, slot & 3])


@part
def _cross(pool: Any, row: int, side: int, growth: Any, liquidity: Any) -> Any:
    """Turn a tick's growth outside, noting the old one; returns the liquidity beyond it (modulo 2**256)."""
    done = get_small(pool, UNDONE)
    note = get_small(pool, UNDO) + 3 * done
    set_small(pool, UNDONE, done + 1)
    outside0, outside1 = load256(pool, row + 2), load256(pool, row + 3)
    pool[note, 0] = row
    store256(pool, note + 1, outside0)
    store256(pool, note + 2, outside1)
    growth0 = growth if side == 0 else load256(pool, GROWTH)
    growth1 = load256(pool, GROWTH + 1) if side == 0 else growth
    store256(pool, row + 2, wrapping_sub(growth0, outside0))
    store256(pool, row + 3, wrapping_sub(growth1, outside1))
    if side == 0:
        return wrapping_sub(liquidity, load256(pool, row + 1))
    return wrapping_add(liquidity, load256(pool, row + 1))


@part
def undo_swap(pool: Any) -> None:
    """Turn back the ticks that a swap crossed before it reverted; nothing else has been written by then."""
    for k in range(get_small(pool, UNDONE)):
        note = get_small(pool, UNDO) + 3 * k
        row = as_index(pool[note, 0])
        store256(pool, row + 2, load256(pool, note + 1))
        store256(pool, row + 3, load256(pool, note + 2))
    set_small(pool, UNDONE, 0)


@part
def _log_step(
    log: Any,
    k: int,
    event: int,
    side: int,
    tick_from: int,
    tick_to: int,
    price_from: Any,
    price_to: Any,
    liquidity: Any,
    fee: Any,
) -> None:
    row = 4 * k
    store192(log, row, price_from)
    store192(log, row + 1, price_to)
    store128(log, row + 2, liquidity)
    log[row, 3], log[row + 1, 3] = event, 1 - side
    store128(log, row + 3, fee)
    log[row + 2, 2], log[row + 2, 3] = tick_from + BIAS, tick_to + BIAS


@part
def change_range(pool: Any, lower: int, upper: int, adds: bool, amount: Any) -> tuple[int, Any, Any]:
    """Add liquidity to a range, or take it off.

    Positions are not kept here: that whoever burns has minted is the caller's business.

    Returns
    -------
    (code, amount0, amount1) : what it costs, rounded up, or gives, rounded down.
    """
    spacing, tick = get_small(pool, SPACING), get_small(pool, TICK) - BIAS
    if load256(pool, PRICE) == 0:
        return LOK, _ZERO, _ZERO
    if amount >= _INT128 or (adds and amount == 0):
        return ARITHMETIC, _ZERO, _ZERO
    code = _check_range(lower, upper)
    if code != DONE:
        return code, _ZERO, _ZERO
    if amount == 0:
        return DONE, _ZERO, _ZERO
    most = load256(pool, MAX_PER_TICK)
    if lower % spacing != 0 or upper % spacing != 0:
        code = _check_gross(_ZERO, adds, amount, most)
        return code if code != DONE else ARITHMETIC, _ZERO, _ZERO
    row_lower, row_upper = row_of(pool, lower, spacing), row_of(pool, upper, spacing)
    for row in (row_lower, row_upper):
        gross = load128(pool, row) if row != 0 else _ZERO
        code = _check_gross(gross, adds, amount, most)
        if code != DONE:
            return code, _ZERO, _ZERO
        if row == 0:
            return NO_ROW, _ZERO, _ZERO
    liquidity = load256(pool, LIQUIDITY)
    if lower <= tick < upper:
        if adds:
            liquidity = _plus(liquidity, amount)
            if liquidity > MAX_UINT128:
                return LA, _ZERO, _ZERO
        else:
            if liquidity < amount:
                return LS, _ZERO, _ZERO
            liquidity = wrapping_sub(liquidity, amount)
    low, high = price_of_tick(pool, lower), price_of_tick(pool, upper)
    price = load256(pool, PRICE)
    if tick < lower:
        price = low
    elif tick >= upper:
        price = high
    if adds:
        amount0, amount1 = amounts_for_liquidity_up(price, low, high, amount)
    else:
        amount0, amount1 = amounts_for_liquidity_down(price, low, high, amount)
    # Nothing below this line can fail.
    store256(pool, LIQUIDITY, liquidity)
    _change_tick(pool, row_lower, lower, adds, amount, False)
    _change_tick(pool, row_upper, upper, adds, amount, True)
    return DONE, amount0, amount1


@part
def _check_range(lower: int, upper: int) -> int:
    if lower >= upper:
        return TLU
    if lower < MIN_TICK:
        return TLM
    if upper > MAX_TICK:
        return TUM
    return DONE


@part
def _check_gross(gross: Any, adds: bool, amount: Any, most: Any) -> int:
    if not adds:
        return LS if gross < amount else DONE
    after = _plus(gross, amount)
    if after > MAX_UINT128:
        return LA
    return LO if after > most else DONE


@part
def _change_tick(pool: Any, row: int, tick: int, adds: bool, amount: Any, upper: bool) -> None:
    """Change a tick's liquidity; turn its bit, and start or forget its growth outside, where that changes its use."""
    gross, net = load128(pool, row), load256(pool, row + 1)
    after = _plus(gross, amount) if adds else wrapping_sub(gross, amount)
    if gross == 0:
        below = tick <= get_small(pool, TICK) - BIAS
        for side in range(2):
            store256(pool, row + 2 + side, load256(pool, GROWTH + side) if below else _ZERO)
    net = wrapping_add(net, amount) if adds != upper else wrapping_sub(net, amount)
    if (gross == 0) != (after == 0):
        compressed = tick // get_small(pool, SPACING)
        word, bit = (compressed >> 8) + get_small(pool, BITMAP), compressed & 255
        pool[word, bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
    if after == 0:
        for side in range(2):
            store256(pool, row + 2 + side, _ZERO)
    store128(pool, row, after)
    store256(pool, row + 1, net)
