"""Compiled loops of the fee index.

Growth is Q128.128 fees per unit of liquidity, three little-endian ``uint64`` limbs a token (192 bits, checked when the
index is built). A record holds both tokens: limbs 0 to 2 token0, 3 to 5 token1. ``p`` counts steps: a prefix at ``p`` sums
the steps before ``p``.

For a boundary ``b`` (between cell b-1 and cell b), ``F_b(p)`` is the growth of the steps before ``p`` in cells below
``b``. While the price is below ``b`` it moves with the global growth ``G(p)``; above, it stands still. So per boundary
one record per crossing is enough: ``F_b(p) = base + (G(p) if below else 0)``, as the contract's feeGrowthOutside, with
history. Growth inside [l, u) before ``p`` is ``F_u(p) - F_l(p)``.
"""

from __future__ import annotations

from typing import Any

import numpy as np
from numba import njit, prange, uint64

from tidemill.units.kernels import is_jit, kernel

__all__ = [
    "build_crossings",
    "count_crossings",
    "crossed",
    "diluted_scan",
    "exit_many",
    "fees_many",
    "growth_between",
    "growth_many",
    "growth_scan",
    "locate_many",
    "prefix",
]

# Results of six limbs travel in registers only where they are inlined: half the time of a query.
_part: Any = njit(inline="always") if is_jit() else lambda function: function

NEVER = np.int32(2**31 - 1)
"""A crossing time that does not come."""


@_part
def _add(a0: Any, a1: Any, a2: Any, b0: Any, b1: Any, b2: Any) -> Any:
    r0 = a0 + b0
    t = a1 + b1
    r1 = t + uint64(r0 < a0)
    carry = uint64(t < a1) + uint64(r1 < t)
    return r0, r1, a2 + b2 + carry


@_part
def _sub(a0: Any, a1: Any, a2: Any, b0: Any, b1: Any, b2: Any) -> Any:
    t = a1 - b1
    r1 = t - uint64(a0 < b0)
    borrow = uint64(a1 < b1) + uint64(t < r1)
    return a0 - b0, r1, a2 - b2 - borrow


@_part
def _high(a: Any, b: Any) -> Any:
    """The upper 64 bits of a product."""
    mask = uint64(0xFFFFFFFF)
    a1, a0, b1, b0 = a >> uint64(32), a & mask, b >> uint64(32), b & mask
    low = a0 * b0
    mid = a1 * b0 + (low >> uint64(32))
    other = a0 * b1 + (mid & mask)
    return a1 * b1 + (mid >> uint64(32)) + (other >> uint64(32))


@_part
def _digit(high: Any, low: Any, d: Any) -> Any:
    """Quotient and rest of ``high:low / d`` for a normalised ``d`` (top bit set) and ``high < d``."""
    mask = uint64(0xFFFFFFFF)
    d1, d0 = d >> uint64(32), d & mask
    q1 = high // d1
    rest = high - q1 * d1
    while q1 > mask or q1 * d0 > ((rest << uint64(32)) | (low >> uint64(32))):
        q1 -= uint64(1)
        rest += d1
        if rest > mask:
            break
    high = ((high << uint64(32)) | (low >> uint64(32))) - q1 * d
    q0 = high // d1
    rest = high - q0 * d1
    while q0 > mask or q0 * d0 > ((rest << uint64(32)) | (low & mask)):
        q0 -= uint64(1)
        rest += d1
        if rest > mask:
            break
    return (q1 << uint64(32)) + q0, ((high << uint64(32)) | (low & mask)) - q0 * d


@_part
def _zeros(x: Any) -> Any:
    """Leading zeros of a limb that is not 0."""
    n = uint64(0)
    for shift in (32, 16, 8, 4, 2, 1):
        if x >> uint64(64 - shift) == uint64(0):
            n += uint64(shift)
            x <<= uint64(shift)
    return n


@_part
def _shifted(high: Any, low: Any, s: Any) -> Any:
    """The upper limb of ``high:low << s`` for s < 64."""
    return (high << s) | (low >> uint64(1) >> (uint64(63) - s))


@_part
def _growth_small(f0: Any, f1: Any, d: Any) -> Any:
    """``floor(fee * 2**128 / d)`` for a one-limb divisor: four digits, lowest first."""
    s = _zeros(d)
    d <<= s
    q3, r = _digit(f1 >> uint64(1) >> (uint64(63) - s), _shifted(f1, f0, s), d)
    q2, r = _digit(r, f0 << s, d)
    q1, r = _digit(r, uint64(0), d)
    q0, r = _digit(r, uint64(0), d)
    return q0, q1, q2, q3


