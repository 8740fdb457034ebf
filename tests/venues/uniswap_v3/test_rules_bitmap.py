"""The tick bitmap, held against looking at every tick of a word."""

from __future__ import annotations

import random

import pytest

from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3.rules import compress, next_tick_in_word_left, next_tick_in_word_right

RANDOM = random.Random("bitmap")


def _words() -> list[int]:
    sparse = [sum(1 << RANDOM.randrange(256) for _ in range(RANDOM.randrange(1, 4))) for _ in range(300)]
    return [0, 1, 1 << 255, (1 << 256) - 1, *(word & (1 << 256) - 1 for word in sparse)]


def _rows() -> list[tuple[int, int, int]]:
    return [
        (word, RANDOM.choice((-3, -1, 0, 2)) * 256 + RANDOM.choice((0, 255, RANDOM.randrange(256))), spacing)
        for word in _words()
        for spacing in (1, 60)
    ]


@pytest.mark.parametrize(("tick", "compressed"), [(0, 0), (59, 0), (60, 1), (-1, -1), (-60, -1), (-61, -2)])
def test_compress_rounds_down_on_both_sides(tick: int, compressed: int) -> None:
    assert compress(tick, 60) == compressed


def test_left_finds_the_nearest_tick_at_or_below_within_the_word() -> None:
    for word, compressed, spacing in _rows():
        start = compressed >> 8 << 8
        used = [n for n in range(start, compressed + 1) if word >> (n - start) & 1]
        expected = (used[-1] * spacing, True) if used else (start * spacing, False)
        assert next_tick_in_word_left(word, compressed, spacing) == expected


def test_right_finds_the_nearest_tick_at_or_above_within_the_word() -> None:
    for word, compressed, spacing in _rows():
        start = compressed >> 8 << 8
        used = [n for n in range(compressed, start + 256) if word >> (n - start) & 1]
        expected = (used[0] * spacing, True) if used else ((start + 255) * spacing, False)
        assert next_tick_in_word_right(word, compressed, spacing) == expected


def test_on_every_number_type() -> None:
    assert assert_rule_equal_on_three_types(next_tick_in_word_left, _rows()) == 0
    assert assert_rule_equal_on_three_types(next_tick_in_word_right, _rows()) == 0
    ticks = [(RANDOM.randrange(-887_272, 887_273), RANDOM.choice((1, 10, 60, 200))) for _ in range(500)]
    assert assert_rule_equal_on_three_types(compress, ticks) == 0
