"""A range of liquidity over drawn hours, in floats: `strategies.range_reset`, hour by hour, thousands of paths at once.

The pool has one depth everywhere, and one's own liquidity on top of it inside the range. Within an hour the price goes
straight from the last to the next, and what is traded to and fro besides leaves its fee at the hour's last price. Its exact
twin (`studies.exact.range_lp`) does the same through the pool itself, in integers.
"""

from __future__ import annotations

import math
from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tidemill.units.kernels import kernel, part

__all__ = [
    "COSTS",
    "DRAWDOWN",
    "FEES",
    "HOLDING",
    "HOURS",
    "KEEP",
    "OUT",
    "RESETS",
    "SHORT",
    "UNDER",
    "RangeSetup",
    "play",
    "warm",
]

_TWO_TICKS = 2.0 / math.log(1.0001)

KEEP, HOLDING, FEES, COSTS, RESETS, HOURS, SHORT, DRAWDOWN, UNDER, OUT = range(10)
"""Columns of what comes out: four in raw units of home, then counts, the deepest fall (a part), hours under the start.

``SHORT`` counts the times that something was to be sent and the wallet could not pay for it.
"""


class RangeSetup(NamedTuple):
    """Who plays, raw units.

    ``have0``, ``have1``: capital, swapped into what the range needs. ``native``: what gas is paid from, in wei, and nothing is
    sent that it does not pay for (a reset only as a whole: closing, swap and mint); its price is
    the pool's if ``native_moves``, else ``native_price`` raw units of home a wei. ``depth``: liquidity of others. ``fee``: a
    part. ``width``, ``trigger``: ticks; ``cooldown``: hours. ``swap_wei``, ``mint_wei``, ``close_wei``: what each costs.
    ``worse``: part of own
    swaps' proceeds that somebody else takes. ``every``: hours between two notes of the value.
    """

    have0: float
    have1: float
    native: float
    native_price: float
    native_moves: bool
    home0: bool
    depth: float
    fee: float
    spacing: int
    width: int
    trigger: int
    cooldown: int
    swap_wei: float
    mint_wei: float
    close_wei: float
    worse: float
    every: int


@part(inlined=True)
def _sold(down: Any, amount: Any, root: Any, depth: Any, fee: Any) -> Any:
    """What selling ``amount`` brings at a depth that goes on for ever."""
    inside = amount * (1.0 - fee)
    if down:
        return inside * root * root / (1.0 + inside * root / depth)
    return inside / (root * root * (1.0 + inside / (root * depth)))


@part(inlined=True)
def _worth(h0: Any, h1: Any, root: Any, home0: Any) -> Any:
    price = root * root
    return h0 + h1 / price if home0 else h0 * price + h1


@part(inlined=True)
def _entered(p: Any, h0: Any, h1: Any, root: Any, a: Any, b: Any) -> Any:
    """Swap into the ratio and mint: (idle token0, idle token1, liquidity, swaps)."""
    at = min(max(root, a), b)
    need0, need1 = 1.0 / at - 1.0 / b, at - a
    surplus = h0 * need1 - h1 * need0
    price = root * root
    swaps = 0
    if surplus != 0.0:
        down = surplus > 0.0
        rate = price * (1.0 - p.fee) if down else (1.0 - p.fee) / price
        amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
        got = _sold(down, amount, root, p.depth, p.fee)
        if amount > 0.0 and got > 0.0:
            rate = got / amount
            amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
            got = _sold(down, amount, root, p.depth, p.fee) * (1.0 - p.worse)
            h0, h1 = (h0 - amount, h1 + got) if down else (h0 + got, h1 - amount)
            swaps = 1
    liquidity = 1e300
    if need0 > 0.0:
        liquidity = h0 / need0
    if need1 > 0.0:
        liquidity = min(liquidity, h1 / need1)
    return max(h0 - liquidity * need0, 0.0), max(h1 - liquidity * need1, 0.0), liquidity, swaps


