"""Tables for the terminal."""

from __future__ import annotations

from collections.abc import Sequence
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from rich.table import Table

__all__ = ["table"]


def table(title: str, columns: Sequence[str], rows: Sequence[Sequence[str]]) -> Table:
    """Return a plain table; columns whose name ends in ``>`` are set flush right."""
    from rich.table import Table  # noqa: PLC0415 - commands that print JSON do not need it

    out = Table(title=title or None, title_justify="left", show_edge=False, pad_edge=False, box=None)
    for column in columns:
        out.add_column(column.removesuffix(">"), justify="right" if column.endswith(">") else "left", overflow="fold")
    for row in rows:
        out.add_row(*row)
    return out
