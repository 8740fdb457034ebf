"""The walk: each of its commands runs, and prints the lines that the page says it prints."""

from __future__ import annotations

import re
import shlex
from pathlib import Path

import pytest

from docs_pages import blocks
from kit import NEEDS_PAGE, tidemill
from tidemill.chain import artefacts

ROOT = Path(__file__).resolve().parents[2]


def flat(text: str) -> str:
    """The text with one space wherever there is any: columns are as wide as their content."""
    return " ".join(text.split())


@NEEDS_PAGE
def test_the_walk_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(tmp_path)
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    chain = all(row.cached for row in artefacts.ls())
    printed, lines, commands = "", 0, []
    for block in blocks(ROOT / "docs" / "walk.md"):
        if block.language == "bash":
            words = shlex.split(block.text.replace("\\\n", " "))
            printed = ""
            if "needs=chain" in block.info and not chain:
                continue
            said = tidemill(*words[1:])
            assert said.code == 0, said.err
            printed = flat(said.out)
            commands.append(words[1])
        elif block.language == "text" and printed:
            for part in re.split("…", block.text):
                for line in filter(None, map(flat, part.splitlines())):
                    assert line in printed, f"walk.md:{block.line}: {line}"
                    lines += 1
    assert commands[:4] == ["plan", "backtest", "backtest", "stress"]
    assert lines >= 14


def test_the_readme_shows_lines_of_the_walk():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## One walk", 1)[1].split("\n## ", 1)[0]
    shown = [flat(line) for line in section.splitlines() if line.startswith("    ") and "tidemill" not in line]
    walk = [flat(line) for line in (ROOT / "docs" / "walk.md").read_text(encoding="utf-8").splitlines()]
    assert len(shown) == 8
    assert set(shown) <= set(walk)
