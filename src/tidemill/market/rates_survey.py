"""What suppliers earned, by network and asset, from a table of snapshots; what is wrong with the snapshots is told too.

The figure is what the supply index grew by between the first and the last time the reserve was touched, simple and for
365 days, given for seven days and more. Nothing is repaired: a row that cannot be used is counted, and a reserve whose
rows contradict one another has no figure.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable
from itertools import pairwise

import polars as pl
from msgspec import Struct

from tidemill.errors import BadData
from tidemill.market.rates import RAY_DIGITS, RatesTable
from tidemill.units import RAY, div_up, format_amount, mul_div_down, mul_div_up

__all__ = ["Survey", "Yearly", "survey"]

DAY = 86_400
YEAR = 365 * DAY
LEAST = 7 * DAY
PPM = 10**6
_RAY = int(RAY)


class Yearly(Struct, frozen=True):
    """One reserve.

    ``per_year_ppm`` is what a supplier earned, parts per million of a year, rounded down; ``error_ppm`` the most that
    the figure may be off because the index was printed with few digits; both ``None`` with a ``reason`` where there is no
    figure. ``first`` and ``last`` are the moments (seconds) that the index is of, ``rows`` those used. ``stale`` rows came
    from a snapshot that lies behind an earlier one; ``repeated`` ones show no new touch of the reserve. ``names`` are
    all symbols the reserve went by; ``listed`` is set where it is missing from the file's first week. ``frozen`` and
    ``paused`` are as the last row says, ``frozen_rows`` how many said so.
    """

    network: str
    asset: str
    address: str
    per_year_ppm: int | None
    error_ppm: int | None
    reason: str
    growth_ppm: int | None
    first: int
    last: int
    rows: int
    stale: int
    repeated: int
    suspect: int
    missing_days: int
    listed: str
    names: list[str]
    frozen: bool
    frozen_rows: int
    paused: bool


class Survey(Struct, frozen=True):
    """All reserves of a file, and what must be known of the file. ``digits`` is the index's resolution."""

    file: str
    sha256: str
    rows: int
    first: int
    last: int
    digits: int
    missing_days: list[str]
    stale: dict[str, int]
    suspect: dict[str, int]
    contradicted: dict[str, int]
    reserves: list[Yearly]


