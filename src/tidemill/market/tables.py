"""A table in memory, or one that stays in its Parquet file and is read in the columns and pieces that are asked for."""

from __future__ import annotations

from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path
from typing import Protocol

import polars as pl

from tidemill.errors import BadData

__all__ = ["Held", "Stored", "Table", "check_columns"]


class Table(Protocol):
    """Rows of named columns."""

    @property
    def height(self) -> int:
        """Number of rows."""
        ...

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """Return these columns (default all) of every row."""
        ...

    def pieces(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        """Yield these columns in pieces of ``size`` rows (the last may be shorter), in order."""
        ...


class Held:
    """A table in memory."""

    def __init__(self, frame: pl.DataFrame) -> None:
        self._frame = frame
        self.height = frame.height

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """See ``Table``."""
        return self._frame if columns is None else self._frame.select(columns)

    def pieces(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        """See ``Table``."""
        frame = self._frame.select(columns)
        return (frame[start : start + size] for start in range(0, self.height, size))


class Stored:
    """A Parquet file whose rows are read when asked for, and not kept.

    Raises
    ------
    BadData : file missing, unreadable or of other columns; later, what was read is not the file that was opened.
    """

    def __init__(self, path: Path, schema: Mapping[str, pl.DataType]) -> None:
        self._path, self._columns = path, list(schema)
        if not path.is_file():
            raise BadData(f"{path}: file missing")
        self._seen = self._stamp()
        check_columns(path, self._collect(self._scan().head(0)), schema)
        self.height = int(self._collect(self._scan().select(pl.len())).item())

    def read(self, columns: Sequence[str] | None = None) -> pl.DataFrame:
        """See ``Table``."""
        return self._collect(self._scan().select(self._columns if columns is None else columns))

    def pieces(self, columns: Sequence[str], size: int) -> Iterator[pl.DataFrame]:
        """See ``Table``. Row groups of ``size`` rows are read without their neighbours."""
        for start in range(0, self.height, size):
            yield self._collect(self._scan().select(columns).slice(start, size))

    def _scan(self) -> pl.LazyFrame:
        return pl.scan_parquet(self._path)

    def _collect(self, query: pl.LazyFrame) -> pl.DataFrame:
        try:
            found = query.collect(engine="streaming")
            stamp = self._stamp()
        except (pl.exceptions.PolarsError, OSError) as error:
            why = str(error).splitlines()[0][:120]
            raise BadData(f"{self._path}: not a readable Parquet file ({why}); truncated?") from None
        if stamp != self._seen:
            raise BadData(f"{self._path}: replaced while it was read; run again")
        return found

    def _stamp(self) -> tuple[int, int, int]:
        now = self._path.stat()
        return now.st_ino, now.st_mtime_ns, now.st_size


def check_columns(path: Path, frame: pl.DataFrame, schema: Mapping[str, pl.DataType]) -> None:
    """Compare a file's columns with ``schema``; raises ``BadData`` naming the first that differs."""
    for name, dtype in schema.items():
        if name not in frame.columns:
            raise BadData(f"{path}: column {name!r} is missing")
        if frame[name].dtype != dtype:
            raise BadData(f"{path}: column {name!r} is {frame[name].dtype}, expected {dtype}")
