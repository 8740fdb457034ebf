"""Tables of prices: a column of time and one for each token, all in one currency; or long, with a column ``symbol``."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

import numpy as np

from tidemill.errors import BadInput

__all__ = ["ENOUGH_HOURS", "read_prices"]

ENOUGH_HOURS = 1_000
"""Hours from which on a table is read by the hour."""
_LOOK_S = 600
_LATEST = 100_000_000_000
"""A time beyond so many seconds (the year 5138) is in a finer unit."""
_TIMES = ("time", "ts", "dt", "date", "datetime", "timestamp")
_PRICES = ("price", "price_usd", "close")


def read_prices(path: str | Path, names: Sequence[str]) -> tuple[int, Any, float]:
    """Return seconds, at most an hour, log returns over them (n, k) of the prices ``BASE/QUOTE``, and days from first to last.

    A return over more than an hour is given as one over an hour: a day's has the variance of its 24 hours together.

    Parameters
    ----------
    path : CSV or Parquet. A token is found by its symbol, that of what it wraps (``WETH``: ``ETH``) too; a currency that has
        no column counts as 1 if it is a stablecoin's.

    Raises
    ------
    BadInput : nothing is there, no column of time, a token without prices, rows that are not evenly spaced.
    """
    import polars as pl  # noqa: PLC0415 - heavy

    file = Path(path)
    if not file.is_file():
        raise BadInput("no such file", file=str(path), field="history")
    try:
        table = pl.read_parquet(file) if file.suffix == ".parquet" else pl.read_csv(file, try_parse_dates=True)
    except (pl.exceptions.PolarsError, OSError, UnicodeDecodeError) as error:
        raise BadInput(f"cannot be read: {str(error).splitlines()[0]}", file=str(path), field="history") from None
    when = next((name for name in _TIMES if name in table.columns), None)
    if when is None:
        raise BadInput(f"no column of time; name one of {', '.join(_TIMES)}", file=str(path), field="history")
    if "symbol" in table.columns:
        value = next((name for name in _PRICES if name in table.columns), None)
        if value is None:
            raise BadInput(f"no column of prices; name one of {', '.join(_PRICES)}", file=str(path), field="history")
        table = table.pivot(on="symbol", index=when, values=value, aggregate_function="last")
    table = table.sort(when)
    columns = [_ratio(table, name, str(path)) for name in names]
    levels = np.column_stack(columns)
    sound = np.isfinite(levels).all(axis=1)
    at = _seconds(table[when])[sound]
    levels = levels[sound]
    days = float(at[-1] - at[0]) / 86_400 if len(at) else 0.0
    if len(at) < 3:
        raise BadInput(f"{len(at)} rows with all prices", file=str(path), field="history")
    seconds = int(np.median(np.diff(at)))
    if seconds < 60 or (np.diff(at) != seconds).mean() > 0.02:
        raise BadInput("rows are not evenly spaced, a minute or more apart", file=str(path), field="history")
    if seconds < 3_600:
        if 3_600 % seconds:
            raise BadInput(f"rows of {seconds} s do not fill an hour", file=str(path), field="history")
        # hours where there are enough of them, else looks of ten minutes: shorter ones see more bounce than price
        step = 3_600 if len(levels) * seconds >= ENOUGH_HOURS * 3_600 else max(_LOOK_S, seconds)
        levels, seconds = levels[:: max(step // seconds, 1)], max(step // seconds, 1) * seconds
        if 3_600 % seconds:
            raise BadInput(f"rows of {seconds} s do not fill an hour", file=str(path), field="history")
    returns = np.diff(levels, axis=0)
    if seconds > 3_600:
        returns = returns / np.sqrt(seconds / 3_600)
    return min(seconds, 3_600), returns, days


def _seconds(times: Any) -> Any:
    """Return Unix seconds of a column of moments, or of whole numbers: seconds, thousandths … by their size."""
    import polars as pl  # noqa: PLC0415 - heavy

    if not times.dtype.is_integer():
        return times.cast(pl.Datetime("us")).to_numpy().astype("datetime64[s]").astype(np.int64)
    unit = 1
    while times.abs().max() // unit > _LATEST:
        unit *= 1_000
    return times.to_numpy().astype(np.int64) // unit


def _ratio(table: Any, name: str, path: str) -> Any:
    base, _, quote = name.partition("/")
    return np.log(_column(table, base, path)) - np.log(_column(table, quote, path))


def _column(table: Any, symbol: str, path: str) -> Any:
    for one in (symbol, symbol.removeprefix("W").removeprefix("w")):
        if one in table.columns:
            values = table[one].cast(float, strict=False).to_numpy().astype(float)
            return np.where(values > 0, values, np.nan)
    if "USD" in symbol or symbol == "DAI":
        return np.ones(table.height)
    tokens = ", ".join(table.columns[:12])
    raise BadInput(f"no prices of {symbol} (columns: {tokens})", file=path, field="history")
