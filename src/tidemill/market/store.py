"""The Parquet store: a dataset is a folder of tables with a manifest, written whole or not at all.

::

    NAME/manifest.json      what it is, sha256 per file
         events.parquet     typed pool events (or bars.parquet)
         state.json         initial pool state, for exact replay
         blocks.parquet     base fees per block, where known
         prices.parquet     token prices, where known

A dataset is written into a hidden folder beside its place, synced, and renamed; readers never see half of one.
"""

from __future__ import annotations

import fcntl
import hashlib
import os
import shutil
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from functools import cached_property
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
import polars as pl

from tidemill.errors import BadData
from tidemill.market.manifest import (
    MANIFEST,
    FileEntry,
    Manifest,
    PoolInfo,
    encode_manifest,
    file_sha256,
    read_manifest,
)
from tidemill.market.schema import BARS, BLOCKS, EVENTS, PRICES, SCHEMA_VERSION
from tidemill.market.tables import Held, Stored, Table, check_columns

if TYPE_CHECKING:
    from tidemill.market.replay import Replay
    from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["Dataset", "content_hash", "list_datasets", "load_dataset", "make_manifest", "read_table", "write_dataset"]

_TABLES = {"events": EVENTS, "bars": BARS, "blocks": BLOCKS, "prices": PRICES}

PIECE = 1 << 15
"""Rows that bars are stored and read in at a time."""


class Dataset:
    """A market dataset: tables, initial state and manifest. Bars that were loaded stay in their file.

    Parameters
    ----------
    manifest : what it is.
    tables : ``events`` or ``bars``, and ``blocks`` and ``prices`` where known.
    state : plain initial pool state (integers as decimal strings), None where unknown.
    folder : where it was loaded from, None for one in memory.
    """

    def __init__(
        self,
        manifest: Manifest,
        tables: Mapping[str, pl.DataFrame | Table],
        state: Mapping[str, Any] | None = None,
        folder: Path | None = None,
    ) -> None:
        self.manifest = manifest
        self._tables = {name: Held(t) if isinstance(t, pl.DataFrame) else t for name, t in tables.items()}
        self.state = state
        self.folder = folder

    @property
    def pool(self) -> PoolInfo:
        """The pool it is about."""
        return self.manifest.pool

    @property
    def replay_key(self) -> str:
        """What a kept replay depends on: the values, and what the manifest says of pool and fidelity."""
        return self.content_hash + msgspec.json.encode([self.pool, self.manifest.fidelity]).decode()

    @property
    def content_hash(self) -> str:
        """Hash of the values."""
        return self.manifest.content_hash

    @property
    def main(self) -> str:
        """Name of the table that says what happened: ``events`` or ``bars``."""
        return "events" if "events" in self._tables else "bars"

    @property
    def tables(self) -> dict[str, pl.DataFrame]:
        """Every table, by name; those that stay in their file are read anew."""
        return {name: table.read() for name, table in self._tables.items()}

    @property
    def events(self) -> pl.DataFrame:
        """The event table; raises ``BadData`` where the dataset has bars only."""
        return self._table("events")

    @property
    def bars(self) -> pl.DataFrame:
        """The bar table; raises ``BadData`` where the dataset has none."""
        return self._table("bars")

    def table(self, name: str) -> Table:
        """Return a table to be read in parts; raises ``BadData`` where the dataset does not have it."""
        if name not in self._tables:
            raise BadData(
                f"{self.folder or self.manifest.title}: the dataset has no {name} table (it is {self.manifest.kind})"
            )
        return self._tables[name]

    @property
    def blocks(self) -> pl.DataFrame | None:
        """Fees of blocks, None where unknown."""
        return self._table("blocks") if "blocks" in self._tables else None

    @property
    def prices(self) -> pl.DataFrame | None:
        """Token prices, None where unknown."""
        return self._table("prices") if "prices" in self._tables else None

    @cached_property
    def replay(self) -> Replay:
        """The dataset replayed at its own fidelity: tape, flow and what could not be determined.

        A stored dataset keeps it beside its files (``kept``), so that it is made once.
        """
        from tidemill.market.kept import keep_replay, kept_replay  # noqa: PLC0415 - loaded for what it replays only
        from tidemill.market.replay import replay  # noqa: PLC0415

        # bars are laid out faster than they are read
        where = self.folder if self.manifest.fidelity != "bars" else None
        content = self.replay_key
        if where is not None and (kept := kept_replay(where, content, self.manifest.fidelity)) is not None:
            return kept
        with self._named():
            done = replay(self)
        if where is not None:
            keep_replay(where, content, done)
        return done

    @contextmanager
    def _named(self) -> Iterator[None]:
        """Name the dataset's folder in errors of its content."""
        try:
            yield
        except BadData as error:
            if self.folder is None or str(self.folder) in str(error):
                raise
            raise type(error)(f"{self.folder}: {error}") from error

    def tape(self) -> Tape:
        """Return the steps of the recorded path."""
        return self.replay.tape

    def flow(self) -> Flow:
        """Return the recorded events as they would be executed again."""
        return self.replay.flow

    def initial_state(self) -> Any:
        """Return the pool's state before the first event as the model's own type, None where it is not known."""
        if self.state is None:
            return None
        from tidemill.market.state import decode_state  # noqa: PLC0415

        with self._named():
            return decode_state(self.state, self.pool)

    def _table(self, name: str) -> pl.DataFrame:
        return self.table(name).read()


