"""What the screens of liquidity strategies do alike, compiled into each: time, ratios, own swaps, fees inside, first exits.

Prices are square roots of raw token1 per raw token0; amounts are raw units as floats.
"""

from __future__ import annotations

from typing import Any

from tidemill.market.index_kernel import crossed, growth_between
from tidemill.units.kernels import part

__all__ = [
    "MAX_TICK",
    "NEAR",
    "balanced",
    "earned",
    "kept",
    "landed",
    "later",
    "leaves",
    "liquidity_for",
    "needed",
    "root_at",
    "sold",
    "taken",
]

Q64, Q128 = 2.0**64, 2.0**128
NEAR = 64
"""Steps looked at before the crossing lists are asked."""
MAX_TICK = 887_272


@part(inlined=True)
def root_at(tick: Any) -> Any:
    """Square-root price at a tick."""
    return 1.0001 ** (tick / 2.0)


@part(inlined=True)
def later(s: Any, to: Any, key: Any) -> Any:
    """Last row at or before ``to`` of a sorted column, from row ``s`` on: steps are near, so look ahead by doubling."""
    n = key.shape[0]
    reach = 1
    while s + reach < n and key[s + reach] <= to:
        s += reach
        reach *= 2
    while reach > 0:
        if s + reach < n and key[s + reach] <= to:
            s += reach
        reach //= 2
    return s


@part(inlined=True)
def landed(s: Any, b: Any, time: Any, block: Any, period: Any) -> Any:
    """Last row at or before block ``b``, from row ``s`` on, and the second in which that block is."""
    s = later(s, b, block)
    return s, time[s] + max(b - block[s], 0) * period


@part(inlined=True)
def needed(root: Any, a: Any, b: Any) -> Any:
    """Token0 and token1 per unit of liquidity between the square-root prices ``a`` and ``b``."""
    at = min(max(root, a), b)
    return 1.0 / at - 1.0 / b, at - a


@part(inlined=True)
def sold(zero_for_one: Any, amount: Any, root: Any, depth: Any, fee: Any) -> Any:
    """What selling ``amount`` brings where the active liquidity goes on for ever."""
    inside = amount * (1.0 - fee)
    if depth <= 0.0:
        return 0.0
    if zero_for_one:
        after = depth * root / (depth + inside * root)
        return depth * (root - after)
    after = root + inside / depth
    return depth * (1.0 / root - 1.0 / after)


@part
def balanced(h0: Any, h1: Any, need0: Any, need1: Any, root: Any, depth: Any, fee: Any) -> Any:
    """What is held once it has been swapped into the ratio of what is needed, and whether that took a swap."""
    surplus = h0 * need1 - h1 * need0
    if surplus == 0.0:
        return h0, h1, False
    # twice: the second time at the rate that the first one would fill at
    down, p = surplus > 0.0, root * root
    rate = p * (1.0 - fee) if down else (1.0 - fee) / p
    amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
    got = sold(down, amount, root, depth, fee)
    if amount > 0.0 and got > 0.0:
        rate = got / amount
        amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
        got = sold(down, amount, root, depth, fee)
        h0, h1 = (h0 - amount, h1 + got) if down else (h0 + got, h1 - amount)
    return h0, h1, True


@part(inlined=True)
def liquidity_for(h0: Any, h1: Any, need0: Any, need1: Any) -> Any:
    """The most liquidity that the amounts pay for."""
    liquidity = 1e300
    if need0 > 0.0:
        liquidity = h0 / need0
    if need1 > 0.0:
        liquidity = min(liquidity, h1 / need1)
    return liquidity


@part(inlined=True)
def kept(
    h0: Any, h1: Any, spent: Any, begun: Any, home0: Any, root: Any, depth: Any, fee: Any, cost: Any, native: Any
) -> Any:
    """What is kept, raw units of home: all sold into it, less what was ``spent`` and that sale's ``cost``, less ``begun``."""
    mine, other = (h0, h1) if home0 else (h1, h0)
    if other > 0.0:
        mine += sold(not home0, other, root, depth, fee)
        spent += cost
    price = (1.0 / (root * root) if home0 else root * root) if native[1] else native[0]
    return mine - spent * price - begun


