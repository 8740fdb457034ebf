"""The recorded market on the compiled pool, for the long stretches between one's own actions (`PoolStage`).

The model stays the state that worlds see. `Stretch.run` plays flow rows on the cells alone, to look ahead;
`Stretch.play` plays them for good and writes all they changed back into the model: prices, liquidity, fee growth, ticks
and bitmap as the kernel has them, and the oracle's observations and the ticks' time accumulators, which the kernel does
not know, by the model's own functions from the ticks that the kernel reports after each row. The one thing not kept up
is the fee snapshot and debt of ``others``' own positions: nobody collects those. Their liquidity is.
"""

from __future__ import annotations

from bisect import bisect_right

import numpy as np

from tidemill.units.jit import unpack
from tidemill.venues.uniswap_v3 import model_oracle as oracle
from tidemill.venues.uniswap_v3.kernel import KernelPool, Outcome
from tidemill.venues.uniswap_v3.kernel_state import (
    GROWTH,
    PROTOCOL,
    SHARE,
    ensure_rows,
    growth_outside,
    set_globals,
    set_tick,
    set_word,
)
from tidemill.venues.uniswap_v3.model_state import NO_POSITION, NO_TICK, PoolState, TickInfo
from tidemill.venues.uniswap_v3.model_ticks import clear_tick, cross_tick, flip_tick, update_tick
from tidemill.venues.uniswap_v3.tape import Flow

__all__ = ["PLAYED", "Refused", "Stretch"]

_SWAP, _MINT, _BURN = 0, 1, 2
PLAYED = (0, 1, 2, 4, 5)
"""Kinds of recorded events that are done again: collecting changes nothing that swaps or fees depend on."""


class Refused(Exception):
    """A recorded mint or burn did not go through: from here on only the model knows what ``others`` hold."""


