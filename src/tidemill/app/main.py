"""The command ``tidemill``. ``--version`` answers before anything heavy is imported."""

from __future__ import annotations

import sys

__all__ = ["main"]


def main(arguments: list[str] | None = None) -> int:
    """Run the command line; return the exit code (0 done, 1 the work failed, 2 bad input, 130 interrupted)."""
    tokens = sys.argv[1:] if arguments is None else arguments
    if tokens == ["--version"]:
        from tidemill import __version__  # noqa: PLC0415 - the point of this file

        print(f"tidemill {__version__}")  # noqa: T201
        return 0
    from tidemill.app.cli import run  # noqa: PLC0415 - heavier by cyclopts and rich

    return run(tokens)


if __name__ == "__main__":
    sys.exit(main())
