"""Every file in ``examples/`` parses and runs; those on the sample over a window of days, so that they are quick."""

from __future__ import annotations

import datetime as dt
from pathlib import Path

import msgspec
import pytest

from kit import small_market
from tidemill.market import missing_reason, write_dataset
from tidemill.studies.compare import compare
from tidemill.studies.load import Loaded
from tidemill.studies.sampled import sample_rates
from tidemill.studies.study import load_study

ROOT = Path(__file__).resolve().parents[2]
EXAMPLES = sorted((ROOT / "examples").glob("*.toml"))
START = dt.datetime(2025, 1, 5, tzinfo=dt.UTC)
WINDOW = {
    "portfolio": 6,
    "savings_plan": 9,
    "treasury_split": 9,
    "range_reset": 3,
    "compound": 2,
    "my_strategy": 6,
    "on_arbitrum": 3,
}
WINDOW |= {"accumulate": 6, "fixed_range": 2, "range_ladder": 3, "volatility_range": 4}
"""Days of the sample to run; examples that are not listed run as they are."""
REAL_DAY = "uniswap_v3/eth_usdc_weth_005_20240105_rawlogs.parquet"


def test_every_file_is_exercised():
    scripts = {path.name for path in (ROOT / "examples").glob("*.py")}
    texts = " ".join(path.read_text() for path in EXAMPLES)
    assert {path.stem for path in EXAMPLES} >= set(WINDOW)
    assert all(f'"{name}:' in texts for name in scripts)
    tables = {path.name for path in (ROOT / "examples").glob("*.csv")}
    assert all(f'dataset = "{name}"' in texts for name in tables)
    others = {path.suffix for path in (ROOT / "examples").iterdir() if path.name != "__pycache__"}
    assert others == {".toml", ".py", ".csv", ".json"}  # the list of offers is played by tests/app/test_plan.py


def test_the_table_of_rates_is_what_the_market_shows():
    made = sample_rates(load_study(ROOT / "examples" / "lending.toml"), "aave", 86_400)
    assert (ROOT / "examples" / "lending_rates.csv").read_text() == made


@pytest.mark.parametrize("path", EXAMPLES, ids=lambda p: p.stem)
def test_an_example_says_what_it_is_and_runs(path: Path, tmp_path: Path):
    assert path.read_text().startswith("# ")
    study = load_study(path)
    if path.stem == "real_day" and (reason := missing_reason(REAL_DAY)):
        pytest.skip(reason)
    if path.stem in WINDOW:
        days = dt.timedelta(days=WINDOW[path.stem])
        study = msgspec.structs.replace(study, start=START, end=START + days)
    if path.stem == "impact":  # everything is executed again from the start of the data: hours of a small market
        write_dataset(small_market(), tmp_path / "small")
        venue = msgspec.structs.replace(study.venues["pool"], dataset=str(tmp_path / "small"))
        begin = dt.datetime(2025, 1, 1, 1, tzinfo=dt.UTC)
        study = msgspec.structs.replace(study, venues={"pool": venue}, start=begin, end=begin + dt.timedelta(hours=2))
    document = Loaded(study).run().document
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["keep"] == document.headline.keep
    assert abs(document.unexplained) <= document.unexplained_bound
    # the rows are the whole of it: what none of them names is stated, and bounded, whatever plays on however many networks
    assert sum(value for key, value in rows.items() if key not in ("before_exit", "keep")) == (
        document.headline.keep - document.unexplained
    )
    income = sum(rows.get(key, 0) for key in ("fees", "growth", "rewards", "interest", "takings", "fills"))
    assert income > 0
    assert rows["l2"] < 0
    # who fills orders comes late now and then, and pays for it
    assert (
        bool(sum(cost.failed for cost in document.costs)) is (path.stem == "relayer_fortnight") is (rows["failed"] < 0)
    )
    assert document.study.synthetic is (path.stem != "real_day")
    assert "holding" in {other.name for other in document.comparisons}
    if path.stem == "vault_farm":
        assert document.fidelity.data == "scripted"
        assert "seed 0" in document.fidelity.error
        assert "reproduce" not in document.fidelity.error
    if path.stem == "lending_rates":
        assert (document.fidelity.data, document.fidelity.mode) == ("bars", "small")
        assert "lending over a table" in document.fidelity.error
    if path.stem == "on_arbitrum":
        assert rows["l1"] < 0
        assert {"costs as on op-mainnet", "costs as on base"} <= {other.name for other in document.comparisons}
        assert "arbitrum-one:price_per_unit" in {a.key for a in document.assumptions}
    if path.stem == "real_day":
        assert document.fidelity.data == "inferred"
        assert "costs as on op-mainnet" in {other.name for other in document.comparisons}
        assert all(
            a.keep_at_half != a.keep_at_double for a in document.assumptions if a.key.startswith("ethereum:base")
        )


def test_one_flow_has_a_waterfall_by_the_costs_of_each_of_eight_networks():
    path = ROOT / "examples" / "networks_compared.toml"
    study = load_study(path)
    document = compare([path]).document
    names = [column.networks for column in document.studies]
    assert names == [[study.network], *([name] for name in study.counterfactual)]
    assert len(names) == 8
    rows = {row.key: dict(zip((name for (name,) in names), row.values, strict=True)) for row in document.rows}
    assert len(set(rows["fees"].values())) == 1, "the flow is the same"
    assert all(value < 0 for value in rows["l2"].values())
    without_data_fee = {name for name, value in rows["l1"].items() if value == 0}
    assert without_data_fee == {"ethereum", "polygon-pos"}
    assert rows["keep"] == {name: column.keep for (name,), column in zip(names, document.studies, strict=True)}
    assert min(rows["keep"], key=rows["keep"].__getitem__) == "ethereum"
    for (name,), column in zip(names, document.studies, strict=True):
        given = msgspec.to_builtins(study.fees[name])
        levels = [
            level for level, value in {**given, **given.pop("own")}.items() if value is not None and level != "own"
        ]
        priced = ["price:POL"] if name == "polygon-pos" else []
        assert len(column.assumptions) == len(levels) + len(priced), name
        assert [one.key for one in column.assumptions if one.key.startswith("price:")] == priced
        assert all(one.keep_at_half >= column.keep >= one.keep_at_double for one in column.assumptions)
        assert any(one.keep_at_half > one.keep_at_double for one in column.assumptions)


def test_the_packaged_demo_is_the_first_example():
    packaged = ROOT / "src" / "tidemill" / "studies" / "demo.toml"
    assert packaged.read_bytes() == (ROOT / "examples" / "range_reset.toml").read_bytes()
