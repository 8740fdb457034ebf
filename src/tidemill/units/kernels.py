"""`kernel`: compile a function over arrays, keep the machine code, and never use stale machine code.

numba's own cache looks only at the file of the function itself: edit a module it imports and the old code goes on
running. Here machine code lies in a folder named by a hash over the sources of every module the kernel's module
imports, directly or not, the versions of numba, llvmlite and numpy, the processor, and the path chosen for division.

Folders lie in ``$TIDEMILL_CACHE/kernels``, else ``$XDG_CACHE_HOME/tidemill/kernels``; they may be deleted at any time.
``TIDEMILL_JIT=0`` compiles nothing: kernels then run as Python on plain integers, slowly and with the same result.
"""

from __future__ import annotations

import ast
import hashlib
import os
import re
import sys
from collections.abc import Callable
from functools import cache
from pathlib import Path
from typing import Any, overload

__all__ = ["cache_folder", "import_closure", "is_jit", "kernel", "part"]

_KEPT = 4  # folders of one module: the present code, and what switching branches would want back


def is_jit() -> bool:
    """Whether kernels are compiled in this process (``TIDEMILL_JIT`` is not 0)."""
    return os.environ.get("TIDEMILL_JIT", "1") != "0"


@overload
def kernel(function: Callable[..., Any], /) -> Any: ...
@overload
def kernel(signature: Any = None, /, **options: Any) -> Callable[[Callable[..., Any]], Any]: ...


def kernel(signature: Any = None, /, **options: Any) -> Any:
    """Compile a function with ``numba.njit``, its machine code cached as this module's page says.

    Parameters
    ----------
    signature : a numba signature or a list of them: compiled (or loaded) at import, nothing at the first call.
    options : passed to ``njit``; kernels release the GIL unless told otherwise.
    """
    if callable(signature) and hasattr(signature, "__code__"):
        return kernel()(signature)

    def decorate(function: Callable[..., Any]) -> Any:
        if not is_jit():
            return function
        from tidemill.units.jit.cache import cached_njit  # noqa: PLC0415 - numba only where something is compiled

        return cached_njit(function, signature, {"nogil": True, **options})

    return decorate


@overload
def part(function: Callable[..., Any], /) -> Any: ...
@overload
def part(*, inlined: bool) -> Callable[[Callable[..., Any]], Any]: ...


def part(function: Any = None, /, *, inlined: bool = False) -> Any:
    """Mark a function that kernels call: compiled into them, and not cached by itself.

    With ``inlined`` its code stands wherever it is called: for one long function at one hot place.
    """

    def decorate(function: Callable[..., Any]) -> Any:
        if not is_jit():
            return function
        from tidemill.units.jit.cache import plain_njit  # noqa: PLC0415

        return plain_njit(function, inlined=inlined)

    return decorate if function is None else decorate(function)


@cache
def cache_folder(module: str, file: str) -> Path:
    """Return the folder for machine code of the kernels in one module, made if need be; older ones are dropped."""
    root = Path(os.environ.get("TIDEMILL_CACHE") or _xdg()) / "kernels"
    folder = root / f"{module}-{_key(file)}"
    if not folder.is_dir():
        folder.mkdir(parents=True, exist_ok=True)
        others = sorted(root.glob(f"{module}-*"), key=lambda path: path.stat().st_mtime_ns, reverse=True)
        for old in others[_KEPT:]:
            for path in old.glob("*.nb?"):
                path.unlink(missing_ok=True)
    return folder


