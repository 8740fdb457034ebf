"""The user cache: where fetched and compiled artefacts live, outside any checkout."""

from __future__ import annotations

import hashlib
import json
import os
import shutil
import tempfile
from collections.abc import Callable, Iterator, Mapping
from contextlib import contextmanager
from pathlib import Path

__all__ = ["MANIFEST", "cache_root", "damaged_file", "install_dir", "scratch_dir", "sha256_of"]

MANIFEST = "manifest.json"
"""Written last into every installed folder: ``{"files": {relative path: sha256}}`` and what the installer adds."""


def cache_root() -> Path:
    """Return the cache folder: ``TIDEMILL_CACHE``, else ``XDG_CACHE_HOME/tidemill``, else ``~/.cache/tidemill``."""
    if own := os.environ.get("TIDEMILL_CACHE"):
        return Path(own).expanduser().resolve()
    if xdg := os.environ.get("XDG_CACHE_HOME"):
        return Path(xdg).expanduser().resolve() / "tidemill"
    return Path.home() / ".cache" / "tidemill"


def sha256_of(path: Path) -> str:
    """Return the lower-case hex sha256 of a file."""
    with path.open("rb") as file:
        return hashlib.file_digest(file, "sha256").hexdigest()


@contextmanager
def scratch_dir(target: Path) -> Iterator[Path]:
    """Yield an empty folder on the same file system as ``target`` (so that a rename is atomic); always removed."""
    target.parent.mkdir(parents=True, exist_ok=True)
    scratch = Path(tempfile.mkdtemp(prefix=".part-", dir=target.parent))
    try:
        yield scratch
    finally:
        shutil.rmtree(scratch, ignore_errors=True)


def install_dir(target: Path, fill: Callable[[Path], Mapping[str, str]]) -> None:
    """Make ``target`` appear whole or not at all, whoever else is doing the same.

    ``fill(folder)`` writes the files and returns what else the manifest should say; every file is then hashed into
    ``manifest.json`` and the folder renamed into place. If another process was first, its folder is kept when sound
    and replaced when damaged.
    """
    with scratch_dir(target) as scratch:
        content = scratch / "content"
        content.mkdir()
        extra = fill(content)
        files = {
            path.relative_to(content).as_posix(): sha256_of(path)
            for path in sorted(content.rglob("*"))
            if path.is_file()
        }
        (content / MANIFEST).write_text(json.dumps({**extra, "files": files}, indent=1, sort_keys=True))
        while True:
            try:
                content.rename(target)
            except OSError:
                if not target.is_dir():
                    raise
                if damaged_file(target) is None:
                    return
                # Renaming away is atomic too: readers see the damaged folder, none, or the sound one.
                with scratch_dir(target) as bin_:
                    try:
                        target.rename(bin_ / "damaged")
                    except FileNotFoundError:
                        continue
            else:
                return


def damaged_file(folder: Path) -> str | None:
    """Return the first file of an installed folder that is absent or altered, ``None`` when all are sound.

    An absent or unreadable manifest counts as damage.
    """
    try:
        files = json.loads((folder / MANIFEST).read_text())["files"]
    except (OSError, ValueError, KeyError, TypeError):
        return MANIFEST
    for name, digest in files.items():
        path = folder / name
        if not path.is_file() or sha256_of(path) != digest:
            return str(name)
    return None
