"""Tables of rates: what somebody has who knows no events, only indices, APYs, share prices, reward rates or reserves.

A table is a CSV or Parquet file with a column of time and columns of figures under the names they go by (``ALIASES``).
Cells stay text until they are asked for; then they become integers, rays (1.0 is 10**27), once, exactly. A CSV may begin
with lines ``# source: …``, ``# licence: …``, ``# synthetic: true``; a Parquet file has the same as metadata.
"""

from __future__ import annotations

import hashlib
from pathlib import Path

import polars as pl
from msgspec import Struct

from tidemill.errors import BadData, BadInput, nearest
from tidemill.market.importing import read_source
from tidemill.units import parse_amount

__all__ = ["ALIASES", "FIGURES", "FLAGS", "RAY_DIGITS", "RatesTable", "ray_of", "read_rates"]

RAY_DIGITS = 27
MOST = 10**30
"""Largest figure: more whole tokens than this there are of nothing."""

TIME = ("time", "timestamp", "snapshot_at", "block_timestamp", "date", "day")
UPDATED = ("reserve_last_update", "last_update_timestamp", "updated")
"""When a reserve was last touched: an index is that moment's, not the snapshot's."""
NAMES = {
    "network": ("network", "chain"),
    "asset": ("symbol", "asset", "token", "reserve", "vault", "pool"),
    "address": ("asset_address", "address", "asset"),
}
ALIASES: dict[str, tuple[str, ...]] = {
    "supply_index": ("liquidity_index", "index"),
    "borrow_index": ("variable_borrow_index",),
    "supply_rate": ("current_liquidity_rate", "liquidity_rate", "supply_apr", "apr", "rate"),
    "borrow_rate": ("current_variable_borrow_rate", "variable_borrow_rate", "borrow_apr"),
    "supply_apy": ("apy",),
    "borrow_apy": (),
    "utilisation": ("utilization",),
    "reserve_factor": (),
    "share_price": ("price_per_share", "exchange_rate"),
    "reward_rate": ("reward_per_second",),
    "reward_per_day": (),
    "bonus_rate": ("bonus_per_second",),
    "bonus_per_day": (),
    "total_staked": ("staked",),
    "reserve0": (),
    "reserve1": (),
    "total_supply": (),
    "price": (),
    "volume": ("volume_usd",),
    "liquidity": ("tvl",),
    "transactions": ("tx_count",),
    "base_fee_gwei": (),
    "l1_gas_gwei": (),
    "blob_gas_gwei": (),
}
"""Figures by our name, and the other names they go by. A rate of the year may also end in ``_percent``."""
FIGURES = tuple(ALIASES)
FLAGS = ("suspect", "frozen", "paused", "active")
_PERCENT = "_percent"


