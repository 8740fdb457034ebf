"""A lending loop over drawn hours by the rules of Aave and of the pair, in 256-bit integers: what `fast.loop` is measured by."""

from __future__ import annotations

from typing import Any

import numpy as np

from tidemill.studies.exact.limbs import limbs_of
from tidemill.studies.fast.loop import (
    COSTS,
    DRAWDOWN,
    GONE,
    HOLDING,
    INTEREST,
    KEEP,
    LIQUIDATED,
    NETWORK_DOWN,
    PENALTY,
    ROUNDS,
    SHORT,
    SWAPS,
    UNDER,
    UNWOUND,
    LoopSetup,
)  # fmt: skip
from tidemill.studies.fast.loop import warm as warm_by
from tidemill.units import RAY, WAD, Uint, minimum, mul_div_down, mul_div_up, rule, wide
from tidemill.units.jit import load256, pack, store256, to_float, unpack
from tidemill.units.kernels import kernel, part
from tidemill.venues.aave_v3.rules import (
    binomial_interest_down,
    grow_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    usage_ratio_half_up,
    variable_rate_half_up,
)
from tidemill.venues.uniswap_v2.rules import amount_out_down

__all__ = ["play", "warm"]

_BPS = 10_000
_HAVE, _LEVERAGE, _GUARD, _RESTORE, _SLIPPAGE, _LTV, _THRESHOLD, _BONUS = range(8)
_SUPPLIED, _OPTIMAL, _BASE, _SLOPE1, _SLOPE2, _RESERVE, _WORSE = range(8, 15)
_NATIVE, _ENTER_WEI, _ROUND_WEI, _UNWIND_WEI, _LEAVE_WEI = range(15, 20)
_GOT, _INTEREST, _SWAPS, _PENALTY, _WEI, _COLUMNS = range(6)
_ENTERED, _UPS, _GUARDED, _LIQUIDATIONS, _SHORTS, _GONE, _EVENTS = range(7)
_ZERO: int = wide(0)
_TO_RAY = 10**9
_FULL = wide(10_000)
_HALF_FIRST = wide(9_500)
"""Health factor, in basis points, from which on a liquidator may repay half and not all."""


@rule
def _bps_down(amount: Uint, bps: Uint) -> Uint:
    return mul_div_down(amount, bps, _BPS)


@rule
def _bps_up(amount: Uint, bps: Uint) -> Uint:
    return mul_div_up(amount, bps, _BPS)


@rule
def _worth_down(amount: Uint, price: Uint) -> Uint:
    return mul_div_down(amount, price, WAD)


@rule
def _for_down(value: Uint, price: Uint) -> Uint:
    return mul_div_down(value, WAD, price)


@rule
def _over_bps_up(value: Uint, bps: Uint) -> Uint:
    return mul_div_up(value, _BPS, bps)


@rule
def _less(a: Uint, b: Uint) -> Uint:
    """``a - b``, nothing below 0."""
    return a - b if a > b else a - a


@rule
def _index_after_half_up(
    index: Uint, owed: Uint, supplied: Uint, usage: Uint, optimal: Uint, base: Uint, slope1: Uint, slope2: Uint
) -> Uint:
    """The index an hour later; ``usage``: the others' part in wads, ``owed``: one's own debt."""
    debt = minimum(mul_div_down(supplied, usage, WAD) + owed, supplied)
    used = usage_ratio_half_up(debt, supplied - debt)
    rate = variable_rate_half_up(used, optimal, base, slope1, slope2)
    return grow_half_up(index, binomial_interest_down(rate, 3_600))


@rule
def _down_by(value: Uint, debt: Uint, threshold: Uint, slippage: Uint, restore: Uint, everything: bool) -> Uint:
    """Value that one step down withdraws, as the strategy reckons it."""
    loose = mul_div_down(_less(value, mul_div_up(debt, _BPS, threshold)), 9_900, _BPS)
    whole = mul_div_down(debt, slippage * 2 + _BPS, _BPS)
    wanted = whole
    if not everything:
        short = _less(debt * restore, value * threshold)
        wanted = minimum(mul_div_down(short, 1, restore - threshold) + 1, whole)
    return minimum(loose, wanted)


