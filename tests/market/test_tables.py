"""Tables that stay in their file: read in parts they are the table, and what is wrong with the file is named."""

from __future__ import annotations

import os

import polars as pl
import pytest

from tidemill.errors import BadData
from tidemill.market.tables import Held, Stored

SCHEMA = {"time": pl.Int64(), "wide": pl.Array(pl.UInt64(), 2)}


def frame(rows: int) -> pl.DataFrame:
    return pl.DataFrame({"time": range(rows), "wide": [[k, k * k] for k in range(rows)]}, schema=SCHEMA)


@pytest.fixture
def path(tmp_path):
    found = tmp_path / "bars.parquet"
    frame(1000).write_parquet(found, row_group_size=128)
    return found


@pytest.mark.parametrize("size", [1, 99, 128, 300, 1000, 5000])
def test_pieces_are_the_table(path, size):
    if size == 1:
        frame(3).write_parquet(path)
    for table in (Stored(path, SCHEMA), Held(pl.read_parquet(path))):
        pieces = list(table.pieces(("wide", "time"), size))
        assert [piece.height for piece in pieces[:-1]] == [size] * (len(pieces) - 1)
        assert sum(piece.height for piece in pieces) == table.height
        assert pl.concat(pieces).equals(table.read(("wide", "time")))
        assert table.read().equals(pl.read_parquet(path))


def test_an_empty_table_has_no_pieces(path):
    frame(0).write_parquet(path)
    assert list(Stored(path, SCHEMA).pieces(("time",), 10)) == list(Held(frame(0)).pieces(("time",), 10)) == []


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda path: path.unlink(), "file missing"),
        (lambda path: path.write_bytes(path.read_bytes()[:-20]), "not a readable Parquet file"),
        (lambda path: path.write_bytes(b""), "not a readable Parquet file"),
        (lambda path: frame(5).drop("wide").write_parquet(path), "column 'wide' is missing"),
        (lambda path: frame(5).cast({"time": pl.Int32}).write_parquet(path), "column 'time' is Int32, expected Int64"),
    ],
)
def test_a_damaged_file_is_named(path, damage, says):
    damage(path)
    with pytest.raises(BadData, match=says) as error:
        Stored(path, SCHEMA)
    assert str(error.value).startswith(str(path))
    assert "\n" not in str(error.value)


def test_damage_inside_is_named_where_it_is_read(path):
    table = Stored(path, SCHEMA)
    data = bytearray(path.read_bytes())
    data[4:4000] = bytes(3996)
    stamp = path.stat()
    path.write_bytes(data)
    os.utime(path, ns=(stamp.st_atime_ns, stamp.st_mtime_ns))
    with pytest.raises(BadData, match="not a readable Parquet file"):
        table.read()


def test_a_file_replaced_on_the_way_is_refused(path):
    table = Stored(path, SCHEMA)
    pieces = table.pieces(("time",), 100)
    next(pieces)
    frame(1001).write_parquet(path)
    with pytest.raises(BadData, match="replaced while it was read"):
        next(pieces)
