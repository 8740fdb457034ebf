"""Which storage words an action writes, counted from the journal as the EVM charges and refunds them.

Words of the pool (slot 0, fee growth, liquidity, protocol fees, ticks, bitmap, positions, observations) and of the
manager (its positions, and who holds which token). Writes of a word follow EIP-2200 as amended by EIP-2929 and
EIP-3529: the first write of a transaction costs by what the word held before it, later ones next to nothing, and what
ends where it began, or at zero, is refunded. So each word's whole sequence of values is looked at, not only its ends.
"""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from typing import Any

from tidemill.venues.uniswap_v3.model_state import Observation, PoolPosition, TickInfo, TokenEntry, TokenPosition

__all__ = ["WORDS", "storage_features", "write_word"]

WORDS = {
    "slots_set": "storage words written that held zero",
    "slots_changed": "storage words written that held something",
    "slots_cleared": "storage words that held something and end at zero",
    "slots_returned": "storage words that held zero, are written, and end at zero",
    "slots_restored": "storage words that held something, are written, and end as they began",
}
"""Every count and what it means."""

Word = tuple[Any, ...]
"""What shares a storage word; the word is zero when all of it is."""

_SLOT0 = frozenset(
    {
        "sqrt_price_x96",
        "tick",
        "observation_index",
        "observation_cardinality",
        "observation_cardinality_next",
        "fee_protocol_0",
        "fee_protocol_1",
    }
)
_PROTOCOL_FEES = ("protocol_fees_0", "protocol_fees_1")
_OWN_WORD = frozenset({"liquidity", "fee_growth_global_0_x128", "fee_growth_global_1_x128", "next_id"})


def storage_features(notes: Iterator[tuple[Any, Any, Any]], pool_calls: int = 0) -> dict[str, int]:
    """Return the counts of `WORDS` from a journal's notes, oldest first.

    ``pool_calls`` : how often the pool was entered; each time it locks and unlocks itself in slot 0.
    """
    histories: dict[tuple[int, Any], tuple[Any, list[Any]]] = {}
    for target, key, old in notes:
        histories.setdefault((id(target), key), (target, []))[1].append(old)
    counts = dict.fromkeys(WORDS, 0)
    slot0_was: dict[str, int] = {}
    fees: dict[str, tuple[int, int]] = {}
    for (_, key), (target, olds) in histories.items():
        if isinstance(target, dict):
            for values in zip(*map(_words, (*olds, target.get(key))), strict=False):
                write_word(counts, values)
            continue
        now = getattr(target, key)
        if key in _OWN_WORD:
            write_word(counts, [(value,) for value in (*olds, now)])
        elif key in _SLOT0:
            if olds[0] != now:
                slot0_was[key] = olds[0]
        elif key in _PROTOCOL_FEES:
            fees[key] = (olds[0], now)
            pool = target
    if fees:
        pairs = [fees.get(name, (getattr(pool, name),) * 2) for name in _PROTOCOL_FEES]
        write_word(counts, list(zip(*pairs, strict=True)))
    _locks(counts, pool_calls, slot0_was)
    return counts


def write_word(counts: dict[str, int], values: Sequence[Word]) -> None:
    """Count one word that held ``values[0]`` and took the others in turn, the way EIP-2200 does.

    >>> counts = dict.fromkeys(WORDS, 0)
    >>> write_word(counts, [(0,), (7,), (0,)])
    >>> {name: count for name, count in counts.items() if count}
    {'slots_set': 1, 'slots_returned': 1}
    """
    current = original = values[0]
    was_set = any(original)
    for value in values[1:]:
        if value == current or (not any(value) and not any(current)):
            continue
        clean = current == original or not (was_set or any(current))
        if clean:
            counts["slots_changed" if was_set else "slots_set"] += 1
        elif was_set and not any(current):
            counts["slots_cleared"] -= 1
        if was_set and not any(value):
            counts["slots_cleared"] += 1
        elif not was_set and not any(value):
            counts["slots_returned"] += 1
        elif value == original:
            counts["slots_restored"] += 1
        current = value


def _locks(counts: dict[str, int], calls: int, slot0_was: Mapping[str, int]) -> None:
    # Slot 0 holds the lock. Once something else in it has moved it stays dirty; until then every call pays for it anew
    # and is refunded. What moves it comes with the first call of every verb.
    if slot0_was:
        counts["slots_changed" if slot0_was.get("sqrt_price_x96", 1) else "slots_set"] += 1
    else:
        counts["slots_changed"] += calls
        counts["slots_restored"] += calls


def _words(value: Any) -> tuple[Word, ...]:
    if isinstance(value, TickInfo):
        in_use = int(value.liquidity_gross != 0)
        return (value[:2], (value[2],), (value[3],), (in_use, *value[4:]))
    if isinstance(value, PoolPosition):
        return ((value.liquidity,), (value[1],), (value[2],), (value.tokens_owed_0, value.tokens_owed_1))
    if isinstance(value, TokenPosition):
        # Its range shares a word with its liquidity, so that word stays until the token is burnt.
        return ((1, value.liquidity), (value[4],), (value[5],), (value.tokens_owed_0, value.tokens_owed_1))
    if isinstance(value, Observation):
        return (tuple(value),)
    if isinstance(value, TokenEntry):
        return ((value.token_id,), (value.owner,))
    if isinstance(value, int):
        return ((value,),)
    return ((0,),) * 4  # absent: as many zero words as anything has
