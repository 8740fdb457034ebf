"""Ctrl-C at an awkward moment: held back until code that cannot be stopped half-way is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["deferred", "import_polars"]


@contextmanager
def deferred() -> Iterator[None]:
    """Hold back an interruption until the block ends, then raise ``KeyboardInterrupt``."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield
        return

    def note(number: int, _frame: FrameType | None) -> None:
        came.append(number)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield
    finally:
        signal.signal(signal.SIGINT, before)
    if came:
        raise KeyboardInterrupt


def import_polars() -> None:
    """Import Polars, whose compiled part panics over some hundred lines when it is interrupted meanwhile."""
    with deferred():
        import polars as pl  # noqa: F401, PLC0415 - later imports find it ready
