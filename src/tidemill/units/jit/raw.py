"""Unchecked building blocks on wide integers: the alphabet in which division and the helpers are written.

Not for rules or kernels: nothing here reverts, and shifts by the width or more are undefined.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import cgutils, types
from numba.extending import intrinsic

from tidemill.units.jit.types import U256, IntType, UintType

__all__ = [
    "add",
    "as_signed",
    "as_unsigned",
    "bit",
    "combine",
    "divide_step_x86",
    "funnel",
    "join_halves",
    "leading_zeros",
    "limb",
    "mul",
    "mul_wide",
    "nonzero",
    "resize_to",
    "shl",
    "shl_limbs",
    "shr",
    "sub",
    "to_float",
    "trailing_zeros",
    "widen",
]

_I64 = ir.IntType(64)


def _same(method: str) -> Any:
    @intrinsic
    def operation(_typingctx: Any, a: Any, b: Any) -> Any:
        if not isinstance(a, UintType | IntType) or a != b:
            return None

        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return getattr(builder, method)(*args)

        return a(a, b), emit

    return operation


def _shift(method: str) -> Any:
    @intrinsic
    def operation(_typingctx: Any, a: Any, _bits: Any) -> Any:
        if not isinstance(a, UintType | IntType):
            return None

        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            return getattr(builder, method)(args[0], builder.zext(args[1], args[0].type))

        return a(a, types.uint64), emit

    return operation


add, sub, mul = _same("add"), _same("sub"), _same("mul")
shl, shr = _shift("shl"), _shift("lshr")


@intrinsic
def shl_limbs(_typingctx: Any, a: Any, _bits: Any) -> Any:
    """`shl` of `U256` by a number of bits that varies, limb by limb.

    LLVM's own goes through memory in a way that the processor waits for.
    """
    if a != U256:
        return None

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        value, bits = args
        limbs = [builder.trunc(builder.lshr(value, ir.Constant(value.type, 64 * k)), _I64) for k in range(4)]
        zero = ir.Constant(_I64, 0)
        for step in (1, 2):  # whole limbs first
            moves = builder.trunc(builder.lshr(bits, ir.Constant(_I64, 5 + step)), ir.IntType(1))
            moved = [zero] * step + limbs[:-step]
            limbs = [builder.select(moves, new, old) for new, old in zip(moved, limbs, strict=True)]
        kind = ir.FunctionType(_I64, [_I64, _I64, _I64])
        fshl = cgutils.get_or_insert_function(builder.module, kind, "llvm.fshl.i64")
        result = ir.Constant(value.type, 0)
        for k, low in enumerate([zero, *limbs[:3]]):
            part = builder.zext(builder.call(fshl, [limbs[k], low, bits]), value.type)
            result = builder.or_(result, builder.shl(part, ir.Constant(value.type, 64 * k)))
        return result

    return U256(a, types.uint64), emit


def resize_to(bits: int) -> Callable[[Any], Any]:
    """Return a function that widens with zeros, or drops high bits, to `bits`; machine integers count as unsigned."""
    target = UintType(bits)

    @intrinsic
    def resize(_typingctx: Any, a: Any) -> Any:
        if isinstance(a, types.Integer):
            a = types.uint64
        width = 64 if isinstance(a, types.Integer) else a.bits

        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            if width == bits:
                return args[0]
            change = builder.zext if width < bits else builder.trunc
            return change(args[0], ir.IntType(bits))

        return target(a), emit

    return resize  # type: ignore[no-any-return]


@intrinsic
def limb(_typingctx: Any, a: Any, _k: Any) -> Any:
    """64-bit limb `k` (a literal) of `a`, counted from the lowest."""
    if not isinstance(_k, types.IntegerLiteral):
        return None
    offset = 64 * _k.literal_value

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        value = builder.lshr(args[0], ir.Constant(args[0].type, offset)) if offset else args[0]
        return builder.trunc(value, _I64)

    return types.uint64(a, _k), emit


@intrinsic
def combine(_typingctx: Any, high: Any, _low: Any) -> Any:
    """``high << 64 | low`` in the next wider type."""
    width = 64 if isinstance(high, types.Integer) else high.bits
    target = UintType(width + 64)

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        wide = ir.IntType(target.bits)
        top = builder.shl(builder.zext(args[0], wide), ir.Constant(wide, 64))
        return builder.or_(top, builder.zext(args[1], wide))

    return target(high if width > 64 else types.uint64, types.uint64), emit


@intrinsic
def mul_wide(_typingctx: Any, a: Any, b: Any) -> Any:
    """Full product in twice the width; two machine integers give 128 bits."""
    if isinstance(a, types.Integer):
        a = b = types.uint64
    width = 64 if isinstance(a, types.Integer) else a.bits
    target = UintType(2 * width)

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        wide = ir.IntType(target.bits)
        return builder.mul(builder.zext(args[0], wide), builder.zext(args[1], wide))

    return target(a, b), emit


def _count(name: str) -> Any:
    @intrinsic
    def count(_typingctx: Any, a: Any) -> Any:
        if isinstance(a, types.Integer):
            a = types.uint64

        def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
            kind = args[0].type
            function = cgutils.get_or_insert_function(
                builder.module, ir.FunctionType(kind, [kind, ir.IntType(1)]), f"llvm.{name}.i{kind.width}"
            )
            found = builder.call(function, [args[0], ir.Constant(ir.IntType(1), 0)])
            return builder.trunc(found, _I64) if kind.width > 64 else found

        return types.uint64(a), emit

    return count


leading_zeros, trailing_zeros = _count("ctlz"), _count("cttz")


@intrinsic
def nonzero(_typingctx: Any, a: Any) -> Any:
    """Whether any bit is set."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.icmp_unsigned("!=", args[0], ir.Constant(args[0].type, 0))

    return types.boolean(a), emit


