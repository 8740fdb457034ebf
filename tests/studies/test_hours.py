"""Drawn hours through kernels: floats against their exact twins, closed forms, shocks, and the same for any workers."""

from __future__ import annotations

import math
from functools import cache, partial
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.studies.arrange import Arrangement, arrange, turnover
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.stress import stress
from tidemill.studies.stress_document import stopped_words
from tidemill.studies.stress_hours import Player, fitted
from tidemill.studies.study import load_study
from tidemill.studies.unrest import forced_hours
from tidemill.units.kernels import is_jit

EXAMPLES = Path(__file__).parents[2] / "examples"
KINDS = ("range_reset", "leveraged_staking", "farm_compound")
KEEP = 0
HOURS, EVERY = 720, 7

pytestmark = pytest.mark.skipif(not is_jit(), reason="hundreds of thousands of hours, in Python")


SMALL: list[Path] = []
"""The study of two days of a pool: a range in it is soon arranged."""


@pytest.fixture(autouse=True)
def _small(study: Path) -> None:
    SMALL[:] = [study]


def path_of(name: str) -> Path:
    return SMALL[0] if name == "range_reset" else EXAMPLES / f"{name}.toml"


@cache
def played(name: str) -> tuple[Backtest, Any]:
    backtest = Backtest(prepare(load_study(path_of(name))))
    return backtest, backtest.play()


@cache
def ready(name: str, *shocks: str) -> Arrangement:
    """A study arranged for thirty days, played exactly once for its costs."""
    found = arrange(*played(name), HOURS, EVERY, partial(fitted, "gbm", {}, None), parse_shocks(shocks))
    if name == "range_reset":  # so that it is reset now and then, and not every hour
        found = msgspec.structs.replace(found, setup=found.setup._replace(width=2_000, cooldown=24))
    return found


def player(name: str, *shocks: str, tier: Any = "fast", forced: int | None = None, seed: str = "test") -> Player:
    return Player(ready(name, *shocks), parse_shocks(shocks), HOURS, tier, forced, seed)


def both(name: str, *shocks: str, count: int = 200, native: float | None = None) -> tuple[Any, Any, Arrangement]:
    """Play the same futures in floats and exactly; what comes out of both. ``native``: wei in the wallet, if not the study's."""
    one, found = player(name, *shocks), ready(name, *shocks)
    if native is not None:
        one.arranged = found = msgspec.structs.replace(found, setup=found.setup._replace(native=native))
    outs: list[list[Any]] = [[], []]
    for first in range(0, count, 50):
        arrays, _ = one.draw(first, min(50, count - first))
        for out, kernel in zip(outs, (one.fast, one.exact), strict=True):
            out.append(one._run(kernel, arrays)[0])
    fast, exact = (np.concatenate(out) for out in outs)
    return fast, exact, found


@pytest.mark.parametrize(
    ("name", "most"),
    # bps of capital. A farm harvests when it pays: a rounding can put that off by an hour
    [("range_reset", 0.01), ("leveraged_staking", 0.0001), ("farm_compound", 3.0)],
)
def test_floats_are_near_their_exact_twin(name: str, most: float) -> None:
    """On 200 paths: what is kept, to a part of a basis point of the capital; and every count is the same."""
    fast, exact, found = both(name)
    off = np.abs(fast[:, KEEP] - exact[:, KEEP]) / found.capital * 10_000
    assert off.max() < most and off.mean() < most / 10
    assert exact[:, KEEP].std() > found.capital / 10_000  # these are not all the same
    for row in found.rows:
        size = np.abs(exact[:, row.column]).max()
        assert np.abs(fast[:, row.column] - exact[:, row.column]).max() <= max(1e-3 * size, 1e-6 * found.capital), (
            row.key
        )


@pytest.mark.parametrize(
    ("name", "shocks"),
    [
        ("range_reset", ("crash:40", "sequencer:48", "sandwich:80")),
        ("range_reset", ("frozen:10", "depeg:usde2025", "l1:1280")),
        ("leveraged_staking", ("depeg:35", "sandwich")),
        ("leveraged_staking", ("bridge:27.3", "frozen:30")),
        ("farm_compound", ("reward:90", "crash:50", "sandwich:100")),
    ],
)
def test_under_shocks_too(name: str, shocks: tuple[str, ...]) -> None:
    fast, exact, found = both(name, *shocks, count=50)
    off = np.abs(fast[:, KEEP] - exact[:, KEEP]) / found.capital * 10_000
    assert off.max() < 3.0
    calm, _, _ = both(name, count=50)
    assert fast[:, KEEP].mean() < calm[:, KEEP].mean()
    if name == "leveraged_staking":
        # a depeg takes hours, so that the guard unwinds in time; a bridge fails at once
        liquidated = fast[:, found.liquidated] > 0
        assert (fast[:, found.liquidated] == exact[:, found.liquidated]).all()
        assert liquidated.any() == ("bridge:27.3" in shocks) and not calm[:, found.liquidated].any()


