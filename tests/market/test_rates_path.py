"""What venues follow of a table: every form becomes the same few integers, exactly."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise
from pathlib import Path

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.errors import BadData, BadInput
from tidemill.market.rates import ALIASES, read_rates
from tidemill.market.rates_path import RatesPath, rates_path
from tidemill.market.rates_survey import survey

RAY, DAY, YEAR = 10**27, 86_400, 365 * 86_400
START = 1_735_689_600


def path(folder: Path, family: str, head: str, rows: list[str], **told: bool) -> RatesPath:
    file = folder / "rates.csv"
    file.write_text("\n".join([f"time,{head}", *(f"{START + at * DAY},{row}" for at, row in enumerate(rows))]))
    return rates_path(read_rates(file), family, **told)


def test_a_rate_is_simple_between_rows_and_compounds_at_them(tmp_path: Path):
    index = path(tmp_path, "lending", "apr", ["0.05"] * 101).figures["supply_index"]
    expected = Fraction(1)
    for got in index:
        assert 0 <= expected * RAY - got < 200  # each row rounds down once
        expected *= 1 + Fraction(5, 100) / 365


def test_an_apy_compounds_to_itself_in_a_year(tmp_path: Path):
    index = path(tmp_path, "lending", "supply_apy_percent", ["7.25"] * 366).figures["supply_index"]
    assert 0 <= RAY * 10_725 // 10_000 - index[-1] < 1_000
    assert all(before < after for before, after in pairwise(index))


def test_the_index_wins_over_the_rate_beside_it(tmp_path: Path):
    found = path(tmp_path, "lending", "rate,liquidity_index,borrow_rate", ["0.5,1.1,0.1", "0.5,1.2,0.1"])
    assert found.figures["supply_index"] == [11 * RAY // 10, 12 * RAY // 10]
    assert found.figures["borrow_index"][1] == RAY + RAY // 10 * DAY // YEAR


def test_a_day_s_rewards_are_of_its_seconds(tmp_path: Path):
    found = path(tmp_path, "farm", "reward_per_day,total_staked", ["864,5", "0,5"]).figures
    assert found["reward_rate"] == [RAY // 100, 0]
    assert found["total_staked"] == [5 * RAY] * 2


def test_volume_becomes_growth_of_a_share_and_the_protocol_takes_its_sixth(tmp_path: Path):
    rows = ["4,1000,100", "4,0,100", "9,1000,100"]
    whole = path(tmp_path, "amm", "price,volume,tvl", rows).figures
    assert whole["reserve1"] == [50 * RAY] * 3
    assert whole["reserve0"] == [50 * RAY // 4, 50 * RAY // 4, 50 * RAY // 9]
    # 0.3 % of a thousand on a hundred in the first bar, nothing in the second; the last row's bar is not there
    assert whole["root_per_share"] == [RAY, RAY * 103 // 100, RAY * 103 // 100]
    less = path(tmp_path, "amm", "price,volume,tvl", rows, protocol_fee=True).figures
    assert less["root_per_share"][1] == RAY + RAY * 25 // 1_000


def test_an_index_is_of_the_last_touch_and_a_rate_of_its_row(tmp_path: Path):
    head, touch = "updated,supply_index,supply_apy", START - 100
    rows = [f"{touch},1.0,0.05", f"{touch},1.0,0.05", f"{START + DAY},1.1,0.05", f"{START + 2 * DAY},1.2,0.05"]
    assert path(tmp_path, "lending", head, rows).time == [touch, START + DAY, START + 2 * DAY]
    head, rows = "updated,supply_apy", [f"{touch},0.05"] * 3
    assert path(tmp_path, "lending", head, rows).time == [START, START + DAY, START + 2 * DAY]


def test_rows_behind_an_earlier_one_go(tmp_path: Path):
    rows = [f"{START},1.0", f"{START + 500},1.2", f"{START + 100},1.1", f"{START + 900},1.3"]
    found = path(tmp_path, "lending", "updated,supply_index", rows)
    assert list(found.figures["supply_index"]) == [RAY, 12 * RAY // 10, 13 * RAY // 10]
    assert found.notes[0] == "1 rows lie behind an earlier one and are left out"


def test_rounded_digits_of_a_pool_are_no_loss(tmp_path: Path):
    rows = ["10,10,10", "10,10,10.000001", "10,11,10"]
    root = path(tmp_path, "amm", "reserve0,reserve1,total_supply", rows).figures["root_per_share"]
    assert root[0] == root[1] < root[2]
    with pytest.raises(BadData, match="part of the reserves falls"):
        path(tmp_path, "amm", "reserve0,reserve1,total_supply", ["10,10,10", "10,10,10.00002"])


@given(st.lists(st.integers(1, 10**30), min_size=2, max_size=6), st.integers(-50, 700))
def test_a_figure_lies_on_the_line_between_its_rows(values: list[int], now: int):
    time = [100 * at for at in range(len(values))]
    found = RatesPath("", "", "", synthetic=True, time=time, figures={"x": values}, flags={}, notes=())
    inside = min(max(now, 0), time[-1])
    row, part = divmod(inside, 100)
    after = values[min(row + 1, len(values) - 1)]
    assert found.between("x", now) == (values[row] * (100 - part) + after * part) // 100
    assert found.held("x", now) == values[row]
    assert found.slope("x", now) == (
        max(after - values[row], 0) * RAY * YEAR // (values[row] * 100) if row + 1 < len(values) else 0
    )


CELL = st.one_of(
    st.text(st.characters(exclude_characters="\n\r\x00"), max_size=8),
    st.sampled_from(
        ["", "0", "1.0", "-1", "1e400", "1e-40", "NaN", "inf", "0x10", "1_000", "½", "true", "2025-01-01", "1735689600"]
    ),
    st.integers(-(10**40), 10**40).map(str),
    st.decimals(allow_nan=False, allow_infinity=False).map(str),
)
HEADS = [
    "time",
    "date",
    "updated",
    "network",
    "symbol",
    "address",
    "suspect",
    "frozen",
    *ALIASES,
    "apy_percent",
    "",
    "x",
]


@settings(max_examples=400, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(
    st.lists(st.sampled_from(HEADS), min_size=1, max_size=5),
    st.lists(st.lists(CELL, min_size=1, max_size=6), max_size=5),
)
def test_any_table_is_read_or_refused_in_one_line(tmp_path: Path, head: list[str], rows: list[list[str]]):
    file = tmp_path / "any.csv"
    file.write_text("\n".join(",".join(row) for row in [head, *rows]), encoding="utf-8", errors="replace")
    refused(file)


@settings(max_examples=150, deadline=None, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.binary(max_size=200), st.sampled_from(["csv", "parquet"]))
def test_any_bytes_are_refused_in_one_line(tmp_path: Path, content: bytes, ending: str):
    file = tmp_path / f"any.{ending}"
    file.write_bytes(content)
    refused(file)


def refused(file: Path) -> None:
    for family in ("lending", "vault", "farm", "amm", "operator"):
        try:
            found = rates_path(read_rates(file), family)
        except (BadData, BadInput) as error:
            line = str(error)
            assert file.name in line and "\n" not in line
        else:
            assert all(len(values) == len(found.time) for values in found.figures.values())
    try:
        survey(read_rates(file))
    except (BadData, BadInput) as error:
        assert "\n" not in str(error)  # noqa: PT017 - the other outcome is a survey