@intrinsic
def bit(_typingctx: Any, _flag: Any) -> Any:
    """A truth value as 0 or 1 in 256 bits."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        return builder.zext(args[0], ir.IntType(256))

    return U256(types.boolean), emit


@intrinsic
def join_halves(_typingctx: Any, high: Any, low: Any) -> Any:
    """``high << 256 | low`` in 512 bits."""
    if high != U256 or low != U256:
        return None

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        wide = ir.IntType(512)
        top = builder.shl(builder.zext(args[0], wide), ir.Constant(wide, 256))
        return builder.or_(top, builder.zext(args[1], wide))

    return UintType(512)(high, low), emit


@intrinsic
def widen(_typingctx: Any, a: Any) -> Any:
    """`a` as `U256`; reverts below zero."""
    if not isinstance(a, UintType | types.Integer):
        return None

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        return context.cast(builder, args[0], sig.args[0], U256)

    return U256(a), emit


@intrinsic
def to_float(_typingctx: Any, a: Any) -> Any:
    """The nearest double or a neighbour of it (limb by limb): for estimates that exact arithmetic settles."""
    if not isinstance(a, UintType):
        return None

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        double = ir.DoubleType()
        total = ir.Constant(double, 0)
        for k in range(a.bits // 64 - 1, -1, -1):
            part = builder.trunc(builder.lshr(args[0], ir.Constant(args[0].type, 64 * k)), _I64)
            scaled = builder.fmul(total, ir.Constant(double, 1 << 64))
            total = builder.fadd(scaled, builder.uitofp(part, double))
        return total

    return types.float64(a), emit


@intrinsic
def funnel(_typingctx: Any, _high: Any, _low: Any, _bits: Any) -> Any:
    """High 64 bits of ``(high:low) << bits``, `bits` in [0, 63]."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(_I64, [_I64, _I64, _I64])
        function = cgutils.get_or_insert_function(builder.module, kind, "llvm.fshl.i64")
        return builder.call(function, args)

    return types.uint64(types.uint64, types.uint64, types.uint64), emit


@intrinsic
def divide_step_x86(_typingctx: Any, _high: Any, _low: Any, _d: Any) -> Any:
    """Quotient of ``high:low / d`` by one ``divq``; needs ``high < d``."""

    def emit(_context: Any, builder: Any, _sig: Any, args: Any) -> Any:
        kind = ir.FunctionType(ir.LiteralStructType([_I64, _I64]), [_I64, _I64, _I64])
        divq = ir.InlineAsm(kind, "divq $4", "={ax},={dx},{ax},{dx},r,~{cc}", side_effect=False)
        return builder.extract_value(builder.call(divq, [args[1], args[0], args[2]]), 0)

    return types.uint64(types.uint64, types.uint64, types.uint64), emit


@intrinsic
def as_signed(_typingctx: Any, a: Any) -> Any:
    """The same 256 bits seen as two's complement."""
    return (IntType()(a), lambda _c, _b, _s, args: args[0]) if a == U256 else None


@intrinsic
def as_unsigned(_typingctx: Any, a: Any) -> Any:
    """The same 256 bits seen as unsigned."""
    return (U256(a), lambda _c, _b, _s, args: args[0]) if isinstance(a, IntType) else None
