"""Wide division: Knuth's algorithm D on 64-bit limbs, one body per length of the divisor.

LLVM's own division of wide integers is bit-serial, 25 to 120 times slower, and its call for 128 bits crashes inside
the JIT. The one machine-dependent piece is a 128-by-64-bit step: ``divq`` on x86-64, two half steps elsewhere.
``TIDEMILL_PORTABLE=1`` forces the latter; both are always importable, for tests.
"""

from __future__ import annotations

import os
import platform
from collections.abc import Callable
from typing import Any, NamedTuple

from numba import njit, types

from tidemill.errors import Revert
from tidemill.units.integers import DIVISION_BY_ZERO, OVERFLOW
from tidemill.units.jit import operators as _operators  # noqa: F401 - comparisons and checked sums below
from tidemill.units.jit import raw
from tidemill.units.jit.raw import combine, divide_step_x86, funnel, leading_zeros, limb, nonzero, resize_to, shl

__all__ = ["DIVISION", "IS_PORTABLE", "Division", "divide_step_portable", "make_divide", "make_division"]

u64 = types.uint64
_to128, _to192, _to256, _to320, _to512 = (resize_to(bits) for bits in (128, 192, 256, 320, 512))

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


def _make_digit(step: Any, narrow: Callable[[Any], Any], wide: Callable[[Any], Any], top: int) -> Any:
    """One digit of long division by a normalised divisor `d` whose highest limb is number `top`."""
    above = top + 1

    @njit
    def digit(r: Any, following: Any, d: Any) -> Any:
        rest = combine(r, following)
        divisor = wide(d)
        if rest < divisor:
            return u64(0), narrow(rest)
        d_top = limb(d, top)
        r_top = limb(rest, above)
        q = step(r_top, limb(rest, top), d_top) if r_top < d_top else ~u64(0)
        product = raw.mul(divisor, wide(q))
        while rest < product:
            product = raw.sub(product, divisor)
            q -= u64(1)
        return q, narrow(raw.sub(rest, product))

    return digit


def make_divide(step: Any) -> Any:
    """Build ``divide(num512, den256) -> (quotient, normalised remainder, shift)`` on a 128-by-64-bit `step`.

    The caller makes sure that the quotient fits (``num >> 256 < den``). The remainder is left shifted up.
    """
    digit2 = _make_digit(step, _to128, _to192, 1)
    digit3 = _make_digit(step, _to192, _to256, 2)
    digit4 = _make_digit(step, _to256, _to320, 3)

    @njit(inline="always")
    def join(q3: Any, q2: Any, q1: Any, q0: Any) -> Any:
        return combine(combine(combine(q3, q2), q1), q0)

    @njit(inline="always")
    def small(r: Any, n: Any, d: Any) -> Any:
        if r == u64(0) and n < d:
            return u64(0), n
        q = step(r, n, d)
        return q, n - q * d

    @njit
    def divide1(num: Any, den: Any) -> Any:
        d = limb(den, 0)
        r = limb(num, 4)
        q3, r = small(r, limb(num, 3), d)
        q2, r = small(r, limb(num, 2), d)
        q1, r = small(r, limb(num, 1), d)
        q0, r = small(r, limb(num, 0), d)
        return join(q3, q2, q1, q0), _to256(r), u64(0)

    @njit
    def divide2(num: Any, den: Any) -> Any:
        s = leading_zeros(limb(den, 1))
        d = shl(_to128(den), s)
        n0, n1, n2, n3 = limb(num, 0), limb(num, 1), limb(num, 2), limb(num, 3)
        n4, n5 = limb(num, 4), limb(num, 5)
        r = combine(funnel(n5, n4, s), funnel(n4, n3, s))
        q3, r = digit2(r, funnel(n3, n2, s), d)
        q2, r = digit2(r, funnel(n2, n1, s), d)
        q1, r = digit2(r, funnel(n1, n0, s), d)
        q0, r = digit2(r, n0 << s, d)
        return join(q3, q2, q1, q0), _to256(r), s

    @njit
    def divide3(num: Any, den: Any) -> Any:
        s = leading_zeros(limb(den, 2))
        d = shl(_to192(den), s)
        n0, n1, n2, n3 = limb(num, 0), limb(num, 1), limb(num, 2), limb(num, 3)
        n4, n5, n6 = limb(num, 4), limb(num, 5), limb(num, 6)
        r = combine(combine(funnel(n6, n5, s), funnel(n5, n4, s)), funnel(n4, n3, s))
        q3, r = digit3(r, funnel(n3, n2, s), d)
        q2, r = digit3(r, funnel(n2, n1, s), d)
        q1, r = digit3(r, funnel(n1, n0, s), d)
        q0, r = digit3(r, n0 << s, d)
        return join(q3, q2, q1, q0), _to256(r), s

    @njit
    def divide4(num: Any, den: Any) -> Any:
        s = leading_zeros(limb(den, 3))
        d = shl(den, s)
        n0, n1, n2, n3 = limb(num, 0), limb(num, 1), limb(num, 2), limb(num, 3)
        n4, n5, n6, n7 = limb(num, 4), limb(num, 5), limb(num, 6), limb(num, 7)
        high = combine(funnel(n7, n6, s), funnel(n6, n5, s))
        r = combine(combine(high, funnel(n5, n4, s)), funnel(n4, n3, s))
        q3, r = digit4(r, funnel(n3, n2, s), d)
        q2, r = digit4(r, funnel(n2, n1, s), d)
        q1, r = digit4(r, funnel(n1, n0, s), d)
        q0, r = digit4(r, n0 << s, d)
        return join(q3, q2, q1, q0), r, s

    @njit(inline="never")
    def divide(num: Any, den: Any) -> Any:
        if limb(den, 3) != u64(0):
            return divide4(num, den)
        if limb(den, 2) != u64(0):
            return divide3(num, den)
        if limb(den, 1) != u64(0):
            return divide2(num, den)
        return divide1(num, den)

    return divide


