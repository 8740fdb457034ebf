"""Integer helpers with the rounding in every name, exactly as 256-bit contracts compute them.

Each works on ``int`` here and on the 256-bit machine type in compiled code (`tidemill.units.jit` gives each
name its second body); the two are tested equal, reverts and their reasons included.
Operands are meant to lie in the range of their annotation; results always do.
"""

from __future__ import annotations

import math
from typing import Annotated, Final, TypeAlias

from tidemill.errors import Revert
from tidemill.units.quantities import MAX_UINT256

__all__ = [
    "DIVISION_BY_ZERO",
    "OVERFLOW",
    "UNDERFLOW",
    "Index",
    "Int",
    "Uint",
    "absolute",
    "bit_length",
    "div_down",
    "div_toward_zero",
    "div_up",
    "isqrt_down",
    "least_significant_bit",
    "maximum",
    "minimum",
    "mod",
    "most_significant_bit",
    "mul_div_down",
    "mul_div_up",
    "mul_mod",
    "mul_shift_down",
    "mul_shift_up",
    "require",
    "require_bits",
    "to_index",
    "to_int",
    "to_uint",
    "wrapping_add",
    "wrapping_mul",
    "wrapping_neg",
    "wrapping_shl",
    "wrapping_sub",
]

Uint: TypeAlias = Annotated[int, "uint256"]
"""Unsigned 256-bit parameter of a rule; ``+ - * <<`` on it revert where they leave [0, 2**256).

Give plain ``int``: numpy's integers overflow without a word, so turn them into ``int`` where they leave an array.
"""
Int: TypeAlias = Annotated[int, "int256"]
"""Signed 256-bit parameter, for protocols whose own specification is signed; checked at both ends."""
Index: TypeAlias = Annotated[int, "int64"]
"""Machine integer: ticks, counts, bit positions. Not checked; a rule keeps it small."""

OVERFLOW: Final = "overflow"
UNDERFLOW: Final = "underflow"
DIVISION_BY_ZERO: Final = "division by zero"

_MASK: Final = int(MAX_UINT256)
_INT_LIMIT: Final = 1 << 255
_INDEX_LIMIT: Final = 1 << 63


def require(condition: bool, reason: str) -> None:
    """Revert with `reason` unless `condition` holds; `reason` is a literal.

    Raises
    ------
    Revert
    """
    if not condition:
        raise Revert(reason)


def require_bits(value: Uint, bits: Index, reason: str) -> Uint:
    """Return `value`, or revert with `reason` where it needs more than `bits` bits (a narrowing cast).

    Raises
    ------
    Revert
    """
    if value >> bits:
        raise Revert(reason)
    return value


