"""The pool as it stands where a rehearsed window begins, as what anybody could do again: a price, and mints of ranges.

Where the recorded market shows all liquidity, the ranges are those of its positions (added up over owners). Where it
shows events only, they are made up so that every cell has the active liquidity known there; that is said.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from itertools import pairwise
from typing import Any

import numpy as np
from msgspec import Struct

from tidemill.interfaces import Action, Block
from tidemill.units.jit import unpack
from tidemill.venues.uniswap_v3.pool_stage import recorded_actions
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK
from tidemill.venues.uniswap_v3.tape import Flow

__all__ = ["PoolStart", "start_of"]

_MINT, _BURN, _SWAP = 1, 2, 0
Range = tuple[int, int]


class PoolStart(Struct, frozen=True):
    """A pool to be made: price (Q64.96), liquidity by range, the protocol's share, and what is recorded afterwards.

    ``made_up`` says that ranges were chosen to fit the liquidity seen, not read from positions; ``added`` counts ranges
    that stand only because somebody burns them in the window.
    """

    sqrt_price_x96: int
    ranges: tuple[tuple[int, int, int], ...]
    fee_protocol: tuple[int, int]
    actions: tuple[tuple[Block, Action, int], ...]
    made_up: bool
    added: int = 0


def start_of(market: Any, at: Block, until: Block) -> PoolStart:
    """Return the pool of a dataset after block ``at``, with what is recorded up to block ``until``.

    ``market`` is the study's (``MarketData``): flow, tape, initial state or liquidity along the path.
    """
    flow, state, info = market.flow(), market.initial_state(), market.pool
    first = int(np.searchsorted(flow.block, at.number, side="right"))
    price = _price_before(market, first, at)
    last = int(np.searchsorted(flow.block, until.number, side="right"))
    actions = tuple(recorded_actions(Flow(*(column[first:last] for column in flow))))
    if state is not None:
        held: dict[Range, int] = {}
        for (_, lower, upper), position in state.positions.items():
            held[lower, upper] = held.get((lower, upper), 0) + position.liquidity
        _fill_up(held, {tick: tick_info.liquidity_net for tick, tick_info in state.ticks.items()})
        for lower, upper, delta in _changes(flow, first):
            held[lower, upper] = held.get((lower, upper), 0) + delta
        ranges = tuple((*ends, liquidity) for ends, liquidity in sorted(held.items()) if liquidity)
        return PoolStart(price, ranges, (state.fee_protocol_0, state.fee_protocol_1), actions, made_up=False)
    steps = int(np.searchsorted(market.tape().block, at.number, side="right"))
    cells = dict(market.path_liquidity().known(steps, first))
    wanted = _burnt_without_cover(actions)
    ranges, added = _ranges(cells, wanted, info.tick_spacing)
    share = (info.fee_protocol0, info.fee_protocol1)
    return PoolStart(price, ranges, share, actions, made_up=True, added=added)


def _price_before(market: Any, first: int, at: Block) -> int:
    flow, state = market.flow(), market.initial_state()
    swaps = np.flatnonzero(flow.kind[:first] == _SWAP)
    if len(swaps):
        return int(unpack(flow.sqrt_price[swaps[-1] : swaps[-1] + 1])[0])
    if state is not None:
        return int(state.sqrt_price_x96)
    tape = market.tape()
    row = max(int(np.searchsorted(tape.block, at.number, side="right")) - 1, 0)
    return int(unpack(tape.sqrt_price[row : row + 1])[0])


def _changes(flow: Flow, stop: int) -> Iterable[tuple[int, int, int]]:
    rows = np.flatnonzero((flow.kind[:stop] == _MINT) | (flow.kind[:stop] == _BURN))
    deltas = unpack(flow.liquidity_delta[rows], signed=True)
    return zip(flow.tick_lower[rows].tolist(), flow.tick_upper[rows].tolist(), deltas, strict=True)


def _fill_up(held: dict[Range, int], net: Mapping[int, int]) -> None:
    """Add ranges for liquidity that ticks show and no known position explains."""
    left = dict(net)
    for (lower, upper), liquidity in held.items():
        left[lower] = left.get(lower, 0) - liquidity
        left[upper] = left.get(upper, 0) + liquidity
    ticks = sorted(tick for tick, value in left.items() if value)
    active = 0
    for tick, following in pairwise(ticks):
        active += left[tick]
        if active > 0:
            held[tick, following] = held.get((tick, following), 0) + active


def _burnt_without_cover(actions: Sequence[tuple[Block, Action, int]]) -> dict[Range, int]:
    """Return how much of each range is burnt beyond what was minted before in the window."""
    balance: dict[Range, int] = {}
    lowest: dict[Range, int] = {}
    for _, action, _ in actions:
        if action.verb not in ("pool_mint", "pool_burn"):
            continue
        ends = int(action.args["tick_lower"]), int(action.args["tick_upper"])
        amount = int(action.args["liquidity"])
        balance[ends] = balance.get(ends, 0) + (amount if action.verb == "pool_mint" else -amount)
        lowest[ends] = min(lowest.get(ends, 0), balance[ends])
    return {ends: -least for ends, least in lowest.items() if least < 0}


def _ranges(
    cells: Mapping[int, int], wanted: Mapping[Range, int], spacing: int
) -> tuple[tuple[tuple[int, int, int], ...], int]:
    """Make ranges whose sum is the known liquidity of each cell; beyond the known cells it goes on as at their edge.

    Ranges that somebody burns later are taken out of it first, as far as every cell under them has that much.
    """
    first, last = -(-MIN_TICK // spacing), MAX_TICK // spacing  # usable ticks, as cells
    known = sorted(cells)
    ends = [first, *known[1:], last]
    # Runs of equal liquidity, [start, stop) in cells: the gap after a known cell takes that cell's.
    left = [[start, stop, cells[cell]] for start, stop, cell in zip(ends[:-1], ends[1:], known, strict=True)]
    made: dict[Range, int] = {}
    added = 0
    for (lower, upper), amount in sorted(wanted.items()):
        low, high = lower // spacing, upper // spacing
        left = _cut(_cut(left, low), high)
        under = [run for run in left if low <= run[0] and run[1] <= high]
        if under and all(run[2] >= amount for run in under):
            for run in under:
                run[2] -= amount
            made[lower, upper] = amount
            added += 1
    for start, stop, liquidity in _joined(left):
        if liquidity:
            key = (start * spacing, stop * spacing)
            made[key] = made.get(key, 0) + liquidity
    return tuple((*ends_, liquidity) for ends_, liquidity in sorted(made.items())), added


def _cut(runs: list[list[int]], at: int) -> list[list[int]]:
    out = []
    for start, stop, liquidity in runs:
        if start < at < stop:
            out += [[start, at, liquidity], [at, stop, liquidity]]
        else:
            out.append([start, stop, liquidity])
    return out


def _joined(runs: list[list[int]]) -> list[list[int]]:
    out: list[list[int]] = []
    for run in runs:
        if out and out[-1][1] == run[0] and out[-1][2] == run[2]:
            out[-1][1] = run[1]
        else:
            out.append(list(run))
    return out
