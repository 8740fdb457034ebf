"""A farmed classic pool over drawn hours by the rules of the pair and of the chef, in integers: what `fast.farm` is measured by.

Only what is asked for (how much an arbitrageur brings, how much of one token is sold before adding) is a decision.
"""

from __future__ import annotations

from typing import Any

import numpy as np

from tidemill.studies.exact.limbs import limbs_of
from tidemill.studies.fast.farm import (
    COSTS,
    DRAWDOWN,
    FEES,
    HARVESTS,
    HOLDING,
    KEEP,
    REWARDS,
    SHORT,
    UNDER,
    FarmSetup,
)  # fmt: skip
from tidemill.studies.fast.farm import warm as warm_by
from tidemill.units import WAD, Uint, isqrt_down, minimum, mul_div_down, mul_div_up, rule, wide
from tidemill.units.jit import load256, pack, store256, to_float, unpack
from tidemill.units.kernels import kernel, part
from tidemill.venues.minichef.rules import accrued_down, growth_down, per_share_after
from tidemill.venues.uniswap_v2.rules import amount_out_down, liquidity_for_down, share_down

__all__ = ["play", "warm"]

_HOME, _OTHER, _POOL_HOME, _POOL_OTHER, _SHARES, _STREAM, _MARKET, _WORSE, _NATIVE, _WORK_WEI, _LEAVE_WEI = range(11)
_LEFT, _FEES, _EARNED, _WEI, _OUT = range(5)
_HARVESTED, _LEFT_AT, _SHORTS, _EVENTS = range(4)
_ZERO: int = wide(0)
_E36 = wide(10**36)
_WAD = wide(WAD)


@rule
def _of_down(amount: Uint, num: Uint, den: Uint) -> Uint:
    return mul_div_down(amount, num, den)


@rule
def _of_up(amount: Uint, num: Uint, den: Uint) -> Uint:
    return mul_div_up(amount, num, den)


@rule
def _less(a: Uint, b: Uint) -> Uint:
    return a - b if a > b else a - a


@rule
def _zap_down(amount: Uint, reserve: Uint) -> Uint:
    """Part of ``amount`` to sell so that the rest goes in with what it brings: the root of a quadratic, rounded down."""
    root = isqrt_down(reserve * (reserve * 3_988_009 + amount * 3_988_000))
    return mul_div_down(_less(root, reserve * 1_997), 1, 1_994)


@rule
def _edge_down(k: Uint, num: Uint, den: Uint) -> Uint:
    """The reserve at which the fee's band ends: root of ``k * 0.997 * num / den``."""
    return isqrt_down(mul_div_down(k, num * 997, den * 1_000))


@part
def _own_out(worse: Any, amount: Any, reserve_in: Any, reserve_out: Any) -> Any:
    out = amount_out_down(amount, reserve_in, reserve_out)
    return out - _of_down(out, worse, 10_000)


@part
def _add(worse: Any, home: Any, other: Any, rh: Any, ro: Any, shares: Any) -> Any:
    if home * ro > other * rh:
        sold = _zap_down(home - _of_down(other, rh, ro), rh)
        got = amount_out_down(sold, rh, ro)
        kept = got - _of_down(got, worse, 10_000)
        home, other, rh, ro = home - sold, other + kept, rh + sold, ro - got
    else:
        sold = _zap_down(other - _of_down(home, ro, rh), ro)
        got = amount_out_down(sold, ro, rh)
        kept = got - _of_down(got, worse, 10_000)
        home, other, rh, ro = home + kept, other - sold, rh - got, ro + sold
    made = liquidity_for_down(home, other, rh, ro, shares)
    in_h, in_o = minimum(_of_up(made, rh, shares), home), minimum(_of_up(made, ro, shares), other)
    return made, rh + in_h, ro + in_o, shares + made, home - in_h, other - in_o


