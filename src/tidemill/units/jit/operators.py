"""``+ - * << >> & | ^`` and comparisons on wide integers, emitted as LLVM instructions where they stand.

Checked operations use LLVM's ``…with.overflow`` forms: an add is the add itself and one predicted branch.
"""

from __future__ import annotations

import operator
from collections.abc import Callable
from typing import Any

from llvmlite import ir
from numba.core import types
from numba.core.typing.templates import AbstractTemplate, infer_global, signature
from numba.extending import lower_builtin

from tidemill.units.integers import OVERFLOW, UNDERFLOW
from tidemill.units.jit.types import IntType, UintType, revert_if

__all__: list[str] = []

_Emit = Callable[[Any, Any, Any, Any, Any], Any]  # context, builder, kind, left, right -> value


def _common(left: types.Type, right: types.Type) -> types.Type | None:
    """The type two operands meet in: the wide one, if the other is the same or a machine integer."""
    if isinstance(left, UintType | IntType):
        return left if left == right or isinstance(right, types.Integer) else None
    if isinstance(right, UintType | IntType) and isinstance(left, types.Integer):
        return right
    return None


def _binary(names: tuple[Any, ...], emit: _Emit, *, compares: bool = False) -> None:
    for name in names:

        class Template(AbstractTemplate):
            key = name

            def generic(self, args: Any, kws: Any) -> Any:
                if kws or len(args) != 2:
                    return None
                common = _common(*args)
                if common is None:
                    return None
                return signature(types.boolean if compares else common, common, common)

        infer_global(name)(Template)

        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return emit(context, builder, sig.args[0], *args)

        for kind in (UintType, IntType):
            lower_builtin(name, kind, kind)(lower)


def with_overflow(builder: Any, name: str, left: Any, right: Any) -> tuple[Any, Any]:
    """Emit an LLVM ``name.with.overflow``; returns (result, overflowed)."""
    pair = ir.LiteralStructType([left.type, ir.IntType(1)])
    full = f"llvm.{name}.with.overflow.i{left.type.width}"
    function = builder.module.globals.get(full)
    if function is None:
        function = ir.Function(builder.module, ir.FunctionType(pair, [left.type, left.type]), full)
    both = builder.call(function, [left, right])
    return builder.extract_value(both, 0), builder.extract_value(both, 1)


def _add(context: Any, builder: Any, kind: Any, left: Any, right: Any) -> Any:
    if isinstance(kind, IntType):
        return _signed(context, builder, "sadd", (left, right), builder.icmp_signed("<", left, _zero(left)))
    result, over = with_overflow(builder, "uadd", left, right)
    revert_if(context, builder, over, OVERFLOW)
    return result


def _sub(context: Any, builder: Any, kind: Any, left: Any, right: Any) -> Any:
    if isinstance(kind, IntType):
        return _signed(context, builder, "ssub", (left, right), builder.icmp_signed("<", left, _zero(left)))
    result, under = with_overflow(builder, "usub", left, right)
    revert_if(context, builder, under, UNDERFLOW)
    return result


