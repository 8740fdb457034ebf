"""A search sees the first part only, finds what a sweep would, and says whether it held."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

import tidemill
from kit import STUDY, write_study
from tidemill.errors import BadInput
from tidemill.studies import optimise as module
from tidemill.studies.canonical import result_hash
from tidemill.studies.grid import parse_grid
from tidemill.studies.optimise import Optimised, optimise
from tidemill.studies.study import load_study
from tidemill.studies.sweep import Player, sweep

AXES = parse_grid(["width=100,200,400", "trigger=0,20"])


@pytest.fixture(scope="module")
def found(study: Path) -> Optimised:
    return optimise(study, AXES, trials=40)


def part(study: Path, start: int, end: int, parameters: dict[str, Any], name: str) -> Path:
    when = {key: dt.datetime.fromtimestamp(time, dt.UTC).isoformat() for key, time in (("start", start), ("end", end))}
    return write_study(study.parent, {**STUDY, **when, "parameters": {**STUDY["parameters"], **parameters}}, name)


def test_the_whole_grid_is_found_and_each_once(study: Path, found: Optimised) -> None:
    """More trials than the grid has: the search ends with all of them, and its best is the sweep's of that part."""
    document = found.document
    assert len(document.trials) == 6
    assert len({tuple(trial.parameters.values()) for trial in document.trials}) == 6
    inside = sweep(part(study, document.start, document.cut, {}, "inside.toml"), AXES).document
    assert document.trials[document.best].keep == inside.trials[inside.ranking[0]].keep
    assert sorted(trial.keep for trial in document.trials) == sorted(trial.keep for trial in inside.trials)


def test_both_parts_are_backtests_of_their_own(study: Path, found: Optimised) -> None:
    document = found.document
    assert abs((document.cut - document.start) / (document.end - document.start) - 0.7) < 0.001
    best = document.trials[document.best].parameters
    outside = part(study, document.cut, document.end, best, "outside.toml")
    result = tidemill.load(outside).run().document
    assert document.best_outside.keep == result.headline.keep
    assert document.holding == next(c.keep for c in result.comparisons if c.name == "holding")
    own = {"width": 200, "trigger": 20}
    assert document.own_outside.parameters == document.own_inside.parameters == own
    assert document.own_inside.keep == next(t.keep for t in document.trials if t.parameters == own)
    assert document.result_hash == result_hash(document) == optimise(study, AXES, trials=40).document.result_hash


def test_a_search_spends_no_more_than_asked_and_gets_near(study: Path, monkeypatch: Any) -> None:
    """A hill over 400 cells: 40 trials come within a tenth of its height, which 40 random ones seldom do."""

    def play(_self: Any, parameters: dict[str, Any]) -> dict[str, Any]:
        played.append(parameters)
        parameters = STUDY["parameters"] | parameters
        keep = 1_000_000 - (parameters["width"] - 1300) ** 2 - 100 * (parameters["trigger"] - 70) ** 2
        path = [1_000_000 + keep * step // 50 for step in range(51)]
        return {"keep": keep, "capital": 1_000_000, "holding": 0, "value": path, "hold": [1_000_000] * 51}

    played: list[Any] = []
    monkeypatch.setattr(Player, "play", play)
    document = optimise(study, parse_grid(["width=100..2000:100", "trigger=0..190:10"]), trials=40).document
    assert len(document.trials) == 40
    assert len(played) == 40 + 3
    assert document.trials[document.best].keep > 900_000
    assert document.verdict.startswith("better than the study's own parameters, and than holding")


@pytest.mark.parametrize(
    ("best", "own", "holding", "said"),
    [
        (5, 9, 0, "not better than the study's own"),
        (9, 5, 20, "and worse than holding"),
        (9, 5, 2, "one period, no promise"),
    ],
)
def test_the_verdict(found: Optimised, best: int, own: int, holding: int, said: str) -> None:
    document = found.document
    judged = document.best_outside
    changed = structs.replace(
        document,
        best_outside=structs.replace(judged, keep=best, parameters={"width": 1}),
        own_outside=structs.replace(judged, keep=own, parameters={"width": 2}),
        holding=holding,
    )
    assert said in module._verdict(changed)
    same = structs.replace(changed, own_outside=changed.best_outside)
    assert module._verdict(same) == "the study's own parameters are the best of those tried"


def test_what_is_written_and_refused(study: Path, found: Optimised, tmp_path: Path) -> None:
    folder = found.write(tmp_path, load_study(study))
    assert msgspec.json.decode((folder / "optimise.json").read_bytes()) == msgspec.to_builtins(found.document)
    assert found.frame().height == 6
    for changes, said in (
        ({"trials": 1}, "1 trials is not between"),
        ({"inside_percent": 95}, "95 % is not between 20 and 90"),
    ):
        with pytest.raises(BadInput, match=said):
            optimise(study, AXES, **changes)
    with pytest.raises(BadInput, match="unknown key; did you mean 'width'"):
        optimise(study, {"widht": [1, 2]})