@_part
def _digit2(n2: Any, n1: Any, n0: Any, d1: Any, d0: Any) -> Any:
    """One digit of division by a normalised two-limb divisor (Knuth, volume 2, 4.3.1, algorithm D)."""
    if n2 >= d1:
        q = uint64(0xFFFFFFFFFFFFFFFF)
        r = n1 + d1
        over = r < n1
    else:
        q, r = _digit(n2, n1, d1)
        over = False
    while not over and (_high(q, d0) > r or (_high(q, d0) == r and q * d0 > n0)):
        q -= uint64(1)
        r += d1
        over = r < d1
    # rest = n - q * d, two limbs
    low = q * d0
    rest0 = n0 - low
    rest1 = n1 - q * d1 - _high(q, d0) - uint64(n0 < low)
    return q, rest1, rest0


@_part
def _growth_wide(f0: Any, f1: Any, d0: Any, d1: Any) -> Any:
    """``floor(fee * 2**128 / d)`` for a two-limb divisor: three digits, lowest first."""
    s = _zeros(d1)
    e1, e0 = _shifted(d1, d0, s), d0 << s
    n4 = f1 >> uint64(1) >> (uint64(63) - s)
    n3, n2 = _shifted(f1, f0, s), f0 << s
    q2, a, b = _digit2(n4, n3, n2, e1, e0)
    q1, a, b = _digit2(a, b, uint64(0), e1, e0)
    q0, a, b = _digit2(a, b, uint64(0), e1, e0)
    return q0, q1, q2, uint64(0)


@_part
def _growth(f0: Any, f1: Any, d0: Any, d1: Any) -> Any:
    """``floor(fee * 2**128 / liquidity)``, four limbs; 0 where there is no liquidity."""
    if d1 != uint64(0):
        return _growth_wide(f0, f1, d0, d1)
    if d0 != uint64(0):
        return _growth_small(f0, f1, d0)
    return uint64(0), uint64(0), uint64(0), uint64(0)


@kernel
def prefix(fee: Any, liquidity: Any, zero_for_one: Any, total: Any) -> bool:
    """Fill ``total`` (n+1, 6) with the growth of all steps before each; False if a token's does not fit 192 bits."""
    a0 = a1 = a2 = b0 = b1 = b2 = uint64(0)
    n = fee.shape[0]
    for k in range(n):
        total[k, 0], total[k, 1], total[k, 2] = a0, a1, a2
        total[k, 3], total[k, 4], total[k, 5] = b0, b1, b2
        g0, g1, g2, g3 = _growth(fee[k, 0], fee[k, 1], liquidity[k, 0], liquidity[k, 1])
        if g3 != uint64(0):
            return False
        if zero_for_one[k]:
            before = a2
            a0, a1, a2 = _add(a0, a1, a2, g0, g1, g2)
            if a2 < before or (g2 > uint64(0) and a2 == before):
                return False
        else:
            before = b2
            b0, b1, b2 = _add(b0, b1, b2, g0, g1, g2)
            if b2 < before or (g2 > uint64(0) and b2 == before):
                return False
    total[n, 0], total[n, 1], total[n, 2] = a0, a1, a2
    total[n, 3], total[n, 4], total[n, 5] = b0, b1, b2
    return True


@kernel
def count_crossings(cell: Any, low: int, count: Any) -> int:
    """Count crossings of each boundary (``count[b]`` for the boundary below cell ``low + b``); returns their sum.

    Works on differences, so that a jump over many cells costs no more than a small one.
    """
    for k in range(1, cell.shape[0]):
        a, c = np.int64(cell[k - 1]) - low, np.int64(cell[k]) - low
        if a != c:
            count[min(a, c) + 1] += 1
            count[max(a, c) + 1] -= 1
    running = total = np.int64(0)
    for b in range(count.shape[0]):
        running += count[b]
        count[b] = running
        total += running
    return int(total)


@kernel
def build_crossings(
    cell: Any, total: Any, low: int, shift: int, off: Any, when: Any, base: Any, index: Any, below: Any
) -> None:
    """Write the crossing lists.

    ``when[off[b]:off[b+1]]`` are the steps at which boundary ``b`` is found crossed, ``base[off[b] + b + m]`` the record
    after ``m`` of them, ``index[b, k]`` the place in ``when`` of the first at or after step ``k << shift``.
    """
    n, boundaries = cell.shape[0], off.shape[0] - 1
    place = off[:boundaries].copy()
    first = np.int64(cell[0]) - low
    for b in range(boundaries):
        below[b] = first < b
    mask = (1 << shift) - 1
    for k in range(n):
        if k & mask == 0:
            for b in range(boundaries):
                index[b, k >> shift] = place[b]
        if k == 0 or cell[k] == cell[k - 1]:
            continue
        a, c = np.int64(cell[k - 1]) - low, np.int64(cell[k]) - low
        for b in range(min(a, c) + 1, max(a, c) + 1):
            at = place[b]
            when[at] = k
            r = at + b
            for t in (0, 3):
                if a < c:
                    new = _add(
                        base[r, t], base[r, t + 1], base[r, t + 2], total[k, t], total[k, t + 1], total[k, t + 2]
                    )
                else:
                    new = _sub(
                        base[r, t], base[r, t + 1], base[r, t + 2], total[k, t], total[k, t + 1], total[k, t + 2]
                    )
                base[r + 1, t], base[r + 1, t + 1], base[r + 1, t + 2] = new
            place[b] = at + 1
    for block in range(((n - 1) >> shift) + 1, index.shape[1]):
        for b in range(boundaries):
            index[b, block] = place[b]


