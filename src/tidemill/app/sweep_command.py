"""``tidemill sweep``: play the variants, show the best ones, a map of them, and how much of it is luck."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

from tidemill.app.commands import check_jobs, counted, kept, progress, show
from tidemill.app.interrupts import import_polars
from tidemill.app.reports import reported
from tidemill.app.statement import money, percent
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput
from tidemill.wording import moment

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.studies.metrics import Metric
    from tidemill.studies.pages.write import Format
    from tidemill.studies.sweep import SweepDocument

__all__ = ["print_sweep", "sweep"]

SHOWN = 10
"""Variants listed; all of them are in trials.csv."""
WIDEST_MAP = 16
"""Columns of a map that a terminal shows."""
SHADES = ("on #7f1d1d", "on #9a3412", "on #854d0e", "on #3f6212", "on #166534", "on #065f46")
"""From the worst sixth to the best, dark enough for white figures."""


def sweep(
    study: Path,
    grid: Sequence[str],
    random: int | None,
    quasi: int | None,
    rank: Metric,
    screen: int | None,
    jobs: int,
    on: str,
    out: Path,
    formats: Sequence[Format],
    *,
    resume: bool,
    as_json: bool,
) -> int:
    """Run a sweep, write its folder, show it."""
    started = time.perf_counter()
    if random is not None and quasi is not None:
        raise BadInput("give --random or --quasi, not both", field="random")
    for name, number in (("random", random), ("quasi", quasi)):
        if number is not None and number < 1:
            raise BadInput(f"{number} draws: expected 1 or more, or leave it out to play every combination", field=name)
    check_jobs(jobs, on)
    import_polars()
    from tidemill.studies.grid import parse_grid  # noqa: PLC0415
    from tidemill.studies.load import check_writable  # noqa: PLC0415
    from tidemill.studies.pages.sweep import sweep_page  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415
    from tidemill.studies.study import load_study  # noqa: PLC0415
    from tidemill.studies.sweep import folder_of  # noqa: PLC0415
    from tidemill.studies.sweep import sweep as run  # noqa: PLC0415

    axes = parse_grid(grid)
    check_writable(out)
    check_formats(formats)
    loaded = load_study(study)
    with progress("loading market data …") as tell, kept(folder_of(out, loaded) / "trials.part"):
        found = run(
            study,
            axes,
            how="random" if random else "quasi" if quasi else "grid",
            count=random or quasi or 0,
            metric=rank,
            exact=screen,
            jobs=jobs,
            on=on,
            out=out,
            resume=resume,
            progress=counted(tell, "variant"),
        )
    folder = found.write(out, loaded)
    files = reported(lambda: sweep_page(found.document), folder, formats)
    done = f"wrote {folder}/sweep.json, trials.csv{files} in {time.perf_counter() - started:.1f} s"
    return show(found.document, print_sweep, done, as_json=as_json)


def print_sweep(document: SweepDocument, console: Console) -> None:
    """Print the best variants, the map, the plateau and the verdict on luck."""
    from tidemill.studies.metrics import METRICS  # noqa: PLC0415

    marked = "   [black on yellow] SYNTHETIC DATA [/]" if document.synthetic else ""
    console.print(f"[bold]{plain(document.title)}[/bold]{marked}")
    count = len(document.trials)
    console.print(
        f"{plain(document.strategy)} · {moment(document.start)} to {moment(document.end)} UTC · {count:,} variants · "
        f"{document.answered_by}"
    )
    console.print()
    names = list(document.axes)
    trials = {trial.place: trial for trial in document.trials}
    rows = []
    for rank, place in enumerate((place for place in document.ranking[:SHOWN] if trials[place].exact), 1):
        trial = trials[place]
        cells = [plain(str(trial.parameters[name])) for name in names]
        rows.append(
            [
                str(rank),
                *cells,
                money(trial.keep),
                percent(trial.keep_bps),
                percent(trial.cvar_bps),
                percent(trial.drawdown_bps),
                f"{(trial.sharpe_micro or 0) / 1e6:.3f}",
                f"{trial.sent or 0:,}",
            ]
        )
    heads = ["rank>", *(f"{name}>" for name in names), f"keeps, {document.home}>", "in all>", "worst 5 %>", "drawdown>"]
    console.print(table(f"Best by {METRICS[document.metric]}", [*heads, "sharpe>", "sent>"], rows))
    if document.screened:
        known = document.screened
        console.print(
            f"{known.variants:,} screened, {known.exact:,} of them played exactly (only these are listed; trials.csv has the "
            f"others' estimates): the screen is off by "
            f"{known.median_error_bps} bps of the capital in the middle, {known.largest_error_bps} at most; "
            f"as many resets in {known.alike}; exact in it: {known.exactly}"
        )
    console.print(f"holding {money(document.holding)}; per step: one of {_steps(document)} equal parts of the period")
    _print_map(document, console)
    _print_verdict(document, console)
    for line in document.warnings:
        console.print(f"note: {plain(line)}")
    console.print(f"result {document.result_hash}")


def _steps(document: SweepDocument) -> str:
    return f"{document.luck.steps:,}" if document.luck else "the"


def _print_map(document: SweepDocument, console: Console) -> None:
    """Print what is kept over the first two axes: the best of everything else in each cell."""
    from rich.table import Table  # noqa: PLC0415
    from rich.text import Text  # noqa: PLC0415

    names = list(document.axes)
    across = names[0]
    down = names[1] if len(names) > 1 else None
    columns = document.axes[across]
    if len(columns) > WIDEST_MAP or len(columns) < 2:
        return
    cells: dict[tuple[object, object], int] = {}
    for trial in document.trials:
        key = trial.parameters[across], trial.parameters[down] if down else ""
        cells[key] = max(cells.get(key, trial.keep), trial.keep)
    low, high = min(cells.values()), max(cells.values())
    drawn = Table(box=None)
    drawn.add_column("")
    for column in columns:
        drawn.add_column(str(column), justify="right")
    for row in document.axes[down] if down else [""]:
        shown = []
        for column in columns:
            keep = cells.get((column, row))
            if keep is None:
                shown.append(Text("·"))
                continue
            shade = SHADES[(keep - low) * (len(SHADES) - 1) // max(high - low, 1)]
            shown.append(Text(f" {keep / 1e6:,.0f} ", style=f"white {shade}"))
        drawn.add_row(str(row), *shown)
    console.print()
    console.print(f"What is kept, {document.home}: {across} across{f', {down} down' if down else ''}")
    console.print(drawn)


def _print_verdict(document: SweepDocument, console: Console) -> None:
    console.print()
    best = document.trials[document.ranking[0]]
    if document.plateau:
        near = document.plateau
        kept = f"{near.neighbours} neighbours keep {money(near.mean)} on average, {money(near.worst)} at worst"
        kept = kept if near.neighbours > 1 else f"only neighbour keeps {money(near.mean)}"
        console.print(f"the best one's {kept}; it keeps {money(best.keep)}")
    if document.luck:
        luck = document.luck
        console.print(
            f"is it luck? better than the luckiest of {luck.trials:,} worthless variants with probability "
            f"{luck.deflated_sharpe_bps / 100:.0f} % (deflated Sharpe ratio)"
        )
        console.print(
            f"chosen on half of the time, it is below the middle in the other half in {luck.overfit_bps / 100:.0f} % of "
            "splits (probability of backtest overfitting; 50 % is chance)"
        )
        console.print(
            f"choosing as you go gains {percent(luck.walk_forward_bps)} over holding in the last four fifths; the mean "
            f"variant {percent(luck.average_bps)}"
        )
    if document.forward:
        forward = document.forward
        said = ", ".join(
            " ".join(f"{name}={value}" for name, value in window.parameters.items()) + f" {money(window.keep)}"
            for window in forward.windows
        )
        console.print(
            f"played anew in each of them, opened and closed at its ends: {money(forward.keep)} where holding kept "
            f"{money(forward.holding)} ({plain(said)})"
        )