@kernel
def _play(
    p: Any, prices: Any, rewards: Any, crowd: Any, volume: Any, gas: Any, cost: Any, fixed: Any, still: Any, told: Any,
    events: Any, noted: Any,
) -> None:  # fmt: skip
    """Play one path.

    Prices in home per raw unit times 10**36, ``gas`` in wads, ``cost`` in raw units of home; ``events`` (hours + 1, `_EVENTS`).
    """
    hours = volume.shape[0]
    rh, ro, shares = load256(p, _POOL_HOME), load256(p, _POOL_OTHER), load256(p, _SHARES)
    market, worse = load256(p, _MARKET), load256(p, _WORSE)
    purse, wei, spent = load256(p, _NATIVE), _ZERO, _of_down(load256(p, _WORK_WEI), load256(gas, 0), _WAD)
    own, home, other = _ZERO, load256(p, _HOME), load256(p, _OTHER)
    if spent <= purse:  # else never: fees are never lower than at the start
        own, rh, ro, shares, home, other = _add(worse, home, other, rh, ro, shares)
        wei = spent
        events[0, _HARVESTED] = 1
    else:
        events[0, _SHORTS] = 1
    per_share, debt, fees, earned = _ZERO, _ZERO, _ZERO, _ZERO
    for h in range(1, hours + 1):
        price, reward_at = load256(prices, h), load256(rewards, h)
        k = rh * ro
        paid = _ZERO
        to_other, to_home = _edge_down(k, _E36, price), _edge_down(k, price, _E36)
        if to_other > ro:
            brought = to_other - ro
            rh -= amount_out_down(brought, ro, rh)
            ro = to_other
            paid = _of_down(brought, price, _E36)
        elif to_home > rh:
            paid = to_home - rh
            ro -= amount_out_down(paid, rh, ro)
            rh = to_home
        there = load256(volume, h - 1)
        got = amount_out_down(there, rh, ro)
        rh, ro = rh + there, ro - got
        back = amount_out_down(got, ro, rh)
        rh, ro = rh - back, ro + got
        fees += _of_down(_of_down(paid + there + back, own, shares), 3, 1_000)
        per_share = per_share_after(per_share, growth_down(load256(p, _STREAM), load256(crowd, h - 1) + own))
        pending = _less(accrued_down(own, per_share), debt)
        in_pool = _of_down(market, _E36, reward_at)
        brings = _own_out(worse, pending, in_pool, market)
        price_of_work = load256(cost, h)
        worth = share_down(own, rh, shares) * 2
        enough = load256(fixed, h)
        if enough == _ZERO:
            enough = isqrt_down(price_of_work * worth * 2)
        wanted = brings >= enough and brings >= price_of_work and still[h] == 0 and h < hours and own > _ZERO
        spent = _of_down(load256(p, _WORK_WEI), load256(gas, h), _WAD) if wanted else _ZERO
        if wanted and wei + spent > purse:
            events[h, _SHORTS] = 1
        elif wanted:
            wei += spent
            earned += brings
            made, rh, ro, shares, home, other = _add(worse, home + brings, other, rh, ro, shares)
            own += made
            debt = accrued_down(own, per_share)
            brings = _ZERO
            events[h, _HARVESTED] = 1
        both = share_down(own, rh, shares) + home + brings
        noted[h] = to_float(both + _of_down(share_down(own, ro, shares) + other, price, _E36))
    pending = _less(accrued_down(own, per_share), debt)
    brings = _own_out(worse, pending, _of_down(market, _E36, load256(rewards, hours)), market)
    back_h, back_o = share_down(own, rh, shares), share_down(own, ro, shares)
    home, other = home + back_h + brings, other + back_o
    spent = _of_down(load256(p, _LEAVE_WEI), load256(gas, hours), _WAD)
    if own > _ZERO and wei + spent <= purse:
        home += _own_out(worse, other, ro - back_o, rh - back_h)
        wei += spent
        events[hours, _LEFT_AT] = 1
    else:  # what cannot be left is worth its market price
        home += _of_down(other, price, _E36)
        events[hours, _SHORTS] += 1 if own > _ZERO else 0
    store256(told, _LEFT, home)
    store256(told, _WEI, wei)
    store256(told, _FEES, fees)
    store256(told, _EARNED, earned + brings)


def play(
    p: FarmSetup, prices: Any, rewards: Any, crowd: Any, volume: Any, gas: Any, still: Any, out: Any, noted: Any
) -> None:
    """Play every path as `fast.farm.play` does, with the same parameters and columns."""
    parts = (p.home, p.other, p.pool_home, p.pool_other, p.shares, p.stream, p.market)
    purse = (p.native, p.work_wei, p.leave_wei)
    numbers = pack([*map(int, parts), round(p.worse * 10_000), *map(int, purse)])
    hours = volume.shape[1]
    for i in range(len(prices)):
        native = prices[i] if p.native_moves else np.full(hours + 1, p.native_price)
        cost = p.work_wei * gas[i] * native
        if not i or not np.array_equal(gas[i], gas[i - 1]):  # as a rule all paths are alike in that
            fees = limbs_of(gas[i] * WAD, 4)
        told, values = np.zeros((_OUT, 4), np.uint64), np.zeros(hours + 1)
        events = np.zeros((hours + 1, _EVENTS), np.int64)
        _play(
            numbers, limbs_of(prices[i] * 1e36, 4), limbs_of(rewards[i] * 1e36, 4), limbs_of(crowd[i] * p.staked, 4),
            limbs_of(volume[i], 4), fees, limbs_of(cost, 4), limbs_of(p.enough * cost, 4), still[i], told, events, values,
        )  # fmt: skip
        left, swapped, earned, spent = unpack(told)
        harvests = events[:, _HARVESTED]
        wei = np.cumsum(p.work_wei * gas[i] * harvests)
        values += (p.native - wei) * native
        begun = int(p.home) + int(p.other * prices[i, 0]) + int(p.native * native[0])
        leaving = p.leave_wei * gas[i, -1] * events[-1, _LEFT_AT]
        costs = int((cost * harvests).sum() + leaving * native[-1])
        values[0] = begun - cost[0] * harvests[0]
        out[i, KEEP] = left + int((int(p.native) - spent) * native[-1]) - begun
        out[i, HOLDING] = int(p.home) + int(p.other * prices[i, -1]) + int(p.native * native[-1]) - begun
        out[i, FEES], out[i, REWARDS], out[i, COSTS], out[i, HARVESTS] = swapped, earned, costs, harvests[1:].sum()
        out[i, SHORT] = events[:, _SHORTS].sum()
        peak = np.maximum(np.maximum.accumulate(values[1:]), begun)
        out[i, DRAWDOWN] = min(float((values[1:] / peak - 1).min()), 0.0)
        out[i, UNDER] = int((values[1:] < begun).sum())
        noted[i] = values[:: p.every][: noted.shape[1]]


def warm() -> None:
    """Compile the kernel, or load it."""
    warm_by(play)
