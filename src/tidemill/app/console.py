"""Where words go: JSON and statements to standard output, everything else to standard error."""

from __future__ import annotations

import sys
from typing import TYPE_CHECKING, Any

import msgspec

if TYPE_CHECKING:
    from rich.console import Console

__all__ = ["emit_json", "fail", "json_bytes", "note", "stderr", "stdout"]

PIPED_WIDTH = 160
"""Columns where there is no terminal to ask: wide enough that no figure is folded."""


def stdout() -> Console:
    """Return a console on standard output; no colour when piped."""
    from rich.console import Console  # noqa: PLC0415

    return Console(highlight=False, emoji=False, width=None if sys.stdout.isatty() else PIPED_WIDTH)


def stderr() -> Console:
    """Return a console on standard error, for tables beside JSON and for progress."""
    from rich.console import Console  # noqa: PLC0415

    return Console(stderr=True, highlight=False, emoji=False)


def note(line: str) -> None:
    """Print one line to standard error."""
    print(line, file=sys.stderr)  # noqa: T201


def fail(line: str, code: int) -> int:
    """Print one error line to standard error and return ``code``."""
    note(f"tidemill: {line}")
    return code


def emit_json(value: Any) -> None:
    """Print ``value`` as one JSON document on standard output; integers beyond 2^53 as decimal strings."""
    sys.stdout.write(json_bytes(value).decode())


def json_bytes(value: Any) -> bytes:
    """Return ``value`` as one JSON document for people and programs; integers beyond 2^53 as decimal strings."""
    return msgspec.json.format(msgspec.json.encode(_safe(msgspec.to_builtins(value))), indent=2) + b"\n"


def _safe(value: Any) -> Any:
    if isinstance(value, bool):
        return value
    if isinstance(value, int):
        return value if abs(value) < 2**53 else str(value)
    if isinstance(value, dict):
        return {key: _safe(item) for key, item in value.items()}
    if isinstance(value, list):
        return [_safe(item) for item in value]
    return value