@_part
def crossed(b: Any, p: Any, when: Any, index: Any, shift: Any) -> Any:
    """Place in ``when`` of the first crossing of ``b`` after step ``p``."""
    low = np.int64(index[b, p >> shift])
    length = np.int64(index[b, (p >> shift) + 1]) - low
    while length > 0:
        half = length >> 1
        if when[low + half] <= p:
            low += half + 1
            length -= half + 1
        else:
            length = half
    return low


@_part
def _inside(
    l: Any, u: Any, p: Any, total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: Any
) -> Any:
    """Growth inside [l, u) before step ``p``: both tokens, six limbs."""
    i, j = crossed(l, p, when, index, shift), crossed(u, p, when, index, shift)
    a, b = i + l, j + u
    x0, x1, x2 = _sub(base[b, 0], base[b, 1], base[b, 2], base[a, 0], base[a, 1], base[a, 2])
    y0, y1, y2 = _sub(base[b, 3], base[b, 4], base[b, 5], base[a, 3], base[a, 4], base[a, 5])
    under_l = (np.int64(below[l]) + i - off[l]) & 1
    under_u = (np.int64(below[u]) + j - off[u]) & 1
    if under_l != under_u:
        x0, x1, x2 = _add(x0, x1, x2, total[p, 0], total[p, 1], total[p, 2])
        y0, y1, y2 = _add(y0, y1, y2, total[p, 3], total[p, 4], total[p, 5])
    return x0, x1, x2, y0, y1, y2


@_part
def growth_between(
    l: Any, u: Any, p: Any, q: Any, total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: Any
) -> Any:
    """Growth inside [l, u) over steps [p, q): both tokens, six limbs."""
    a0, a1, a2, b0, b1, b2 = _inside(l, u, q, total, off, when, base, index, below, shift)
    c0, c1, c2, d0, d1, d2 = _inside(l, u, p, total, off, when, base, index, below, shift)
    a0, a1, a2 = _sub(a0, a1, a2, c0, c1, c2)
    b0, b1, b2 = _sub(b0, b1, b2, d0, d1, d2)
    return a0, a1, a2, b0, b1, b2


@_part
def _share(l0: Any, l1: Any, g0: Any, g1: Any, g2: Any) -> Any:
    """``floor(liquidity * growth / 2**128)`` modulo 2**128, two limbs: the contract's fees owed."""
    # column sums of the schoolbook product, limbs 1 (for its carry), 2 and 3
    h00, m10 = _high(l0, g0), l1 * g0
    m01 = l0 * g1
    s = h00 + m10
    c = uint64(s < h00)
    s2 = s + m01
    c += uint64(s2 < s)
    # limb 2
    r = _high(l1, g0)
    carry = uint64(0)
    for term in (_high(l0, g1), l1 * g1, l0 * g2, c):
        t = r + term
        carry += uint64(t < r)
        r = t
    return r, _high(l1, g1) + _high(l0, g2) + l1 * g2 + carry


@kernel(parallel=True)
def growth_many(
    lower: Any, upper: Any, start: Any, stop: Any, out: Any,
    total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: int, low: int,
) -> None:  # fmt: skip
    """Growth inside ``[lower, upper)`` (cells) over steps ``[start, stop)``, six limbs a query."""
    last = off.shape[0] - 2
    for k in prange(lower.shape[0]):
        l = min(max(np.int64(lower[k]) - low, 0), last)
        u = min(max(np.int64(upper[k]) - low, 0), last)
        p, q = np.int64(start[k]), np.int64(stop[k])
        out[k, 0], out[k, 1], out[k, 2], out[k, 3], out[k, 4], out[k, 5] = growth_between(
            l, u, p, q, total, off, when, base, index, below, shift
        )


