"""Range reset, screened: many settings over one recorded path in compiled code, answered from the fee index.

The policy is that of ``strategies.range_reset``, decision by decision: enter around the price, wait until the price has
left range and trigger at the end of a block, wait for the cooldown, close, enter again, leave at the end; with the same
delays in blocks. Fees inside a range come from the index, exact to the growth; first exits too, so time in a range costs
nothing. Three things are simpler than in the exact run, and make the error that is measured with every use:

* amounts are floats, and own swaps meet the active liquidity as if it went on for ever;
* ``diluted`` takes one's share at the mean liquidity met, not step by step;
* a transaction costs what its kind cost on average in an exact run of the study, and none is refused.
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
    later,
    leaves,
    liquidity_for,
    needed,
    root_at,
    taken,
)
from tidemill.units.kernels import kernel

__all__ = ["VARIES", "answer", "play"]

VARIES = ("width", "trigger", "cooldown")


def answer(ground: Ground, asked: Sequence[Mapping[str, Any]], *, by_scan: bool = False) -> tuple[Any, Any]:
    """Return raw units of home that each of the parameters ``asked`` would keep, and positions that it would close.

    ``by_scan`` asks the path step by step instead of the index.
    """
    columns = (np.array([one[key] for one in asked], np.int64) for key in VARIES)
    out = np.empty((len(asked), 3))
    play(*columns, by_scan, tuple(ground.terms), ground.path, out)
    return out[:, 0], out[:, 1] + 1


@kernel(parallel=True, fastmath=False)
def play(width: Any, trigger: Any, cooldown: Any, by_scan: bool, terms: Any, path: Any, out: Any) -> None:
    """Play every variant; ``out`` (v, 3): raw units of home kept, resets, seconds in a position.

    ``by_scan`` answers from the path step by step instead of the index: what it must equal, and is timed against.
    ``terms`` are ``ground.Terms``, ``path`` is ``Ground.path``.
    """
    start, end, have0, have1, spacing, fee, dilutes, home0, costs, native, period = terms
    cost_swap, cost_mint, cost_close = costs
    time, block, tick, cell, root, depth, grown, lists, thin = path
    edge = MAX_TICK // spacing * spacing
    n = time.shape[0]
    for v in prange(width.shape[0]):
        s = later(0, start, time)
        b = block[s] + (start - time[s]) // period
        now = start
        h0, h1, spent, resets, held_s = have0, have1, 0.0, 0, 0
        p = root[s] * root[s]
        begun = (h0 + h1 / p) if home0 else (h0 * p + h1)
        final = later(s, end, time)
        while now < end:
            entered = now
            lower = max((tick[s] - width[v]) // spacing * spacing, -edge)
            upper = min(-((-(tick[s] + width[v])) // spacing) * spacing, edge)
            a, c = root_at(lower), root_at(upper)
            need0, need1 = needed(root[s], a, c)
            h0, h1, swaps = balanced(h0, h1, need0, need1, root[s], depth[s], fee)
            if swaps:
                spent += cost_swap
                b += 1
                s = later(s, b, block)
            need0, need1 = needed(root[s], a, c)
            liquidity = liquidity_for(h0, h1, need0, need1)
            h0, h1 = max(h0 - liquidity * need0, 0.0), max(h1 - liquidity * need1, 0.0)
            spent += cost_mint
            first = s + 1
            b += 1
            e = later(s, b, block)
            floor, ceiling = lower - trigger[v], upper + trigger[v]
            while True:
                if floor <= tick[e] < ceiling:
                    q = leaves(e, floor, ceiling, spacing, by_scan, tick, lists)
                    if q >= n or time[q] >= end:
                        e = final
                        break
                    e = later(q, block[q], block)
                    b = block[e]
                    continue
                due = entered + cooldown[v]
                now = time[e] + (b - block[e]) * period
                if now < due:
                    if due >= end:
                        e = final
                        break
                    e = later(e, due, time)
                    now = due
                    b = block[e] + -((time[e] - due) // period)
                    if floor <= tick[e] < ceiling:
                        continue
                break
            at_end = e >= final
            e = min(e, final)
            h0, h1 = taken(
                h0, h1, lower, upper, liquidity, first, e, spacing, dilutes, by_scan,
                cell, root, depth, grown, lists, thin,
            )  # fmt: skip
            spent += cost_close
            if at_end:
                s = e
                break
            held_s += time[e] - time[s]
            resets += 1
            b += 1
            s = later(e, b, block)
            now = time[s] + max(b - block[s], 0) * period
        out[v, 0] = kept(h0, h1, spent, begun, home0, root[s], depth[s], fee, cost_swap, native)
        out[v, 1] = resets
        out[v, 2] = held_s
