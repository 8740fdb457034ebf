"""Views of the pool and the position manager, under the contracts' own names and in their order of fields.

Where both contracts have a view of the same name, the pool's is called ``pool_…``. Views that move with time take the
time (seconds) as their last argument.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any

from tidemill.errors import BadInput, Revert
from tidemill.venues.uniswap_v3 import model_oracle as oracle
from tidemill.venues.uniswap_v3.model_state import NO_OBSERVATION, NO_POSITION, NO_TICK, TokenPosition, UniswapV3State
from tidemill.venues.uniswap_v3.model_ticks import check_range, growth_inside, ratio_at_tick
from tidemill.venues.uniswap_v3.rules_fees import fees_owed_down, wrapping_add_128
from tidemill.venues.uniswap_v3.rules_liquidity import amounts_for_liquidity_down
from tidemill.venues.uniswap_v3.rules_oracle import seconds_between, wrap_int56, wrapping_sub_160

__all__ = ["READS", "read"]


def read(state: UniswapV3State, query: str, *args: Any) -> Any:
    """Answer a view.

    Raises
    ------
    BadInput : there is no such view.
    Revert : as the contract does.
    """
    view = READS.get(query)
    if view is None:
        raise BadInput(f"Uniswap v3 has no view {query!r}; it has {', '.join(READS)}", field="query")
    return view(state, *args)


def _slot0(state: UniswapV3State) -> tuple[int, int, int, int, int, int, bool]:
    pool = state.pool
    return (
        pool.sqrt_price_x96,
        pool.tick,
        pool.observation_index,
        pool.observation_cardinality,
        pool.observation_cardinality_next,
        pool.fee_protocol_0 + (pool.fee_protocol_1 << 4),
        pool.sqrt_price_x96 != 0,
    )


def _ticks(state: UniswapV3State, tick: int) -> tuple[Any, ...]:
    info = state.pool.ticks.get(tick, NO_TICK)
    return (*info, info.liquidity_gross != 0)


def _observations(state: UniswapV3State, index: int) -> tuple[int, ...]:
    return tuple(state.pool.observations.get(index, NO_OBSERVATION))


def _snapshot_cumulatives_inside(
    state: UniswapV3State, tick_lower: int, tick_upper: int, now: int
) -> tuple[int, int, int]:
    pool = state.pool
    check_range(tick_lower, tick_upper)
    if tick_lower not in pool.ticks or tick_upper not in pool.ticks:
        raise Revert("")
    lower, upper = pool.ticks[tick_lower], pool.ticks[tick_upper]
    if pool.tick < tick_lower:
        outer, inner = lower, upper
    elif pool.tick >= tick_upper:
        outer, inner = upper, lower
    else:
        ticks, seconds = oracle.accumulators_now(pool, now)
        return (
            wrap_int56(ticks - lower.tick_cumulative_outside - upper.tick_cumulative_outside),
            wrapping_sub_160(
                wrapping_sub_160(seconds, lower.seconds_per_liquidity_outside_x128),
                upper.seconds_per_liquidity_outside_x128,
            ),
            seconds_between(upper.seconds_outside, seconds_between(lower.seconds_outside, now)),
        )
    return (
        wrap_int56(outer.tick_cumulative_outside - inner.tick_cumulative_outside),
        wrapping_sub_160(outer.seconds_per_liquidity_outside_x128, inner.seconds_per_liquidity_outside_x128),
        seconds_between(inner.seconds_outside, outer.seconds_outside),
    )


def _token(state: UniswapV3State, token_id: int) -> TokenPosition:
    token = state.manager.tokens.get(token_id)
    if token is None:
        raise Revert("Invalid token ID")
    return token


def _positions(state: UniswapV3State, token_id: int) -> tuple[int | str, ...]:
    return (state.pool.token0, state.pool.token1, state.pool.fee, *_token(state, token_id)[1:])


def _owner_of(state: UniswapV3State, token_id: int) -> str:
    if token_id not in state.manager.tokens:
        raise Revert("ERC721: owner query for nonexistent token")
    return state.manager.tokens[token_id].owner


def _principal(state: UniswapV3State, token_id: int) -> tuple[int, int]:
    """What the token's liquidity would give now, fees apart: (amount0, amount1)."""
    token, pool = _token(state, token_id), state.pool
    lower, upper = ratio_at_tick(token.tick_lower), ratio_at_tick(token.tick_upper)
    return amounts_for_liquidity_down(pool.sqrt_price_x96, lower, upper, token.liquidity)


def _claimable(state: UniswapV3State, token_id: int) -> tuple[int, int]:
    """What collecting all would credit the token with now: (amount0, amount1)."""
    token = _token(state, token_id)
    inside0, inside1 = growth_inside(state.pool, token.tick_lower, token.tick_upper)
    fees0 = fees_owed_down(inside0, token.fee_growth_inside_0_last_x128, token.liquidity)
    fees1 = fees_owed_down(inside1, token.fee_growth_inside_1_last_x128, token.liquidity)
    return wrapping_add_128(token.tokens_owed_0, fees0), wrapping_add_128(token.tokens_owed_1, fees1)


def _observe(state: UniswapV3State, seconds_agos: Sequence[int], now: int) -> Any:
    return oracle.observe(state.pool, seconds_agos, now)


READS: dict[str, Callable[..., Any]] = {
    "slot0": _slot0,
    "liquidity": lambda state: state.pool.liquidity,
    "feeGrowthGlobal0X128": lambda state: state.pool.fee_growth_global_0_x128,
    "feeGrowthGlobal1X128": lambda state: state.pool.fee_growth_global_1_x128,
    "protocolFees": lambda state: (state.pool.protocol_fees_0, state.pool.protocol_fees_1),
    "maxLiquidityPerTick": lambda state: state.pool.max_liquidity_per_tick,
    "tickSpacing": lambda state: state.pool.tick_spacing,
    "fee": lambda state: state.pool.fee,
    "token0": lambda state: state.pool.token0,
    "token1": lambda state: state.pool.token1,
    "ticks": _ticks,
    "tickBitmap": lambda state, word: state.pool.bitmap.get(word, 0),
    "pool_positions": lambda state, owner, lower, upper: tuple(
        state.pool.positions.get((owner, lower, upper), NO_POSITION)
    ),
    "observations": _observations,
    "observe": _observe,
    "snapshotCumulativesInside": _snapshot_cumulatives_inside,
    "positions": _positions,
    "ownerOf": _owner_of,
    "principal": _principal,
    "claimable": _claimable,
}
"""Every view, by name; ``principal`` and ``claimable`` are ours, beside the contracts' own."""
