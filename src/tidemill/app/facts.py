"""What `tidemill facts` prints."""

from __future__ import annotations

from collections import defaultdict
from pathlib import Path

from tidemill.app.console import emit_json, note, stdout
from tidemill.app.moments import day_of, days_of
from tidemill.app.tables import plain, table

__all__ = ["show_calendar", "show_refresh", "show_stale"]

_NAMES = 3
"""Names of facts that a row of several shows."""


def show_stale(older_than: str, on: str, *, as_json: bool) -> int:
    """Print old facts, those of one file, day and source in a row."""
    from tidemill.studies.fact_files import Old, stale  # noqa: PLC0415

    found = stale(day_of(on), days_of(older_than, "older-than"))
    if as_json:
        emit_json(found)
        return 0
    groups: dict[tuple[str, str, str], list[Old]] = defaultdict(list)
    for old in found:
        groups[old.file, str(old.fact.as_of), old.fact.source].append(old)
    rows = []
    for (file, as_of, source), members in groups.items():
        names = ", ".join(old.name for old in members[:_NAMES]) + (" …" if len(members) > _NAMES else "")
        rows.append([f"{members[0].days:,}", as_of, plain(file), f"{len(members):,}", plain(names), plain(source)])
    if rows:
        stdout().print(table("", ["days old>", "as of", "file", "facts>", "", "source"], rows))
    note(f"{len(found):,} facts are older than {older_than}")
    return 0


def show_calendar(*, as_json: bool) -> int:
    """Print what ends and has ended."""
    from tidemill.studies.fact_files import calendar  # noqa: PLC0415

    found = calendar()
    if as_json:
        emit_json(found)
        return 0
    rows = [
        [
            str(one.day or "day unknown"),
            plain(one.network),
            plain(one.what),
            one.status,
            plain(one.todo),
            plain(one.fact.source),
        ]
        for one in found
    ]
    stdout().print(table("", ["day", "network", "what", "status", "what to do", "source"], rows))
    return 0


def show_refresh(network: str, rpc: str, write: Path | None, *, as_json: bool) -> int:
    """Ask, print the differences, and write the file if there is to be one."""
    from tidemill.studies.refresh import refresh  # noqa: PLC0415

    found = refresh(network, rpc, write)
    if as_json:
        emit_json(found)
    else:
        rows = [
            [
                plain(one.name),
                plain(one.unit),
                "–" if one.old is None else f"{one.old:,}",
                f"{one.new:,}",
                plain(one.was),
            ]
            for one in found.changes
        ]
        head = ["level", "unit", "old>", "new>", "old is of"]
        stdout().print(table(f"{plain(network)} at block {found.block:,} ({found.as_of})", head, rows))
        for line in found.unanswered:
            note(f"not answered: {line}")
    if write is None:
        note("nothing was written; --write FILE keeps it")
    else:
        found.write(write)
        note(f"wrote {write}")
    return 0
