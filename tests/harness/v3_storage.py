"""The whole state of a Uniswap v3 pool out of its storage: a word costs 0.5 µs where a view call costs 5 and more.

The layout is what solc 0.7.6 makes of the pool's variables; ``test_harness_v3`` holds it against the view functions.
"""

from __future__ import annotations

from collections.abc import Iterable
from functools import lru_cache
from typing import Any

from eth_hash.auto import keccak

from .evm import Evm

_U128, _U160 = (1 << 128) - 1, (1 << 160) - 1
TICKS, BITMAP, POSITIONS, OBSERVATIONS = 5, 6, 7, 8
TOKENS = 12  # of the position manager

PositionId = tuple[str, int, int]
"""Owner, lower tick, upper tick."""


@lru_cache(maxsize=1 << 16)
def _slot(key: int, base: int) -> int:
    return int.from_bytes(keccak((key % (1 << 256)).to_bytes(32, "big") + base.to_bytes(32, "big")), "big")


@lru_cache(maxsize=1 << 16)
def position_key(owner: str, lower: int, upper: int) -> bytes:
    """Return the pool's own key of a position: the hash of owner and ticks, tightly packed."""
    packed = bytes.fromhex(owner[2:]) + (lower % (1 << 24)).to_bytes(3, "big") + (upper % (1 << 24)).to_bytes(3, "big")
    return bytes(keccak(packed))


def _signed(value: int, bits: int) -> int:
    value &= (1 << bits) - 1
    return value - (1 << bits) if value >> (bits - 1) else value


def read_globals(evm: Evm, pool: str) -> dict[str, Any]:
    """Return slot0, liquidity, fee growth and protocol fees: five words. Names are the model's."""
    word = evm.storage(pool, 0)
    fees, liquidity = evm.storage(pool, 3), evm.storage(pool, 4)
    return {
        "sqrt_price_x96": word & _U160,
        "tick": _signed(word >> 160, 24),
        "observation_index": word >> 184 & 0xFFFF,
        "observation_cardinality": word >> 200 & 0xFFFF,
        "observation_cardinality_next": word >> 216 & 0xFFFF,
        "fee_protocol_0": word >> 232 & 0xF,
        "fee_protocol_1": word >> 236 & 0xF,
        "unlocked": bool(word >> 240 & 0xFF),
        "fee_growth_global_0_x128": evm.storage(pool, 1),
        "fee_growth_global_1_x128": evm.storage(pool, 2),
        "protocol_fees_0": fees & _U128,
        "protocol_fees_1": fees >> 128,
        "liquidity": liquidity & _U128,
    }


def read_tick(evm: Evm, pool: str, tick: int) -> dict[str, Any]:
    """Return one tick, all zero when it is not initialised."""
    base = _slot(tick, TICKS)
    gross, last = evm.storage(pool, base), evm.storage(pool, base + 3)
    return {
        "liquidity_gross": gross & _U128,
        "liquidity_net": _signed(gross >> 128, 128),
        "fee_growth_outside_0_x128": evm.storage(pool, base + 1),
        "fee_growth_outside_1_x128": evm.storage(pool, base + 2),
        "tick_cumulative_outside": _signed(last, 56),
        "seconds_per_liquidity_outside_x128": last >> 56 & _U160,
        "seconds_outside": last >> 216 & 0xFFFFFFFF,
        "initialized": bool(last >> 248),
    }


def read_bitmap(evm: Evm, pool: str, word: int) -> int:
    """Return one word of the tick bitmap."""
    return evm.storage(pool, _slot(word, BITMAP))


def read_position(evm: Evm, pool: str, owner: str, lower: int, upper: int) -> dict[str, int]:
    """Return one position of the core, all zero when it was never touched."""
    base = _slot(int.from_bytes(position_key(owner, lower, upper), "big"), POSITIONS)
    owed = evm.storage(pool, base + 3)
    return {
        "liquidity": evm.storage(pool, base),
        "fee_growth_inside_0_last_x128": evm.storage(pool, base + 1),
        "fee_growth_inside_1_last_x128": evm.storage(pool, base + 2),
        "tokens_owed_0": owed & _U128,
        "tokens_owed_1": owed >> 128,
    }


def read_observation(evm: Evm, pool: str, index: int) -> dict[str, Any]:
    """Return one oracle observation."""
    word = evm.storage(pool, OBSERVATIONS + index)
    return {
        "time": word & 0xFFFFFFFF,
        "tick_cumulative": _signed(word >> 32, 56),
        "seconds_per_liquidity_x128": word >> 88 & _U160,
        "initialized": bool(word >> 248),
    }


def pool_slots(
    ticks: Iterable[int] = (),
    positions: Iterable[PositionId] = (),
    observations: Iterable[int] = (),
    words: Iterable[int] = (),
) -> list[int]:
    """Return where all of that lies in the pool's storage, the five words of globals first."""
    keys = [int.from_bytes(position_key(*position), "big") for position in positions]
    records = [_slot(tick, TICKS) for tick in ticks] + [_slot(key, POSITIONS) for key in keys]
    return [
        *range(5),
        *(base + i for base in records for i in range(4)),
        *(OBSERVATIONS + index for index in observations),
        *(_slot(word, BITMAP) for word in words),
    ]


def token_slots(token_id: int) -> list[int]:
    """Return where a position token lies in the position manager's storage, its nonce and operator left out."""
    base = _slot(token_id, TOKENS)
    return [base + i for i in range(1, 5)]


def read_pool(
    evm: Evm,
    pool: str,
    ticks: Iterable[int] = (),
    positions: Iterable[PositionId] = (),
    observations: Iterable[int] = (),
    words: Iterable[int] = (),
) -> dict[str, Any]:
    """Return the state of a pool: globals always, and the ticks, positions, observations and bitmap words asked for."""
    return {
        **read_globals(evm, pool),
        "ticks": {tick: read_tick(evm, pool, tick) for tick in ticks},
        "positions": {p: read_position(evm, pool, *p) for p in positions},
        "observations": {i: read_observation(evm, pool, i) for i in observations},
        "bitmap": {w: read_bitmap(evm, pool, w) for w in words},
    }
