"""The page of a search: what was found, and what that was worth where it was not looked for."""

from __future__ import annotations

from tidemill.studies.metrics import METRICS
from tidemill.studies.metrics import figure as ranked
from tidemill.studies.optimise import Judged, OptimiseDocument
from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import PAGE, Bar, Bars, Column, Figure, Page, Say, Section, Table, Value
from tidemill.studies.pages.sweep import luck_section, said
from tidemill.wording import moment

__all__ = ["optimise_page"]


def optimise_page(document: OptimiseDocument) -> Page:
    """Return the page of ``document``."""
    sections = [_judged_section(document), luck_section(document.luck), _trials_section(document)]
    return Page(
        schema=PAGE,
        kind="optimise",
        tool_version=document.tool_version,
        title=document.title,
        subtitle=f"{len(document.trials):,} settings of {document.strategy} searched on one part of the past, judged on the rest",
        chips=[
            f"searched {moment(document.start)[:10]} to {moment(document.cut)[:10]}",
            f"judged to {moment(document.end)[:10]}",
            f"by {METRICS[document.metric]}",
        ],
        synthetic=document.synthetic,
        home=document.home,
        says=_says(document),
        figures=[
            Figure("Holding, judged", document.holding, "change", "over the same days"),
            Figure("Your own settings, judged", document.own_outside.keep, "change"),
            Figure(
                "Where it was searched",
                document.trials[document.best].keep,
                "change",
                "the same settings looked like this",
            ),
        ],
        warnings=document.warnings,
        sections=[section for section in sections if section.blocks],
        source=document.schema,
        result_hash=document.result_hash,
        again={"strategy": document.strategy, "trials": f"{len(document.trials)}"}
        | {name: ", ".join(map(str, values)) for name, values in document.axes.items()},
    )


def _says(document: OptimiseDocument) -> list[Say]:
    best, own, home = document.best_outside, document.own_outside, document.home
    better = ranked(best, document.metric) > ranked(own, document.metric) and best.keep > document.holding
    looked = document.trials[document.best]
    days = span(document.end - document.cut)
    settings = said(best.parameters)
    return [
        Say(
            "keep",
            "What the winner kept where it was judged",
            f"{shown(best.keep_bps, 'rate')} of the capital with {settings}, in {days} that the search did not see; "
            f"your own settings kept {shown(own.keep, 'change', home)}.",
            best.keep,
            "change",
        ),
        Say(
            "risk",
            "What you risk",
            f"the winner's deepest fall from a peak in {days}; in its worst 5% of steps it lost "
            f"{shown(abs(best.cvar_bps), 'share')} on average.",
            best.drawdown_bps,
            "rate",
        ),
        Say(
            "next",
            "What to do next",
            (
                f"Try {settings} in other futures before using them: tidemill stress. "
                if better
                else "Do not change your settings. "
            )
            + f"The verdict: {document.verdict}.",
        ),
        Say(
            "change",
            "What would change this",
            f"Another period: where it was searched the winner made {shown(looked.per_year_bps, 'rate')} a year, where it was "
            f"judged {shown(best.per_year_bps, 'rate')}. The wider that gap, the more of it was luck.",
        ),
    ]


def _judged_section(document: OptimiseDocument) -> Section:
    best = document.trials[document.best]
    rows = [
        _row("found, where it was searched", best),
        _row("found, where it is judged", document.best_outside),
        _row("your own, where it was searched", document.own_inside),
        _row("your own, where it is judged", document.own_outside),
    ]
    columns = [Column(""), Column("settings"), *_FIGURES]
    bars = Bars(
        f"Kept where it is judged, {document.home}",
        "change",
        [
            Bar("found", document.best_outside.keep, own=True),
            Bar("your own settings", document.own_outside.keep),
            Bar("holding", document.holding),
        ],
    )
    lead = "Only the part that the search did not see says anything; the other shows how much was fitted to the past."
    return Section("judged", "Found and judged", lead, [bars, Table("Found and judged", columns, rows, marked=[1])])


_FIGURES = [
    Column("keeps", "change"),
    Column("per year", "rate"),
    Column("worst 5%", "rate"),
    Column("drawdown", "rate"),
    Column("Sharpe", "number"),
]


def _row(label: str, judged: Judged) -> list[Value]:
    return [label, said(judged.parameters), *_figures(judged)]


def _figures(judged: Judged) -> list[Value]:
    return [judged.keep, judged.per_year_bps, judged.cvar_bps, judged.drawdown_bps, judged.sharpe_micro / 10**6]


def _trials_section(document: OptimiseDocument) -> Section:
    names = list(document.axes)
    rows: list[list[Value]] = [
        [at, *(f"{trial.parameters[name]}" for name in names), *_figures(trial)]
        for at, trial in enumerate(document.trials, 1)
    ]
    columns = [Column("trial", "count"), *(Column(name) for name in names), *_FIGURES]
    table = Table("Every trial, where it was searched", columns, rows, marked=[document.best])
    return Section("trials", "Every trial", "In the order in which they were tried, on the searched part.", [table])
