"""The versioned page: what a report says, in the order in which it says it, without a word about how it looks.

A command's document (``tidemill.sweep/1`` …) is made into a page once, in Python; the front end draws the page, and Markdown is
the same page in text, so a figure is the same in both. Figures stay exact: integers in the unit that their ``Kind`` names.
"""

from __future__ import annotations

from typing import Literal

from msgspec import Struct

__all__ = [
    "PAGE",
    "Bar",
    "Bars",
    "Block",
    "Column",
    "Fan",
    "Figure",
    "Heat",
    "Kind",
    "Ladder",
    "Line",
    "Node",
    "Notes",
    "Page",
    "Rung",
    "Say",
    "Section",
    "Spread",
    "Step",
    "Steps",
    "Table",
    "Tree",
    "Value",
]

PAGE = "tidemill.page/1"

Value = int | float | str | None
"""A figure as its ``Kind`` says; ``None`` is unknown."""

Kind = Literal["text", "money", "change", "rate", "share", "count", "number", "moment", "span"]
"""What a value is: text; micro-units of home (``change`` with its sign, coloured by it); basis points (``rate`` with its sign);
a whole number; a float for display; Unix seconds; a length of time in seconds."""


class Figure(Struct, frozen=True):
    """A figure with its name; ``note`` says more, or why it is unknown."""

    title: str
    value: Value
    kind: Kind
    note: str = ""


class Say(Struct, frozen=True):
    """One of the four things a reader wants first: a figure, and a sentence in plain words."""

    about: Literal["keep", "risk", "next", "change"]
    title: str
    words: str
    value: Value = None
    kind: Kind = "text"


class Column(Struct, frozen=True):
    """A column of a table: all of its values are of one kind."""

    title: str
    kind: Kind = "text"


class Table(Struct, frozen=True, tag="table"):
    """Rows under columns, the first column naming the row; ``marked`` rows stand out, ``empty`` is said where there is none.

    ``shown`` rows are there before one asks for all; ``bare`` leaves the unit of money to a heading.
    """

    caption: str
    columns: list[Column]
    rows: list[list[Value]]
    marked: list[int] = []
    empty: str = "None."
    shown: int = 10
    bare: bool = False


class Heat(Struct, frozen=True, tag="heat"):
    """Values over two axes, ``cells[row][column]``, ``None`` where nothing was tried.

    ``best`` is (row, column); ``near`` are cells beside it; ``estimated`` those that were not played exactly.
    """

    caption: str
    across: str
    down: str
    columns: list[str]
    rows: list[str]
    cells: list[list[int | None]]
    kind: Kind
    best: list[int]
    near: list[list[int]] = []
    estimated: list[list[int]] = []


class Step(Struct, frozen=True):
    """A row of a waterfall; ``low`` and ``high`` are the 5th and 95th of a hundred where it is uncertain."""

    label: str
    role: Literal["flow", "subtotal", "total"]
    value: int
    low: int | None = None
    high: int | None = None
    note: str = ""


class Steps(Struct, frozen=True, tag="steps"):
    """A waterfall, money in micro-units of home."""

    caption: str
    rows: list[Step]


class Line(Struct, frozen=True):
    """A curve of a fan: micro-units of home at each of the fan's times."""

    label: str
    values: list[int]


class Fan(Struct, frozen=True, tag="fan"):
    """Quantiles over time, lowest first: the middle one is a line, the others edges of bands; times in seconds from the start."""

    caption: str
    time: list[int]
    lines: list[Line]


class Spread(Struct, frozen=True, tag="spread"):
    """A distribution by its quantiles (percent, value), lowest first; ``edges`` and ``counts`` where it was counted in bins."""

    caption: str
    percents: list[int]
    values: list[int]
    kind: Kind
    marks: list[Figure] = []
    edges: list[int] = []
    counts: list[int] = []


class Bar(Struct, frozen=True):
    """A bar from zero; the reader's own stands out."""

    label: str
    value: int
    note: str = ""
    own: bool = False


class Bars(Struct, frozen=True, tag="bars"):
    """Values beside each other, of one kind."""

    caption: str
    kind: Kind
    rows: list[Bar]


class Node(Struct, frozen=True):
    """A branch of a tree: a name, a figure, its share of the whole (basis points) where it is one, and what it rests on."""

    label: str
    value: Value = None
    kind: Kind = "text"
    share_bps: int | None = None
    note: str = ""
    inner: list[Node] = []


class Tree(Struct, frozen=True, tag="tree"):
    """Branches within branches."""

    caption: str
    nodes: list[Node]


class Rung(Struct, frozen=True):
    """A step of a way out, Unix seconds: no luck comes before ``first``; ``worst`` is ``None`` where nothing bounds it."""

    label: str
    note: str
    first: int
    usual: int
    worst: int | None


class Ladder(Struct, frozen=True, tag="ladder"):
    """What comes when, from ``start``, Unix seconds; ``dated`` is false where only lengths of time are known."""

    caption: str
    start: int
    rungs: list[Rung]
    dated: bool = True


class Notes(Struct, frozen=True, tag="notes"):
    """Sentences, one below the other."""

    lines: list[str]


Block = Table | Heat | Steps | Fan | Spread | Bars | Tree | Ladder | Notes


class Section(Struct, frozen=True):
    """A titled part of a page; ``id`` is a short word that names it in an address."""

    id: str
    title: str
    lead: str
    blocks: list[Block]


class Page(Struct, frozen=True):
    """A whole report. ``says`` come first: keep, risk, next, change. ``again`` is what it takes to get the same again."""

    schema: str
    kind: str
    tool_version: str
    title: str
    subtitle: str
    chips: list[str]
    synthetic: bool
    home: str
    says: list[Say]
    figures: list[Figure]
    warnings: list[str]
    sections: list[Section]
    source: str
    result_hash: str
    again: dict[str, str] = {}
