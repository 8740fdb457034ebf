"""Wide integers in arrays: little-endian ``uint64`` limbs, one row per number.

Shapes are ``(n, 4)`` for 256 bits, ``(n, 3)`` for Q64.96 prices (192), ``(n, 2)`` for 128. `pack` and `unpack` move
columns between Python integers and arrays; ``load…`` and ``store…`` are for compiled code and take the row number.
"""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any

import numpy as np
from llvmlite import ir
from numba import njit, types
from numba.extending import intrinsic

from tidemill.units.jit.raw import combine, limb, resize_to

if TYPE_CHECKING:
    from numpy.typing import NDArray

__all__ = [
    "as_index",
    "borrow",
    "load128",
    "load192",
    "load256",
    "pack",
    "store128",
    "store192",
    "store256",
    "unpack",
]

u64 = types.uint64
_to256 = resize_to(256)


def pack(values: Iterable[int], limbs: int = 4) -> NDArray[np.uint64]:
    """Return integers as an array ``(n, limbs)``, two's complement where negative.

    Raises
    ------
    OverflowError : a value needs more than ``64 * limbs`` bits.
    """
    data = b"".join(int(v).to_bytes(8 * limbs, "little", signed=v < 0) for v in values)
    return np.frombuffer(data, dtype="<u8").reshape(-1, limbs).astype(np.uint64)


def unpack(array: NDArray[np.uint64], *, signed: bool = False) -> list[int]:
    """Return the rows of an array ``(n, limbs)`` as integers."""
    size = 8 * array.shape[1]
    data = np.ascontiguousarray(array, dtype="<u8").tobytes()
    return [int.from_bytes(data[i : i + size], "little", signed=signed) for i in range(0, len(data), size)]


@njit
def as_index(value: Any) -> Any:
    """An integer taken from an array, as a signed machine integer (without a compiler: as a plain ``int``)."""
    return types.int64(value)


@intrinsic
def borrow(_typingctx: Any, array: Any) -> Any:
    """The same array, not counted: for the parts of a kernel, whose caller holds it all the while.

    Counting costs two atomic operations per array and call.
    """

    def emit(context: Any, builder: Any, sig: Any, args: Any) -> Any:
        view = context.make_array(sig.args[0])(context, builder, args[0])
        view.meminfo = ir.Constant(view.meminfo.type, None)
        return view._getvalue()  # noqa: SLF001 - numba's own way

    return array(array), emit


@njit
def load256(array: Any, i: Any) -> Any:
    """Row `i` of a ``(n, 4)`` array."""
    i = u64(i)
    return combine(combine(combine(array[i, 3], array[i, 2]), array[i, 1]), array[i, 0])


@njit
def load192(array: Any, i: Any) -> Any:
    """Row `i` of a ``(n, 3)`` array, widened to 256 bits."""
    i = u64(i)
    return _to256(combine(combine(array[i, 2], array[i, 1]), array[i, 0]))


@njit
def load128(array: Any, i: Any) -> Any:
    """Row `i` of a ``(n, 2)`` array, widened to 256 bits."""
    i = u64(i)
    return _to256(combine(array[i, 1], array[i, 0]))


@njit
def store256(array: Any, i: Any, value: Any) -> None:
    """Write a 256-bit value to row `i` of a ``(n, 4)`` array."""
    i = u64(i)
    array[i, 0], array[i, 1], array[i, 2], array[i, 3] = limb(value, 0), limb(value, 1), limb(value, 2), limb(value, 3)


@njit
def store192(array: Any, i: Any, value: Any) -> None:
    """Write the low 192 bits of a value to row `i` of a ``(n, 3)`` array."""
    i = u64(i)
    array[i, 0], array[i, 1], array[i, 2] = limb(value, 0), limb(value, 1), limb(value, 2)


@njit
def store128(array: Any, i: Any, value: Any) -> None:
    """Write the low 128 bits of a value to row `i` of a ``(n, 2)`` array."""
    i = u64(i)
    array[i, 0], array[i, 1] = limb(value, 0), limb(value, 1)
