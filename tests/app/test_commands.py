"""The command line: what it prints where, what it leaves behind, and how it starts."""

from __future__ import annotations

import contextlib
import json
import os
import signal
import subprocess
import sys
from collections.abc import Iterator
from pathlib import Path

import msgspec
import pytest
from cyclopts import App

import tidemill as package
from kit import NEEDS_PAGE, STUDY, changed, raw_logs, small_market, tidemill, write_study
from tidemill.app import interrupts
from tidemill.app.cli import app
from tidemill.app.commands import kept
from tidemill.ledger import export
from tidemill.studies import report
from tidemill.studies.schema import ResultDocument

DRAWS = "draws: expected 1 or more, or leave it out to play every combination"
HEAVY = ("numba", "llvmlite", "polars", "numpy", "web3", "eth_abi", "msgspec", "cyclopts", "rich", "asyncio")


def commands(node: App = app, path: tuple[str, ...] = ()) -> Iterator[tuple[str, ...]]:
    """Every command, groups included."""
    yield path
    for name in node:
        if not name.startswith("-"):
            yield from commands(node[name], (*path, name))


def imported(*arguments: str) -> tuple[int, set[str]]:
    """Run in a fresh interpreter; return the exit code and which heavy modules it imported."""
    code = (
        "import sys; from tidemill.app.main import main; code = main(sys.argv[1:]);"
        f"print('\\nHEAVY', code, *(name for name in {HEAVY} if name in sys.modules))"
    )
    done = subprocess.run([sys.executable, "-c", code, *arguments], capture_output=True, text=True, check=True)
    _, status, *names = done.stdout.splitlines()[-1].split()
    return int(status), set(names)


def test_version_is_answered_before_anything_is_imported():
    status, heavy = imported("--version")
    assert (status, heavy) == (0, set())


def test_help_imports_what_shows_help_and_nothing_that_computes():
    status, heavy = imported("--help")
    assert status == 0
    assert not heavy & {"numba", "llvmlite", "polars", "numpy", "web3", "eth_abi"}
    assert "cyclopts" in heavy  # the probe sees imports


def test_version_of_the_installed_command():
    done = subprocess.run([sys.executable, "-m", "tidemill", "--version"], capture_output=True, text=True, check=True)
    assert (done.stdout, done.stderr) == (f"tidemill {package.__version__}\n", "")


@pytest.mark.parametrize("command", [c for c in commands() if c], ids=" ".join)
def test_help_of_every_command_says_what_it_does(command: tuple[str, ...]):
    said = tidemill(*command, "--help")
    assert said.code == 0
    assert f"tidemill {' '.join(command)}" in said.out
    if command not in {("market",), ("contracts",)}:
        assert "Example:" in said.out


def test_help_lists_every_command():
    said = tidemill("--help")
    for command in ("backtest", "demo", "rehearse", "contracts", "market"):
        assert command in said.out


@pytest.mark.parametrize(
    "arguments",
    [
        ["frobnicate"],
        ["backtest"],
        ["backtest", "a.toml", "b.toml"],
        ["backtest", "a.toml", "--nonsense"],
        ["market"],
        ["market", "frob"],
        ["market", "import", "x.parquet", "name"],
        ["rehearse", "a.toml", "--mode", "wild"],
        ["rehearse", "a.toml", "--gas", "free"],
        ["--frob"],
        ["contracts", "fetch", "no-such-package"],
    ],
    ids=" ".join,
)
def test_wrong_arguments_are_one_line_and_exit_code_2(arguments: list[str]):
    said = tidemill(*arguments)
    if arguments == ["market"]:  # a group alone shows its help
        assert said.code == 0
        assert "verify" in said.out
        return
    assert said.code == 2
    assert said.out == ""
    assert said.line.startswith("tidemill: ")
    assert "Traceback" not in said.err


ENTRY = [sys.executable, "-m", "tidemill"]