def load_dataset(path: str | Path, *, hashes: bool = True) -> Dataset:
    """Load a dataset from its folder; raises ``BadData`` naming the file and what is wrong with it.

    Schema, row counts and (unless ``hashes`` is False) the files' hashes are checked here; order, ranges and the hash of
    the values by ``verify``.
    """
    folder = Path(path)
    _recover(folder)
    manifest = read_manifest(folder)
    if manifest.schema_version != SCHEMA_VERSION:
        raise BadData(
            f"{folder / MANIFEST}: schema_version {manifest.schema_version}, this tidemill reads {SCHEMA_VERSION}; "
            "import it again"
        )
    tables: dict[str, Table] = {}
    for name, entry in manifest.files.items():
        stem, _, suffix = name.partition(".")
        if suffix == "parquet" and stem in _TABLES:
            file, schema = folder / name, _TABLES[stem]
            # a year of bars is only passed through, piece by piece; the other tables are asked again and again
            tables[stem] = Stored(file, schema) if stem == "bars" else Held(read_table(file, schema))
            if tables[stem].height != entry.rows:
                raise BadData(
                    f"{folder / name}: {tables[stem].height} rows, the manifest says {entry.rows}; import it again"
                )
    state = _read_state(folder / "state.json") if "state.json" in manifest.files else None
    main = "bars" if manifest.fidelity == "bars" else "events"
    if main not in tables or tables[main].height != manifest.rows:
        found = f"{tables[main].height} rows of {main}" if main in tables else f"no {main}.parquet"
        raise BadData(f"{folder / MANIFEST}: rows: {manifest.rows} said, {found} listed; import it again")
    for name, entry in manifest.files.items() if hashes else ():
        if file_sha256(folder / name) != entry.sha256:
            raise BadData(f"{folder / name}: sha256 differs from the manifest's: the file was changed; import it again")
    return Dataset(manifest, tables, state, folder)


def read_table(path: Path, schema: Mapping[str, pl.DataType]) -> pl.DataFrame:
    """Read a Parquet file and check its columns; raises ``BadData`` in one line."""
    if not path.is_file():
        raise BadData(f"{path}: file missing")
    try:
        frame = pl.read_parquet(path)
    except (pl.exceptions.PolarsError, OSError) as error:
        raise BadData(f"{path}: not a readable Parquet file ({str(error).splitlines()[0][:120]}); truncated?") from None
    check_columns(path, frame, schema)
    return frame.select(list(schema))


def _read_state(path: Path) -> dict[str, Any]:
    try:
        state = msgspec.json.decode(path.read_bytes())
    except (OSError, msgspec.DecodeError) as error:
        raise BadData(f"{path}: not readable as JSON ({error})") from None
    if not isinstance(state, dict):
        raise BadData(f"{path}: expected an object")
    return state


def content_hash(tables: Mapping[str, pl.DataFrame], state: Mapping[str, Any] | None = None) -> str:
    """Hash tables by value: the same on every machine and for every Parquet writer."""
    digest = hashlib.sha256(f"tidemill market {SCHEMA_VERSION}".encode())
    for name in sorted(tables):
        for column in tables[name].get_columns():
            digest.update(f"\0{name}.{column.name}:{column.dtype}:{len(column)}\0".encode())
            digest.update(_column_bytes(column))
    if state is not None:
        digest.update(b"\0state\0" + msgspec.json.encode(state, order="sorted"))
    return digest.hexdigest()


