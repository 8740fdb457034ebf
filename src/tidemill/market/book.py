"""What is known of a pool's liquidity along the price: all of it, or only where earlier events have shown it."""

from __future__ import annotations

from collections import defaultdict
from typing import Protocol

__all__ = ["Book", "FullBook", "SeenBook", "UnknownLiquidity"]


class UnknownLiquidity(Exception):
    """The path reaches a cell whose liquidity earlier events have not shown."""

    def __init__(self, cell: int) -> None:
        super().__init__(f"liquidity of cell {cell} is not known")
        self.cell = cell


class Book(Protocol):
    """Liquidity as a swap meets it. A cell is ``floor(tick / tick_spacing)``."""

    spacing: int

    def liquidity(self, cell: int) -> int:
        """Active liquidity while the price is in ``cell``; raises ``UnknownLiquidity``."""
        ...

    def next_boundary(self, tick: int, down: bool) -> int:
        """Where the pool's search for the next tick ends: an initialised tick, or the end of the bitmap word.

        Where a cell on the way is unknown, the boundary before it: going beyond raises ``UnknownLiquidity``.
        """
        ...

    def change(self, lower: int, upper: int, delta: int) -> None:
        """Add ``delta`` liquidity (negative: remove) to the range ``[lower, upper)`` in ticks."""
        ...


class SeenBook:
    """Liquidity known from events so far: of cells where the price has been, kept up to date by mints and burns.

    A tick between two cells of equal liquidity counts as initialised only if mints seen here have left liquidity on it.
    """

    def __init__(self, spacing: int) -> None:
        self.spacing = spacing
        self.cells: dict[int, int] = {}
        self.gross: defaultdict[int, int] = defaultdict(int)
        self._found: dict[tuple[int, bool], int] = {}  # what searches came to, until something changes

    def learn(self, cell: int, liquidity: int) -> None:
        """Take note of the active liquidity in ``cell``."""
        if self.cells.get(cell) != liquidity:
            self.cells[cell] = liquidity
            self._found.clear()

    def assume(self, cell: int, liquidity: int) -> int:
        """Take ``liquidity`` for that of ``cell`` unless it is known; returns what is taken."""
        if cell not in self.cells:
            self.learn(cell, liquidity)
        return self.cells[cell]

    def liquidity(self, cell: int) -> int:
        """See ``Book``."""
        try:
            return self.cells[cell]
        except KeyError:
            raise UnknownLiquidity(cell) from None

    def next_boundary(self, tick: int, down: bool) -> int:
        """See ``Book``."""
        cells = self.cells
        first = edge = tick // self.spacing if down else tick // self.spacing + 1
        if (found := self._found.get((first, down))) is not None:
            return found
        step, word_end = (-1, 0) if down else (1, 255)
        while edge & 255 != word_end:
            below, above = cells.get(edge - 1), cells.get(edge)
            if below is None or above is None or below != above or self.gross[edge] > 0:
                break
            edge += step
        self._found[first, down] = edge * self.spacing
        return edge * self.spacing

    def bounded(self, edge: int) -> int:
        """Return the liquidity that mints seen so far have left on the tick ``edge * spacing``."""
        return max(self.gross.get(edge, 0), 0)

    def change(self, lower: int, upper: int, delta: int) -> None:
        """See ``Book``."""
        low, high = lower // self.spacing, upper // self.spacing
        self._found.clear()
        self.gross[low] += delta
        self.gross[high] += delta
        for cell in self.cells:
            if low <= cell < high:
                self.cells[cell] += delta


class FullBook:
    """Liquidity known everywhere, from a snapshot of the pool's initialised ticks.

    Parameters
    ----------
    spacing : tick spacing.
    ticks : ``{tick: (liquidity_gross, liquidity_net)}`` of every initialised tick.
    """

    def __init__(self, spacing: int, ticks: dict[int, tuple[int, int]]) -> None:
        self.spacing = spacing
        self._gross: dict[int, int] = {}
        self._net: dict[int, int] = {}
        self._words: dict[int, int] = {}
        for tick, (gross, net) in ticks.items():
            self._touch(tick // spacing, gross, net)

    def _touch(self, edge: int, gross: int, net: int) -> None:
        total = self._gross.get(edge, 0) + gross
        word, bit = edge >> 8, 1 << (edge & 255)
        if total:
            self._gross[edge], self._net[edge] = total, self._net.get(edge, 0) + net
            self._words[word] = self._words.get(word, 0) | bit
        else:
            self._gross.pop(edge, None)
            self._net.pop(edge, None)
            self._words[word] = self._words.get(word, 0) & ~bit

    def liquidity(self, cell: int) -> int:
        """See ``Book``."""
        return sum(net for edge, net in self._net.items() if edge <= cell)

    def net(self, tick: int) -> int:
        """Liquidity added when the price crosses ``tick`` upwards."""
        return self._net.get(tick // self.spacing, 0) if tick % self.spacing == 0 else 0

    def bounded(self, edge: int) -> int:
        """Return the liquidity that begins or ends at the tick ``edge * spacing``."""
        return self._gross.get(edge, 0)

    def next_boundary(self, tick: int, down: bool) -> int:
        """See ``Book``."""
        edge = tick // self.spacing
        if down:
            bits = self._words.get(edge >> 8, 0) & ((2 << (edge & 255)) - 1)
            found = (edge >> 8 << 8) + (bits.bit_length() - 1 if bits else 0)
        else:
            edge += 1
            bits = self._words.get(edge >> 8, 0) >> (edge & 255)
            found = edge + ((bits & -bits).bit_length() - 1 if bits else 255 - (edge & 255))
        return found * self.spacing

    def change(self, lower: int, upper: int, delta: int) -> None:
        """See ``Book``."""
        self._touch(lower // self.spacing, delta, delta)
        self._touch(upper // self.spacing, delta, -delta)