@part
def _got(p: Any, amount: Any, reserve_in: Any, reserve_out: Any) -> Any:
    out = amount_out_down(amount, reserve_in, reserve_out)
    return out - _bps_down(out, load256(p, _WORSE))


@part
def _cost(p: Any, of: Any, gas: Any, hour: Any) -> Any:
    """Wei that one of ``of`` costs in an hour."""
    return _worth_down(load256(p, of), load256(gas, hour))


@part
def _owed(scaled: Any, index: Any) -> Any:
    return ray_mul_half_up(scaled, index)


@kernel
def _play(p: Any, prices: Any, usage: Any, gas: Any, still: Any, out: Any, events: Any, noted: Any) -> None:
    """Play one path; ``gas`` in wads, ``events`` (hours + 1, `_EVENTS`) by what was done or could not be."""
    hours = usage.shape[0]
    threshold, reserve = load256(p, _THRESHOLD), load256(p, _RESERVE)
    price = load256(prices, 0)
    purse, wei, cost = load256(p, _NATIVE), _ZERO, _cost(p, _ENTER_WEI, gas, 0)
    lost, interest, penalty, idle, held = _ZERO, _ZERO, _ZERO, load256(p, _HAVE), _ZERO
    if cost <= purse:  # else never: fees are never lower than at the start
        held = _got(p, idle, reserve, _for_down(reserve, price))
        lost, idle, wei = idle - _worth_down(held, price), _ZERO, cost
        events[0, _ENTERED] = 1
    else:
        events[0, _SHORTS] += 1
    scaled, index = _ZERO, RAY + _ZERO
    for _ in range(ROUNDS):
        value, debt = _worth_down(held, price), _owed(scaled, index)
        own = value - debt
        free = _less(_bps_down(value, load256(p, _LTV)), debt)
        wanted = minimum(_less(_bps_down(own, load256(p, _LEVERAGE) - _FULL), debt), _bps_down(free, 9_900))
        if wanted * 100 <= own:
            break
        cost = _cost(p, _ROUND_WEI, gas, 0)
        if wei + cost > purse:
            events[0, _SHORTS] += 1
            break
        wei += cost
        bought = _got(p, wanted, reserve, _for_down(reserve, price))
        lost += _less(wanted, _worth_down(bought, price))
        scaled += ray_div_half_up(wanted, index)
        held += bought
        events[0, _UPS] += 1
    noted[0] = to_float(_less(_worth_down(held, price), _owed(scaled, index)) + idle)
    for h in range(1, hours + 1):
        price = load256(prices, h)
        before = _owed(scaled, index)
        index = _index_after_half_up(
            index, before, load256(p, _SUPPLIED), load256(usage, h - 1), load256(p, _OPTIMAL), load256(p, _BASE),
            load256(p, _SLOPE1), load256(p, _SLOPE2),
        )  # fmt: skip
        debt, value = _owed(scaled, index), _worth_down(held, price)
        interest += _less(debt, before)
        cover = _bps_down(value, threshold)
        if cover < debt and held > _ZERO and still[h] != NETWORK_DOWN:
            repaid = debt
            if cover >= _bps_up(debt, _HALF_FIRST):
                repaid = _bps_down(debt, 5_000)
            seized = _for_down(_bps_down(repaid, load256(p, _BONUS) + _FULL), price)
            if seized > held:
                seized = held
                events[h, _GONE] = 1
                repaid = minimum(mul_div_down(value, _BPS, load256(p, _BONUS) + _FULL), debt)
            held -= seized
            scaled = _less(scaled, ray_div_half_up(repaid, index))
            penalty += _less(_worth_down(seized, price), repaid)
            events[h, _LIQUIDATIONS] += 1
        elif debt > _ZERO and cover < _bps_down(debt, load256(p, _GUARD)) and still[h] == 0:
            by = _down_by(value, debt, threshold, load256(p, _SLIPPAGE), load256(p, _RESTORE), False)
            sold, cost = minimum(_for_down(by, price), held), _cost(p, _UNWIND_WEI, gas, h)
            if sold > _ZERO and wei + cost > purse:
                events[h, _SHORTS] += 1
            elif sold > _ZERO:
                wei += cost
                got = _got(p, sold, _for_down(reserve, price), reserve)
                lost += _less(_worth_down(sold, price), got)
                held -= sold
                scaled = _less(scaled, ray_div_half_up(minimum(got, debt), index))
                events[h, _GUARDED] += 1
        noted[h] = to_float(_less(_worth_down(held, price), _owed(scaled, index)) + idle)
    if still[hours] == 0:
        for _ in range(ROUNDS):
            debt = _owed(scaled, index)
            if scaled == _ZERO:
                break
            by = _down_by(_worth_down(held, price), debt, threshold, load256(p, _SLIPPAGE), load256(p, _RESTORE), True)
            sold = minimum(_for_down(by, price), held)
            if sold == _ZERO:
                break
            cost = _cost(p, _UNWIND_WEI, gas, hours)
            if wei + cost > purse:
                events[hours, _SHORTS] += 1
                break
            wei += cost
            got = _got(p, sold, _for_down(reserve, price), reserve)
            lost += _less(_worth_down(sold, price), got)
            held -= sold
            repaid = minimum(got, debt)
            scaled = _ZERO if got >= debt else _less(scaled, ray_div_half_up(repaid, index))
            idle += got - repaid
        cost = _cost(p, _LEAVE_WEI, gas, hours)
        if held > _ZERO and scaled == _ZERO and wei + cost > purse:
            events[hours, _SHORTS] += 1
        elif held > _ZERO and scaled == _ZERO:
            wei += cost
            got = _got(p, held, _for_down(reserve, price), reserve)
            lost += _less(_worth_down(held, price), got)
            idle, held = idle + got, _ZERO
    store256(out, _GOT, idle + _less(_worth_down(held, price), _owed(scaled, index)))
    store256(out, _INTEREST, interest)
    store256(out, _SWAPS, lost)
    store256(out, _PENALTY, penalty)
    store256(out, _WEI, wei)


