"""The state of a pool as plain data (integers as decimal strings) and back: ``state.json`` of an exact dataset."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadData
from tidemill.market.manifest import PoolInfo
from tidemill.venues.uniswap_v3.model_state import Observation, PoolPosition, PoolState, TickInfo
from tidemill.venues.uniswap_v3.rules import max_liquidity_per_tick

__all__ = ["decode_state", "encode_state"]

_SCALARS = (
    "sqrt_price_x96",
    "tick",
    "liquidity",
    "fee_growth_global_0_x128",
    "fee_growth_global_1_x128",
    "fee_protocol_0",
    "fee_protocol_1",
    "protocol_fees_0",
    "protocol_fees_1",
    "observation_index",
    "observation_cardinality",
    "observation_cardinality_next",
)


def encode_state(state: PoolState) -> dict[str, Any]:
    """Return the whole state of a pool as plain data."""
    return {
        "token0": state.token0,
        "token1": state.token1,
        "account": state.account,
        "owner": state.owner,
        **{name: str(getattr(state, name)) for name in _SCALARS},
        "ticks": {str(tick): [str(value) for value in info] for tick, info in sorted(state.ticks.items())},
        "positions": {
            f"{owner}:{lower}:{upper}": [str(value) for value in position]
            for (owner, lower, upper), position in sorted(state.positions.items())
        },
        "observations": {
            str(index): [str(int(value)) for value in seen] for index, seen in sorted(state.observations.items())
        },
    }


def decode_state(plain: Mapping[str, Any], pool: PoolInfo) -> PoolState:
    """Return the model's own state; raises ``BadData`` naming the field that is missing or wrong."""
    try:
        scalars = {name: int(plain[name]) for name in _SCALARS}
        ticks = {int(tick): TickInfo(*map(int, info)) for tick, info in plain["ticks"].items()}
        positions = {_key(key): PoolPosition(*map(int, value)) for key, value in plain["positions"].items()}
        observations = {
            int(index): Observation(int(seen[0]), int(seen[1]), int(seen[2]), seen[3] == "1")
            for index, seen in plain["observations"].items()
        }
        names = {name: str(plain[name]) for name in ("token0", "token1", "account", "owner")}
    except KeyError as error:
        raise BadData(f"state.json: field {error} is missing") from None
    except (TypeError, ValueError, AttributeError, IndexError) as error:
        raise BadData(f"state.json: a value is not what it should be ({error})") from None
    fields: dict[str, Any] = {**names, **scalars}
    state = PoolState(
        fee=pool.fee,
        tick_spacing=pool.tick_spacing,
        max_liquidity_per_tick=max_liquidity_per_tick(pool.tick_spacing),
        **fields,
        ticks=ticks,
        positions=positions,
        observations=observations,
    )
    for tick in ticks:
        if tick % pool.tick_spacing:
            raise BadData(f"state.json: ticks: {tick} is off spacing {pool.tick_spacing}")
        edge = tick // pool.tick_spacing
        state.bitmap[edge >> 8] = state.bitmap.get(edge >> 8, 0) | 1 << (edge & 255)
    active = sum(info.liquidity_net for tick, info in ticks.items() if tick <= state.tick)
    if active != state.liquidity:
        raise BadData(f"state.json: liquidity is {state.liquidity}, the ticks sum to {active} at tick {state.tick}")
    return state


def _key(text: str) -> tuple[str, int, int]:
    owner, lower, upper = text.rsplit(":", 2)
    return owner, int(lower), int(upper)
