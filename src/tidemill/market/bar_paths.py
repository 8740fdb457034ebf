"""A bar turned into a likely path, compiled.

A bar knows its first, lowest, highest and last tick and how much of each token went in. The price must at least go from
the last close to the open, to both extremes (the nearer order) and to the close. Moving it through a cell of liquidity
``L`` needs a known input; what went in beyond that was traded back and forth, and is spread over the ticks the bar
touched. Fees follow the input. Weights are floats; fees are integers whose parts sum to the bar's exactly.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import uint64

from tidemill.units.kernels import kernel, part

__all__ = ["trace_bars"]


@part
def _part(f0: Any, f1: Any, share: float) -> Any:
    """``floor(fee * share)`` with the share rounded down to 32 bits; two limbs."""
    frac = uint64(min(max(share, 0.0), 1.0) * 4294967295.0)
    mask = uint64(0xFFFFFFFF)
    a = (f0 & mask) * frac
    b = (f0 >> uint64(32)) * frac + (a >> uint64(32))
    c = (f1 & mask) * frac + (b >> uint64(32))
    d = (f1 >> uint64(32)) * frac + (c >> uint64(32))
    # the product >> 32, 128 bits of it
    return (b & mask) | ((c & mask) << uint64(32)), (d & mask) | ((d >> uint64(32)) << uint64(32))


@kernel
def trace_bars(
    points: Any,
    volume: Any,
    depth: Any,
    fees: Any,
    roots: Any,
    low_half: int,
    spacing: int,
    even: float,
    known: Any,
    visits: Any,
    low_cell: int,
    here: Any,
    first: Any,
    cell: Any,
    tick: Any,
    down: Any,
    fee: Any,
    liquidity: Any,
    weight: Any,
    start: Any,
    bar: int,
) -> Any:
    """Lay out the steps of the next bars behind those laid out before.

    Parameters
    ----------
    points : (n, 4) open, low, high, close ticks.
    volume : (n, 2) input of token0 and token1, floats.
    depth : (n, 2) limbs of active liquidity at the close.
    fees : (n, 4) limbs of the fee in token0 and token1.
    roots : square root of the price at every half tick from ``low_half`` on, floats.
    even : part of the back-and-forth trade spread evenly over the ticks touched; the rest is at the open and close.
    known, visits : per cell from ``low_cell`` on, (., 2) limbs of its liquidity as last seen, and the bar that visited
        it last, counted from 0; begin with 0 and -1.
    here : half tick of the last close; begin with the first open.
    first : (n,) out: row of each bar's first step.
    cell, tick, down, fee (., 2), liquidity (., 2) : out, from row ``start`` on. weight : scratch as long.
    bar : bars laid out so far.

    Returns
    -------
    (rows filled so far, half tick of the last close); rows is -1 if there was too little room.
    """
    n = points.shape[0]
    room = cell.shape[0]
    at = start
    wide = 2 * spacing
    for k in range(n):
        o, l, h, c = np.int64(points[k, 0]), np.int64(points[k, 1]), np.int64(points[k, 2]), np.int64(points[k, 3])
        near_low = abs(o - l) + (h - l) + (h - c)
        near_high = (h - o) + (h - l) + (c - l)
        turn1, turn2 = (l, h) if near_low < near_high or (near_low == near_high and c >= o) else (h, l)
        begin = at
        first[k] = begin
        before = here >> 1
        # 1. the path, cell by cell
        for leg in range(4):
            to = 2 * (o if leg == 0 else (turn1 if leg == 1 else (turn2 if leg == 2 else c))) + 1
            while here != to:
                if at + 4 >= room:
                    return -1, here
                fall = to < here
                box = (here - 1) // wide if fall else here // wide
                stop = max(to, box * wide) if fall else min(to, (box + 1) * wide)
                slot = box - low_cell
                deep = float(known[slot, 1]) * 2.0**64 + float(known[slot, 0])
                if deep == 0.0:
                    deep = float(depth[k, 1]) * 2.0**64 + float(depth[k, 0])
                a, b = roots[min(here, stop) - low_half], roots[max(here, stop) - low_half]
                cell[at], tick[at], down[at] = box, (stop - 1) >> 1 if fall else stop >> 1, fall
                weight[at - begin] = deep * (1 / a - 1 / b) if fall else deep * (b - a)
                at += 1
                here = stop
        if at == begin:
            cell[at], tick[at], down[at], weight[at - begin] = c // spacing, c, 1, 0.0
            at += 1
        # 2. what went in beyond the path, by direction
        need0 = need1 = 0.0
        for r in range(begin, at):
            if down[r]:
                need0 += weight[r - begin]
            else:
                need1 += weight[r - begin]
        extra0, extra1 = max(volume[k, 0] - need0, 0.0), max(volume[k, 1] - need1, 0.0)
        lo, hi = min(l, before), max(h, before)
        span = float(hi - lo + 1)
        # 3. a row for the other direction after the first visit of each cell, and shares of the extra for both
        rows = at - begin
        if at + rows >= room:
            return -1, here
        for r in range(rows - 1, -1, -1):
            s, d = begin + r, begin + 2 * r
            cell[d], tick[d], down[d], weight[d - begin] = cell[s], tick[s], down[s], weight[s - begin]
            cell[d + 1], tick[d + 1], down[d + 1], weight[d - begin + 1] = cell[d], tick[d], 1 - down[d], 0.0
        for r in range(0, 2 * rows, 2):
            d = begin + r
            slot = np.int64(cell[d]) - low_cell
            if visits[slot] == bar + k:
                continue
            visits[slot] = bar + k
            left, right = np.int64(cell[d]) * spacing, np.int64(cell[d] + 1) * spacing - 1
            touched = float(min(hi, right) - max(lo, left) + 1)
            share = even * max(touched, 0.0) / span
            if left <= o <= right:
                share += (1 - even) / 2
            if left <= c <= right:
                share += (1 - even) / 2
            for e in (d, d + 1):
                weight[e - begin] += share * (extra0 if down[e] else extra1)
        at = begin + 2 * rows
        # 4. fees by weight, the rest on the last row of the direction; rows of nothing are dropped
        total0 = total1 = 0.0
        last0 = last1 = -1
        for r in range(begin, at):
            if down[r]:
                total0 += weight[r - begin]
                if weight[r - begin] > 0 or last0 < 0:
                    last0 = r
            else:
                total1 += weight[r - begin]
                if weight[r - begin] > 0 or last1 < 0:
                    last1 = r
        r00, r01, r10, r11 = fees[k, 0], fees[k, 1], fees[k, 2], fees[k, 3]
        keep = begin
        for r in range(begin, at):
            whole = total0 if down[r] else total1
            share = weight[r - begin] / whole if whole > 0 else 0.0
            if down[r]:
                p0, p1 = _part(fees[k, 0], fees[k, 1], share)
                if r == last0 or p1 > r01 or (p1 == r01 and p0 > r00):
                    p0, p1 = r00, r01
                borrow = uint64(r00 < p0)
                r00, r01 = r00 - p0, r01 - p1 - borrow
            else:
                p0, p1 = _part(fees[k, 2], fees[k, 3], share)
                if r == last1 or p1 > r11 or (p1 == r11 and p0 > r10):
                    p0, p1 = r10, r11
                borrow = uint64(r10 < p0)
                r10, r11 = r10 - p0, r11 - p1 - borrow
            moved = r > begin and tick[r] != tick[r - 1]
            if p0 == 0 and p1 == 0 and not moved and (r - begin) % 2 == 1:
                continue
            slot = np.int64(cell[r]) - low_cell
            q0, q1 = known[slot, 0], known[slot, 1]
            if q0 == 0 and q1 == 0:
                q0, q1 = depth[k, 0], depth[k, 1]
            if keep > begin and cell[keep - 1] == cell[r] and down[keep - 1] == down[r]:
                # goes on in the same cell and direction: one step
                tick[keep - 1] = tick[r]
                fee[keep - 1, 0] += p0
                high = p1 + uint64(fee[keep - 1, 0] < p0)
                if high:
                    fee[keep - 1, 1] += high
                continue
            cell[keep], tick[keep], down[keep] = cell[r], tick[r], down[r]
            fee[keep, 0], liquidity[keep, 0] = p0, q0
            if p1 or q1:  # rows begin as zeros, and writing them would take memory
                fee[keep, 1], liquidity[keep, 1] = p1, q1
            keep += 1
        at = keep
        slot = c // spacing - low_cell
        known[slot, 0], known[slot, 1] = depth[k, 0], depth[k, 1]
    return at, here
