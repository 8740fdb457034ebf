"""What own positions earn on a recorded path, against the bytecode that credits them.

Positions of two actors stand in a real pool whose swaps each stay inside one cell, so that a swap is a step of the tape.
The tape is read off the contract: price and tick before, fee from the growth it caused. `accrue` must then give every
range the growth that the contract's positions show, and `first_earned` the step after which the contract first owes so
much.
"""

from __future__ import annotations

import random
from typing import NamedTuple

import numpy as np

from harness import V3, Evm
from tidemill.units.jit import pack, unpack
from tidemill.venues.uniswap_v3.accrual import accrue, first_earned, first_outside
from tidemill.venues.uniswap_v3.rules import MAX_TICK, sqrt_ratio_at_tick

SPACING = 60
OWN = [(-3, 4, 10**17), (0, 1, 3 * 10**17), (-1, 1, 7), (-6, -2, 10**18 + 1), (5, 9, 2 * 10**17), (2, 5, 10**16)]
"""Own ranges (cells, upper excluded) and liquidity."""
THEIRS = [(-8, 2, 5 * 10**17 + 3), (-2, 1, 10**16), (3, 7, 10**18), (4, 5, 1)]
"""The recorded liquidity: some cells have none of it, some none at all."""
EMPTY = (-20, 20, 0)
"""A range that was left: it is still in the arrays, and lies over the cells without any liquidity too."""
FAR = 11
"""Cells on either side between which the price wanders: beyond all liquidity."""


class Step(NamedTuple):
    """A swap as the contract did it: where, which way, the growth it caused, the tick after, and what is owed then.

    ``owed`` has a pair for each own position: fees since the last time they were touched.
    """

    cell: int
    zero_for_one: bool
    growth: int
    tick: int
    owed: list[tuple[int, int]]


class RecordedPool:
    """A real pool in which others and ``own`` stand, and the steps done in it; before one, own positions collect."""

    def __init__(self, seed: str, steps: int, own: list[tuple[int, int, int]] = OWN, touched: int = -1) -> None:
        self.rng, self.goal, self.own = random.Random(seed), 0, own
        self.real = V3(Evm(), fee=3000)
        self.mine, self.others = self.real.actors["alice"], self.real.actors["bob"]
        for who, ranges in ((self.mine, own), (self.others, THEIRS)):
            for lower, upper, liquidity in ranges:
                ends = {"tick_lower": lower * SPACING, "tick_upper": upper * SPACING}
                self.real.act("pool_mint", who, **ends, liquidity=liquidity)
        self.steps = []
        for number in range(steps):
            if number == touched:
                self._collect()
            self.steps.append(self._step())

    def _step(self) -> Step:
        price, tick = self.real.pool.view("slot0")[:2]
        cell = tick // SPACING
        if cell == self.goal and self.rng.random() < 0.3:
            self.goal = self.rng.randrange(-FAR, FAR)
        down = self.rng.random() < (0.5 if cell == self.goal else 0.95 if cell > self.goal else 0.05)
        # On the very boundary a step lies in the cell that it moves into.
        if down and price == sqrt_ratio_at_tick(cell * SPACING):
            cell -= 1
        elif not down and price == sqrt_ratio_at_tick((cell + 1) * SPACING):
            cell += 1
        inside = cell * SPACING + self.rng.randrange(SPACING)
        limit = sqrt_ratio_at_tick((cell + (not down)) * SPACING if self.rng.random() < 0.6 else inside)
        if (limit >= price) if down else (limit <= price):
            limit = sqrt_ratio_at_tick((cell + (not down)) * SPACING)
        amount = int(10 ** self.rng.uniform(11, 19)) * self.rng.choice((1, 1, -1))
        before = self._growth(down)
        self.real.act("pool_swap", self.others, zero_for_one=down, amount_specified=amount, sqrt_price_limit_x96=limit)
        return Step(cell, down, self._growth(down) - before, self.real.pool.view("slot0")[1], self._owed())

    def _growth(self, zero_for_one: bool) -> int:
        return self.real.pool.view(f"feeGrowthGlobal{0 if zero_for_one else 1}X128")

    def _owed(self) -> list[tuple[int, int]]:
        """What the contract owes each own position, asked and taken back."""
        point = self.real.evm.snapshot()
        out = self._collect()
        self.real.evm.restore(point)
        return out

    def _collect(self) -> list[tuple[int, int]]:
        out = []
        for lower, upper, _ in self.own:
            ends = {"tick_lower": lower * SPACING, "tick_upper": upper * SPACING}
            self.real.act("pool_burn", self.mine, **ends, liquidity=0)
            got = self.real.act("pool_collect", self.mine, **ends)
            out.append((got["amount0"], got["amount1"]))
        return out


