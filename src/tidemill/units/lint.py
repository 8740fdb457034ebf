"""The project's own lints: ``python -m tidemill.units.lint``, part of ``make lint`` and of the suite.

* rules keep to the rule language (`tidemill.units.language`);
* no wall clock and no unseeded randomness outside ``engine.clock`` and ``engine.rng``;
* no float in the rooms that handle money (``units``, ``venues``, ``ledger``), unless its line says
  ``# not money: why``;
* rooms import downwards only, and no venue imports another;
* no registry host name and no path of one machine in any file.
"""

from __future__ import annotations

import ast
import importlib
import re
import subprocess
import sys
from collections.abc import Callable, Iterator
from pathlib import Path

import tidemill
from tidemill.units.rules import Rule

__all__ = ["ROOMS", "check_file", "check_module", "check_text", "main"]

ROOMS = (
    "errors",
    "wording",
    "units",
    "facts",
    "networks",
    "chain",
    "interfaces",
    "venues",
    "market",
    "ledger",
    "execution",
    "engine",
    "strategies",
    "studies",
    "app",
)
"""Rooms from the lowest up: each may import those before it."""

_MONEY_ROOMS = ("units", "venues", "ledger")
_SEAMS = ("tidemill.engine.clock", "tidemill.engine.rng")
_CLOCKS = {
    "time": {"time", "time_ns", "localtime", "gmtime", "ctime", "asctime"},
    "datetime": {"now", "utcnow", "today"},
    "date": {"today"},
    "os": {"urandom", "getrandom"},
    "uuid": {"uuid1", "uuid4"},
}
_HOSTS = "|".join(
    f"{a}{b}"
    for a, b in (
        ("npm", "js[.]org"),
        ("py", "pi[.]org"),
        ("python", "hosted[.]org"),
        ("deb[.]debian", "[.]org"),
        ("crates", "[.]io"),
    )
)
"""In pieces: this file is searched for them too."""
_PATHS = "|".join(("/work" + "/(?!flow)", "/home" + "/[a-z]", "/root" + "/", "/Users" + "/[A-Za-z]"))
_TEXTS = (
    (re.compile(_HOSTS), "names a registry's host: the client knows it"),
    (re.compile(rf"(?<![\w.$}}])(?:{_PATHS})"), "holds a path of one machine"),
)
_EXCUSE = "# not money:"

Report = Iterator[tuple[int, str]]


def check_module(name: str) -> Report:
    """Yield problems of the rules defined in a module (which is imported)."""
    for value in vars(importlib.import_module(name)).values():
        if isinstance(value, Rule) and value.specification.__module__ == name:
            for problem in value.problems():
                yield problem.line, f"rule {value.specification.__name__}: {problem.message}"


def check_file(name: str, source: str) -> Report:
    """Yield problems of one module's source: clock, randomness, floats, direction of imports."""
    tree = ast.parse(source)
    lines = source.splitlines()
    stdlib = any(isinstance(n, ast.Import) and any(a.name == "random" for a in n.names) for n in ast.walk(tree))
    room = name.split(".")[1] if name.count(".") else ""
    for node in ast.walk(tree):
        line = getattr(node, "lineno", 0)
        if name not in _SEAMS:
            yield from ((line, message) for message in _chance(node, stdlib))
        if room in _MONEY_ROOMS and _EXCUSE not in (lines[line - 1] if line else ""):
            yield from ((line, message) for message in _floats(node))
        yield from ((line, message) for message in _direction(name, room, node))


def check_text(text: str) -> Report:
    """Yield lines of any file that name a registry's host or a path of one machine."""
    for number, line in enumerate(text.splitlines(), 1):
        for pattern, message in _TEXTS:
            if pattern.search(line):
                yield number, message


def _chance(node: ast.AST, stdlib: bool) -> Iterator[str]:
    """Wall clocks and unseeded randomness, read or imported.

    `stdlib`: the file imports the module ``random``; elsewhere that may be the name of a seeded generator.
    """
    if isinstance(node, ast.ImportFrom) and node.module in ("time", "random", "secrets"):
        for alias in node.names:
            banned = node.module != "time" or alias.name in _CLOCKS["time"]
            if banned and (node.module, alias.name) != ("random", "Random"):
                yield f"imports {node.module}.{alias.name}: only engine.clock and engine.rng do"
    if isinstance(node, ast.Import) and any(alias.name == "secrets" for alias in node.names):
        yield "imports secrets: randomness comes from engine.rng"
    if not isinstance(node, ast.Call):
        return
    called = ast.unparse(node.func)
    owner, _, method = called.rpartition(".")
    owner = owner.rpartition(".")[2]
    if method in _CLOCKS.get(owner, ()):
        yield f"{called}(): the wall clock and the system's randomness belong to engine.clock and engine.rng"
    if called == "Random" or (owner == "random" and (stdlib or not called.startswith("random."))):
        seeded = method in ("Random", "default_rng", "Generator", "PCG64", "SeedSequence", "Philox") or not owner
        if not seeded or not (node.args or node.keywords):
            yield f"{called}() is not seeded: randomness comes from engine.rng"


