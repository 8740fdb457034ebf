"""The report beside what a command writes: which files it becomes, and when none is made."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import TYPE_CHECKING, Any

from tidemill.app.console import json_bytes, note
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from tidemill.studies.pages.page import Page
    from tidemill.studies.pages.write import Format

__all__ = ["reported", "written"]


def reported(page: Callable[[], Page], folder: Path, formats: Sequence[Format]) -> str:
    """Write the report of a page in the formats asked for; returns what stands after the other files' names."""
    from tidemill.studies.pages.write import write_report_files  # noqa: PLC0415

    if not set(formats) - {"json"}:
        return ""
    return "".join(f", {name}" for name in write_report_files(page(), folder, formats))


def written(name: str, document: Any, page: Callable[[], Page], out: Path | None, formats: Sequence[Format]) -> None:
    """Write what a command that only looks things up has found, where a folder is named: its document and its report.

    Raises ``BadInput`` where a format is asked for and no folder.
    """
    if out is None:
        if tuple(formats) != ("html",):
            raise BadInput("say where the report goes: --out FOLDER", field="format")
        return
    from tidemill.studies.load import check_writable, write_together  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415

    check_writable(out)
    check_formats(formats)
    write_together(out, {f"{name}.json": json_bytes(document)})
    note(f"wrote {out}/{name}.json{reported(page, out, formats)}")