class RatesTable(Struct, frozen=True):
    """A table as read.

    ``frame`` has the columns ``network``, ``asset``, ``address`` (text, empty where the file has none), ``at`` (seconds:
    when the row was taken), ``time`` (seconds: the moment its figures are of), the figures as text under our names, and
    flags; ``key`` tells one reserve from another, ``name`` is what its last row calls it. It is in order of ``key`` and
    ``at``. ``percent`` are rates given in percent.
    """

    file: str
    digest: str
    frame: pl.DataFrame
    source: str
    licence: str
    synthetic: bool
    percent: frozenset[str]

    @property
    def figures(self) -> tuple[str, ...]:
        """Names of the figures that the file has."""
        return tuple(name for name in FIGURES if name in self.frame.columns)

    def chosen(self, network: str = "", asset: str = "") -> pl.DataFrame:
        """Return the rows of one network and asset, of all where neither is given.

        ``asset`` is an address, or a symbol that the file's last row of a reserve says; earlier names only count where
        no reserve is called so now. Raises ``BadInput`` naming what the file has (fields ``network``, ``asset``).
        """
        some = self.frame
        if network:
            some = some.filter(pl.col("network").str.to_lowercase() == network.lower())
            if some.is_empty():
                raise BadInput(
                    f"{self.file} has no network {network!r}{_nearest(network, self.frame['network'])}", field="network"
                )
        if not asset:
            return some
        for match in (_is("name", asset) | _is("address", asset), _is("asset", asset).any().over("key")):
            if not (found := some.filter(match)).is_empty():
                return found
        raise BadInput(f"{self.file} has no asset {asset!r}{_nearest(asset, some['name'])}", field="asset")

    def of(self, network: str = "", asset: str = "") -> pl.DataFrame:
        """Return the rows of one reserve, vault, farm or pool; raises ``BadInput`` where none fits, or several do."""
        some = self.chosen(network, asset)
        if some["key"].n_unique() > 1:
            field = "network" if some["network"].n_unique() > 1 else "asset"
            told = some["network"] if field == "network" else some["key"].str.strip_prefix(f"{some['network'][0]}/")
            raise BadInput(f"{self.file} has rows of several; say which: {_some(told)}", field=field)
        return some

    def rays(self, rows: pl.DataFrame, figure: str) -> list[int]:
        """Return a column of ``rows`` as rays; raises ``BadData`` naming file, moment and column of a bad cell."""
        scale = RAY_DIGITS - 2 if figure in self.percent else RAY_DIGITS
        return [
            ray_of(text, scale, f"{self.file}: {figure} at {time}")
            for text, time in zip(rows[figure].to_list(), rows["time"].to_list(), strict=True)
        ]


def ray_of(text: str | None, digits: int, where: str) -> int:
    """Return a cell as an integer of so many digits, never below 0; raises ``BadData`` saying ``where``."""
    if text is None or not text.strip():
        raise BadData(f"{where}: empty; a figure that is not known is no 0")
    try:
        value = parse_amount(text, digits)
    except BadInput as error:
        raise BadData(f"{where}: {error}") from None
    if value < 0:
        raise BadData(f"{where}: {text} is below 0")
    if value > MOST * 10**digits:
        raise BadData(f"{where}: {text[:40]} is above 10^30; raw units go without their decimals")
    return value


def read_rates(path: str | Path) -> RatesTable:
    """Read a table of rates.

    Raises
    ------
    BadData : not readable, no column of time, no figure, a moment that is none, or two columns for the same figure.
    """
    file = Path(path)
    notes = _notes(file)
    frame = _read(file)
    if frame.is_empty():
        raise BadData(f"{file}: no rows")
    columns = {name.strip().lower(): name for name in frame.columns}
    time = next((columns[name] for name in TIME if name in columns), None)
    if time is None:
        raise BadData(f"{file}: no column of time; one of {', '.join(TIME)}")
    out = {"at": _seconds(frame[time], str(file))}
    updated = next((columns[name] for name in UPDATED if name in columns), None)
    out["time"] = out["at"] if updated is None else _seconds(frame[updated], str(file))
    for name, known in NAMES.items():
        given = next((columns[other] for other in known if other in columns), None)
        out[name] = (
            pl.Series(name, [""] * frame.height) if given is None else frame[given].cast(pl.String).fill_null("")
        )
    percent = set()
    for name, others in ALIASES.items():
        found = [(other, end) for other in (name, *others) for end in ("", _PERCENT) if other + end in columns]
        if len(found) > 1:
            raise BadData(f"{file}: {found[0][0] + found[0][1]} and {found[1][0] + found[1][1]} are both {name}")
        if found:
            out[name] = frame[columns["".join(found[0])]].cast(pl.String)
            if found[0][1]:
                percent.add(name)
    if not set(out) & set(FIGURES):
        raise BadData(f"{file}: no figure to earn by; one of {', '.join(FIGURES)}")
    for name in FLAGS:
        if name in columns:
            out[name] = _flag(frame[columns[name]], f"{file}: {name}")
    table = pl.DataFrame({name: column.rename(name) for name, column in out.items()})
    which = "address" if table["address"].str.len_chars().min() else "asset"
    table = table.with_columns(pl.concat_str("network", which, separator="/").alias("key")).sort("key", "at")
    return RatesTable(
        file=str(file),
        digest=hashlib.sha256(file.read_bytes()).hexdigest(),
        frame=table.with_columns(pl.col("asset").last().over("key").alias("name")),
        source=notes.get("source", ""),
        licence=notes.get("licence", ""),
        synthetic=notes.get("synthetic", "").lower() in ("true", "yes", "1"),
        percent=frozenset(percent),
    )