@pytest.mark.parametrize(
    ("name", "shocks", "entering", "more"),
    # so many resets (ten as dear in a crash), rounds down or harvests are there beside what entering costs
    [
        ("range_reset", ("crash:40",), ("mint_wei", "swap_wei"), 11.2),
        ("leveraged_staking", ("depeg:35",), ("enter_wei",), 5.0),
        ("farm_compound", ("fees:10",), ("work_wei",), 3.5),
    ],
)
def test_who_cannot_pay_the_network_stops_acting(
    name: str, shocks: tuple[str, ...], entering: tuple[str, ...], more: float, capsys: Any
) -> None:
    """On 200 paths with a lean wallet: both twins leave the same undone, and nobody loses more than was brought."""
    found = ready(name, *shocks)
    p, times = found.setup, 10 if name == "farm_compound" else 1
    acts = {
        "range_reset": ("close_wei", "mint_wei", "swap_wei"),
        "leveraged_staking": ("unwind_wei",),
        "farm_compound": ("work_wei",),
    }
    lean = times * (sum(getattr(p, key) for key in entering) + more * sum(getattr(p, key) for key in acts[name]))
    fast, exact, _ = both(name, *shocks, native=lean)
    rich, _, _ = both(name, *shocks, count=50, native=lean * 1_000)
    short = fast[:, found.short] > 0
    off = np.abs(fast[:, KEEP] - exact[:, KEEP]) / found.capital * 10_000
    with capsys.disabled():
        print(f"\n{name}: {short.sum()} of 200 cannot pay; floats off by {off.mean():.6f} bps, {off.max():.6f} at most")
    assert (fast[:, found.short] == exact[:, found.short]).all()
    assert off.max() < 3.0 and off.mean() < 0.3
    assert short.sum() > 20 and not (rich[:, found.short] > 0).any()
    if name == "leveraged_staking":  # who cannot unwind is liquidated
        assert fast[:, found.liquidated].all() and not rich[:, found.liquidated].any()
    else:
        assert short.sum() < 180
    assert (fast[:, -2] >= -1).all() and (exact[:, -2] >= -1).all()  # nobody falls below nothing


@pytest.mark.parametrize("name", KINDS)
def test_who_cannot_pay_to_enter_holds(name: str) -> None:
    fast, exact, found = both(name, count=50, native=1_000.0)
    assert (fast[:, found.short] >= 1).all() and (fast[:, found.short] == exact[:, found.short]).all()
    for out in (fast, exact):
        rows = {row.key: out[:, row.column] for row in found.rows}
        assert not any(rows[key].any() for key in rows if key not in ("holding", "network"))
        assert rows["network"].max() <= 1_000 * found.setup.native_price + 1
        sold = 2e-3 if name == "range_reset" else 1e-9  # what a range leaves in the wallet is sold at the end
        assert np.abs(out[:, KEEP] - rows.get("holding", 0.0)).max() <= sold * found.capital


def test_a_loss_ends_with_what_was_brought(tmp_path: Path) -> None:
    """Fees that eat the wallet: the study is played for its costs with plenty, and its futures with what it has."""
    text = (EXAMPLES / "farm_compound.toml").read_text().replace('ETH = "0.05"', 'ETH = "0.0001"')
    (tmp_path / "poor.toml").write_text(text)
    found = stress(tmp_path / "poor.toml", worlds=60, days=30, tier="fast", shocks=("fees:30",)).document
    calm = stress(EXAMPLES / "farm_compound.toml", worlds=60, days=30, tier="fast").document
    assert calm.stopped == {} and found.stopped == {"short": 60}
    assert stopped_words(found) == [
        "in 60 of 60 futures the wallet could not pay the network for what was to be done, so it was left undone"
    ]
    costs = next((cause.low for cause in found.causes if cause.key == "network"), 0)
    assert -400_000 <= costs <= 0  # micro-USDC: 0.0001 ETH, at most a third dearer than at 3,000
    struck = stress(EXAMPLES / "leveraged_staking.toml", worlds=60, days=20, tier="fast", shocks=("bridge:60",))
    assert struck.document.stopped["gone"] > 30
    assert all(row["keep"] >= -row["capital"] - 1 for row in struck.rows)


