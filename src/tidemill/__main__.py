"""``python -m tidemill``: the command line without the installed script."""

import sys

from tidemill.app.main import main

__all__: list[str] = []

if __name__ == "__main__":
    sys.exit(main())
