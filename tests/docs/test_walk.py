"""The walk and the page of plans: each of their commands runs, and prints the lines that the page says it prints."""

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


def shown(page: Path, folder: Path, monkeypatch: pytest.MonkeyPatch) -> tuple[list[str], int]:
    """Run a page's commands and look for the lines below each; return the commands and how many lines there were."""
    monkeypatch.chdir(folder)
    (folder / "examples").symlink_to(ROOT / "examples")
    chain = all(row.cached for row in artefacts.ls())
    printed, lines, commands = "", 0, []
    for block in blocks(page):
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
                    assert line in printed, f"{page.name}:{block.line}: {line}"
                    lines += 1
    return commands, lines


@NEEDS_PAGE
def test_the_walk_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands, lines = shown(ROOT / "docs" / "walk.md", tmp_path, monkeypatch)
    assert commands[:4] == ["plan", "backtest", "backtest", "stress"]
    assert lines >= 14


@NEEDS_PAGE
def test_the_page_of_plans_prints_what_it_shows(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    commands, lines = shown(ROOT / "docs" / "plan.md", tmp_path, monkeypatch)
    assert commands == ["plan", "plan", "plan"]
    assert lines >= 12


def test_the_readme_shows_lines_of_the_walk():
    readme = (ROOT / "README.md").read_text(encoding="utf-8")
    section = readme.split("\n## One walk", 1)[1].split("\n## ", 1)[0]
    shown = [flat(line) for line in section.splitlines() if line.startswith("    ") and "tidemill" not in line]
    walk = [flat(line) for line in (ROOT / "docs" / "walk.md").read_text(encoding="utf-8").splitlines()]
    assert len(shown) == 8
    assert set(shown) <= set(walk)
