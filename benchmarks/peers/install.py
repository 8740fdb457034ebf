"""A peer's own virtual environment in the user's cache: made when first asked for, by hash, never in the checkout.

Their code is installed and run as programs of their own, under their own licences; none of it is in this repository.
"""

from __future__ import annotations

import hashlib
import subprocess
import sys
from pathlib import Path
from typing import NamedTuple

from tidemill.chain.cache import cache_root

__all__ = ["PEERS", "Missing", "Peer", "installed"]

_REQUIREMENTS = Path(__file__).parents[2] / "requirements"


class Missing(Exception):
    """A peer cannot be had here: one line that says why."""


class Peer(NamedTuple):
    """A tool: its package, version, licence as its package states it, our adapter, and the work it can do."""

    package: str
    version: str
    licence: str
    adapter: str
    work: tuple[str, ...]


PEERS = (
    Peer("degenbot", "0.3.0", "MIT", "run_degenbot.py", ("swaps",)),
    Peer("uniswappy", "1.7.9", "Apache-2.0", "run_uniswappy.py", ("swaps",)),
    Peer("fractal-defi", "1.3.1", "BSD-3-Clause", "run_fractal.py", ("year", "fees")),
    Peer("zelos-demeter", "1.3.0", "MIT", "run_demeter.py", ("year", "fees")),
)


def installed(peer: Peer) -> Path:
    """Return the peer's interpreter, installing it into ``<cache>/peers/<package>`` if it is not there yet.

    Raises
    ------
    Missing : it cannot be installed; the message is pip's own last line.
    """
    lock = _REQUIREMENTS / f"peers-{peer.package}.txt"
    folder = cache_root() / "peers" / peer.package
    python, stamp = folder / "bin" / "python", folder / "installed"
    wanted = f"{sys.version_info[:2]} {hashlib.sha256(lock.read_bytes()).hexdigest()}"
    if stamp.is_file() and stamp.read_text() == wanted:
        return python
    print(f"installing {peer.package} {peer.version} ({peer.licence}) into {folder} …", file=sys.stderr, flush=True)
    pip = [str(python), "-m", "pip", "install", "--quiet", "--disable-pip-version-check", "--require-hashes"]
    for command in ([sys.executable, "-m", "venv", "--clear", str(folder)], [*pip, "--requirement", str(lock)]):
        try:
            subprocess.run(command, check=True, capture_output=True, text=True, timeout=1800)
        except subprocess.TimeoutExpired:
            raise Missing("not installed: it took more than half an hour") from None
        except subprocess.CalledProcessError as error:
            raise Missing(f"not installed: {_last_line(error.stderr or error.stdout)}") from None
        except OSError as error:
            raise Missing(f"not installed: {error}") from None
    stamp.write_text(wanted)
    return python


def _last_line(text: str) -> str:
    lines = [line.strip() for line in text.splitlines() if line.strip()]
    wrong = [line for line in lines if line.startswith("ERROR")] or lines or ["no reason given"]
    return wrong[-1]
