"""Stated intervals hold the truth as often as they say, over generated worlds whose parameters are known.

A world is a history drawn from known parameters. A model is fitted to it as a stress does, its futures are played by the
float kernel, and the 90 % interval of what is kept is stated; then one more future is drawn from the truth itself.
The few worlds here hold the machinery; `make test-long` plays a thousand of each and holds the figures of docs/methods.md.
"""

from __future__ import annotations

import math
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tidemill.studies.arrange import Arrangement, arrange
from tidemill.studies.backtest import Backtest
from tidemill.studies.joint import Joint, fit_joint
from tidemill.studies.luck import judge
from tidemill.studies.overfit import deflated_sharpe, overfit_probability, sharpe
from tidemill.studies.prepare import prepare
from tidemill.studies.processes import DAYS_SPREAD, Fitted
from tidemill.studies.reduction import reduced
from tidemill.studies.risk.beta import shrunk
from tidemill.studies.stress_hours import Player, fitted
from tidemill.studies.study import load_study
from tidemill.units.kernels import is_jit

EXAMPLES = Path(__file__).parents[2] / "examples"
HOURS, FUTURES = 168, 99
"""A week; with 99 futures the 5th lowest and the 5th highest bound 90 % exactly."""

jitted = pytest.mark.skipif(not is_jit(), reason="millions of hours, in Python")
long = pytest.mark.long


@cache
def loop() -> Arrangement:
    backtest = Backtest(prepare(load_study(EXAMPLES / "leveraged_staking.toml")))
    return arrange(backtest, backtest.play(), HOURS, 24, partial(fitted, "gbm", {}, None), ())


@cache
def lp(study: Path) -> Arrangement:
    backtest = Backtest(prepare(load_study(study)))
    found = arrange(backtest, backtest.play(), HOURS, 24, partial(fitted, "gbm", {}, None), ())
    return msgspec.structs.replace(found, setup=found.setup._replace(width=2_000, cooldown=24))


def truth(kind: str, rng: np.random.Generator) -> Fitted:
    """Parameters of one world, per hour: 20 to 150 % a year, and for jumps one in one to eight days."""
    sigma = math.exp(rng.uniform(math.log(0.2), math.log(1.5))) / math.sqrt(8_760)
    if kind == "gbm":
        return Fitted("gbm", 3_600, sigma)
    return Fitted("jump", 3_600, sigma, jump_rate=1 / rng.uniform(24, 200), jump_sigma=sigma * rng.uniform(6, 12))


