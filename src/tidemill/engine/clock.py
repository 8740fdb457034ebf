"""The only place that knows what time it really is. Worlds and strategies live on world time instead."""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["monotonic", "sleep", "wall_seconds"]

wall_seconds: Callable[[], float] = time.time
"""Seconds since 1970 by the host's clock: for labels and file times, never for a result."""

monotonic: Callable[[], float] = time.monotonic
"""Seconds that never go back: for waits, time-outs and measurements."""

sleep: Callable[[float], None] = time.sleep
"""Wait for so many seconds."""
