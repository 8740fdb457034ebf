"""The pages tell the truth: what is made from the code is current, what is shown runs, what is linked exists."""

from __future__ import annotations

import importlib.util
import json
import os
import re
import shutil
import subprocess
import sys
from pathlib import Path

import msgspec
import pytest

from docs_pages import blocks, run_page
from kit import NEEDS_PAGE, raw_logs, small_market, tidemill
from tidemill import strategies
from tidemill.chain import artefacts
from tidemill.market import missing_reason, write_dataset
from tidemill.studies.study import Study

ROOT = Path(__file__).resolve().parents[2]
DOCS = ROOT / "docs"
PAGES = sorted([*DOCS.rglob("*.md"), ROOT / "README.md"])
ROOMS = [
    "units", "facts", "networks", "chain", "interfaces", "venues", "market", "ledger", "execution", "engine",
    "strategies", "studies", "app", "web",
]  # fmt: skip


def make_docs():
    spec = importlib.util.spec_from_file_location("make_docs", ROOT / "tools" / "make_docs.py")
    module = importlib.util.module_from_spec(spec)
    spec.loader.exec_module(module)
    return module


def test_generated_pages_are_current(capsys):
    assert make_docs().main(["--check"]) == 0, capsys.readouterr().out


def test_a_stale_page_is_seen(tmp_path, monkeypatch, capsys):
    tool = make_docs()
    monkeypatch.setattr(tool, "DOCS", tmp_path)
    assert tool.main(["--check"]) == 1
    assert tool.main([]) == 0
    assert tool.main(["--check"]) == 0
    page = tmp_path / "study.md"
    page.write_text(page.read_text().replace("`title`", "`titel`"))
    assert tool.main(["--check"]) == 1
    assert "docs/study.md: not current" in capsys.readouterr().out


def test_the_reference_names_every_field_strategy_and_command():
    study, commands = (DOCS / "study.md").read_text(), (DOCS / "commands.md").read_text()
    tables = {struct for _, struct in make_docs().TABLES}
    found, todo = set(), [Study]
    while todo:
        struct = todo.pop()
        found.add(struct)
        for field in msgspec.structs.fields(struct):
            if field.name not in {"path", "digest"}:
                assert f"| `{field.name}` |" in study
            todo += [s for s in structs_in(field.type) if s not in found]
    assert found == tables
    for name in strategies.names():
        assert f"## `{name}`" in (DOCS / "strategies.md").read_text()
    groups = ["contracts fetch", "contracts ls", *(f"market {verb}" for verb in ("import", "ls", "show", "verify"))]
    for name in ("backtest", "demo", "rehearse", *groups):
        assert f"## `tidemill {name}`" in commands


def structs_in(kind):
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return [kind]
    return [struct for inner in getattr(kind, "__args__", ()) for struct in structs_in(inner)]


@pytest.mark.parametrize("room", ROOMS)
def test_every_room_has_a_page_that_says_what_it_must_never_do(room):
    text = (DOCS / "rooms" / f"{room}.md").read_text()
    assert text.startswith("# ")
    assert len(text) > 600
    assert f"rooms/{room}.md" in (DOCS / "README.md").read_text()


@pytest.mark.parametrize("page", PAGES, ids=lambda p: str(p.relative_to(ROOT)))
def test_links_lead_somewhere(page):
    for target in re.findall(r"\]\(([^)#\s]+)[^)]*\)", page.read_text()):
        if not re.match(r"[a-z]+:", target):
            assert (page.parent / target).exists(), f"{page.name}: {target}"


@NEEDS_PAGE
def test_the_statement_in_the_readme_is_what_the_command_prints(tmp_path):
    """All of it, line by line, but for the hash, which a release changes."""
    if reason := missing_reason("uniswap_v3/eth_usdc_weth_005_20240105_rawlogs.parquet"):
        pytest.skip(reason)
    said = tidemill("backtest", ROOT / "examples" / "real_day.toml", "-o", tmp_path)
    assert said.code == 0, said.err
    *printed, result = [line.rstrip() for line in said.out.splitlines()]
    assert result.startswith("result ")
    shown = "".join(f"    {line}".rstrip() + "\n" for line in printed)
    assert "What you keep" in shown
    assert shown in (ROOT / "README.md").read_text()


APART = {"tour.md", "add_a_venue.md", "architecture.md"}
"""Pages with tests of their own, and the one whose code is a sketch of types."""

RUNNABLE = [
    page
    for page in PAGES
    if page.name not in APART and any(b.language == "python" and "shown" not in b.info for b in blocks(page))
]