@kernel(parallel=True)
def fees_many(
    lower: Any, upper: Any, start: Any, stop: Any, liquidity: Any, out: Any,
    total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: int, low: int,
) -> None:  # fmt: skip
    """Fees of candidates: (m, 4), limbs of token0 and of token1, for ``liquidity`` (m, 2)."""
    last = off.shape[0] - 2
    for k in prange(lower.shape[0]):
        l = min(max(np.int64(lower[k]) - low, 0), last)
        u = min(max(np.int64(upper[k]) - low, 0), last)
        p, q = np.int64(start[k]), np.int64(stop[k])
        a0, a1, a2, b0, b1, b2 = growth_between(l, u, p, q, total, off, when, base, index, below, shift)
        out[k, 0], out[k, 1] = _share(liquidity[k, 0], liquidity[k, 1], a0, a1, a2)
        out[k, 2], out[k, 3] = _share(liquidity[k, 0], liquidity[k, 1], b0, b1, b2)


@kernel(parallel=True)
def exit_many(
    lower: Any, upper: Any, start: Any, out: Any,
    cell: Any, off: Any, when: Any, index: Any, shift: int, low: int,
) -> None:  # fmt: skip
    """First step at or after ``start`` outside ``[lower, upper)`` (cells); the number of steps if there is none."""
    n, last = cell.shape[0], off.shape[0] - 2
    for k in prange(lower.shape[0]):
        p = np.int64(start[k])
        if p >= n:
            out[k] = n
            continue
        if cell[p] < lower[k] or cell[p] >= upper[k]:
            out[k] = p
            continue
        found = np.int64(n)
        l, u = np.int64(lower[k]) - low, np.int64(upper[k]) - low
        if l > 0:
            at = crossed(l, p, when, index, shift)
            if at < off[l + 1]:
                found = np.int64(when[at])
        if u < last:
            at = crossed(u, p, when, index, shift)
            if at < off[u + 1]:
                found = min(found, np.int64(when[at]))
        out[k] = found


@kernel(parallel=True)
def locate_many(
    lower: Any, upper: Any, at: Any, out: Any,
    off: Any, when: Any, index: Any, below: Any, shift: int, low: int,
) -> None:  # fmt: skip
    """For each query: the two records whose difference is the inside sum, and 1 if the global sum is to be added."""
    last = off.shape[0] - 2
    for k in prange(lower.shape[0]):
        l = min(max(np.int64(lower[k]) - low, 0), last)
        u = min(max(np.int64(upper[k]) - low, 0), last)
        i, j = crossed(l, np.int64(at[k]), when, index, shift), crossed(u, np.int64(at[k]), when, index, shift)
        out[k, 0], out[k, 1] = i + l, j + u
        out[k, 2] = (np.int64(below[l]) + i - off[l] + np.int64(below[u]) + j - off[u]) & 1


@kernel
def growth_scan(lower: int, upper: int, start: int, stop: int, cell: Any, total: Any, out: Any) -> None:
    """Growth inside by adding step after step: what the index must equal, and what it is timed against."""
    a0 = a1 = a2 = b0 = b1 = b2 = uint64(0)
    for k in range(start, stop):
        if lower <= cell[k] < upper:
            x0, x1, x2 = _sub(total[k + 1, 0], total[k + 1, 1], total[k + 1, 2], total[k, 0], total[k, 1], total[k, 2])
            a0, a1, a2 = _add(a0, a1, a2, x0, x1, x2)
            x0, x1, x2 = _sub(total[k + 1, 3], total[k + 1, 4], total[k + 1, 5], total[k, 3], total[k, 4], total[k, 5])
            b0, b1, b2 = _add(b0, b1, b2, x0, x1, x2)
    out[0], out[1], out[2], out[3], out[4], out[5] = a0, a1, a2, b0, b1, b2


@kernel
def diluted_scan(
    lower: int, upper: int, start: int, stop: int, l0: Any, l1: Any,
    cell: Any, fee: Any, liquidity: Any, zero_for_one: Any, out: Any,
) -> bool:  # fmt: skip
    """Growth inside with own liquidity added to each step's; False if it does not fit 192 bits."""
    a0 = a1 = a2 = b0 = b1 = b2 = uint64(0)
    for k in range(start, stop):
        if lower <= cell[k] < upper:
            d0 = liquidity[k, 0] + l0
            d1 = liquidity[k, 1] + l1 + uint64(d0 < l0)
            g0, g1, g2, g3 = _growth(fee[k, 0], fee[k, 1], d0, d1)
            if g3 != uint64(0):
                return False
            if zero_for_one[k]:
                a0, a1, a2 = _add(a0, a1, a2, g0, g1, g2)
            else:
                b0, b1, b2 = _add(b0, b1, b2, g0, g1, g2)
    out[0], out[1], out[2], out[3], out[4], out[5] = a0, a1, a2, b0, b1, b2
    return True
