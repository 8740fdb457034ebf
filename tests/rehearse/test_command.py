"""The command: what it prints, how it exits, and one clear line where something is missing."""

from __future__ import annotations

import io
from pathlib import Path

import pytest
from rich.console import Console

from rehearse.played import EXAMPLES, rehearsed
from tidemill.app.main import main
from tidemill.app.rehearsal import print_rehearsal


def printed(name: str, mode: str = "locked", gas: str = "model", seed: int | None = None) -> str:
    console = Console(file=io.StringIO(), width=400, no_color=True)
    print_rehearsal(rehearsed(name, mode, gas, seed).document, console)
    return console.file.getvalue()  # type: ignore[attr-defined]


@pytest.mark.chain
def test_a_locked_rehearsal_prints_every_account_and_ends_with_the_verdict() -> None:
    text = printed("vault_farm", gas="measured")
    document = rehearsed("vault_farm", gas="measured").document
    for row in document.balances:
        assert row.account in text and f"{row.model:,}" in text
    assert text.count(" 0 wei") >= len(document.balances) and "differs" not in text
    assert text.rstrip().endswith(document.verdict)
    for head in ("Transaction fees, compared apart", "The same window in each mode", "steps and"):
        assert head in text


@pytest.mark.chain
def test_a_live_like_rehearsal_prints_its_causes_and_promises_no_wei() -> None:
    text = printed("range_reset", "live-like", "model", 1)
    assert "Tracking error by cause" in text and "0 wei" not in text
    assert "a block every 100 ms" in text and "What became of own steps" in text
    for cause in ("delay", "price", "failed", "gas", "others", "tracking error"):
        assert cause in text


def test_without_anvil_the_command_says_so_in_one_line_and_exits_with_2(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch, capsys: pytest.CaptureFixture[str]
) -> None:
    monkeypatch.setenv("TIDEMILL_CACHE", str(tmp_path / "empty"))
    monkeypatch.setenv("PATH", str(tmp_path))
    monkeypatch.setattr("sys.argv", ["tidemill", "rehearse", str(EXAMPLES / "vault_farm.toml"), "--out", str(tmp_path)])
    code = main()
    error = capsys.readouterr().err.strip().splitlines()
    assert code == 2
    assert "contracts fetch" in error[-1] and len(error[-1]) < 300
    assert not (tmp_path / "vault_farm").exists()
