"""``tidemill optimise``: search, then show what was found where it was not looked for."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill.app.commands import counted, progress, show
from tidemill.app.interrupts import import_polars
from tidemill.app.reports import reported
from tidemill.app.statement import money, percent
from tidemill.app.tables import plain, table
from tidemill.wording import moment

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.studies.metrics import Metric
    from tidemill.studies.optimise import Judged, OptimiseDocument
    from tidemill.studies.pages.write import Format

__all__ = ["optimise", "print_optimised"]


def optimise(
    study: Path,
    grid: Sequence[str],
    trials: int,
    rank: Metric,
    inside: int,
    out: Path,
    formats: Sequence[Format],
    *,
    as_json: bool,
) -> int:
    """Run a search, write its folder, show it."""
    started = time.perf_counter()
    import_polars()
    from tidemill.studies.grid import parse_grid  # noqa: PLC0415
    from tidemill.studies.load import check_writable  # noqa: PLC0415
    from tidemill.studies.optimise import optimise as run  # noqa: PLC0415
    from tidemill.studies.pages.optimise import optimise_page  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415
    from tidemill.studies.study import load_study  # noqa: PLC0415

    axes = parse_grid(grid)
    check_writable(out)
    check_formats(formats)
    with progress("loading market data …") as tell:
        found = run(study, axes, trials=trials, metric=rank, inside_percent=inside, progress=counted(tell, "trial"))
    folder = found.write(out, load_study(study))
    files = reported(lambda: optimise_page(found.document), folder, formats)
    done = f"wrote {folder}/optimise.json, trials.csv{files} in {time.perf_counter() - started:.1f} s"
    return show(found.document, print_optimised, done, as_json=as_json)


def print_optimised(document: OptimiseDocument, console: Console) -> None:
    """Print the winner beside the study's own parameters on both parts of the period, and the verdict."""
    from tidemill.studies.metrics import METRICS  # noqa: PLC0415

    marked = "   [black on yellow] SYNTHETIC DATA [/]" if document.synthetic else ""
    console.print(f"[bold]{plain(document.title)}[/bold]{marked}")
    console.print(
        f"{plain(document.strategy)} · searched {moment(document.start)} to {moment(document.cut)} UTC by "
        f"{METRICS[document.metric]}, {len(document.trials):,} trials · judged until {moment(document.end)}"
    )
    console.print()
    best = document.trials[document.best]
    rows = [
        _row("found, where it was searched", best),
        _row("found, where it is judged", document.best_outside),
        _row("the study's own, where it was searched", document.own_inside),
        _row("the study's own, where it is judged", document.own_outside),
    ]
    heads = ["", "parameters", f"keeps, {document.home}>", "per year>", "worst 5 %>", "drawdown>", "sharpe>"]
    console.print(table("", heads, rows))
    console.print(f"holding, where it is judged: {money(document.holding)}")
    if document.luck:
        console.print(
            f"of {document.luck.trials:,} trials the best is more than luck with probability "
            f"{document.luck.deflated_sharpe_bps / 100:.0f} % (deflated Sharpe ratio, where it was searched)"
        )
    console.print(f"[bold]{plain(document.verdict)}[/bold]")
    for line in document.warnings:
        console.print(f"note: {plain(line)}")
    console.print(f"result {document.result_hash}")


def _row(label: str, judged: Judged) -> list[str]:
    said = ", ".join(f"{name} {value}" for name, value in judged.parameters.items())
    return [
        label,
        plain(said),
        money(judged.keep),
        percent(judged.per_year_bps),
        percent(judged.cvar_bps),
        percent(judged.drawdown_bps),
        f"{judged.sharpe_micro / 1e6:.3f}",
    ]
