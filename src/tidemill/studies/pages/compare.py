"""The page of a comparison: studies of the same capital and days, row by row."""

from __future__ import annotations

from tidemill import __version__
from tidemill.studies.compare import CompareDocument, column_names
from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import (
    PAGE,
    Bar,
    Bars,
    Block,
    Column,
    Figure,
    Kind,
    Notes,
    Page,
    Say,
    Section,
    Table,
    Value,
)
from tidemill.wording import moment

__all__ = ["compare_page"]


def compare_page(document: CompareDocument) -> Page:
    """Return the page of ``document``."""
    names = column_names(document.studies)
    days = span(document.end - document.start)
    warnings = [
        f"{name}: {line}" for name, column in zip(names, document.studies, strict=True) for line in column.warnings
    ]
    capital = document.studies[0].capital_value
    return Page(
        schema=PAGE,
        kind="compare",
        tool_version=__version__,
        title=" or ".join(names) if len(names) < 4 else f"{len(names)} studies side by side",
        subtitle=f"the same capital, worth {shown(capital, 'money', document.home)}, over the same {days}",
        chips=[f"{moment(document.start)[:10]} to {moment(document.end)[:10]}", days, f"{len(names)} studies"],
        synthetic=any(column.synthetic for column in document.studies),
        home=document.home,
        says=_says(document, names),
        figures=[
            Figure("You put in", capital, "money"),
            *(Figure(base.name.capitalize(), base.keep, "change", base.note) for base in document.baselines),
        ],
        warnings=list(dict.fromkeys(warnings)),
        sections=[
            section
            for section in (_kept(document, names), _rows(document, names), _rests(document, names))
            if section.blocks
        ],
        source=document.schema,
        result_hash=document.result_hash,
        again={name: column.result_hash for name, column in zip(names, document.studies, strict=True)},
    )


def _says(document: CompareDocument, names: list[str]) -> list[Say]:
    home, best = document.home, document.studies[document.best]
    keeps = sorted((column.keep for column in document.studies), reverse=True)
    ahead = keeps[0] - keeps[1] if len(keeps) > 1 else 0
    holding = next((base.keep for base in document.baselines if base.name == "holding"), None)
    worst = document.studies[min(range(len(names)), key=lambda at: document.studies[at].keep)]
    known = holding is not None
    beats = holding is None or best.keep > holding
    return [
        Say(
            "keep",
            "What the best one keeps",
            f"{shown(best.keep_bps, 'rate')} of the capital: {names[document.best]}, {shown(ahead, 'money', home)} ahead of the "
            "next.",
            best.keep,
            "change",
        ),
        Say(
            "risk",
            "What you risk",
            f"what the worst of them keeps: {worst.title}. This is one past; how each fares in others says tidemill stress.",
            worst.keep,
            "change",
        ),
        Say(
            "next",
            "What to do next",
            f"Take {names[document.best]} further: tidemill stress, then tidemill rehearse."
            if beats
            else f"Hold: the same tokens untouched keep {shown(holding, 'change', home)}, more than any of these.",
        ),
        Say("change", "What would change this", _change(document, known=known)),
    ]


def _change(document: CompareDocument, *, known: bool) -> str:
    """Say which row sets the best apart from the next: where it turns, so does the order."""
    order = sorted(range(len(document.studies)), key=lambda at: -document.studies[at].keep)
    gaps = []
    for row in document.rows:
        if row.kind == "flow" and len(order) > 1:
            mine, theirs = (row.values[at] or 0 for at in order[:2])
            gaps.append((abs(mine - theirs), mine - theirs, row.label))
    if not gaps or max(gaps)[0] == 0:
        return "Another period, another capital or another network: nothing sets these apart here."
    _, gap, label = max(gaps)
    said = (
        f"The two best differ most in “{label}”: {shown(gap, 'change', document.home)} for the first. Were that otherwise, so "
        "would be the order."
    )
    return said if known else f"{said} What holding would have kept is not known."


def _kept(document: CompareDocument, names: list[str]) -> Section:
    order = sorted(range(len(names)), key=lambda at: (-document.studies[at].keep, at))
    rows = [
        Bar(names[at], (column := document.studies[at]).keep, shown(column.keep_bps, "rate"), own=at == document.best)
        for at in order
    ]
    rows += [Bar(base.name, base.keep, base.note) for base in document.baselines if base.keep is not None]
    bars = Bars(f"What each keeps, {document.home}", "change", rows)
    return Section(
        "kept", "What each keeps", "After every cost, counted in the home asset; the best stands out.", [bars]
    )


def _rows(document: CompareDocument, names: list[str]) -> Section:
    kind: Kind = "change"
    rows: list[list[Value]] = [[row.label, *("" if v is None else v for v in row.values)] for row in document.rows]
    totals = [at for at, row in enumerate(document.rows) if row.kind != "flow"]
    columns = [Column(document.home), *(Column(name, kind) for name in names)]
    table = Table("Waterfalls side by side", columns, rows, marked=totals, shown=len(rows), bare=True)
    return Section(
        "rows", "Row by row", "From gross to what is kept; a dash is a row that a study does not have.", [table]
    )


def _rests(document: CompareDocument, names: list[str]) -> Section:
    about: list[list[Value]] = [
        [
            name,
            column.strategy,
            ", ".join(column.venues),
            ", ".join(column.networks),
            column.data,
            column.mode,
            column.proof,
        ]
        for name, column in zip(names, document.studies, strict=True)
    ]
    heads = ["study", "strategy", "venues", "networks", "data", "own liquidity", "proof"]
    blocks: list[Block] = [Table("What each rests on", [Column(head) for head in heads], about)]
    assumed: list[list[Value]] = [
        [one.label, name, f"{one.value} {one.unit}".strip(), one.keep_at_half, one.keep_at_double]
        for name, column in zip(names, document.studies, strict=True)
        for one in column.assumptions
    ]
    if assumed:
        heads = ["assumed", "in", "value"]
        columns = [
            *(Column(head) for head in heads),
            Column("keep at half", "change"),
            Column("keep at double", "change"),
        ]
        blocks.append(Table("Assumptions", columns, assumed))
    else:
        blocks.append(Notes(["No assumption: every input was found in the data."]))
    return Section("rests", "What the figures rest on", "", blocks)
