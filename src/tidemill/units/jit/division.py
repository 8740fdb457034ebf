"""Wide division: Knuth's algorithm D in base ``2**128``, each digit found by two 128-by-64-bit steps.

LLVM's own division of wide integers is bit-serial, 25 to 120 times slower, and its call for 128 bits crashes inside
the JIT. The one machine-dependent piece is a 128-by-64-bit step: ``divq`` on x86-64, two half steps elsewhere.
``TIDEMILL_PORTABLE=1`` forces the latter; both are always importable, for tests.
"""

from __future__ import annotations

import os
import platform
from typing import Any, NamedTuple

from numba import njit, types

from tidemill.errors import Revert
from tidemill.units.integers import DIVISION_BY_ZERO, OVERFLOW
from tidemill.units.jit import operators as _operators  # noqa: F401 - comparisons and checked sums below
from tidemill.units.jit import raw
from tidemill.units.jit.raw import combine, divide_step_x86, funnel, leading_zeros, limb, nonzero, resize_to

__all__ = ["DIVISION", "IS_PORTABLE", "Division", "divide_step_portable", "make_divide", "make_division"]

u64 = types.uint64
_to128, _to256, _to384, _to512 = (resize_to(bits) for bits in (128, 256, 384, 512))

IS_PORTABLE = os.environ.get("TIDEMILL_PORTABLE", "0") == "1" or platform.machine() not in ("x86_64", "AMD64")
"""Whether compiled code of this process avoids inline assembly."""


@njit
def divide_step_portable(high: Any, low: Any, d: Any) -> Any:
    """Quotient of ``high:low / d`` with 64-bit divisions only; needs ``high < d``.

    Two half steps of 32 bits, each estimated from the upper half of the normalised divisor and corrected at most
    twice (Knuth, volume 2, 4.3.1).
    """
    s = leading_zeros(d)
    d = d << s
    high, low = funnel(high, low, s), low << s
    d1, d0 = d >> u64(32), d & u64(0xFFFFFFFF)
    quotient = u64(0)
    for part in (low >> u64(32), low & u64(0xFFFFFFFF)):
        q = high // d1
        rest = high - q * d1
        while q >> u64(32) != u64(0) or q * d0 > ((rest << u64(32)) | part):
            q -= u64(1)
            rest += d1
            if rest >> u64(32) != u64(0):
                break
        high = ((high << u64(32)) | part) - q * d
        quotient = (quotient << u64(32)) | q
    return quotient


class Division(NamedTuple):
    """Compiled divisions on `U256` built on one 128-by-64-bit step; all revert on a zero divisor."""

    mul_div_down: Any
    mul_div_up: Any
    mul_mod: Any
    div_down: Any
    div_up: Any
    mod: Any


def make_divide(step: Any) -> Any:
    """Build ``divide(num512, den256) -> (quotient, remainder)`` on a 128-by-64-bit `step`.

    Reverts where the divisor is zero or the quotient needs more than 256 bits. Long division in base ``2**128``: a digit is
    estimated from the divisor's highest 128 bits and is at most two too large; most quotients have one digit.
    """

    @njit
    def digit(r: Any, following: Any, d: Any) -> Any:
        """Quotient and remainder of ``(r:following) / d``; `r`, `d` 128 bits, ``r < d``, the highest bit of `d` set."""
        d1, r1 = limb(d, 1), limb(r, 1)
        if r1 < d1:
            q = step(r1, limb(r, 0), d1)
            rest = limb(r, 0) - q * d1
        else:
            q = ~u64(0)
            rest = limb(r, 0) + d1
        product = _mul64(q, limb(d, 0))
        left = combine(rest, following)
        if left < product and (r1 < d1 or rest >= d1):  # else the sum has wrapped: it is above any product
            q -= u64(1)
            left = raw.add(left, d)
            if left >= d and left < product:
                q -= u64(1)
                left = raw.add(left, d)
        return q, raw.sub(left, product)

    @njit(inline="always")
    def digit128(n: Any, d: Any) -> Any:
        """Quotient and remainder of `n` (384 bits) by ``d > 0``; ``n >> 128 < d``."""
        n0, n1, n2, n3 = limb(n, 0), limb(n, 1), limb(n, 2), limb(n, 3)
        d0, d1, d2, d3 = limb(d, 0), limb(d, 1), limb(d, 2), limb(d, 3)
        if d3 != u64(0):
            n0, n1, n2, n3, n4 = n1, n2, n3, limb(n, 4), limb(n, 5)
            d0, d1, d2 = d1, d2, d3
        elif d2 != u64(0):
            n4 = limb(n, 4)
        elif d1 != u64(0):
            s = leading_zeros(d1)
            top = raw.shl(_to128(d), s)
            q1, r = digit(combine(funnel(n3, n2, s), funnel(n2, n1, s)), funnel(n1, n0, s), top)
            q0, r = digit(r, n0 << s, top)
            return combine(q1, q0), _to256(raw.shr(r, s))
        else:
            q1 = step(n2, n1, d0)
            r1 = n1 - q1 * d0
            q0 = step(r1, n0, d0)
            return combine(q1, q0), _to256(n0 - q0 * d0)
        s = leading_zeros(d2)
        top = combine(funnel(d2, d1, s), funnel(d1, d0, s))
        r = combine(funnel(n4, n3, s), funnel(n3, n2, s))
        q1 = q0 = ~u64(0)
        if r < top:
            q1, r = digit(r, funnel(n2, n1, s), top)
            q0, r = digit(r, funnel(n1, n0, s), top)
        q = combine(q1, q0)
        rest = raw.sub(n, _times128(q, d))
        while limb(rest, 5) != u64(0):  # below zero
            q = raw.sub(q, _to128(u64(1)))
            rest = raw.add(rest, _to384(d))
        return q, _to256(rest)

    @njit
    def divide_long(num: Any, den: Any) -> Any:
        if not nonzero(den):
            raise Revert(DIVISION_BY_ZERO)
        if _high(num) >= den:
            raise Revert(OVERFLOW)
        q1, r = digit128(_to384(raw.shr(num, u64(128))), den)
        q0, r = digit128(raw.add(raw.shl(_to384(r), u64(128)), _to384(_to128(num))), den)
        return raw.add(raw.shl(_to256(q1), u64(128)), _to256(q0)), r

    @njit(inline="always")
    def divide(num: Any, den: Any) -> Any:
        if _to384(raw.shr(num, u64(128))) >= _to384(den):
            return divide_long(num, den)
        q, r = digit128(_to384(num), den)
        return _to256(q), r

    return divide


