"""Import of files: raw EVM logs, and minute bars, into datasets."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

import numpy as np
import polars as pl

from tidemill.errors import BadData
from tidemill.market.decode import decode_logs
from tidemill.market.limbs import to_limbs
from tidemill.market.manifest import PoolInfo
from tidemill.market.schema import BARS
from tidemill.market.store import Dataset, make_manifest

__all__ = ["import_bars", "import_rawlogs", "read_source"]


def read_source(path: Path) -> pl.DataFrame:
    """Read a Parquet or CSV file; raises ``BadData`` in one line."""
    if not path.is_file():
        raise BadData(f"{path}: {'a folder, not a file of logs' if path.is_dir() else 'no such file'}")
    try:
        return pl.read_csv(path, infer_schema=False) if path.suffix == ".csv" else pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadData(f"{path}: not readable ({str(error).splitlines()[0][:120]}); truncated?") from None


def import_rawlogs(
    path: str | Path, pool: PoolInfo, *, licence: str = "", notes: Mapping[str, str] | None = None
) -> Dataset:
    """Decode a file of raw logs (Parquet or CSV) of ``pool`` into a dataset of fidelity ``inferred``.

    Raises ``BadData`` naming file, row and what is wrong.
    """
    file = Path(path)
    frame = read_source(file)
    if frame.is_empty():
        raise BadData(f"{file}: no rows")
    events = decode_logs(frame, address=pool.address, tick_spacing=pool.tick_spacing, where=str(file))
    return dataset_of_events(events, pool, source=f"raw logs, {file.name}", licence=licence, notes=notes)


def dataset_of_events(
    events: pl.DataFrame, pool: PoolInfo, *, source: str, licence: str = "", notes: Mapping[str, str] | None = None
) -> Dataset:
    """Wrap an event table as a dataset in memory."""
    tables = {"events": events}
    manifest = make_manifest(
        kind="uniswap_v3.events", pool=pool, tables=tables, state=None, source=source, licence=licence, notes=notes
    )
    return Dataset(manifest, tables)


_BAR_NAMES = {
    "open_tick": "openTick",
    "low_tick": "lowestTick",
    "high_tick": "highestTick",
    "close_tick": "closeTick",
    "in0": "inAmount0",
    "in1": "inAmount1",
    "liquidity": "currentLiquidity",
}


def import_bars(
    path: str | Path, pool: PoolInfo, *, licence: str = "", notes: Mapping[str, str] | None = None
) -> Dataset:
    """Read bars with the columns of demeter-fetch's minute files (timestamp, openTick … currentLiquidity)."""
    file = Path(path)
    frame = read_source(file)
    missing = [name for name in ("timestamp", *_BAR_NAMES.values()) if name not in frame.columns]
    if missing:
        raise BadData(f"{file}: no column {missing[0]!r}; these are not minute bars")
    if frame.is_empty():
        raise BadData(f"{file}: no rows")
    tables = {"bars": _bars(frame, str(file))}
    manifest = make_manifest(
        kind="uniswap_v3.bars",
        pool=pool,
        tables=tables,
        state=None,
        source=f"bars, {file.name}",
        licence=licence,
        notes=notes,
    )
    return Dataset(manifest, tables)


def _bars(frame: pl.DataFrame, where: str) -> pl.DataFrame:
    stamp = frame["timestamp"]
    if stamp.dtype == pl.String:
        stamp = stamp.str.to_datetime(strict=False)
    if stamp.null_count():
        raise BadData(f"{where}: timestamp is empty or unreadable in row {stamp.is_null().arg_max()}")
    columns: dict[str, pl.Series] = {"time": stamp.dt.epoch("s").rename("time")}
    for name, source in _BAR_NAMES.items():
        if name.endswith("tick"):
            ticks = frame[source].cast(pl.Float64, strict=False)
            if ticks.null_count() or not (ticks == ticks.floor()).all():
                raise BadData(f"{where}: {source} is not a whole number in every row")
            columns[name] = ticks.cast(pl.Int32).rename(name)
        else:
            columns[name] = pl.Series(name, _wide(frame[source], f"{where}: {source}"), dtype=BARS[name])
    bars = pl.DataFrame(columns, schema=BARS)
    if (np.diff(bars["time"].to_numpy()) <= 0).any():
        raise BadData(f"{where}: bars are not in order of time")
    wrong = (bars["low_tick"] > bars["high_tick"]).arg_max() if (bars["low_tick"] > bars["high_tick"]).any() else None
    if wrong is not None:
        raise BadData(f"{where}: row {wrong}: lowestTick is above highestTick")
    return bars


def _wide(column: pl.Series, name: str) -> np.ndarray[tuple[int, int], np.dtype[np.uint64]]:
    try:
        return to_limbs((int(v) for v in column.to_list()), 2, name=name)
    except (TypeError, ValueError):
        raise BadData(f"{name}: not a whole number in every row") from None
