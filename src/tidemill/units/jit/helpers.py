"""The second body of each helper in `tidemill.units.integers`: what its name means inside compiled code."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba import njit, types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import intrinsic, lower_builtin, overload

from tidemill.errors import Revert
from tidemill.units import integers
from tidemill.units.integers import OVERFLOW, UNDERFLOW
from tidemill.units.jit import raw
from tidemill.units.jit.division import DIVISION
from tidemill.units.jit.raw import as_signed, as_unsigned, limb, nonzero, widen
from tidemill.units.jit.types import I256, U256, IntType, UintType, revert_if

__all__: list[str] = []

u64, i64 = types.uint64, types.int64
_to512 = raw.resize_to(512)
_to256 = raw.resize_to(256)


def _is_number(kind: types.Type) -> bool:
    return isinstance(kind, UintType | types.Integer)


def _is_signed(kind: types.Type) -> bool:
    return isinstance(kind, IntType) or (isinstance(kind, types.Integer) and kind.signed)


def _give_one(helper: Callable[..., Any], core: Any) -> None:
    @overload(helper, strict=False)
    def choose(a: Any) -> Any:
        return (lambda a: core(widen(a))) if _is_number(a) else None


def _give_two(helper: Callable[..., Any], core: Any) -> None:
    @overload(helper, strict=False)
    def choose(a: Any, b: Any) -> Any:
        return (lambda a, b: core(widen(a), widen(b))) if _is_number(a) and _is_number(b) else None


def _give_three(helper: Callable[..., Any], core: Any) -> None:
    @overload(helper, strict=False)
    def choose(a: Any, b: Any, d: Any) -> Any:
        fits = _is_number(a) and _is_number(b) and _is_number(d)
        return (lambda a, b, d: core(widen(a), widen(b), widen(d))) if fits else None


# --- division ---

_give_three(integers.mul_div_down, DIVISION.mul_div_down)
_give_three(integers.mul_div_up, DIVISION.mul_div_up)
_give_three(integers.mul_mod, DIVISION.mul_mod)
_give_two(integers.div_down, DIVISION.div_down)
_give_two(integers.div_up, DIVISION.div_up)
_give_two(integers.mod, DIVISION.mod)


@njit
def _mul_shift_down(a: Any, b: Any, bits: Any) -> Any:
    product = raw.shr(raw.mul_wide(a, b), u64(bits))
    if nonzero(raw.shr(product, u64(256))):
        raise Revert(OVERFLOW)
    return _to256(product)


@njit
def _mul_shift_up(a: Any, b: Any, bits: Any) -> Any:
    product = raw.mul_wide(a, b)
    quotient = raw.shr(product, u64(bits))
    if nonzero(raw.shr(quotient, u64(256))):
        raise Revert(OVERFLOW)
    return _to256(quotient) + raw.bit(raw.shl(quotient, u64(bits)) != product)


@overload(integers.mul_shift_down, strict=False)
def _choose_mul_shift_down(a: Any, b: Any, bits: Any) -> Any:
    fits = _is_number(a) and _is_number(b) and isinstance(bits, types.Integer)
    return (lambda a, b, bits: _mul_shift_down(widen(a), widen(b), bits)) if fits else None


@overload(integers.mul_shift_up, strict=False)
def _choose_mul_shift_up(a: Any, b: Any, bits: Any) -> Any:
    fits = _is_number(a) and _is_number(b) and isinstance(bits, types.Integer)
    return (lambda a, b, bits: _mul_shift_up(widen(a), widen(b), bits)) if fits else None


@njit
def _div_toward_zero(a: Any, d: Any) -> Any:
    magnitude = DIVISION.div_down(_absolute(a), _absolute(d))
    if (a < 0) != (d < 0):
        return as_signed(raw.sub(widen(0), magnitude))
    if as_signed(magnitude) < 0:
        raise Revert(OVERFLOW)
    return as_signed(magnitude)


@overload(integers.div_toward_zero, strict=False)
def _choose_div_toward_zero(a: Any, d: Any) -> Any:
    if not (_is_signed(a) and _is_signed(d)):
        return None
    return lambda a, d: _div_toward_zero(_signed(a), _signed(d))


# --- arithmetic modulo 2**256 ---

_give_two(integers.wrapping_add, raw.add)
_give_two(integers.wrapping_sub, raw.sub)
_give_two(integers.wrapping_mul, raw.mul)
_give_one(integers.wrapping_neg, njit(lambda a: raw.sub(widen(0), a)))


@overload(integers.wrapping_shl, strict=False)
def _choose_wrapping_shl(a: Any, bits: Any) -> Any:
    fits = _is_number(a) and isinstance(bits, types.Integer)
    return (lambda a, bits: raw.shl(widen(a), u64(bits))) if fits else None


# --- choices and bits ---


@njit
def _isqrt_down(a: Any) -> Any:
    """Newton's iteration from a power of two above the root; it falls until it has arrived."""
    if not nonzero(a):
        return a
    x = raw.shl(widen(1), (u64(257) - raw.leading_zeros(a)) >> u64(1))
    for _ in range(256):
        y = raw.shr(raw.add(x, DIVISION.div_down(a, x)), u64(1))
        if y >= x:
            break
        x = y
    return x


