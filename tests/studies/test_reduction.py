"""Control variates, mirrored and even draws: the mean stays, the error said is the error there is, and it is smaller."""

from __future__ import annotations

import math
from datetime import UTC, datetime, timedelta
from functools import cache, partial
from itertools import pairwise
from pathlib import Path
from typing import Any

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.arrange import Arrangement, arrange
from tidemill.studies.backtest import Backtest
from tidemill.studies.joint import Joint, fit_joint
from tidemill.studies.prepare import prepare
from tidemill.studies.processes import Fitted, fit
from tidemill.studies.reduction import expected_returns, mean_return, reduced
from tidemill.studies.stress import stress
from tidemill.studies.stress_hours import Player, fitted
from tidemill.studies.study import load_study
from tidemill.units.kernels import is_jit

EXAMPLES = Path(__file__).parents[2] / "examples"
HOURS, PATHS = 720, 12_000

jitted = pytest.mark.skipif(not is_jit(), reason="millions of hours, in Python")


@cache
def ready() -> Arrangement:
    backtest = Backtest(prepare(load_study(EXAMPLES / "leveraged_staking.toml")))
    return arrange(backtest, backtest.play(), HOURS, 24, partial(fitted, "gbm", {}, None), ())


@cache
def drawn(draws: Any) -> tuple[Any, Any]:
    """What is kept in many futures of a month, thousandths of micro-units, and their controls."""
    player = Player(ready(), (), HOURS, "fast", None, "reduction", draws)
    keep, found = [], []
    for first in range(0, PATHS, 50):
        arrays, _ = player.draw(first, 50)
        keep.append(player._run(player.fast, arrays)[0][:, 0] * ready().scale * 1_000)  # so that rounding is nothing
        found += player.controls
    return np.concatenate(keep), np.array(found)


@jitted
@pytest.mark.parametrize(("draws", "gain"), [("plain", 10.0), ("pairs", 10.0), ("even", 10.0)])
def test_the_mean_stays_and_its_error_is_what_it_says(draws: Any, gain: float) -> None:
    """Sixty estimates from 200 futures each, against the plain mean of 12,000 independent ones."""
    keep, found = drawn(draws)
    plain, _ = drawn("plain")
    size = 200
    estimates = [reduced(keep[at : at + size], found[at : at + size], draws) for at in range(0, PATHS, size)]
    means = np.array([one.mean for one in estimates if one])
    assert len(means) == PATHS // size
    spread = means.std(ddof=1)
    error = math.hypot(spread / math.sqrt(len(means)), plain.std(ddof=1) / math.sqrt(PATHS))
    assert abs(means.mean() - plain.mean()) < 3 * error
    measured = plain.std(ddof=1) / math.sqrt(size) / spread
    assert measured > gain
    # A deviation of sixty is known to 9 %. What is left over is mostly rare (a guard that acts), so that 200 futures tell
    # their own error too small, by a fifth here; all of them together tell it right
    whole = reduced(keep, found, draws)
    assert whole is not None
    near = 0.5 if draws == "even" else 0.25  # twenty shifts tell a deviation to 16 % at best
    assert whole.error * math.sqrt(PATHS / size) == pytest.approx(spread, rel=near)
    assert whole.gain_percent / 100 == pytest.approx(measured, rel=near)
    assert np.mean([one.error for one in estimates if one]) == pytest.approx(0.8 * spread, rel=0.25)


@jitted
def test_mirrored_futures_help_without_controls_too() -> None:
    """Two mirrored futures say far more than two; and each alone is a future like any other."""
    plain, _ = drawn("plain")
    mirrored, _ = drawn("pairs")
    even, _ = drawn("even")
    for keep in (mirrored, even):
        assert keep.std(ddof=1) == pytest.approx(plain.std(ddof=1), rel=0.05)
        assert np.quantile(keep, 0.05) == pytest.approx(np.quantile(plain, 0.05), abs=0.1 * plain.std())
    pairs = mirrored.reshape(-1, 2).mean(axis=1).std(ddof=1) * math.sqrt(2)
    assert plain.std(ddof=1) / pairs > 10


@jitted
def test_even_futures_help_where_the_end_of_the_price_decides() -> None:
    """A farm's pair stands where its price ends; a staking token comes back from there, and even draws gain nothing."""
    backtest = Backtest(prepare(load_study(EXAMPLES / "farm_compound.toml")))
    found = arrange(backtest, backtest.play(), HOURS, 24, partial(fitted, "gbm", {}, None), ())
    keep = {}
    for draws in ("plain", "even"):
        player, size = Player(found, (), HOURS, "fast", None, "even", draws), 2_000  # type: ignore[arg-type]
        parts = [player._run(player.fast, player.draw(first, 50)[0])[0][:, 0] for first in range(0, size, 50)]
        keep[draws] = np.concatenate(parts).reshape(-1, 100)
    means = {draws: values.mean(axis=1).std(ddof=1) for draws, values in keep.items()}
    assert keep["even"].std() == pytest.approx(keep["plain"].std(), rel=0.1)
    assert means["plain"] / means["even"] > 1.15


