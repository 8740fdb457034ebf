"""A generator's specification from a real dataset: how it moves, how it is traded, how deep it is.

Estimates are floats rounded once to the integers of the specification; the market made from it is exact as any other.
"""

from __future__ import annotations

import math

import numpy as np
from msgspec import structs
from numpy.typing import NDArray

from tidemill.errors import BadData
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import ARBITRAGEUR, generate
from tidemill.market.limbs import from_limbs
from tidemill.market.replay import SwapType
from tidemill.market.schema import Kind
from tidemill.market.store import Dataset
from tidemill.venues.uniswap_v3.rules import MAX_TICK

__all__ = ["calibrate"]

_SAMPLE_S = 600
"""Variance is measured over ten minutes: shorter, and the pool's own bounce within its fee counts as volatility."""
TRIALS, TRIAL_DAYS = 2, 3
"""Markets made to see how much the arbitrageur trades by itself, and their length."""


def calibrate(dataset: Dataset, *, days: int = 30, seed: str = "", blocks_per_step: int | None = None) -> FlowSpec:
    """Estimate a ``FlowSpec`` from a replayed dataset of events.

    Parameters
    ----------
    dataset : at least six hours with a hundred swaps.
    days, seed : of the market to generate.
    blocks_per_step : as in ``FlowSpec``; by default steps of about twelve seconds.

    Raises
    ------
    BadData : too little to estimate from.
    """
    tape, flow, pool = dataset.tape(), dataset.flow(), dataset.pool
    span = int(tape.time[-1]) - int(tape.time[0])
    swaps = np.flatnonzero(flow.kind == Kind.SWAP)
    if span < 6 * 3600 or len(swaps) < 100:
        raise BadData(
            f"{dataset.manifest.title}: {span // 3600} h and {len(swaps)} swaps; calibration needs 6 h and 100"
        )
    block_s = max(1, round(span / max(int(tape.block[-1]) - int(tape.block[0]), 1)))
    blocks = blocks_per_step or max(1, round(12 / block_s))
    grid, jumps = _moves(tape.time, tape.tick, span)
    variance = float(np.mean(grid[~jumps] ** 2)) / _SAMPLE_S
    limited = flow.swap_type[swaps] == SwapType.PRICE_LIMITED
    traded = _sizes(dataset, swaps)
    size = traded[~limited] if (~limited).any() else traded
    counts = np.bincount((flow.time[swaps] - flow.time[swaps[0]]) // 3600).astype(np.float64)
    memory, spread = _volume(counts)
    day = 86_400 / span
    found = FlowSpec(
        pool=pool,
        providers=_providers(dataset),
        seed=seed,
        days=days,
        start_tick=int(tape.tick[-1]),
        start_time=int(tape.time[-1]) // 86_400 * 86_400 + 86_400,
        start_block=int(tape.block[-1]) + 1,
        seconds_per_block=block_s,
        blocks_per_step=blocks,
        sigma=max(1, round(1000 * math.sqrt(variance * block_s * blocks))),
        jumps_per_day=round(100 * int(jumps.sum()) * day),
        jump_size=round(1000 * float(np.std(grid[jumps]))) if jumps.sum() > 1 else 0,
        # price-limited swaps are taken for the arbitrageur's, which the generator makes by itself
        trades_per_day=round(int((~limited).sum()) * day),
        trade_size=max(1, round(math.exp(float(np.median(np.log(size)))))),
        trade_spread=round(float(np.std(np.log(size))) * 10_000),
        volume_spread=round(spread * 10_000),
        volume_memory=round(100 * memory),
        exact_out=round(100 * float(np.mean(flow.swap_type[swaps] == SwapType.EXACT_OUT))),
    )
    return _matched(found, float(traded.sum()) * day)


def _matched(spec: FlowSpec, volume: float) -> FlowSpec:
    """Scale the sizes of trades so that a trial market has the history's ``volume`` a day, arbitrage included.

    A history does not say who was arbitraging; the generator's arbitrageur trades by itself, so others trade the rest:
    at least a twentieth of it, where arbitrage alone is all the history has.
    """
    for trial in range(TRIALS):
        made = generate(structs.replace(spec, days=TRIAL_DAYS, seed=f"trial {trial}"))
        flow = made.flow()
        swaps = np.flatnonzero(flow.kind == Kind.SWAP)
        size = _sizes(made, swaps) / TRIAL_DAYS
        theirs = (made.events["sender"].to_numpy()[swaps] == ARBITRAGEUR) if len(swaps) else np.zeros(0, bool)
        noise, wanted = float(size[~theirs].sum()), max(volume - float(size[theirs].sum()), volume / 20)
        if noise > 0:
            spec = structs.replace(spec, trade_size=max(1, round(spec.trade_size * wanted / noise)))
    return spec


def _moves(
    time: NDArray[np.int64], tick: NDArray[np.int32], span: int
) -> tuple[NDArray[np.float64], NDArray[np.bool_]]:
    """Moves of the price over ten minutes, ticks, and which of them are jumps (beyond four robust deviations)."""
    at = int(time[0]) + np.arange(0, span, _SAMPLE_S)
    level = tick[np.maximum(np.searchsorted(time, at, side="right") - 1, 0)]
    grid = np.diff(level.astype(np.float64))
    usual = 1.4826 * float(np.median(np.abs(grid)))
    return grid, np.abs(grid) > 4 * max(usual, 1.0)


def _sizes(dataset: Dataset, swaps: NDArray[np.intp]) -> NDArray[np.float64]:
    """Size of each swap in raw units of token0."""
    amounts = from_limbs(dataset.flow().amount0[swaps], signed=True)
    return np.maximum(np.abs(np.array(amounts, dtype=np.float64)), 1.0)


def _volume(counts: NDArray[np.float64]) -> tuple[float, float]:
    """Hourly memory (0 to 0.99) and spread of the logarithm of trades per hour, counting noise taken off."""
    log = np.log(np.maximum(counts, 1.0))
    centred = log - log.mean()
    total = float(np.mean(centred**2))
    own = max(total - float(np.mean(1 / np.maximum(counts, 1.0))), 0.0)
    if own == 0 or len(log) < 4:
        return 0.0, 0.0
    together = float(np.mean(centred[1:] * centred[:-1]))
    return min(max(together / own, 0.0), 0.99), math.sqrt(own)


def _providers(dataset: Dataset) -> tuple[Provider, ...]:
    """Liquidity that was always there over the full range; the rest of the median over the ticks the price visits."""
    tape = dataset.tape()
    depth = tape.liquidity[:, 0].astype(np.float64) + tape.liquidity[:, 1].astype(np.float64) * 2.0**64
    base, middle = float(depth.min()), float(np.median(depth))
    spacing = dataset.pool.tick_spacing
    visited = max(int(tape.tick.max()) - int(tape.tick.min()), 10 * spacing)
    wide = Provider(liquidity=max(int(base), 1), width=MAX_TICK // spacing * spacing)
    rest = int(middle - base)
    return (wide, Provider(liquidity=rest, width=visited, moves_per_day=50)) if rest > 0 else (wide,)
