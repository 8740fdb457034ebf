"""The screen of range resets: near the exact run on other markets, equal to a scan, and used to choose only."""

from __future__ import annotations

import io
from pathlib import Path
from typing import Any

import numpy as np
import pytest
from msgspec import structs
from rich.console import Console

from kit import STUDY, write_study
from tidemill.app.sweep_command import print_sweep
from tidemill.errors import BadInput
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.fast.screens import screen
from tidemill.studies.grid import parse_grid
from tidemill.studies.prepare import prepare
from tidemill.studies.strategy import varied
from tidemill.studies.study import load_study
from tidemill.studies.sweep import sweep

VARIANTS = [
    {"width": width, "trigger": trigger, "cooldown": cooldown}
    for width, trigger, cooldown in (
        (20, 0, 0),
        (60, 13, 0),
        (60, 0, 3_600),
        (200, 0, 0),
        (200, 37, 20_000),
        (700, 0, 0),
    )
]


def backtest(folder: Path, mode: str = "small", **changes: Any) -> Backtest:
    venue = {**STUDY["venues"]["pool"], "mode": mode}
    return Backtest(prepare(load_study(write_study(folder, {**STUDY, "venues": {"pool": venue}, **changes}, "s.toml"))))


@pytest.mark.parametrize(
    ("mode", "capital", "most"),
    [("small", {"USDC": "1000", "ETH": "0.1"}, 0.1), ("diluted", {"WETH": "50", "USDC": "3", "ETH": "0.3"}, 0.3)],
)
def test_it_is_near_the_exact_run(folder: Path, mode: str, capital: dict[str, str], most: float) -> None:
    """Every variant: as many resets, and within ``most`` basis points of the capital for each reset, and 2 in all."""
    made = backtest(folder, mode, capital=capital)
    found = screen(made, made.play(), VARIANTS)
    off, resets = [], 0
    for place, variant in enumerate(VARIANTS):
        played = made.play(varied(made.prepared, variant))
        fall = waterfall(post(played.outcomes.record, played.outcomes.marks))
        closes = sum(getattr(line, "verb", "") == "close" for line in played.outcomes.record)
        off.append(abs(found.keep[place] - fall.keep) / fall.capital * 10_000)
        assert found.resets[place] == closes - 1, variant
        assert off[-1] < 2 + most * closes, (variant, off[-1], closes)
        resets += closes - 1
    assert resets > 100


def test_the_index_answers_what_a_scan_does(folder: Path) -> None:
    made = backtest(folder)
    played = made.play()
    quick, slow = (screen(made, played, VARIANTS, by_scan=by_scan) for by_scan in (False, True))
    assert np.array_equal(quick.resets, slow.resets)
    assert np.abs(quick.keep - slow.keep).max() <= 1  # micro-units


def test_a_sweep_screens_all_and_plays_the_best_exactly(folder: Path) -> None:
    study = write_study(folder, {**STUDY, "venues": {"pool": {**STUDY["venues"]["pool"], "mode": "small"}}}, "sw.toml")
    axes = parse_grid(["width=40,160,320", "trigger=0,40"])
    whole, part = sweep(study, axes).document, sweep(study, axes, exact=2).document
    exact = [trial for trial in part.trials if trial.exact]
    assert part.screened is not None and whole.screened is None
    assert part.screened.exact == len(exact) == part.screened.alike
    assert 2 < len(exact) < 6
    assert part.ranking[:2] == whole.ranking[:2]
    for trial in part.trials:
        twin = whole.trials[trial.place]
        assert trial == twin if trial.exact else abs(trial.keep_bps - twin.keep_bps) <= 3
    for trial in part.trials:
        known = (trial.cvar_bps, trial.drawdown_bps, trial.sharpe_micro, trial.sent, trial.failed)
        assert (None in known) is (not trial.exact) and (trial.exact or set(known) == {None})
    said = io.StringIO()
    print_sweep(part, Console(file=said, width=200))
    listed = [line for line in said.getvalue().splitlines() if line.rstrip()[-1:].isdigit() and line.count("%") == 3]
    assert len(listed) == len(exact)
    assert part.screened.median_error_bps <= part.screened.largest_error_bps <= 3
    assert part.luck is not None and part.luck.trials == 6
    assert "fee index" in part.answered_by


def test_what_no_screen_knows(folder: Path) -> None:
    made = backtest(folder)
    played = made.play()
    with pytest.raises(BadInput, match="slippage_bps: a screen of range_reset varies width, trigger and cooldown"):
        screen(made, played, [{"slippage_bps": 10}])
    with pytest.raises(BadInput, match="a path that you move"):
        screen(backtest(folder, "impact"), played, VARIANTS)
    with pytest.raises(BadInput, match="hold cannot be screened, only .*range_reset"):
        screen(backtest(folder, strategy="hold", parameters={}), played, VARIANTS)
    marked = backtest(folder)
    marked.study = structs.replace(marked.study, exit="mark")
    with pytest.raises(BadInput, match="closes into a token"):
        screen(marked, played, VARIANTS)
    study = write_study(folder, STUDY, "sw2.toml")
    with pytest.raises(BadInput, match="rank by keep"):
        sweep(study, {"width": [100, 200]}, exact=1, metric="cvar")
    with pytest.raises(BadInput, match="3 of 2 variants"):
        sweep(study, {"width": [100, 200]}, exact=3)
