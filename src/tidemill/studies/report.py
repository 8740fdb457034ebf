"""``report.html``: the built page of ``web/`` with one result or page inside it: one file, no network request.

The page is package data (``app/static/report.html``, made by ``npm run build``); this module puts the document in.
The text of a document can neither end the element that holds it nor run: see :func:`inline_json`.
"""

from __future__ import annotations

import html
import json
import math
import os
from collections.abc import Mapping
from importlib import resources
from pathlib import Path
from typing import Any

import msgspec

from tidemill.errors import BadInput, MissingArtefact
from tidemill.files import write_whole
from tidemill.studies.pages.backtest import result_page
from tidemill.studies.pages.page import Page
from tidemill.studies.schema import ResultDocument

__all__ = ["SAFE_INTEGER", "check_page", "inline_json", "report_html", "write_report"]

SAFE_INTEGER = 2**53 - 1
"""The largest integer up to which JavaScript's numbers hold every integer; beyond it digits travel as a string."""

_DATA_OPEN = '<script type="application/json" id="tidemill-document">'
_DATA_SLOT = _DATA_OPEN + "</script>"
_TITLE_SLOT = "<title>tidemill report</title>"
# `<`, `>` and `&` cannot stand in an HTML script as they are (`</script`, `<!--`); the two separators end a line
# in JavaScript. In JSON all five stand inside strings only, where the escape means the same character.
_ESCAPES = str.maketrans({c: f"\\u{ord(c):04x}" for c in "<>&\u2028\u2029"})


def write_report(document: ResultDocument | Page, path: str | os.PathLike[str]) -> Path:
    """Write the report of `document` to `path`, making its folder; the file appears whole or not at all.

    Returns
    -------
    Path of the file written.

    Raises
    ------
    MissingArtefact
        The page has not been built.
    BadInput
        The file cannot be written there.
    """
    target = Path(path)
    page = report_html(document)
    try:
        write_whole({target: page.encode()})
    except OSError as error:
        reason = error.strerror or str(error)
        raise BadInput(f"the report cannot be written: {reason}; choose another folder", file=str(target)) from error
    return target


def report_html(document: ResultDocument | Page) -> str:
    """Return the whole page for `document`; equal documents give equal pages.

    Raises
    ------
    MissingArtefact
        The page has not been built.
    """
    page = _template()
    name = document.title if isinstance(document, Page) else document.study.title
    title = html.escape(f"{name} · tidemill")
    page = page.replace(_TITLE_SLOT, f"<title>{title}</title>", 1)
    return page.replace(_DATA_SLOT, f"{_DATA_OPEN}{inline_json(document, _words(document))}</script>", 1)


def _words(document: ResultDocument | Page) -> dict[str, Any]:
    """Return what the page says of a result in sentences; a page of another command holds its own."""
    return {} if isinstance(document, Page) else {"says": msgspec.to_builtins(result_page(document).says)}


def check_page() -> None:
    """Refuse where no report can be written, so that nobody waits for a run first; raises ``MissingArtefact``."""
    _template()


def inline_json(document: ResultDocument | Page, beside: Mapping[str, Any] | None = None) -> str:
    """Return `document` as JSON that is safe inside an HTML ``<script>`` element and exact in JavaScript.

    Integers beyond ±:data:`SAFE_INTEGER` become strings of their decimal digits; floats that are not finite become
    ``null`` (floats are for display only). ``beside`` are further fields.
    """
    plain = _exact({**msgspec.to_builtins(document), **(beside or {})})
    return json.dumps(plain, ensure_ascii=False, allow_nan=False, separators=(",", ":")).translate(_ESCAPES)


def _exact(value: Any) -> Any:
    if isinstance(value, dict):
        return {key: _exact(item) for key, item in value.items()}
    if isinstance(value, list | tuple):
        return [_exact(item) for item in value]
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if -SAFE_INTEGER <= value <= SAFE_INTEGER else str(value)
    if isinstance(value, float):
        return value if math.isfinite(value) else None
    return value


def _template() -> str:
    source = resources.files("tidemill.app") / "static" / "report.html"
    try:
        page = source.read_text(encoding="utf-8")
    except (FileNotFoundError, NotADirectoryError):
        raise MissingArtefact("the report page has not been built (app/static/report.html); run: make setup") from None
    if page.count(_DATA_SLOT) != 1:
        raise MissingArtefact("the built report page has no place for the data; run: make clean setup")
    return page
