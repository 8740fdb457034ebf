"""The peak memory of this process; the standard library alone, so that every peer's own interpreter can import it."""

from __future__ import annotations

from pathlib import Path

__all__ = ["peak_kb"]


def peak_kb() -> int:
    """Return the most resident memory so far, KiB.

    ``ru_maxrss`` would not do: a process starts with its parent's peak in it.
    """
    lines = Path("/proc/self/status").read_text(encoding="ascii").splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmHWM"))
