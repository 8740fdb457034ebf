"""The store: what is written comes back, and whatever happens to the files is named in one line."""

from __future__ import annotations

import json
import subprocess
import sys

import numpy as np
import polars as pl
import pytest

from tidemill.errors import BadData
from tidemill.market import describe, import_bars, import_rawlogs, list_datasets, load_dataset, verify, write_dataset
from tidemill.market.limbs import from_limbs, to_limbs
from tidemill.market.manifest import PoolInfo, Token, strip_secrets
from tidemill.market.store import content_hash


@pytest.fixture
def stored(market, tmp_path):
    return write_dataset(market, tmp_path / "pool")


def test_a_dataset_comes_back_as_it_was(market, stored):
    again = load_dataset(stored.folder)
    assert again.manifest == stored.manifest
    assert again.state == market.state
    for name, table in market.tables.items():
        assert again.tables[name].equals(table)
    assert content_hash(again.tables, again.state) == market.content_hash
    assert verify(stored.folder).ok
    assert not list(stored.folder.parent.glob(".*"))


def test_the_content_hash_sees_every_value(market):
    events = market.events
    seen = {
        content_hash({"events": events}),
        content_hash({"events": events[:-1]}),
        content_hash({"events": events}, {}),
    }
    for column in events.columns:
        values = events[column].to_list()
        values[3] = (
            [7] * len(values[3]) if isinstance(values[3], list) else ("x" if events[column].dtype == pl.String else 77)
        )
        seen.add(content_hash({"events": events.with_columns(pl.Series(column, values, dtype=events[column].dtype))}))
    assert len(seen) == 3 + len(events.columns)


@pytest.mark.parametrize("cut", [0, 1, 100, -1, -200])
def test_a_truncated_table_is_named(stored, cut):
    path = stored.folder / "events.parquet"
    path.write_bytes(path.read_bytes()[:cut])
    with pytest.raises(BadData, match="events.parquet: not a readable Parquet file") as error:
        load_dataset(stored.folder)
    assert "\n" not in str(error.value)
    findings = verify(stored.folder)
    assert any("sha256" in line for line in findings.errors)
    assert any("not a readable" in line for line in findings.errors)


def test_a_flipped_value_is_found_by_verify(stored):
    path = stored.folder / "events.parquet"
    frame = pl.read_parquet(path)
    frame.with_columns(pl.col("tick") + 1).write_parquet(path)
    findings = verify(stored.folder)
    assert not findings.ok
    assert any("sha256" in line for line in findings.errors)
    assert any("content_hash" in line for line in findings.errors)


def edit(folder, **changes):
    path = folder / "manifest.json"
    path.write_text(json.dumps(json.loads(path.read_text()) | changes))


@pytest.mark.parametrize(
    ("damage", "says"),
    [
        (lambda d: (d / "manifest.json").unlink(), "no manifest.json"),
        (lambda d: (d / "manifest.json").write_text("{"), "manifest.json: "),
        (lambda d: edit(d, rows="many"), r"manifest.json: .*rows"),
        (lambda d: edit(d, schema_version=99), "schema_version 99"),
        (lambda d: (d / "events.parquet").unlink(), "events.parquet: file missing"),
        (lambda d: (d / "state.json").write_text("["), "state.json: not readable"),
        (lambda d: (d / "state.json").write_text("[]"), "state.json: expected an object"),
        (lambda d: pl.DataFrame({"a": [1]}).write_parquet(d / "events.parquet"), "column 'block' is missing"),
        (
            lambda d: (
                pl.read_parquet(d / "events.parquet").cast({"tick": pl.Int64}).write_parquet(d / "events.parquet")
            ),
            "column 'tick' is Int64, expected Int32",
        ),
        (
            lambda d: pl.read_parquet(d / "events.parquet")[:-1].write_parquet(d / "events.parquet"),
            "rows, the manifest says",
        ),
    ],
)
def test_every_damage_is_one_line(stored, damage, says):
    damage(stored.folder)
    with pytest.raises(BadData, match=says) as error:
        load_dataset(stored.folder)
    assert "\n" not in str(error.value)
    assert str(stored.folder) in str(error.value)


@pytest.mark.parametrize(
    ("field", "value", "says"),
    [
        ("tick", "x", "a value is not what it should be"),
        ("ticks", {"5": ["1"] * 7}, "5 is off spacing 10"),
        ("liquidity", "1", "liquidity is 1, the ticks sum to"),
        ("positions", {"a:1": []}, "a value is not"),
    ],
)
def test_a_wrong_state_names_the_field(stored, field, value, says):
    stored.state = {**stored.state, field: value}
    with pytest.raises(BadData, match=says):
        stored.initial_state()
    del stored.state[field]
    with pytest.raises(BadData, match=f"field '{field}' is missing"):
        stored.initial_state()


