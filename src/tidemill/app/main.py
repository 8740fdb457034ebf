"""The command ``tidemill``. ``--version`` answers before anything heavy is imported."""

from __future__ import annotations

import os
import sys
from typing import TextIO

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code (0 done, 1 the work failed, 2 bad input, 130 interrupted).

    A reader that goes away (``| head``) is no failure; characters a terminal's encoding lacks are replaced.
    """
    tokens = sys.argv[1:] if arguments is None else arguments
    _never_without_streams()
    for stream in (sys.stdout, sys.stderr):
        _never_fail_to_encode(stream)
    try:
        code = _run(tokens)
        sys.stdout.flush()
    except BrokenPipeError:
        _discard_the_rest()
        return 0
    except SystemExit as stop:  # how rich ends a program whose reader has gone
        if isinstance(stop.__context__, BrokenPipeError):
            _discard_the_rest()
            return 0
        raise
    except KeyboardInterrupt:
        print("tidemill: interrupted; nothing half-written was left", file=sys.stderr)  # noqa: T201
        return 130
    return code


def _run(tokens: list[str]) -> int:
    if tokens == ["--version"]:
        from tidemill import __version__  # noqa: PLC0415 - the point of this file

        print(f"tidemill {__version__}")  # noqa: T201
        return 0
    from tidemill.app.cli import run  # noqa: PLC0415 - heavier by cyclopts and rich

    return run(tokens)


def _never_without_streams() -> None:
    """Write to nothing where a stream was closed before the start (``>&-``); the exit code still says how it went."""
    for name in ("stdout", "stderr"):
        if getattr(sys, name) is None:
            setattr(sys, name, os.fdopen(os.open(os.devnull, os.O_WRONLY), "w", encoding="utf-8"))


def _never_fail_to_encode(stream: TextIO) -> None:
    reconfigure = getattr(stream, "reconfigure", None)
    if reconfigure is not None:
        reconfigure(errors="replace")


def _discard_the_rest() -> None:
    """Point standard output at nothing, so that the interpreter's last flush does not fail as well."""
    nothing = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nothing, sys.stdout.fileno())
    os.close(nothing)


if __name__ == "__main__":
    sys.exit(main())