@pytest.mark.parametrize(("closed", "code"), [(">&-", 0), ("2>&-", 0), (">&- 2>&-", 0), (">/dev/full", 1)])
def test_a_stream_that_takes_nothing_is_no_defect(closed: str, code: int):
    script = f'exec "$0" -m tidemill networks --on 2026-11-21 {closed}'
    done = subprocess.run(["sh", "-c", script, sys.executable], capture_output=True, text=True, check=False)
    assert done.returncode == code
    assert "Traceback" not in done.stderr and "defect" not in done.stderr


@pytest.mark.parametrize("arguments", [["--version"], ["--help"], ["contracts", "ls"]], ids=" ".join)
def test_a_reader_that_goes_away_is_no_failure(arguments: list[str]):
    """As in ``tidemill … | head -0``: the pipe's other end is closed before anything is written."""
    read, write = os.pipe()
    os.close(read)
    done = subprocess.run([*ENTRY, *arguments], stdout=write, stderr=subprocess.PIPE, text=True, check=False)
    os.close(write)
    assert (done.returncode, done.stderr) == (0, "")


@pytest.mark.parametrize("encoding", ["ascii", "latin-1"])
def test_characters_that_the_terminal_lacks_are_replaced(encoding: str):
    env = os.environ | {"PYTHONIOENCODING": encoding}
    done = subprocess.run([*ENTRY, "contracts", "--help"], capture_output=True, env=env, check=False)
    assert (done.returncode, done.stderr) == (0, b"")
    done = subprocess.run([*ENTRY, "backtest", "日本.toml"], capture_output=True, env=env, check=False)
    assert done.returncode == 2
    assert b"??.toml: no such file" in done.stderr


@NEEDS_PAGE
def test_words_of_a_study_are_not_taken_for_markup(markets: Path, tmp_path: Path):
    title = "[bold]x[/bold] [/] [red] </script><script>"
    said = tidemill("backtest", write_study(markets, changed("title", title), "[x].toml"), "-o", tmp_path)
    assert said.code == 0, said.err
    assert said.out.startswith(title)
    assert "</script><script>" not in next(tmp_path.glob("*/report.html")).read_text()


@NEEDS_PAGE
def test_figures_are_whole_on_a_narrow_terminal(markets: Path, tmp_path: Path, monkeypatch):
    wide = tidemill("backtest", write_study(markets), "-o", tmp_path).out
    monkeypatch.setattr("tidemill.app.console.PIPED_WIDTH", 50)
    narrow = tidemill("backtest", write_study(markets), "-o", tmp_path).out
    figures = {word for line in wide.splitlines() if line.startswith(("Gross", "What you")) for word in line.split()}
    assert any(word.startswith(("+", "-")) for word in figures)
    assert {word for word in figures if word[0] in "+-"} <= set(narrow.split())


INTERRUPTED = """
import os, signal, sys
from tidemill.app import interrupts, main
from tidemill.studies import load
def stop(*_args, **_more):
    os.kill(os.getpid(), signal.SIGINT)
    for _ in range(10**9): pass
signal.signal(signal.SIGINT, signal.default_int_handler)
if sys.argv.pop(1) == "import":
    sys.modules.pop("polars", None)
    class Finder:
        def find_spec(self, name, *_):
            if name == "polars" and Finder in map(type, sys.meta_path):
                sys.meta_path.remove(self)
                os.kill(os.getpid(), signal.SIGINT)
    sys.meta_path.insert(0, Finder())
else:
    load.load = stop
sys.exit(main.main(sys.argv[1:]))
"""


@pytest.mark.parametrize("when", ["import", "work"])
def test_ctrl_c_is_one_line_and_130(markets: Path, tmp_path: Path, when: str):
    command = [
        sys.executable,
        "-c",
        INTERRUPTED,
        when,
        "backtest",
        str(write_study(markets)),
        "-o",
        str(tmp_path / "o"),
    ]
    done = subprocess.run(command, capture_output=True, text=True, check=False, timeout=60)
    assert done.returncode == 130, done.stderr
    assert done.stderr.splitlines() == ["tidemill: interrupted; nothing half-written was left"]
    assert not (tmp_path / "o").exists()


