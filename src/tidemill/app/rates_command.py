"""``tidemill market rates`` and ``sample``: tables of rates read, and made of exact venues."""

from __future__ import annotations

import datetime as dt
import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Literal

from cyclopts import Parameter

from tidemill.app.console import emit_json, note, stdout
from tidemill.app.options import Json

if TYPE_CHECKING:
    from tidemill.market.rates_survey import Survey, Yearly

__all__ = ["rates", "sample"]


def rates(
    file: Path,
    *,
    network: str = "",
    asset: str = "",
    sort: Literal["network", "income"] = "network",
    known: Annotated[bool, Parameter(negative="")] = False,
    json: Json = False,
) -> int:
    """Show what suppliers earned a year, by network and asset, from a table of supply indices; and what is wrong with it.

    A year is simple and of 365 days, told from seven days on. Rows that cannot be used are counted on standard error,
    and a reserve whose rows contradict one another has a reason in place of a figure.

    Example: `tidemill market rates aave_v3_daily.parquet --asset USDC --sort income`

    Parameters
    ----------
    file
        A CSV or Parquet file: a column of time, one of supply indices, and network, symbol, address where it has several.
    network
        Only this network, as the file calls it.
    asset
        Only this asset, by its symbol; several reserves may have it.
    sort
        By network and asset, or by income, the highest first.
    known
        Leave out reserves without a figure.
    json
        Print all of it as JSON on standard output.
    """
    from tidemill.app.tables import plain, table  # noqa: PLC0415
    from tidemill.market.rates import read_rates  # noqa: PLC0415
    from tidemill.market.rates_survey import survey  # noqa: PLC0415

    found = survey(read_rates(file), network=network, asset=asset)
    shown = [one for one in found.reserves if one.per_year_ppm is not None or not known]
    if sort == "income":
        shown.sort(key=lambda one: (one.per_year_ppm is None, -(one.per_year_ppm or 0), one.network, one.asset))
    if json:
        from msgspec.structs import replace  # noqa: PLC0415

        emit_json(replace(found, reserves=shown))
        return 0
    head = ["network", "asset", "a year>", "±>", "from", "to", "touches>", ""]
    stdout().print(table("", head, [[plain(cell) for cell in _row(one)] for one in shown]))
    for line in _traps(found):
        note(line)
    return 0


def sample(study: Path, venue: str, *, every: int = 3_600) -> int:
    """Write the table of rates that a venue of a study would have shown, as CSV on standard output.

    What others do there is played by the exact model, without you. `dataset = "that.csv"` then follows the table instead.

    Example: `tidemill market sample examples/lending.toml aave --every 86400 > lending_rates.csv`

    Parameters
    ----------
    study
        A study file whose venue is scripted.
    venue
        The study's name of the venue.
    every
        Seconds between two rows.
    """
    from tidemill.studies.sampled import sample_rates  # noqa: PLC0415
    from tidemill.studies.study import load_study  # noqa: PLC0415

    sys.stdout.write(sample_rates(load_study(study), venue, every))
    return 0


def _row(one: Yearly) -> list[str]:
    figure = _percent(one.per_year_ppm) if one.per_year_ppm is not None else "–"
    error = _percent(one.error_ppm) if one.error_ppm is not None else ""
    return [one.network, one.asset, figure, error, _day(one.first), _day(one.last), f"{one.rows:,}", _notes(one)]


def _notes(one: Yearly) -> str:
    notes = [
        one.reason,
        "frozen" if one.frozen else f"frozen for {one.frozen_rows} rows" if one.frozen_rows else "",
        "paused" if one.paused else "",
        f"listed {one.listed}" if one.listed else "",
        f"{one.stale} stale rows left out" if one.stale else "",
        f"also called {', '.join(one.names[:-1])}" if len(one.names) > 1 else "",
    ]
    return "; ".join(filter(None, notes))


def _traps(found: Survey) -> list[str]:
    def counts(of: dict[str, int]) -> str:
        return ", ".join(f"{name or 'the file'} {count:,}" for name, count in of.items())

    without = sum(one.per_year_ppm is None for one in found.reserves)
    lines = [
        f"{found.rows:,} rows of {len(found.reserves)} reserves, {_day(found.first)} to {_day(found.last)}",
        f"{without} of them without a figure; the index has {found.digits} decimals, from which ± follows",
        "an index is of the moment its reserve was last touched; from and to say which",
    ]
    if found.missing_days:
        lines.append(f"days missing everywhere: {', '.join(found.missing_days)}")
    if found.suspect:
        lines.append(f"rows flagged suspect, not used: {counts(found.suspect)}")
    if found.stale:
        lines.append(f"rows of snapshots that lie behind an earlier one, not used: {counts(found.stale)}")
    if found.contradicted:
        lines.append(f"reserves whose index falls, no figure: {counts(found.contradicted)}")
    return lines


def _percent(ppm: int) -> str:
    return f"{ppm / 10_000:.4f} %"


def _day(time: int) -> str:
    return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%d")
