"""Bars: equal to the reference's, laid out as a path that keeps every unit of fee, and with a measured error."""

from __future__ import annotations

import importlib.util
import re
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tidemill.errors import BadData
from tidemill.market import Dataset, import_bars
from tidemill.market.bars import MEASURED, bar_tape, measure_bars, to_bars
from tidemill.market.limbs import from_limbs
from tidemill.market.schema import BARS
from tidemill.market.tables import Stored

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)

MINUTES = "eth_usdc_weth_005_20240105_minute"


@pytest.fixture(scope="module")
def minutes() -> Dataset:
    return import_bars(shared.real(MINUTES), shared.POOL_005)


def test_our_bars_of_the_day_are_the_reference_bars(day, minutes):
    ours = to_bars(day, 60).bars
    traded = minutes.bars.filter(pl.col("time").is_in(ours["time"].to_list()))
    assert ours.height == traded.height == 1408
    assert ours.equals(traded)


def percent(half: str, part: str) -> float:
    return float(re.search(rf"{part} bars,.*?{half} ([+-][\d.]+) %", MEASURED)[1])


def test_the_printed_error_is_the_measured_one(day, minutes):
    wide, narrow = measure_bars(day, bars=minutes)
    assert percent("wide", "minute") == round(wide.value_ppm / 1e4, 2)
    assert percent("narrow", "minute") == round(narrow.value_ppm / 1e4, 2)
    wide, narrow = measure_bars(day, 3600)
    assert percent("wide", "hourly") == round(wide.value_ppm / 1e4, 2)
    assert percent("narrow", "hourly") == round(narrow.value_ppm / 1e4, 2)
    assert MEASURED in minutes.replay.account.model_error


def test_minute_bars_beat_the_best_peer_on_the_narrow_position(day, minutes, market):
    assert abs(measure_bars(day, bars=minutes)[1].value_ppm) < 36_500
    wide, narrow = measure_bars(market, 60)
    assert abs(narrow.value_ppm) < 36_500
    assert abs(wide.value_ppm) < 10_000


def random_bars(seed: int, n: int = 400) -> pl.DataFrame:
    rng = np.random.default_rng(seed)
    close = (rng.integers(-500, 500) + np.cumsum(rng.integers(-40, 41, n))).astype(np.int32)
    opened = (np.roll(close, 1) + rng.integers(-5, 6, n)).astype(np.int32)
    low = np.minimum(opened, close) - rng.integers(0, 25, n).astype(np.int32)
    high = np.maximum(opened, close) + rng.integers(0, 25, n).astype(np.int32)
    big = rng.integers(0, 3, (n, 1)).astype(np.uint64) * rng.integers(0, 2, (n, 1)).astype(np.uint64)
    columns = {"time": np.arange(n) * 60, "open_tick": opened, "low_tick": low, "high_tick": high, "close_tick": close}
    for name in ("in0", "in1", "liquidity"):
        columns[name] = np.column_stack([rng.integers(1, 2**62, n).astype(np.uint64), big[:, 0]])
    columns["in0"][::7] = 0
    return pl.DataFrame(columns, schema=BARS)


