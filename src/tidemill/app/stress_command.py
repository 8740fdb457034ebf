"""``tidemill stress``: play the futures, show what would be kept, what may go wrong, and by which cause."""

from __future__ import annotations

import math
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

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.studies.pages.write import Format
    from tidemill.studies.processes import Model
    from tidemill.studies.reduction import Draws
    from tidemill.studies.stress import StressDocument
    from tidemill.studies.stress_hours import Tier

__all__ = ["print_stress", "stress"]

TIERS = {
    "fast": "drawn hours through float kernels: for the spread, not for the books; the error is below",
    "exact": "drawn hours through the exact kernels, in integers",
}


def stress(
    study: Path,
    worlds: int,
    model: Model,
    shocks: Sequence[str],
    days: int | None,
    jobs: int,
    on: str,
    out: Path,
    formats: Sequence[Format],
    tier: Tier = "markets",
    history: Path | None = None,
    correlations: Sequence[str] = (),
    draws: Draws = "plain",
    *,
    resume: bool,
    as_json: bool,
) -> int:
    """Run a stress, write its folder, show it."""
    started = time.perf_counter()
    check_jobs(jobs, on)
    import_polars()
    from tidemill.studies.load import check_writable  # noqa: PLC0415
    from tidemill.studies.pages.stress import stress_page  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415
    from tidemill.studies.shocks import parse_shocks  # noqa: PLC0415
    from tidemill.studies.stress import folder_of  # noqa: PLC0415
    from tidemill.studies.stress import stress as run  # noqa: PLC0415
    from tidemill.studies.study import load_study  # noqa: PLC0415

    parse_shocks(shocks)
    pairs = dict(_pair(word) for word in correlations)
    check_writable(out)
    check_formats(formats)
    loaded = load_study(study)
    with progress("fitting the history …") as tell, kept(folder_of(out, loaded) / "futures.part"):
        found = run(
            study,
            worlds=worlds,
            model=model,
            shocks=shocks,
            days=days,
            jobs=jobs,
            on=on,
            out=out,
            resume=resume,
            progress=counted(tell, "future"),
            tier=tier,
            history=history,
            correlations=pairs,
            draws=draws,
        )
    folder = found.write(out, loaded)
    keeps = [int(row["keep"]) for row in found.rows]
    files = reported(lambda: stress_page(found.document, keeps), folder, formats)
    done = f"wrote {folder}/stress.json, futures.csv{files} in {time.perf_counter() - started:.1f} s"
    return show(found.document, print_stress, done, as_json=as_json)


def _pair(word: str) -> tuple[tuple[str, str], float]:
    """Read ``WETH:SUSHI:0.6``."""
    first, _, rest = word.partition(":")
    second, _, number = rest.partition(":")
    try:
        value = float(number)
    except ValueError:
        value = math.nan
    if not (first and second and -1 < value < 1):
        raise BadInput(f"{word!r}: write TOKEN:TOKEN:NUMBER, the number between -1 and 1", field="correlation")
    return (first, second), value


def print_stress(document: StressDocument, console: Console) -> None:
    """Print the spread of what is kept, the risks, and the causes."""
    from tidemill.studies.pages.figures import span  # noqa: PLC0415
    from tidemill.studies.stress_document import stopped_words  # noqa: PLC0415 - heavy by numpy

    home, capital, better = document.home, document.capital_value, document.reduced
    console.print(f"[bold]{plain(document.title)}[/bold]")
    if document.tier != "markets":
        console.print(TIERS[document.tier])
    drawn = {"seeds": "scripted by other seeds"}.get(document.model, f"price by {document.model}")
    shocks = f" · shocks {', '.join(document.shocks)}" if document.shocks else ""
    console.print(
        f"{plain(document.strategy)} · {document.worlds:,} futures of {span(document.days * 86_400)} · {drawn}{plain(shocks)}"
    )
    if document.volatility_bps is not None:
        low, high = (f"{bps / 100:.0f} %" for bps in document.volatility_range_bps or [document.volatility_bps] * 2)
        spread = "" if low == high else f", futures from {low} to {high}"
        console.print(f"fitted to {plain(document.history)}: {document.volatility_bps / 100:.0f} % a year{spread}")
    console.print()
    console.print(
        f"[bold]You keep {money(document.quantiles['50'])} {home} ({percent(document.quantiles['50'] * 10_000 // capital)}) "
        f"in the middle future[/bold] of {money(capital, sign=False)}; on average "
        f"{money(better.mean if better else document.mean)} "
        f"± {money(better.error if better else document.mean_error, sign=False)}"
    )
    if better:
        console.print(
            f"the average by {better.controls} control variates: error {better.gain_percent / 100:.1f} x smaller than plainly, "
            f"{money(document.mean)} ± {money(document.mean_error, sign=False)}, to which the causes below add up"
        )
    names = [f"{q} %>" for q in document.quantiles]
    rows = [
        [home, *(money(value) for value in document.quantiles.values())],
        ["", *(percent(value * 10_000 // capital) for value in document.quantiles.values())],
    ]
    console.print(table("In so many of a hundred futures you keep less than", ["", *names], rows))
    console.print(
        f"a loss in {document.loss_bps / 100:.0f} %, worse than holding in {document.behind_bps / 100:.0f} %, "
        f"a liquidation in {document.liquidated_bps / 100:.0f} %"
    )
    console.print(
        f"worst 5 %: {money(document.var)} at their edge, {money(document.cvar)} on average; deepest fall from a peak "
        f"{percent(document.drawdown_bps[0])} in the middle, {percent(document.drawdown_bps[1])} at the 5th; "
        f"worth less than at the start {document.under_bps / 100:.0f} % of the time"
    )
    console.print()
    worst = document.cvar_by_cause
    causes = [
        [plain(c.label), *(money(v) for v in (c.mean, c.low, c.high, worst.get(c.key, 0)))] for c in document.causes
    ]
    console.print(table(f"By cause, {home}", ["", "mean>", "5 %>", "95 %>", "in the worst 5 %>"], causes))
    _print_annual(document, console)
    for line in (*document.diagnostics, *(f"assumed: {line}" for line in document.assumed)):
        console.print(plain(line))
    if document.error:
        worst_bps, mean_bps = (ppb / 100_000 for ppb in (document.error.worst_ppb, document.error.mean_ppb))
        console.print(
            f"floats against the exact kernels on {document.error.paths} of these futures: off by {mean_bps:.5f} bps of "
            f"capital on average, {worst_bps:.5f} at most"
        )
    for line in (*stopped_words(document), *document.warnings):
        console.print(f"note: {plain(line)}")
    console.print(f"result {document.result_hash}")


def _print_annual(document: StressDocument, console: Console) -> None:
    """Print what a year may take beside the price."""
    found = document.annual
    if found is None:
        return
    usual, low, high = (money(value, sign=False) for value in (found.usual, found.low, found.high))
    causes = ", ".join(f"{cause} {money(value, sign=False)}" for cause, value in found.causes.items())
    chance = "" if found.chance_bps is None else f"; more than 1 % in {found.chance_bps / 100:.0f} % of years"
    console.print(
        f"not in these futures, by facts and base rates (grade {found.grade}): a year may take {usual} of it, "
        f"{low} to {high} ({plain(causes)}), shared factors counted once{chance}"
    )
