"""The fee index: fees of any (range, open, close) over a tape, and when the price leaves a range, in nanoseconds.

Replay once, ask many times. Answers are in ``small`` mode: the growth inside a range is the sum over the tape's steps
in it of ``floor(fee * 2**128 / liquidity)``, and a position earns ``floor(liquidity * growth / 2**128)`` — exactly what
adding step after step gives. Structure and derivation: ``index_kernel``. For ``diluted`` see ``index_bracket``.
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidemill.errors import BadData, BadInput
from tidemill.market import index_kernel as kernel
from tidemill.market.limbs import Limbs, from_limbs, to_limbs
from tidemill.venues.uniswap_v3.tape import Tape

__all__ = ["FeeIndex", "Growth"]

_MAX_CROSSINGS_PER_STEP = 8
"""Above this the path jumps over empty cells so much that the lists would not fit; a scan is offered instead."""


class Growth(NamedTuple):
    """Fees per unit of liquidity, Q128.128, of token0 and token1."""

    token0: int
    token1: int

    def fees(self, liquidity: int) -> tuple[int, int]:
        """Return what ``liquidity`` earns of it, raw units, rounded down as the contract does."""
        mask = (1 << 128) - 1
        return (liquidity * self.token0 >> 128) & mask, (liquidity * self.token1 >> 128) & mask


class FeeIndex:
    """An index over a tape.

    Ranges are cells ``[lower, upper)``, ``cell = tick / tick_spacing``; steps ``[start, stop)`` are rows of the tape.

    Parameters
    ----------
    tape : at least one step.

    Raises
    ------
    BadData : the tape is empty, its fee growth does not fit 192 bits, or its path jumps over too many cells.
    """

    def __init__(self, tape: Tape) -> None:
        n = len(tape.cell)
        if n == 0:
            raise BadData("fee index: the tape has no steps")
        self.tape = tape
        self.steps = n
        self._cell = np.ascontiguousarray(tape.cell)
        self._low = int(self._cell.min())
        cells = int(self._cell.max()) - self._low + 1
        self._total = np.empty((n + 1, 6), np.uint64)
        if not kernel.prefix(tape.fee, tape.liquidity, tape.zero_for_one, self._total):
            raise BadData("fee index: fees per unit of liquidity exceed 2**192; too little liquidity, scan instead")
        count = np.zeros(cells + 2, np.int64)
        crossings = int(kernel.count_crossings(self._cell, self._low, count))
        if crossings > _MAX_CROSSINGS_PER_STEP * n + 65_536:
            raise BadData(
                f"fee index: {crossings} crossings in {n} steps; the path jumps over empty cells, scan instead"
            )
        self._off = np.zeros(cells + 2, np.int64)
        np.cumsum(count[: cells + 1], out=self._off[1:])
        # the directory holds about one entry per crossing, so that a search looks at a few entries
        span = max(256, n * (cells + 1) // max(crossings, 1))
        self._shift = (span - 1).bit_length()
        self._when = np.empty(crossings + 1, np.int32)
        self._when[crossings] = kernel.NEVER
        self._base = np.zeros((crossings + cells + 1, 6), np.uint64)
        self._index = np.empty((cells + 1, (n >> self._shift) + 2), np.int32)
        self._below = np.empty(cells + 1, np.uint8)
        kernel.build_crossings(
            self._cell, self._total, self._low, self._shift, self._off, self._when, self._base, self._index, self._below
        )

    @property
    def crossings(self) -> int:
        """Crossings of cell boundaries along the path."""
        return len(self._when) - 1

    @property
    def nbytes(self) -> int:
        """Bytes held beside the tape."""
        parts = (self._total, self._off, self._when, self._base, self._index, self._below)
        return sum(part.nbytes for part in parts)

    def step_at(self, time: int) -> int:
        """Return the first step at or after ``time`` (seconds); the number of steps if there is none."""
        return int(np.searchsorted(self.tape.time, time, side="left"))

    def growth(self, lower: int, upper: int, start: int, stop: int) -> Growth:
        """Growth inside ``[lower, upper)`` over steps ``[start, stop)``."""
        row = self.growth_many([lower], [upper], [start], [stop])
        zero, one = from_limbs(row.reshape(2, 3))
        return Growth(zero, one)

    def fees(self, lower: int, upper: int, start: int, stop: int, *, liquidity: int) -> tuple[int, int]:
        """Return fees (token0, token1) of ``liquidity``, raw units."""
        return self.growth(lower, upper, start, stop).fees(liquidity)

    def growth_many(self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike, stop: ArrayLike) -> Limbs:
        """Growth of many queries: arrays of length m in, limbs ``(m, 6)`` out, three a token."""
        low, up, begin, end = self._queries(lower, upper, start, stop)
        out = np.empty((len(low), 6), np.uint64)
        kernel.growth_many(low, up, begin, end, out, *self._arrays(), self._shift, self._low)
        return out

    def fees_many(
        self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike, stop: ArrayLike, liquidity: Limbs
    ) -> Limbs:
        """Fees of many candidates, ``liquidity`` (m, 2) limbs: limbs ``(m, 4)``, two a token, raw units."""
        low, up, begin, end = self._queries(lower, upper, start, stop)
        if liquidity.shape != (len(low), 2):
            raise BadInput(f"liquidity has shape {liquidity.shape}, expected {(len(low), 2)}")
        out = np.empty((len(low), 4), np.uint64)
        kernel.fees_many(low, up, begin, end, liquidity, out, *self._arrays(), self._shift, self._low)
        return out

    def first_exit_many(self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike) -> NDArray[np.int32]:
        """First step at or after each ``start`` outside ``[lower, upper)``; the number of steps if there is none."""
        low, up, begin, _ = self._queries(lower, upper, start, start)
        out = np.empty(len(low), np.int32)
        kernel.exit_many(low, up, begin, out, self._cell, self._off, self._when, self._index, self._shift, self._low)
        return out

    def locate_many(self, lower: ArrayLike, upper: ArrayLike, at: ArrayLike) -> NDArray[np.int64]:
        """Return, for prefixes at steps ``at``, (record, record, add global) a query: see ``index_kernel``; for sums
        of other columns over the same lists.
        """
        low, up, begin, _ = self._queries(lower, upper, at, at)
        out = np.empty((len(low), 3), np.int64)
        kernel.locate_many(low, up, begin, out, self._off, self._when, self._index, self._below, self._shift, self._low)
        return out

    def records(self, prefix: NDArray[np.uint64]) -> NDArray[np.uint64]:
        """Return the records of the columns of ``prefix`` (n+1, w), sums modulo 2**64 before each step."""
        boundaries = len(self._off) - 1
        length = np.diff(self._off)
        which = np.repeat(np.arange(boundaries), length)
        turn = np.arange(len(which)) - np.repeat(self._off[:-1], length)
        up = (self._below[which] + turn) & 1 == 1
        change = prefix[self._when[:-1]]
        change[~up] = np.uint64(0) - change[~up]
        out = np.zeros((len(which) + boundaries, prefix.shape[1]), np.uint64)
        out[np.arange(len(which)) + which + 1] = change
        np.cumsum(out, axis=0, out=out)
        first = self._off[:-1] + np.arange(boundaries)
        out -= np.repeat(out[first], length + 1, axis=0)
        return out

    def growth_by_scan(self, lower: int, upper: int, start: int, stop: int) -> Growth:
        """Compute the same as ``growth`` by adding step after step."""
        self._queries([lower], [upper], [start], [stop])
        out = np.empty(6, np.uint64)
        kernel.growth_scan(lower, upper, start, stop, self._cell, self._total, out)
        zero, one = from_limbs(out.reshape(2, 3))
        return Growth(zero, one)

    def diluted_fees(self, lower: int, upper: int, start: int, stop: int, *, liquidity: int) -> tuple[int, int]:
        """Exact fees when own ``liquidity`` shares each step, by a scan: raw units of token0 and token1."""
        self._queries([lower], [upper], [start], [stop])
        own = to_limbs([liquidity], 2, name="liquidity")[0]
        out = np.empty(6, np.uint64)
        tape = self.tape
        if not kernel.diluted_scan(
            lower, upper, start, stop, own[0], own[1], self._cell, tape.fee, tape.liquidity, tape.zero_for_one, out
        ):
            raise BadData("fee index: fees per unit of liquidity exceed 2**192")
        zero, one = from_limbs(out.reshape(2, 3))
        return Growth(zero, one).fees(liquidity)

    @property
    def lists(self) -> tuple[Any, ...]:
        """What compiled code reads to ask the index from within a loop: the arguments after ``out`` of ``growth_many``."""
        return (*self._arrays(), self._shift, self._low)

    def _arrays(self) -> tuple[NDArray[np.generic], ...]:
        return self._total, self._off, self._when, self._base, self._index, self._below

    def _queries(
        self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike, stop: ArrayLike
    ) -> tuple[NDArray[np.int32], ...]:
        low, up, begin, end = (np.ascontiguousarray(v, np.int32) for v in (lower, upper, start, stop))
        if not len(low) == len(up) == len(begin) == len(end):
            raise BadInput("fee index: query arrays differ in length")
        if len(low) and (begin.min() < 0 or end.max() > self.steps or (begin > end).any()):
            raise BadInput(f"fee index: steps must satisfy 0 <= start <= stop <= {self.steps}")
        if (low > up).any():
            raise BadInput("fee index: a range's lower cell is above its upper")
        return low, up, begin, end
