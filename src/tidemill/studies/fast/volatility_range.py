"""Volatility range, screened: a range as wide as the market is restless, look by look in compiled code.

The policy is that of ``strategies.volatility_range``: looks at the times at which that wakes, sums that fade, a reset when the
price has left or the width has become another, with the same delays in blocks. Simpler than the exact run as in
``fast.range_reset``; the sums are floats instead of integers as well.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import prange

from tidemill.studies.fast.ground import Ground
from tidemill.studies.fast.parts import (
    MAX_TICK,
    balanced,
    kept,
    landed,
    later,
    leaves,
    liquidity_for,
    needed,
    root_at,
    taken,
)
from tidemill.units.kernels import kernel, part

__all__ = ["VARIES", "answer", "play"]

VARIES = (
    "window",
    "every",
    "horizon",
    "multiple_bps",
    "min_width",
    "max_width",
    "rewidth_bps",
    "trigger",
    "cooldown",
)
BPS = 10_000


def answer(ground: Ground, asked: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Return raw units of home that each of the parameters ``asked`` would keep, and positions that it would close."""
    columns = np.array([[one[key] for key in VARIES] for one in asked], np.int64).reshape(-1, len(VARIES))
    out = np.empty((len(asked), 2))
    play(columns, tuple(ground.terms), ground.path, out)
    return out[:, 0], out[:, 1]


@part
def _width(squares: Any, seconds: Any, asked: Any) -> Any:
    """Ticks to each side; the most while less than half the window has been seen."""
    window, _, horizon, multiple, least, most, _, _, _ = asked
    if seconds * 2.0 < window:
        return most
    deviation = int(np.sqrt(np.floor(squares * horizon / seconds)))
    return min(max(deviation * multiple // BPS, least), most)


@part
def _range(tick: Any, width: Any, spacing: Any) -> Any:
    """Ends of a range around a tick, widened to the spacing, within the ticks that a pool has."""
    edge = MAX_TICK // spacing * spacing
    return max((tick - width) // spacing * spacing, -edge), min(-((-(tick + width)) // spacing) * spacing, edge)


@kernel(parallel=True, fastmath=False)
def play(columns: Any, terms: Any, path: Any, out: Any) -> None:
    """Play every variant; ``columns`` (v, 9) in the order of ``VARIES``, ``out`` (v, 2): raw units kept, positions closed.

    ``terms`` are ``ground.Terms``, ``path`` is ``Ground.path``.
    """
    start, end, have0, have1, spacing, fee, dilutes, home0, costs, native, period = terms
    cost_swap, cost_mint, cost_close = costs
    time, block, tick, cell, root, depth, grown, lists, thin = path
    n = time.shape[0]
    for v in prange(columns.shape[0]):
        asked = (
            columns[v, 0], columns[v, 1], columns[v, 2], columns[v, 3], columns[v, 4], columns[v, 5], columns[v, 6],
            columns[v, 7], columns[v, 8],
        )  # fmt: skip
        window, every, _, _, _, _, rewidth, trigger, cooldown = asked
        s = later(0, start, time)
        b, now = block[s] + (start - time[s]) // period, start
        h0, h1, spent, closed = have0, have1, 0.0, 0
        p = root[s] * root[s]
        begun = (h0 + h1 / p) if home0 else (h0 * p + h1)
        final = later(s, end, time)
        seen_at, seen, squares, seconds = -1, 0, 0.0, 0.0
        held, lower, upper, liquidity, first, entered, exit_ = False, 0, 0, 0.0, 0, 0, 0
        minting = False
        while now < end or minting:
            if seen_at < 0:
                seen_at, seen = now, tick[s]
            elif now >= seen_at + every:
                took, moved = now - seen_at, float(tick[s] - seen)
                left = max(window - took, 0) / window
                squares, seconds = squares * left + moved * moved, seconds * left + took
                seen_at, seen = now, tick[s]
            shut, sent = False, True
            if minting:  # the swap has landed: the mint is the plan's next step
                need0, need1 = needed(root[s], root_at(lower), root_at(upper))
                liquidity = liquidity_for(h0, h1, need0, need1)
                h0, h1 = max(h0 - liquidity * need0, 0.0), max(h1 - liquidity * need1, 0.0)
                spent += cost_mint
                first, exit_, held, minting = s + 1, 0, True, False
                b += 1
            elif not held:
                lower, upper = _range(tick[s], _width(squares, seconds, asked), spacing)
                need0, need1 = needed(root[s], root_at(lower), root_at(upper))
                h0, h1, swaps = balanced(h0, h1, need0, need1, root[s], depth[s], fee)
                entered, minting = now, True
                if not swaps:
                    continue
                spent += cost_swap
                b += 1
            elif not lower - trigger <= tick[s] < upper + trigger:
                shut = sent = now >= entered + cooldown
            elif now < entered + cooldown or rewidth == 0:
                sent = False
            else:
                one, other = _range(tick[s], _width(squares, seconds, asked), spacing)
                have = upper - lower
                shut = sent = (abs(other - one - have) - 2 * spacing) * BPS > have * rewidth
            if shut:
                h0, h1 = taken(
                    h0, h1, lower, upper, liquidity, first, s, spacing, dilutes, False,
                    cell, root, depth, grown, lists, thin,
                )  # fmt: skip
                spent += cost_close
                closed += 1
                held = False
                b += 1
            if sent:  # it lands a block later
                s, now = landed(s, b, time, block, period)
                continue
            # wait: for the next look, for the cooldown if the price is outside, else for it to leave
            due = start + ((now - start) // every + 1) * every
            outside = not lower - trigger <= tick[s] < upper + trigger
            if outside and now < entered + cooldown:
                due = min(due, entered + cooldown)
            if not outside and exit_ <= s:
                exit_ = leaves(s, lower - trigger, upper + trigger, spacing, False, tick, lists)
            if not outside and exit_ < n and time[exit_] <= due:
                if time[exit_] >= end:
                    break
                s = later(exit_, block[exit_], block)
                b, now = block[s], time[s]
                continue
            if due >= end:
                break
            s = later(s, due, time)
            b = block[s] + -((time[s] - due) // period)
            s, now = landed(s, b, time, block, period)
        s = final
        if held:
            h0, h1 = taken(
                h0, h1, lower, upper, liquidity, first, s, spacing, dilutes, False,
                cell, root, depth, grown, lists, thin,
            )  # fmt: skip
            spent += cost_close
            closed += 1
        out[v, 0] = kept(h0, h1, spent, begun, home0, root[s], depth[s], fee, cost_swap, native)
        out[v, 1] = closed