def mul_div_down(a: Uint, b: Uint, d: Uint) -> Uint:
    """Return ``a * b / d`` rounded down, the product held in 512 bits.

    Raises
    ------
    Revert : `d` is zero, or the result needs more than 256 bits.

    >>> mul_div_down(10, 10, 3)
    33
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    q = a * b // d
    if q > _MASK:
        raise Revert(OVERFLOW)
    return q


def mul_div_up(a: Uint, b: Uint, d: Uint) -> Uint:
    """Return ``a * b / d`` rounded up, the product held in 512 bits.

    Raises
    ------
    Revert : `d` is zero, or the result needs more than 256 bits.

    >>> mul_div_up(10, 10, 3)
    34
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    q = -(-a * b // d)
    if q > _MASK:
        raise Revert(OVERFLOW)
    return q


def mul_shift_down(a: Uint, b: Uint, bits: Index) -> Uint:
    """Return ``a * b / 2**bits`` rounded down, the product held in 512 bits; `bits` in [0, 256].

    Raises
    ------
    Revert : the result needs more than 256 bits.
    """
    q = a * b >> bits
    if q > _MASK:
        raise Revert(OVERFLOW)
    return q


def mul_shift_up(a: Uint, b: Uint, bits: Index) -> Uint:
    """Return ``a * b / 2**bits`` rounded up, the product held in 512 bits; `bits` in [0, 256].

    Raises
    ------
    Revert : the result needs more than 256 bits.
    """
    q = -(-a * b >> bits)
    if q > _MASK:
        raise Revert(OVERFLOW)
    return q


def mul_mod(a: Uint, b: Uint, d: Uint) -> Uint:
    """Return the remainder of ``a * b / d``, the product held in 512 bits.

    Raises
    ------
    Revert : `d` is zero.
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    return a * b % d


def div_down(a: Uint, d: Uint) -> Uint:
    """Return ``a / d`` rounded down.

    Raises
    ------
    Revert : `d` is zero.
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    return a // d


def div_up(a: Uint, d: Uint) -> Uint:
    """Return ``a / d`` rounded up.

    Raises
    ------
    Revert : `d` is zero.
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    return -(-a // d)


def mod(a: Uint, d: Uint) -> Uint:
    """Return the remainder of ``a / d``.

    Raises
    ------
    Revert : `d` is zero.
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    return a % d


def div_toward_zero(a: Int, d: Int) -> Int:
    """Return the signed quotient ``a / d`` rounded toward zero, as the EVM's signed division does.

    Raises
    ------
    Revert : `d` is zero, or ``-2**255 / -1``, which does not fit.
    """
    if d == 0:
        raise Revert(DIVISION_BY_ZERO)
    q = abs(a) // abs(d)
    if (a < 0) != (d < 0):
        return -q
    if q == _INT_LIMIT:
        raise Revert(OVERFLOW)
    return q


def wrapping_add(a: Uint, b: Uint) -> Uint:
    """Return ``a + b`` modulo 2**256: only where the contract itself lets it wrap."""
    return (a + b) & _MASK


def wrapping_sub(a: Uint, b: Uint) -> Uint:
    """Return ``a - b`` modulo 2**256: only where the contract itself lets it wrap."""
    return (a - b) & _MASK


def wrapping_mul(a: Uint, b: Uint) -> Uint:
    """Return ``a * b`` modulo 2**256: only where the contract itself lets it wrap."""
    return (a * b) & _MASK


def wrapping_neg(a: Uint) -> Uint:
    """Return ``-a`` modulo 2**256 (two's complement)."""
    return -a & _MASK


def wrapping_shl(a: Uint, bits: Index) -> Uint:
    """Return `a` shifted left, the bits above 256 dropped; `bits` in [0, 255]."""
    return (a << bits) & _MASK


def minimum(a: Uint, b: Uint) -> Uint:
    """Return the smaller one."""
    return min(b, a)


def maximum(a: Uint, b: Uint) -> Uint:
    """Return the larger one."""
    return max(b, a)


def isqrt_down(a: Uint) -> Uint:
    """Return the square root rounded down."""
    return math.isqrt(a)


def bit_length(a: Uint) -> Index:
    """Return the number of bits needed to write `a`; 0 for 0."""
    return a.bit_length()


def most_significant_bit(a: Uint) -> Index:
    """Return the position of the highest set bit, counted from 0.

    Raises
    ------
    Revert : `a` is zero.
    """
    if a == 0:
        raise Revert("no bit set")
    return a.bit_length() - 1


def least_significant_bit(a: Uint) -> Index:
    """Return the position of the lowest set bit, counted from 0.

    Raises
    ------
    Revert : `a` is zero.
    """
    if a == 0:
        raise Revert("no bit set")
    return (a & -a).bit_length() - 1


def absolute(a: Int) -> Uint:
    """Return the magnitude of a signed number (2**255 included)."""
    return abs(a)


def to_uint(value: Int | Index) -> Uint:
    """Turn a signed number or an index into an unsigned one.

    Raises
    ------
    Revert : below zero.
    """
    if value < 0:
        raise Revert(UNDERFLOW)
    return value


def to_int(value: Uint | Index) -> Int:
    """Turn an unsigned number or an index into a signed one.

    Raises
    ------
    Revert : at 2**255 and above.
    """
    if value >= _INT_LIMIT:
        raise Revert(OVERFLOW)
    return value


def to_index(value: Uint | Int) -> Index:
    """Turn a number into a machine index.

    Raises
    ------
    Revert : outside [-2**63, 2**63).
    """
    if not -_INDEX_LIMIT <= value < _INDEX_LIMIT:
        raise Revert(OVERFLOW)
    return value
