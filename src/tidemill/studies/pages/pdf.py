"""A page as PDF: the same file, printed by a headless Chromium of this machine. Nothing is fetched."""

from __future__ import annotations

import os
import shutil
import subprocess
import tempfile
from pathlib import Path

from tidemill.errors import MissingArtefact

__all__ = ["BROWSERS", "find_browser", "print_pdf"]

BROWSERS = ("chromium", "chromium-browser", "google-chrome", "google-chrome-stable")
TIMEOUT_S = 120
_FLAGS = (
    "--headless",
    "--disable-gpu",
    "--no-first-run",
    "--disable-background-networking",
    "--disable-component-update",
    "--disable-sync",
    "--disable-dev-shm-usage",
    "--no-pdf-header-footer",
)


def find_browser() -> str:
    """Return the Chromium of this machine; raises ``MissingArtefact`` naming what to install."""
    found = next((path for name in BROWSERS if (path := shutil.which(name))), None)
    if found is None:
        raise MissingArtefact(
            "format: pdf is printed by Chromium, and none is installed; install the package chromium of your system "
            "(e.g. apt install chromium), or choose --format md"
        )
    return found


def print_pdf(html: bytes) -> bytes:
    """Print a page; raises ``MissingArtefact`` where there is no browser or it does not print."""
    program = find_browser()
    # a container's root has no sandbox to give; the page is our own and may ask for nothing (its policy says so)
    root = ["--no-sandbox"] if hasattr(os, "geteuid") and os.geteuid() == 0 else []
    with tempfile.TemporaryDirectory(prefix="tidemill-pdf-") as folder:
        source, target = Path(folder) / "report.html", Path(folder) / "report.pdf"
        source.write_bytes(html)
        command = [
            program,
            *_FLAGS,
            *root,
            f"--user-data-dir={folder}/profile",
            f"--print-to-pdf={target}",
            source.as_uri(),
        ]
        try:
            subprocess.run(command, capture_output=True, timeout=TIMEOUT_S, check=False)
        except (OSError, subprocess.TimeoutExpired) as error:
            raise MissingArtefact(
                f"format: {program} printed nothing ({type(error).__name__}); choose --format md"
            ) from None
        if not target.is_file():
            raise MissingArtefact(f"format: {program} printed nothing; choose --format md")
        return target.read_bytes()
