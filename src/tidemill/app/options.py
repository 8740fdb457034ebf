"""Options that many commands take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated, Literal

from cyclopts import Parameter

__all__ = ["Formats", "Json", "Out"]

Json = Annotated[bool, Parameter(name="--json", negative="")]
Out = Annotated[Path, Parameter(name=["--out", "-o"])]
Formats = Annotated[
    tuple[Literal["html", "md", "json", "pdf"], ...],
    Parameter(name="--format", negative="", consume_multiple=True),
]
