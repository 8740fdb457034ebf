"""Options that many commands take, each said once."""

from __future__ import annotations

from pathlib import Path
from typing import Annotated

from cyclopts import Parameter

__all__ = ["Json", "Out"]

Json = Annotated[bool, Parameter(name="--json", negative="")]
Out = Annotated[Path, Parameter(name=["--out", "-o"])]
