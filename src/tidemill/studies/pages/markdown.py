"""A page as Markdown: the same figures in the same order, readable as plain text too."""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import (
    Bars,
    Block,
    Fan,
    Heat,
    Kind,
    Ladder,
    Node,
    Notes,
    Page,
    Spread,
    Steps,
    Table,
    Tree,
    Value,
)
from tidemill.wording import moment

__all__ = ["markdown"]

WIDEST_MAP = 16
"""Columns of a map that a text shows; a wider one is in the table of every setting."""
FAN_ROWS = 12
_ESCAPES = str.maketrans({c: f"\\{c}" for c in "\\`*_[]<>|#~"} | dict.fromkeys(map(chr, (10, 13)), " "))


def markdown(page: Page) -> str:
    """Return `page` as Markdown; equal pages give equal text. No text of a document can act as markup."""
    lines = [f"# {_text(page.title)}", ""]
    if page.subtitle:
        lines += [_text(page.subtitle), ""]
    lines += [" · ".join(_text(chip) for chip in page.chips), ""]
    if page.synthetic:
        lines += [
            "**Synthetic data**: the market of this study was generated, not recorded; nobody earned these figures.",
            "",
        ]
    for say in page.says:
        figure = f" **{_shown(say.value, say.kind, page.home)}**" if say.value is not None else ""
        lines.append(f"- **{_text(say.title)}:**{figure} {_text(say.words)}")
    lines.append("")
    if page.figures:
        rows = [[one.title, _shown(one.value, one.kind, page.home), one.note] for one in page.figures]
        lines += [*_table(["", "", ""], ["text", "count", "text"], rows), ""]
    for warning in page.warnings:
        lines += [f"> **Warning:** {_text(warning)}", ""]
    for section in page.sections:
        lines += [f"## {_text(section.title)}", ""]
        if section.lead:
            lines += [_text(section.lead), ""]
        for block in section.blocks:
            lines += [*_block(block, page.home), ""]
    lines += ["## Run it again", ""]
    again = {"result hash": page.result_hash or "none", **page.again, "made by": f"tidemill {page.tool_version}"}
    lines += [f"- {_text(name)}: {_text(value)}" for name, value in again.items()]
    lines += [f"- schema: {page.source}", ""]
    return "\n".join(lines)


def _text(text: str) -> str:
    return text.translate(_ESCAPES)


def _shown(value: Value, kind: Kind, home: str) -> str:
    return _text(shown(value, kind, home))


def _table(columns: Sequence[str], kinds: Sequence[Kind], rows: Iterable[Sequence[str]]) -> list[str]:
    """Return a table of cells that are escaped already; figures stand flush right."""
    rule = ["---" if kind == "text" else "---:" for kind in kinds]
    return [_row(_text(column) for column in columns), _row(rule), *(_row(row) for row in rows)]


def _row(cells: Iterable[str]) -> str:
    return f"| {' | '.join(cells)} |"


def _block(block: Block, home: str) -> list[str]:
    match block:
        case Table():
            return _of_table(block, home)
        case Heat():
            return _of_heat(block, home)
        case Steps():
            return _of_steps(block, home)
        case Fan():
            return _of_fan(block, home)
        case Spread():
            rows = [
                [f"{p} of 100 below", _shown(v, block.kind, home)]
                for p, v in zip(block.percents, block.values, strict=True)
            ]
            head = ["so many futures", "keep less than"]
            return [f"{_text(block.caption)}:", "", *_table(head, ["text", block.kind], rows)]
        case Bars():
            rows = [
                [_bold(bar.label, strong=bar.own), _shown(bar.value, block.kind, home), _text(bar.note)]
                for bar in block.rows
            ]
            return [f"{_text(block.caption)}:", "", *_table(["", "", ""], ["text", block.kind, "text"], rows)]
        case Tree():
            return [f"{_text(block.caption)}:", "", *_nodes(block.nodes, home, 0)]
        case Ladder():
            return _of_ladder(block)
        case Notes():
            return [f"- {_text(line)}" for line in block.lines]


def _bold(text: str, *, strong: bool) -> str:
    return f"**{_text(text)}**" if strong else _text(text)


def _of_table(block: Table, home: str) -> list[str]:
    if not block.rows:
        return [_text(block.empty)]
    kinds, unit = [column.kind for column in block.columns], "" if block.bare else home
    rows = [
        [_shown(value, kind, unit) if value != "" else "–" for value, kind in zip(row, kinds, strict=True)]
        for row in block.rows
    ]
    return _table([column.title for column in block.columns], kinds, rows)


def _of_heat(block: Heat, home: str) -> list[str]:
    if len(block.columns) > WIDEST_MAP:
        return [
            f"{_text(block.caption)}: {len(block.columns)} columns are too wide for text; every setting is listed below."
        ]
    rows = []
    for row, (label, cells) in enumerate(zip(block.rows, block.cells, strict=True)):
        figures = [
            _bold(shown(value, block.kind), strong=[row, column] == block.best) if value is not None else "–"
            for column, value in enumerate(cells)
        ]
        rows.append([_text(label), *figures])
    head = [f"{block.down} \\ {block.across}" if block.down else block.across, *block.columns]
    caption = f"{_text(block.caption)} ({_text(home)}; the best in bold):"
    return [caption, "", *_table(head, ["text", *[block.kind] * len(block.columns)], rows)]


def _of_steps(block: Steps, home: str) -> list[str]:
    uncertain = any(row.low is not None for row in block.rows)
    rows = []
    for step in block.rows:
        cells = [_bold(step.label, strong=step.role != "flow"), _shown(step.value, "change", home)]
        if uncertain:
            cells += [_shown(end, "change", home) if end is not None else "–" for end in (step.low, step.high)]
        rows.append([*cells, _text(step.note)])
    head = ["", "mean", "5th of 100", "95th of 100", ""] if uncertain else ["", "", ""]
    figures: list[Kind] = ["change"] * (len(head) - 2)
    kinds: list[Kind] = ["text", *figures, "text"]
    return [f"{_text(block.caption)}:", "", *_table(head, kinds, rows)]


def _of_fan(block: Fan, home: str) -> list[str]:
    every = max(-(-len(block.time) // FAN_ROWS), 1)
    places = [at for at in range(len(block.time)) if at % every == 0 or at == len(block.time) - 1]
    rows = [[span(block.time[at]), *(_shown(line.values[at], "money", home) for line in block.lines)] for at in places]
    head = ["after", *(line.label for line in block.lines)]
    kinds: list[Kind] = ["text"]
    kinds += ["money"] * len(block.lines)
    return [f"{_text(block.caption)}:", "", *_table(head, kinds, rows)]


def _of_ladder(block: Ladder) -> list[str]:
    def when(at: int | None) -> str:
        if at is None:
            return "no bound"
        return f"{moment(at)} UTC" if block.dated else span(at - block.start)

    rows = [
        [_text(rung.label), when(rung.first), when(rung.usual), when(rung.worst), _text(rung.note)]
        for rung in block.rungs
    ]
    head = ["", "at least", "usually", "at worst", ""]
    return [f"{_text(block.caption)}:", "", *_table(head, ["text", "moment", "moment", "moment", "text"], rows)]


def _nodes(nodes: Sequence[Node], home: str, depth: int) -> list[str]:
    lines = []
    for node in nodes:
        figure = f": **{_shown(node.value, node.kind, home)}**" if node.value is not None else ""
        note = f" ({_text(node.note)})" if node.note else ""
        lines.append(f"{'  ' * depth}- {_text(node.label)}{figure}{note}")
        lines += _nodes(node.inner, home, depth + 1)
    return lines
