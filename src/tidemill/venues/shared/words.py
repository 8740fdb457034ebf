"""Storage words counted before and after an action: what moves gas most, by one rule for every venue."""

from __future__ import annotations

from collections.abc import Iterable

__all__ = ["count_words"]


def count_words(pairs: Iterable[tuple[int, int]]) -> dict[str, int]:
    """Return how many words go from zero to something, change, and go back to zero.

    Parameters
    ----------
    pairs : each word's value before and after; equal ones count nothing.

    >>> count_words([(0, 5), (3, 4), (7, 7), (9, 0)])
    {'slots_set': 1, 'slots_changed': 1, 'slots_cleared': 1}
    """
    counts = {"slots_set": 0, "slots_changed": 0, "slots_cleared": 0}
    for before, after in pairs:
        if before != after:
            counts["slots_set" if before == 0 else "slots_cleared" if after == 0 else "slots_changed"] += 1
    return counts
