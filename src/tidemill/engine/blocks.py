"""Block time: which block a network is at, for any second. Simulated networks tick evenly, recorded ones did not."""

from __future__ import annotations

from bisect import bisect_left, bisect_right
from collections.abc import Sequence
from itertools import pairwise

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import Block

__all__ = ["Blocks", "Network"]


class Blocks:
    """The blocks of one network, as a non-decreasing step function from number to time.

    Parameters
    ----------
    knots : known blocks in ascending order, at least one. Between two of them time runs evenly (rounded down to the
        second, so it never decreases); before the first and after the last one it runs with ``period_ms``.
    period_ms : milliseconds from block to block where nothing is known (2000 on OP Mainnet, 250 on Arbitrum).

    >>> blocks = Blocks([Block(time=100, number=7)], period_ms=2000)
    >>> blocks.number(9), blocks.first_from(101), blocks.last_until(103)
    (Block(time=104, number=9), Block(time=102, number=8), Block(time=102, number=8))
    """

    def __init__(self, knots: Sequence[Block], period_ms: int) -> None:
        if period_ms <= 0:
            raise BadInput(f"a block takes {period_ms} ms; give a positive number of milliseconds", field="period_ms")
        if not knots:
            raise BadInput("at least one block must be known", field="knots")
        for a, b in pairwise(knots):
            if b.number <= a.number or b.time < a.time:
                raise BadInput(f"block {b.number} at {b.time} does not follow block {a.number} at {a.time}")
        self._numbers = [k.number for k in knots]
        self._times = [k.time for k in knots]
        self.period_ms = period_ms

    def number(self, number: int) -> Block:
        """Return block ``number`` with its time in seconds."""
        i = bisect_right(self._numbers, number) - 1
        n0, t0 = self._numbers[max(i, 0)], self._times[max(i, 0)]
        if i < 0 or i == len(self._numbers) - 1:
            return Block(time=t0 + (number - n0) * self.period_ms // 1000, number=number)
        n1, t1 = self._numbers[i + 1], self._times[i + 1]
        return Block(time=t0 + (number - n0) * (t1 - t0) // (n1 - n0), number=number)

    def first_from(self, time: int) -> Block:
        """Return the first block whose time is ``time`` (seconds) or later."""
        block = self.number(self._guess(time))
        while block.time >= time:
            block = self.number(block.number - 1)
        while block.time < time:
            block = self.number(block.number + 1)
        return block

    def last_until(self, time: int) -> Block:
        """Return the last block whose time is ``time`` (seconds) or earlier."""
        return self.number(self.first_from(time + 1).number - 1)

    def _guess(self, time: int) -> int:
        """Return a number within a few blocks of ``time``, by the same pieces as ``number``."""
        i = bisect_left(self._times, time) - 1
        n0, t0 = self._numbers[max(i, 0)], self._times[max(i, 0)]
        if i < 0 or i == len(self._times) - 1:
            return n0 + (time - t0) * 1000 // self.period_ms
        n1, t1 = self._numbers[i + 1], self._times[i + 1]
        return n0 + (time - t0) * (n1 - n0) // (t1 - t0)


class Network(Struct, frozen=True):
    """A network as a model world needs it: its id, the token fees are paid in, its blocks."""

    id: str
    native: str
    blocks: Blocks
