"""Tables of rates: what suppliers earned by network and asset, on the real file and on tables with one thing wrong."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import polars as pl
import pytest

from kit import tidemill
from tidemill.errors import BadData, BadInput
from tidemill.market import data_file, missing_reason
from tidemill.market.rates import RatesTable, read_rates
from tidemill.market.rates_survey import Survey, Yearly, survey

DAILY = "lending/aave_v3_daily_13networks.parquet"
MINUTES = "lending/polygon_aave_v3_minute.parquet"


@pytest.fixture(scope="module")
def daily() -> RatesTable:
    if reason := missing_reason(DAILY):
        pytest.skip(reason)
    return read_rates(data_file(DAILY))


@pytest.fixture(scope="module")
def found(daily: RatesTable) -> Survey:
    return survey(daily)


def one(found: Survey, network: str, asset: str) -> Yearly:
    (row,) = (row for row in found.reserves if (row.network, row.asset) == (network, asset))
    return row


# --- the real file ----------------------------------------------------------------------------------------------------


def test_the_traps_of_the_real_file_are_counted(found: Survey):
    assert (found.rows, len(found.reserves), found.digits) == (83_135, 218, 6)
    assert found.missing_days == ["2025-07-23", "2026-02-15"]
    assert found.suspect == {"zksync": 8_274}
    assert found.stale == {"base": 14, "celo": 18}
    assert found.contradicted == {"bnb": 8}
    assert sum(row.per_year_ppm is not None for row in found.reserves) == 188
    reasons = [row.reason.split(" from ")[0] for row in found.reserves if row.per_year_ppm is None]
    assert {reason: reasons.count(reason) for reason in set(reasons)} == {
        "every row is flagged suspect or stale": 21,
        "the index falls": 8,
        "never touched within the file": 1,
    }
    assert {row.network for row in found.reserves if row.reason.startswith("every row")} == {"zksync"}
    assert sum(bool(row.listed) for row in found.reserves) == 28
    assert sum(row.frozen for row in found.reserves) == 47
    assert all(row.per_year_ppm is None for row in found.reserves if row.network in ("bnb", "zksync"))


@pytest.mark.parametrize(
    ("network", "asset", "ppm", "touches"),
    [
        ("ethereum", "USDC", 37_005, 398),
        ("avalanche", "USDC", 41_194, 398),
        ("base", "USDC", 39_063, 395),  # its stale row would make the index fall
        ("celo", "USDm", 26_359, 354),  # called cUSD before, and three snapshots of July in November
        ("arbitrum", "USDC", 30_922, 397),  # the other USDC there is USDC.e since August
        ("arbitrum", "USDC.e", 28_612, 396),
        ("gnosis", "USDC", 12_294, 287),  # frozen, still earning
    ],
)
def test_yearly_income_of_the_real_file(found: Survey, network: str, asset: str, ppm: int, touches: int):
    row = one(found, network, asset)
    assert (row.per_year_ppm, row.error_ppm, row.rows) == (ppm, 2, touches)


def test_the_income_agrees_with_the_rates_beside_it(daily: RatesTable, found: Survey):
    """An independent way to the same figure: rates of the snapshots, each held until the next; weekly agreement is loose
    where a reserve's rate jumps within the day, so the large ones are asked.
    """
    for network, asset in (("ethereum", "USDC"), ("arbitrum", "USDC"), ("base", "WETH"), ("optimism", "USDC")):
        rows = daily.of(network, asset)
        rate, at = [float(text) for text in rows["supply_rate"]], rows["at"].to_list()
        held = sum(r * (b - a) for r, a, b in zip(rate, at, at[1:], strict=False)) / (at[-1] - at[0])
        ppm = one(found, network, asset).per_year_ppm
        assert ppm is not None
        assert ppm == pytest.approx(held * 1e6, rel=0.05)


def test_the_resolution_error_holds_against_27_digits():
    """Cut the minute file's 27 digits to 6: the figure moves by no more than it says it may."""
    if reason := missing_reason(MINUTES):
        pytest.skip(reason)
    fine = read_rates(data_file(MINUTES))
    index = pl.col("supply_index")
    coarse = fine.frame.with_columns(index.cast(pl.Float64).round(6).cast(pl.String).alias("supply_index"))
    exact, cut = survey(fine), survey(type(fine)(**{**_fields(fine), "frame": coarse}))
    assert (exact.digits, cut.digits, len(exact.reserves)) == (27, 6, 2)
    for sharp, blunt in zip(exact.reserves, cut.reserves, strict=True):
        assert sharp.per_year_ppm is not None
        assert blunt.per_year_ppm is not None
        assert abs(sharp.per_year_ppm - blunt.per_year_ppm) <= (blunt.error_ppm or 0)
    assert [row.per_year_ppm for row in exact.reserves] == [64_951, 6_283]


def _fields(table: RatesTable) -> dict[str, object]:
    return {name: getattr(table, name) for name in table.__struct_fields__}


def test_the_command_shows_what_the_library_says(found: Survey):
    said = tidemill("market", "rates", data_file(DAILY), "--asset", "USDC", "--sort", "income")
    assert said.code == 0
    rows = [line.split() for line in said.out.splitlines()[1:]]
    assert rows[0][:3] == ["avalanche", "USDC", "4.1194"]
    assert rows[-1][0] == "zksync"
    assert len(rows) == 12
    assert "days missing everywhere: 2025-07-23, 2026-02-15" in said.err
    told = json.loads(tidemill("market", "rates", data_file(DAILY), "--known", "--json").out)
    assert len(told["reserves"]) == 188
    assert told["reserves"][0]["asset"] == found.reserves[0].asset


