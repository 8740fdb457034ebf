"""A sequencer over a table of days: the same ticks to the wei, prices by the study where the table has none, recorded days."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest

from tidemill.errors import BadData
from tidemill.market import missing_reason
from tidemill.studies.backtest import Backtest
from tidemill.studies.posted import CHAINS, GAS_PRICES, PERIODS, SPENT, bytes_per_tx, days, modelled
from tidemill.studies.prepare import prepare
from tidemill.studies.sampled import sample_rates
from tidemill.studies.study import RatesSpec, Study, load_study

EXAMPLE = Path(__file__).resolve().parents[2] / "examples" / "sequencer_year.toml"
REASON = missing_reason(SPENT) or missing_reason(GAS_PRICES)
STREAM = ("tx_per_day", "tx_per_day_end", "base_fee_gwei", "l1_gas_gwei", "l1_gas_gwei_end", "base_fee_gwei_end")
STREAM += ("blob_use_bps", "blob_later_day", "blob_use_later_bps")


def exact(days_: int = 12) -> Study:
    study, start = load_study(EXAMPLE), dt.datetime(2024, 3, 8, tzinfo=dt.UTC)
    return msgspec.structs.replace(study, start=start, end=start + dt.timedelta(days=days_))


def over(table: Path, **changes: Any) -> Study:
    """The example over a table, its own levels of the stream left out."""
    study = exact()
    spec = study.venues["rollup"]
    params = {key: value for key, value in spec.params.items() if key not in STREAM} | changes.pop("params", {})
    spec = msgspec.structs.replace(spec, dataset=str(table), params=params, **changes)
    return msgspec.structs.replace(study, start=None, end=None, venues={"rollup": spec})


def script(study: Study) -> list[Any]:
    stage: Any = prepare(study).stages()[0]
    return stage.script


def test_a_table_of_its_own_ticks_is_the_same_stream_to_the_wei(tmp_path: Path):
    table = tmp_path / "ticks.csv"
    table.write_text(sample_rates(exact(), "rollup", 86_400))
    study = over(table)
    assert [(one.block.time, one.action) for one in script(study)] == [
        (one.block.time, one.action) for one in script(exact())
    ]
    ours, theirs = (Backtest(prepare(one)).main_run()[0] for one in (study, exact()))
    assert [(row.key, row.tokens) for row in ours.waterfall] == [(row.key, row.tokens) for row in theirs.waterfall]
    assert ours.fidelity.data == "bars" and "equal to the wei" in ours.fidelity.error


def test_prices_that_a_table_lacks_are_the_studys_and_said_to_be(tmp_path: Path):
    table = tmp_path / "counts.csv"
    table.write_text(
        "date,tx_count,l1_gas_gwei\n2024-03-12,1000,50.5\n2024-03-13,2000,60\n2024-03-14,3000,70\n2024-03-15,9,1\n"
    )
    study = over(table, params={"base_fee_gwei": "0.25"})
    served = [one.action.args for one in script(study)]
    assert [args["count"] for args in served] == [
        1_000,
        2_000,
    ]  # the day of the last row has no end, nor has the study's end a tick
    assert [args["gas_price"] for args in served] == [50_500_000_000, 60 * 10**9]
    assert served[0]["execution"] == 1_000 * 120_000 * 250_000_000
    notes = Backtest(prepare(study)).main_run()[0].fidelity.notes
    assert any("base_fee_gwei, blob_gas_gwei stay as the study says" in note for note in notes)


def test_a_table_without_transactions_is_refused(tmp_path: Path):
    table = tmp_path / "prices.csv"
    table.write_text("date,l1_gas_gwei\n2024-03-12,50\n2024-03-13,60\n")
    with pytest.raises(BadData, match="an? operator venue follows transactions"):
        prepare(over(table))


@pytest.mark.skipif(REASON is not None, reason=REASON or "")
def test_the_recorded_year_of_op_mainnet_runs_and_costs_what_the_check_says(tmp_path: Path):
    """Counts and gas prices of 2024 as a table; each day posted in full batches pays what the comparison with paid says."""
    every, packing = days("op_mainnet"), CHAINS["op_mainnet"]
    table = tmp_path / "op.csv"
    rows = [f"{day.date},{day.count},{day.gas_price // 10**9}.{day.gas_price % 10**9:09d}" for day in every]
    table.write_text("\n".join(["date,transactions,l1_gas_gwei", *rows, "2025-01-01,0,0"]))
    january = [day for day in every if PERIODS[0][1] <= day.date <= PERIODS[0][2]]
    each = bytes_per_tx(january, packing)
    params = {"batch_bytes_per_tx": each, "proof_hours": 0, "share": "none"}
    study = over(table, params=params)
    capital = {"ETH": "2000"}
    study = msgspec.structs.replace(study, capital=capital, parameters={"collect_at": 10**20})
    document, outcomes = Backtest(prepare(study)).main_run()
    posted = [step for step in outcomes.record if getattr(step, "verb", "") == "post"]
    told = [modelled(day, packing, each)[0] for day in every[:-1]]  # the last day ends with the study
    paid = [step.result.amounts["da"] for step in posted]
    # What came in on 13 March is posted in the first block of the 14th, which is a second behind OP Mainnet's first blobs.
    last = [day.date for day in every].index(dt.date(2024, 3, 13))
    assert paid[:last] == told[:last] and paid[last + 1 :] == told[last + 1 :]
    assert paid[last] * 100 < told[last]
    assert document.unexplained_bound < 20


@pytest.mark.skipif(REASON is not None, reason=REASON or "")
def test_the_file_itself_is_a_table_of_counts():
    study = over(Path(SPENT), rates=RatesSpec(network="base"))
    study = msgspec.structs.replace(
        study, start=dt.datetime(2024, 5, 1, tzinfo=dt.UTC), end=dt.datetime(2024, 5, 4, tzinfo=dt.UTC)
    )
    study = msgspec.structs.replace(
        study, venues={"rollup": msgspec.structs.replace(study.venues["rollup"], dataset=SPENT)}
    )
    recorded = {day.date: day.count for day in days("base")}
    assert [one.action.args["count"] for one in script(study)] == [recorded[dt.date(2024, 5, d)] for d in (1, 2)]
