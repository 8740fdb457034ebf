"""A sweep is as many backtests as it says, in the order of the grid, and goes on where it stopped."""

from __future__ import annotations

import datetime as dt
import itertools
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import msgspec
import numpy as np
import pytest

import tidemill
from kit import STUDY, write_study
from tidemill.errors import BadInput
from tidemill.studies import forward as forwards
from tidemill.studies import sweep as sweeps
from tidemill.studies.canonical import result_hash
from tidemill.studies.grid import parse_grid
from tidemill.studies.study import Study, load_study
from tidemill.studies.sweep import Sweep, sweep

AXES = parse_grid(["width=100,200,400", "trigger=0,20"])


@pytest.fixture(scope="module")
def swept(study: Path) -> Sweep:
    return sweep(study, AXES)


def test_each_variant_is_the_backtest_of_its_parameters(study: Path, swept: Sweep) -> None:
    document = swept.document
    assert [trial.parameters for trial in document.trials] == [
        {"width": w, "trigger": t} for w in (100, 200, 400) for t in (0, 20)
    ]
    keeps = set()
    for place in (0, 3, 5):
        trial = document.trials[place]
        alone = write_study(
            study.parent, {**STUDY, "parameters": {**STUDY["parameters"], **trial.parameters}}, f"alone{place}.toml"
        )
        result = tidemill.load(alone).run().document
        assert (trial.keep, trial.keep_bps) == (result.headline.keep, result.headline.keep_bps)
        assert trial.sent == sum(row.count for row in result.costs)
        assert document.holding == next(c.keep for c in result.comparisons if c.name == "holding")
        values = result.series.value
        worst = min((v - max(values[: i + 1])) * 10_000 // max(values[: i + 1]) for i, v in enumerate(values))
        assert worst <= trial.drawdown_bps <= 0  # the run's own curve has more points
        assert swept.paths[place][0] == values[0] and swept.paths[place][-1] == values[-1]
        keeps.add(trial.keep)
    assert len(keeps) == 3


def test_ranks_map_and_verdict(swept: Sweep) -> None:
    document = swept.document
    keeps = [document.trials[place].keep for place in document.ranking]
    assert keeps == sorted(keeps, reverse=True)
    best = document.ranking[0]
    near = {0: [1, 2], 1: [0, 3], 2: [0, 3, 4], 3: [1, 2, 5], 4: [2, 5], 5: [3, 4]}[best]
    assert document.plateau is not None
    assert document.plateau.neighbours == len(near)
    assert document.plateau.mean == sum(document.trials[i].keep for i in near) // len(near)
    assert document.plateau.worst == min(document.trials[i].keep for i in near)
    assert document.luck is not None
    assert document.luck.trials == 6 and document.luck.steps == 500
    assert 0 <= document.luck.overfit_bps <= 10_000 and 0 <= document.luck.deflated_sharpe_bps <= 10_000
    frame = swept.frame()
    assert frame["keep"].to_list() == keeps and frame["rank"].to_list() == [1, 2, 3, 4, 5, 6]
    assert document.result_hash == result_hash(document)


@pytest.mark.parametrize("metric", ["cvar", "drawdown", "sharpe"])
def test_other_metrics_rank_by_their_own_figure(study: Path, metric: Any, swept: Sweep, monkeypatch: Any) -> None:
    answers = iter(_answers(study))
    monkeypatch.setattr(sweeps.Player, "play", lambda _self, _parameters: next(answers))
    monkeypatch.setattr(sweeps, "walk", lambda *_: (None, []))  # it plays anew, and there is nothing to play here
    document = sweep(study, AXES, metric=metric).document
    field = {"cvar": "cvar_bps", "drawdown": "drawdown_bps", "sharpe": "sharpe_micro"}[metric]
    figures = [getattr(document.trials[place], field) for place in document.ranking]
    assert figures == sorted(figures, reverse=True) and len(set(figures)) > 1
    assert document.trials == swept.document.trials


_kept: list[Any] = []


def _answers(study: Path) -> list[Any]:
    """What the variants leave, played once."""
    if not _kept:
        player = sweeps.Player(load_study(study))
        _kept.extend(player.play({"width": w, "trigger": t}) for w in (100, 200, 400) for t in (0, 20))
    return _kept


def test_two_processes_give_the_same_result(study: Path, swept: Sweep) -> None:
    assert sweep(study, AXES, jobs=2).document.result_hash == swept.document.result_hash


def test_interrupted_it_goes_on_and_plays_nothing_twice(study: Path, swept: Sweep, tmp_path: Path) -> None:
    def stop(done: int, _todo: int) -> None:
        if done == 4:
            raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(study, AXES, out=tmp_path, progress=stop)
    notes = sweeps.folder_of(tmp_path, load_study(study)) / "trials.part"
    lines = notes.read_bytes().splitlines()
    assert len(lines) == 1 + 4
    notes.write_bytes(b"\n".join(lines[:4]) + b"\n" + lines[4][:20])  # the last line was cut off by a crash
    told: list[tuple[int, int]] = []
    again = sweep(study, AXES, out=tmp_path, resume=True, progress=lambda *args: told.append(args))
    assert told == [(1, 3), (2, 3), (3, 3)]
    assert again.document.result_hash == swept.document.result_hash
    assert not notes.exists()


def test_notes_of_another_study_are_not_taken(study: Path, tmp_path: Path, monkeypatch: Any) -> None:
    def stop(_done: int, _todo: int) -> None:
        raise KeyboardInterrupt

    with pytest.raises(KeyboardInterrupt):
        sweep(study, AXES, out=tmp_path, progress=stop)
    other = write_study(study.parent, {**STUDY, "capital": {"USDC": "2000", "ETH": "0.1"}}, "small.toml")
    answers, told = iter(_answers(study)), []
    monkeypatch.setattr(sweeps.Player, "play", lambda _self, _parameters: next(answers))
    monkeypatch.setattr(sweeps, "walk", lambda *_: (None, []))  # it plays anew, and there is nothing to play here
    try:
        sweep(other, AXES, out=tmp_path, resume=True, progress=lambda *args: told.append(args))
    finally:
        write_study(study.parent, STUDY, "small.toml")
    assert told[-1] == (6, 6)


def test_draws_play_fewer_and_have_no_plateau(study: Path, monkeypatch: Any) -> None:
    answers = iter(_answers(study))
    monkeypatch.setattr(sweeps.Player, "play", lambda _self, _parameters: next(answers))
    monkeypatch.setattr(sweeps, "walk", lambda *_: (None, []))  # it plays anew, and there is nothing to play here
    document = sweep(study, AXES, how="quasi", count=3).document
    assert len(document.trials) == 3 and document.plateau is None and document.how == "quasi"


def test_one_variant_says_nothing_of_luck(study: Path, monkeypatch: Any) -> None:
    answers = iter(_answers(study))
    monkeypatch.setattr(sweeps.Player, "play", lambda _self, _parameters: next(answers))
    monkeypatch.setattr(sweeps, "walk", lambda *_: (None, []))  # it plays anew, and there is nothing to play here
    document = sweep(study, {"width": [100]}).document
    assert document.luck is None and document.warnings == ["one variant is no choice: nothing to say about luck"]


@pytest.mark.parametrize(
    ("axes", "said"),
    [
        ({"wdth": [1]}, "variant 1 \\(wdth=1\\): unknown key; did you mean 'width'"),
        ({"width": [100, -5]}, "variant 2 \\(width=-5\\)"),
        ({"width": ["wide"]}, "variant 1 \\(width=wide\\)"),
    ],
)
def test_a_wrong_parameter_is_named_before_anything_is_played(
    study: Path, axes: dict[str, Any], said: str, monkeypatch: Any
) -> None:
    monkeypatch.setattr(sweeps.Player, "play", lambda *_: pytest.fail("played"))
    with pytest.raises(BadInput, match=said):
        sweep(study, axes)


def test_what_is_written_is_the_document(study: Path, swept: Sweep, tmp_path: Path) -> None:
    folder = swept.write(tmp_path, load_study(study))
    assert folder == tmp_path / "small-sweep"
    assert msgspec.json.decode((folder / "sweep.json").read_bytes()) == msgspec.to_builtins(swept.document)
    assert (folder / "trials.csv").read_text().count("\n") == 7


def test_walking_forward_plays_what_was_best_until_then_anew(study: Path, swept: Sweep) -> None:
    """Each window is the study over that fifth with those parameters, and nothing of what came later chose them."""
    document = swept.document
    forward, period = document.forward, document.end - document.start
    assert forward is not None
    edges = [document.start + period * fifth // 5 for fifth in range(6)]
    assert [(one.start, one.end) for one in forward.windows] == list(itertools.pairwise(edges))[1:]
    assert forward.keep == sum(one.keep for one in forward.windows)
    assert forward.holding == sum(one.holding for one in forward.windows)
    for number, one in enumerate(forward.windows):
        dates = {
            "start": dt.datetime.fromtimestamp(one.start, dt.UTC),
            "end": dt.datetime.fromtimestamp(one.end, dt.UTC),
        }
        changed = {**STUDY, **dates, "parameters": {**STUDY["parameters"], **one.parameters}}
        result = tidemill.load(write_study(study.parent, changed, f"window{number}.toml")).run().document
        assert one.keep == result.headline.keep
        assert one.holding == next(c.keep for c in result.comparisons if c.name == "holding")
    assert len({one.keep for one in forward.windows}) == 4


def test_a_later_turn_of_fortune_changes_no_earlier_choice() -> None:
    gains = np.zeros((2, 10))
    gains[0, :4], gains[1, 4:] = 0.01, 0.02
    chosen: list[str] = []

    def play(part: Any, _prepared: Any, parameters: Any) -> dict[str, int]:
        chosen.append(parameters["name"])
        return {"keep": len(chosen), "holding": 10 * len(chosen)}

    period = SimpleNamespace(start=0, end=1_000, markets={})
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(forwards, "prepare", lambda part, markets: None)
        found, said = forwards.walk(
            Study("t", "n", {}, {}, "s"), period, play, [{"name": "a"}, {"name": "b"}], gains, 5
        )
    assert chosen == ["a", "a", "a", "b"] and said == []  # level with it by the third fifth; ahead by the fourth
    assert found is not None and (found.keep, found.holding) == (10, 100)
