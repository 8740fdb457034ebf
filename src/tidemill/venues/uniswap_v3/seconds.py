"""Seconds per liquidity inside a range along a recorded path: what a gauge pays by, where no pool keeps it.

Between two swaps the price stands where the earlier one left it, and the liquidity is taken to be what the later one
meets there: liquidity that came or went in between counts from the earlier swap on. Own liquidity in range is added, as
mode ``diluted`` adds it to fees.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping

import numpy as np

from tidemill.units.jit import unpack
from tidemill.venues.uniswap_v3.rules_oracle import seconds_per_liquidity_down
from tidemill.venues.uniswap_v3.tape import Tape

__all__ = ["InsideSeconds"]

Range = tuple[int, int]


class InsideSeconds:
    """Sums for the ranges that somebody has asked about, each from the first question on (only differences matter).

    Parameters
    ----------
    tape : the path. last : the active liquidity behind its end, where no later swap says it.
    """

    def __init__(self, tape: Tape, last: Callable[[], int]) -> None:
        self._tape, self._last = tape, last
        self._sums: dict[Range, tuple[int, int]] = {}

    def read(self, lower: int, upper: int, steps: int, now: int, own: Mapping[Range, int]) -> int:
        """Return the sum of a range, Q128 of 160 bits, after ``steps`` steps of the path, at ``now`` (seconds).

        ``own`` : own liquidity by range, as it has been since the last call of `settle` or `read`.
        """
        if (lower, upper) not in self._sums:
            self._sums[lower, upper] = 0, now
        return self._until((lower, upper), steps, now, own)

    def settle(self, steps: int, now: int, own: Mapping[Range, int]) -> None:
        """Bring every range up to ``now``, ahead of a change of own liquidity."""
        for ends in self._sums:
            self._sums[ends] = self._until(ends, steps, now, own), now

    def snapshot(self) -> dict[Range, tuple[int, int]]:
        """Return a copy of the sums."""
        return dict(self._sums)

    def restore(self, sums: dict[Range, tuple[int, int]]) -> None:
        """Go back to a copy."""
        self._sums = dict(sums)

    def _until(self, ends: Range, steps: int, now: int, own: Mapping[Range, int]) -> int:
        """Add the stretches between swaps up to ``now``; those that are over are kept, so that none is added twice."""
        total, since = self._sums[ends]
        tape, (lower, upper) = self._tape, ends
        first = max(int(np.searchsorted(tape.time[:steps], since, side="right")), 1)
        # Stretch k lies behind step k - 1, which left the tick, and ahead of step k, which meets the liquidity.
        begins = np.maximum(tape.time[first - 1 : steps], since)
        stops = np.minimum(np.append(tape.time[first:steps], now), now)
        ticks = tape.tick[first - 1 : steps]
        kept = np.flatnonzero((stops > begins) & (ticks >= lower) & (ticks < upper))
        met = unpack(tape.liquidity[first + kept[first + kept < len(tape.time)]])
        met += [self._last()] * (len(kept) - len(met))
        for (low, high), mine in own.items():
            holds = (ticks[kept] >= low) & (ticks[kept] < high)
            met = [liquidity + mine if own_too else liquidity for liquidity, own_too in zip(met, holds, strict=True)]
        over, lasts = steps - first, (stops - begins)[kept].tolist()
        for k, elapsed, liquidity in zip(kept.tolist(), lasts, met, strict=True):
            if k == over:
                self._sums[ends] = total, int(begins[k])
            total = seconds_per_liquidity_down(total, elapsed, liquidity)
        if over and over not in kept:
            self._sums[ends] = total, int(begins[over])
        return total
