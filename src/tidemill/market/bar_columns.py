"""Columns of a tape of bars that follow from a few numbers per bar, computed where they are asked for.

A year of minute bars has two million steps. Time, block, bar and price of a step follow from the bar it belongs to and
from its tick, and readers ask for a row at a time or search: holding them would cost more than all the rest. A derived
column answers indexing, ``len``, ``np.searchsorted`` and ``np.asarray`` as the array would.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import numpy as np
from numpy.lib.mixins import NDArrayOperatorsMixin
from numpy.typing import NDArray

__all__ = ["BarOf", "BlocksOf", "LimbsOf", "PricesAt", "TimesOf"]

Column = Callable[[], NDArray[np.uint64]]


class _Derived(NDArrayOperatorsMixin):
    """A column that is computed: ``_rows`` gives it for any array of row numbers."""

    dtype: Any = np.dtype(np.int64)
    nbytes = 0

    def __init__(self, length: int, width: int | None = None) -> None:
        self.shape: tuple[int, ...] = (length,) if width is None else (length, width)
        self.ndim = len(self.shape)

    def __len__(self) -> int:
        return self.shape[0]

    def __getitem__(self, key: Any) -> Any:
        if isinstance(key, tuple):
            return self[key[0]][(slice(None), *key[1:]) if np.ndim(self[key[0]]) == self.ndim else key[1:]]
        if isinstance(key, int | np.integer):
            row = int(key) + (len(self) if key < 0 else 0)
            if not 0 <= row < len(self):
                raise IndexError(f"row {key} of {len(self)}")
            return self._rows(np.array([row]))[0]
        if isinstance(key, slice):
            return self._rows(np.arange(*key.indices(len(self))))
        return self._rows(np.arange(len(self))[key])

    def __getattr__(self, name: str) -> Any:
        if name.startswith("_"):
            raise AttributeError(name)
        return getattr(self[:], name)

    def __array_ufunc__(self, ufunc: Any, method: str, *inputs: Any, **options: Any) -> Any:
        return getattr(ufunc, method)(*(i[:] if isinstance(i, _Derived) else i for i in inputs), **options)

    def __array__(self, dtype: Any = None, copy: bool | None = None) -> NDArray[Any]:
        if copy is False:
            raise ValueError("a derived column is always a copy")
        whole: NDArray[Any] = self[:]
        return whole if dtype is None else whole.astype(dtype)

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[Any]:
        raise NotImplementedError


class BarOf(_Derived):
    """Bar of each step. ``first`` (bars + 1): row of each bar's first step, and the number of steps."""

    dtype = np.dtype(np.int32)

    def __init__(self, first: NDArray[np.int64]) -> None:
        super().__init__(int(first[-1]))
        self._first = first

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.int32]:
        return (np.searchsorted(self._first, rows, side="right") - 1).astype(np.int32)

    # np.searchsorted passes ``sorter`` always; without the parameter it would build the whole column instead
    def searchsorted(self, value: Any, side: str = "left", sorter: None = None) -> Any:
        """Return where ``value`` belongs, as ``np.searchsorted`` does."""
        bar = np.asarray(value) + (side == "right")
        return self._first[np.clip(bar, 0, len(self._first) - 1)]


class TimesOf(_Derived):
    """Time of each step, or its block: the steps of a bar are spread evenly over it.

    Parameters
    ----------
    start : time of each bar, seconds. length : of a bar, seconds. first : as in ``BarOf``.
    unit : divides the time, rounded down: 1 for the time itself, a block's seconds for its block.
    """

    def __init__(self, start: NDArray[np.int64], length: int, first: NDArray[np.int64], unit: int = 1) -> None:
        super().__init__(int(first[-1]))
        self._start, self._length, self._first, self._unit = start, length, first, unit

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        bar = np.searchsorted(self._first, rows, side="right") - 1
        begin = self._first[bar]
        times: NDArray[np.int64] = self._start[bar] + (rows - begin) * self._length // (self._first[bar + 1] - begin)
        return times // self._unit

    def searchsorted(self, value: Any, side: str = "left", sorter: None = None) -> Any:
        """Return where ``value`` belongs, as ``np.searchsorted`` does."""
        # the first step at or after this time; whole numbers are after v where they are at least v + 1
        time = (np.asarray(value) + (side == "right")) * self._unit
        bar = np.maximum(np.searchsorted(self._start, time, side="left") - 1, 0)
        begin = self._first[bar]
        count = self._first[bar + 1] - begin
        # floor(k * length / count) >= t where k >= ceil(t * count / length)
        inside = -(-np.maximum(time - self._start[bar], 0) * count // self._length)
        return begin + np.minimum(inside, count)


class BlocksOf(_Derived):
    """Block of each bar: its time, seconds, over the length of a block, rounded down."""

    def __init__(self, time: NDArray[np.int64], seconds: int) -> None:
        super().__init__(len(time))
        self._time, self._seconds = time, seconds

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.int64]:
        blocks: NDArray[np.int64] = self._time[rows] // self._seconds
        return blocks

    def searchsorted(self, value: Any, side: str = "left", sorter: None = None) -> Any:
        """Return where ``value`` belongs, as ``np.searchsorted`` does."""
        # a block is after v where its time is at least that of block v + 1
        return np.searchsorted(self._time, (np.asarray(value) + (side == "right")) * self._seconds, side="left")


class PricesAt(_Derived):
    """Q64.96 price at each row's tick, ``(n, 3)``; ``table`` holds those of all ticks from ``low`` on."""

    dtype = np.dtype(np.uint64)

    def __init__(self, tick: NDArray[np.int32], table: NDArray[np.uint64], low: int) -> None:
        super().__init__(len(tick), 3)
        self._tick, self._table, self._low = tick, table, low

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        return self._table[self._tick[rows].astype(np.int64) - self._low]


class LimbsOf(_Derived):
    """Wide columns of bars as limbs ``(n, width)``, unsigned: rows of ``yes`` where ``where`` is set, else of ``no``.

    Parameters
    ----------
    yes, no : functions that give the columns as limbs of any width; read when a row is asked for, and not kept.
    """

    dtype = np.dtype(np.uint64)

    def __init__(self, where: NDArray[np.uint8], width: int, yes: Column, no: Column | None = None) -> None:
        super().__init__(len(where), width)
        self._width = width
        self._where, self._yes, self._no = where, yes, no

    def _rows(self, rows: NDArray[np.int64]) -> NDArray[np.uint64]:
        out = np.zeros((len(rows), self._width), np.uint64)
        limbs = self._yes()[rows]
        out[:, : limbs.shape[1]] = limbs
        if self._no is not None:
            other = self._where[rows] == 0
            out[other, : limbs.shape[1]] = self._no()[rows[other]]
        return out
