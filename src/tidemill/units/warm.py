"""Compile every kernel of the package into the user's cache: ``python -m tidemill.units.warm``, called at install.

A module takes part by importing `tidemill.units.kernels`. Kernels with a signature compile when their module is
imported; a module whose kernels have none offers a function ``warm()`` that calls them once.
"""

from __future__ import annotations

import importlib
import sys
from collections.abc import Iterator
from pathlib import Path

import tidemill
from tidemill.units.kernels import is_jit

__all__ = ["kernel_modules", "warm"]

_OWN = ("tidemill.units.warm", "tidemill.units.kernels", "tidemill.units.jit.cache")


def kernel_modules() -> Iterator[str]:
    """Names of the package's modules that hold kernels, in order."""
    root = Path(tidemill.__file__).parent
    for path in sorted(root.rglob("*.py")):
        name = ".".join(("tidemill", *path.relative_to(root).with_suffix("").parts))
        if name not in _OWN and "from tidemill.units.kernels import" in path.read_text(encoding="utf-8"):
            yield name.removesuffix(".__init__")


def warm() -> list[str]:
    """Import, and so compile or load, every kernel module; returns their names (none where nothing is compiled)."""
    if not is_jit():
        return []
    names = list(kernel_modules())
    for name in names:
        module = importlib.import_module(name)
        if hasattr(module, "warm"):
            module.warm()
    return names


if __name__ == "__main__":
    sys.stdout.write("".join(f"{name}\n" for name in warm()))
