"""The hopper: it follows growth, waits until a move has paid for several looks, and counts the way in money and in time."""

from __future__ import annotations

from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.strategies.network_hopper import Bridge, NetworkHopper
from tidemill.strategies.places import Place
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study

EXAMPLE = Path(__file__).parents[2] / "examples" / "network_hopper.toml"
OP, L1, BASE = "USDC@op-mainnet", "USDC@ethereum", "USDC@base"
OUT, BACK = Bridge("exit", OP, L1), Bridge("exit@ethereum", L1, OP, "deposit")
TO_BASE = Bridge("base@ethereum", L1, BASE, "deposit")
PLACES = (Place("here", OP), Place("there", L1))


@cache
def played(**parameters: Any) -> Any:
    study = load_study(EXAMPLE)
    study = structs.replace(
        study, end=study.start.replace(month=5), parameters={**study.parameters, **dict(parameters)}
    )
    return Backtest(prepare(study)).play().outcomes


def steps(outcomes: Any, *verbs: str) -> list[Recorded]:
    return [r for r in outcomes.record if isinstance(r, Recorded) and r.phase == "run" and r.verb in verbs]


def lying(mark: Any) -> dict[str, tuple[int, int]]:
    return {p.venue: (next(iter(p.principal.values())), p.data["size"]) for p in mark.positions if p.kind == "supply"}


def test_it_moves_only_to_where_more_has_grown_and_arrives_there():
    outcomes = played()
    sent = steps(outcomes, "send", "deposit")
    assert len(sent) >= 4
    assert {one.venue for one in sent} == {"bridge", "bridge@ethereum"}
    assert all(isinstance(one.status, Filled) or one.verb == "send" for one in sent)
    for one in sent:
        behind = [m for m in outcomes.marks if m.seq < one.seq and m.why == "decision"]
        now = behind[-1]
        then = next(m for m in reversed(behind) if m.time <= now.time - 86_000)
        grown = {name: lying(now)[name][0] * 10**12 // lying(then)[name][0] for name in ("here", "there")}
        left, target = ("here", "there") if one.venue == "bridge" else ("there", "here")
        assert grown[target] > grown[left]
    supplied = steps(outcomes, "supply")[2:]
    assert len(supplied) >= len(sent) - 1  # the last may arrive after the end
    for one, put in zip(sent, supplied, strict=False):
        assert put.action.args["amount"] == one.action.args["amount"]  # nothing is lost on the way
        days = (put.at.time - one.at.time) / 86_400
        assert 7 < days < 7.1 if one.verb == "send" else days < 0.01


def test_something_stays_everywhere_and_the_books_close():
    outcomes = played()
    start, end = outcomes.marks[0].time + 86_400, steps(outcomes, "supply")[-1].at.time
    between = [lying(mark) for mark in outcomes.marks if start < mark.time < end]
    assert len(between) > 50
    assert all(set(held) == {"here", "there"} for held in between)
    least = min(amount for held in between for amount, _ in held.values())
    assert least >= 500 * 10**6 - 2
    fall = waterfall(post(outcomes.record, outcomes.marks))
    assert abs(fall.unexplained) <= fall.bound
    assert fall.line("bridge").value == 0
    assert fall.line("interest").value > 0
    assert not [p for p in outcomes.marks[-1].positions if p.principal.get(OP, 0) or p.principal.get(L1, 0)]


def test_doubt_keeps_it_where_it_is():
    assert not steps(played(margin_bps=1_000_000), "send", "deposit")
    assert not steps(played(patience=400), "send", "deposit")
    assert not steps(played(horizon=7 * 86_400), "send")  # the week under way would be all of it
    eager, calm = (len(steps(played(patience=n), "send", "deposit")) for n in (1, 8))
    assert eager > calm
    first = [steps(played(patience=n), "send", "deposit")[0].at.time for n in (1, 3)]
    assert first[1] - first[0] == 2 * 86_400  # two looks later


def test_a_dear_bridge_is_not_taken():
    study = load_study(EXAMPLE)
    bridges = [one | {"fee": 5_000 * 10**6} for one in study.parameters["bridges"]]
    study = structs.replace(
        study, end=study.start.replace(month=4), parameters={**study.parameters, "bridges": bridges}
    )
    assert not steps(Backtest(prepare(study)).play().outcomes, "send", "deposit")


def test_the_way_is_the_shortest_over_the_bridges():
    hopper = NetworkHopper(PLACES, 3_000 * 10**6, (OUT, BACK, TO_BASE))
    assert hopper.route(OP, OP) == ()
    assert hopper.route(OP, BASE) == (OUT, TO_BASE)
    assert hopper.route(L1, OP) == (BACK,)
    assert hopper.route(BASE, OP) is None
    direct = structs.replace(TO_BASE, venue="direct", token=OP)
    assert NetworkHopper(PLACES, 1, (OUT, BACK, TO_BASE, direct)).route(OP, BASE) == (direct,)


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"bridges": (OUT,)}, "bridges: no bridge leads from USDC@ethereum to USDC@op-mainnet"),
        ({"bridges": (BACK,)}, "bridges: no bridge leads from USDC@op-mainnet to USDC@ethereum"),
        ({"places": (*PLACES, Place("far", BASE))}, "bridges: no bridge leads from USDC@op-mainnet to USDC@base"),
        ({"places": (PLACES[0], PLACES[0])}, "places: a place is named twice"),
    ],
)
def test_what_cannot_be_reached_is_refused(changes: dict[str, Any], line: str):
    with pytest.raises(BadInput, match=line):
        NetworkHopper(**{"places": PLACES, "native_price": 1, "bridges": (OUT, BACK)} | changes)