def _mul(context: Any, builder: Any, kind: Any, left: Any, right: Any) -> Any:
    if isinstance(kind, IntType):
        low = builder.icmp_signed("<", builder.xor(left, right), _zero(left))
        return _signed(context, builder, "smul", (left, right), low)
    half, whole = ir.IntType(kind.bits // 2), left.type
    wide = builder.lshr(builder.or_(left, right), ir.Constant(whole, kind.bits // 2))
    small = builder.icmp_unsigned("==", wide, _zero(left))
    # Most factors fit half the width: their product is the whole, and a quarter of the work.
    with builder.if_else(small, likely=True) as (narrow, general):
        with narrow:
            short = [builder.zext(builder.trunc(side, half), whole) for side in (left, right)]
            product, came_from = builder.mul(*short), builder.block
        with general:
            result, over = with_overflow(builder, "umul", left, right)
            revert_if(context, builder, over, OVERFLOW)
            came_else = builder.block
    joined = builder.phi(whole)
    joined.add_incoming(product, came_from)
    joined.add_incoming(result, came_else)
    return joined


def _signed(context: Any, builder: Any, name: str, operands: tuple[Any, Any], low: Any) -> Any:
    """A signed operation; `low` tells which end it left the range at, should it leave it."""
    result, out = with_overflow(builder, name, *operands)
    revert_if(context, builder, builder.and_(out, low), UNDERFLOW)
    revert_if(context, builder, out, OVERFLOW)
    return result


def _zero(value: Any) -> Any:
    return ir.Constant(value.type, 0)


def _plain(method: str) -> _Emit:
    def emit(_context: Any, builder: Any, _kind: Any, left: Any, right: Any) -> Any:
        return getattr(builder, method)(left, right)

    return emit


def _comparison(symbol: str) -> _Emit:
    def emit(_context: Any, builder: Any, kind: Any, left: Any, right: Any) -> Any:
        compare = builder.icmp_signed if isinstance(kind, IntType) else builder.icmp_unsigned
        return compare(symbol, left, right)

    return emit


_binary((operator.add, operator.iadd), _add)
_binary((operator.sub, operator.isub), _sub)
_binary((operator.mul, operator.imul), _mul)
_binary((operator.and_, operator.iand), _plain("and_"))
_binary((operator.or_, operator.ior), _plain("or_"))
_binary((operator.xor, operator.ixor), _plain("xor"))
for _name, _symbol in (("lt", "<"), ("le", "<="), ("gt", ">"), ("ge", ">="), ("eq", "=="), ("ne", "!=")):
    _binary((getattr(operator, _name),), _comparison(_symbol), compares=True)


# --- shifts: the right operand is a machine integer ---


def _shift(names: tuple[Any, ...], emit: _Emit) -> None:
    for name in names:

        class Template(AbstractTemplate):
            key = name

            def generic(self, args: Any, kws: Any) -> Any:
                if kws or len(args) != 2 or not isinstance(args[0], UintType | IntType):
                    return None
                return signature(args[0], args[0], types.uint64) if isinstance(args[1], types.Integer) else None

        infer_global(name)(Template)

        def lower(context: Any, builder: Any, sig: Any, args: Any) -> Any:
            return emit(context, builder, sig.args[0], *args)

        for kind in (UintType, IntType):
            lower_builtin(name, kind, types.Integer)(lower)


def _shl(context: Any, builder: Any, kind: Any, value: Any, bits: Any) -> Any:
    amount, inside = _amount(builder, kind, bits)
    result = builder.shl(value, amount)
    if isinstance(kind, IntType):
        back = builder.ashr(result, amount)
        low = builder.icmp_signed("<", value, _zero(value))
    else:
        back, low = builder.lshr(result, amount), None
    lost = builder.or_(builder.icmp_unsigned("!=", back, value), builder.not_(inside))
    lost = builder.and_(lost, builder.icmp_unsigned("!=", value, _zero(value)))
    if low is not None:
        revert_if(context, builder, builder.and_(lost, low), UNDERFLOW)
    revert_if(context, builder, lost, OVERFLOW)
    return result


def _shr(_context: Any, builder: Any, kind: Any, value: Any, bits: Any) -> Any:
    amount, inside = _amount(builder, kind, bits)
    if isinstance(kind, IntType):
        sign = builder.ashr(value, ir.Constant(value.type, kind.bits - 1))
        return builder.select(inside, builder.ashr(value, amount), sign)
    return builder.select(inside, builder.lshr(value, amount), _zero(value))


def _amount(builder: Any, kind: Any, bits: Any) -> tuple[Any, Any]:
    """The shift amount in the wide type, kept below its width, and whether it was."""
    inside = builder.icmp_unsigned("<", bits, ir.Constant(bits.type, kind.bits))
    kept = builder.select(inside, bits, ir.Constant(bits.type, 0))
    return builder.zext(kept, ir.IntType(kind.bits)), inside


_shift((operator.lshift, operator.ilshift), _shl)
_shift((operator.rshift, operator.irshift), _shr)


# --- negation of a signed number ---


@infer_global(operator.neg)
class _Neg(AbstractTemplate):
    def generic(self, args: Any, kws: Any) -> Any:
        if not kws and len(args) == 1 and isinstance(args[0], IntType):
            return signature(args[0], args[0])
        return None


@lower_builtin(operator.neg, IntType)
def _lower_neg(context: Any, builder: Any, _sig: Any, args: Any) -> Any:
    result, over = with_overflow(builder, "ssub", _zero(args[0]), args[0])
    revert_if(context, builder, over, OVERFLOW)
    return result
