"""Range reset, screened: many settings over one recorded path in compiled code, answered from the fee index.

The policy is that of ``strategies.range_reset``, decision by decision: enter around the price, wait until the price has
left range and trigger at the end of a block, wait for the cooldown, close, enter again, leave at the end; with the same
delays in blocks. Fees inside a range come from the index, exact to the growth; first exits too, so time in a range costs
nothing. Three things are simpler than in the exact run, and make the error that is measured with every use:

* amounts are floats, and own swaps meet the active liquidity as if it went on for ever;
* ``diluted`` takes one's share at the liquidity met when entering, not step by step;
* a transaction costs what its kind cost on average in an exact run of the study, and none is refused.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from numba import prange

from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.market.index import FeeIndex
from tidemill.market.index_kernel import crossed, growth_between
from tidemill.studies.backtest import Backtest, Played
from tidemill.units.kernels import kernel, part
from tidemill.venues.uniswap_v3.tape import Tape

__all__ = ["Screen", "grown_by", "play", "screen"]

Q64, Q128 = 2.0**64, 2.0**128
NEAR = 64
"""Steps looked at before the crossing lists are asked."""
MAX_TICK = 887_272


class Screen(Struct, frozen=True):
    """What a screen says of each variant: what is kept (micro-units of home, estimated), and how often it was reset."""

    keep: Any
    resets: Any


def screen(
    backtest: Backtest, played: Played, variants: Sequence[Mapping[str, Any]], *, by_scan: bool = False
) -> Screen:
    """Estimate what each variant of a range reset would keep.

    Parameters
    ----------
    backtest : a study of ``range_reset`` over one recorded Uniswap v3 market, in ``small`` or ``diluted`` mode, whose home
        asset is one of the pool's tokens. played : its exact run: what its transactions cost, and its capital.
    variants : parameters that differ from the study's: ``width``, ``trigger`` (a number) and ``cooldown``.

    Raises
    ------
    BadInput : a study or a parameter that no screen knows; says which.
    """
    study, prepared = backtest.study, backtest.prepared
    if study.strategy != "range_reset" or len(prepared.markets) != 1 or len(study.venues) != 1:
        raise BadInput("only range_reset over one recorded market can be screened; leave --screen out", field="screen")
    (name,) = prepared.markets
    market = prepared.markets[name]
    mode = study.venues[name].mode
    if mode not in ("small", "diluted"):
        raise BadInput(f"a path that you move ({mode}) cannot be screened; leave --screen out", field="screen")
    token0, token1 = (prepared.token(token.symbol) for token in (market.pool.token0, market.pool.token1))
    if prepared.home not in (token0, token1) or study.exit != "close":
        raise BadInput("only a study that closes into a token of its pool can be screened", field="screen")
    asked = [{**backtest.chosen.parameters, **variant} for variant in variants]
    known = {"width", "trigger", "cooldown"}
    other = sorted({key for variant in variants for key in variant} - known)
    if other or any(not isinstance(one["trigger"], int) for one in asked):
        raise BadInput(f"{', '.join(other) or 'trigger'}: a screen varies width, trigger and cooldown", field="grid")
    tape = market.tape()
    funds = prepared.funds()
    native, wrapped = prepared.token(prepared.native), prepared.token(f"W{prepared.native}")
    columns = [np.array([one[key] for one in asked], np.int64) for key in ("width", "trigger", "cooldown")]
    out = np.empty((len(asked), 3))
    root, depth = _floats(tape.sqrt_price) / 2.0**96, _floats(tape.liquidity)
    price = _native_price(prepared, native, wrapped, token0, token1)
    play(
        *columns,
        prepared.start,
        prepared.end,
        float(funds.get(token0, 0)),
        float(funds.get(token1, 0)),
        market.pool.tick_spacing,
        market.pool.fee / 1e6,
        mode == "diluted",
        by_scan,
        prepared.home == token0,
        *_costs(played, native),
        price,
        market.seconds_per_block,
        out,
        tape.time,
        tape.block,
        tape.tick,
        tape.cell,
        root,
        depth,
        grown_by(tape, depth),
        *FeeIndex(tape).lists,
    )
    scale = 10.0 ** (6 - prepared.decimals[study.home])
    held = funds.get(native, 0)
    # gas leaves the native balance, which is worth the price at the end; what is left of it moved with that price
    first, last = _at_ends(tape, prepared, root, price)
    moved = held * (last - first)
    return Screen(np.floor((out[:, 0] + moved) * scale), out[:, 1].astype(np.int64))


def _floats(limbs: Any) -> Any:
    """Return limbs as floats."""
    weights = 2.0 ** (64 * np.arange(limbs.shape[1]))
    return limbs.astype(float) @ weights


def grown_by(tape: Tape, depth: Any) -> Any:
    """Return fees per unit of liquidity that each step adds, (steps, 2): token0 and token1."""
    each = _floats(tape.fee) / np.maximum(depth, 1.0) * (depth > 0)
    down = tape.zero_for_one == 1
    return np.column_stack([each * down, each * ~down])


def _native_price(prepared: Any, native: str, wrapped: str, token0: str, token1: str) -> tuple[float, int]:
    """Return what a unit of the native token is worth in raw units of home: a constant, or which pool token it is."""
    if prepared.home in (wrapped, native):
        return 1.0, 0
    if wrapped in (token0, token1):
        return 0.0, 1  # the pool's other token: its price is the pool's
    micro = float(prepared.study.prices[prepared.native])
    return micro * 10.0 ** (prepared.decimals[prepared.study.home] - prepared.decimals[prepared.native]), 0


def _at_ends(tape: Any, prepared: Any, root: Any, price: tuple[float, int]) -> tuple[float, float]:
    constant, moves = price
    if not moves:
        return constant, constant
    at = np.maximum(np.searchsorted(tape.time, [prepared.start, prepared.end], side="right") - 1, 0)
    squares = root[at] ** 2
    home0 = prepared.home == prepared.token(next(iter(prepared.markets.values())).pool.token0.symbol)
    first, last = (1 / squares if home0 else squares).tolist()
    return first, last


def _costs(played: Played, native: str) -> tuple[float, float, float]:
    """Return the native token that a swap, a mint and a close cost on average in an exact run."""
    found = []
    for verb in ("swap_exact_in", "mint", "close"):
        lines = [line for line in played.outcomes.record if isinstance(line, Recorded) and line.verb == verb]
        paid = [line.costs.total for line in lines if line.costs.total and line.native == native]
        found.append(sum(paid) / len(paid) if paid else 0.0)
    return found[0], found[1], found[2]


@part(inlined=True)
def _later(s: Any, to: Any, key: Any) -> Any:
    """Last row at or before ``to`` of a sorted column, from row ``s`` on: steps are near, so look ahead by doubling."""
    n = key.shape[0]
    reach = 1
    while s + reach < n and key[s + reach] <= to:
        s += reach
        reach *= 2
    while reach > 0:
        if s + reach < n and key[s + reach] <= to:
            s += reach
        reach //= 2
    return s


@part(inlined=True)
def _needed(root: Any, a: Any, b: Any) -> Any:
    """Token0 and token1 per unit of liquidity between the square-root prices ``a`` and ``b``."""
    at = min(max(root, a), b)
    return 1.0 / at - 1.0 / b, at - a


@part(inlined=True)
def _sold(zero_for_one: Any, amount: Any, root: Any, depth: Any, fee: Any) -> Any:
    """What selling ``amount`` brings where the active liquidity goes on for ever."""
    inside = amount * (1.0 - fee)
    if depth <= 0.0:
        return 0.0
    if zero_for_one:
        after = depth * root / (depth + inside * root)
        return depth * (root - after)
    after = root + inside / depth
    return depth * (1.0 / root - 1.0 / after)


@part(inlined=True)
def _fraction(a0: Any, a1: Any, a2: Any) -> Any:
    """A growth of three limbs as fees per unit of liquidity."""
    return float(a0) / Q128 + float(a1) / Q64 + float(a2)


@part(inlined=True)
def _growth(
    l: Any, u: Any, p: Any, q: Any, total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: Any
) -> Any:
    """Fees per unit of liquidity inside the cells [l, u), counted from the lowest, over the steps [p, q)."""
    last = off.shape[0] - 2
    l, u = min(max(l, 0), last), min(max(u, 0), last)
    a0, a1, a2, b0, b1, b2 = growth_between(l, u, p, q, total, off, when, base, index, below, shift)
    return _fraction(a0, a1, a2), _fraction(b0, b1, b2)


@part(inlined=True)
def _growth_by_scan(l: Any, u: Any, p: Any, q: Any, cell: Any, low: Any, grown: Any) -> Any:
    """The same, step after step."""
    zero = one = 0.0
    for k in range(p, q):
        if l <= cell[k] - low < u:
            zero += grown[k, 0]
            one += grown[k, 1]
    return zero, one


@part(inlined=True)
def _leaves(
    s: Any, floor: Any, ceiling: Any, spacing: Any, by_scan: Any,
    tick: Any, off: Any, when: Any, index: Any, shift: Any, low: Any,
) -> Any:  # fmt: skip
    """First step after ``s`` whose tick is outside [floor, ceiling); the number of steps if there is none.

    Cells that lie wholly inside are skipped by the crossing lists, after a few steps have been looked at: most exits of
    narrow ranges are near. In the two cells that do not lie inside, steps are looked at.
    """
    n, last = tick.shape[0], off.shape[0] - 2
    l, u = -((-floor) // spacing) - low, ceiling // spacing - low
    k = s + 1
    look = n if by_scan else min(n, k + NEAR)
    while k < n:
        if tick[k] < floor or tick[k] >= ceiling:
            return k
        c = tick[k] // spacing - low
        if k >= look and l <= c < u:
            found = n
            if l > 0 and l <= last:
                at = crossed(l, k, when, index, shift)
                if at < off[l + 1]:
                    found = int(when[at])
            if 0 <= u <= last:
                at = crossed(u, k, when, index, shift)
                if at < off[u + 1]:
                    found = min(found, int(when[at]))
            if found <= k:
                k += 1
            else:
                k = found
        else:
            k += 1
    return n


@kernel(parallel=True, fastmath=False)
def play(
    width: Any, trigger: Any, cooldown: Any, start: int, end: int, have0: float, have1: float, spacing: int,
    fee: float, dilutes: bool, by_scan: bool, home0: bool, cost_swap: float, cost_mint: float, cost_close: float, native: Any,
    period: int, out: Any,
    time: Any, block: Any, tick: Any, cell: Any, root: Any, depth: Any, grown: Any,
    total: Any, off: Any, when: Any, base: Any, index: Any, below: Any, shift: int, low: int,
) -> None:  # fmt: skip
    """Play every variant; ``out`` (v, 3): raw units of home kept, resets, seconds in a position.

    ``by_scan`` answers from the path step by step instead of the index: what it must equal, and is timed against.
    """
    n = time.shape[0]
    edge = MAX_TICK // spacing * spacing
    for v in prange(width.shape[0]):
        s = _later(0, start, time)
        b = block[s] + (start - time[s]) // period
        now = start
        h0, h1, spent, resets, held_s = have0, have1, 0.0, 0, 0
        p = root[s] * root[s]
        begun = (h0 + h1 / p) if home0 else (h0 * p + h1)
        final = _later(s, end, time)
        while now < end:
            entered = now
            lower = max((tick[s] - width[v]) // spacing * spacing, -edge)
            upper = min(-((-(tick[s] + width[v])) // spacing) * spacing, edge)
            a, c = 1.0001 ** (lower / 2.0), 1.0001 ** (upper / 2.0)
            need0, need1 = _needed(root[s], a, c)
            surplus = h0 * need1 - h1 * need0
            p = root[s] * root[s]
            if surplus != 0.0:
                # twice: the second time at the rate that the first one would fill at
                down = surplus > 0.0
                rate = p * (1.0 - fee) if down else (1.0 - fee) / p
                amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
                got = _sold(down, amount, root[s], depth[s], fee)
                if amount > 0.0 and got > 0.0:
                    rate = got / amount
                    amount = surplus / (need1 + need0 * rate) if down else -surplus / (need0 + need1 * rate)
                    got = _sold(down, amount, root[s], depth[s], fee)
                    if down:
                        h0, h1 = h0 - amount, h1 + got
                    else:
                        h0, h1 = h0 + got, h1 - amount
                    spent += cost_swap
                b += 1
                s = _later(s, b, block)
            need0, need1 = _needed(root[s], a, c)
            liquidity = 1e300
            if need0 > 0.0:
                liquidity = h0 / need0
            if need1 > 0.0:
                liquidity = min(liquidity, h1 / need1)
            h0, h1 = max(h0 - liquidity * need0, 0.0), max(h1 - liquidity * need1, 0.0)
            share = depth[s] / (depth[s] + liquidity) if dilutes else 1.0
            spent += cost_mint
            first = s + 1
            b += 1
            e = _later(s, b, block)
            floor, ceiling = lower - trigger[v], upper + trigger[v]
            while True:
                if floor <= tick[e] < ceiling:
                    q = _leaves(e, floor, ceiling, spacing, by_scan, tick, off, when, index, shift, low)
                    if q >= n or time[q] >= end:
                        e = final
                        break
                    e = _later(q, block[q], block)
                    b = block[e]
                    continue
                due = entered + cooldown[v]
                now = time[e] + (b - block[e]) * period
                if now < due:
                    if due >= end:
                        e = final
                        break
                    e = _later(e, due, time)
                    now = due
                    b = block[e] + -((time[e] - due) // period)
                    if floor <= tick[e] < ceiling:
                        continue
                break
            at_end = e >= final
            e = min(e, final)
            l, u, after = lower // spacing - low, upper // spacing - low, max(e + 1, first)
            if by_scan or after - first <= NEAR:
                zero, one = _growth_by_scan(l, u, first, after, cell, low, grown)
            else:
                zero, one = _growth(l, u, first, after, total, off, when, base, index, below, shift)
            back0, back1 = _needed(root[e], a, c)
            h0 += liquidity * (back0 + zero * share)
            h1 += liquidity * (back1 + one * share)
            spent += cost_close
            if at_end:
                s = e
                break
            held_s += time[e] - time[s]
            resets += 1
            b += 1
            s = _later(e, b, block)
            now = time[s] + max(b - block[s], 0) * period
        p = root[s] * root[s]
        if home0 and h1 > 0.0:
            h0, h1 = h0 + _sold(False, h1, root[s], depth[s], fee), 0.0
            spent += cost_swap
        elif not home0 and h0 > 0.0:
            h0, h1 = 0.0, h1 + _sold(True, h0, root[s], depth[s], fee)
            spent += cost_swap
        worth = native[0] if native[1] == 0 else (1.0 / p if home0 else p)
        out[v, 0] = (h0 if home0 else h1) - spent * worth - begun
        out[v, 1] = resets
        out[v, 2] = held_s
