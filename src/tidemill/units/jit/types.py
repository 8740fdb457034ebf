"""The wide integers as numba types: LLVM's ``iN`` held in registers, no heap, no boxes inside compiled code.

`UintType` (128, 192, 256, 320, 384 and 512 bits) is unsigned, `U256` is what a `Uint` of the rule language becomes;
`I256` is the signed `Int`. Python integers become `U256` when wrapped as `tidemill.units.Wide`; wide values come
back to Python as plain ``int``.
"""

from __future__ import annotations

from typing import Any

from llvmlite import binding, ir
from numba.core import cgutils, types
from numba.core.imputils import lower_constant
from numba.core.typeconv import Conversion
from numba.extending import (
    NativeValue,
    box,
    lower_cast,
    models,
    register_model,
    typeof_impl,
    unbox,
)

from tidemill.errors import Revert
from tidemill.units.integers import UNDERFLOW
from tidemill.units.quantities import Wide

__all__ = ["I256", "U128", "U192", "U256", "U320", "U384", "U512", "IntType", "SignedWide", "UintType", "revert_if"]

binding.initialize_native_asmparser()  # inline assembly aborts the process without it

LIMB = ir.IntType(64)


class UintType(types.Type):
    """An unsigned integer of `bits` bits."""

    def __init__(self, bits: int) -> None:
        self.bits = bits
        super().__init__(name=f"uint{bits}")

    def can_convert_from(self, _typingctx: Any, other: types.Type) -> Conversion | None:
        """Machine integers and narrower unsigned types widen; the cast reverts below zero."""
        if isinstance(other, types.Integer) or (isinstance(other, UintType) and other.bits < self.bits):
            return Conversion.safe
        return None

    def unify(self, _typingctx: Any, other: types.Type) -> types.Type | None:
        """A variable that is a small literal on one path and wide on another is wide."""
        return self if isinstance(other, types.Integer) else None


class IntType(types.Type):
    """A signed 256-bit integer, two's complement."""

    bits = 256

    def __init__(self) -> None:
        super().__init__(name="int256")

    def can_convert_from(self, _typingctx: Any, other: types.Type) -> Conversion | None:
        """Machine integers widen."""
        return Conversion.safe if isinstance(other, types.Integer) else None

    def unify(self, _typingctx: Any, other: types.Type) -> types.Type | None:
        """A variable that is a small literal on one path and wide on another is wide."""
        return self if isinstance(other, types.Integer) else None


U128, U192, U256, U320, U384, U512 = (UintType(bits) for bits in (128, 192, 256, 320, 384, 512))
I256 = IntType()


@register_model(UintType)
@register_model(IntType)
class _WideModel(models.PrimitiveModel):
    def __init__(self, manager: Any, kind: Any) -> None:
        super().__init__(manager, kind, ir.IntType(kind.bits))


class SignedWide(int):
    """Wraps a Python integer that goes to compiled code as `I256`."""

    __slots__ = ()


def revert_if(context: Any, builder: Any, condition: Any, reason: str) -> None:
    """Emit: leave the compiled function with ``Revert(reason)`` if `condition`; a branch that is never predicted."""
    with cgutils.if_unlikely(builder, condition):
        context.call_conv.return_user_exc(builder, Revert, (reason,))


# --- into and out of compiled code ---


@typeof_impl.register(Wide)
def _typeof_wide(_value: Wide, _context: Any) -> UintType:
    return U256


@typeof_impl.register(SignedWide)
def _typeof_signed(_value: SignedWide, _context: Any) -> IntType:
    return I256


@lower_constant(UintType)
@lower_constant(IntType)
def _constant(_context: Any, _builder: Any, kind: Any, value: int) -> Any:
    return ir.Constant(ir.IntType(kind.bits), int(value) % (1 << kind.bits))


@lower_cast(types.Integer, UintType)
def _widen(context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    if source.bitwidth > target.bits:
        raise NotImplementedError(f"{source} to {target}")
    if source.signed:
        zero = ir.Constant(value.type, 0)
        revert_if(context, builder, builder.icmp_signed("<", value, zero), UNDERFLOW)
    return builder.zext(value, ir.IntType(target.bits))


@lower_cast(UintType, UintType)
def _widen_wide(_context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    assert source.bits <= target.bits
    return value if source.bits == target.bits else builder.zext(value, ir.IntType(target.bits))


@lower_cast(types.Integer, IntType)
def _widen_signed(_context: Any, builder: Any, source: Any, target: Any, value: Any) -> Any:
    extend = builder.sext if source.signed else builder.zext
    return extend(value, ir.IntType(target.bits))


@unbox(UintType)
@unbox(IntType)
def _unbox(kind: Any, obj: Any, c: Any) -> NativeValue:
    wide = ir.IntType(kind.bits)
    value = ir.Constant(wide, 0)
    mask = c.pyapi.long_from_ulonglong(ir.Constant(LIMB, (1 << 64) - 1))
    for k in range(kind.bits // 64):
        bits = c.pyapi.long_from_longlong(ir.Constant(LIMB, 64 * k))
        rest = c.pyapi.number_rshift(obj, bits)
        low = c.pyapi.number_and(rest, mask)
        limb = c.builder.zext(c.pyapi.long_as_ulonglong(low), wide)
        value = c.builder.or_(value, c.builder.shl(limb, ir.Constant(wide, 64 * k)))
        for temporary in (bits, rest, low):
            c.pyapi.decref(temporary)
    c.pyapi.decref(mask)
    return NativeValue(value, is_error=cgutils.is_not_null(c.builder, c.pyapi.err_occurred()))


@box(UintType)
@box(IntType)
def _box(kind: Any, value: Any, c: Any) -> Any:
    wide = ir.IntType(kind.bits)
    bits = c.pyapi.long_from_longlong(ir.Constant(LIMB, 64))
    result = None
    for k in range(kind.bits // 64 - 1, -1, -1):
        limb = c.builder.trunc(c.builder.lshr(value, ir.Constant(wide, 64 * k)), LIMB)
        if result is None:
            signed = isinstance(kind, IntType)
            result = c.pyapi.long_from_longlong(limb) if signed else c.pyapi.long_from_ulonglong(limb)
            continue
        part = c.pyapi.long_from_ulonglong(limb)
        high = c.pyapi.number_lshift(result, bits)
        joined = c.pyapi.number_or(high, part)
        for temporary in (result, part, high):
            c.pyapi.decref(temporary)
        result = joined
    c.pyapi.decref(bits)
    return result
