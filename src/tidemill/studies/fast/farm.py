"""A farmed classic pool over drawn hours, in floats: `strategies.farm_compound`, harvested hourly where it pays.

Each hour an arbitrageur trades the pair to the edge of its fee's band around the drawn price, and a turnover goes there and
back; the farm's stream is shared by stake, of which others' is drawn; the reward is sold in a pool of constant depth that
stands at the reward's drawn price. Its exact twin is `studies.exact.farm`.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Any, NamedTuple

import numpy as np

from tidemill.units.kernels import kernel, part

__all__ = [
    "COSTS", "DRAWDOWN", "FEES", "HARVESTS", "HOLDING", "KEEP", "OUT", "REWARDS", "SHORT", "UNDER", "FarmSetup", "play",
    "warm",
]  # fmt: skip

KEEP, HOLDING, FEES, REWARDS, COSTS, HARVESTS, SHORT, DRAWDOWN, UNDER, OUT = range(10)
"""Columns of what comes out: raw units of home up to ``COSTS``, then counts, the deepest fall, hours under the start.

``SHORT`` counts the times that something was to be sent and the wallet could not pay for it.
"""

FEE = 0.997


class FarmSetup(NamedTuple):
    """Who plays, raw units: ``home`` and the pair's ``other`` token, the pair's reserves and shares, the reward's market.

    ``stream``: reward an hour to this farm. ``staked``: shares that others stake at the start. ``market``: home in the
    reward's pool. ``native``: what gas is paid from in wei, at the pair's price of ``other`` if ``native_moves``, else at
    ``native_price`` raw units of home; no harvest is begun that it does not pay for. ``enough``: fixed worth of a harvest in
    multiples of its cost, 0 for the best one.
    ``work_wei``, ``leave_wei``: what entering or compounding, and leaving, cost.
    ``worse``: part of own swaps' proceeds that somebody else takes.
    """

    home: float
    other: float
    pool_home: float
    pool_other: float
    shares: float
    stream: float
    staked: float
    market: float
    native: float
    native_price: float
    native_moves: bool
    enough: float
    work_wei: float
    leave_wei: float
    worse: float
    every: int


@part(inlined=True)
def _out(amount: Any, reserve_in: Any, reserve_out: Any) -> Any:
    after = amount * FEE
    return after * reserve_out / (reserve_in + after)


@part(inlined=True)
def _zap(amount: Any, reserve: Any) -> Any:
    """Part of ``amount`` of one token to sell so that the rest goes in with what it brings."""
    return ((reserve * (reserve * 3_988_009.0 + amount * 3_988_000.0)) ** 0.5 - reserve * 1_997.0) / 1_994.0


@part(inlined=True)
def _added(worse: Any, home: Any, other: Any, rh: Any, ro: Any, shares: Any) -> Any:
    """Sell what is too much of one token and add: (shares made, reserves and shares after, what is left)."""
    if home * ro > other * rh:
        sold = _zap(home - other * rh / ro, rh)
        got = _out(sold, rh, ro)
        home, other, rh, ro = home - sold, other + got * (1.0 - worse), rh + sold, ro - got
    else:
        sold = _zap(other - home * ro / rh, ro)
        got = _out(sold, ro, rh)
        home, other, rh, ro = home + got * (1.0 - worse), other - sold, rh - got, ro + sold
    made = min(home * shares / rh, other * shares / ro)
    in_h, in_o = made * rh / shares, made * ro / shares
    return made, rh + in_h, ro + in_o, shares + made, max(home - in_h, 0.0), max(other - in_o, 0.0)


@kernel(fastmath=False)
def play(
    p: Any, prices: Any, rewards: Any, crowd: Any, volume: Any, gas: Any, still: Any, out: Any, noted: Any
) -> None:
    """Play every path.

    Parameters
    ----------
    prices, rewards : (n, hours + 1) home per other token, and per reward, raw. crowd : (n, hours) times ``staked`` that
        others stake. volume : (n, hours) home that goes to and fro. gas, still, out, noted : as in `fast.range_lp.play`.
    """
    hours = volume.shape[1]
    for i in range(prices.shape[0]):
        price, rh, ro, shares = prices[i, 0], p.pool_home, p.pool_other, p.shares
        native_at = price if p.native_moves else p.native_price
        begun = p.home + p.other * price + p.native * native_at
        own, home, other, wei, short = 0.0, p.home, p.other, 0.0, 1
        if p.work_wei * gas[i, 0] <= p.native:  # else never: fees are never lower than at the start
            own, rh, ro, shares, home, other = _added(p.worse, p.home, p.other, rh, ro, shares)
            wei, short = p.work_wei * gas[i, 0], 0
        pending, fees, earned, harvests = 0.0, 0.0, 0.0, 0
        costs = wei * native_at
        peak, fallen, under = begun, 0.0, 0
        noted[i, 0] = begun - costs
        for h in range(1, hours + 1):
            price, reward_at = prices[i, h], rewards[i, h]
            k = rh * ro
            paid = 0.0
            to_other = (k * FEE / price) ** 0.5
            to_home = (k * price * FEE) ** 0.5
            if to_other > ro:
                paid = to_other - ro
                rh -= _out(paid, ro, rh)
                ro = to_other
                paid *= price
            elif to_home > rh:
                paid = to_home - rh
                ro -= _out(paid, rh, ro)
                rh = to_home
            there = volume[i, h - 1]
            got = _out(there, rh, ro)
            rh, ro = rh + there, ro - got
            back = _out(got, ro, rh)
            rh, ro = rh - back, ro + got
            fees += (paid + there + back) * 0.003 * own / shares
            pending += p.stream * own / (crowd[i, h - 1] * p.staked + own)
            if p.native_moves:
                native_at = price
            worth = 2.0 * rh * own / shares
            cost = p.work_wei * gas[i, h] * native_at
            brings = _out(pending, p.market / reward_at, p.market) * (1.0 - p.worse)
            enough = max(p.enough * cost if p.enough > 0.0 else (2.0 * cost * worth) ** 0.5, cost)
            wanted = brings >= enough and still[i, h] == 0 and h < hours and own > 0.0
            if wanted and wei + p.work_wei * gas[i, h] > p.native:
                short += 1
            elif wanted:
                earned += brings
                made, rh, ro, shares, home, other = _added(p.worse, home + brings, other, rh, ro, shares)
                own += made
                pending = 0.0
                wei += p.work_wei * gas[i, h]
                costs += cost
                harvests += 1
                brings = 0.0
            value = rh * own / shares + ro * own / shares * price + home + other * price + brings
            value += (p.native - wei) * native_at
            peak = max(peak, value)
            fallen = min(fallen, value / peak - 1.0)
            under += value < begun
            if h % p.every == 0:
                noted[i, h // p.every] = value
        brings = _out(pending, p.market / rewards[i, hours], p.market) * (1.0 - p.worse)
        earned += brings
        back_h, back_o = rh * own / shares, ro * own / shares
        other += back_o
        home += back_h + brings
        if own > 0.0 and wei + p.leave_wei * gas[i, hours] <= p.native:
            home += _out(other, ro - back_o, rh - back_h) * (1.0 - p.worse)
            wei += p.leave_wei * gas[i, hours]
            costs += p.leave_wei * gas[i, hours] * native_at
        else:  # what cannot be left is worth its market price
            home += other * prices[i, hours]
            short += own > 0.0
        out[i, KEEP] = home + (p.native - wei) * native_at - begun
        out[i, HOLDING] = p.home + p.other * price + p.native * native_at - begun
        out[i, FEES], out[i, REWARDS], out[i, COSTS], out[i, HARVESTS] = fees, earned, costs, harvests
        out[i, DRAWDOWN], out[i, UNDER], out[i, SHORT] = fallen, under, short


def warm(player: Callable[..., None] = play) -> None:
    """Compile the kernel, or load it, by an hour of one path; ``player`` is the exact twin's, for that."""
    hours, one = np.ones((1, 2)), np.ones((1, 1))
    setup = FarmSetup(
        1e9, 1e9, 1e15, 1e15, 1e15, 1e6, 1e12, 1e12, 0.0, 1.0, False, 0.0, 0.0, 0.0, 0.0, 1
    )  # fmt: skip
    player(setup, hours, hours, one, one, hours, np.zeros((1, 2), np.uint8), np.zeros((1, OUT)), np.ones((1, 2)))