def test_a_subprocess_ends_with_the_code_and_one_line(tmp_path: Path):
    done = subprocess.run(
        [sys.executable, "-m", "tidemill.app.main", "backtest", str(tmp_path / "none.toml")],
        capture_output=True, text=True, check=False,
    )  # fmt: skip
    assert done.returncode == 2
    assert done.stdout == ""
    assert done.stderr.count("\n") == 1
    assert "none.toml: no such file" in done.stderr


@NEEDS_PAGE
def test_backtest_prints_json_and_nothing_else_and_writes_all_three_files(markets: Path, tmp_path: Path):
    study = write_study(markets)
    said = tidemill("backtest", study, "--out", tmp_path, "--json")
    assert said.code == 0
    printed = json.loads(said.out)
    folder = tmp_path / "study"
    assert sorted(p.name for p in folder.iterdir()) == ["ledger.parquet", "report.html", "result.json"]
    document = msgspec.json.decode((folder / "result.json").read_bytes(), type=ResultDocument)
    assert printed["result_hash"] == document.result_hash
    assert printed["headline"]["keep"] == document.headline.keep
    assert document.study.synthetic
    assert document.result_hash in (folder / "report.html").read_text()


@NEEDS_PAGE
def test_backtest_prints_the_statement_and_says_that_data_are_synthetic(markets: Path, tmp_path: Path):
    said = tidemill("backtest", write_study(markets), "-o", tmp_path)
    assert said.code == 0
    for words in (
        "SYNTHETIC",
        "What you keep",
        "Gross fees",
        "Network fee: L1 data",
        "unexplained",
        "holding",
        "result ",
    ):
        assert words in said.out
    assert "wrote" in said.err
    assert "report.html" in said.err


@NEEDS_PAGE
def test_same_study_same_hash_another_parameter_another(markets: Path, tmp_path: Path):
    def result(data: dict | None = None) -> str:
        said = tidemill("backtest", write_study(markets, data), "-o", tmp_path, "--json")
        return json.loads(said.out)["result_hash"]

    assert result() == result()
    assert result() != result(changed("parameters.width", 300))


@pytest.mark.parametrize(
    "words", [("backtest", "{study}"), ("statement", "--address", "0x" + "1" * 40, "--rpc", "http://127.0.0.1:1")]
)
def test_a_page_that_is_not_built_is_said_before_anything_is_played(
    markets: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch, words: tuple[str, ...]
):
    monkeypatch.setattr(report.resources, "files", lambda _package: tmp_path)
    monkeypatch.setattr("tidemill.studies.load.load", lambda _path: pytest.fail("a run was begun"))
    study = str(write_study(markets))
    said = tidemill(*(word.format(study=study) for word in words), "-o", tmp_path / "out")
    assert said.code == 2 and said.out == ""
    assert said.line == "tidemill: the report page has not been built (app/static/report.html); run: make setup"
    assert not (tmp_path / "out").exists()


@NEEDS_PAGE
@pytest.mark.parametrize("breaks", ["report_html", "books_frame", "fsync", "replace"])
def test_a_failure_while_writing_leaves_the_old_files_whole(markets: Path, tmp_path: Path, monkeypatch, breaks: str):

    study = write_study(markets)
    assert tidemill("backtest", study, "-o", tmp_path).code == 0
    before = {p.name: p.read_bytes() for p in (tmp_path / "study").iterdir()}

    def fails(*_args: object, **_kwargs: object) -> None:
        raise OSError(28, "No space left on device")

    owner = {"report_html": report, "books_frame": export, "fsync": os, "replace": Path}[breaks]
    monkeypatch.setattr(owner, breaks, fails)
    said = tidemill("backtest", write_study(markets, changed("parameters.width", 300)), "-o", tmp_path)
    monkeypatch.undo()
    assert said.code != 0
    assert "Traceback" not in said.err
    assert "No space left" in said.err.splitlines()[-1]
    assert {p.name: p.read_bytes() for p in (tmp_path / "study").iterdir()} == before


