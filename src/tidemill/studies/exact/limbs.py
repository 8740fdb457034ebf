"""Drawn floats as wide integers, exactly."""

from __future__ import annotations

from typing import Any

import numpy as np

__all__ = ["limbs_of"]


def limbs_of(values: Any, limbs: int, shift: int = 0) -> Any:
    """Return floats from 0 up, times ``2**shift`` and rounded down, as ``(n, limbs)`` of 64 bits: exact, no money between."""
    part, power = np.frexp(np.asarray(values, float))
    whole = (part * 2.0**53).astype(np.uint64)
    left = power.astype(np.int64) - 53 + shift
    whole = np.where(left < -63, np.uint64(0), whole >> np.clip(-left, 0, 63).astype(np.uint64))
    left = np.maximum(left, 0)
    out = np.zeros((len(whole), limbs + 1), np.uint64)
    rows, place, by = np.arange(len(whole)), left // 64, (left % 64).astype(np.uint64)
    out[rows, place] = whole << by
    out[rows, place + 1] = np.where(by > 0, whole >> ((64 - by) % 64).astype(np.uint64), np.uint64(0))
    return np.ascontiguousarray(out[:, :limbs])
