"""Models of price moves: what was put in is found again, and no model moves the expected price."""

from __future__ import annotations

import math

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.processes import Fitted, fit

STEP = 600


def rng(seed: int) -> np.random.Generator:
    return np.random.default_rng(seed)


def history(seed: int = 1, size: int = 5_000, sigma: float = 0.002) -> np.ndarray:
    return rng(seed).normal(0.0003, sigma, size)


@pytest.mark.parametrize("model", ["gbm", "jump", "bootstrap", "garch"])
def test_the_expected_price_stays(model: str) -> None:
    """Mean of e^(sum of a path) over many paths is 1 within three standard errors, whatever drift the history had."""
    data = history()
    data[::97] += rng(2).normal(0, 0.03, len(data[::97]))
    if model == "garch":  # lone jumps are not its kind of history
        data = Fitted("garch", STEP, 0.002, garch=(4e-7, 0.08, 0.82, 6.0)).returns(5_000, rng(1)) + 0.0003
    fitted = fit(model, data, STEP)  # type: ignore[arg-type]
    ends = np.array([np.exp(fitted.returns(60, rng(10_000 + seed)).sum()) for seed in range(4_000)])
    assert abs(ends.mean() - 1) < 3 * ends.std(ddof=1) / math.sqrt(len(ends))
    spread = np.log(ends).std() / math.sqrt(60)
    assert spread == pytest.approx(data.std(), rel=0.12)


def test_drawn_alike_by_the_same_seed() -> None:
    for model in ("gbm", "jump", "bootstrap", "garch"):
        fitted = fit(model, history(), STEP)  # type: ignore[arg-type]
        one, same, other = (fitted.returns(50, rng(seed)) for seed in (3, 3, 4))
        assert np.array_equal(one, same) and not np.array_equal(one, other)


def test_jumps_are_told_from_usual_moves() -> None:
    data = history(size=40_000)
    at = rng(5).choice(40_000, 200, replace=False)
    data[at] += rng(6).normal(0, 0.05, 200)
    found = fit("jump", data, STEP)
    assert found.sigma == pytest.approx(0.002, rel=0.05)
    assert found.jump_rate == pytest.approx(200 / 40_000, rel=0.2)  # the smallest ones drown in usual moves
    assert found.jump_sigma == pytest.approx(0.05, rel=0.2)
    assert fit("jump", history(), STEP).jump_rate < 0.001


def test_a_bootstrap_repeats_what_followed_what() -> None:
    data = np.arange(1_000) / 1e6
    found = fit("bootstrap", data, STEP)
    centred = np.asarray(found.history)
    drawn = found.returns(20_000, rng(1))
    places = np.searchsorted(centred, drawn)
    assert np.array_equal(centred[places], drawn)  # its own returns and no others
    follows = float(np.mean((places[1:] - places[:-1]) % 1_000 == 1))
    assert follows == pytest.approx(1 - 1 / found.block, abs=0.01)
    assert found.block == pytest.approx(25)  # a fortieth of the history: less than a day of it


def test_garch_finds_its_own_parameters() -> None:
    told = Fitted("garch", STEP, 0.002, garch=(4e-7, 0.08, 0.82, 6.0))
    found = fit("garch", told.returns(20_000, rng(8)), STEP)
    omega, alpha, beta, nu = found.garch
    assert alpha == pytest.approx(0.08, abs=0.025) and beta == pytest.approx(0.82, abs=0.06)
    assert omega / (1 - alpha - beta) == pytest.approx(4e-6, rel=0.15)
    assert nu == pytest.approx(6, abs=1.2)
    calm = told.returns(20_000, rng(9))
    later = np.abs(calm[1:])[np.abs(calm[:-1]) > 0.006].mean()
    assert later > 1.15 * np.abs(calm).mean()  # a large move is followed by large ones


def test_a_year_of_it() -> None:
    assert fit("gbm", history(sigma=0.002, size=50_000), STEP).per_year == pytest.approx(
        0.002 * math.sqrt(365 * 144), rel=0.02
    )


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        ("gbm", history()[:199], "model"),
        ("garch", history()[:999], "model"),
        ("brownian", history(), "model"),
        ("gbm", np.append(history(), np.nan), "history"),
        ("jump", np.zeros(500), "history"),
    ],
)
def test_histories_that_say_nothing(model: str, data: np.ndarray, field: str) -> None:
    with pytest.raises(BadInput) as caught:
        fit(model, data, STEP)  # type: ignore[arg-type]
    assert caught.value.field == field
