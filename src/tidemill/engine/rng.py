"""The only source of randomness. Seeds derive from content, never from a clock, a process or a worker."""

from __future__ import annotations

import hashlib
import json
import random
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    import numpy as np

__all__ = ["array_stream", "seed_of", "stream"]


def seed_of(*content: str | int) -> int:
    """Return a seed below 2**64 derived from what the randomness is for.

    Parts are kept apart (``"ab", "c"`` and ``"a", "bc"`` differ), and so are ``1`` and ``"1"``.

    >>> seed_of("run", 1) == seed_of("run", 1), seed_of("run", 1) == seed_of("run", "1")
    (True, False)
    """
    text = json.dumps(content, ensure_ascii=True, separators=(",", ":"))
    return int.from_bytes(hashlib.sha256(text.encode()).digest()[:8], "big")


def stream(*content: str | int) -> random.Random:
    """Return a generator of its own for ``content``: equal content, equal draws, on every machine."""
    return random.Random(seed_of(*content))  # noqa: S311 - simulation, not secrets


def array_stream(*content: str | int) -> np.random.Generator:
    """Return a NumPy generator (PCG64) of its own for ``content``."""
    import numpy as np  # noqa: PLC0415 - importing the engine stays light

    return np.random.Generator(np.random.PCG64(seed_of(*content)))