def test_market_import_ls_show_verify(markets: Path, tmp_path: Path):
    """Raw logs written from a known market come back as the same events."""
    raw = raw_logs(small_market().events, tmp_path / "logs.parquet")
    root = tmp_path / "markets"
    about = ["--token0", "USDC:6", "--token1", "WETH:18", "--fee", 500, "--tick-spacing", 10, "--root", root]
    said = tidemill("market", "import", raw, "mine", "--address", "0x" + "05" * 20, *about, "--json")
    assert said.code == 0, said.err
    manifest = json.loads(said.out)
    assert manifest["rows"] == small_market().manifest.rows
    assert manifest["fidelity"] == "inferred"
    assert list(json.loads(tidemill("market", "ls", "--root", root, "--json").out)) == ["mine"]
    assert "USDC/WETH 0.05 %" in tidemill("market", "ls", "--root", root).out
    shown = json.loads(tidemill("market", "show", root / "mine", "--json").out)
    assert shown["supports"] == ["inferred", "bars"]
    assert sum(shown["kinds"].values()) == manifest["rows"]
    assert "fidelity inferred" in tidemill("market", "show", root / "mine").out
    assert tidemill("market", "verify", root / "mine").out.endswith("sound\n")
    assert json.loads(tidemill("market", "verify", root / "mine", "--json").out)["ok"] is True


def test_verify_of_a_damaged_dataset_exits_with_1(markets: Path, tmp_path: Path):
    import shutil

    shutil.copytree(markets / "small", tmp_path / "bad")
    path = tmp_path / "bad" / "prices.parquet"
    path.write_bytes(path.read_bytes()[:-1])
    said = tidemill("market", "verify", tmp_path / "bad")
    assert said.code == 1
    assert "prices.parquet" in said.out
    assert "NOT sound" in said.out


def test_contracts_ls():
    said = tidemill("contracts", "ls", "--json")
    assert said.code == 0
    rows = json.loads(said.out)
    assert {"package", "version", "sha256", "licence", "cached"} <= set(rows[0])
    assert any("uniswap" in row["package"] for row in rows)
    shown = tidemill("contracts", "ls").out
    for row in rows:
        assert row["package"] in shown


KILL = """
import os, pathlib, sys
from tidemill.studies.load import write_together
at, seen = int(sys.argv[2]), 0
def count(event, args):
    global seen
    if event in ("open", "os.rename", "os.mkdir", "os.remove"):
        seen += 1
        if seen == at:
            os._exit(9)
sys.addaudithook(count)
write_together(pathlib.Path(sys.argv[1]), {name: b"new" * 9 for name in "abc"})
os._exit(0)
"""


def test_killed_at_any_point_of_a_write_every_file_is_old_or_new(tmp_path: Path):
    seen = set()
    for at in range(1, 30):
        for name in "abc":
            (tmp_path / name).write_bytes(b"old")
        done = subprocess.run([sys.executable, "-c", KILL, str(tmp_path), str(at)], capture_output=True, check=False)
        assert done.returncode in {0, 9}, done.stderr
        seen.add(tuple((tmp_path / name).read_bytes() for name in "abc"))
        if done.returncode == 0:
            break
    assert done.returncode == 0
    assert at > 6
    old, new = b"old", b"new" * 9
    assert {(old, old, old), (new, new, new)} <= seen <= {(new,) * n + (old,) * (3 - n) for n in range(4)}


@NEEDS_PAGE
def test_compare_prints_columns_and_baselines(markets: Path, tmp_path: Path) -> None:
    one = write_study(markets, {**STUDY, "title": "[one]"}, "one.toml")
    two = write_study(markets, {**STUDY, "title": "two", "strategy": "hold", "parameters": {}}, "two.toml")
    said = tidemill("compare", one, two, "-o", tmp_path / "c")
    assert said.code == 0, said.err
    assert "the same capital" in said.out and "SYNTHETIC DATA" in said.out
    assert "keeps most: " in said.out and "best plain lending: none of these studies only lends" in said.out
    keep = next(line for line in said.out.splitlines() if line.startswith("What you keep"))
    document = json.loads((tmp_path / "c" / "compare.json").read_text())
    assert len(keep.split()) == 3 + len(document["studies"]) == 5
    said = tidemill("compare", one, two, "-o", tmp_path / "c", "--json")
    assert json.loads(said.out)["result_hash"] == document["result_hash"]
    said = tidemill("compare", one)
    assert said.code == 2
    assert said.line == "tidemill: studies: 1 study given; name two or more, or one with networks in `counterfactual`"


