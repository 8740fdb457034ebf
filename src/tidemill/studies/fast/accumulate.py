"""Accumulate, screened: range orders on one side of the price, one after the other, in compiled code.

The policy is that of ``strategies.accumulate``: lay an order beyond the price, close it when the price has passed it or has gone
too far away, with the same delays in blocks. Nothing is swapped before the end. Simpler than the exact run as in
``fast.range_reset``.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from numba import prange

from tidemill.studies.fast.ground import Ground
from tidemill.studies.fast.parts import (
    MAX_TICK,
    kept,
    landed,
    later,
    leaves,
    liquidity_for,
    needed,
    root_at,
    taken,
)
from tidemill.units.kernels import kernel

__all__ = ["VARIES", "answer", "play"]

VARIES = ("side", "orders", "width", "gap", "follow")


def answer(ground: Ground, asked: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Return raw units of home that each of the parameters ``asked`` would keep, and positions that it would close."""
    buys = np.array([one["side"] == "buy" for one in asked], np.bool_)
    columns = (np.array([one[key] for one in asked], np.int64) for key in VARIES[1:])
    out = np.empty((len(asked), 2))
    play(buys, *columns, tuple(ground.terms), ground.path, out)
    return out[:, 0], out[:, 1]


@kernel(parallel=True, fastmath=False)
def play(buys: Any, orders: Any, width: Any, gap: Any, follow: Any, terms: Any, path: Any, out: Any) -> None:
    """Play every variant; ``out`` (v, 2): raw units of home kept, positions closed.

    ``terms`` are ``ground.Terms``, ``path`` is ``Ground.path``.
    """
    start, end, have0, have1, spacing, fee, dilutes, home0, costs, native, period = terms
    cost_swap, cost_mint, cost_close = costs
    time, block, tick, cell, root, depth, grown, lists, thin = path
    n = time.shape[0]
    for v in prange(orders.shape[0]):
        pays0 = home0 == buys[v]  # token0 is what is paid with
        wide = -(-width[v] // spacing) * spacing
        reach = follow[v] + gap[v] + spacing if follow[v] > 0 else 2 * MAX_TICK
        s = later(0, start, time)
        b, now = block[s] + (start - time[s]) // period, start
        h0, h1, spent, closed, done = have0, have1, 0.0, 0, 0
        p = root[s] * root[s]
        begun = (h0 + h1 / p) if home0 else (h0 * p + h1)
        final = later(s, end, time)
        held, low, liquidity, first = False, 0, 0.0, 0
        while True:
            ends = now >= end
            if held:
                passed = tick[s] >= low + wide if pays0 else tick[s] < low
                least, most = (low - reach, low + wide) if pays0 else (low, low + wide + reach)
                if not ends and not passed and least <= tick[s] < most:
                    q = leaves(s, least, most, spacing, False, tick, lists)
                    ends = q >= n or time[q] >= end
                    if not ends:
                        s = later(q, block[q], block)
                        b, now = block[s], time[s]
                        continue
                if ends:
                    s = final
                h0, h1 = taken(
                    h0, h1, low, low + wide, liquidity, first, s, spacing, dilutes, False,
                    cell, root, depth, grown, lists, thin,
                )  # fmt: skip
                spent += cost_close
                closed += 1
                held = False
                done += 1 if passed else 0
            elif not ends and done < orders[v]:
                amount = np.floor((h0 if pays0 else h1) / (orders[v] - done))
                above = -(-(tick[s] + 1 + gap[v]) // spacing) * spacing
                low = above if pays0 else (tick[s] - gap[v]) // spacing * spacing - wide
                need0, need1 = needed(root[s], root_at(low), root_at(low + wide))
                liquidity = np.floor(liquidity_for(amount, amount, need0, need1))
                if liquidity >= 1.0:
                    h0, h1 = h0 - liquidity * need0, h1 - liquidity * need1
                    spent += cost_mint
                    held, first = True, s + 1
                else:
                    ends = True
            else:
                ends = True
            if ends:
                break
            b += 1  # what was sent lands a block later
            s, now = landed(s, b, time, block, period)
        s = final
        out[v, 0] = kept(h0, h1, spent, begun, home0, root[s], depth[s], fee, cost_swap, native)
        out[v, 1] = closed