def _xdg() -> Path:
    return Path(os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache") / "tidemill"


def _key(file: str) -> str:
    import llvmlite  # noqa: PLC0415
    import numba  # noqa: PLC0415
    import numpy as np  # noqa: PLC0415

    from tidemill.units.jit.division import IS_PORTABLE  # noqa: PLC0415

    digest = hashlib.sha256()
    for path in import_closure(Path(file)):
        digest.update(path.read_bytes() + b"\0")
    cpu = llvmlite.binding.get_host_cpu_name()
    digest.update(repr((numba.__version__, llvmlite.__version__, np.__version__, cpu, IS_PORTABLE)).encode())
    return digest.hexdigest()[:16]


def import_closure(file: Path) -> list[Path]:
    """Return `file` and every module of its package it imports, directly or not, sorted by path.

    Read from the sources alone: imports inside functions and under conditions count, and so does each package's
    ``__init__``. What only a type checker imports does not; nor what a package's ``__getattr__`` would import, where the
    package is named by nobody and only lies above what is.
    """
    top = _top(file)
    seen: set[tuple[Path, bool]] = set()
    waiting = [(file.resolve(), True)]
    while waiting:
        module = waiting.pop()
        if module not in seen and (module[0], True) not in seen:
            seen.add(module)
            waiting.extend(_imported(*module, top))
    return sorted({path for path, _ in seen})


def _top(file: Path) -> Path:
    """Folder that holds the outermost package of `file` (its own folder if it is in none)."""
    folder = file.resolve().parent
    while (folder / "__init__.py").exists():
        folder = folder.parent
    return folder


# Import statements on lines of their own; a whole syntax tree of every file takes ten times as long to make.
_STATEMENT = re.compile(
    rb"^[ \t]*(from[ \t]+[.\w]+[ \t]+import[ \t]+(?:\([^)]*\)|[^\n(]+)|import[ \t]+[^\n]+)", re.MULTILINE
)
_TYPES_ONLY = re.compile(rb"^if TYPE_CHECKING:\n(?:[ \t]+[^\n]*\n|\n)+", re.MULTILINE)
_ON_ACCESS = re.compile(rb"^def __getattr__\([^\n]*:\n(?:[ \t]+[^\n]*\n|\n)+", re.MULTILINE)
_ELSEWHERE = re.compile(rb"[;:][ \t]*(?:import|from)[ \t]|\\\n")


@cache
def _imported(path: Path, named: bool, top: Path) -> tuple[tuple[Path, bool], ...]:
    """Return the files that a file's imports name (true), and those of packages above them."""
    package = path.parent.relative_to(top).parts if path.is_relative_to(top) else ()
    found: dict[tuple[Path, bool], None] = {}
    source = path.read_bytes()
    for node in _imports(source if named else _ON_ACCESS.sub(b"", source)):
        if isinstance(node, ast.Import):
            for alias in node.names:
                parts = tuple(alias.name.split("."))
                for k in range(1, len(parts) + 1):  # binds the first, from which the others are reached
                    found |= dict.fromkeys(_files(parts[:k], top))
        elif isinstance(node, ast.ImportFrom):
            base = package[: len(package) - node.level + 1] if node.level else ()
            name = (*base, *(node.module.split(".") if node.module else ()))
            found |= dict.fromkeys(_files(name, top))
            for alias in node.names:
                found |= dict.fromkeys(_files((*name, alias.name), top))
    return tuple(found)


def _imports(source: bytes) -> list[ast.AST]:
    """Return all import statements of a source; what only looks like one, in a text, does no harm."""
    running = _TYPES_ONLY.sub(b"", source)
    if not _ELSEWHERE.search(running):
        try:
            return [ast.parse(match[1]).body[0] for match in _STATEMENT.finditer(running)]
        except SyntaxError:
            pass  # one that ends elsewhere than it seems to
    return list(ast.walk(ast.parse(source)))


@cache
def _files(name: tuple[str, ...], top: Path) -> tuple[tuple[Path, bool], ...]:
    """Files of a dotted module name (true) and of the packages above it (false), as far as they are ours."""
    roots = [top]
    tidemill = sys.modules.get("tidemill")
    if tidemill is not None and tidemill.__file__ and name[0] == "tidemill":
        roots = [Path(tidemill.__file__).resolve().parent.parent]
    stems = ((root.joinpath(*name[:k]), k == len(name)) for root in roots for k in range(1, len(name) + 1))
    paths = ((path, own) for stem, own in stems for path in (stem / "__init__.py", stem.with_suffix(".py")))
    return tuple((path.resolve(), own) for path, own in paths if path.is_file())