@NEEDS_PAGE
def test_compare_shows_one_study_by_the_costs_of_several_networks(markets: Path, tmp_path: Path) -> None:
    fees = {"polygon-pos": {"base_fee_gwei": "30", "priority_fee_gwei": "25"}, "base": {"base_fee_gwei": "0.1"}}
    told = {**STUDY, "counterfactual": ["polygon-pos"], "prices": {"POL": "0.5"}, "fees": fees}
    one = write_study(markets, told, "networks.toml")
    said = tidemill("compare", one, "-o", tmp_path / "c")
    assert said.code == 0, said.err
    keep = next(line for line in said.out.splitlines() if line.startswith("What you keep"))
    document = json.loads((tmp_path / "c" / "compare.json").read_text())
    assert len(keep.split()) == 3 + len(document["studies"]) == 5
    assert [column["title"] for column in document["studies"]] == ["costs as on op-mainnet", "costs as on polygon-pos"]
    keys = [[one["key"] for one in column["assumptions"]] for column in document["studies"]]
    assert keys[1] == ["polygon-pos:base_fee", "polygon-pos:priority_fee", "price:POL"]
    assert "price:POL" not in keys[0]
    (line,) = [line for line in said.out.splitlines() if "tip per gas (polygon-pos)" in line]
    assert line.split()[-4:-2] == ["25", "gwei"]
    dear = {"base": {"base_fee_gwei": "1000000", "l1_base_fee_gwei": "1", "blob_base_fee_gwei": "1"}}
    dear["base"]["own"] = {"base_fee_scalar": 1, "blob_base_fee_scalar": 1}
    unpaid = write_study(markets, {**told, "counterfactual": ["base"], "fees": dear, "prices": {}}, "dear.toml")
    said = tidemill("compare", unpaid, "-o", tmp_path / "c")
    assert "B: swap_exact_in at pool was not sent: fee " in said.out, "who keeps most because nothing was paid says so"
    missing = write_study(markets, {**told, "counterfactual": ["polygon-pos", "scroll"]}, "missing.toml")
    said = tidemill("compare", missing, "-o", tmp_path / "c")
    assert said.code == 2
    assert "missing.toml: fees.scroll.base_fee_gwei: the data carry no execution base fee of scroll" in said.err


@NEEDS_PAGE
def test_sweep_prints_ranks_map_and_luck(markets: Path, tmp_path: Path) -> None:
    study = write_study(markets, {**STUDY, "title": "[sweep]"}, "swept.toml")
    asked = ("sweep", study, "--grid", "width=100,200", "trigger=0,20", "--jobs", 1, "-o", tmp_path)
    said = tidemill(*asked)
    assert said.code == 0, said.err
    assert "[sweep]" in said.out and "SYNTHETIC DATA" in said.out and "4 variants" in said.out
    assert "deflated Sharpe ratio" in said.out and "2 neighbours keep" in said.out and "trigger down" in said.out
    assert "variant 4 of 4" in said.err
    document = json.loads((tmp_path / "swept-sweep" / "sweep.json").read_text())
    assert f"result {document['result_hash']}" in said.out
    assert document["result_hash"] in (tmp_path / "swept-sweep" / "report.html").read_text()
    assert json.loads(tidemill(*asked, "--json").out)["ranking"] == document["ranking"]