def survey(table: RatesTable, *, network: str = "", asset: str = "") -> Survey:
    """Survey the supply indices of a table, of all reserves or of those chosen.

    Raises
    ------
    BadInput : nothing is left of the choice. BadData : the table has no supply index, or a cell that is no number.
    """
    if "supply_index" not in table.frame.columns:
        raise BadData(
            f"{table.file}: no supply_index (it has {', '.join(table.figures)}): yearly income needs an index"
        )
    frame = _with_flags(table.frame)
    days = (frame["at"] // DAY).unique().sort()
    missing = sorted(set(range(days[0], days[-1] + 1)) - set(days.to_list()))
    digits = _digits(frame)
    frame = frame.filter(pl.col("key").is_in(table.chosen(network, asset)["key"].unique().implode()))
    start = int(days[0]) * DAY
    reserves = [_reserve(table, rows, start, digits) for rows in frame.partition_by("key", maintain_order=True)]
    return Survey(
        file=table.file,
        sha256=table.digest,
        rows=frame.height,
        first=int(frame["at"].min()),  # type: ignore[arg-type]
        last=int(frame["at"].max()),  # type: ignore[arg-type]
        digits=digits,
        missing_days=[dt.date.fromordinal(_EPOCH + day).isoformat() for day in missing],
        stale=_count(frame, "stale"),
        suspect=_count(frame, "suspect"),
        contradicted=_tally(one.network for one in reserves if one.reason.startswith("the index falls")),
        reserves=sorted(reserves, key=lambda one: (one.network, one.asset, one.address)),
    )


_EPOCH = dt.date(1970, 1, 1).toordinal()


def _with_flags(frame: pl.DataFrame) -> pl.DataFrame:
    """Add the flags that a file lacks, and ``stale``: of a snapshot in which any reserve was last touched earlier than a
    snapshot before it had said. It comes from a node that lies behind, so all its rows go.
    """
    for name in ("suspect", "frozen", "paused"):
        if name not in frame.columns:
            frame = frame.with_columns(pl.lit(value=False).alias(name))
    frame = frame.with_columns((pl.col("time") < pl.col("time").cum_max().over("key")).alias("stale"))
    return frame.with_columns(pl.col("stale").any().over("network", "at"))


def _digits(frame: pl.DataFrame) -> int:
    parts = frame["supply_index"].str.extract(r"\.(\d+)$").str.len_chars()
    return min(max((int(part) for part in parts.drop_nulls().unique()), default=0), RAY_DIGITS)


def _count(frame: pl.DataFrame, flag: str) -> dict[str, int]:
    return _tally(frame.filter(pl.col(flag))["network"].to_list())


def _tally(names: Iterable[str]) -> dict[str, int]:
    out: dict[str, int] = {}
    for name in names:
        out[name] = out.get(name, 0) + 1
    return dict(sorted(out.items()))


def _reserve(table: RatesTable, rows: pl.DataFrame, start: int, digits: int) -> Yearly:
    sound = rows.filter(~pl.col("stale") & ~pl.col("suspect"))
    used = sound.unique("time", keep="first", maintain_order=True)
    reason, growth, seconds, error = _growth(table, used, sound, digits)
    if not reason and seconds < LEAST:
        reason = f"{seconds // DAY} days of data; a year is told from {LEAST // DAY} days on"
    known = not reason
    names = rows["asset"].unique(maintain_order=True).to_list()
    seen = (rows["at"] // DAY).unique().sort()
    first = int(rows["at"][0])
    shown = used if used.height else rows
    return Yearly(
        network=rows["network"][0],
        asset=names[-1],
        address=rows["address"][0],
        per_year_ppm=mul_div_down(growth, PPM * YEAR, _RAY * seconds) if known else None,
        error_ppm=mul_div_up(error, PPM * YEAR, _RAY * seconds) + 1 if known else None,
        reason=reason,
        growth_ppm=mul_div_down(growth, PPM, _RAY) if known else None,
        first=int(shown["time"][0]),
        last=int(shown["time"][-1]),
        rows=used.height,
        stale=int(rows["stale"].sum()),
        repeated=sound.height - used.height,
        suspect=int(rows["suspect"].sum()),
        missing_days=int(seen[-1] - seen[0] + 1 - len(seen)),
        listed=dt.datetime.fromtimestamp(first, dt.UTC).date().isoformat() if first - start > LEAST else "",
        names=names,
        frozen=bool(rows["frozen"][-1]),
        frozen_rows=int(rows["frozen"].sum()),
        paused=bool(rows["paused"][-1]),
    )


def _growth(table: RatesTable, used: pl.DataFrame, sound: pl.DataFrame, digits: int) -> tuple[str, int, int, int]:
    """Return (why there is none, growth in rays, seconds, most that the growth is off, rays)."""
    if not sound.height:
        return "every row is flagged suspect or stale", 0, 0, 0
    index = table.rays(used, "supply_index")
    for at, (before, after) in enumerate(pairwise(index), 1):
        if after < before:
            day = dt.datetime.fromtimestamp(int(used["at"][at]), dt.UTC).date()
            told = f"{format_amount(before, RAY_DIGITS)} to {format_amount(after, RAY_DIGITS)} on {day}"
            return f"the index falls from {told}: these rows are not of one reserve", 0, 0, 0
    if sound.select(pl.struct("time", "supply_index").n_unique())[0, 0] != used.height:
        return "the index changes although nobody touched the reserve", 0, 0, 0
    if not index[0]:
        return "the index is 0", 0, 0, 0
    if len(index) < 2:
        return "never touched within the file", 0, 0, 0
    growth = mul_div_down(index[-1], _RAY, index[0]) - _RAY
    half = div_up(10 ** (RAY_DIGITS - digits), 2)
    error = mul_div_up(half, _RAY + growth + _RAY, index[0]) + 1
    return "", growth, int(used["time"][-1]) - int(used["time"][0]), error
