"""One swap, mint or burn on a pool's arrays: the model's loops in machine code, by the same rules.

Every function returns a code, `DONE` or a place in `REASONS`, and leaves the state unchanged unless it is `DONE`;
arithmetic that the contract refuses raises `Revert`, which `tidemill.venues.uniswap_v3.kernel` turns into a code.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tidemill.units import MAX_UINT128, Uint, rule, wide, wrapping_add, wrapping_sub
from tidemill.units.jit import load128, load256, store128, store192, store256
from tidemill.units.kernels import part
from tidemill.venues.uniswap_v3.kernel_prices import price_of_tick, tick_of_price
from tidemill.venues.uniswap_v3.kernel_state import (
    FEE,
    GROWTH,
    LIQUIDITY,
    MAX_PER_TICK,
    PRICE,
    PROTOCOL,
    SHARE,
    SPACING,
    TICK,
    UNDONE,
)
from tidemill.venues.uniswap_v3.rules_bitmap import next_tick_in_word_left, next_tick_in_word_right
from tidemill.venues.uniswap_v3.rules_fees import fee_growth_down, protocol_share_down, wrapping_add_128
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down, amounts_for_liquidity_up
from tidemill.venues.uniswap_v3.rules_swap import swap_step_exact_in, swap_step_exact_out
from tidemill.venues.uniswap_v3.rules_ticks import MAX_SQRT_RATIO, MAX_TICK, MIN_SQRT_RATIO, MIN_TICK

__all__ = ["ARITHMETIC", "DONE", "NONE_IN_RANGE", "NO_ROW", "REASONS", "change_range", "swap", "undo_swap"]

REASONS = ("", "", "AS", "SPL", "LOK", "TLU", "TLM", "TUM", "LO", "LS", "LA", "a tick without a row", "L")
"""Why an action was refused, by code; 1 stands for arithmetic and for requirements without a reason."""
DONE, ARITHMETIC, AS, SPL, LOK, TLU, TLM, TUM, LO, LS, LA, NO_ROW, NONE_IN_RANGE = range(13)

_ZERO = wide(0)
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
    log, logged, event : a `StepLog` to write steps to from row `logged` on (none if it has no rows), and their event.

    Returns
    -------
    (code, input with fees, output, rows logged, ticks crossed)
    """
    price, liquidity = load256(pool.wide, PRICE), load256(pool.wide, LIQUIDITY)
    spent = received = protocol = _ZERO
    pool.small[UNDONE] = 0
    if amount == 0:
        return AS, spent, received, logged, 0
    if price == 0:
        return LOK, spent, received, logged, 0
    if zero_for_one:
        if not (MIN_SQRT_RATIO < limit and limit < price):
            return SPL, spent, received, logged, 0
    elif not (price < limit and limit < MAX_SQRT_RATIO):
        return SPL, spent, received, logged, 0
    side = 0 if zero_for_one else 1
    tick, fee, spacing = pool.small[TICK], pool.small[FEE], pool.small[SPACING]
    share = pool.small[SHARE + side]
    growth = load256(pool.wide, GROWTH + side)
    middle = pool.bitmap.shape[0] // 2
    logs = log.fee.shape[0] > 0
    remaining = amount
    crossed = 0

    while remaining != 0 and price != limit:
        start, start_tick = price, tick
        compressed = tick // spacing
        if zero_for_one:
            word = load256(pool.bitmap, (compressed >> 8) + middle)
            ahead, in_use = next_tick_in_word_left(word, compressed, spacing)
            ahead = max(ahead, MIN_TICK)
        else:
            compressed += 1
            word = load256(pool.bitmap, (compressed >> 8) + middle)
            ahead, in_use = next_tick_in_word_right(word, compressed, spacing)
            ahead = min(ahead, MAX_TICK)
        price_ahead = price_of_tick(pool.ratios, ahead)
        target = price_ahead
        if (zero_for_one and price_ahead < limit) or (not zero_for_one and price_ahead > limit):
            target = limit
        if exact_in:
            price, amount_in, amount_out, charged = swap_step_exact_in(start, target, liquidity, remaining, fee)
            remaining = wrapping_sub(remaining, amount_in + charged)
        else:
            price, amount_in, amount_out, charged = swap_step_exact_out(start, target, liquidity, remaining, fee)
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
                liquidity = _cross(pool, ahead // spacing, side, growth, liquidity)
                if liquidity > MAX_UINT128:
                    return LA, spent, received, logged, crossed
            tick = ahead - 1 if zero_for_one else ahead
        elif price != start:
            tick = tick_of_price(pool.ratios, price)
        if logs and active != 0 and (charged != 0 or price != start):
            _log_step(log, logged, event, side, start_tick, tick, start, price, active, charged)
            logged += 1

    pool.small[TICK] = tick
    store256(pool.wide, PRICE, price)
    store256(pool.wide, LIQUIDITY, liquidity)
    store256(pool.wide, GROWTH + side, growth)
    if share != 0:
        store256(pool.wide, PROTOCOL + side, wrapping_add_128(load256(pool.wide, PROTOCOL + side), protocol))
    return DONE, spent, received, logged, crossed


@part
def _cross(pool: Any, compressed: int, side: int, growth: Any, liquidity: Any) -> Any:
    """Turn a tick's growth outside, noting the old one; returns the liquidity beyond it (modulo 2**256)."""
    row = pool.slot[compressed + pool.slot.shape[0] // 2]
    note = pool.small[UNDONE]
    pool.small[UNDONE] = note + 1
    pool.undo[note, 0] = row
    for k in range(4):
        pool.undo[note, 1 + k] = pool.outside[2 * row, k]
        pool.undo[note, 5 + k] = pool.outside[2 * row + 1, k]
    growth0 = growth if side == 0 else load256(pool.wide, GROWTH)
    growth1 = load256(pool.wide, GROWTH + 1) if side == 0 else growth
    store256(pool.outside, 2 * row, wrapping_sub(growth0, load256(pool.outside, 2 * row)))
    store256(pool.outside, 2 * row + 1, wrapping_sub(growth1, load256(pool.outside, 2 * row + 1)))
    if side == 0:
        return wrapping_sub(liquidity, load256(pool.net, row))
    return wrapping_add(liquidity, load256(pool.net, row))


@part
def undo_swap(pool: Any) -> None:
    """Turn back the ticks that a swap crossed before it reverted; nothing else has been written by then."""
    for note in range(pool.small[UNDONE]):
        row = np.int64(pool.undo[note, 0])
        for k in range(4):
            pool.outside[2 * row, k] = pool.undo[note, 1 + k]
            pool.outside[2 * row + 1, k] = pool.undo[note, 5 + k]
    pool.small[UNDONE] = 0


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
    log.event[k], log.zero_for_one[k] = event, 1 - side
    log.tick_from[k], log.tick_to[k] = tick_from, tick_to
    store192(log.price_from, k, price_from)
    store192(log.price_to, k, price_to)
    store128(log.liquidity, k, liquidity)
    store128(log.fee, k, fee)


@part
def change_range(pool: Any, lower: int, upper: int, adds: bool, amount: Any) -> tuple[int, Any, Any]:
    """Add liquidity to a range, or take it off.

    Positions are not kept here: that whoever burns has minted is the caller's business.

    Returns
    -------
    (code, amount0, amount1) : what it costs, rounded up, or gives, rounded down.
    """
    small = pool.small
    if load256(pool.wide, PRICE) == 0:
        return LOK, _ZERO, _ZERO
    if amount >= _INT128 or (adds and amount == 0):
        return ARITHMETIC, _ZERO, _ZERO
    code = _check_range(lower, upper)
    if code != DONE:
        return code, _ZERO, _ZERO
    if amount == 0:
        return DONE, _ZERO, _ZERO
    most = load256(pool.wide, MAX_PER_TICK)
    if lower % small[SPACING] != 0 or upper % small[SPACING] != 0:
        code = _check_gross(_ZERO, adds, amount, most)
        return code if code != DONE else ARITHMETIC, _ZERO, _ZERO
    half = pool.slot.shape[0] // 2
    row_lower = pool.slot[lower // small[SPACING] + half]
    row_upper = pool.slot[upper // small[SPACING] + half]
    for row in (row_lower, row_upper):
        code = _check_gross(load128(pool.gross, row), adds, amount, most)
        if code != DONE:
            return code, _ZERO, _ZERO
        if row == 0:
            return NO_ROW, _ZERO, _ZERO
    tick = small[TICK]
    liquidity = load256(pool.wide, LIQUIDITY)
    if lower <= tick < upper:
        if adds:
            liquidity = _plus(liquidity, amount)
            if liquidity > MAX_UINT128:
                return LA, _ZERO, _ZERO
        else:
            if liquidity < amount:
                return LS, _ZERO, _ZERO
            liquidity = wrapping_sub(liquidity, amount)
    low, high = price_of_tick(pool.ratios, lower), price_of_tick(pool.ratios, upper)
    price = load256(pool.wide, PRICE)
    if tick < lower:
        price = low
    elif tick >= upper:
        price = high
    if adds:
        amount0, amount1 = amounts_for_liquidity_up(price, low, high, amount)
    else:
        amount0, amount1 = amounts_for_liquidity_down(price, low, high, amount)
    # Nothing below this line can fail.
    store256(pool.wide, LIQUIDITY, liquidity)
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
    gross, net = load128(pool.gross, row), load256(pool.net, row)
    after = _plus(gross, amount) if adds else wrapping_sub(gross, amount)
    if gross == 0:
        below = tick <= pool.small[TICK]
        for side in range(2):
            store256(pool.outside, 2 * row + side, load256(pool.wide, GROWTH + side) if below else _ZERO)
    if adds != upper:
        net = wrapping_add(net, amount)
    else:
        net = wrapping_sub(net, amount)
    if (gross == 0) != (after == 0):
        compressed = tick // pool.small[SPACING]
        word, bit = (compressed >> 8) + pool.bitmap.shape[0] // 2, compressed & 255
        pool.bitmap[word, bit >> 6] ^= np.uint64(1) << np.uint64(bit & 63)
    if after == 0:
        for side in range(2):
            store256(pool.outside, 2 * row + side, _ZERO)
    store128(pool.gross, row, after)
    store256(pool.net, row, net)