@pytest.mark.parametrize(
    ("more", "line"),
    [
        (["--grid", "width"], "tidemill: grid: 'width' is not NAME=VALUES, e.g. width=200,400 or width=100..2000:100"),
        (["--grid", "width=1,2", "--jobs", "0"], "tidemill: jobs: 0 is not between 1 and 64"),
        (
            ["--grid", "width=1,2", "--random", "-1"],
            f"tidemill: random: -1 {DRAWS}",
        ),
        (
            ["--grid", "width=1,2", "--random", "0"],
            f"tidemill: random: 0 {DRAWS}",
        ),
        (
            ["--grid", "width=1,2", "--quasi", "0"],
            f"tidemill: quasi: 0 {DRAWS}",
        ),
        (
            ["--grid", "width=1,2", "--random", "0", "--quasi", "0"],
            "tidemill: random: give --random or --quasi, not both",
        ),
        (
            ["--grid", "width=1,2", "--random", "1", "--quasi", "1"],
            "tidemill: random: give --random or --quasi, not both",
        ),
        (
            ["--grid", "width=1,2", "--random", "3"],
            "tidemill: random: 3 of 2 combinations; draw between 1 and all of them",
        ),
    ],
)
def test_sweep_refuses_in_one_line(markets: Path, more: list[str], line: str) -> None:
    study = write_study(markets, STUDY, "refused.toml")
    said = tidemill("sweep", study, *more)
    assert (said.code, said.err.splitlines()[-1]) == (2, line)


@NEEDS_PAGE
def test_stress_prints_spread_risks_and_causes(markets: Path, tmp_path: Path) -> None:
    study = write_study(markets, {**STUDY, "title": "[stressed]"}, "stressed.toml")
    asked = ("stress", study, "--worlds", 2, "--model", "gbm", "--days", 1, "--jobs", 1, "-s", "fees:5", "-o", tmp_path)
    said = tidemill(*asked)
    assert said.code == 0, said.err
    assert "[stressed]" in said.out and "2 futures of 24 hours · price by gbm · shocks fees:5" in said.out
    assert "in the middle future" in said.out and "By cause, USDC" in said.out and "Gross fees" in said.out
    assert "future 2 of 2" in said.err
    document = json.loads((tmp_path / "stressed-stress" / "stress.json").read_text())
    assert f"result {document['result_hash']}" in said.out
    assert document["result_hash"] in (tmp_path / "stressed-stress" / "report.html").read_text()
    assert json.loads(tidemill(*asked, "--json").out)["result_hash"] == document["result_hash"]
    said = tidemill("stress", study, "-s", "boom")
    assert said.code == 2 and said.line.startswith("tidemill: shock: 'boom' is no shock; write crash:30")


@NEEDS_PAGE
def test_optimise_prints_both_parts_and_a_verdict(markets: Path, tmp_path: Path) -> None:
    study = write_study(markets, {**STUDY, "title": "[searched]"}, "searched.toml")
    asked = ("optimise", study, "--grid", "width=100,200", "--trials", 2, "-o", tmp_path)
    said = tidemill(*asked)
    assert said.code == 0, said.err
    assert (
        "[searched]" in said.out
        and "found, where it is judged" in said.out
        and "holding, where it is judged" in said.out
    )
    document = json.loads((tmp_path / "searched-optimise" / "optimise.json").read_text())
    assert document["verdict"] in said.out and f"result {document['result_hash']}" in said.out
    assert document["result_hash"] in (tmp_path / "searched-optimise" / "report.html").read_text()
    assert json.loads(tidemill(*asked, "--json").out)["verdict"] == document["verdict"]
    said = tidemill("optimise", study, "--grid", "width=1,2", "--inside", "99")
    assert (said.code, said.err.splitlines()[-1]) == (2, "tidemill: inside: 99 % is not between 20 and 90")


def test_an_interruption_names_notes_only_where_there_are_any(
    tmp_path: Path, capsys: pytest.CaptureFixture[str]
) -> None:
    notes = tmp_path / "trials.part"
    for written, words in (
        (None, "nothing has been played yet"),
        ('{"key":1}\n', "nothing has been"),
        ("a\nb\n", "--resume"),
    ):
        if written is not None:
            notes.write_text(written)
        with pytest.raises(KeyboardInterrupt), kept(notes):
            raise KeyboardInterrupt
        assert words in capsys.readouterr().err


def test_an_interruption_that_something_swallows_is_remembered():
    before = signal.getsignal(signal.SIGINT)
    with interrupts.remembered() as came:
        assert not came()
        with contextlib.suppress(KeyboardInterrupt):
            os.kill(os.getpid(), signal.SIGINT)
        assert came()
    assert signal.getsignal(signal.SIGINT) is before
