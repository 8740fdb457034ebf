"""The income statement on a terminal: the figures of the result document and nothing else."""

from __future__ import annotations

from collections import Counter
from collections.abc import Mapping, Sequence
from typing import TYPE_CHECKING

from tidemill.app.tables import plain, table
from tidemill.studies.headline import figure
from tidemill.studies.schema import ResultDocument, TokenInfo
from tidemill.wording import moment

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["amount", "money", "percent", "print_statement"]


def money(micro: int | None, *, sign: bool = True) -> str:
    """Format micro-units as sentences of the result do; ``None`` is unknown."""
    if micro is None:
        return "unknown"
    return f"{'+' if sign and micro > 0 else ''}{figure(micro)}"


def amount(raw: int, decimals: int) -> str:
    """Format raw token units with up to six significant decimals."""
    whole, part = divmod(abs(raw), 10**decimals)
    text = f"{part:0{decimals}d}" if decimals else ""
    leading = len(text) - len(text.lstrip("0"))
    text = text[: max(6, leading + 2) if not whole else 6].rstrip("0")
    return f"{'-' if raw < 0 else ''}{whole:,}{'.' + text if text else ''}"


def percent(bps: int | None) -> str:
    """Format basis points with their sign; nothing has none."""
    if bps is None:
        return "–"
    return f"{bps / 100:+.2f} %" if bps else "0.00 %"


def print_statement(document: ResultDocument, console: Console) -> None:
    """Print headline, waterfall, comparisons, costs, assumptions and what the figures rest on."""
    study, head = document.study, document.headline
    console.print(
        f"[bold]{plain(study.title)}[/bold]" + ("  [black on yellow] SYNTHETIC DATA [/]" if study.synthetic else "")
    )
    about = [study.subtitle, study.strategy, ", ".join(study.networks)]
    console.print(plain(" · ".join(part for part in about if part)))
    console.print(
        f"{moment(study.start)} to {moment(study.end)} UTC · {document.fidelity.data} data, {document.fidelity.mode}"
    )
    console.print()
    kept, capital = f"{money(head.keep)} {study.home}", money(head.capital_value, sign=False)
    console.print(f"You keep [bold]{kept}[/bold] ({percent(head.keep_bps)}) of {capital}")
    yearly = "unknown" if head.per_year_bps is None else percent(head.per_year_bps)
    console.print(f"per year {yearly}: {head.per_year_note}")
    if head.money_weighted_bps is not None:
        console.print(f"money-weighted {percent(head.money_weighted_bps)} a year: each amount from when it came")
    console.print()
    names = {token.id: token for token in document.tokens}
    rows = [
        [
            f"[bold]{plain(row.label)}[/bold]" if row.kind != "flow" else plain(row.label),
            money(row.value),
            percent(row.per_year_bps),
            plain(_tokens(row.tokens, names)),
        ]
        for row in document.waterfall
    ]
    console.print(table("", ["", f"{study.home}>", "per year>", "tokens"], rows))
    if document.streams:
        console.print(table("What each stream earned", *_streams(document)))
    console.print(f"unexplained {document.unexplained} millionths (rounding allows {document.unexplained_bound})")
    console.print()
    _more(document, console)
    console.print(f"result {document.result_hash}")


def _streams(document: ResultDocument) -> tuple[list[str], list[list[str]]]:
    """Return the waterfall with a column for each stream."""
    streams = document.streams
    rows = [
        [plain(row.label), *(money(stream.rows.get(row.key, 0)) for stream in streams)]
        for row in document.waterfall
        if any(stream.rows.get(row.key) for stream in streams)
    ]
    rows.append(["moved to it", *(money(stream.brought) for stream in streams)])
    rows.append(["[bold]What it earned[/bold]", *(f"[bold]{money(stream.keep)}[/bold]" for stream in streams)])
    return ["", *(f"{plain(stream.name)}>" for stream in streams)], rows


def _more(document: ResultDocument, console: Console) -> None:
    study, head = document.study, document.headline
    kept = [["this study", money(head.keep), percent(head.keep_bps)]]
    kept += [[plain(c.name), money(c.keep), percent(c.keep_bps)] for c in document.comparisons]
    console.print(table("The same capital, the same period", ["", f"keeps, {study.home}>", ">"], kept))
    day = "never" if head.break_even_day is None else f"day {head.break_even_day:.1f}"
    console.print(f"breaks even: {day}; {head.break_even_note}")
    console.print(f"smallest sensible capital: {money(head.minimum_capital, sign=False)}; {head.minimum_capital_note}")
    console.print(f"what would change this: {head.what_would_change}")
    console.print()
    costs = [
        [plain(f"{c.venue} {c.verb}"), str(c.count), str(c.failed), f"{c.gas_used:,}", money(c.value, sign=False)]
        for c in document.costs
    ]
    if costs:
        console.print(table("Network fees", ["", "sent>", "failed>", "gas>", f"{study.home}>"], costs))
    if document.assumptions:
        rows = [
            [
                plain(a.label),
                plain(f"{a.value} {a.unit}"),
                plain(a.source),
                money(a.keep_at_half),
                money(a.keep_at_double),
            ]
            for a in document.assumptions
        ]
        columns = ["", "assumed>", "source", "keep at half>", "at double>"]
        console.print(table("Not in the data, so assumed", columns, rows))
    console.print(f"model error: {plain(document.fidelity.error)}")
    for line in (*document.fidelity.notes, *document.warnings):
        console.print(f"note: {plain(line)}")


def _tokens(tokens: Mapping[str, int], names: Mapping[str, TokenInfo]) -> str:
    places = Counter(info.symbol for info in names.values())  # one symbol on two networks is two tokens
    parts: Sequence[str] = [
        f"{amount(raw, (info := names[token]).decimals)} {info.id if places[info.symbol] > 1 else info.symbol}"
        for token, raw in tokens.items()
        if token in names
    ]
    return ", ".join(parts)