def test_order_and_duplicates_are_found(stored):
    path = stored.folder / "events.parquet"
    frame = pl.read_parquet(path)
    frame[[1, 0, *range(2, frame.height)]].write_parquet(path)
    assert any("out of order or duplicate" in line for line in verify(stored.folder).errors)


def test_a_writer_killed_between_its_renames_loses_nothing(stored):
    before = stored.content_hash
    stored.folder.rename(stored.folder.parent / ".pool.old")
    assert load_dataset(stored.folder).content_hash == before


KILL = """
import os, pathlib, sys
from tidemill.market import load_dataset, write_dataset
import tidemill.market.store as store
data = load_dataset(sys.argv[1])
at, seen = int(sys.argv[3]), 0
def count(event, args):
    global seen
    if event in ("open", "os.rename", "os.mkdir", "shutil.rmtree", "os.remove"):
        seen += 1
        if seen == at:
            os._exit(9)
sys.addaudithook(count)
write_dataset(data, sys.argv[2])
os._exit(0)
"""


def test_killed_at_any_point_of_a_write_the_old_or_the_new_dataset_is_there(market, tmp_path):
    small, other = (slice_of(market, count) for count in (20, 30))
    write_dataset(other, tmp_path / "new")
    for at in range(1, 60):
        write_dataset(small, tmp_path / "pool")
        command = [sys.executable, "-c", KILL, str(tmp_path / "new"), str(tmp_path / "pool"), str(at)]
        code = subprocess.run(command, check=False, capture_output=True).returncode
        assert code in {0, 9}
        found = load_dataset(tmp_path / "pool")
        assert found.content_hash in {small.content_hash, other.content_hash}
        assert verify(tmp_path / "pool").ok
        if code == 0:
            break
    assert code == 0
    assert at > 8
    assert found.content_hash == other.content_hash


def slice_of(dataset, count):
    """The first ``count`` events as a dataset without a state."""
    from tidemill.market.importing import dataset_of_events

    return dataset_of_events(dataset.events[:count], dataset.pool, source="slice")


def test_secrets_do_not_reach_the_manifest():
    assert (
        strip_secrets("https://user:pw@eth.example.org/v2/abcdefghijklmnop1234567890?key=zzz")
        == "https://eth.example.org/v2/***"
    )
    assert strip_secrets("wss://abcdefghijklmnopqrstuvwxyz.quiknode.example/") == "wss://***.quiknode.example/"
    assert strip_secrets("http://127.0.0.1:8545") == "http://127.0.0.1:8545"
    assert "secretsecretsecret" not in strip_secrets("secretsecretsecret")


def test_listing_and_description(stored):
    ((path, manifest),) = list_datasets(stored.folder.parent)
    assert path == stored.folder
    shown = describe(stored)
    assert shown["title"].endswith("(synthetic)") and shown["synthetic"]
    assert shown["supports"] == ["exact", "inferred", "bars"]
    assert sum(shown["kinds"].values()) == manifest.rows == stored.events.height
    assert shown["sample"][0]["kind"] in shown["kinds"]
    json.dumps(shown)


def test_limbs_round_trip_and_refuse_what_does_not_fit():
    values = [0, 1, -1, 2**255 - 1, -(2**255)]
    assert from_limbs(to_limbs(values, 4, signed=True), signed=True) == values
    assert to_limbs([], 3).shape == (0, 3)
    assert np.array_equal(to_limbs([2**64 + 5], 2), np.array([[5, 1]], np.uint64))
    with pytest.raises(BadData, match="price 340.* does not fit uint128"):
        to_limbs([2**128], 2, name="price")


@pytest.mark.parametrize(
    ("content", "says"),
    [(b"", "not readable"), (b"PAR1garbage", "not readable"), (None, "no such file")],
)
def test_import_of_a_damaged_file_names_it(tmp_path, content, says):
    path = tmp_path / "logs.parquet"
    if content is not None:
        path.write_bytes(content)
    pool = PoolInfo(1, "ethereum", "0x00", Token("A", 18), Token("B", 18), 500, 10)
    for read in (import_rawlogs, import_bars):
        with pytest.raises(BadData, match=says) as error:
            read(path, pool)
        assert str(path) in str(error.value)


def test_importing_the_room_is_light():
    code = "import sys, tidemill.market; print([m for m in ('polars', 'numba', 'numpy') if m in sys.modules])"
    assert (
        subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True).stdout.strip() == "[]"
    )
