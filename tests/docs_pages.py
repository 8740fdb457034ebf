"""Run the fenced blocks of a page, in order, in one folder and one namespace.

``python`` blocks are executed; ``bash`` blocks of ``tidemill`` commands run in this process and must end with 0; a block
with ``title="name"`` is written to that file instead. Blocks with ``needs=chain`` run where the contracts are in the
cache. Blocks marked ``shown``, and those in any other language, are not run.
"""

from __future__ import annotations

import re
import shlex
from pathlib import Path
from typing import Any, NamedTuple

from kit import tidemill

FENCE = re.compile(r"^```(\w+)([^\n]*)\n(.*?)^```$", re.MULTILINE | re.DOTALL)
TITLE = re.compile(r'title="([^"]+)"')


class Fenced(NamedTuple):
    """A block of a page."""

    language: str
    info: str
    text: str
    line: int

    @property
    def title(self) -> str:
        """The file that it is, if it is one."""
        found = TITLE.search(self.info)
        return found[1] if found else ""


def blocks(page: Path) -> list[Fenced]:
    """Return the fenced blocks of a page."""
    text = page.read_text(encoding="utf-8")
    return [Fenced(m[1], m[2], m[3], text[: m.start()].count("\n") + 1) for m in FENCE.finditer(text)]


def run_page(
    page: Path, folder: Path, *, chain: bool = False, commands: bool = True, given: dict[str, Any] | None = None
) -> int:
    """Run a page in ``folder`` (the current directory); return how many blocks ran.

    ``chain`` : the contracts are there. ``commands`` : run ``bash`` blocks. ``given`` : names that the page takes for granted.
    """
    space: dict[str, Any] = {"__name__": f"docs_{page.stem}", **(given or {})}
    ran = 0
    for block in blocks(page):
        if "shown" in block.info.split() or ("needs=chain" in block.info and not chain):
            continue
        if block.title:
            path = folder / block.title
            path.parent.mkdir(parents=True, exist_ok=True)
            path.write_text(block.text, encoding="utf-8")
        elif block.language == "python":
            code = "\n" * block.line + block.text  # so that a traceback shows the page's own lines
            exec(compile(code, str(page), "exec"), space)
        elif block.language == "bash" and commands:
            run_commands(block.text, f"{page.name}:{block.line}")
        else:
            continue
        ran += 1
    return ran


def run_commands(text: str, where: str) -> None:
    """Run the ``tidemill`` commands of a block; every line must be one."""
    for line in text.replace("\\\n", " ").splitlines():
        words = shlex.split(line, comments=True)
        if words:
            assert words[0] == "tidemill", f"{where}: only tidemill commands run: {line}"
            said = tidemill(*words[1:])
            assert said.code == 0, f"{where}: {line}: {said.err}"
