"""A range of liquidity over drawn hours through the pool itself: what `fast.range_lp` is measured against.

Each hour others swap in the compiled pool (`venues.uniswap_v3.kernel`) to the outside price; what is traded to and fro
besides leaves its fees there as a loan within one transaction does, for both are paid to the liquidity at the price. Own
liquidity is minted and burned there and its fees are the contract's; own swaps move the price, and others trade it back.
Only what is *asked for* (when to reset, how much to swap) is a decision; every amount is an integer.
"""

from __future__ import annotations

import math
from typing import Any

import numpy as np

from tidemill.studies.exact.limbs import limbs_of
from tidemill.studies.fast.range_lp import (
    COSTS,
    DRAWDOWN,
    FEES,
    HOLDING,
    HOURS,
    KEEP,
    RESETS,
    SHORT,
    UNDER,
    RangeSetup,
)
from tidemill.units.jit import pack
from tidemill.venues.uniswap_v3.kernel import KernelPool, Outcome
from tidemill.venues.uniswap_v3.kernel_state import ensure_rows
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.rules import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    liquidity_for_amounts_down,
    max_liquidity_per_tick,
    sqrt_ratio_at_tick,
    tick_at_sqrt_ratio,
)
from tidemill.venues.uniswap_v3.tape import Flow

__all__ = ["play"]

_Q96, _Q128, _WORD = 1 << 96, 1 << 128, (1 << 256) - 1
_WHATEVER = (1 << 255) - 1
_PIPS, _BPS = 1_000_000, 10_000
_EVENTS = 2
_FLASH = 4


