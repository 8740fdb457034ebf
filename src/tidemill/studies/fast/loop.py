"""A lending loop over drawn hours, in floats: `strategies.leveraged_staking`, built at once and guarded hour by hour.

Others borrow a drawn part of what is supplied; the rate follows the market's curve at that part and one's own debt; debt
compounds hourly. The pool in which one buys and sells stands at the drawn price with a constant depth of the asset. Its exact
twin is `studies.exact.loop`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tidemill.units.kernels import kernel, part

__all__ = [
    "COSTS", "DRAWDOWN", "GONE", "HOLDING", "INTEREST", "KEEP", "LIQUIDATED", "NETWORK_DOWN", "OUT", "PENALTY", "SHORT", "SWAPS",
    "UNDER", "UNWOUND", "LoopSetup", "play", "warm",
]  # fmt: skip

KEEP, HOLDING, INTEREST, SWAPS, PENALTY, COSTS, LIQUIDATED, UNWOUND, SHORT, GONE, DRAWDOWN, UNDER, OUT = range(13)
"""Columns of what comes out: raw units of home up to ``COSTS``, then counts, the deepest fall, hours under the start.

``SHORT`` counts the times that something was to be sent and the wallet could not pay for it, ``GONE`` is 1 where a liquidation
took everything.
"""

NETWORK_DOWN = 2
"""In ``still``: nobody is included, liquidators neither. 1 is only oneself."""
NEAR = 0.99
ROUNDS = 40
HOURS = 8_760


class LoopSetup(NamedTuple):
    """Who plays; amounts in raw units of the asset (home), rates a year, parts as parts.

    ``have``: capital. ``native``: what gas is paid from, at ``native_price``; no round is begun that it does not pay for.
    ``leverage``, ``guard``, ``restore``: as the strategy's, over one. ``supplied``: what others lend. ``reserve``: the asset
    in the pool. ``round_wei``, ``unwind_wei``, ``enter_wei``, ``leave_wei``: what a round up, a round down, the first step and
    the last cost.
    ``worse``: part of own swaps' proceeds that somebody else takes.
    """

    have: float
    native: float
    native_price: float
    leverage: float
    guard: float
    restore: float
    slippage: float
    ltv: float
    threshold: float
    bonus: float
    supplied: float
    optimal: float
    base: float
    slope1: float
    slope2: float
    reserve: float
    round_wei: float
    unwind_wei: float
    enter_wei: float
    leave_wei: float
    worse: float
    every: int


@part(inlined=True)
def _out(p: Any, amount: Any, reserve_in: Any, reserve_out: Any) -> Any:
    after = amount * 0.997
    return after * reserve_out / (reserve_in + after) * (1.0 - p.worse)


@part(inlined=True)
def _wanted_down(p: Any, held: Any, debt: Any, price: Any, everything: Any) -> Any:
    """Tokens that one step down sells, and whether it is the last."""
    value = held * price
    loose = max(value - debt / p.threshold, 0.0) * NEAR
    whole = debt * (1.0 + 2.0 * p.slippage)
    wanted = whole
    if not everything:
        wanted = min(max(debt * p.restore - value * p.threshold, 0.0) / (p.restore - p.threshold), whole)
    return min(loose, wanted) / price


@kernel(fastmath=False)
def play(p: Any, prices: Any, usage: Any, gas: Any, still: Any, out: Any, noted: Any) -> None:
    """Play every path.

    Parameters
    ----------
    prices : (n, hours + 1) of the staking token in the asset. usage : (n, hours) part of the supplied that others owe.
    gas, still : as in `fast.range_lp.play`. out : (n, `OUT`). noted : (n, hours // every + 1).
    """
    hours = usage.shape[1]
    for i in range(prices.shape[0]):
        price = prices[i, 0]
        wei, debt, idle, held, short = 0.0, 0.0, p.have, 0.0, 1
        if p.enter_wei * gas[i, 0] <= p.native:  # else never: fees are never lower than at the start
            wei, idle, held, short = p.enter_wei * gas[i, 0], 0.0, _out(p, p.have, p.reserve, p.reserve / price), 0
        swaps, interest, penalty, liquidated, unwound, gone = p.have - idle - held * price, 0.0, 0.0, 0, 0, 0
        for _ in range(ROUNDS):
            own = held * price - debt
            free = max(held * price * p.ltv - debt, 0.0)
            wanted = min(own * (p.leverage - 1.0) - debt, free * NEAR)
            if wanted * 100.0 <= own:
                break
            if wei + p.round_wei * gas[i, 0] > p.native:
                short += 1
                break
            bought = _out(p, wanted, p.reserve, p.reserve / price)
            swaps += wanted - bought * price
            debt += wanted
            held += bought
            wei += p.round_wei * gas[i, 0]
        begun = p.have + p.native * p.native_price
        peak, fallen, under = begun, 0.0, 0
        noted[i, 0] = max(held * price - debt, 0.0) + idle + (p.native - wei) * p.native_price
        for h in range(1, hours + 1):
            price = prices[i, h]
            used = min(usage[i, h - 1] + debt / p.supplied, 1.0)
            if used > p.optimal:
                rate = p.base + p.slope1 + p.slope2 * (used - p.optimal) / (1.0 - p.optimal)
            else:
                rate = p.base + p.slope1 * used / p.optimal
            x = rate / HOURS
            grown = debt * x * (1.0 + x / 2.0 * (1.0 + x / 3.0))
            debt += grown
            interest += grown
            health = held * price * p.threshold / debt if debt > 0.0 else 1e9
            if health < 1.0 and held > 0.0 and still[i, h] != NETWORK_DOWN:
                repaid = debt if health < 0.95 else debt / 2.0
                seized = repaid * (1.0 + p.bonus) / price
                if seized > held:
                    gone = 1
                    repaid, seized = held * price / (1.0 + p.bonus), held
                held -= seized
                debt -= repaid
                penalty += seized * price - repaid
                liquidated += 1
            elif health < p.guard and still[i, h] == 0:
                sold = _wanted_down(p, held, debt, price, False)
                if sold > 0.0 and wei + p.unwind_wei * gas[i, h] > p.native:
                    short += 1
                elif sold > 0.0:
                    got = _out(p, sold, p.reserve / price, p.reserve)
                    swaps += sold * price - got
                    held -= sold
                    debt -= min(got, debt)
                    wei += p.unwind_wei * gas[i, h]
                    unwound += 1
            # what is owed beyond what is held is the lender's loss, not one's own
            value = max(held * price - debt, 0.0) + idle + (p.native - wei) * p.native_price
            peak = max(peak, value)
            fallen = min(fallen, value / peak - 1.0)
            under += value < begun
            if h % p.every == 0:
                noted[i, h // p.every] = value
        if still[i, hours] == 0:
            for _ in range(ROUNDS):
                if debt <= 0.0:
                    break
                sold = min(_wanted_down(p, held, debt, price, True), held)
                if sold <= 0.0:
                    break
                if wei + p.unwind_wei * gas[i, hours] > p.native:
                    short += 1
                    break
                got = _out(p, sold, p.reserve / price, p.reserve)
                swaps += sold * price - got
                held -= sold
                repaid = min(got, debt)
                debt -= repaid
                idle += got - repaid
                wei += p.unwind_wei * gas[i, hours]
            if held > 0.0 and debt <= 0.0 and wei + p.leave_wei * gas[i, hours] > p.native:
                short += 1
            elif held > 0.0 and debt <= 0.0:
                got = _out(p, held, p.reserve / price, p.reserve)
                swaps += held * price - got
                idle, held = idle + got, 0.0
                wei += p.leave_wei * gas[i, hours]
        out[i, KEEP] = max(held * price - debt, 0.0) + idle + (p.native - wei) * p.native_price - begun
        out[i, HOLDING], out[i, INTEREST], out[i, SWAPS], out[i, PENALTY] = 0.0, interest, swaps, penalty
        out[i, COSTS], out[i, LIQUIDATED], out[i, UNWOUND] = wei * p.native_price, liquidated, unwound
        out[i, DRAWDOWN], out[i, UNDER], out[i, SHORT], out[i, GONE] = fallen, under, short, gone


def warm(player: Callable[..., None] = play) -> None:
    """Compile the kernel, or load it, by an hour of one path; ``player`` is the exact twin's, for that."""
    hours, one = np.ones((1, 2)), np.ones((1, 1))
    setup = LoopSetup(
        1e18, 0.0, 1.0, 2.0, 1.1, 1.2, 0.01, 0.8, 0.85, 0.05, 1e24, 0.9, 0.0, 0.03, 0.4, 1e24, 0.0, 0.0, 0.0, 0.0, 0.0, 1
    )  # fmt: skip
    player(setup, hours, one / 2, hours, np.zeros((1, 2), np.uint8), np.zeros((1, OUT)), np.ones((1, 2)))
