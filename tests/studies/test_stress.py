"""Futures are made as asked, each is a whole backtest, and the document says what came of them."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import msgspec
import numpy as np
import pytest

from kit import STUDY, write_study
from tidemill.errors import BadInput
from tidemill.market.data import data_root
from tidemill.studies import stress as stresses
from tidemill.studies.canonical import result_hash
from tidemill.studies.futures import Futures
from tidemill.studies.prepare import prepare
from tidemill.studies.shocks import parse_shocks
from tidemill.studies.stress import stress
from tidemill.studies.study import load_study

EXAMPLES = Path(__file__).parents[2] / "examples"
TICK = math.log(1.0001)


def futures(study: Path, *words: str) -> Futures:
    return Futures(prepare(load_study(study)), "gbm", parse_shocks(words), days=1)


def paths(made: Futures) -> tuple[Any, float | None]:
    assert made.spec is not None and made.joint is not None
    rng = np.random.default_rng(4)
    return made._path(made.spec, rng, made.joint.draw(made._knots(made.spec) - 1, rng)[:, 0])


def test_a_crash_stays_and_a_depeg_comes_back(study: Path) -> None:
    plain, _ = paths(futures(study))
    crashed, fell = paths(futures(study, "crash:30"))
    assert fell is not None
    before = int(fell) // 12 - 1
    assert np.array_equal(plain[:before], crashed[:before])
    # token0 is the home asset: its price in the other token rises when that falls
    depth = (crashed - plain)[int(fell + 3_700) // 12] / 1000 * TICK
    assert math.exp(-depth) == pytest.approx(0.7, abs=1e-4)
    assert (crashed - plain)[-1] == (crashed - plain)[int(fell + 3_700) // 12]
    long = Futures(prepare(load_study(study)), "gbm", parse_shocks(["depeg:12"]), days=20)
    calm = Futures(prepare(load_study(study)), "gbm", (), days=20)
    gone, fell = paths(long)
    difference = gone - paths(calm)[0]
    assert fell is not None
    assert math.exp(-difference.max() / 1000 * TICK) == pytest.approx(0.88, abs=1e-3)
    # as long as USDC's of March 2023 took: 9 hours down, 6 at the bottom, 33 back
    at = difference[[int(fell + 3_600 * hours) // 12 for hours in (4.5, 9.2, 14.8, 31.5, 48.2)]]
    assert abs(at[1:3] - difference.max()).max() <= 1 and at[0] == pytest.approx(at[1] / 2, rel=1e-2)
    assert at[3] == pytest.approx(at[1] / 2, rel=1e-2) and at[4] == difference[-1] == 0


def test_a_path_walks_between_draws_as_the_market_does(study: Path) -> None:
    """Tied to the draws every ten minutes, and of the market's own variance per step in between."""
    made = futures(study)
    assert made.spec is not None and made.fitted is not None
    path, _ = paths(made)
    steps = np.diff(path)
    assert steps.std() == pytest.approx(made.spec.sigma, rel=0.1)
    wild, _ = made._path(made.spec, np.random.default_rng(4), np.zeros(made._knots(made.spec) - 1), 2.0)
    assert np.diff(wild).std() == pytest.approx(2 * made.spec.sigma, rel=0.1)
    every = 600 // made.spec.seconds_per_step
    knots = path[every - 1 :: every]
    assert np.diff(knots).std() / 1000 * TICK == pytest.approx(made.fitted.sigma, rel=0.25)


def test_fees_are_the_histories_with_the_shock(study: Path) -> None:
    base, high, data = (futures(study, *words).make(0) for words in ((), ("fees:10",), ("l1:1280",)))
    fees = [world.markets["pool"].fees for world in (base, high, data)]
    history = prepare(load_study(study)).markets["pool"].fees
    assert fees[0]["base_fee"].tolist()[:20] == history["base_fee"].tolist()[:20]
    assert (fees[1]["base_fee"] == fees[0]["base_fee"] * 10).all()
    assert (fees[1]["l1_base_fee"] == fees[0]["l1_base_fee"] * 10).all()
    assert (fees[2]["base_fee"] == fees[0]["base_fee"]).all()
    assert (fees[2]["blob_base_fee"] == fees[0]["blob_base_fee"] * 1280).all()
    crash = futures(study, "crash:20")
    storm = crash.make(0).markets["pool"].fees["base_fee"] / fees[0]["base_fee"]
    assert set(storm.tolist()) == {1.0, 10.0}


