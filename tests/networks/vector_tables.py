"""The test tables beside this file."""

from __future__ import annotations

import tomllib
from pathlib import Path
from typing import Any


def table(name: str) -> dict[str, Any]:
    """Return a parsed table file."""
    return tomllib.loads((Path(__file__).parent / "tables" / f"{name}.toml").read_text())


def rows(section: dict[str, Any]) -> list[dict[str, Any]]:
    """Return a section's rows as dicts."""
    return [dict(zip(section["columns"], row, strict=True)) for row in section["rows"]]