def make_division(step: Any) -> Division:
    """Build the divisions of the rule language on a 128-by-64-bit `step`."""
    divide = make_divide(step)

    @njit(inline="never")
    def mul_divide(a: Any, b: Any, d: Any) -> Any:
        """Quotient and remainder of ``a * b / d``: one body for all that follow. Fastest if `a` has 128 bits."""
        num = _to512(_times128(_to128(a), b)) if _fits(a, 2) else raw.mul_wide(a, b)
        return divide(num, d)

    @njit
    def is_small(a: Any, b: Any, d: Any) -> Any:
        """Whether `divide_small` may be used: a part of a whole, such as a fee in millionths."""
        return _fits(a, 2) and _fits(b, 1) and _fits(d, 1) and limb(b, 0) <= limb(d, 0) and nonzero(d)

    @njit
    def divide_small(a: Any, b: Any, d: Any) -> Any:
        """Quotient and remainder of ``a * b / d`` where `a` has 128 bits, `b` and `d` have 64 and ``b <= d``."""
        b0, d0 = limb(b, 0), limb(d, 0)
        low, high = raw.mul_wide(limb(a, 0), b0), raw.mul_wide(limb(a, 1), b0)
        middle = raw.add(high, _to128(limb(low, 1)))
        n1, n0 = limb(middle, 0), limb(low, 0)
        q1 = step(limb(middle, 1), n1, d0)
        q0 = step(n1 - q1 * d0, n0, d0)
        return _to256(combine(q1, q0)), n0 - q0 * d0

    @njit
    def mul_div_down(a: Any, b: Any, d: Any) -> Any:
        if is_small(a, b, d):
            return divide_small(a, b, d)[0]
        return mul_divide(a, b, d)[0]

    @njit
    def mul_div_up(a: Any, b: Any, d: Any) -> Any:
        if is_small(a, b, d):
            q, r = divide_small(a, b, d)
            return raw.add(q, raw.bit(nonzero(r)))
        q, r = mul_divide(a, b, d)
        return q + raw.bit(nonzero(r))

    @njit
    def mul_mod(a: Any, b: Any, d: Any) -> Any:
        if not nonzero(d):
            raise Revert(DIVISION_BY_ZERO)
        num = raw.mul_wide(a, b)
        high = _high(num)
        if high >= d:  # the quotient would not fit: reduce the upper half first, the remainder stays the same
            num = raw.join_halves(divide(_to512(high), d)[1], _to256(num))
        return divide(num, d)[1]

    @njit
    def is_short(a: Any, d: Any) -> Any:
        """Whether `divide_short` may be used: `d` has 64 bits, and the quotient 128."""
        return _fits(a, 3) and _fits(d, 1) and limb(a, 2) < limb(d, 0)

    @njit
    def divide_short(a: Any, d: Any) -> Any:
        """Quotient and remainder of ``a / d``."""
        d0, n1, n0 = limb(d, 0), limb(a, 1), limb(a, 0)
        q1 = step(limb(a, 2), n1, d0)
        q0 = step(n1 - q1 * d0, n0, d0)
        return _to256(combine(q1, q0)), n0 - q0 * d0

    @njit
    def div_down(a: Any, d: Any) -> Any:
        if is_short(a, d):
            return divide_short(a, d)[0]
        return mul_divide(raw.widen(1), a, d)[0]

    @njit
    def div_up(a: Any, d: Any) -> Any:
        if is_short(a, d):
            q, r = divide_short(a, d)
        else:
            q, wide = mul_divide(raw.widen(1), a, d)
            r = u64(nonzero(wide))
        return raw.add(q, raw.bit(nonzero(r)))

    @njit
    def mod(a: Any, d: Any) -> Any:
        return mul_divide(raw.widen(1), a, d)[1]

    return Division(mul_div_down, mul_div_up, mul_mod, div_down, div_up, mod)


@njit
def _mul64(a: Any, b: Any) -> Any:
    return raw.mul_wide(a, b)


@njit
def _times128(a: Any, b: Any) -> Any:
    """The product of 128 and 256 bits."""
    high = raw.mul_wide(a, _to128(raw.shr(b, u64(128))))
    return raw.add(_to384(raw.mul_wide(a, _to128(b))), raw.shl(_to384(high), u64(128)))


@njit
def _fits(a: Any, limbs: Any) -> Any:
    return not nonzero(raw.shr(a, u64(64) * u64(limbs)))


@njit
def _high(num: Any) -> Any:
    return _to256(raw.shr(num, u64(256)))


DIVISION = make_division(divide_step_portable if IS_PORTABLE else divide_step_x86)
"""The divisions that compiled rules and kernels of this process use."""
