"""Files that appear whole or not at all: the one place where something is written beside its place and renamed into it.

Folders that appear whole are another matter: `tidemill.chain.cache` (first come, first kept) and
`tidemill.market.store` (the new one replaces the old).
"""

from __future__ import annotations

import contextlib
import os
from collections.abc import Mapping
from pathlib import Path

__all__ = ["write_whole"]


def write_whole(files: Mapping[Path, bytes]) -> None:
    """Write files, making their folders: all are on disk beside their places before the first one takes its place.

    A file there before stays as it was until the new one replaces it in one step; nothing half-written is left.

    Raises
    ------
    OSError : a file cannot be written; which errors a user meets is the caller's business.
    """
    parts = {target: target.with_name(f".{target.name}.{os.getpid()}.part") for target in files}
    try:
        for target, content in files.items():
            target.parent.mkdir(parents=True, exist_ok=True)
            with parts[target].open("wb") as file:
                file.write(content)
                file.flush()
                os.fsync(file.fileno())
        for target, part in parts.items():
            part.replace(target)
    finally:
        for part in parts.values():
            with contextlib.suppress(OSError):
                part.unlink(missing_ok=True)
