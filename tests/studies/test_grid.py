"""Words of a grid: what they mean, draws from it, and what is refused."""

from __future__ import annotations

import pytest

from tidemill.errors import BadInput
from tidemill.studies.grid import parse_grid, variants


def test_values_steps_logs_and_words() -> None:
    axes = parse_grid(["width=200,400", "trigger=0..100:50", "cooldown=log(100,10000,3)", "exit=close,mark"])
    assert axes == {
        "width": [200, 400],
        "trigger": [0, 50, 100],
        "cooldown": [100, 1000, 10000],
        "exit": ["close", "mark"],
    }
    assert parse_grid(["a=1,3..5,3"]) == {"a": [1, 3, 4, 5]}
    found = variants(axes)
    assert len(found) == 36
    assert found[0] == {"width": 200, "trigger": 0, "cooldown": 100, "exit": "close"}
    assert found[1]["exit"] == "mark"
    assert len({tuple(one.values()) for one in found}) == 36


def test_draws_are_distinct_repeatable_and_within() -> None:
    axes = parse_grid(["a=0..9", "b=0..9"])
    every = variants(axes)
    for how in ("random", "quasi"):
        drawn = variants(axes, how, 30, seed=4)  # type: ignore[arg-type]
        assert drawn == variants(axes, how, 30, seed=4)  # type: ignore[arg-type]
        assert len({tuple(one.values()) for one in drawn}) == 30
        assert all(one in every for one in drawn)
        assert variants(axes, how, 100) == every  # type: ignore[arg-type]
    assert variants(axes, "random", 30, seed=4) != variants(axes, "random", 30, seed=5)


def test_draws_from_more_combinations_than_a_machine_counts() -> None:
    axes = {name: list(range(99_999)) for name in "abcd"}
    for how in ("random", "quasi"):
        drawn = variants(axes, how, 50)  # type: ignore[arg-type]
        assert len({tuple(one.values()) for one in drawn}) == 50
        assert drawn == variants(axes, how, 50)  # type: ignore[arg-type]


def test_quasi_random_draws_are_spread_evenly() -> None:
    """Sixteen of 256 cells: each quarter of each axis gets a fair share, which random draws seldom do."""
    drawn = variants({"a": list(range(16)), "b": list(range(16))}, "quasi", 16)
    for name in ("a", "b"):
        quarters = [sum(int(one[name]) // 4 == q for one in drawn) for q in range(4)]
        assert max(quarters) - min(quarters) <= 2


@pytest.mark.parametrize(
    ("words", "said"),
    [
        ([], "no parameter to vary"),
        (["width"], "'width' is not NAME=VALUES"),
        (["width="], "is not NAME=VALUES"),
        (["=3"], "is not NAME=VALUES"),
        (["width=1", "width=2"], "width is given twice"),
        (["width=5..1"], "goes nowhere"),
        (["width=1..5:0"], "goes nowhere"),
        (["width=log(0,5,3)"], r"log\(LOW,HIGH,COUNT\)"),
        (["width=log(5,50,1)"], r"log\(LOW,HIGH,COUNT\)"),
        (["width=1,,2"], "'' is no value"),
        (["width=log(1,2)"], "is no value"),
        (["width=0..1000000"], "more than 100,000 values"),
    ],
)
def test_words_that_mean_nothing(words: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_grid(words)


def test_too_many_or_too_few() -> None:
    axes = parse_grid(["a=0..999", "b=0..999"])
    with pytest.raises(BadInput, match="1,000,000 variants; at most 100,000"):
        variants(axes)
    with pytest.raises(BadInput, match="draw between 1 and all"):
        variants(axes, "random", 0)
    with pytest.raises(BadInput, match="draw between 1 and all"):
        variants({"a": [1, 2]}, "quasi", 3)