class Stretch:
    """Recorded events as compiled code plays them.

    Parameters
    ----------
    pool : the model's pool; never replaced. flow : all recorded events; rows count those of kinds `PLAYED`.
    others : who holds the recorded positions.
    """

    def __init__(self, pool: PoolState, flow: Flow, others: str, *, anchored: bool) -> None:
        kept = np.isin(flow.kind, PLAYED)
        self.pool, self.others, self.anchored = pool, others, anchored
        self.flow = Flow._make(column[kept] for column in flow)
        self.kernel = KernelPool(pool, self.flow)
        self._ticks: dict[int, TickInfo] = dict(pool.ticks)
        self._words: dict[int, int] = dict(pool.bitmap)
        self._ranged = np.flatnonzero((self.flow.kind == _MINT) | (self.flow.kind == _BURN))
        deltas = unpack(self.flow.liquidity_delta[self._ranged], signed=True)
        lower, upper = self.flow.tick_lower[self._ranged].tolist(), self.flow.tick_upper[self._ranged].tolist()
        self._changes = list(zip(lower, upper, deltas, strict=True))
        self.backed = self._all_backed()

    def _all_backed(self) -> bool:
        """Whether ``others`` hold what they burn: the kernel, which keeps no positions, does not ask."""
        held = {key[1:]: p.liquidity for key, p in self.pool.positions.items() if key[0] == self.others}
        for (lower, upper, delta), row in zip(self._changes, self._ranged.tolist(), strict=True):
            before = held.get((lower, upper), 0)
            held[lower, upper] = before + delta
            if self.flow.kind[row] == _BURN and (before == 0 or before + delta < 0):
                return False
        return True

    def load(self) -> None:
        """Bring the cells to the model's state."""
        pool, kernel = self.pool, self.kernel
        cells = kernel.cells = ensure_rows(kernel.cells, pool.ticks.keys() - self._ticks.keys())
        set_globals(cells, pool)
        for tick, info in pool.ticks.items():
            if self._ticks.get(tick) is not info:
                set_tick(cells, tick, info)
        for tick in self._ticks.keys() - pool.ticks.keys():
            set_tick(cells, tick, NO_TICK)
        for word in self._words.keys() | pool.bitmap.keys():
            bits = pool.bitmap.get(word, 0)
            if self._words.get(word, 0) != bits:
                set_word(cells, word, bits)
        self._ticks, self._words = dict(pool.ticks), dict(pool.bitmap)

    def run(self, start: int, stop: int) -> Outcome:
        """Run rows ``[start, stop)`` on the cells; raises `Refused`, the cells then of no use until loaded again."""
        out, _ = self.kernel.run(self._rows(start, stop), anchored=self.anchored)
        first, last = np.searchsorted(self._ranged, (start, stop))
        if out.status[self._ranged[first:last] - start].any():
            raise Refused
        return out

    def _rows(self, start: int, stop: int) -> Flow:
        return Flow._make(column[start:stop] for column in self.flow)

    def play(self, start: int, stop: int) -> int:
        """Play rows ``[start, stop)`` for good; returns how many were refused. The undo journal is not written."""
        self.load()
        try:
            out = self.run(start, stop)
        except Refused:
            self._ticks, self._words = {}, {}
            raise
        self._keep_time(start, stop, out)
        self.pool.journal.forget()
        self._ticks, self._words = dict(self.pool.ticks), dict(self.pool.bitmap)
        return int(np.count_nonzero(out.status))

    def growth_inside(self, tick_lower: int, tick_upper: int) -> tuple[int, int]:
        """Fee growth inside a range on the cells, token0 and token1."""
        return self.kernel.growth_inside(tick_lower, tick_upper)

    def _keep_time(self, start: int, stop: int, out: Outcome) -> None:
        """Do again on the model what moves ticks and observations, then write what the kernel computed."""
        pool = self.pool
        flow = self._rows(start, stop)
        ticks, liquidity = out.tick, out.liquidity
        before = np.concatenate([np.array([pool.tick], np.int32), ticks[:-1]])
        swaps = flow.kind == _SWAP
        middle = np.where(swaps, out.middle, ticks) if self.anchored else ticks
        ranged = (flow.kind == _MINT) | (flow.kind == _BURN)
        rows = np.flatnonzero(ranged | (swaps & ((before != middle) | (middle != ticks))))
        # Liquidity before a row is that after the row before it; row 0 starts from the model's.
        active = unpack(liquidity[np.maximum(rows - 1, 0)])
        if rows.size and rows[0] == 0:
            active[0] = pool.liquidity
        self._used, self._touched = sorted(pool.ticks), set[int]()
        columns = zip(
            rows.tolist(), ranged[rows].tolist(), (flow.time[rows] & 0xFFFF_FFFF).tolist(), before[rows].tolist(),
            middle[rows].tolist(), ticks[rows].tolist(), active, out.crossed[rows].tolist(), strict=True,
        )  # fmt: skip
        change = int(np.searchsorted(self._ranged, start))
        for _, is_range, now, tick, halfway, end, depth, crossed in columns:
            pool.tick, pool.liquidity = tick, depth
            if is_range:
                self._change(*self._changes[change], now)
                change += 1
            else:
                self._move(halfway, now, crossed)
                self._move(end, now, crossed)
        cells = self.kernel.cells
        pool.sqrt_price_x96, pool.tick, pool.liquidity = (
            self.kernel.sqrt_price_x96,
            self.kernel.tick,
            self.kernel.liquidity,
        )
        pool.fee_growth_global_0_x128, pool.fee_growth_global_1_x128 = unpack(cells[GROWTH : GROWTH + 2])
        pool.protocol_fees_0, pool.protocol_fees_1 = unpack(cells[PROTOCOL : PROTOCOL + 2])
        pool.fee_protocol_0, pool.fee_protocol_1 = int(cells[SHARE, 0]), int(cells[SHARE, 1])
        for touched in self._touched:
            if touched in pool.ticks:
                outside = growth_outside(cells, touched)
                info = pool.ticks[touched]
                pool.ticks[touched] = TickInfo(*info[:2], *outside, *info[4:])

    def _move(self, tick: int, now: int, crossed: int) -> None:
        """Move the model's tick as a swap does: turn the ticks in use on the way, and note an observation."""
        pool, here = self.pool, self.pool.tick
        if tick == here:
            return
        if crossed:
            low, high = min(tick, here), max(tick, here)
            passed = self._used[bisect_right(self._used, low) : bisect_right(self._used, high)]
            if passed:
                times = oracle.accumulators_now(pool, now)
                for each in passed:
                    cross_tick(pool, each, 0, 0, times, now)
                self._touched.update(passed)
        oracle.write(pool, now, here, pool.liquidity)
        pool.tick = tick

    def _change(self, lower: int, upper: int, delta: int, now: int) -> None:
        """Change a range of ``others`` as the model does, without what their position is owed."""
        pool, key = self.pool, (self.others, lower, upper)
        if delta == 0:
            return
        held = pool.positions.get(key, NO_POSITION)
        pool.positions[key] = held._replace(liquidity=held.liquidity + delta)
        times = oracle.accumulators_now(pool, now)
        for tick, is_upper in ((lower, False), (upper, True)):
            if update_tick(pool, tick, delta, is_upper, times, now):
                flip_tick(pool, tick)
                if delta < 0:
                    clear_tick(pool, tick)
                self._used = sorted(pool.ticks)
            self._touched.add(tick)
        if lower <= pool.tick < upper:
            oracle.write(pool, now, pool.tick, pool.liquidity)