@part(inlined=True)
def _ends(p: Any, root: Any) -> Any:
    """Ends of a range around the price, widened to the spacing, and where the trigger stands: four square roots."""
    # two logarithms of the root in base 1.0001; a price on a tick counts as that tick
    tick = math.floor(math.log(root) * _TWO_TICKS + 1e-9)
    lower = (tick - p.width) // p.spacing * p.spacing
    upper = -((-(tick + p.width)) // p.spacing) * p.spacing
    return (
        1.0001 ** (lower / 2.0),
        1.0001 ** (upper / 2.0),
        1.0001 ** ((lower - p.trigger) / 2.0),
        1.0001 ** ((upper + p.trigger) / 2.0),
    )


@kernel(fastmath=False)
def play(p: Any, roots: Any, volume: Any, gas: Any, still: Any, out: Any, noted: Any) -> None:
    """Play every path.

    Parameters
    ----------
    roots : (n, hours + 1) square roots of token1 per token0, raw. volume : (n, hours) token0, and its worth in token1, that are
        sold to and fro.
    gas : (n, hours + 1) times the usual cost of a transaction. still : (n, hours + 1) not 0 where nothing can be sent.
    out : (n, `OUT`). noted : (n, hours // every + 1) value in home, network costs taken off.
    """
    hours = volume.shape[1]
    for i in range(roots.shape[0]):
        root = roots[i, 0]
        price0 = root * root
        native_at = (1.0 / price0 if p.home0 else price0) if p.native_moves else p.native_price
        begun = _worth(p.have0, p.have1, root, p.home0) + p.native * native_at
        h0, h1, l, wei, short, swaps = p.have0, p.have1, 0.0, 0.0, 0, 0
        a, b, low, high = root, root, 0.0, math.inf  # outside for good: fees are never lower than at the start
        if (p.mint_wei + p.swap_wei) * gas[i, 0] <= p.native:
            a, b, low, high = _ends(p, root)
            h0, h1, l, swaps = _entered(p, h0, h1, root, a, b)
            wei = (p.mint_wei + swaps * p.swap_wei) * gas[i, 0]
        else:
            short = 1
        costs, fees0, fees1, fees, resets, inside, entered = wei * native_at, 0.0, 0.0, 0.0, 0, 0, 0
        peak, fallen, under = begun, 0.0, 0
        noted[i, 0] = begun - costs
        for h in range(1, hours + 1):
            before, root = root, roots[i, h]
            lo, hi = max(min(before, root), a), min(max(before, root), b)
            if lo < hi:
                if root < before:
                    fees0 += l * (1.0 / lo - 1.0 / hi) * p.fee / (1.0 - p.fee)
                else:
                    fees1 += l * (hi - lo) * p.fee / (1.0 - p.fee)
            if a <= root < b:
                inside += 1
                earned = volume[i, h - 1] * p.fee * l / (p.depth + l)
                fees0 += earned
                fees1 += earned * root * root
            at = min(max(root, a), b)
            if p.native_moves:
                native_at = 1.0 / (root * root) if p.home0 else root * root
            value = _worth(h0 + fees0 + l * (1.0 / at - 1.0 / b), h1 + fees1 + l * (at - a), root, p.home0)
            value += (p.native - wei) * native_at
            peak = max(peak, value)
            fallen = min(fallen, value / peak - 1.0)
            under += value < begun
            if h % p.every == 0:
                noted[i, h // p.every] = value
            if h < hours and (root < low or root >= high) and h - entered >= p.cooldown and still[i, h] == 0:
                if wei + (p.close_wei + p.mint_wei + p.swap_wei) * gas[i, h] > p.native:
                    short += 1
                    continue
                fees += _worth(fees0, fees1, root, p.home0)
                h0, h1 = h0 + fees0 + l * (1.0 / at - 1.0 / b), h1 + fees1 + l * (at - a)
                fees0 = fees1 = 0.0
                a, b, low, high = _ends(p, root)
                h0, h1, l, swaps = _entered(p, h0, h1, root, a, b)
                paid = (p.close_wei + p.mint_wei + swaps * p.swap_wei) * gas[i, h]
                wei += paid
                costs += paid * native_at
                entered, resets = h, resets + 1
        fees += _worth(fees0, fees1, root, p.home0)
        at = min(max(root, a), b)
        h0, h1 = h0 + fees0 + l * (1.0 / at - 1.0 / b), h1 + fees1 + l * (at - a)
        # what cannot be closed, and what cannot be sold, is worth its market price
        paid = p.close_wei * gas[i, hours] if l > 0.0 else 0.0
        other = h1 if p.home0 else h0
        ended = _worth(h0, h1, root, p.home0)
        if wei + paid > p.native:
            short += 1
            paid = 0.0
        elif other > 0.0:
            if wei + paid + p.swap_wei * gas[i, hours] > p.native:
                short += 1
            else:
                paid += p.swap_wei * gas[i, hours]
                ended = (h0 if p.home0 else h1) + _sold(not p.home0, other, root, p.depth, p.fee) * (1.0 - p.worse)
        wei += paid
        costs += paid * native_at
        ended += (p.native - wei) * native_at
        out[i, KEEP] = ended - begun
        out[i, HOLDING] = _worth(p.have0, p.have1, root, p.home0) + p.native * native_at - begun
        out[i, FEES], out[i, COSTS] = fees, costs
        out[i, RESETS], out[i, HOURS], out[i, SHORT] = resets, inside, short
        out[i, DRAWDOWN], out[i, UNDER] = fallen, under


def warm(player: Callable[..., None] = play) -> None:
    """Compile the kernel, or load it, by an hour of one path; ``player`` is the exact twin's, for that."""
    hours, one = np.ones((1, 2)), np.ones((1, 1))
    setup = RangeSetup(1e9, 0.0, 0.0, 0.0, True, True, 1e18, 5e-4, 10, 600, 0, 1, 0.0, 0.0, 0.0, 0.0, 1)
    player(setup, hours, one, hours, np.zeros((1, 2), np.uint8), np.zeros((1, OUT)), np.ones((1, 2)))
