"""The library's front door: ``tidemill.load("study.toml").run()`` → a result with ``.document``, ``.frame()``, ``.write()``."""

from __future__ import annotations

import contextlib
import io
import os
import re
from collections.abc import Callable, Iterator, Mapping, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

import msgspec

from tidemill.errors import BadInput, UnknownName
from tidemill.files import write_whole
from tidemill.studies.schema import ResultDocument
from tidemill.studies.study import Study, load_study

if TYPE_CHECKING:
    import polars as pl

    from tidemill.engine.run import Outcomes
    from tidemill.studies.pages.write import Format
    from tidemill.studies.rehearsal.run import Comparison

__all__ = ["Loaded", "Result", "check_writable", "load"]

Progress = Callable[[str], None]


def load(path: str | Path) -> Loaded:
    """Read and check a study file; nothing is run yet.

    Raises
    ------
    BadInput : one line naming file, field, value and what would be right.
    """
    return Loaded(load_study(path))


class Loaded:
    """A study, ready to be run."""

    def __init__(self, study: Study) -> None:
        self.study = study

    def run(self, progress: Progress | None = None) -> Result:
        """Backtest the study; the same inputs give the same ``result_hash``."""
        from tidemill.studies.backtest import Backtest  # noqa: PLC0415 - heavy by numba and polars
        from tidemill.studies.prepare import prepare  # noqa: PLC0415

        if progress:
            progress("loading market data …")
        with self._named():
            document, outcomes = Backtest(prepare(self.study), progress).document()
        return Result(self.study, document, outcomes)

    @contextlib.contextmanager
    def _named(self) -> Iterator[None]:
        """Name the study's file in errors that do not say where they stand."""
        try:
            yield
        except BadInput as error:
            if error.file or not self.study.path:
                raise
            raise BadInput(error.message, file=self.study.path, field=error.field) from error

    def on_networks(self, progress: Progress | None = None) -> list[ResultDocument]:
        """Backtest the study, and the same flow with the costs of each of its ``counterfactual`` networks."""
        from tidemill.studies.backtest import Backtest  # noqa: PLC0415
        from tidemill.studies.prepare import prepare  # noqa: PLC0415

        with self._named():
            return Backtest(prepare(self.study), progress).on_networks()

    def rehearse(
        self,
        mode: Literal["locked", "live-like"] = "locked",
        gas: Literal["model", "measured"] = "model",
        progress: Progress | None = None,
    ) -> Comparison:
        """Run the strategy against the real contracts on a local chain and compare with the model."""
        from tidemill.studies.prepare import prepare  # noqa: PLC0415
        from tidemill.studies.rehearsal.run import rehearse  # noqa: PLC0415

        with self._named():
            return rehearse(prepare(self.study), mode=mode, gas=gas, progress=progress)


class Result:
    """A finished backtest.

    Attributes
    ----------
    document : the versioned result; integers are micro-units of home, raw token units and Unix seconds.
    outcomes : the world's record and marks, from which everything in the document follows.
    """

    def __init__(self, study: Study, document: ResultDocument, outcomes: Outcomes) -> None:
        self.study, self.document, self.outcomes = study, document, outcomes

    def frame(self, table: str = "waterfall") -> pl.DataFrame:
        """Return a table of the document as a Polars frame (``.to_pandas()`` and ``.to_arrow()`` are Polars' own).

        Parameters
        ----------
        table : ``waterfall``, ``costs``, ``positions``, ``comparisons``, ``assumptions``, ``series`` or ``ledger``.
        """
        import polars as pl  # noqa: PLC0415 - the command line starts without it

        if table == "ledger":
            return self.ledger()
        tables: Mapping[str, Any] = {
            name: getattr(self.document, name)
            for name in ("waterfall", "costs", "positions", "comparisons", "assumptions")
        }
        if table == "series":
            series = msgspec.to_builtins(self.document.series)
            return pl.DataFrame({k: v for k, v in series.items() if isinstance(v, list) and v})
        if table not in tables:
            raise UnknownName("table", table, [*tables, "series", "ledger"], field="table")
        rows = [{k: _cell(v) for k, v in msgspec.to_builtins(row).items()} for row in tables[table]]
        return pl.DataFrame(rows, infer_schema_length=None)

    def ledger(self) -> pl.DataFrame:
        """Return the double-entry postings, one row each; amounts are raw units as decimal text (they may need 256 bits)."""
        from tidemill.ledger.export import books_frame  # noqa: PLC0415 - polars
        from tidemill.ledger.posting import post  # noqa: PLC0415

        return books_frame(post(self.outcomes.record, self.outcomes.marks))

    def write(self, out: str | Path, formats: Sequence[Format] = ("html",)) -> Path:
        """Write result.json, ledger.parquet and the report into a folder of this study; what fails leaves the old files.

        ``formats`` of the report: ``html``, ``md``, ``pdf``.

        Raises
        ------
        BadInput : the folder cannot be written.
        MissingArtefact : the report page has not been built.
        """
        from tidemill.studies.pages.backtest import result_page  # noqa: PLC0415
        from tidemill.studies.pages.write import report_files  # noqa: PLC0415

        table = io.BytesIO()
        self.ledger().write_parquet(table)
        files = {
            **report_files(self.document, lambda: result_page(self.document), formats),
            "ledger.parquet": table.getvalue(),
            "result.json": msgspec.json.format(msgspec.json.encode(self.document), indent=2),
        }
        folder = Path(out) / folder_name(self.study)
        write_together(folder, files)
        return folder


def folder_name(study: Study) -> str:
    """Return a plain folder name for a study: its file's, else its title's."""
    stem = Path(study.path).stem if study.path else study.title
    return re.sub(r"[^A-Za-z0-9_-]+", "-", stem).strip("-").lower() or "study"


def check_writable(out: str | Path) -> None:
    """Refuse a place for results before an hour of work rather than after it; nothing is made there yet.

    Raises ``BadInput`` naming the folder.
    """
    place = Path(out).absolute()
    there = next(folder for folder in (place, *place.parents) if folder.exists())
    if not there.is_dir():
        raise BadInput(f"cannot write to {out}: {there} is not a folder; choose another folder", field="out")
    if not os.access(there, os.W_OK | os.X_OK):
        raise BadInput(f"cannot write to {out}: {there} may not be written; choose another folder", field="out")


def write_together(folder: Path, files: Mapping[str, bytes]) -> None:
    """Write files into a folder, making it: all are written beside their places before the first one takes its place.

    Raises ``BadInput`` naming the folder; nothing half-written is left, and old files stay as they were.
    """
    try:
        write_whole({folder / name: content for name, content in files.items()})
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(f"cannot write to {folder}: {reason}; choose another folder", field="out") from None


def _cell(value: Any) -> Any:
    """Wide integers and tables do not fit a column's 64 bits; they travel as text."""
    if isinstance(value, dict):
        return ", ".join(f"{key}={item}" for key, item in value.items())
    if isinstance(value, int) and not isinstance(value, bool) and abs(value) >= 1 << 63:
        return str(value)
    return value
