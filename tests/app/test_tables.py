"""Tables on a terminal: a title is one line however narrow its table, figures are never folded."""

from __future__ import annotations

from io import StringIO

from rich.console import Console

from tidemill.app.tables import table


def test_a_title_is_not_folded_to_the_width_of_its_table() -> None:
    out = StringIO()
    title = "Over the horizon, USD (columns: the lines above, in order)"
    Console(file=out, width=100).print(table(title, ["", "in total>"], [["fees", "-1,234,567.89"]]))
    lines = [line.rstrip() for line in out.getvalue().splitlines()]
    assert lines[0] == title
    assert lines[2].endswith("-1,234,567.89")