class Columns(NamedTuple):
    """The tape's columns that `accrual` reads, and own ranges as its callers keep them."""

    tape: tuple[np.ndarray, ...]
    ranges: tuple[np.ndarray, ...]

    @classmethod
    def of(cls, steps: list[Step], counted: list[tuple[int, int, int]], there: list[tuple[int, int, int]]) -> Columns:
        """Recorded liquidity is that of ``counted``; ``there`` is all that stood in the pool."""
        liquidity = [sum(n for lower, upper, n in counted if lower <= step.cell < upper) for step in steps]
        every = [sum(n for lower, upper, n in there if lower <= step.cell < upper) for step in steps]
        # Growth is floor(fee * 2**128 / liquidity) with less than 2**128 of it: one fee only gives that growth.
        fee = [-(-step.growth * n >> 128) for step, n in zip(steps, every, strict=True)]
        mine = [*OWN, EMPTY]
        return cls(
            (
                np.array([step.cell for step in steps], np.int32),
                np.array([step.zero_for_one for step in steps], np.uint8),
                pack(liquidity, 2),
                pack(fee, 2),
            ),
            (
                np.array([lower for lower, _, _ in mine], np.int32),
                np.array([upper for _, upper, _ in mine], np.int32),
                pack([n for *_, n in mine], 2),
            ),
        )

    def grown(self, start: int, stop: int, diluted: bool, growth: np.ndarray | None = None) -> np.ndarray:
        """Growth inside every own range after those steps, from ``growth`` on."""
        out = np.zeros((2 * len(self.ranges[0]), 4), np.uint64) if growth is None else growth.copy()
        accrue(*self.tape, start, stop, *self.ranges, diluted, out)
        return out


def _expected(steps: list[Step], lower: int, upper: int) -> list[int]:
    """Growth inside a range of cells, token0 and token1: what the contract's swaps in it caused."""
    inside = [step for step in steps if lower <= step.cell < upper]
    return [sum(step.growth for step in inside if step.zero_for_one == down) for down in (True, False)]


def _both_ways(recorded: RecordedPool) -> list[tuple[bool, Columns]]:
    """Own liquidity added by `accrual` (``diluted``), and already counted in what was recorded."""
    there = THEIRS + recorded.own
    return [(diluted, Columns.of(recorded.steps, THEIRS if diluted else there, there)) for diluted in (True, False)]


def own_ranges_grow_as_in_the_pool() -> None:
    """Both ways of counting, in one pass and in several, and what the positions are owed by it."""
    recorded = RecordedPool("accrual", 160)
    steps = recorded.steps
    for diluted, columns in _both_ways(recorded):
        for start, stop in ((0, len(steps)), (0, 50), (50, 51), (50, 50), (120, len(steps))):
            grown = unpack(columns.grown(start, stop, diluted))
            for row, (lower, upper, _) in enumerate([*OWN, EMPTY]):
                assert grown[2 * row : 2 * row + 2] == _expected(steps[start:stop], lower, upper), (row, start)
        half = columns.grown(0, 70, diluted)
        whole = unpack(columns.grown(70, len(steps), diluted, half))
        for row, (_, _, liquidity) in enumerate(OWN):
            owed = tuple(liquidity * growth >> 128 for growth in whole[2 * row : 2 * row + 2])
            assert owed == steps[-1].owed[row]
        # Growth is kept modulo 2**256, as the contract keeps it.
        full = np.full_like(half, (1 << 64) - 1)
        assert unpack(columns.grown(0, len(steps), diluted, full)) == [
            (growth - 1) % (1 << 256) for growth in unpack(columns.grown(0, len(steps), diluted))
        ]


