"""What the commands do: call the library, show what it says. No logic that a library user would miss."""

from __future__ import annotations

import time
from collections.abc import Callable, Iterator, Sequence
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING, Any, Literal

from tidemill.app.console import emit_json, note, stderr, stdout
from tidemill.app.interrupts import import_polars
from tidemill.app.reports import reported
from tidemill.app.tables import table
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from tidemill.studies.pages.write import Format

__all__ = [
    "backtest",
    "check_jobs",
    "compare",
    "contracts_fetch",
    "contracts_ls",
    "counted",
    "demo",
    "kept",
    "progress",
    "rehearse",
    "show",
]

MOST_JOBS = 64


@contextmanager
def progress(label: str) -> Iterator[Any]:
    """Show a spinner with ``label`` on standard error while work goes on; yields a function that changes the text."""
    console = stderr()
    if not console.is_terminal:
        yield note
        return
    from rich.text import Text  # noqa: PLC0415 - a label is words, not markup

    with console.status(Text(label)) as status:
        yield lambda text: status.update(Text(text))


def counted(tell: Callable[[str], None], what: str) -> Callable[[int, int], None]:
    """Return a function that is told how many are done and of how many, and tells them with rate and time to go."""
    started = time.perf_counter()

    def told(done: int, todo: int) -> None:
        rate = done / max(time.perf_counter() - started, 1e-9)
        pace = f"{rate:.2g} a second" if rate >= 1 else f"{1 / rate:.3g} s each"
        tell(f"{what} {done:,} of {todo:,}, {pace}, {(todo - done) / rate:.0f} s to go …")

    return told


@contextmanager
def kept(notes: Path) -> Iterator[None]:
    """Say on an interruption where what has been played is kept, if anything has, and how to go on."""
    try:
        yield
    except KeyboardInterrupt:
        if notes.is_file() and notes.read_bytes().count(b"\n") > 1:  # the first line is only what is being played
            note(f"what has been played is kept in {notes}; --resume goes on from there")
        else:
            note("nothing has been played yet")
        raise


def show(document: Any, page: Callable[[Any, Any], None], done: str, *, as_json: bool) -> int:
    """Print a document, as JSON or as a page; then one line on standard error."""
    if as_json:
        emit_json(document)
    else:
        page(document, stdout())
    note(done)
    return 0


def check_jobs(jobs: int, on: str = "") -> None:
    """Refuse a number of processes that no machine wants, or a place that is none; raises ``BadInput``."""
    from tidemill.studies.cluster import check_place  # noqa: PLC0415

    if not 1 <= jobs <= MOST_JOBS:
        raise BadInput(f"{jobs} is not between 1 and {MOST_JOBS}", field="jobs")
    check_place(on)


def contracts_fetch(names: list[str], *, as_json: bool) -> int:
    """Fetch artefacts and show them."""
    from tidemill.chain import artefacts  # noqa: PLC0415

    with progress("fetching contract artefacts …") as tell:
        rows = artefacts.fetch(names or None, progress=tell)
    return _show_artefacts(rows, as_json=as_json)


def contracts_ls(*, as_json: bool) -> int:
    """Show the catalogue of artefacts."""
    from tidemill.chain import artefacts  # noqa: PLC0415

    return _show_artefacts(artefacts.ls(), as_json=as_json)


def _show_artefacts(rows: Sequence[Any], *, as_json: bool) -> int:
    if as_json:
        emit_json(rows)
        return 0
    cells = [
        [r.package, r.version, r.sha256[:12], r.licence, "yes" if r.cached else "no", ", ".join(r.artefacts)]
        for r in rows
    ]
    stdout().print(table("", ["package", "version", "sha256", "licence", "cached", "artefacts"], cells))
    return 0


def demo(out: Path, formats: Sequence[Format], *, as_json: bool) -> int:
    """Run the embedded example."""
    from importlib import resources  # noqa: PLC0415

    with resources.as_file(resources.files("tidemill.studies") / "demo.toml") as study:
        return backtest(study, out, formats, as_json=as_json)


def backtest(study: Path, out: Path, formats: Sequence[Format], *, as_json: bool) -> int:
    """Run a study and write its folder."""
    started = time.perf_counter()
    import_polars()
    from tidemill.app.statement import print_statement  # noqa: PLC0415
    from tidemill.studies.load import check_writable, load  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415

    check_writable(out)
    check_formats(formats)
    with progress(f"running {study} …") as tell:
        result = load(study).run(progress=tell)
        folder = result.write(out, formats)
    if as_json:
        emit_json(result.document)
    else:
        print_statement(result.document, stdout())
    files = ", ".join([*(f"report.{name}" for name in formats if name != "json"), "result.json", "ledger.parquet"])
    note(f"wrote {folder}/{files} in {time.perf_counter() - started:.1f} s")
    return 0


def compare(studies: Sequence[Path], out: Path, formats: Sequence[Format], *, as_json: bool) -> int:
    """Run studies and show them side by side."""
    import_polars()
    from tidemill.app.comparison import print_comparison  # noqa: PLC0415
    from tidemill.studies.compare import compare as run  # noqa: PLC0415
    from tidemill.studies.load import check_writable  # noqa: PLC0415
    from tidemill.studies.pages.compare import compare_page  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415

    check_writable(out)
    check_formats(formats)
    with progress("comparing …") as tell:
        compared = run(studies, progress=tell)
        folder = compared.write(out)
        files = reported(lambda: compare_page(compared.document), folder, formats)
    if as_json:
        emit_json(compared.document)
    else:
        print_comparison(compared.document, stdout())
    note(f"wrote {folder}/compare.json{files}")
    return 0


def rehearse(
    study: Path, mode: Literal["locked", "live-like"], gas: Literal["model", "measured"], out: Path, *, as_json: bool
) -> int:
    """Rehearse a study on a local chain and show the comparison."""
    import_polars()
    from tidemill.app.rehearsal import print_rehearsal  # noqa: PLC0415
    from tidemill.studies.load import check_writable, load  # noqa: PLC0415

    check_writable(out)
    with progress(f"rehearsing {study} on a local chain …") as tell:
        comparison = load(study).rehearse(mode=mode, gas=gas, progress=tell)
        folder = comparison.write(out)
    if as_json:
        emit_json(comparison.document)
    else:
        print_rehearsal(comparison.document, stdout())
    note(f"wrote {folder}/rehearsal.json")
    return 0 if comparison.agrees else 1
