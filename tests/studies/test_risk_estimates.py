"""Shocks together against closed forms: independence, the common factor, and money rounded up."""

from __future__ import annotations

from itertools import product
from random import Random

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import BadInput
from tidemill.studies.risk.estimates import (
    MOST_SHOCKS,
    Estimate,
    Position,
    Shock,
    chance_of_loss,
    expected,
    expected_loss_up,
    expected_of_all,
    merged,
    shifted,
)

PARTS = st.floats(0.0, 1.0)


def sure(value: float) -> Estimate:
    return Estimate(value, value, value)


def shock(factor: str, chance: float, part: float) -> Shock:
    return Shock("network", factor, sure(chance), sure(part))


def test_independent_shocks_multiply_what_is_left() -> None:
    found = expected([shock("a", 0.1, 0.5), shock("b", 0.2, 1.0), shock("c", 0.01, 0.3)])
    assert found.usual == pytest.approx(1 - 0.95 * 0.8 * 0.997)
    assert expected([]).high == 0.0


def test_the_ends_are_taken_apart() -> None:
    one = Shock("asset", "a", Estimate(0.01, 0.1, 0.4), Estimate(0.1, 0.5, 1.0))
    found = expected([one, Shock("asset", "b", Estimate(0.0, 0.2, 0.5), sure(1.0))])
    assert (found.low, found.usual, found.high) == pytest.approx((0.001, 1 - 0.95 * 0.8, 1 - 0.6 * 0.5))


def test_one_factor_is_one_shock() -> None:
    twice = [shock("network:x", 0.1, 0.5), shock("network:x", 0.1, 0.5)]
    assert expected(twice).usual == pytest.approx(0.05)
    worst = merged([shock("f", 0.1, 0.9), shock("f", 0.3, 0.2)])
    assert [(one.chance.usual, one.part.usual) for one in worst] == [(0.3, 0.9)]


def test_positions_on_one_network_fall_together() -> None:
    """Two halves that share the factor lose more than 1 % with chance p, on their own with 1 − (1 − p)²."""
    p = 0.03
    shared = [Position(1, (shock("n", p, 0.5),)), Position(1, (shock("n", p, 0.5),))]
    apart = [Position(1, (shock("n", p, 0.5),)), Position(1, (shock("m", p, 0.5),))]
    assert chance_of_loss(shared) == pytest.approx(p)
    assert chance_of_loss(apart) == pytest.approx(1 - (1 - p) ** 2)
    # The expectation is the same; only the shared one can lose half of everything with chance p, not p².
    assert expected_of_all(shared).usual == pytest.approx(expected_of_all(apart).usual) == pytest.approx(p / 2)
    assert chance_of_loss(shared, more_than=0.4) == pytest.approx(p)
    assert chance_of_loss(apart, more_than=0.4) == pytest.approx(p * p)


def test_weights_count() -> None:
    positions = [Position(99, ()), Position(1, (shock("n", 0.5, 0.9),))]
    assert expected_of_all(positions).usual == pytest.approx(0.0045)
    assert chance_of_loss(positions) == 0.0  # at most 0.9 % of the whole
    assert chance_of_loss(positions, more_than=0.008) == pytest.approx(0.5)


def test_a_portfolio_is_what_counting_through_gives() -> None:
    """Three positions over four factors, against sixteen cases written out."""
    rng = Random("portfolio")
    chances = {name: rng.uniform(0.01, 0.4) for name in "abcd"}
    exposures = [{name: rng.random() for name in names} for names in ("ab", "bcd", "ad")]
    weights = [3, 2, 5]
    positions = [
        Position(weight, tuple(shock(name, chances[name], part) for name, part in parts.items()))
        for weight, parts in zip(weights, exposures, strict=True)
    ]
    mean = above = 0.0
    for hits in product((0, 1), repeat=4):
        happened = {name for name, hit in zip("abcd", hits, strict=True) if hit}
        weight = 1.0
        for name in "abcd":
            weight *= chances[name] if name in happened else 1 - chances[name]
        lost = 0.0
        for share, parts in zip(weights, exposures, strict=True):
            left = 1.0
            for name in happened & parts.keys():
                left *= 1 - parts[name]
            lost += share / 10 * (1 - left)
        mean += weight * lost
        above += weight * (lost > 0.25)
    assert expected_of_all(positions).usual == pytest.approx(mean)
    assert chance_of_loss(positions, more_than=0.25) == pytest.approx(above)


def test_too_many_shocks_are_not_guessed() -> None:
    many = tuple(shock(f"f{i}", 0.01, 0.5) for i in range(MOST_SHOCKS + 1))
    assert chance_of_loss([Position(1, many)]) is None
    never = tuple(shock(f"f{i}", 0.0, 0.5) for i in range(MOST_SHOCKS + 1))
    assert chance_of_loss([Position(1, never)]) == 0.0


@given(PARTS, PARTS, PARTS, PARTS)
def test_a_worse_shock_never_lowers_the_loss(chance: float, part: float, more: float, other: float) -> None:
    rest = shock("rest", other, 0.5)
    before = expected([shock("a", chance, part), rest]).usual
    assert expected([shock("a", max(chance, more), part), rest]).usual >= before - 1e-12
    assert expected([shock("a", chance, max(part, more)), rest]).usual >= before - 1e-12
    assert 0.0 <= before <= 1.0


@given(st.floats(0.0001, 0.9999), st.floats(-4, 4), st.floats(0, 4))
def test_more_steps_are_worse_and_none_change_nothing(chance: float, steps: float, more: float) -> None:
    assert shifted(chance, 0, 1.5) == pytest.approx(chance)
    assert shifted(chance, steps + more, 1.5) >= shifted(chance, steps, 1.5) - 1e-15
    assert shifted(shifted(chance, steps, 1.5), -steps, 1.5) == pytest.approx(chance)
    assert 0.0 < shifted(chance, steps, 1.5) < 1.0


def test_a_step_multiplies_odds() -> None:
    assert shifted(0.5, 1, 3.0) == pytest.approx(0.75)  # odds 1 → 3
    assert shifted(0.2, -1, 2.0) == pytest.approx(1 / 9)  # odds 1/4 → 1/8
    assert (shifted(0.0, 3, 2.0), shifted(1.0, -3, 2.0)) == (0.0, 1.0)


@given(st.integers(0, 10**30), PARTS)
def test_money_is_rounded_up_to_the_unit(amount: int, part: float) -> None:
    loss = expected_loss_up(amount, part)
    numerator, denominator = part.as_integer_ratio()
    assert (loss - 1) * denominator < amount * numerator <= loss * denominator


def test_nonsense_is_refused() -> None:
    for low, usual, high in ((-0.1, 0, 0), (0, 0, 1.1), (0.2, 0.1, 0.3), (0.1, 0.3, 0.2), (float("nan"), 0, 1)):
        with pytest.raises(BadInput):
            Estimate(low, usual, high)
    with pytest.raises(BadInput):
        expected_loss_up(-1, 0.5)
    for weights in ((0,), (2, -1), ()):
        with pytest.raises(BadInput):
            chance_of_loss([Position(weight, ()) for weight in weights])