def test_two_reserves_of_one_symbol_are_told_apart(daily: RatesTable):
    assert daily.of("arbitrum", "USDC")["address"][0] != daily.of("arbitrum", "USDC.e")["address"][0]
    assert daily.of("arbitrum", daily.of("arbitrum", "USDC")["address"][0])["name"][0] == "USDC"
    assert daily.of("celo", "cUSD").equals(daily.of("celo", "USDm"))  # an earlier name brings all rows
    assert set(daily.of("celo", "cUSD")["asset"]) == {"cUSD", "USDm"}
    with pytest.raises(BadInput, match="network: .* rows of several; say which: 'arbitrum', 'avalanche'"):
        daily.of(asset="USDC")
    with pytest.raises(BadInput, match="did you mean 'optimism'"):
        daily.of("optimsm")


# --- one thing wrong --------------------------------------------------------------------------------------------------

START = dt.datetime(2025, 1, 1, tzinfo=dt.UTC)


def write(
    folder: Path, rows: list[tuple[str, ...]], head: str = "time,symbol,liquidity_index", notes: str = ""
) -> Path:
    path = folder / "rates.csv"
    path.write_text(notes + "\n".join([head, *(",".join(row) for row in rows)]) + "\n")
    return path


def days(*index: str, symbol: str = "USDC") -> list[tuple[str, ...]]:
    return [((START + dt.timedelta(days=at)).strftime("%Y-%m-%d"), symbol, text) for at, text in enumerate(index)]


def test_a_week_is_the_least_that_a_year_is_told_from(tmp_path: Path):
    grown = [f"1.{at:06d}" for at in range(8)]
    (short,) = survey(read_rates(write(tmp_path, days(*grown[:7])))).reserves
    assert (short.per_year_ppm, short.reason) == (None, "6 days of data; a year is told from 7 days on")
    (enough,) = survey(read_rates(write(tmp_path, days(*grown)))).reserves
    assert enough.per_year_ppm == 7 * 365 // 7
    # half a unit of the sixth decimal at both ends, times 365 / 7: 52.1 and a little, up; and one for rounding down
    assert enough.error_ppm == 54


def test_what_contradicts_itself_has_no_figure(tmp_path: Path):
    (falls,) = survey(read_rates(write(tmp_path, days(*["1.1"] * 5, "1.09", *["1.2"] * 5)))).reserves
    assert falls.per_year_ppm is None
    assert "falls from 1.1 to 1.09 on 2025-01-06" in falls.reason
    head = "time,symbol,liquidity_index,updated"
    same = [(*row, "1735689600") for row in days("1.1", "1.2", *["1.2"] * 8)]
    (moved,) = survey(read_rates(write(tmp_path, same, head))).reserves
    assert moved.reason == "the index changes although nobody touched the reserve"


def test_a_gap_is_counted(tmp_path: Path):
    rows = days(*[f"1.{at:03d}" for at in range(20)])
    found = survey(read_rates(write(tmp_path, rows[:8] + rows[11:])))
    assert found.missing_days == ["2025-01-09", "2025-01-10", "2025-01-11"]
    assert found.reserves[0].missing_days == 3


WRONG: dict[str, tuple[str, list[tuple[str, ...]], str]] = {
    "no time": ("when,symbol,liquidity_index", days("1"), "no column of time"),
    "no figure": ("time,symbol,weather", days("1"), "no figure to earn by"),
    "no rows": ("time,symbol,liquidity_index", [], "no rows"),
    "an empty index": ("time,symbol,liquidity_index", days("1.0", ""), "supply_index at 1735776000: empty"),
    "a word for an index": ("time,symbol,liquidity_index", days("much"), "not a decimal amount"),
    "an index below 0": ("time,symbol,liquidity_index", days("-1.5"), "below 0"),
    "raw units": ("time,symbol,liquidity_index", days("1.0", "1" + "0" * 31), "raw units go without their decimals"),
    "no moment": ("time,symbol,liquidity_index", [("soon", "USDC", "1")], "row 0: 'soon' is no moment"),
    "milliseconds": ("time,symbol,liquidity_index", [("1735689600000", "USDC", "1")], "no moment"),
    "two names for one": ("time,liquidity_index,supply_index", days("1"), "are both supply_index"),
    "an odd flag": ("time,liquidity_index,frozen", [("2025-01-01", "1", "maybe")], "neither true nor false"),
}


@pytest.mark.parametrize("case", WRONG)
def test_a_broken_table_is_one_line(tmp_path: Path, case: str):
    head, rows, says = WRONG[case]
    path = write(tmp_path, rows, head)
    with pytest.raises(BadData, match=says) as caught:
        survey(read_rates(path))
    assert str(path) in str(caught.value)
    said = tidemill("market", "rates", path)
    assert (said.code, said.out) == (2, "")
    assert says in said.line


def test_a_file_that_is_none_is_one_line(tmp_path: Path):
    for name, says in (("none.csv", "no such file"), ("none.parquet", "no such file"), ("", "a folder")):
        said = tidemill("market", "rates", tmp_path / name)
        assert (said.code, said.out) == (2, "")
        assert says in said.line
    (tmp_path / "cut.parquet").write_bytes(b"PAR1")
    assert "not readable" in tidemill("market", "rates", tmp_path / "cut.parquet").line


def test_what_a_csv_says_of_itself(tmp_path: Path):
    notes = "# A table of ours\n# source: made up\n# Synthetic: true\n# licence: MIT\n"
    table = read_rates(write(tmp_path, days("1.0", "1.1"), notes=notes))
    assert (table.source, table.licence, table.synthetic) == ("made up", "MIT", True)
    assert not read_rates(write(tmp_path, days("1.0", "1.1"))).synthetic