def _column_bytes(column: pl.Series) -> bytes:
    if column.dtype == pl.String:
        lengths = column.str.len_bytes().fill_null(2**32 - 1).cast(pl.UInt32).to_numpy()
        return lengths.astype("<u4").tobytes() + "".join(column.fill_null("").to_list()).encode()
    if isinstance(column.dtype, pl.Array):
        return column.to_numpy().astype("<u8").tobytes()
    nulls = column.is_null().to_numpy().tobytes()
    return nulls + column.fill_null(0).cast(pl.Int64).to_numpy().astype("<i8").tobytes()


def make_manifest(
    *,
    kind: str,
    pool: PoolInfo,
    tables: Mapping[str, pl.DataFrame],
    state: Mapping[str, Any] | None,
    blocks: tuple[int, int] | None = None,
    source: str,
    synthetic: bool = False,
    query: str = "",
    provider: str = "",
    licence: str = "",
    notes: Mapping[str, str] | None = None,
) -> Manifest:
    """Describe tables in memory. ``blocks`` is the range asked for, else that of the events."""
    main = tables["events" if "events" in tables else "bars"]
    if main.is_empty():
        raise BadData(f"{source}: no rows")
    if blocks is None:
        blocks = (int(main["block"][0]), int(main["block"][-1])) if "block" in main.columns else (0, 0)
    fidelity = "bars" if "events" not in tables else ("exact" if state is not None else "inferred")
    return Manifest(
        schema_version=SCHEMA_VERSION,
        kind=kind,
        pool=pool,
        first_block=blocks[0],
        last_block=blocks[1],
        first_time=int(main["time"][0]),
        last_time=int(main["time"][-1]),
        rows=main.height,
        fidelity=fidelity,
        synthetic=synthetic,
        source=source,
        query=query,
        provider=provider,
        licence=licence,
        content_hash=content_hash(tables, state),
        notes=dict(notes or {}),
        files={},
    )


def write_dataset(dataset: Dataset, folder: str | Path) -> Dataset:
    """Write a dataset to ``folder``, replacing one that is there; all of it appears at once or none does."""
    target = Path(folder)
    target.parent.mkdir(parents=True, exist_ok=True)
    _recover(target)
    tables = dataset.tables  # read once: the file that they may still lie in is about to be replaced
    with _writing(target.parent):
        manifest = _write(dataset, tables, target)
    return Dataset(manifest, tables, dataset.state, target)


def _write(dataset: Dataset, tables: Mapping[str, pl.DataFrame], target: Path) -> Manifest:
    work = target.parent / f".{target.name}.writing"
    old = _aside(target)
    shutil.rmtree(work, ignore_errors=True)
    work.mkdir()
    files = {}
    for name, table in sorted(tables.items()):
        path = work / f"{name}.parquet"
        group = PIECE if name == "bars" else None
        table.write_parquet(path, compression="zstd", statistics=False, row_group_size=group)
        files[path.name] = FileEntry(sha256=_synced_sha(path), rows=table.height)
    if dataset.state is not None:
        path = work / "state.json"
        path.write_bytes(msgspec.json.encode(dataset.state, order="sorted"))
        files[path.name] = FileEntry(sha256=_synced_sha(path))
    manifest = msgspec.structs.replace(dataset.manifest, files=files)
    (work / MANIFEST).write_bytes(encode_manifest(manifest))
    _synced_sha(work / MANIFEST)
    if target.exists():
        target.rename(old)
    work.rename(target)
    shutil.rmtree(old, ignore_errors=True)
    return manifest


@contextmanager
def _writing(parent: Path) -> Iterator[None]:
    """One writer at a time in a folder; the lock goes with the process."""
    folder = os.open(parent, os.O_RDONLY)
    try:
        fcntl.flock(folder, fcntl.LOCK_EX)
        yield
    finally:
        os.close(folder)


def list_datasets(root: str | Path) -> list[tuple[Path, Manifest]]:
    """Return the datasets directly under ``root``, by name."""
    base = Path(root)
    if not base.is_dir():
        return []
    found = [path for path in sorted(base.iterdir()) if not path.name.startswith(".") and (path / MANIFEST).is_file()]
    return [(path, read_manifest(path)) for path in found]


def _aside(target: Path) -> Path:
    return target.parent / f".{target.name}.old"


def _recover(target: Path) -> None:
    """Finish what a killed writer left: the old dataset comes back if the new one had not arrived, else it goes."""
    old = _aside(target)
    if not old.exists():
        return
    with _writing(target.parent):
        if target.exists():
            shutil.rmtree(old, ignore_errors=True)
        elif old.exists():
            old.rename(target)


def _synced_sha(path: Path) -> str:
    with path.open("rb") as handle:
        os.fsync(handle.fileno())
    return file_sha256(path)