@njit
def _bit_length(a: Any) -> Any:
    return i64(u64(256) - raw.leading_zeros(a))


@njit
def _most_significant_bit(a: Any) -> Any:
    if not nonzero(a):
        raise Revert("no bit set")
    return i64(u64(255) - raw.leading_zeros(a))


@njit
def _least_significant_bit(a: Any) -> Any:
    if not nonzero(a):
        raise Revert("no bit set")
    return i64(raw.trailing_zeros(a))


@njit
def _minimum(a: Any, b: Any) -> Any:
    return a if a <= b else b  # noqa: FURB136 - numba has no min of wide integers


@njit
def _maximum(a: Any, b: Any) -> Any:
    return a if a >= b else b  # noqa: FURB136


_give_two(integers.minimum, _minimum)
_give_two(integers.maximum, _maximum)
_give_one(integers.isqrt_down, _isqrt_down)
_give_one(integers.bit_length, _bit_length)
_give_one(integers.most_significant_bit, _most_significant_bit)
_give_one(integers.least_significant_bit, _least_significant_bit)


# --- conversions ---


@intrinsic
def _signed(_typingctx: Any, a: Any) -> Any:
    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], I256)

    return I256(a), emit


@njit
def _absolute(a: Any) -> Any:
    return raw.sub(widen(0), as_unsigned(a)) if a < 0 else as_unsigned(a)


@overload(integers.absolute, strict=False)
def _choose_absolute(a: Any) -> Any:
    return (lambda a: _absolute(_signed(a))) if _is_signed(a) else None


@overload(integers.to_uint, strict=False)
def _choose_to_uint(value: Any) -> Any:
    if isinstance(value, IntType):

        def from_signed(value: Any) -> Any:
            if value < 0:
                raise Revert(UNDERFLOW)
            return as_unsigned(value)

        return from_signed
    return (lambda value: widen(value)) if _is_number(value) else None  # noqa: PLW0108 - numba wants a function


@overload(integers.to_int, strict=False)
def _choose_to_int(value: Any) -> Any:
    if isinstance(value, UintType):

        def from_unsigned(value: Any) -> Any:
            wide = widen(value)
            if limb(wide, 3) >> u64(63) != u64(0):
                raise Revert(OVERFLOW)
            return as_signed(wide)

        return from_unsigned
    return (lambda value: _signed(value)) if _is_signed(value) else None  # noqa: PLW0108


@overload(integers.to_index, strict=False)
def _choose_to_index(value: Any) -> Any:
    if not isinstance(value, UintType | IntType):
        return None

    if isinstance(value, UintType):

        def from_unsigned(value: Any) -> Any:
            if nonzero(raw.shr(value, u64(63))):
                raise Revert(OVERFLOW)
            return i64(limb(value, 0))

        return from_unsigned

    def from_signed(value: Any) -> Any:
        low = i64(limb(value, 0))
        if _signed(low) != value:
            raise Revert(OVERFLOW)
        return low

    return from_signed


# --- reverts: emitted where they stand ---


def _text(kind: types.Type) -> bool:
    return isinstance(kind, types.StringLiteral)


@infer_global(integers.require)
class _Require(AbstractTemplate):
    prefer_literal = True

    def generic(self, args: Any, kws: Any) -> Any:
        if kws or len(args) != 2 or not _text(args[1]):
            return None
        return signature(types.void, types.boolean, args[1])


@lower_builtin(integers.require, types.Boolean, types.StringLiteral)
def _lower_require(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    revert_if(context, builder, builder.not_(args[0]), sig.args[1].literal_value)
    return context.get_dummy_value()


@infer_global(integers.require_bits)
class _RequireBits(AbstractTemplate):
    prefer_literal = True

    def generic(self, args: Any, kws: Any) -> Any:
        if kws or len(args) != 3 or not (isinstance(args[1], types.IntegerLiteral) and _text(args[2])):
            return None
        return signature(U256, U256, args[1], args[2])


@lower_builtin(integers.require_bits, UintType, types.IntegerLiteral, types.StringLiteral)
def _lower_require_bits(context: Any, builder: Any, sig: Any, args: Any) -> Any:
    value = args[0]
    above = builder.lshr(value, ir.Constant(value.type, sig.args[1].literal_value))
    outside = builder.icmp_unsigned("!=", above, ir.Constant(value.type, 0))
    revert_if(context, builder, outside, sig.args[2].literal_value)
    return value
