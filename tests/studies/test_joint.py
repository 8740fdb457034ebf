"""Prices drawn together, regimes, depegs on file and tables of prices: what was put in is found again."""

from __future__ import annotations

import math
from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
import pytest

from tidemill.errors import BadInput
from tidemill.market.data import data_root
from tidemill.studies.joint import fit_joint, stated
from tidemill.studies.price_table import read_prices
from tidemill.studies.processes import Fitted, fit
from tidemill.studies.shocks import parse_shocks

NAMES = ("ETH/USDC", "OP/USDC")
HOUR = 3_600


def together(size: int = 8_000, rho: float = 0.7, seed: int = 1) -> Any:
    """Returns of two prices: correlated, of different size, with jumps in the same hours and fat tails."""
    rng = np.random.default_rng(seed)
    drawn = rng.multivariate_normal([0, 0], [[1, rho], [rho, 1]], size)
    jumped = rng.random(size) < 0.01
    drawn[jumped] += rng.multivariate_normal([0, 0], [[30, 24], [24, 30]], int(jumped.sum()))
    return drawn * [0.005, 0.01]


@pytest.mark.parametrize("model", ["gbm", "jump", "bootstrap", "garch", "regime"])
def test_what_moved_together_does(model: Any) -> None:
    history = together()
    joint = fit_joint(model, NAMES, history, HOUR, {})
    drawn = joint.returns(60_000, np.random.default_rng(2))
    assert drawn.shape == (60_000, 2)
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(np.corrcoef(history.T)[0, 1], abs=0.06)
    assert drawn.std(axis=0) == pytest.approx(history.std(axis=0), rel=0.2)
    # neither price is expected to move
    ends = np.exp(drawn.reshape(-1, 50, 2).sum(axis=1))
    assert (np.abs(ends.mean(axis=0) - 1) < 3 * ends.std(axis=0, ddof=1) / math.sqrt(len(ends))).all()
    again = joint.returns(60, np.random.default_rng(2)), joint.returns(60, np.random.default_rng(2))
    assert np.array_equal(*again)
    assert any("correlation of" in line for line in joint.diagnostics)


def test_a_bootstrap_draws_whole_rows() -> None:
    history = together(1_000)
    joint = fit_joint("bootstrap", NAMES, history, HOUR, {})
    drawn, rows = joint.returns(3_000, np.random.default_rng(2)), {tuple(row) for row in joint.history.tolist()}
    assert all(tuple(row) in rows for row in drawn.tolist())
    for kept, told in zip(joint.history.T, history.T, strict=True):
        assert np.corrcoef(kept, told)[0, 1] == pytest.approx(1) and 1 < kept.std() / told.std() < 1.03


def test_a_future_draws_one_size_for_all_prices() -> None:
    for model in ("gbm", "jump", "bootstrap", "garch", "regime"):
        joint = fit_joint(model, NAMES, together(2_000), HOUR, {})  # type: ignore[arg-type]
        one = joint.future(np.random.default_rng(5))
        assert one.size != 1 and one.future(np.random.default_rng(6)) is one
        assert [new.per_year / old.per_year for new, old in zip(one.each, joint.each, strict=True)] == pytest.approx(
            [one.size] * 2
        )
        before, after = (each.returns(20_000, np.random.default_rng(7)) for each in (joint, one))
        assert after.std(axis=0) / before.std(axis=0) == pytest.approx([one.size] * 2, rel=1e-3)
    assert joint.freedom == min(each.freedom for each in joint.each)


def test_a_stated_correlation_is_drawn() -> None:
    joint = stated(NAMES, [0.01, 0.02], {("OP", "ETH"): -0.4})
    drawn = joint.returns(40_000, np.random.default_rng(3))
    assert np.corrcoef(drawn.T)[0, 1] == pytest.approx(-0.4, abs=0.02)
    assert drawn.std(axis=0) == pytest.approx([0.01, 0.02], rel=0.02)
    told = fit_joint("gbm", NAMES, together(), HOUR, {("ETH", "OP"): 0.1})
    assert np.corrcoef(told.returns(40_000, np.random.default_rng(3)).T)[0, 1] == pytest.approx(0.1, abs=0.02)
    with pytest.raises(BadInput, match="prices drawn here are of ETH, OP"):
        stated(NAMES, [0.01, 0.02], {("ETH", "ARB"): 0.4})
    three = {("A", "B"): 0.9, ("B", "C"): 0.9, ("A", "C"): -0.9}
    with pytest.raises(BadInput, match="no prices can have these"):
        stated(("A/X", "B/X", "C/X"), [0.01] * 3, three)
    with pytest.raises(BadInput, match="bootstrap takes correlations from history"):
        fit_joint("bootstrap", NAMES, together(1_000), HOUR, {("ETH", "OP"): 0.1})


def test_regimes_are_found_again() -> None:
    told = Fitted("regime", HOUR, 0.01, regimes=((0.004, 0.99), (0.02, 0.95)))
    rng = np.random.default_rng(4)
    states = told.regime_states(200_000, rng)
    assert states.mean() == pytest.approx(0.01 / 0.06, abs=0.01)
    assert np.mean(states[1:][states[:-1] == 1]) == pytest.approx(0.95, abs=0.005)
    found = fit("regime", told.returns(6_000, np.random.default_rng(5)), HOUR)
    (calm, stays), (wild, lasts) = found.regimes
    assert (calm, wild) == (pytest.approx(0.004, rel=0.05), pytest.approx(0.02, rel=0.1))
    assert (1 - stays, 1 - lasts) == (pytest.approx(0.01, rel=0.4), pytest.approx(0.05, rel=0.4))
    assert any("calm at" in line for line in found.diagnostics) and any(
        "log-likelihood" in line for line in found.diagnostics
    )