def _floats(node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Constant) and isinstance(node.value, float):
        yield f"float {node.value} in a room that handles money"
    if isinstance(node, ast.BinOp | ast.AugAssign) and isinstance(node.op, ast.Div):
        # Path objects are joined with the same sign; text on either side tells them apart
        sides = [node.value] if isinstance(node, ast.AugAssign) else [node.left, node.right]
        if not any(_is_path(side) for side in sides):
            yield "division without a named rounding: div_down, div_up"
    if isinstance(node, ast.Call) and ast.unparse(node.func) == "float":
        yield "float(…) in a room that handles money"
    if isinstance(node, ast.arg | ast.AnnAssign) and node.annotation and ast.unparse(node.annotation) == "float":
        yield "annotated float in a room that handles money"
    if isinstance(node, ast.FunctionDef) and node.returns and ast.unparse(node.returns) == "float":
        yield "returns float in a room that handles money"


def _is_path(node: ast.expr) -> bool:
    text = ast.unparse(node).lower()
    return isinstance(node, ast.JoinedStr) or "'" in text or any(word in text for word in ("path", "root", "folder"))


def _direction(name: str, room: str, node: ast.AST) -> Iterator[str]:
    """Imports of a room above, or of another venue."""
    if room not in ROOMS:
        return
    for target in _targets(name, node):
        parts = target.split(".")
        if parts[0] != "tidemill" or len(parts) == 1 or parts[1] not in ROOMS:
            continue
        if ROOMS.index(parts[1]) > ROOMS.index(room):
            yield f"{room} imports {target}: rooms import downwards only"
        if room == parts[1] == "venues" and _is_venue(parts[2:]):
            own = name.split(".")[2] if name.count(".") > 1 else ""
            if own != parts[2] and _is_venue([own]):
                yield f"venue {own} imports {target}: venues meet only as objects the world passes in"


def _is_venue(parts: list[str]) -> bool:
    """Whether the rest of a name below ``venues`` leads into a venue's folder, not a module or what they share."""
    if not parts or parts[0] in ("", "shared"):
        return False
    return not Path(tidemill.__file__).with_name("venues").joinpath(f"{parts[0]}.py").exists()


def _targets(name: str, node: ast.AST) -> Iterator[str]:
    if isinstance(node, ast.Import):
        yield from (alias.name for alias in node.names)
    elif isinstance(node, ast.ImportFrom):
        base = ".".join(name.split(".")[: -node.level]) + "." if node.level else ""
        if node.module == "tidemill":
            yield from (f"tidemill.{alias.name}" for alias in node.names)
        else:
            yield f"{base}{node.module or ''}".rstrip(".")


def _modules(root: Path) -> Iterator[tuple[str, Path]]:
    for path in sorted(root.rglob("*.py")):
        parts = ("tidemill", *path.relative_to(root).with_suffix("").parts)
        yield ".".join(parts).removesuffix(".__init__"), path


def _tracked(top: Path) -> Iterator[Path]:
    listed = subprocess.run(["git", "-C", str(top), "ls-files", "-z"], capture_output=True, check=False)
    for name in listed.stdout.decode().split("\0"):
        if name and top.joinpath(name).is_file():
            yield top.joinpath(name)


def main(write: Callable[[str], object] = sys.stdout.write) -> int:
    """Check the whole project; one line per problem, and 1 if there is any."""
    root = Path(tidemill.__file__).parent
    found = 0
    for name, path in _modules(root):
        source = path.read_text(encoding="utf-8")
        problems = list(check_file(name, source))
        if re.search(r"^@rule\b", source, re.MULTILINE):
            problems += check_module(name)
        for line, message in problems:
            found += 1
            write(f"{path}:{line}: {message}\n")
    for path in _tracked(root.parent.parent):
        try:
            text = path.read_text(encoding="utf-8")
        except UnicodeDecodeError:
            continue  # binary
        for line, message in check_text(text):
            found += 1
            write(f"{path}:{line}: {message}\n")
    return int(found > 0)


if __name__ == "__main__":
    sys.exit(main())