def _read(file: Path) -> pl.DataFrame:
    if file.suffix != ".csv":
        return read_source(file)
    if not file.is_file():
        read_source(file)  # says what is there instead
    try:
        return pl.read_csv(file, infer_schema=False, comment_prefix="#")
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadData(f"{file}: not readable ({str(error).splitlines()[0][:120]}); truncated?") from None


def _notes(file: Path) -> dict[str, str]:
    """What the file says of itself ahead of its rows."""
    if not file.is_file():
        return {}
    if file.suffix != ".csv":
        try:
            return {key.lower(): value for key, value in pl.read_parquet_metadata(file).items()}
        except (pl.exceptions.PolarsError, OSError):
            return {}
    found = {}
    with file.open(encoding="utf-8", errors="replace") as lines:
        for line in lines:
            if not line.startswith("#"):
                break
            key, colon, value = line[1:].partition(":")
            if colon and key.strip().isalpha():
                found[key.strip().lower()] = value.strip()
    return found


def _seconds(column: pl.Series, where: str) -> pl.Series:
    """Return Unix seconds of numbers, dates or text; a day without a time of it is its midnight."""
    name = f"{where}: {column.name}"
    told = column
    if told.dtype == pl.String and told.str.contains(r"^\d{9,10}$").all():
        told = told.cast(pl.Int64)
    elif told.dtype == pl.String:
        text = told.str.strip_chars().str.replace(r"(Z|\+00:00)$", "").str.replace(" ", "T")
        moments = text.str.to_datetime(strict=False, time_unit="us", format="%Y-%m-%dT%H:%M:%S%.f")
        told = moments.fill_null(text.str.to_date(strict=False, format="%Y-%m-%d").cast(pl.Datetime("us")))
    if told.dtype.is_temporal():
        told = told.cast(pl.Datetime("us")).dt.epoch("s")
    elif not told.dtype.is_integer():
        raise BadData(f"{name}: neither whole Unix seconds nor a moment like 2025-01-31T12:00:00Z")
    if told.null_count():
        row = int(told.is_null().arg_max() or 0)
        raise BadData(f"{name}: row {row}: {column[row]!r} is no moment; write it like 2025-01-31T12:00:00Z")
    low, high = int(told.min()), int(told.max())  # type: ignore[arg-type]
    if low < 1_230_768_000 or high > 7_258_118_400:
        raise BadData(f"{name}: {low if low < 1_230_768_000 else high} is no moment between 2009 and 2200 in seconds")
    return told.cast(pl.Int64)


def _flag(column: pl.Series, where: str) -> pl.Series:
    if column.dtype == pl.Boolean:
        return column.fill_null(value=False)
    text = column.cast(pl.String).str.strip_chars().str.to_lowercase().fill_null("")
    wrong = ~text.is_in(["true", "false", "1", "0", "yes", "no", ""])
    if wrong.any():
        raise BadData(f"{where}: {text.filter(wrong)[0]!r} is neither true nor false")
    return text.is_in(["true", "1", "yes"])


def _is(column: str, text: str) -> pl.Expr:
    return pl.col(column).str.to_lowercase() == text.lower()


def _nearest(name: str, column: pl.Series) -> str:
    """The nearest name of a column, or some of them where none is near."""
    told = nearest(name, set(column.to_list()))
    return f"; it has {_some(column)}" if told.startswith("; valid") else told


def _some(column: pl.Series) -> str:
    names = sorted(set(column.to_list()))
    shown = ", ".join(repr(name) for name in names[:12])
    return f"{shown} and {len(names) - 12} more" if len(names) > 12 else shown