def test_the_same_for_any_number_of_workers() -> None:
    found = ready("leveraged_staking")
    one = Player(found, (), HOURS, "fast", None, "workers")
    whole = one.play((0, 40))["out"]
    again = Player(found, (), HOURS, "fast", None, "workers")
    again.play((100, 50))  # memory that has been used before
    parts = again.play((0, 13))["out"] + again.play((13, 27))["out"]
    assert whole == parts
    assert msgspec.json.decode(msgspec.json.encode(whole)) == whole  # as it comes back from notes
    assert Player(found, (), HOURS, "fast", None, "others").play((0, 40))["out"] != whole


def test_turnover_of_arbitrage_is_that_of_a_pool_seen_once_a_block() -> None:
    """A pool held within its fee of a walk, block by block, moves as far as the formula says."""
    rng = np.random.default_rng(5)
    for fee, block, hourly in ((5e-4, 2.0, 0.006), (3e-3, 12.0, 0.01), (5e-4, 12.0, 0.004)):
        blocks = 400_000
        outside = np.cumsum(rng.normal(0, hourly * math.sqrt(block / 3_600), blocks)).tolist()
        pool = moved = 0.0
        for price in outside:
            target = min(max(pool, price - fee), price + fee)
            moved += abs(target - pool)
            pool = target
        told = float(turnover(hourly**2, fee, block)) * blocks * block / 3_600
        assert moved == pytest.approx(told, rel=0.04)


def test_a_range_without_trades_loses_what_the_closed_form_says() -> None:
    """No fee, no costs: keep minus holding is the v3 divergence of the path's end, whatever the way there."""
    from tidemill.studies.fast import range_lp

    p = ready("range_reset").setup._replace(
        have0=1e10, have1=0.0, fee=0.0, swap_wei=0.0, mint_wei=0.0, close_wei=0.0, trigger=90_000, depth=1e23, width=600
    )
    start = 1.0001 ** (195_000.5 / 2)
    rng = np.random.default_rng(3)
    ends = rng.normal(0, 0.02, 50)
    roots = start * np.exp(
        np.column_stack([np.linspace(0, end, 25) + (np.arange(25) % 24 > 0) * 0.01 for end in ends]).T / 2
    )
    out, noted = np.zeros((50, range_lp.OUT)), np.zeros((50, 2))
    shape = roots.shape
    range_lp.play(
        p._replace(every=24), roots, np.zeros((50, 24)), np.ones(shape), np.zeros(shape, np.uint8), out, noted
    )
    a, b = (1.0001 ** (tick / 2) for tick in (194_400, 195_600))

    def worth(root: Any, at: float, liquidity: float) -> Any:
        inside = np.clip(root, a, b)
        return liquidity * ((1 / inside - 1 / b) + (inside - a) / root**2)

    liquidity = 1e10 / worth(start, start, 1.0)
    expected = worth(roots[:, -1], start, liquidity) - 1e10
    native = p.native * (1 / roots[:, -1] ** 2 - 1 / start**2)
    assert out[:, range_lp.KEEP] - native == pytest.approx(expected, abs=1e-6 * 1e10)


def test_what_shocks_do_hour_by_hour() -> None:
    from tidemill.studies.weather import ALONE, EVERYBODY, weather

    def sky(*words: str, forced: int | None = None) -> Any:
        return weather(parse_shocks(words), 1_000, np.random.default_rng(1), 0.25, forced)

    crash = sky("crash:30,fees:2")
    at = crash.hour
    assert crash.price[at] == 0 and math.exp(crash.price[at + 1]) == pytest.approx(0.7) == math.exp(crash.price[-1])
    assert crash.gas[at] == 20 and crash.gas[at + 24] == 2 == crash.gas[0]
    assert sky("l1:1280").gas[5] == pytest.approx(0.75 + 0.25 * 1_280)
    depeg = sky("depeg:usde2025")
    assert math.exp(depeg.price.min()) == pytest.approx(1 - 0.3349) and (depeg.price < 0).sum() <= 4
    assert math.exp(sky("depeg:12").price.min()) == pytest.approx(0.88) and sky("depeg:12").price[-1] == 0
    assert (sky("sequencer:48").still == EVERYBODY).sum() == 48
    assert (sky("sequencer:48", forced=12).still == EVERYBODY).sum() == 12
    frozen = sky("frozen:2").still
    assert (frozen == ALONE).sum() == 48 and frozen[-1] == 0 and frozen[-2] == ALONE
    assert sky("exploit:40").taken == pytest.approx(0.4)
    assert sky("reward:90").reward[-1] == pytest.approx(0.1) and sky("reward:90").reward[0] == 1


