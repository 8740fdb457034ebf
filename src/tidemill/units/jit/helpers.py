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


def _give(helper: Callable[..., Any], core: Any, declared: Any) -> None:
    """Let `helper` mean `core` in compiled code; operands are widened at the call, as for rules.

    Compiled when first used: importing this module compiles nothing.
    """

    class Template(AbstractTemplate):
        key = helper

        def generic(self, args: Any, kws: Any) -> Any:
            if kws or len(args) != len(declared.args) or not all(map(_is_number, args)):
                return None
            return declared

    infer_global(helper)(Template)
    dispatcher = njit(core)

    @lower_builtin(helper, *declared.args)
    def lower(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        dispatcher.compile(declared)
        compiled = dispatcher.overloads[declared.args]
        context.add_linking_libs([compiled.library])
        return context.call_internal(builder, compiled.fndesc, declared, args)


_ONE, _TWO, _THREE = U256(U256), U256(U256, U256), U256(U256, U256, U256)
_POSITION = i64(U256)


# --- division ---

_give(integers.mul_div_down, DIVISION.mul_div_down.py_func, _THREE)
_give(integers.mul_div_up, DIVISION.mul_div_up.py_func, _THREE)
_give(integers.mul_mod, DIVISION.mul_mod.py_func, _THREE)
_give(integers.div_down, DIVISION.div_down.py_func, _TWO)
_give(integers.div_up, DIVISION.div_up.py_func, _TWO)
_give(integers.mod, DIVISION.mod.py_func, _TWO)


def _mul_shift_down(a: Any, b: Any, bits: Any) -> Any:
    product = raw.shr(raw.mul_wide(a, b), u64(bits))
    if nonzero(raw.shr(product, u64(256))):
        raise Revert(OVERFLOW)
    return _to256(product)


def _mul_shift_up(a: Any, b: Any, bits: Any) -> Any:
    product = raw.mul_wide(a, b)
    quotient = raw.shr(product, u64(bits))
    if nonzero(raw.shr(quotient, u64(256))):
        raise Revert(OVERFLOW)
    return _to256(quotient) + raw.bit(raw.shl(quotient, u64(bits)) != product)


_SHIFT = U256(U256, U256, i64)
_give(integers.mul_shift_down, _mul_shift_down, _SHIFT)
_give(integers.mul_shift_up, _mul_shift_up, _SHIFT)


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

_give(integers.wrapping_add, lambda a, b: raw.add(a, b), _TWO)  # noqa: PLW0108 - numba wants functions
_give(integers.wrapping_sub, lambda a, b: raw.sub(a, b), _TWO)  # noqa: PLW0108
_give(integers.wrapping_mul, lambda a, b: raw.mul(a, b), _TWO)  # noqa: PLW0108
_give(integers.wrapping_neg, lambda a: raw.sub(widen(0), a), _ONE)


_give(integers.wrapping_shl, lambda a, bits: raw.shl_limbs(a, u64(bits)), U256(U256, i64))


# --- choices and bits ---


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


def _bit_length(a: Any) -> Any:
    return i64(u64(256) - raw.leading_zeros(a))


def _most_significant_bit(a: Any) -> Any:
    if not nonzero(a):
        raise Revert("no bit set")
    return i64(u64(255) - raw.leading_zeros(a))


def _least_significant_bit(a: Any) -> Any:
    if not nonzero(a):
        raise Revert("no bit set")
    return i64(raw.trailing_zeros(a))


def _minimum(a: Any, b: Any) -> Any:
    return a if a <= b else b  # noqa: FURB136 - numba has no min of wide integers


def _maximum(a: Any, b: Any) -> Any:
    return a if a >= b else b  # noqa: FURB136


_give(integers.minimum, _minimum, _TWO)
_give(integers.maximum, _maximum, _TWO)
_give(integers.isqrt_down, _isqrt_down, _ONE)
_give(integers.bit_length, _bit_length, _POSITION)
_give(integers.most_significant_bit, _most_significant_bit, _POSITION)
_give(integers.least_significant_bit, _least_significant_bit, _POSITION)


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
