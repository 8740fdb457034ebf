"""Ctrl-C at an awkward moment: held back until code that cannot be stopped half-way is done."""

from __future__ import annotations

import signal
import threading
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from types import FrameType

__all__ = ["deferred", "import_polars", "remembered"]


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


@contextmanager
def remembered() -> Iterator[Callable[[], bool]]:
    """Raise ``KeyboardInterrupt`` as ever, and answer whether one came: a destructor or a library's callback may swallow it."""
    came: list[int] = []
    if threading.current_thread() is not threading.main_thread():  # signals reach the main thread alone
        yield lambda: False
        return

    def note(number: int, frame: FrameType | None) -> None:
        came.append(number)
        signal.default_int_handler(number, frame)

    before = signal.signal(signal.SIGINT, note)
    try:
        yield lambda: bool(came)
    finally:
        signal.signal(signal.SIGINT, before)


def import_polars() -> None:
    """Import Polars, whose compiled part panics over some hundred lines when it is interrupted meanwhile."""
    with deferred():
        import polars as pl  # noqa: F401, PLC0415 - later imports find it ready