def positions_have_earned_when_the_pool_owes_it() -> None:
    """The first step after which so much is owed: exactly so much, a unit more, never, and only from a step on."""
    touched = 37
    recorded = RecordedPool("first earned", 100, touched=touched)
    steps, found = recorded.steps, 0
    for diluted, columns in _both_ways(recorded):
        for start, stop, since in ((0, touched, 0), (touched, len(steps), touched), (50, 80, touched)):
            growth, last = columns.grown(0, start, diluted), unpack(columns.grown(0, since, diluted))
            for which, (_, _, liquidity) in enumerate(OWN):
                for side in (0, 1):
                    owed = [step.owed[which][side] for step in steps]
                    before = owed[start - 1] if start > since else 0
                    for missing in {1, owed[start] + 1, owed[stop - 1], owed[stop - 1] + 1, owed[(start + stop) // 2]}:
                        if missing <= before:
                            continue  # owed already: its caller sees that
                        position = pack([liquidity, last[2 * which + side], missing])
                        step = first_earned(
                            *columns.tape, start, stop, *columns.ranges, diluted, growth.copy(), which, side, position
                        )
                        assert step == next((k for k in range(start, stop) if owed[k] >= missing), stop)
                        found += step < stop
    assert found > 40


def positions_too_small_to_count_share_what_others_earned() -> None:
    """Positions that stand beside the pool (``small``): they earn by the growth of a pool without them.

    Where others have nothing, nothing is earned.
    """
    recorded = RecordedPool("small", 140, own=[])
    steps = recorded.steps
    columns, start, found = Columns.of(steps, THEIRS, THEIRS), 20, 0
    grown, growth = unpack(columns.grown(0, len(steps), False)), columns.grown(0, start, False)
    for which, (lower, upper, size) in enumerate([*OWN, EMPTY]):
        assert grown[2 * which : 2 * which + 2] == _expected(steps, lower, upper)
        liquidity = size or 10**17
        for side in (0, 1):
            owed = [liquidity * _expected(steps[: k + 1], lower, upper)[side] >> 128 for k in range(len(steps))]
            for missing in {owed[start] + 1, owed[-1], owed[-1] + 1, owed[len(steps) // 2]}:
                if missing <= owed[start - 1]:
                    continue
                position = pack([liquidity, 0, missing])
                step = first_earned(
                    *columns.tape, start, len(steps), *columns.ranges, False, growth.copy(), which, side, position
                )
                assert step == next((k for k in range(start, len(steps)) if owed[k] >= missing), len(steps))
                found += step < len(steps)
    assert found > 10
    assert any(not step.growth for step in steps)


def the_tick_leaves_when_the_pool_says_so() -> None:
    """The first step that ends outside a range of ticks, on either side and on the very ends."""
    steps = RecordedPool("first outside", 60).steps
    ticks = [step.tick for step in steps]
    column, found = np.array(ticks, np.int32), 0
    ends = sorted({*ticks, -MAX_TICK, MAX_TICK})
    for lower in ends:
        for upper in ends:
            for start, stop in ((0, len(ticks)), (11, 40), (40, 40)):
                step = first_outside(column, start, stop, lower, upper)
                assert step == next((k for k in range(start, stop) if not lower <= ticks[k] < upper), stop)
                found += step < stop
    assert found > 100


ACCRUAL = (
    own_ranges_grow_as_in_the_pool,
    positions_have_earned_when_the_pool_owes_it,
    positions_too_small_to_count_share_what_others_earned,
    the_tick_leaves_when_the_pool_says_so,
)