@pytest.mark.parametrize("page", RUNNABLE, ids=lambda p: str(p.relative_to(ROOT)))
def test_the_code_on_a_page_runs(page, tmp_path, monkeypatch):
    monkeypatch.chdir(tmp_path)
    if page.stem == "market":
        write_dataset(small_market(), tmp_path / "markets" / "usdc_weth")
    (tmp_path / "examples").symlink_to(ROOT / "examples")
    if page.stem == "facts":
        shutil.copy(ROOT / "src" / "tidemill" / "networks" / "parameters" / "op_mainnet.toml", tmp_path)
    assert run_page(page, tmp_path, given={"raw": bytes(range(200))}, commands=page.name != "README.md") > 0


@NEEDS_PAGE
def test_the_tour(tmp_path, monkeypatch):
    """A newcomer's walk, block by block; the rehearsal where the contracts are in the cache."""
    monkeypatch.chdir(tmp_path)
    raw_logs(small_market().events, tmp_path / "logs.parquet", address="0x" + "05" * 20)
    chain = all(row.cached for row in artefacts.ls())
    assert run_page(DOCS / "tour.md", tmp_path, chain=chain) >= 12


@NEEDS_PAGE
def test_adding_a_venue_by_following_the_page(tmp_path):
    """Write the files of the page, install them with its own command (offline, beside the environment), run its study."""
    page = blocks(DOCS / "add_a_venue.md")
    files = {b.title: b.text for b in page if b.title}
    assert {"pyproject.toml", "drip_jar/venue.py", "drip_jar/gas.toml", "jar.toml"} <= set(files)
    project, site, elsewhere = (tmp_path / name for name in ("project", "site", "elsewhere"))
    for name, text in files.items():
        (project / name).parent.mkdir(exist_ok=True, parents=True)
        (project / name).write_text(text)
    (commands,) = (b.text.splitlines() for b in page if b.language == "text")
    assert [command.split()[0] for command in commands] == ["pip", "tidemill"]
    offline = ["--quiet", "--no-index", "--no-deps", "--no-build-isolation", "--target", str(site)]
    said = ran([sys.executable, "-m", *commands[0].split(), *offline], project, [])
    assert said.returncode == 0, said.stderr
    elsewhere.mkdir()  # not beside the sources: what was installed must do
    shutil.copy(project / "jar.toml", elsewhere)
    told = [sys.executable, "-m", "tidemill.app.main", *commands[1].split()[1:], "--json", "--out", "out"]
    done = ran(told, elsewhere, [site, ROOT / "src"])
    assert done.returncode == 0, done.stderr
    result = json.loads(done.stdout)
    rows = {row["key"]: row["value"] for row in result["waterfall"]}
    # 1,000 USDC for 30 days at 40 millionths a day, less what the four transactions cost
    expected = 1_000 * 40 * 30
    assert abs(rows["rewards"] - expected) <= 100
    assert rows["keep"] == result["headline"]["keep"]
    assert 0 < result["headline"]["keep"] < expected
    assert result["fidelity"]["proof"] == "unproven"
    assert {(row["verb"], row["failed"]) for row in result["costs"]} == {("stake", 0), ("exit", 0)}
    listed = ran([sys.executable, "-m", "tidemill.app.main", "venues", "--json"], elsewhere, [site, ROOT / "src"])
    assert ("drip_jar", "unproven") in {(row["kind"], row["proof"]) for row in json.loads(listed.stdout)}


def ran(command, folder, paths):
    environment = os.environ | {"PYTHONPATH": os.pathsep.join(map(str, paths))}
    return subprocess.run(command, cwd=folder, env=environment, capture_output=True, text=True, check=False)


def test_without_the_package_its_kind_is_unknown(tmp_path):
    files = {b.title: b.text for b in blocks(DOCS / "add_a_venue.md") if b.title}
    (tmp_path / "jar.toml").write_text(files["jar.toml"])
    said = tidemill("backtest", tmp_path / "jar.toml", "-o", tmp_path / "out")
    assert said.code == 2
    assert "unknown kind of venue 'drip_jar'" in said.err


def test_every_page_is_in_the_list_of_pages():
    listed = set(re.findall(r"\]\(([^)#\s]+)\)", (DOCS / "README.md").read_text()))
    assert {str(page.relative_to(DOCS)) for page in DOCS.rglob("*.md")} - listed == {"README.md"}


def test_the_networks_room_shows_what_runs(tmp_path):
    assert run_page(DOCS / "rooms" / "networks.md", tmp_path, commands=False) >= 1
