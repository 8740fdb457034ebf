"""A backtest's result as a page: for Markdown. In HTML and PDF a result has a view of its own, with its curves."""

from __future__ import annotations

from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import (
    PAGE,
    Bar,
    Bars,
    Column,
    Figure,
    Notes,
    Page,
    Say,
    Section,
    Step,
    Steps,
    Table,
    Value,
)
from tidemill.studies.schema import ResultDocument
from tidemill.wording import moment

__all__ = ["fees_known", "result_page"]


def result_page(document: ResultDocument) -> Page:
    """Return the page of a result: headline, waterfall, comparisons, costs, assumptions, fidelity."""
    study = document.study
    return Page(
        schema=PAGE,
        kind=document.kind,
        tool_version=document.tool_version,
        title=study.title,
        subtitle=study.subtitle,
        chips=[
            f"{moment(study.start)} to {moment(study.end)} UTC",
            span(study.end - study.start),
            study.strategy,
            *study.venues,
            *study.networks,
        ],
        synthetic=study.synthetic,
        home=study.home,
        says=_says(document),
        figures=_figures(document),
        warnings=document.warnings,
        sections=[
            _waterfall(document),
            *_streams(document),
            _comparisons(document),
            _costs(document),
            _assumptions(document),
            _trust(document),
        ],
        source=document.schema,
        result_hash=document.result_hash,
        again={"strategy": study.strategy, "strategy hash": study.strategy_hash or "none", **study.parameters},
    )


def fees_known(document: ResultDocument) -> bool:
    """Say whether network fees are among the figures: logs alone do not hold them."""
    return document.kind != "statement" or any(row.key == "l2" for row in document.waterfall)


def _says(document: ResultDocument) -> list[Say]:
    head, home = document.headline, document.study.home
    fall = _fall(document)
    holding = next((other for other in document.comparisons if other.name == "holding"), None)
    better = holding is None or head.keep > holding.keep
    beside = "" if holding is None else f" Holding keeps {shown(holding.keep, 'change', home)}."
    return [
        Say(
            "keep",
            "What you keep",
            f"{shown(head.keep_bps, 'rate')} of {shown(head.capital_value, 'money', home)}, "
            f"{'after every cost' if fees_known(document) else 'before network fees'}.{beside}",
            head.keep,
            "change",
        ),
        Say(
            "risk",
            "What you risk",
            "the deepest fall from a peak in this one past; for others: tidemill stress.",
            fall,
            "rate",
        ),
        Say(
            "next",
            "What to do next",
            "See other futures (tidemill stress), then real contracts (tidemill rehearse)."
            if better
            else "Hold, or look for other settings: tidemill sweep.",
        ),
        Say("change", "What would change this", head.what_would_change or "Another period or another market."),
    ]


def _fall(document: ResultDocument) -> int | None:
    """Return the deepest fall of the drawn curve from a peak, basis points rounded towards the worse."""
    peak, worst = 0, 0
    for value in document.series.value:
        peak = max(peak, value)
        worst = min(worst, (value - peak) * 10_000 // peak if peak else 0)
    return worst if document.series.value else None


def _figures(document: ResultDocument) -> list[Figure]:
    head = document.headline
    day = None if head.break_even_day is None else f"day {head.break_even_day:.1f}"
    return [
        Figure("You put in", head.capital_value, "money"),
        Figure("You end with", head.final_value, "money"),
        Figure("Per year", head.per_year_bps, "rate", head.per_year_note),
        *(
            [Figure("Money-weighted", head.money_weighted_bps, "rate", "a year, each amount from when it came")]
            if head.money_weighted_bps is not None
            else []
        ),
        Figure("Break-even", day or "never", "text", head.break_even_note),
        _smallest(head.minimum_capital, head.minimum_capital_note),
    ]


def _smallest(capital: int | None, note: str) -> Figure:
    """Return the least capital that makes sense; that there is none is no lack of knowledge."""
    name = "Smallest sensible capital"
    return Figure(name, "none", "text", note) if capital is None else Figure(name, capital, "money", note)


def _waterfall(document: ResultDocument) -> Section:
    rows = [Step(row.label, row.kind, row.value, note=row.note) for row in document.waterfall]
    lead = (
        f"Left unexplained: {document.unexplained:,} millionths of one {document.study.home}; rounding allows "
        f"{document.unexplained_bound:,}."
    )
    return Section("waterfall", "From gross to what you keep", lead, [Steps(f"In {document.study.home}", rows)])


def _streams(document: ResultDocument) -> list[Section]:
    """Return what each stream of a portfolio earned, row by row; nothing where the study is one stream."""
    streams = document.streams
    if not streams:
        return []
    flows = [row for row in document.waterfall if row.kind == "flow" and any(one.rows.get(row.key) for one in streams)]
    rows: list[list[Value]] = [[row.label, *(one.rows.get(row.key, 0) for one in streams)] for row in flows]
    rows += [["Moved to it", *(one.brought for one in streams)], ["What it earned", *(one.keep for one in streams)]]
    columns = [Column(document.study.home), *(Column(one.name, "change") for one in streams)]
    lead = "Each part of the portfolio by itself: its rows add up, over the streams, to the whole's."
    table = Table("What each stream earned", columns, rows, marked=[len(rows) - 1], shown=len(rows), bare=True)
    return [Section("streams", "By stream", lead, [table])]


def _comparisons(document: ResultDocument) -> Section:
    rows = [Bar("this study", document.headline.keep, own=True)]
    rows += [Bar(other.name, other.keep, other.note) for other in document.comparisons]
    return Section(
        "comparisons", "Held another way", "The same capital over the same days.", [Bars("Keeps", "change", rows)]
    )


def _costs(document: ResultDocument) -> Section:
    rows: list[list[Value]] = [[f"{c.venue} {c.verb}", c.count, c.failed, c.gas_used, c.value] for c in document.costs]
    columns = [
        Column("verb"),
        Column("sent", "count"),
        Column("failed", "count"),
        Column("gas", "count"),
        Column("fee", "money"),
    ]
    empty = (
        "No transaction was sent, so none was paid." if fees_known(document) else "Unknown: the logs do not hold them."
    )
    return Section("costs", "Network fees", "", [Table("Network fees", columns, rows, empty=empty)])


def _assumptions(document: ResultDocument) -> Section:
    rows: list[list[Value]] = [
        [one.label, f"{one.value} {one.unit}".strip(), one.keep_at_half, one.keep_at_double, one.source]
        for one in document.assumptions
    ]
    columns = [
        Column("assumed"),
        Column("value"),
        Column("keep at half", "change"),
        Column("keep at double", "change"),
        Column("source"),
    ]
    empty = "None: every input was found in the data."
    return Section("assumptions", "Assumptions", "", [Table("Assumptions", columns, rows, empty=empty)])


def _trust(document: ResultDocument) -> Section:
    truth = document.fidelity
    lines = [f"Data: {truth.data}", f"Own liquidity: {truth.mode}", f"Rules: {truth.proof}"]
    lines += [f"Model error: {truth.error or 'unknown'}", *truth.notes]
    return Section("trust", "How true this is", "", [Notes(lines)])