def test_forced_inclusion_is_the_networks_own() -> None:
    from tidemill import networks

    assert forced_hours(networks.get("op-mainnet")) == 12
    assert forced_hours(networks.get("arbitrum-one")) == 24
    assert forced_hours(networks.get("scroll")) is None


def test_an_exploit_takes_its_part_and_leverage_multiplies_it() -> None:
    for name, part in (("range_reset", 0.25), ("leveraged_staking", 0.875)):
        path = path_of(name)
        calm, struck = (
            stress(path, worlds=20, model="gbm", days=20, tier="fast", shocks=words).document
            for words in ((), ("exploit:25",))
        )
        assert struck.capital_value == calm.capital_value
        row = next(cause for cause in struck.causes if cause.key == "exploit")
        assert row.mean == pytest.approx(-part * (struck.mean - row.mean + struck.capital_value), rel=1e-3)
        assert struck.fan is not None and calm.fan is not None
        assert struck.fan.quantiles["50"][-1] < calm.fan.quantiles["50"][-1]


def test_the_document_of_a_float_stress() -> None:
    found = stress(EXAMPLES / "leveraged_staking.toml", worlds=60, days=30, tier="fast", jobs=1)
    document = found.document
    assert document.tier == "fast" and document.error is not None and document.error.paths == 60
    assert 0 <= document.error.mean_ppb <= document.error.worst_ppb < 1_000
    assert document.model == "gbm" and any("no history to fit bootstrap" in line for line in document.warnings)
    for row in found.rows:
        assert sum(row["rows"].values()) == row["keep"]
    fan = document.fan
    assert fan is not None and fan.seconds[0] == 0 and fan.seconds[-1] <= 30 * 86_400
    assert 90 <= len(fan.seconds) <= 110 and all(len(line) == len(fan.seconds) for line in fan.quantiles.values())
    assert fan.quantiles["5"][-1] < fan.quantiles["50"][-1] < fan.quantiles["95"][-1]
    assert document.annual is not None and document.annual.low < document.annual.usual < document.annual.high
    assert len(set(document.annual.factors)) == len(document.annual.factors)
    exact = stress(EXAMPLES / "leveraged_staking.toml", worlds=60, days=30, tier="exact").document
    assert exact.error is None and exact.mean == pytest.approx(document.mean, abs=10)
    assert set(document.cvar_by_cause) >= {"price", "interest"}


def test_kernels_go_on_where_they_stopped(tmp_path: Path, monkeypatch: Any) -> None:
    path = EXAMPLES / "leveraged_staking.toml"
    whole = stress(path, worlds=120, days=10, tier="fast").document

    def stop(done: int, _todo: int) -> None:
        if done >= 100:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stress(path, worlds=120, days=10, tier="fast", out=tmp_path, progress=stop)
    seen: list[tuple[int, int]] = []
    own = Player.play
    monkeypatch.setattr(Player, "play", lambda self, task: seen.append(task) or own(self, task))
    again = stress(path, worlds=120, days=10, tier="fast", out=tmp_path, resume=True).document
    assert seen == [(100, 20)]
    assert again == whole


@pytest.mark.parametrize(
    ("name", "asked", "said"),
    [
        ("lending", {}, "lend cannot be played by kernels; range_reset, leveraged_staking, farm_compound can"),
        ("leveraged_staking", {"shocks": ("reward:90",)}, "leveraged_staking is paid no reward token"),
        ("leveraged_staking", {"days": 400}, "400 days"),
        ("farm_compound", {"correlations": {("WETH", "OP"): 0.5}}, "the prices drawn here are of WETH, SUSHI"),
        ("range_reset", {"correlations": {("WETH", "USDC"): 0.5}}, "nothing to correlate"),
    ],
)
def test_what_kernels_do_not_play(name: str, asked: dict[str, Any], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        stress(path_of(name), worlds=10, tier="fast", **{"days": 2, **asked})
