"""Which files a report becomes: one page, in the formats asked for."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from pathlib import Path
from typing import Literal

from tidemill.studies import report
from tidemill.studies.pages.markdown import markdown
from tidemill.studies.pages.page import Page
from tidemill.studies.pages.pdf import find_browser, print_pdf
from tidemill.studies.schema import ResultDocument

__all__ = ["Format", "check_formats", "report_files", "write_report_files"]

Format = Literal["html", "md", "json", "pdf"]
"""``json`` is the command's own versioned document, which each command writes anyway: asked for alone it means no report."""


def check_formats(formats: Sequence[Format]) -> None:
    """Refuse a format that this machine cannot make, before any work; raises ``MissingArtefact`` naming what to install."""
    if {"html", "pdf"} & set(formats):
        report.check_page()
    if "pdf" in formats:
        find_browser()


def report_files(drawn: ResultDocument | Page, page: Callable[[], Page], formats: Sequence[Format]) -> dict[str, bytes]:
    """Return the files of a report by name: ``report.html``, ``report.md``, ``report.pdf``.

    Parameters
    ----------
    drawn : what HTML and PDF show. page : what Markdown says; asked only where it is wanted.

    Raises
    ------
    MissingArtefact : the page has not been built, or there is no browser to print it.
    """
    files: dict[str, bytes] = {}
    html = report.report_html(drawn).encode() if {"html", "pdf"} & set(formats) else b""
    if "html" in formats:
        files["report.html"] = html
    if "md" in formats:
        files["report.md"] = markdown(page()).encode()
    if "pdf" in formats:
        files["report.pdf"] = print_pdf(html)
    return files


def write_report_files(page: Page, folder: Path, formats: Sequence[Format]) -> list[str]:
    """Write a page into a folder in the formats asked for, all or none; returns the names of the files.

    Raises
    ------
    BadInput : the folder cannot be written. MissingArtefact : as ``report_files``.
    """
    from tidemill.studies.load import write_together  # noqa: PLC0415 - an assessment of risk starts without it

    files = report_files(page, lambda: page, formats)
    write_together(folder, files)
    return list(files)