def test_what_the_study_states_falls_and_rises(tmp_path: Path) -> None:
    study = write_study(
        tmp_path,
        {
            "title": "lent",
            "network": "op-mainnet",
            "strategy": "lend",
            "capital": {"USDC": "1000", "ETH": "0.1"},
            "tokens": {"USDC": 6, "WETH": 18},
            "start": "2025-01-01T00:00:00Z",
            "end": "2025-02-01T00:00:00Z",
            "venues": {"aave": {"kind": "aave_v3", "params": {"asset": "USDC", "collateral": "WETH"}}},
            "prices": {"ETH": "3000"},
            "fees": {"op-mainnet": {"base_fee_gwei": "0.002", "l1_base_fee_gwei": "5", "blob_base_fee_gwei": "1"}},
        },
        "lent.toml",
    )
    prepared = prepare(load_study(study))
    made = Futures(prepared, "gbm", parse_shocks(["price:ETH:-90", "fees:10", "l1:3"])).make(1)
    assert made.study.prices == {"ETH": "300.000000"}
    fees = made.study.fees["op-mainnet"]
    assert (fees.base_fee_gwei, fees.l1_base_fee_gwei) == ("0.020000000", "150.000000000")
    assert made.study.world.seed != Futures(prepared, "gbm").make(2).study.world.seed != prepared.study.world.seed
    for words, said in (
        (["price:OP:-50"], "the study states no price of OP"),
        (["crash:30"], "no market of the study has a price to move"),
    ):
        with pytest.raises(BadInput, match=said):
            Futures(prepared, "gbm", parse_shocks(words)).make(0)
    with pytest.raises(BadInput, match="its own start and end"):
        Futures(prepared, "gbm", days=3)


def test_figures_are_those_of_the_futures(study: Path) -> None:
    found = stress(study, worlds=3, model="gbm", days=1)
    document = found.document
    keeps = sorted(row["keep"] for row in found.rows)
    assert len(set(keeps)) == 3
    assert document.mean == math.floor(sum(keeps) / 3)
    assert (document.quantiles["50"], document.cvar) == (keeps[1], keeps[0])
    assert document.mean_error == math.ceil(np.std(keeps, ddof=1) / math.sqrt(3))
    assert document.loss_bps == sum(keep < 0 for keep in keeps) * 10_000 // 3
    assert document.behind_bps == sum(row["keep"] < row["holding"] for row in found.rows) * 10_000 // 3
    for row in found.rows:  # the rows of each future add up to what it keeps
        assert 0 <= row["keep"] - sum(row["rows"].values()) <= len(row["rows"])
    fees = [row["rows"]["fees"] for row in found.rows]
    assert next(c for c in document.causes if c.key == "fees").mean == math.floor(sum(fees) / 3)
    assert document.result_hash == result_hash(document)
    alone = stresses._Player(load_study(study), "gbm", (), 1).play(2)
    assert alone == {key: value for key, value in found.rows[2].items() if key != "future"}
    assert found.frame().height == 3
    assert any("synthetic" in line for line in document.warnings)


def test_it_goes_on_where_it_stopped(study: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def play(_self: Any, number: int) -> dict[str, Any]:
        played.append(number)
        row = {"keep": number, "holding": 0, "capital": 1000, "rows": {"fees": number}, "labels": {"fees": "Fees"}}
        return row | {"drawdown_bps": 0, "under_bps": 0, "liquidated": number, "failed": 0}

    played: list[int] = []
    monkeypatch.setattr(stresses._Player, "play", play)

    def stop(done: int, _todo: int) -> None:
        if done == 3:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        stress(study, worlds=5, out=tmp_path, progress=stop)
    document = stress(study, worlds=5, out=tmp_path, resume=True).document
    assert played == [0, 1, 2, 3, 4]
    assert (document.mean, document.liquidated_bps) == (2, 8_000)
    folder = stress(study, worlds=5).write(tmp_path, load_study(study))
    assert msgspec.json.decode((folder / "stress.json").read_bytes())["mean"] == 2
    assert (folder / "futures.csv").read_text().count("\n") == 6


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["crash"], "'crash' is no shock; write crash:30"),
        (["crash:100"], "less than 100 percent"),
        (["crash:0"], "more than 0"),
        (["price:OP:90"], "is no shock"),
        (["price:OP:-100"], "cannot fall by 100 percent"),
        (["fees:0"], "between 0 and a million"),
        (["fees:2", "fees:3"], "the same shock twice"),
    ],
)
def test_shocks_that_mean_nothing(words: list[str], said: str) -> None:
    with pytest.raises(BadInput, match=said):
        parse_shocks(words)


def test_what_cannot_be_stressed(study: Path) -> None:
    with pytest.raises(BadInput, match="1 futures is not between 2"):
        stress(study, worlds=1)
    with pytest.raises(BadInput, match="400 days"):
        stress(study, worlds=2, days=400)
    bars = {**STUDY, "venues": {"pool": {**STUDY["venues"]["pool"], "fidelity": "bars"}}}
    with pytest.raises(BadInput, match="bars have no flow"):
        stress(write_study(study.parent, bars, "bars.toml"), worlds=2)


def test_one_real_day_is_played_by_a_weaker_model_that_is_named() -> None:
    """143 looks of ten minutes: fewer than a bootstrap's 200."""
    if data_root() is None:
        pytest.skip("reference data (TIDEMILL_DATA) is not here")
    found = stress(EXAMPLES / "real_day.toml", worlds=2).document
    assert (found.model, found.asked, found.worlds, found.days) == ("gbm", "bootstrap", 2, 1)
    assert any(
        "bootstrap needs 200 looks at a history and this one has fewer: gbm instead" in w for w in found.warnings
    )
    low, high = found.volatility_range_bps or (0, 0)
    assert found.volatility_bps is not None and low < 0.7 * found.volatility_bps and high > 2 * found.volatility_bps
    with pytest.raises(
        BadInput, match="143 returns of history; regime needs at least 1,000; take bootstrap, jump or gbm"
    ):
        stress(EXAMPLES / "real_day.toml", worlds=2, model="regime")