def test_garch_says_whether_it_fits() -> None:
    told = Fitted("garch", HOUR, 0.002, garch=(4e-7, 0.08, 0.82, 6.0)).returns(8_000, np.random.default_rng(8))
    assert any("none left" in line for line in fit("garch", told, HOUR).diagnostics)


@pytest.mark.parametrize(
    ("case", "file", "span", "every"),
    [
        ("usdc2023", "prices/usdc_depeg_15m.parquet", None, "1h"),
        (
            "usde2025",
            "prices/usdeusdt_1m_binance_2025_2026.parquet",
            ("2025-10-10T20:00:00", "2025-10-12T00:00:00"),
            "1m",
        ),
    ],
)
def test_depegs_are_those_of_the_files(case: str, file: str, span: Any, every: str) -> None:
    root = data_root()
    if root is None or not (root / file).exists():
        pytest.skip(f"reference data {file} is not here")
    table = pl.read_parquet(root / file)
    when = "ts" if "ts" in table.columns else "dt"
    if span is None:
        table = table.filter(pl.col("set") == "data_usdc_large_depeg_2023")
    else:
        start, end = (pl.lit(text).str.to_datetime() for text in span)
        table = table.filter((pl.col(when) >= start) & (pl.col(when) < end))
    table = table.sort(when).group_by_dynamic(when, every=every).agg(pl.col("close").median())
    price, time = table["close"].to_numpy(), table[when].cast(pl.Datetime("us")).dt.epoch("s").to_numpy()
    low = int(price.argmin())
    depth = 1 - price[low]
    first = low - next(k for k in range(low) if price[low - k - 1] >= 0.995)
    back = low + int(np.flatnonzero(price[low:] >= 0.995)[0])
    last = low + int(np.flatnonzero(price[low:back] < 1 - 0.8 * depth)[-1])
    (shock,) = parse_shocks([f"depeg:{case}"])
    assert shock.size == pytest.approx(100 * depth, abs=0.005)
    assert (
        shock.shape()[0]
        == np.cumsum([0, *(time[b] - time[a] for a, b in ((first, low), (low, last), (last, back)))]).tolist()
    )


def test_tables_of_prices(tmp_path: Path) -> None:
    rng = np.random.default_rng(1)
    levels = np.exp(np.cumsum(together(600), axis=0))
    start = np.datetime64("2025-01-01T00:00:00", "us")
    wide = pl.DataFrame(
        {"time": start + np.arange(600) * np.timedelta64(1800, "s"), "ETH": levels[:, 0], "OP": levels[:, 1]}
    )
    wide.write_parquet(tmp_path / "wide.parquet")
    seconds, returns, days = read_prices(tmp_path / "wide.parquet", ("WETH/USDC", "OP/USDC"))
    assert (seconds, days) == (1_800, 599 / 48) and returns == pytest.approx(np.diff(np.log(levels), axis=0))
    many = pl.concat(
        [wide.with_columns(time=pl.col("time") + pl.duration(seconds=600 * 1_800 * lap)) for lap in range(4)]
    )
    many.write_parquet(tmp_path / "many.parquet")
    seconds, hours, _ = read_prices(tmp_path / "many.parquet", ("WETH/USDC", "OP/USDC"))
    assert seconds == HOUR and hours[:299] == pytest.approx(np.diff(np.log(levels[::2]), axis=0))
    crossed = read_prices(tmp_path / "wide.parquet", ("OP/WETH",))[1]
    assert crossed[:, 0] == pytest.approx(returns[:, 1] - returns[:, 0])
    for unit in (1, 1_000, 1_000_000, 1_000_000_000):  # whole numbers since 1970, however fine
        wide.with_columns(time=pl.col("time").dt.epoch("s") * unit).write_csv(tmp_path / "numbers.csv")
        numbers = read_prices(tmp_path / "numbers.csv", ("WETH/USDC",))
        assert numbers[0] == 1_800 and numbers[1][:, 0] == pytest.approx(returns[:, 0])
    days = pl.DataFrame(
        {"date": np.datetime64("2025-01-01") + np.arange(600), "symbol": "ETH", "price_usd": levels[:, 0]}
    )
    days.write_csv(tmp_path / "long.csv")
    _, daily, days = read_prices(tmp_path / "long.csv", ("ETH/USD",))
    assert daily[:, 0] * math.sqrt(24) == pytest.approx(np.diff(np.log(levels[:, 0]))) and days == 599
    # a hundred days are not four, of which others would be taken to differ
    seen = [fit_joint("gbm", NAMES[:1], daily[:100], HOUR, {}, told).freedom for told in (None, 100.0)]
    assert seen[0] < 10 and seen[1] > 30
    wide.drop("time").write_csv(tmp_path / "timeless.csv")
    uneven = wide.filter(pl.Series(rng.random(600) < 0.7))
    uneven.write_csv(tmp_path / "uneven.csv")
    for name, tokens, said in (
        ("none.csv", ("ETH/USD",), "no such file"),
        ("timeless.csv", ("ETH/USD",), "no column of time"),
        ("wide.parquet", ("ARB/USD",), "no prices of ARB"),
        ("uneven.csv", ("ETH/USD",), "not evenly spaced"),
    ):
        with pytest.raises(BadInput, match=said):
            read_prices(tmp_path / name, tokens)