class _Path:
    """One path: a pool of its own, and who plays in it."""

    def __init__(self, p: RangeSetup, cells: Any, roots: Any, volume: Any) -> None:
        self.p, self.roots, self.hours = p, roots, len(volume)
        self.pool = KernelPool.__new__(KernelPool)
        self.pool.cells = cells
        self.limits = limbs_of(roots, 3, 96)
        self.flow = _flow(self.limits, roots, volume)
        n = _EVENTS * self.hours
        wide = [np.zeros((n, 4), np.uint64) for _ in range(4)]
        self.out = Outcome(
            np.zeros(n, np.uint8), wide[0], wide[1], wide[2], wide[3], np.zeros((n, 3), np.uint64),
            np.zeros((n, 2), np.uint64), np.zeros(n, np.int32), np.zeros(n, np.int32), np.zeros(n, np.int32),
        )  # fmt: skip
        self.have: tuple[int, int] = (int(p.have0), int(p.have1))
        self.resets: list[int] = []
        self.liquidity, self.ticks, self.growth, self.entered = 0, (0, 0), (0, 0), False
        self.wei, self.costs, self.fees, self.short = 0, 0, 0, 0

    def target(self, hour: int) -> int:
        row = self.limits[hour]
        return int(row[0]) | int(row[1]) << 64 | int(row[2]) << 128

    def gone(self, entered: int, ticks: tuple[int, int], still: Any) -> Any:
        """Return the hours at which a range is to be reset."""
        p, (lower, upper) = self.p, ticks
        first = entered + max(1, p.cooldown)
        root = self.roots[first : self.hours]
        low, high = 1.0001 ** ((lower - p.trigger) / 2), 1.0001 ** ((upper + p.trigger) / 2)
        return first + np.flatnonzero(((root < low) | (root >= high)) & (still[first : self.hours] == 0))

    def until(self, at: int, still: Any, gas: Any) -> int:
        """Return the hour of the next reset that the wallet can pay, or the last hour."""
        p, cost = self.p, self.p.close_wei + self.p.mint_wei + self.p.swap_wei
        if not self.entered:
            return self.hours
        if self.resets and (self.resets[0] == self.hours or self.can(cost * gas[self.resets[0]])):
            return self.resets.pop(0)
        self.resets = []  # what was planned does not come about
        gone = self.gone(at, self.ticks, still)
        paid = np.flatnonzero(cost * gas[gone] <= int(p.native) - self.wei)
        self.short += int(paid[0]) if len(paid) else len(gone)
        return int(gone[paid[0]]) if len(paid) else self.hours

    def plan(self, still: Any) -> None:
        """Find every reset, which the price decides while gas can be paid, and give the pool rows for their ticks at once."""
        ticks: set[int] = set()
        at = 0
        while at < self.hours:
            span = _range(self.p, tick_at_sqrt_ratio(self.target(at)))
            ticks |= set(span)
            gone = self.gone(at, span, still)
            at = int(gone[0]) if len(gone) else self.hours
            self.resets.append(at)
        grown = ensure_rows(self.pool.cells, ticks)
        self.pool.cells = grown.copy() if grown is self.pool.cells else grown  # never the template itself

    def trade(self, since: int, until: int) -> None:
        """Others trade through the hours ``(since, until]``."""
        self.pool.run(self.flow, _EVENTS * since, _EVENTS * until, into=self.out)

    def worth(self, amount0: int, amount1: int, hour: int) -> int:
        square = self.target(hour) ** 2
        return amount0 + (amount1 << 192) // square if self.p.home0 else (amount0 * square >> 192) + amount1

    def native(self, wei: int, hour: int) -> int:
        if not self.p.native_moves:
            return math.floor(wei * self.p.native_price)
        return self.worth(0, wei, hour) if self.p.home0 else self.worth(wei, 0, hour)

    def can(self, wei: float) -> bool:
        """Say whether the wallet can pay so much."""
        return self.wei + int(wei) <= int(self.p.native)

    def pay(self, wei: float, hour: int) -> None:
        self.wei += int(wei)
        self.costs += self.native(int(wei), hour)

    def sell(self, down: bool, amount: int, hour: int) -> None:
        """Swap one's own, and let others bring the price back."""
        paid = self.pool.swap(down, amount, MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1)
        taken = -paid[1 if down else 0] * round(self.p.worse * _BPS) // _BPS
        lost = (0, taken) if down else (taken, 0)
        self.have = (self.have[0] - paid[0] - lost[0], self.have[1] - paid[1] - lost[1])
        if self.pool.sqrt_price_x96 != self.target(hour):
            self.pool.swap(not down, _WHATEVER, self.target(hour))

    def enter(self, hour: int) -> int:
        """Swap into the ratio and mint; returns how many swaps that took."""
        p, root = self.p, self.roots[hour]
        lower, upper = _range(p, self.pool.tick)
        down, amount = _to_ratio(p, self.have, root, 1.0001 ** (lower / 2), 1.0001 ** (upper / 2))
        if amount > 0:
            self.sell(down, amount, hour)
        price, a, b = self.pool.sqrt_price_x96, sqrt_ratio_at_tick(lower), sqrt_ratio_at_tick(upper)
        self.ticks, self.liquidity = (lower, upper), liquidity_for_amounts_down(price, a, b, *self.have)
        if self.liquidity:
            paid = self.pool.mint(lower, upper, self.liquidity)
            self.have = (self.have[0] - paid[0], self.have[1] - paid[1])
            self.growth = self.pool.growth_inside(lower, upper)
        return int(amount > 0)

    def owed(self) -> tuple[int, int]:
        if not self.liquidity:
            return 0, 0
        now = self.pool.growth_inside(*self.ticks)
        owed0, owed1 = ((((n - g) & _WORD) * self.liquidity) // _Q128 for n, g in zip(now, self.growth, strict=True))
        return owed0, owed1

    def leave(self, hour: int) -> None:
        """Close the position: fees and principal into the wallet."""
        owed = self.owed()
        back = self.pool.burn(*self.ticks, self.liquidity) if self.liquidity else (0, 0)
        self.fees += self.worth(*owed, hour)
        self.have = (self.have[0] + owed[0] + back[0], self.have[1] + owed[1] + back[1])
        self.liquidity = 0

    def end(self, gas: float) -> int:
        """Leave as far as the wallet can pay for it; return what that brought, and what is left is worth, in home."""
        p, hour = self.p, self.hours
        close = p.close_wei * gas if self.liquidity else 0.0
        closed = self.can(close)
        self.leave(hour)  # what cannot be closed is worth what closing it would give
        other = self.have[1] if p.home0 else self.have[0]
        if closed:
            self.pay(close, hour)
        if closed and self.can(p.swap_wei * gas):
            if other:
                self.sell(not p.home0, other, hour)
                self.pay(p.swap_wei * gas, hour)
            return self.have[0 if p.home0 else 1]
        self.short += not closed or other > 0
        return self.worth(*self.have, hour)

    def inside(self, since: int, until: int) -> int:
        """Return how many of the hours ``(since, until]`` end within the range."""
        root = self.roots[since + 1 : until + 1]
        a, b = (1.0001 ** (tick / 2) for tick in self.ticks)
        return int(((a <= root) & (root < b)).sum())

    def values(self, since: int, until: int) -> Any:
        """Return the value at the hours ``(since, until]``, a statistic: fees are spread evenly between two looks."""
        p = self.p
        root = self.roots[since + 1 : until + 1]
        a, b = (1.0001 ** (tick / 2) for tick in self.ticks)
        at = np.clip(root, a, b)
        owed = self.owed()
        part = np.arange(1, until - since + 1) / max(until - since, 1)
        amount0 = self.have[0] + self.liquidity * (1 / at - 1 / b) + owed[0] * part
        amount1 = self.have[1] + self.liquidity * (at - a) + owed[1] * part
        square = root * root
        native = (1 / square if p.home0 else square) if p.native_moves else p.native_price
        return (amount0 + amount1 / square if p.home0 else amount0 * square + amount1) + (p.native - self.wei) * native


def _to_ratio(p: RangeSetup, have: tuple[int, int], root: float, a: float, b: float) -> tuple[bool, int]:
    at = min(max(root, a), b)
    need0, need1 = 1 / at - 1 / b, at - a
    surplus = have[0] * need1 - have[1] * need0
    down = surplus > 0
    rate = root * root * (1 - p.fee) if down else (1 - p.fee) / (root * root)
    amount = 0.0
    for _ in range(2):  # the second time at the rate that the first would fill at
        amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
        inside = amount * (1 - p.fee)
        if down:
            got = inside * root * root / (1 + inside * root / p.depth)
        else:
            got = inside / (root * root * (1 + inside / (root * p.depth)))
        if amount <= 0 or got <= 0:
            return down, 0
        rate = got / amount
    return down, int(amount)


def _flow(limits: Any, roots: Any, volume: Any) -> Flow:
    """Return two events an hour: a swap to the next price, and ``volume`` of token0 and its worth in token1 to and fro."""
    hours = len(volume)
    n = _EVENTS * hours
    kind, down = np.zeros(n, np.uint8), np.zeros(n, np.uint8)
    kind[1::2] = _FLASH
    down[0::2] = np.diff(roots) < 0
    limit = np.repeat(limits[1:], _EVENTS, axis=0)
    lent0, lent1 = np.zeros((n, 4), np.uint64), np.zeros((n, 4), np.uint64)
    lent0[1::2], lent1[1::2] = limbs_of(volume, 4), limbs_of(volume * roots[1:] ** 2, 4)
    empty, small = np.zeros((n, 4), np.uint64), np.zeros(n, np.int32)
    return Flow(
        np.zeros(n, np.int64), np.zeros(n, np.int64), small, kind, np.zeros(n, np.uint8), down,
        np.tile(pack([_WHATEVER]), (n, 1)), limit, lent0, lent1, small, small, empty, np.zeros((n, 3), np.uint64),
    )  # fmt: skip


def play(p: RangeSetup, roots: Any, volume: Any, gas: Any, still: Any, out: Any, noted: Any) -> None:
    """Play every path as `fast.range_lp.play` does, with the same parameters and columns."""
    edge = MAX_TICK // p.spacing * p.spacing
    fee = round(p.fee * _PIPS)
    state = PoolState("0", "1", fee, p.spacing, max_liquidity_per_tick(p.spacing), "pool", "owner", sqrt_price_x96=_Q96)
    template = KernelPool(state)
    template.mint(-edge, edge, int(p.depth))
    for i in range(len(roots)):
        _one(p, template.cells, roots[i], volume[i], gas[i], still[i], out[i], noted[i])


def _range(p: RangeSetup, tick: int) -> tuple[int, int]:
    """Return the range around a tick, widened to the spacing."""
    return (tick - p.width) // p.spacing * p.spacing, -((-(tick + p.width)) // p.spacing) * p.spacing


def _one(p: RangeSetup, cells: Any, roots: Any, volume: Any, gas: Any, still: Any, out: Any, noted: Any) -> None:
    path = _Path(p, cells, roots, volume)
    path.plan(still)
    if path.pool.sqrt_price_x96 != path.target(0):
        path.pool.swap(path.target(0) < path.pool.sqrt_price_x96, _WHATEVER, path.target(0))
    begun = path.worth(*path.have, 0) + path.native(int(p.native), 0)
    held = path.have
    path.entered = path.can((p.mint_wei + p.swap_wei) * gas[0])
    if path.entered:
        path.pay((p.mint_wei + path.enter(0) * p.swap_wei) * gas[0], 0)
    else:
        path.short = 1
    values = np.empty(path.hours + 1)
    values[0] = begun - path.costs
    resets = at = inside = 0
    while at < path.hours:
        until = path.until(at, still, gas)
        path.trade(at, until)
        inside += path.inside(at, until)
        values[at + 1 : until + 1] = path.values(at, until)
        at = until
        if at < path.hours:
            path.leave(at)
            path.pay((p.close_wei + p.mint_wei + path.enter(at) * p.swap_wei) * gas[at], at)
            resets += 1
    ended = path.end(gas[at]) + path.native(int(p.native) - path.wei, at)
    peak = np.maximum.accumulate(np.concatenate([[begun], values[1:]]))[1:]
    out[KEEP], out[FEES], out[COSTS] = ended - begun, path.fees, path.costs
    out[RESETS], out[HOURS], out[SHORT] = resets, inside, path.short
    out[HOLDING] = path.worth(*held, at) + path.native(int(p.native), at) - begun
    out[DRAWDOWN] = min(float((values[1:] / peak - 1).min()), 0.0)
    out[UNDER] = int((values[1:] < begun).sum())
    noted[:] = values[:: p.every][: len(noted)]
