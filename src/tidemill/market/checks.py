"""Checks and descriptions of a stored dataset: what ``tidemill market verify`` and ``show`` print."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import numpy as np
import polars as pl
from msgspec import Struct

from tidemill.errors import BadData, TidemillError
from tidemill.market.fit import check_fit
from tidemill.market.limbs import from_limbs
from tidemill.market.manifest import MANIFEST, file_sha256, read_manifest
from tidemill.market.schema import SIGNED, Kind
from tidemill.market.store import Dataset, content_hash, load_dataset

__all__ = ["Findings", "Gap", "describe", "find_gaps", "sample_rows", "verify"]


class Gap(Struct, frozen=True):
    """A stretch without rows: seconds from ``start`` to ``end`` (UTC)."""

    start: int
    end: int

    @property
    def seconds(self) -> int:
        """Length."""
        return self.end - self.start


class Findings(Struct, frozen=True):
    """What ``verify`` found. ``errors`` are one line each; empty means sound."""

    path: str
    files: int
    rows: int
    errors: tuple[str, ...]
    gaps: tuple[Gap, ...]
    notes: tuple[str, ...] = ()
    """What could not be checked, one line each."""

    @property
    def ok(self) -> bool:
        """Whether nothing is wrong (gaps are natural in events and listed for judgement)."""
        return not self.errors


def verify(path: str | Path) -> Findings:
    """Hash every file again; check values, order, duplicates, ranges, and that sampled swaps fit fee and tick spacing.

    Never raises for bad content.
    """
    folder = Path(path)
    manifest = read_manifest(folder)
    errors = []
    for name, entry in sorted(manifest.files.items()):
        file = folder / name
        if not file.is_file():
            errors.append(f"{file}: file missing")
        elif (found := file_sha256(file)) != entry.sha256:
            errors.append(
                f"{file}: sha256 is {found[:16]}…, the manifest says {entry.sha256[:16]}…; changed or damaged"
            )
    try:
        dataset = load_dataset(folder, hashes=False)
        found_hash = content_hash(dataset.tables, dataset.state)
    except BadData as error:
        return Findings(str(folder), len(manifest.files), manifest.rows, (*errors, str(error)), ())
    if found_hash != manifest.content_hash:
        errors.append(f"{folder}: values do not match content_hash of the manifest")
    errors += _value_errors(dataset)
    notes = []
    if not errors and dataset.main == "events":
        try:
            notes = [note] if (note := check_fit(dataset.events, dataset.pool).note) else []
        except TidemillError as error:
            errors.append(f"{folder / MANIFEST}: pool.{error}")
    gaps = tuple(find_gaps(dataset))
    return Findings(str(folder), len(manifest.files), manifest.rows, tuple(errors), gaps, tuple(notes))


def _value_errors(dataset: Dataset) -> list[str]:
    where = f"{dataset.folder}"
    if dataset.main == "bars":
        time = dataset.bars["time"].to_numpy()
        return [f"{where}: bars are not in order of time"] if (np.diff(time) <= 0).any() else []
    events, manifest = dataset.events, dataset.manifest
    block, index = events["block"].to_numpy(), events["log_index"].to_numpy()
    errors = []
    step = np.diff(block)
    if ((step < 0) | ((step == 0) & (np.diff(index) <= 0))).any():
        errors.append(f"{where}: events are out of order or duplicate (block, log_index)")
    if (np.diff(events["time"].to_numpy()) < 0).any():
        errors.append(f"{where}: time runs backwards")
    if block.min() < manifest.first_block or block.max() > manifest.last_block:
        errors.append(f"{where}: events outside blocks {manifest.first_block} to {manifest.last_block} of the manifest")
    if events.height != manifest.rows:
        errors.append(f"{where}: {events.height} events, the manifest says {manifest.rows}")
    return errors


def find_gaps(dataset: Dataset, *, longest: int = 5) -> list[Gap]:
    """Return stretches without rows: every missing bar, or the ``longest`` silences between events."""
    if dataset.main == "events":
        time = dataset.events["time"].to_numpy()
        if len(time) < 2:
            return []
        quiet = np.diff(time)
        rows = np.argsort(-quiet, kind="stable")[:longest]
        return [Gap(int(time[k]), int(time[k + 1])) for k in sorted(rows) if quiet[k] > 0]
    time = dataset.bars["time"].to_numpy()
    if len(time) < 2:
        return []
    spacing = int(np.min(np.diff(time)))
    rows = np.flatnonzero(np.diff(time) > spacing)
    return [Gap(int(time[k]) + spacing, int(time[k + 1])) for k in rows]


def describe(dataset: Dataset) -> dict[str, Any]:
    """Return what ``market show`` prints: title, range, rows per kind, schema, gaps, sample, fidelity."""
    manifest = dataset.manifest
    main, tables = dataset.main, dataset.tables
    table = tables[main]
    kinds = {}
    if main == "events":
        counts = table["kind"].value_counts(sort=True)
        kinds = {Kind(code).name.lower(): int(count) for code, count in counts.iter_rows()}
    return {
        "title": manifest.title,
        "synthetic": manifest.synthetic,
        "fidelity": manifest.fidelity,
        "supports": _supports(manifest.fidelity),
        "chain_id": manifest.pool.chain_id,
        "address": manifest.pool.address,
        "blocks": [manifest.first_block, manifest.last_block],
        "times": [manifest.first_time, manifest.last_time],
        "rows": manifest.rows,
        "kinds": kinds,
        "schema": {name: {c: str(t) for c, t in frame.schema.items()} for name, frame in tables.items()},
        "gaps": [[gap.start, gap.end] for gap in find_gaps(dataset)],
        "sample": sample_rows(table, 5),
        "source": manifest.source,
        "licence": manifest.licence,
        "notes": dict(manifest.notes),
        "content_hash": manifest.content_hash,
    }


def _supports(fidelity: str) -> list[str]:
    order = ["exact", "inferred", "bars"]
    return order[order.index(fidelity) :] if fidelity in order else []


def sample_rows(table: pl.DataFrame, count: int) -> list[dict[str, Any]]:
    """Return ``count`` rows spread over the table, wide integers as decimal strings, empty fields left out."""
    rows = sorted({round(k * (table.height - 1) / max(count - 1, 1)) for k in range(count)}) if table.height else []
    part = table[rows] if rows else table
    columns: dict[str, list[Any]] = {}
    for column in part.get_columns():
        if isinstance(column.dtype, pl.Array):
            columns[column.name] = [str(v) for v in from_limbs(column.to_numpy(), signed=column.name in SIGNED)]
        else:
            columns[column.name] = column.to_list()
    if "kind" in columns:
        columns["kind"] = [Kind(code).name.lower() for code in columns["kind"]]
    return [
        {name: values[k] for name, values in columns.items() if values[k] is not None and values[k] != "0"}
        for k in range(part.height)
    ]
