"""Several studies of the same capital over the same period, side by side."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec
from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.studies.canonical import result_hash
from tidemill.studies.load import load, write_together
from tidemill.studies.schema import Assumption, ResultDocument
from tidemill.wording import rfc3339

if TYPE_CHECKING:
    import polars as pl

__all__ = ["SCHEMA", "Baseline", "Column", "CompareDocument", "CompareRow", "Compared", "compare", "side_by_side"]

SCHEMA = "tidemill.compare/1"
LENDING = {"interest", "interest_move", "hodl", "l2", "l1", "operator", "failed", "rounding", "exit", "swaps", "drift"}
"""Rows that plain lending may have; any other income or a debt makes it something else."""


class Column(Struct, frozen=True):
    """One study: what it is, what it rests on, what one keeps (home micro-units, basis points)."""

    title: str
    strategy: str
    venues: list[str]
    networks: list[str]
    data: str
    mode: str
    proof: str
    synthetic: bool
    capital_value: int
    keep: int
    keep_bps: int
    per_year_bps: int | None
    result_hash: str
    assumptions: list[Assumption] = []
    warnings: list[str] = []


class CompareRow(Struct, frozen=True):
    """A row of the waterfalls: one value (home micro-units) for each study, ``None`` where it has no such row."""

    key: str
    label: str
    kind: str
    values: list[int | None]


class Baseline(Struct, frozen=True):
    """What every study is held against; ``keep`` is ``None`` where it is not known, and ``note`` says why."""

    name: str
    keep: int | None
    keep_bps: int | None
    note: str


class CompareDocument(Struct, frozen=True):
    """The versioned comparison. ``best`` is the place of the study that keeps most; times are Unix seconds."""

    schema: str
    home: str
    start: int
    end: int
    capital: dict[str, int]
    studies: list[Column]
    rows: list[CompareRow]
    baselines: list[Baseline]
    best: int
    result_hash: str = ""


class Compared(Struct, frozen=True):
    """A finished comparison: the document, and each study's own."""

    document: CompareDocument
    results: tuple[ResultDocument, ...]

    def frame(self) -> pl.DataFrame:
        """Return the rows as a Polars frame, one column for each study."""
        import polars as pl  # noqa: PLC0415 - the command line starts without it

        rows, names = self.document.rows, column_names(self.document.studies)
        head = {"key": [row.key for row in rows], "label": [row.label for row in rows]}
        return pl.DataFrame({**head, **{name: [row.values[i] for row in rows] for i, name in enumerate(names)}})

    def write(self, out: str | Path) -> Path:
        """Write ``compare.json`` into a folder; raises ``BadInput`` where it cannot be written."""
        folder = Path(out)
        content = msgspec.json.format(msgspec.json.encode(self.document), indent=2)
        write_together(folder, {"compare.json": content})
        return folder


def compare(paths: Sequence[str | Path], progress: Callable[[str], None] | None = None) -> Compared:
    """Backtest studies of the same capital, home asset and period, and put their waterfalls side by side.

    One study alone is compared with itself at the costs of each of its ``counterfactual`` networks.

    Raises
    ------
    BadInput : fewer than two studies, or two that differ in what must be the same: names file, field and both values.
    """
    loaded = [load(path) for path in paths]
    if len(loaded) == 1 and loaded[0].study.counterfactual:
        documents = loaded[0].on_networks(progress)
        return Compared(side_by_side(documents), tuple(documents))
    if len(loaded) < 2:
        raise BadInput(
            f"{len(paths)} study given; name two or more, or one with networks in `counterfactual`", field="studies"
        )
    _check_alike([(one.study.path, one.study) for one in loaded], "home", "capital")
    results: list[ResultDocument] = []
    for number, one in enumerate(loaded, 1):
        if progress:
            progress(f"study {number} of {len(loaded)}: {one.study.title} …")
        results.append(one.run().document)
        # A study without start or end of its own takes those of its data.
        _check_alike([(a.study.path, b.study) for a, b in zip(loaded, results, strict=False)], "start", "end")
    return Compared(side_by_side(results), tuple(results))