class DayByDay(Joint, frozen=True):
    """Normal moves of which every day has its own size, lognormal about the usual one as days differ in life."""

    def returns(self, hours: int, rng: np.random.Generator) -> Any:
        drawn, sigma = super().returns(hours, rng), self.each[0].sigma
        sizes = np.repeat(np.exp(rng.normal(0.0, math.sqrt(DAYS_SPREAD) / 2, -(-hours // 24))), 24)[:hours, None]
        return (drawn + sigma**2 / 2) * sizes - (sigma * sizes) ** 2 / 2


LOOKS, DAY_LOOKS = 600, 143
"""Seconds between two looks, and how many of a day's moves are seen between them."""


def short_covered(arranged: Arrangement, worlds: int, *, alike: bool) -> float:
    """The same after one day of looks, which get normal moves of drawn size; ``alike``: all days are of one size."""
    inside = 0
    for world in range(worlds):
        rng = np.random.default_rng([world, DAY_LOOKS])
        sigma = truth("gbm", rng).sigma * (0.05 if arranged.kind == "loop" else 1.0)
        size = 1.0 if alike else math.exp(rng.normal(0.0, math.sqrt(DAYS_SPREAD) / 2))
        seen = rng.normal(0.0, sigma * size / math.sqrt(3_600 / LOOKS), DAY_LOOKS)
        found = fit_joint("bootstrap", ["A"], seen, LOOKS, {})
        assert found.model == "gbm"
        stated = np.sort(keep(arranged, found, f"stated {world}", FUTURES))
        real = (Joint if alike else DayByDay)(("A",), "gbm", (Fitted("gbm", 3_600, sigma),), np.eye(1))
        inside += bool(stated[4] <= keep(arranged, real, f"truth {world}", 1)[0] <= stated[-5])
    return inside / worlds


def keep(arranged: Arrangement, model: Any, seed: str, count: int) -> Any:
    one = Player(msgspec.structs.replace(arranged, model=model), (), HOURS, "fast", None, seed)
    parts = []
    for first in range(0, count, 50):
        arrays, _ = one.draw(first, min(50, count - first))
        parts.append(one._run(one.fast, arrays)[0][:, 0])
    return np.concatenate(parts)


def covered(arranged: Arrangement, kind: str, model: Any, size: int, worlds: int) -> float:
    """Part of the worlds in which the truth lies in the stated interval."""
    inside = 0
    scale = 0.05 if arranged.kind == "loop" else 1.0  # a staking token walks less
    for world in range(worlds):
        rng = np.random.default_rng([world, size])
        known = truth(kind, rng)
        known = Fitted(known.model, 3_600, known.sigma * scale, known.jump_rate, known.jump_sigma * scale)
        history = known.returns(size, rng)
        found = fit_joint(model, ["A"], history, 3_600, {})
        stated = np.sort(keep(arranged, found, f"stated {world}", FUTURES))
        real = fit_joint("gbm", ["A"], history, 3_600, {})
        drawn = keep(arranged, type(real)(real.names, kind, (known,), real.correlation), f"truth {world}", 1)[0]
        inside += bool(stated[4] <= drawn <= stated[-5])
    return inside / worlds


CASES = [
    ("gbm", "gbm", 200), ("gbm", "gbm", 2_000), ("gbm", "bootstrap", 200), ("gbm", "bootstrap", 2_000),
    ("jump", "jump", 2_000), ("jump", "bootstrap", 2_000),
]  # fmt: skip


@jitted
@pytest.mark.parametrize("what", ["loop", "range"])
def test_a_few_worlds(what: str, study: Path) -> None:
    """Three standard errors of 120 worlds are 8 points."""
    found = covered(loop() if what == "loop" else lp(study), "gbm", "gbm", 1_000, 120)
    assert 0.82 < found < 0.97


@long
@jitted
@pytest.mark.parametrize("what", ["loop", "range"])
@pytest.mark.parametrize(("kind", "model", "size"), CASES)
def test_a_thousand_worlds(what: str, kind: str, model: str, size: int, study: Path) -> None:
    found = covered(loop() if what == "loop" else lp(study), kind, model, size, 1_000)
    print(f"{what}, truth {kind}, model {model}, {size} returns: {found:.1%}")
    assert 0.87 <= found <= 0.93


@jitted
def test_a_wild_future_is_measured_by_its_own_variance(study: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    """A future of three times the moves is traded as one of a market that is known to move so."""
    found, base = lp(study), Fitted("gbm", 3_600, 0.01, freedom=20.0)
    paths = msgspec.structs.replace(found.paths, variance=1e-4)
    unsure = msgspec.structs.replace(found, model=Joint(("A",), "gbm", (base,), np.eye(1)), paths=paths)
    known = msgspec.structs.replace(
        unsure,
        model=Joint(("A",), "gbm", (base.sized(3.0),), np.eye(1)),
        paths=msgspec.structs.replace(paths, variance=9e-4),
    )
    monkeypatch.setattr(Fitted, "size", lambda *_: 3.0)
    drawn = [Player(one, (), HOURS, "fast", None, "wild").draw(0, 2)[0] for one in (unsure, known)]
    for seen, wanted in zip(*drawn, strict=True):
        assert np.allclose(seen, wanted, rtol=1e-12)


@jitted
def test_a_few_worlds_after_one_day(study: Path) -> None:
    assert 0.82 < short_covered(lp(study), 60, alike=False) <= 1
    assert short_covered(lp(study), 30, alike=True) > 0.85


@long
@jitted
@pytest.mark.parametrize("alike", [False, True])
@pytest.mark.parametrize("what", ["loop", "range"])
def test_a_thousand_worlds_after_one_day(what: str, alike: bool, study: Path) -> None:
    found = short_covered(loop() if what == "loop" else lp(study), 1_000, alike=alike)
    print(f"{what}, one day of looks, days {'alike' if alike else 'unlike'}: {found:.1%}")
    assert 0.87 <= found <= (1.0 if alike else 0.95)


@cache
def many(count: int) -> tuple[Any, Any]:
    """What a loop keeps in many futures, and their controls."""
    one = Player(loop(), (), HOURS, "fast", None, "mean")
    kept, drawn = [], []
    for first in range(0, count, 50):
        arrays, _ = one.draw(first, 50)
        kept.append(one._run(one.fast, arrays)[0][:, 0] * loop().scale * 1_000)
        drawn += one.controls
    return np.concatenate(kept), np.array(drawn)


def mean_covered(size: int, count: int) -> tuple[float, float]:
    """How often a mean of ``size`` futures and its error hold the mean of all: plainly, and by controls, 90 %."""
    kept, drawn = many(count)
    known = kept.mean()
    better = reduced(kept, drawn, "plain")
    assert better is not None
    plain = controlled = 0
    for at in range(0, count, size):
        part = kept[at : at + size]
        plain += abs(part.mean() - known) < 1.645 * part.std(ddof=1) / math.sqrt(size)
        one = reduced(part, drawn[at : at + size], "plain")
        assert one is not None
        controlled += abs(one.mean - better.mean) < 1.645 * one.error
    return plain / (count // size), controlled / (count // size)


@jitted
def test_the_error_of_a_mean_in_a_few() -> None:
    plain, controlled = mean_covered(100, 10_000)
    assert 0.81 < plain < 0.99 and 0.81 < controlled < 0.99


@long
@jitted
def test_the_error_of_a_mean_in_a_thousand() -> None:
    plain, controlled = mean_covered(100, 100_000)
    print(f"mean, plain {plain:.1%}, controls {controlled:.1%}")
    assert 0.87 <= plain <= 0.93 and 0.87 <= controlled <= 0.93


def chances_covered(worlds: int) -> float:
    """A chance drawn from what is believed without a record, a record drawn from it: the interval of what is believed then."""
    rng = np.random.default_rng(4)
    inside = 0
    for _ in range(worlds):
        rate, weight, years = rng.uniform(0.005, 0.2), rng.uniform(0.5, 5), int(rng.integers(0, 30))
        before = shrunk(rate, weight)
        chance = rng.beta(before.a, before.b)
        after = shrunk(rate, weight, int(rng.binomial(years, chance)), years)
        inside += 0.05 <= after.below(chance) <= 0.95
    return inside / worlds


def test_intervals_of_chances() -> None:
    """`below` of the truth is within 5 and 95 %, which is what lying between the quantiles means: of 4,000."""
    assert 0.885 < chances_covered(4_000) < 0.915


def believed(worlds: int, variants: int = 40, steps: int = 250) -> tuple[float, float, float]:
    """Worthless variants only: how often the best is believed at 95 % (deflated, and not), and the mean overfit probability."""
    naive = deflated = 0
    overfit = []
    for world in range(worlds):
        gains = np.random.default_rng([9, world]).normal(0.0, 0.01, (variants, steps))
        ratios = sharpe(gains)
        best = int(np.argmax(ratios))
        deflated += deflated_sharpe(gains[best], [float(one) for one in ratios]) > 0.95
        naive += deflated_sharpe(gains[best], [0.0]) > 0.95
        overfit.append(overfit_probability(gains))
    assert judge(gains, best, variants)[0] is not None
    return naive / worlds, deflated / worlds, float(np.mean(overfit))


def test_luck_is_not_believed_in_a_few() -> None:
    naive, deflated, overfit = believed(60)
    assert naive > 0.6 and deflated < 0.06 and 0.44 < overfit < 0.56


@long
def test_luck_is_not_believed_in_a_thousand() -> None:
    naive, deflated, overfit = believed(1_000)
    print(f"luck: naive {naive:.1%}, deflated {deflated:.1%}, overfit {overfit:.1%}")
    assert naive > 0.8 and deflated < 0.02 and 0.47 < overfit < 0.53
