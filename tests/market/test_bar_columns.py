"""Derived columns of bars answer as the arrays would that they stand for."""

from __future__ import annotations

import numpy as np
import pytest

from tidemill.market.bar_columns import BarOf, BlocksOf, LimbsOf, PricesAt, TimesOf


@pytest.mark.parametrize("seed", range(5))
@pytest.mark.parametrize(("length", "unit"), [(60, 1), (60, 2), (60, 12), (3600, 12), (5, 2)])
def test_times_and_bars_are_searched_as_their_arrays(seed, length, unit):
    rng = np.random.default_rng(seed)
    count = rng.integers(1, 9, 40)
    first = np.concatenate([[0], np.cumsum(count)])
    start = np.cumsum(rng.integers(1, 4, 40)) * length + 1_000
    expected = []
    for bar in range(40):
        expected += [(int(start[bar]) + k * length // int(count[bar])) // unit for k in range(count[bar])]
    times, bars = TimesOf(start, length, first, unit), BarOf(first)
    assert times[:].tolist() == expected
    assert bars[:].tolist() == np.repeat(np.arange(40), count).tolist()
    for side in ("left", "right"):
        asked = np.arange(min(expected) - 3, max(expected) + 4)
        assert np.array_equal(np.searchsorted(times, asked, side=side), np.searchsorted(expected, asked, side=side))
        assert np.searchsorted(times, int(asked[50]), side=side) == np.searchsorted(expected, asked[50], side=side)
        whole = np.repeat(np.arange(40), count)
        asked = np.arange(-2, 43)
        assert np.array_equal(np.searchsorted(bars, asked, side=side), np.searchsorted(whole, asked, side=side))


@pytest.mark.parametrize(
    "column",
    [
        BarOf(np.array([0, 2, 5])),
        TimesOf(np.array([0, 60]), 60, np.array([0, 2, 5])),
        BlocksOf(np.array([0, 60, 120]), 12),
    ],
    ids=lambda column: type(column).__name__,
)
def test_searching_does_not_build_the_column(column, monkeypatch):
    """``np.searchsorted`` falls back to the whole array, silently, where a method does not take its arguments."""
    monkeypatch.setattr(type(column), "__array__", lambda *_args, **_more: pytest.fail("built the whole column"))
    assert np.searchsorted(column, 1) >= 0


def test_rows_slices_masks_and_arithmetic():
    first = np.array([0, 2, 5])
    times = TimesOf(np.array([0, 60]), 60, first)
    assert times[-1] == 100
    assert times[1:3].tolist() == [30, 60]
    assert times[np.array([True, False, False, True, True])].tolist() == [0, 80, 100]
    assert (times // 60 == BarOf(first)).all()
    assert np.asarray(times).tolist() == times.tolist() == [0, 30, 60, 80, 100]
    with pytest.raises(IndexError, match="row 5 of 5"):
        times[5]


def test_wide_columns():
    low, high = np.array([[1, 2], [3, 4]], np.uint64), np.array([[5, 6], [7, 8]], np.uint64)
    chosen = LimbsOf(np.array([1, 0], np.uint8), 4, lambda: low, lambda: high)
    assert chosen[:].tolist() == [[1, 2, 0, 0], [7, 8, 0, 0]]
    assert chosen[1:2, 0].tolist() == [7]
    table = np.arange(9, dtype=np.uint64).reshape(3, 3)
    assert PricesAt(np.array([11, 10, 12], np.int32), table, 10)[:2].tolist() == [[3, 4, 5], [0, 1, 2]]


@pytest.mark.parametrize("seconds", [2, 12])
def test_blocks_of_bars_are_searched_as_their_array(seconds):
    time = np.sort(np.random.default_rng(seconds).choice(5_000, 300, replace=False)) + 10_000
    blocks, whole = BlocksOf(time, seconds), time // seconds
    assert blocks[:].tolist() == whole.tolist()
    asked = np.arange(whole[0] - 3, whole[-1] + 4)
    for side in ("left", "right"):
        assert np.array_equal(np.searchsorted(blocks, asked, side=side), np.searchsorted(whole, asked, side=side))