def play(p: LoopSetup, prices: Any, usage: Any, gas: Any, still: Any, out: Any, noted: Any) -> None:
    """Play every path as `fast.loop.play` does, with the same parameters and columns."""
    bps = [round(part * _BPS) for part in (p.leverage, p.guard, p.restore, p.slippage, p.ltv, p.threshold, p.bonus)]
    rays = [round(part * _BPS) * RAY // _BPS for part in (p.optimal, p.base, p.slope1, p.slope2)]
    purse = [int(wei) for wei in (p.native, p.enter_wei, p.round_wei, p.unwind_wei, p.leave_wei)]
    numbers = pack([int(p.have), *bps, int(p.supplied), *rays, int(p.reserve), round(p.worse * _BPS), *purse])
    hours = usage.shape[1]
    begun = int(p.have) + int(p.native * p.native_price)
    each = np.array([p.enter_wei, p.round_wei, p.unwind_wei])
    for i in range(len(prices)):
        if not i or not np.array_equal(gas[i], gas[i - 1]):  # as a rule all paths are alike in that
            fees = limbs_of(gas[i] * WAD, 4)
        told, values = np.zeros((_COLUMNS, 4), np.uint64), np.zeros(hours + 1)
        events = np.zeros((hours + 1, _EVENTS), np.int64)
        wads = limbs_of(prices[i] * WAD, 4), limbs_of(usage[i] * WAD, 4)
        _play(numbers, *wads, fees, still[i], told, events, values)
        got, interest, lost, penalty, spent = unpack(told)
        wei = np.cumsum(events[:, : len(each)] @ each * gas[i])
        values += (p.native - wei) * p.native_price
        costs = int(spent * p.native_price)
        counts = events.sum(axis=0)
        peak = np.maximum(np.maximum.accumulate(values[1:]), begun)
        out[i, KEEP] = got + int(p.native * p.native_price) - costs - begun
        out[i, HOLDING], out[i, INTEREST], out[i, SWAPS], out[i, PENALTY] = 0, interest, lost, penalty
        out[i, COSTS], out[i, LIQUIDATED], out[i, UNWOUND] = costs, counts[_LIQUIDATIONS], counts[_GUARDED]
        out[i, SHORT], out[i, GONE] = counts[_SHORTS], counts[_GONE]
        out[i, DRAWDOWN] = min(float((values[1:] / peak - 1).min()), 0.0)
        out[i, UNDER] = int((values[1:] < begun).sum())
        noted[i] = values[:: p.every][: noted.shape[1]]


def warm() -> None:
    """Compile the kernel, or load it."""
    warm_by(play)