@pytest.mark.parametrize("seed", range(6))
@pytest.mark.parametrize("spacing", [1, 10, 60])
def test_no_unit_of_fee_is_lost_and_the_path_is_continuous(seed, spacing):
    from msgspec.structs import replace

    bars = random_bars(seed)
    protocol = 4 if seed % 2 else 0
    pool = replace(shared.POOL_005, tick_spacing=spacing, fee_protocol0=protocol)
    tape, flow = bar_tape(bars, pool)
    fees = from_limbs(tape.fee)
    for token, name in enumerate(("in0", "in1")):
        paid = from_limbs(bars[name].to_numpy())
        charged = [-(-p * 500 // 10**6) for p in paid]
        if protocol and token == 0:
            charged = [c - c // 4 for c in charged]
        sums = [0] * bars.height
        for bar, down, fee in zip(tape.event.tolist(), tape.zero_for_one.tolist(), fees, strict=True):
            if down == (token == 0):
                sums[bar] += fee
        assert sums == charged
    assert np.abs(np.diff(tape.cell)).max() <= 1
    assert (np.diff(tape.time) >= 0).all()
    assert (tape.time // 60 == tape.event).all()
    last = np.flatnonzero(np.diff(tape.event, append=-1))
    assert (tape.tick[last] == bars["close_tick"].to_numpy()).all()
    reached = [tape.cell[tape.event == k] for k in range(bars.height)]
    assert all(r.min() <= low // spacing for r, low in zip(reached, bars["low_tick"], strict=True))
    assert all(r.max() >= high // spacing for r, high in zip(reached, bars["high_tick"], strict=True))
    assert len(flow.time) == bars.height


@pytest.mark.parametrize("seed", range(3))
def test_a_bar_is_laid_out_by_itself_and_the_close_before_it(seed):
    bars = random_bars(seed, 120)
    bars = bars.with_columns(pl.Series("liquidity", [[10**12, 0]] * bars.height, dtype=BARS["liquidity"]))

    def steps(bars: pl.DataFrame) -> list[list[tuple[int, ...]]]:
        tape, _ = bar_tape(bars, shared.POOL_005)
        columns = (tape.cell.tolist(), tape.tick.tolist(), tape.zero_for_one.tolist(), from_limbs(tape.fee))
        rows = list(zip(*columns, strict=True))
        return [rows[slice(*np.searchsorted(tape.event, (bar, bar + 1)))] for bar in range(bars.height)]

    whole = steps(bars)
    assert all(whole[bar] == steps(bars[bar - 1 : bar + 1])[1] for bar in range(1, bars.height))


@pytest.mark.parametrize(
    ("change", "says"),
    [
        (lambda f: f.drop("openTick"), "no column 'openTick'"),
        (lambda f: f.with_columns(openTick=pl.lit("x")), "openTick is not a whole number"),
        (lambda f: f.with_columns(openTick=pl.lit("1.5")), "openTick is not a whole number"),
        (lambda f: f.with_columns(inAmount0=pl.lit("1.5")), "inAmount0: not a whole number"),
        (lambda f: f.with_columns(inAmount0=pl.lit("-1")), "does not fit uint128"),
        (lambda f: f.reverse(), "not in order of time"),
        (lambda f: f[:0], "no rows"),
        (lambda f: f.with_columns(lowestTick=pl.lit("300000")), "lowestTick is above highestTick"),
    ],
)
def test_damaged_bars_are_named(tmp_path, change, says):
    frame = pl.DataFrame(
        {
            "timestamp": ["2024-01-05 00:00:00", "2024-01-05 00:01:00"],
            "openTick": ["1", "2"],
            "lowestTick": ["1", "2"],
            "highestTick": ["2", "2"],
            "closeTick": ["2", "2"],
            "inAmount0": ["5", "0"],
            "inAmount1": ["5", "0"],
            "currentLiquidity": ["1000", "1000"],
        }
    )
    path = tmp_path / "bars.csv"
    frame.write_csv(path)
    assert import_bars(path, shared.POOL_005).bars.height == 2
    change(frame).write_csv(path)
    with pytest.raises(BadData, match=says) as error:
        import_bars(path, shared.POOL_005)
    assert str(error.value).startswith(str(path))


def test_a_bar_that_contradicts_itself_is_named():
    bars = random_bars(1).with_columns(high_tick=pl.col("low_tick"))
    with pytest.raises(BadData, match="open or close lies outside"):
        bar_tape(bars, shared.POOL_005)


def test_bars_beyond_the_pools_ticks_are_named_and_untraded_ones_pass():
    bars = random_bars(2, 60)
    far = pl.when(pl.col("time") == 300).then(900_000).otherwise(pl.col("high_tick")).cast(pl.Int32)
    with pytest.raises(BadData, match="at time 300 .* outside the pool's"):
        bar_tape(bars.with_columns(high_tick=far), shared.POOL_005)
    none = [pl.Series(name, [[0, 0]] * 60, dtype=BARS[name]) for name in ("in0", "in1")]
    idle = [pl.when(pl.col("time") == 300).then(n).otherwise(pl.col(n.name)).alias(n.name) for n in none]
    tape, flow = bar_tape(bars.with_columns(idle).with_columns(high_tick=far), shared.POOL_005)
    assert 300 not in flow.time.tolist()
    assert len(flow.time) == 59
    assert tape.event[:].max() == 58


def test_a_stored_year_is_laid_out_as_one_in_memory(tmp_path, monkeypatch):
    bars = random_bars(3, 500)
    idle = pl.when(pl.col("time") % 420 == 0).then(pl.lit(0)).otherwise(pl.lit(1))
    bars = bars.with_columns(
        pl.Series(n, bars[n].to_numpy() * bars.select(idle).to_numpy(), dtype=BARS[n]) for n in ("in0", "in1")
    )
    path = tmp_path / "bars.parquet"
    bars.write_parquet(path, row_group_size=64)
    whole = bar_tape(bars, shared.POOL_005)
    monkeypatch.setattr("tidemill.market.bars.PIECE", 64)
    monkeypatch.setattr("tidemill.market.bars.PART", 24)
    parts = bar_tape(Stored(path, BARS), shared.POOL_005)
    for one, other in zip(whole, parts, strict=True):
        for name in one._fields:
            assert np.array_equal(np.asarray(getattr(one, name)), np.asarray(getattr(other, name))), name
