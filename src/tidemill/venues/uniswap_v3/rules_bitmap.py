"""Which ticks are in use: one bit per usable tick, 256 to a word (white paper, section 6.2).

A *compressed* tick is ``floor(tick / tick_spacing)``; its word is ``compressed >> 8``, its bit ``compressed & 255``.
A swap looks no further than the end of the word it is in: steps end there even where no tick is in use, and the
roundings of that extra step are visible in amounts and fees.
"""

from __future__ import annotations

from tidemill.units import (
    Index,
    Uint,
    least_significant_bit,
    most_significant_bit,
    rule,
    wrapping_neg,
    wrapping_shl,
)

__all__ = ["compress", "next_tick_in_word_left", "next_tick_in_word_right"]


@rule
def compress(tick: Index, tick_spacing: Index) -> Index:
    """Return ``floor(tick / tick_spacing)``, for ticks below zero too."""
    return tick // tick_spacing


@rule
def next_tick_in_word_left(word: Uint, compressed: Index, tick_spacing: Index) -> tuple[Index, bool]:
    """Next tick at or below ``compressed`` within its word.

    Parameters
    ----------
    word : the word of ``compressed``.

    Returns
    -------
    (tick in use, True), or (the word's lowest tick, False).
    """
    bit = compressed & 255
    at_or_below = wrapping_shl(word, 255 - bit)
    if at_or_below == 0:
        return (compressed - bit) * tick_spacing, False
    return (compressed - 255 + most_significant_bit(at_or_below)) * tick_spacing, True


@rule
def next_tick_in_word_right(word: Uint, compressed: Index, tick_spacing: Index) -> tuple[Index, bool]:
    """Next tick at or above ``compressed`` within its word; the caller gives the tick after the current one.

    Returns
    -------
    (tick in use, True), or (the word's highest tick, False).
    """
    bit = compressed & 255
    at_or_above = word & wrapping_neg(wrapping_shl(1, bit))
    if at_or_above == 0:
        return (compressed + 255 - bit) * tick_spacing, False
    return (compressed - bit + least_significant_bit(at_or_above)) * tick_spacing, True
