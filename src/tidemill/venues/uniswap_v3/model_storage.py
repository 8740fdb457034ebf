"""Which storage words an action touches, counted from the journal: what moves gas most.

Words that go from zero to something, from something to something else, and back to zero; of the pool (slot 0, fee
growth, liquidity, protocol fees, ticks, bitmap, positions, observations) and of the manager's position. Token balances
and the manager's list of tokens are not counted: they belong to the base of a verb's gas.
"""

from __future__ import annotations

from collections.abc import Iterator
from typing import Any

from tidemill.venues.uniswap_v3.model_state import Observation, PoolPosition, TickInfo, TokenPosition

__all__ = ["storage_features"]

Word = tuple[int, ...]
"""What shares a storage word; the word is zero when all of it is."""

_POOL_WORDS = (
    (
        "sqrt_price_x96",
        "tick",
        "observation_index",
        "observation_cardinality",
        "observation_cardinality_next",
        "fee_protocol_0",
        "fee_protocol_1",
    ),
    ("protocol_fees_0", "protocol_fees_1"),
    ("liquidity",),
    ("fee_growth_global_0_x128",),
    ("fee_growth_global_1_x128",),
)
_SHARED = {name: names for names in _POOL_WORDS for name in names}
"""What shares a word with each of the pool's own numbers."""


def storage_features(notes: Iterator[tuple[Any, Any, Any]]) -> dict[str, int]:
    """Return ``slots_set``, ``slots_changed``, ``slots_cleared`` from a journal's notes, oldest first."""
    first: dict[tuple[int, Any], tuple[Any, Any]] = {}
    for target, key, old in notes:
        first.setdefault((id(target), key), (target, old))
    counts = {"slots_set": 0, "slots_changed": 0, "slots_cleared": 0}
    pool: dict[tuple[str, ...], tuple[Any, dict[str, int]]] = {}
    for (_, key), (target, old) in first.items():
        if isinstance(target, dict):
            for before, after in zip(_words(old), _words(target.get(key)), strict=False):
                _count(counts, before, after)
        elif key in _SHARED:
            pool.setdefault(_SHARED[key], (target, {}))[1][key] = old
    for names, (target, olds) in pool.items():
        now = tuple(getattr(target, name) for name in names)
        _count(counts, tuple(olds.get(name, value) for name, value in zip(names, now, strict=True)), now)
    return counts


def _words(value: Any) -> tuple[Word, ...]:
    if isinstance(value, TickInfo):
        in_use = int(value.liquidity_gross != 0)
        return ((value.liquidity_gross,), (value[2],), (value[3],), (in_use, *value[4:]))
    if isinstance(value, PoolPosition):
        return ((value.liquidity,), (value[1],), (value[2],), (value.tokens_owed_0, value.tokens_owed_1))
    if isinstance(value, TokenPosition):
        # Its range shares a word with its liquidity, so that word stays until the token is burnt.
        return ((1, value.liquidity), (value[4],), (value[5],), (value.tokens_owed_0, value.tokens_owed_1))
    if isinstance(value, Observation):
        return (tuple(value),)
    if isinstance(value, int):
        return ((value,),)
    return ((0,),) * 4  # absent: as many zero words as anything has


def _count(counts: dict[str, int], before: Word, after: Word) -> None:
    if before == after or (not any(before) and not any(after)):
        return
    if not any(before):
        counts["slots_set"] += 1
    elif not any(after):
        counts["slots_cleared"] += 1
    else:
        counts["slots_changed"] += 1
