"""Integers that raise `Revert` where a 256-bit contract would: the second number type of every rule.

Slow (about a microsecond per operation) and simple; models run the woven rule instead, which is tested equal.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, ClassVar, Self

from tidemill.errors import Revert
from tidemill.units.integers import OVERFLOW, UNDERFLOW
from tidemill.units.language import Kind

__all__ = ["CheckedInt", "CheckedUint", "checked_helper", "checked_value", "plain_value"]


class _Checked(int):
    low: ClassVar[int]
    high: ClassVar[int]

    @classmethod
    def inside(cls, value: int) -> Self:
        if value < cls.low:
            raise Revert(UNDERFLOW)
        if value > cls.high:
            raise Revert(OVERFLOW)
        return cls(value)

    def __add__(self, other: int) -> Self:
        return self.inside(int(self) + int(other))

    def __sub__(self, other: int) -> Self:
        return self.inside(int(self) - int(other))

    def __rsub__(self, other: int) -> Self:
        return self.inside(int(other) - int(self))

    def __mul__(self, other: int) -> Self:
        return self.inside(int(self) * int(other))

    def __lshift__(self, bits: int) -> Self:
        return self.inside(int(self) << int(bits))

    def __rshift__(self, bits: int) -> Self:
        return self.inside(int(self) >> int(bits))

    def __and__(self, other: int) -> Self:
        return self.inside(int(self) & int(other))

    def __or__(self, other: int) -> Self:
        return self.inside(int(self) | int(other))

    def __xor__(self, other: int) -> Self:
        return self.inside(int(self) ^ int(other))

    def __neg__(self) -> Self:
        return self.inside(-int(self))

    __radd__, __rmul__, __rand__, __ror__, __rxor__ = __add__, __mul__, __and__, __or__, __xor__


class CheckedUint(_Checked):
    """An unsigned 256-bit integer; ``+ - * <<`` raise `Revert` outside [0, 2**256)."""

    low = 0
    high = (1 << 256) - 1


class CheckedInt(_Checked):
    """A signed 256-bit integer; ``+ - * <<`` raise `Revert` outside [-2**255, 2**255)."""

    low = -(1 << 255)
    high = (1 << 255) - 1


def checked_value(value: Any, kind: Kind) -> Any:
    """Return `value` as the checked type of `kind`; indices and truth values stay as they are.

    Raises
    ------
    Revert : `value` lies outside the type.
    """
    if kind is Kind.UINT:
        return CheckedUint.inside(value)
    return CheckedInt.inside(value) if kind is Kind.INT else value


def plain_value(value: Any) -> Any:
    """Return a result as plain integers, tuples element by element."""
    if isinstance(value, tuple):
        return tuple(plain_value(part) for part in value)
    return int(value) if isinstance(value, _Checked) else value


def checked_helper(helper: Callable[..., Any], kind: Kind) -> Callable[..., Any]:
    """Return `helper` taking checked values and giving a checked value of `kind`."""

    def on_checked(*args: Any) -> Any:
        return checked_value(helper(*(plain_value(arg) for arg in args)), kind)

    return on_checked
