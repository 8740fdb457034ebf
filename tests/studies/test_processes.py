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
    fitted = fit(model, data, STEP).sized(1.5)  # type: ignore[arg-type]
    ends = np.array([np.exp(fitted.returns(60, rng(10_000 + seed)).sum()) for seed in range(4_000)])
    assert abs(ends.mean() - 1) < 3 * ends.std(ddof=1) / math.sqrt(len(ends))
    spread = np.log(ends).std() / math.sqrt(60)
    assert spread == pytest.approx(1.5 * data.std(), rel=0.12)


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
    for size in (1.0, 2.5):  # of any size, the price is expected to stay
        assert np.exp(found.sized(1_000 * size).history).mean() == pytest.approx(1, abs=1e-12)
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


@pytest.mark.parametrize("model", ["gbm", "jump", "bootstrap"])
def test_a_short_history_gets_normal_moves_of_drawn_size(model: str) -> None:
    found = fit(model, history(size=150), 3_600)  # type: ignore[arg-type]
    assert (found.model, found.asked) == ("gbm", "" if model == "gbm" else model)
    sizes = np.array([found.size(rng(seed)) for seed in range(4_000)])
    low, high = (bound / found.per_year for bound in found.per_year_range)
    assert np.mean((low < sizes) & (sizes < high)) == pytest.approx(0.9, abs=0.015)
    assert found.sized(2.0).size(rng(1)) == 1  # a future knows how large its own moves are


def test_how_well_a_history_tells_its_variance() -> None:
    """Of normal returns as well as their number says; fat tails and calms that last tell less, a day little of others."""
    normal, fat = rng(3).normal(0, 0.01, 4_000), rng(3).standard_t(5, 4_000) * 0.01
    calms = normal * np.repeat(np.exp(rng(4).normal(0, 0.5, 80)), 50)
    assert 0.75 * 4_000 < fit("gbm", normal, 3_600).freedom < 4_000
    means = [np.mean(rng(seed).standard_t(5, 4_000) ** 2) for seed in range(100, 600)]
    worth = 2 * (np.mean(means) / np.std(means)) ** 2
    assert worth / 2 < fit("gbm", fat, 3_600).freedom < 2 * worth
    assert fit("gbm", calms, 3_600).freedom < 0.25 * fit("gbm", rng(5).permutation(calms), 3_600).freedom
    day = fit("gbm", normal[:143], STEP)
    assert day.freedom == 3 and any("1.0 days show nothing of others" in line for line in day.diagnostics)
    assert fit("gbm", normal[:143], 7_200).freedom > 50


def test_blocks_of_a_short_history_are_as_wide_as_it() -> None:
    """Sums over many drawn steps: their variance is that of the truth, on average over many histories."""
    ratios = []
    for seed in range(400):
        found = fit("bootstrap", rng(seed).normal(0, 0.01, 200), 3_600)
        drawn = found.returns(8_000, rng(10_000 + seed)).reshape(-1, 80).sum(axis=1)
        ratios.append(drawn.var() / (80 * 0.01**2))
    assert np.mean(ratios) == pytest.approx(1, abs=3 * np.std(ratios) / math.sqrt(len(ratios)))
    assert 3 * np.std(ratios) / math.sqrt(len(ratios)) < 0.04  # without the correction it is 0.05 too small


@pytest.mark.parametrize(
    ("model", "data", "field"),
    [
        ("gbm", history()[:29], "model"),
        ("bootstrap", history()[:29], "model"),
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