@part(inlined=True)
def _fraction(a0: Any, a1: Any, a2: Any) -> Any:
    """A growth of three limbs as fees per unit of liquidity."""
    return float(a0) / Q128 + float(a1) / Q64 + float(a2)


@part(inlined=True)
def earned(
    l: Any, u: Any, p: Any, q: Any, own: Any, dilutes: Any, by_scan: Any,
    cell: Any, depth: Any, grown: Any, lists: Any, thin: Any,
) -> Any:  # fmt: skip
    """Fees per unit of ``own`` liquidity (token0, token1) inside the cells [l, u) over the steps [p, q).

    Where it dilutes, a step pays ``a / (1 + own / L)`` for a growth of ``a`` at others' ``L``. From the index come the sums of
    ``a`` and of ``a / L``, and by Jensen's inequality the fees are at least those at the mean of ``1 / L``: near it, since a
    range meets much the same liquidity throughout. A scan, and few steps, sum exactly.
    """
    zero = one = 0.0
    if by_scan or q - p <= NEAR:
        for k in range(p, q):
            if l <= cell[k] < u:
                part_ = depth[k] / (depth[k] + own) if dilutes else 1.0
                zero += grown[k, 0] * part_
                one += grown[k, 1] * part_
        return zero, one
    total, off, when, base, index, below, shift, low = lists
    last = off.shape[0] - 2
    l, u = min(max(l - low, 0), last), min(max(u - low, 0), last)
    a0, a1, a2, b0, b1, b2 = growth_between(l, u, p, q, total, off, when, base, index, below, shift)
    zero, one = _fraction(a0, a1, a2), _fraction(b0, b1, b2)
    if dilutes:
        thin_total, thin_base, unit = thin
        a0, a1, a2, b0, b1, b2 = growth_between(l, u, p, q, thin_total, off, when, thin_base, index, below, shift)
        if zero > 0.0:
            zero *= 1.0 / (1.0 + own * unit * _fraction(a0, a1, a2) / zero)
        if one > 0.0:
            one *= 1.0 / (1.0 + own * unit * _fraction(b0, b1, b2) / one)
    return zero, one


@part(inlined=True)
def taken(
    h0: Any, h1: Any, lower: Any, upper: Any, liquidity: Any, first: Any, s: Any, spacing: Any, dilutes: Any, by_scan: Any,
    cell: Any, root: Any, depth: Any, grown: Any, lists: Any, thin: Any,
) -> Any:  # fmt: skip
    """What is held once a range is closed after step ``s``: what it was worth, and its fees from step ``first`` on."""
    l, u, after = lower // spacing, upper // spacing, max(s + 1, first)
    zero, one = earned(l, u, first, after, liquidity, dilutes, by_scan, cell, depth, grown, lists, thin)
    back0, back1 = needed(root[s], root_at(lower), root_at(upper))
    return h0 + liquidity * (back0 + zero), h1 + liquidity * (back1 + one)


@part(inlined=True)
def leaves(
    s: Any, floor: Any, ceiling: Any, spacing: Any, by_scan: Any, tick: Any, lists: Any
) -> Any:  # fmt: skip
    """First step after ``s`` whose tick is outside [floor, ceiling); the number of steps if there is none.

    Cells that lie wholly inside are skipped by the crossing lists, after a few steps have been looked at: most exits of
    narrow ranges are near. In the two cells that do not lie inside, steps are looked at.
    """
    _, off, when, _, index, _, shift, low = lists
    n, last = tick.shape[0], off.shape[0] - 2
    l, u = -((-floor) // spacing) - low, ceiling // spacing - low
    k = s + 1
    look = n if by_scan else min(n, k + NEAR)
    while k < n:
        if tick[k] < floor or tick[k] >= ceiling:
            return k
        c = tick[k] // spacing - low
        if k >= look and l <= c < u:
            found = n
            if l > 0 and l <= last:
                at = crossed(l, k, when, index, shift)
                if at < off[l + 1]:
                    found = int(when[at])
            if 0 <= u <= last:
                at = crossed(u, k, when, index, shift)
                if at < off[u + 1]:
                    found = min(found, int(when[at]))
            if found <= k:
                k += 1
            else:
                k = found
        else:
            k += 1
    return n
