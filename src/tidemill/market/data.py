"""Where reference data lie: files that tests, examples and benchmarks use and the repository never holds."""

from __future__ import annotations

import os
from pathlib import Path

from tidemill.errors import BadData

__all__ = ["data_file", "data_root", "missing_reason"]

_CHECKOUT = Path(__file__).resolve().parents[3]


def data_root() -> Path | None:
    """Return the folder of reference data, or None when there is none.

    ``TIDEMILL_DATA`` wins; else ``../shared/data`` beside the checkout, then beside the working directory.
    """
    named = os.environ.get("TIDEMILL_DATA")
    if named:
        path = Path(named).expanduser()
        return path if path.is_dir() else None
    for base in (_CHECKOUT, Path.cwd()):
        path = base.parent / "shared" / "data"
        if path.is_dir():
            return path
    return None


def missing_reason(name: str) -> str | None:
    """Return why the reference file ``name`` (relative to ``data_root``) cannot be used, or None when it can."""
    root = data_root()
    if root is None:
        named = os.environ.get("TIDEMILL_DATA")
        where = f"TIDEMILL_DATA={named} is not a folder" if named else "TIDEMILL_DATA is not set, no ../shared/data"
        return f"reference data absent ({where}); needs {name}"
    if not (root / name).is_file():
        return f"reference file absent: {root / name}"
    return None


def data_file(name: str) -> Path:
    """Return the path of reference file ``name``; raises ``BadData`` naming what is missing."""
    reason = missing_reason(name)
    root = data_root()
    if reason is not None or root is None:
        raise BadData(f"{reason}; set TIDEMILL_DATA to the folder that holds it")
    return root / name
