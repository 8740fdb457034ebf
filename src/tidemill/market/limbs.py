"""Wide integers as little-endian ``uint64`` limbs, the form in which tables and compiled code hold them.

Signed values are two's complement of the whole width. ``W`` limbs hold ``64 * W`` bits.
"""

from __future__ import annotations

from collections.abc import Iterable

import numpy as np
from numpy.typing import NDArray

from tidemill.errors import BadData

__all__ = ["Limbs", "from_limbs", "to_limbs"]

Limbs = NDArray[np.uint64]


def to_limbs(values: Iterable[int], width: int, *, signed: bool = False, name: str = "value") -> Limbs:
    """Pack integers into an array of shape ``(n, width)``.

    Raises
    ------
    BadData : a value does not fit; the message names ``name`` and the value.
    """
    size = 8 * width
    parts = []
    for value in values:
        try:
            parts.append(value.to_bytes(size, "little", signed=signed))
        except OverflowError:
            kind = "int" if signed else "uint"
            raise BadData(f"{name} {value} does not fit {kind}{8 * size}") from None
    return np.frombuffer(b"".join(parts), dtype="<u8").reshape(-1, width).astype(np.uint64)


def from_limbs(limbs: Limbs, *, signed: bool = False) -> list[int]:
    """Unpack an array of shape ``(n, width)`` into Python integers."""
    size = 8 * limbs.shape[1]
    raw = np.ascontiguousarray(limbs, dtype="<u8").tobytes()
    return [int.from_bytes(raw[k : k + size], "little", signed=signed) for k in range(0, len(raw), size)]
