"""Studies side by side on a terminal: the figures of the comparison and nothing else."""

from __future__ import annotations

from typing import TYPE_CHECKING

from tidemill.app.statement import money, percent
from tidemill.app.tables import plain, table
from tidemill.studies.compare import CompareDocument, column_names
from tidemill.wording import moment

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["print_comparison"]


def print_comparison(document: CompareDocument, console: Console) -> None:
    """Print what each keeps, their waterfalls in columns, and the common baselines."""
    columns, names = document.studies, column_names(document.studies)
    capital = f"{money(columns[0].capital_value, sign=False)} {document.home}"
    console.print(f"{moment(document.start)} to {moment(document.end)} UTC · the same capital, worth {capital}")
    if any(column.synthetic for column in columns):
        console.print("[black on yellow] SYNTHETIC DATA [/]")
    console.print()
    letters = [_letter(i) for i in range(len(columns))]
    about = [
        [
            letters[i],
            plain(names[i]),
            plain(", ".join(column.venues)),
            plain(", ".join(column.networks)),
            f"{column.data}, {column.mode}, {column.proof}",
            percent(column.per_year_bps),
        ]
        for i, column in enumerate(columns)
    ]
    console.print(table("", ["", "study", "venues", "networks", "rests on", "per year>"], about))
    console.print()
    rows = []
    for row in document.rows:
        label = plain(row.label) if row.kind == "flow" else f"[bold]{plain(row.label)}[/bold]"
        rows.append([label, *("–" if value is None else money(value) for value in row.values)])
    rows += [
        [plain(base.name), *("unknown" if base.keep is None else money(base.keep) for _ in columns)]
        for base in document.baselines
    ]
    console.print(table(document.home, ["", *(f"{letter}>" for letter in letters)], rows))
    for base in document.baselines:
        console.print(f"{plain(base.name)}: {plain(base.note)}")
    for letter, column in zip(letters, columns, strict=True):
        for line in column.warnings:
            console.print(f"{letter}: {plain(line)}")
    assumed = [
        [
            letters[i],
            plain(one.label),
            plain(f"{one.value} {one.unit}".strip()),
            *("unknown" if keep is None else money(keep) for keep in (one.keep_at_half, one.keep_at_double)),
        ]
        for i, column in enumerate(columns)
        for one in column.assumptions
    ]
    if assumed:
        headings = ["", "assumption", "value>", "keep at half>", "keep at double>"]
        console.print(table("Assumptions", headings, assumed))
    console.print(f"keeps most: {letters[document.best]}, {plain(names[document.best])}")
    console.print(f"result {document.result_hash}")


def _letter(place: int) -> str:
    """Return A, B, … Z, AA, … for a column."""
    out, place = "", place + 1
    while place:
        place, rest = divmod(place - 1, 26)
        out = chr(ord("A") + rest) + out
    return out
