"""``--format`` and ``--out``: which files a report becomes, and one line where it cannot."""

from __future__ import annotations

import json
from pathlib import Path

import pytest

from kit import NEEDS_PAGE, tidemill, write_study
from tidemill.errors import MissingArtefact

RISK = ("risk", "aave_v3@base", "--amount", "10000", "--on", "2026-11-21")
EXITS = ("exits", "--from", "op-mainnet", "--to", "base", "--amount", "10000 USDC", "--on", "2026-11-21")


def _unbuilt() -> str:
    raise MissingArtefact("the report page has not been built (app/static/report.html); run: make setup")


@NEEDS_PAGE
@pytest.mark.parametrize(("asked", "name"), [(RISK, "risk"), (EXITS, "exits")])
def test_what_is_looked_up_is_written_where_a_folder_is_named(asked: tuple[str, ...], name: str, tmp_path: Path):
    bare = tidemill(*asked)
    assert list(tmp_path.iterdir()) == []
    said = tidemill(*asked, "--out", tmp_path / "r", "--format", "html", "md")
    assert (said.code, said.out) == (bare.code, bare.out)
    assert said.line == f"wrote {tmp_path}/r/{name}.json, report.html, report.md"
    assert sorted(path.name for path in (tmp_path / "r").iterdir()) == sorted(
        [f"{name}.json", "report.html", "report.md"]
    )
    document = json.loads((tmp_path / "r" / f"{name}.json").read_text())
    assert document["schema"] == f"tidemill.{name}/1"
    assert document == json.loads(tidemill(*asked, "--json").out)


def test_a_format_without_a_folder_is_one_line():
    said = tidemill(*RISK, "--format", "md")
    assert (said.code, said.line) == (2, "tidemill: format: say where the report goes: --out FOLDER")


def test_markdown_needs_neither_page_nor_browser(markets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch):
    monkeypatch.setenv("PATH", "")
    monkeypatch.setattr("tidemill.studies.report._template", _unbuilt)
    said = tidemill("backtest", write_study(markets), "-o", tmp_path, "--format", "md", "--json")
    assert said.code == 0, said.err
    folder = tmp_path / "study"
    assert sorted(path.name for path in folder.iterdir()) == ["ledger.parquet", "report.md", "result.json"]
    text, document = (folder / "report.md").read_text(), json.loads(said.out)
    assert text.startswith("# ") and "Synthetic data" in text
    assert document["result_hash"] in text
    for row in document["waterfall"]:
        assert f"| {row['label']} |" in text or f"| **{row['label']}** |" in text


def test_json_alone_makes_no_report(markets: Path, tmp_path: Path):
    study = write_study(markets)
    for asked, name in (
        (("backtest", study), "study"),
        (("sweep", study, "-g", "width=100,200", "--jobs", 1), "study-sweep"),
    ):
        assert tidemill(*asked, "-o", tmp_path, "--format", "json").code == 0
        assert not [path for path in (tmp_path / name).iterdir() if path.name.startswith("report")]


@NEEDS_PAGE
@pytest.mark.parametrize(
    "asked", [("backtest", "STUDY"), ("sweep", "STUDY", "-g", "width=100"), ("stress", "STUDY"), RISK]
)
def test_no_browser_is_one_line_before_any_work(
    asked: tuple[str, ...], markets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setenv("PATH", "")
    study = str(write_study(markets))
    said = tidemill(*(study if word == "STUDY" else word for word in asked), "-o", tmp_path / "r", "--format", "pdf")
    assert said.code == 2
    assert said.err.splitlines()[-1].startswith(
        "tidemill: format: pdf is printed by Chromium, and none is installed; install"
    )
    assert not (tmp_path / "r").exists()


def test_a_page_that_is_not_built_is_said_before_any_work(
    markets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
):
    monkeypatch.setattr("tidemill.studies.report._template", _unbuilt)
    said = tidemill("sweep", write_study(markets), "-g", "width=100,200", "-o", tmp_path / "r")
    assert said.code == 2
    assert "variant" not in said.err
    assert "run: make setup" in said.line
