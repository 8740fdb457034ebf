"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING
from unicodedata import category

if TYPE_CHECKING:
    from rich.console import RenderableType

__all__ = ["plain", "table"]

_STEERING = ("Cc", "Cf", "Cs")


def plain(text: str) -> str:
    """Return text of a study, a dataset or a person so that nothing in it is taken for markup or steers the terminal.

    Control characters, among them those that turn the direction of writing round, become a replacement character.
    """
    from rich.markup import escape  # noqa: PLC0415 - commands that print JSON do not need it

    return escape("".join("\ufffd" if category(one) in _STEERING and one not in "\n\t" else one for one in text))


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> RenderableType:
    """Return a plain table under its title; columns whose name ends in ``>`` are set flush right, their figures never folded."""
    from rich.console import Group  # noqa: PLC0415
    from rich.table import Table  # noqa: PLC0415 - commands that print JSON do not need it
    from rich.text import Text  # noqa: PLC0415

    out = Table(show_edge=False, pad_edge=False, box=None)
    for at, column in enumerate(columns):
        right = column.endswith(">")
        least = max((Text.from_markup(row[at]).cell_len for row in rows), default=0) if right else None
        out.add_column(column.removesuffix(">"), justify="right" if right else "left", overflow="fold", min_width=least)
    for row in rows:
        out.add_row(*row)
    # a title of rich's own is folded to the width of its table: a narrow one would cut the sentence above it
    return Group(Text.from_markup(title, style="italic"), out) if title else out