@jitted
def test_the_price_in_home_is_expected_to_stay(study: Path) -> None:
    """Home is the pool's token0: the price drawn is that of token1 in it, so that holding brings nothing on average."""
    backtest = Backtest(prepare(load_study(study)))
    found = arrange(backtest, backtest.play(), 2_000, 24, partial(fitted, "gbm", {}, None), ())
    one = Player(found, (), 2_000, "fast", None, "home")
    assert found.setup.home0 and found.model.names == ("WETH/USDC",)
    ends = np.concatenate([one.draw(first, 50)[0][0][:, -1].copy() for first in range(0, 2_000, 50)])
    ratio = (found.paths.start / ends) ** 2  # type: ignore[attr-defined]
    assert abs(ratio.mean() - 1) < 3 * ratio.std(ddof=1) / math.sqrt(len(ratio))
    assert (1 / ratio).mean() - 1 > 3 * ratio.std(ddof=1) / math.sqrt(len(ratio))  # and the inverse rises


@jitted
def test_errors_shrink_with_the_root_of_the_number() -> None:
    keep, found = drawn("plain")
    for sizes, estimate in (
        ((50, 200, 800), lambda at: keep[at].mean()),
        ((100, 400), lambda at: reduced(keep[at], found[at], "plain").mean),  # type: ignore[union-attr]
    ):
        spread = [np.std([estimate(slice(at, at + n)) for at in range(0, PATHS - n + 1, n)], ddof=1) for n in sizes]
        for one, next_ in pairwise(spread):
            assert one / next_ == pytest.approx(2, rel=0.35)


@pytest.mark.parametrize("model", ["gbm", "jump", "bootstrap", "garch", "regime"])
def test_what_a_return_is_expected_to_be(model: Any) -> None:
    """The mean of very many drawn returns, within three standard errors; of one price and of two together."""
    rng = np.random.default_rng(3)
    if model == "garch":
        one = Fitted("garch", 3_600, 0.02, garch=(4e-5, 0.08, 0.82, 6.0))
    elif model == "regime":
        one = Fitted("regime", 3_600, 0.02, regimes=((0.01, 0.98), (0.05, 0.9)))
    elif model == "jump":
        one = Fitted("jump", 3_600, 0.02, jump_rate=0.02, jump_sigma=0.2)
    else:
        one = fit(model, rng.normal(0.001, 0.02, 2_000), 3_600)
    means = np.array([one.returns(500, np.random.default_rng(100 + k)).mean() for k in range(1_500)])
    assert abs(means.mean() - mean_return(one)) < 3 * means.std(ddof=1) / math.sqrt(len(means))
    assert mean_return(one) < -1e-5
    if model in ("garch", "regime"):
        return
    moved = rng.multivariate_normal([0, 0], [[4e-4, 2e-4], [2e-4, 9e-4]], 2_000)
    moved[::50] *= 8
    both: Joint = fit_joint(model, ["A", "B"], moved, 3_600, {})
    means = np.array([both.returns(500, np.random.default_rng(k)).mean(axis=0) for k in range(1_500)])
    off = np.abs(means.mean(axis=0) - expected_returns(both))
    assert (off < 3.3 * means.std(axis=0, ddof=1) / math.sqrt(len(means))).all()


@jitted
@pytest.mark.parametrize("shocks", [(), ("crash:30", "reward:90")])
def test_a_study_says_its_gain(shocks: tuple[str, ...]) -> None:
    """Shocks move what is kept and not the controls, so that they serve there too."""
    found = stress(
        EXAMPLES / "farm_compound.toml", worlds=400, model="gbm", days=60, tier="fast", shocks=shocks
    ).document
    assert found.reduced is not None and found.reduced.controls == 10
    assert abs(found.reduced.mean - found.mean) < 3 * found.mean_error
    assert found.reduced.error * 2 < found.mean_error
    exact = stress(EXAMPLES / "farm_compound.toml", worlds=400, model="gbm", days=60, tier="exact", shocks=shocks)
    assert exact.document.reduced is not None
    assert exact.document.reduced.mean == pytest.approx(found.reduced.mean, abs=found.capital_value / 10_000)


def test_too_few_futures_have_no_controls() -> None:
    rng = np.random.default_rng(1)
    assert reduced(rng.normal(size=39), rng.normal(size=(39, 1)), "plain") is None
    assert reduced(rng.normal(size=40), rng.normal(size=(40, 1)), "plain") is not None
    assert reduced(np.ones(400), rng.normal(size=(400, 1)), "plain") is None


@pytest.mark.parametrize(
    ("draws", "asked", "said"),
    [
        ("even", {"model": "jump", "history": True}, "need gbm"),
        ("pairs", {"model": "bootstrap", "history": True}, "no mirror"),
        ("pairs", {"tier": "markets"}, "add --tier fast"),
    ],
)
def test_draws_that_a_model_has_not(draws: Any, asked: dict[str, Any], said: str, tmp_path: Path) -> None:
    table = tmp_path / "prices.csv"
    prices = np.exp(np.cumsum(np.random.default_rng(1).normal(0, 0.01, (1_500, 2)), axis=0))
    first = datetime(2024, 1, 1, tzinfo=UTC)
    lines = [f"{first + timedelta(hours=n):%Y-%m-%dT%H:%M:%S},{a:.8f},{b:.8f}" for n, (a, b) in enumerate(prices)]
    table.write_text("\n".join(["time,WETH,SUSHI", *lines]))
    if asked.pop("history", None):
        asked["history"] = table
    with pytest.raises(BadInput, match=said):
        stress(EXAMPLES / "farm_compound.toml", worlds=10, days=2, draws=draws, **{"tier": "fast", **asked})