def make_division(step: Any) -> Division:
    """Build the divisions of the rule language on a 128-by-64-bit `step`."""
    divide = make_divide(step)

    @njit
    def split(num: Any, d: Any) -> Any:
        """Quotient and normalised remainder of a 512-bit number whose quotient fits."""
        if _fits(num, 2) and _fits(d, 1):  # amounts by a fee denominator: two machine divisions
            d0, n1 = limb(d, 0), limb(num, 1)
            q1 = n1 // d0
            high = n1 - q1 * d0
            q0 = step(high, limb(num, 0), d0)
            return _to256(combine(q1, q0)), _to256(limb(num, 0) - q0 * d0), u64(0)
        return divide(num, d)

    @njit
    def product(a: Any, b: Any, d: Any) -> Any:
        if not nonzero(d):
            raise Revert(DIVISION_BY_ZERO)
        if _fits(a, 2) and _fits(b, 2):
            return _to512(raw.mul_wide(_to128(a), _to128(b)))
        return raw.mul_wide(a, b)

    @njit
    def mul_div_down(a: Any, b: Any, d: Any) -> Any:
        num = product(a, b, d)
        if _high(num) >= d:
            raise Revert(OVERFLOW)
        return split(num, d)[0]

    @njit
    def mul_div_up(a: Any, b: Any, d: Any) -> Any:
        num = product(a, b, d)
        if _high(num) >= d:
            raise Revert(OVERFLOW)
        q, r, _shift = split(num, d)
        return q + raw.bit(nonzero(r))

    @njit
    def mul_mod(a: Any, b: Any, d: Any) -> Any:
        num = product(a, b, d)
        high = _high(num)
        if high >= d:  # the quotient would not fit: reduce the upper half first, the remainder stays the same
            _q, r, shift = split(_to512(high), d)
            num = raw.join_halves(raw.shr(r, shift), _to256(num))
        _q, r, shift = split(num, d)
        return raw.shr(r, shift)

    @njit
    def div_down(a: Any, d: Any) -> Any:
        if not nonzero(d):
            raise Revert(DIVISION_BY_ZERO)
        return split(_to512(a), d)[0]

    @njit
    def div_up(a: Any, d: Any) -> Any:
        if not nonzero(d):
            raise Revert(DIVISION_BY_ZERO)
        q, r, _shift = split(_to512(a), d)
        return raw.add(q, raw.bit(nonzero(r)))

    @njit
    def mod(a: Any, d: Any) -> Any:
        if not nonzero(d):
            raise Revert(DIVISION_BY_ZERO)
        _q, r, shift = split(_to512(a), d)
        return raw.shr(r, shift)

    return Division(mul_div_down, mul_div_up, mul_mod, div_down, div_up, mod)


@njit
def _fits(a: Any, limbs: Any) -> Any:
    return not nonzero(raw.shr(a, u64(64) * u64(limbs)))


@njit
def _high(num: Any) -> Any:
    return _to256(raw.shr(num, u64(256)))


DIVISION = make_division(divide_step_portable if IS_PORTABLE else divide_step_x86)
"""The divisions that compiled rules and kernels of this process use."""
