"""`load…` and `store…` for kernels that run as Python (``TIDEMILL_JIT=0``): rows of limbs to plain ``int`` and back."""

from __future__ import annotations

from typing import Any

__all__ = ["as_index", "borrow", "load128", "load192", "load256", "store128", "store192", "store256"]

_LIMB = (1 << 64) - 1


def _load(array: Any, i: int, limbs: int) -> int:
    value = 0
    for k in range(limbs):
        value |= int(array[i, k]) << 64 * k
    return value


def _store(array: Any, i: int, value: int, limbs: int) -> None:
    for k in range(limbs):
        array[i, k] = value >> 64 * k & _LIMB


def as_index(value: Any) -> int:
    """An integer taken from an array, as a plain ``int``: numpy's would overflow silently."""
    return int(value)


def borrow(array: Any) -> Any:
    """The array itself."""
    return array


def load256(array: Any, i: int) -> int:
    """Row `i` of a ``(n, 4)`` array."""
    return _load(array, i, 4)


def load192(array: Any, i: int) -> int:
    """Row `i` of a ``(n, 3)`` array."""
    return _load(array, i, 3)


def load128(array: Any, i: int) -> int:
    """Row `i` of a ``(n, 2)`` array."""
    return _load(array, i, 2)


def store256(array: Any, i: int, value: int) -> None:
    """Write a 256-bit value to row `i` of a ``(n, 4)`` array."""
    _store(array, i, value, 4)


def store192(array: Any, i: int, value: int) -> None:
    """Write the low 192 bits of a value to row `i` of a ``(n, 3)`` array."""
    _store(array, i, value, 3)


def store128(array: Any, i: int, value: int) -> None:
    """Write the low 128 bits of a value to row `i` of a ``(n, 2)`` array."""
    _store(array, i, value, 2)
