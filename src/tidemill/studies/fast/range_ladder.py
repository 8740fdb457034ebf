"""Range ladder, screened: several adjacent ranges with a weight each, decision by decision in compiled code.

The policy is that of ``strategies.range_ladder``: lay what is missing after one swap, watch the middle or the ends, close what
stands elsewhere, with the same delays in blocks. Simpler than the exact run, as in ``fast.range_reset``: amounts are floats,
own swaps meet the active liquidity as if it went on, ``diluted`` takes each rung's share at the mean liquidity that it meets,
and a transaction costs what its kind cost on average in an exact run.
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
from tidemill.units.kernels import kernel

__all__ = ["VARIES", "answer", "play"]

VARIES = ("weights", "width", "reset", "trigger", "cooldown")
RUNGS = 16
_HOWS = ("none", "edge", "all")
NEVER = 1 << 62


def answer(ground: Ground, asked: Sequence[Mapping[str, Any]]) -> tuple[Any, Any]:
    """Return raw units of home that each of the parameters ``asked`` would keep, and positions that it would close."""
    weights = np.zeros((len(asked), RUNGS))
    for place, one in enumerate(asked):
        weights[place, : len(one["weights"])] = one["weights"]
    how = np.array([_HOWS.index(one["reset"]) for one in asked], np.int64)
    width, trigger, cooldown = (np.array([one[key] for one in asked], np.int64) for key in VARIES if key in _NUMBERS)
    out = np.empty((len(asked), 2))
    play(weights, width, how, trigger, cooldown, tuple(ground.terms), ground.path, out)
    return out[:, 0], out[:, 1]


_NUMBERS = ("width", "trigger", "cooldown")


@kernel(parallel=True, fastmath=False)
def play(weights: Any, width: Any, how: Any, trigger: Any, cooldown: Any, terms: Any, path: Any, out: Any) -> None:
    """Play every variant; ``out`` (v, 2): raw units of home kept, positions closed.

    ``weights`` (v, 16), 0 where there is no rung; ``how``: 0 never reset, 1 at the edge, 2 all. ``terms`` are
    ``ground.Terms``, ``path`` is ``Ground.path``.
    """
    start, end, have0, have1, spacing, fee, dilutes, home0, costs, native, period = terms
    cost_swap, cost_mint, cost_close = costs
    time, block, tick, cell, root, depth, grown, lists, thin = path
    n, edge = time.shape[0], MAX_TICK // spacing * spacing
    for v in prange(width.shape[0]):
        count = 0
        while count < RUNGS and weights[v, count] > 0.0:
            count += 1
        wide = -(-width[v] // spacing) * spacing
        reach = -(-wide * (1 if how[v] == 1 else count) // 2) + trigger[v]
        # of each rung that stands: lower tick, liquidity, first step that it earns by
        floor_, liquidity, since = np.empty(RUNGS, np.int64), np.zeros(RUNGS), np.empty(RUNGS, np.int64)
        stand, fits = 0, np.zeros(RUNGS, np.bool_)
        laid, lies = np.empty(RUNGS, np.int64), np.zeros(RUNGS, np.bool_)
        s = later(0, start, time)
        b, now = block[s] + (start - time[s]) // period, start
        h0, h1, spent, closed = have0, have1, 0.0, 0
        p = root[s] * root[s]
        begun = (h0 + h1 / p) if home0 else (h0 * p + h1)
        final = later(s, end, time)
        centre, known, entered = 0, False, start
        while now < end:
            left = stand > 0 and how[v] > 0 and known and abs(tick[s] - centre) >= reach
            if left and now < entered + cooldown[v]:
                now = entered + cooldown[v]
                s = later(s, now, time)
                b = block[s] + -((time[s] - now) // period)
                continue
            if left or stand == 0 or not known:
                if how[v] == 1 and stand > 0 and known:
                    away = tick[s] - centre
                    rungs = (2 * abs(away) + wide) // (2 * wide)
                    centre += rungs * wide if away > 0 else -rungs * wide
                else:
                    centre = tick[s]
                known, entered = True, now
            lowest = (centre - wide * count // 2) // spacing * spacing
            # close what stands elsewhere
            shut = False
            for i in range(stand):
                k = (floor_[i] - lowest) // wide
                fits[i] = (floor_[i] - lowest) % wide == 0 and 0 <= k < count
                shut = shut or not fits[i]
            if shut:
                stays = 0
                for i in range(stand):
                    if fits[i]:
                        floor_[stays], liquidity[stays], since[stays] = floor_[i], liquidity[i], since[i]
                        stays += 1
                        continue
                    h0, h1 = taken(
                        h0, h1, floor_[i], floor_[i] + wide, liquidity[i], since[i], s, spacing, dilutes, False,
                        cell, root, depth, grown, lists, thin,
                    )  # fmt: skip
                    spent += cost_close
                    closed += 1
                stand = stays
                b += 1
                s, now = landed(s, b, time, block, period)
                continue
            # lay what is missing
            whole0 = whole1 = 0.0
            p = root[s] * root[s]
            for k in range(count):
                laid[k] = lowest + k * wide
                lies[k] = laid[k] >= -edge and laid[k] + wide <= edge
                for i in range(stand):
                    lies[k] = lies[k] and floor_[i] != laid[k]
                if lies[k]:
                    need0, need1 = needed(root[s], root_at(laid[k]), root_at(laid[k] + wide))
                    whole0 += need0 * weights[v, k] / (need0 * p + need1)
                    whole1 += need1 * weights[v, k] / (need0 * p + need1)
            acts = False
            if whole0 + whole1 > 0.0 and h0 + h1 > 0.0:
                after0, after1, swaps = balanced(h0, h1, whole0, whole1, root[s], depth[s], fee)
                moved = max(h0 - after0, 0.0) * p + max(h1 - after1, 0.0)
                if swaps and moved * 100.0 > h0 * p + h1:
                    h0, h1, acts = after0, after1, True
                    spent += cost_swap
                else:
                    had0, had1 = h0, h1
                    for k in range(count):
                        if not lies[k]:
                            continue
                        need0, need1 = needed(root[s], root_at(laid[k]), root_at(laid[k] + wide))
                        scale = weights[v, k] / (need0 * p + need1)
                        part0 = had0 * need0 * scale / whole0 if whole0 > 0.0 else 0.0
                        part1 = had1 * need1 * scale / whole1 if whole1 > 0.0 else 0.0
                        mine = liquidity_for(part0, part1, need0, need1)
                        if mine < 1.0:
                            continue
                        h0, h1 = max(h0 - mine * need0, 0.0), max(h1 - mine * need1, 0.0)
                        floor_[stand], liquidity[stand], since[stand] = laid[k], mine, s + 1
                        stand += 1
                        spent += cost_mint
                        acts = True
            if acts:
                b += 1
                s, now = landed(s, b, time, block, period)
                continue
            # watch
            if how[v] == 0:
                break
            q = leaves(s, centre - reach + 1, centre + reach, spacing, False, tick, lists)
            if q >= n or time[q] >= end:
                break
            s = later(q, block[q], block)
            b, now = block[s], time[s]
        s = final
        for i in range(stand):
            h0, h1 = taken(
                h0, h1, floor_[i], floor_[i] + wide, liquidity[i], since[i], s, spacing, dilutes, False,
                cell, root, depth, grown, lists, thin,
            )  # fmt: skip
            spent += cost_close
            closed += 1
        out[v, 0] = kept(h0, h1, spent, begun, home0, root[s], depth[s], fee, cost_swap, native)
        out[v, 1] = closed