def side_by_side(results: Sequence[ResultDocument]) -> CompareDocument:
    """Join finished results of the same capital, home asset and period."""
    first = results[0].study
    best = max(range(len(results)), key=lambda i: results[i].headline.keep)
    document = CompareDocument(
        schema=SCHEMA,
        home=first.home,
        start=first.start,
        end=first.end,
        capital=first.capital,
        studies=[_column(result) for result in results],
        rows=_rows(results),
        baselines=[_holding(results[0]), _plain_lending(results)],
        best=best,
    )
    return msgspec.structs.replace(document, result_hash=result_hash(document))


def column_names(columns: Sequence[Column]) -> list[str]:
    """Return a name for each column: its title, numbered where two are called alike."""
    titles = [column.title for column in columns]
    return [title if titles.count(title) == 1 else f"{title} ({i + 1})" for i, title in enumerate(titles)]


def _check_alike(studies: Sequence[tuple[str, object]], *fields: str) -> None:
    file, first = studies[0]
    for path, other in studies[1:]:
        for field in fields:
            mine, theirs = getattr(first, field), getattr(other, field)
            if mine != theirs:
                here, there = _said(field, theirs), _said(field, mine)
                raise BadInput(
                    f"{here} here, {there} in {file}; only studies of the same {field} can be compared",
                    file=path,
                    field=field,
                )


def _said(field: str, value: object) -> str:
    if field in ("start", "end"):
        return rfc3339(int(str(value)))
    return ", ".join(f"{v} {k}" for k, v in value.items()) if isinstance(value, dict) else str(value)


def _column(result: ResultDocument) -> Column:
    study, head, fidelity = result.study, result.headline, result.fidelity
    return Column(
        title=study.title,
        strategy=study.strategy,
        venues=study.venues,
        networks=study.networks,
        data=fidelity.data,
        mode=fidelity.mode,
        proof=fidelity.proof,
        synthetic=study.synthetic,
        capital_value=head.capital_value,
        keep=head.keep,
        keep_bps=head.keep_bps,
        per_year_bps=head.per_year_bps,
        result_hash=result.result_hash,
        assumptions=result.assumptions,
        warnings=result.warnings,
    )


def _rows(results: Sequence[ResultDocument]) -> list[CompareRow]:
    """Every row that any of them has, in the order of the waterfall."""
    found = [{row.key: row for row in result.waterfall} for result in results]
    order: list[str] = []
    for rows in found:
        at = 0
        for key in rows:
            if key in order:
                at = order.index(key) + 1
            else:
                order.insert(at, key)
                at += 1
    lines = []
    for key in order:
        named = next(rows[key] for rows in found if key in rows)
        values = [rows[key].value if key in rows else None for rows in found]
        lines.append(CompareRow(key, named.label, named.kind, values))
    return lines


def _holding(result: ResultDocument) -> Baseline:
    found = next((c for c in result.comparisons if c.name == "holding"), None)
    if found is None:
        return Baseline("holding", None, None, "the first study gives no figure for it")
    return Baseline("holding", found.keep, found.keep_bps, "the same capital left in the wallet")


def _plain_lending(results: Sequence[ResultDocument]) -> Baseline:
    """Return the best of those that only lend: a rate nobody has replayed is not made up."""
    lending = [
        result
        for result in results
        if (keys := {row.key for row in result.waterfall if row.kind == "flow" and row.value}) <= LENDING
        and "interest" in keys
    ]
    if not lending:
        return Baseline("best plain lending", None, None, "none of these studies only lends; add one")
    best = max(lending, key=lambda result: result.headline.keep)
    return Baseline("best plain lending", best.headline.keep, best.headline.keep_bps, best.study.title)
