"""Statistics of luck: closed forms, limits, and seeded worlds in which the truth is known."""

from __future__ import annotations

import math
from statistics import NormalDist

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.overfit import (
    deflated_sharpe,
    expected_best_sharpe,
    overfit_probability,
    probabilistic_sharpe,
    sharpe,
    walk_forward,
)


def noise(seed: int, variants: int, periods: int) -> np.ndarray:
    return np.random.default_rng(seed).normal(0.0, 0.01, (variants, periods))


def test_sharpe_is_mean_over_sample_deviation() -> None:
    assert sharpe([1.0, 3.0]) == pytest.approx(2 / math.sqrt(2))
    assert sharpe([[0.0, 0.0], [1.0, 3.0]]).tolist() == pytest.approx([0.0, math.sqrt(2)])


def test_probability_at_the_ratio_itself_is_a_half() -> None:
    returns = noise(1, 1, 500)[0]
    assert probabilistic_sharpe(returns, float(sharpe(returns))) == pytest.approx(0.5)


def test_of_normal_returns_the_spread_is_the_textbook_one() -> None:
    """With no skew and kurtosis 3 the standard error of a ratio s is √((1 + s²/2)/(n − 1))."""
    normal = NormalDist()
    returns = np.array([normal.inv_cdf((i + 0.5) / 4000) for i in range(4000)]) * 0.01 + 0.001
    s = float(sharpe(returns))
    expected = normal.cdf((s - 0.05) * math.sqrt(3999) / math.sqrt(1 + s * s / 2))
    assert probabilistic_sharpe(returns, 0.05) == pytest.approx(expected, abs=2e-4)


def test_a_long_left_tail_makes_a_ratio_less_sure() -> None:
    base = np.tile([0.01, -0.008], 100)
    crash = base.copy()
    crash[0] = -0.05
    crash += base.mean() - crash.mean()  # same mean
    crash = crash / crash.std() * base.std()
    crash += base.mean() - crash.mean()
    assert sharpe(crash) == pytest.approx(float(sharpe(base)))
    assert probabilistic_sharpe(crash, 0.0) < probabilistic_sharpe(base, 0.0)


def test_best_of_n_worthless_ratios_is_what_simulation_says() -> None:
    """The expected maximum of N normal draws, which the formula meets the better the larger N."""
    rng = np.random.default_rng(7)
    for count, error in ((10, 0.03), (100, 0.01), (1000, 0.01)):
        draws = rng.normal(0, 0.1, (8000, count))
        simulated = draws.max(axis=1).mean()
        ratios = np.random.default_rng(count).normal(0, 1, count)
        ratios = (ratios - ratios.mean()) / ratios.std(ddof=1) * 0.1
        assert expected_best_sharpe(list(ratios)) == pytest.approx(simulated, rel=error)
    assert expected_best_sharpe([0.3]) == 0.0


def test_the_best_of_many_worthless_variants_is_not_believed_and_a_good_one_is() -> None:
    returns = noise(3, 200, 500)
    ratios = list(sharpe(returns))
    best = int(np.argmax(ratios))
    assert probabilistic_sharpe(returns[best], 0.0) > 0.99  # alone it looks certain
    assert deflated_sharpe(returns[best], ratios) < 0.9
    good = returns.copy()
    good[17] += 0.003
    ratios = list(sharpe(good))
    assert int(np.argmax(ratios)) == 17
    assert deflated_sharpe(good[17], ratios) > 0.99


def test_overfitting_is_a_coin_on_noise_certain_on_reversals_and_absent_with_skill() -> None:
    found = [overfit_probability(noise(seed, 40, 400)) for seed in range(60)]
    assert 0.44 < float(np.mean(found)) < 0.56
    skilled = noise(5, 40, 400)
    skilled[3] += 0.02
    assert overfit_probability(skilled) == 0.0
    # Each variant earns in its own block only: the best of one half has earned nothing in the other.
    blocks = np.kron(np.eye(10), np.ones(20)) * 0.01
    assert overfit_probability(blocks) == 1.0
    assert overfit_probability(np.zeros((3, 40))) == 1.0  # all alike: choosing tells nothing


def test_walk_forward_by_hand() -> None:
    returns = np.array([[1.0, 1.0, -5.0, 0.0], [0.0, 0.0, 4.0, 2.0]])
    found = walk_forward(returns, windows=4)
    assert found.chosen == [0, 0, 1]
    assert found.earned == [1.0, -5.0, 2.0]
    assert found.best_in_hindsight == [1.0, 4.0, 2.0]
    assert found.total == -2.0
    assert found.average == pytest.approx(0.5 - 0.5 + 1.0)


@pytest.mark.parametrize(
    ("call", "field"),
    [
        (lambda: probabilistic_sharpe([0.1] * 29, 0.0), "returns"),
        (lambda: overfit_probability(noise(1, 1, 100)), "variants"),
        (lambda: overfit_probability(noise(1, 5, 100), blocks=5), "blocks"),
        (lambda: overfit_probability(noise(1, 5, 19)), "returns"),
        (lambda: walk_forward(noise(1, 5, 3), windows=4), "windows"),
        (lambda: walk_forward(noise(1, 5, 3), windows=1), "windows"),
    ],
)
def test_too_little_to_judge_is_refused(call: object, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        call()  # type: ignore[operator]
    assert caught.value.field == field
