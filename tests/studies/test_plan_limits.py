"""What binds a plan: ladders, caps, locks, exits longer than the horizon, and capital that cannot pay its own costs."""

from __future__ import annotations

import datetime as dt
from pathlib import Path
from types import SimpleNamespace
from typing import Any

import numpy as np
import pytest
from msgspec import structs

from tidemill.errors import BadInput
from tidemill.studies.load import load
from tidemill.studies.plan import allocate as allocation
from tidemill.studies.plan.allocate import Problem, allocate
from tidemill.studies.plan.asked import Asked, Cap, Rung, parse_cap, parse_ladder, parse_percent
from tidemill.studies.plan.document import PlanDocument
from tidemill.studies.plan.doubts import Rules, sift
from tidemill.studies.plan.exits import DAY, exit_of
from tidemill.studies.plan.opportunities import parse_list
from tidemill.studies.plan.plan import plan

ON = dt.date(2026, 11, 21)
M = 10**6
ROW = {
    "chain": "Base",
    "project": "aave-v3",
    "symbol": "USDC",
    "tvlUsd": 50e6,
    "apyBase": 5.0,
    "apy": 5.0,
    "stablecoin": True,
    "ilRisk": "no",
    "count": 400,
}
OFFERED = (
    {},
    {"chain": "Optimism", "project": "other", "symbol": "DAI", "apy": 14.0, "apyBase": 14.0},
    {"chain": "Ethereum", "project": "sky-lending", "symbol": "SUSDS", "apy": 4.0, "apyBase": 4.0},
    {
        "chain": "Ethereum",
        "project": "slow",
        "symbol": "USDE",
        "apy": 9.0,
        "apyBase": 9.0,
        "poolMeta": "7 days unstaking",
    },
)


def rows(*changes: dict[str, Any]) -> list[Any]:
    return parse_list([{**ROW, "pool": f"p{i}", **change} for i, change in enumerate(changes)])


def made(*offered: dict[str, Any], **changes: Any) -> PlanDocument:
    asked = {"have": {"USDC": "100000"}, "days": 180, "risk": "high", "on": ON, "prices": {"USDC": "1"}, "costs": {}}
    return plan(rows(*(offered or OFFERED)), Asked(**{**asked, **changes}), Rules()).document


def soon(document: PlanDocument, days: int) -> int:
    return next(one.part_bps for one in document.reached if one.days == days)


def test_a_ladder_holds_and_costs_income() -> None:
    free, bound = made(), made(liquid=(Rung(3_000, 0), Rung(6_000, 5)))
    assert soon(free, 0) < 3_000
    assert soon(bound, 0) >= 3_000 and soon(bound, 5) >= 6_000
    assert 0 < bound.net < free.net
    assert any("reachable within" in name for name in bound.binding)
    assert [one.asked_bps for one in bound.reached if one.days in (0, 5)] == [3_000, 6_000]


def test_what_is_not_chosen_is_told_of_a_cap_that_it_is_under_itself() -> None:
    offered = [
        {"chain": "Base", "project": "aave-v3", "apy": 8.0, "apyBase": 8.0, "apyMean30d": 8.0},
        {"chain": "Optimism", "project": "aave-v3", "apy": 7.9, "apyBase": 7.9, "apyMean30d": 7.9},
        {"chain": "Unichain", "project": "sky-lending", "apy": 7.0, "apyBase": 7.0, "apyMean30d": 7.0},
    ]
    caps = (Cap("one", "", 6_000), Cap("project", "", 6_000), Cap("network", "", 10_000))
    document = made(*offered, caps=caps)
    chosen, (other,) = ([one for one in document.candidates if one.chosen is kind] for kind in (True, False))
    assert len(chosen) == 2 and other.name == "aave-v3 USDC on op-mainnet"
    assert other.why_not == "no room: the cap on project aave-v3"


def test_of_more_than_can_be_weighed_each_that_is_not_is_counted() -> None:
    offered = [{"project": f"x{i}", "apy": 5 + i / 100, "apyBase": 5 + i / 100, "apyMean30d": None} for i in range(503)]
    document = made(*offered)
    assert document.believed == 500 and document.left_out == {"beyond the best": 3}
    assert {one[0] for one in document.doubts} == {f"x{i} USDC on base" for i in range(3)}


def test_where_money_counts_as_reached_matters() -> None:
    """An OP chain's own way takes a week; in the wallet on its network the same money is there at once."""
    ladder = (Rung(9_000, 1),)
    far = made({}, {"chain": "Optimism", "symbol": "DAI"}, liquid=ladder)
    near = made({}, {"chain": "Optimism", "symbol": "DAI"}, liquid=ladder, reach="network")
    assert sum(line.amount for line in far.held) <= far.capital // 10 + 10
    assert sum(line.amount for line in near.held) > near.capital // 2


def test_a_horizon_shorter_than_the_exit_is_refused_for_each_with_the_reason() -> None:
    document = made(days=4)
    assert document.left_out == {"exit too slow": 3} and document.left_out_fields == {"horizon": {"exit too slow": 3}}
    told = {name: why for name, _, why in document.doubts}
    assert "the 4 d asked for: 7.00 d to be out of it (the list says 7 days)" in told["slow USDE on ethereum"]
    assert "no lock, 5.04 d the way to Ethereum" in told["aave-v3 USDC on base"]
    assert {line.network for line in document.held} <= {"ethereum"}
    with pytest.raises(BadInput, match=r"list: nothing of 1 rows is believed \(1 exit too slow\)"):
        made({}, days=3)


def test_locks_come_from_the_kind_and_from_the_lists_words() -> None:
    kept, _ = sift(
        rows(
            {"chain": "Ethereum", "project": "lido", "symbol": "STETH", "apy": 3.0, "apyBase": 3.0},
            {"poolMeta": "14 days cooldown", "apy": 2.9, "apyBase": 2.9},
            {"poolMeta": "30 days average", "apy": 2.8, "apyBase": 2.8},
            {"chain": "Base", "project": "lido", "symbol": "WSTETH", "apy": 2.7, "apyBase": 2.7},
        ),
        Rules(),
    )
    locks = [exit_of(one, ON).lock for one in kept]
    assert locks == [3 * DAY, 14 * DAY, 0, 0]
    assert exit_of(kept[1], ON).seconds("network") == 14 * DAY < exit_of(kept[1], ON).seconds("ethereum")


@pytest.mark.parametrize(
    ("cap", "kept_to"),
    [
        (Cap("network", "op-mainnet", 1_000), lambda line: line.network == "op-mainnet"),
        (Cap("asset", "DAI", 1_000), lambda line: "DAI" in line.tokens),
        (Cap("project", "other", 1_000), lambda line: line.project == "other"),
        (Cap("locked", "", 1_000), lambda line: line.lock_seconds >= DAY),
        (Cap("one", "", 1_000), lambda line: line.id == "p3"),
    ],
)
def test_caps_hold_and_are_named(cap: Cap, kept_to: Any) -> None:
    def part(document: PlanDocument) -> int:
        return sum(line.part_bps for line in document.held if kept_to(line))

    assert part(made()) > 1_000
    bound = made(caps=(cap,))
    assert 990 <= part(bound) <= 1_001
    assert any(cap.group in name for name in bound.binding)


def test_what_cannot_be_met_names_what_stands_in_the_way() -> None:
    with pytest.raises(BadInput, match=r"least: 90 % cannot be put to work.* it can without the cap on network base"):
        made({}, {"project": "b"}, least_bps=9_000, caps=(Cap("network", "base", 2_000), Cap("project", "", 9_000)))
    with pytest.raises(BadInput, match=r"it can without 50 % to be reachable within 0 d"):
        made({}, {"project": "b"}, least_bps=8_000, liquid=(Rung(5_000, 0),))
    with pytest.raises(BadInput, match="it can without the cap on one opportunity"):
        made({}, least_bps=7_000, caps=(Cap("one", "", 1_000),))
    with pytest.raises(BadInput, match="not even without any one constraint"):
        made({}, least_bps=9_000, caps=(Cap("network", "", 1_000), Cap("project", "", 1_000)))
    assert sum(line.part_bps for line in made(least_bps=9_000).held) >= 8_990


def test_fees_are_given_or_measured_or_assumed_and_a_study_pays_the_measured_ones(tmp_path: Path) -> None:
    costs = {line.project: (line.costs, line.costs_are) for line in made(least_bps=8_000).held}
    assert costs["other"] == (M // 2, "assumed") and costs["slow"] == (20 * M, "assumed")
    document = made({}, prices={"USDC": "1", "ETH": "3000"})
    (line,) = document.held
    assert line.costs_are == "measured" and 1_000 < line.costs < 10_000
    (one,) = plan(
        rows({}), Asked({"USDC": "100000"}, 60, "high", ON, {"USDC": "1", "ETH": "3000"}, {}), Rules()
    ).studies
    (tmp_path / one.name).write_text(one.text)
    paid = {row.key: row.value for row in load(tmp_path / one.name).run().document.waterfall}
    assert -(paid["l2"] + paid["l1"] + paid["exit"]) == pytest.approx(line.costs, rel=0.3)
    assert made({}, costs={"base": 7 * M}).held[0].costs == 7 * M


def test_capital_that_cannot_pay_its_own_costs_is_told_how_much_would() -> None:
    dear = {"ethereum": 20 * M}
    poor = made(*OFFERED[2:3], have={"USDC": "200"}, costs=dear)
    assert not poor.held and poor.idle == poor.capital and poor.net == 0
    assert poor.smallest and "from 2," in poor.smallest_note and "sky-lending SUSDS on ethereum" in poor.smallest_note
    assert not made(*OFFERED[2:3], have={"USDC": str(poor.smallest // M - 1)}, costs=dear).held
    assert made(*OFFERED[2:3], have={"USDC": str(poor.smallest // M + 5)}, costs=dear).held
    for cap in (Cap("one", "", 0), Cap("network", "", 0)):
        shut = made(caps=(cap,))
        assert (
            not shut.held and shut.smallest is None and shut.smallest_note.startswith("caps leave no room: the cap on")
        )
    hopeless = made({"apy": 0.01, "apyBase": 0.01})
    assert hopeless.smallest is None and "no capital is large enough" in hopeless.smallest_note


def test_threats_exits_and_candidates_tell_of_what_is_held() -> None:
    document = made()
    names = {line.name for line in document.held}
    assert all(set(one.hits) <= names and one.taken > 0 for one in document.threats)
    assert {f"network:{line.network}" for line in document.held} <= {one.factor for one in document.threats}
    assert all(one.low_bps <= one.usual_bps <= one.high_bps for one in document.threats)
    parts = [one.part_bps for one in document.reached]
    assert parts == sorted(parts) and parts[-1] == 10_000
    assert {one.name for one in document.candidates if one.chosen} == names
    for one in document.candidates:
        assert list(one.quantiles.values()) == sorted(one.quantiles.values())
        assert bool(one.why_not) != one.chosen


def test_the_search_stops_in_time_and_still_keeps_the_bound() -> None:
    rng = np.random.default_rng(5)
    count = 80
    gain = rng.uniform(0.01, 0.08, count)
    returns = gain + rng.normal(0, 0.2, (400, count))
    problem = Problem(1_000.0, gain, returns, rng.uniform(0, 4, count), 0.2, (), tail=0.03, seconds=0.1)
    found = allocate(problem)
    longer = allocate(structs.replace(problem, seconds=4.0))
    assert found.stopped and found.gap > 0 and found.tail <= 0.03 + 1e-6
    assert longer.tail <= 0.03 + 1e-6
    # what either search says is the most that can be had bounds what the other has found, whichever found more
    for one, other in ((found, longer), (longer, found)):
        assert 0 < one.net <= other.net / (1 - other.gap) + 1e-9
    with pytest.raises(BadInput, match="time-limit: 0 s leave no time"):
        allocate(structs.replace(problem, seconds=0.0))


def test_a_search_without_an_answer_in_time_leaves_what_was_found_quickly(monkeypatch: pytest.MonkeyPatch) -> None:
    rng = np.random.default_rng(6)
    gain = rng.uniform(0.01, 0.08, 6)
    returns = gain + rng.normal(0, 0.1, (100, 6))
    problem = Problem(1_000.0, gain, returns, rng.uniform(0, 2, 6), 0.4, (), tail=0.04, seconds=60.0)
    best = allocate(problem)
    assert not best.stopped
    solve = allocation._milp

    def never(*given: Any, whole: bool, **more: Any) -> Any:
        return solve(*given, whole=whole, **more) if not whole else SimpleNamespace(status=1, x=None)

    monkeypatch.setattr(allocation, "_milp", never)
    found = allocate(problem)
    assert found.stopped and found.tail <= 0.04 + 1e-6
    assert 0.8 * best.net < found.net <= best.net + 1e-9 <= found.net / (1 - found.gap) + 2e-9


def test_words_of_limits() -> None:
    assert parse_ladder("50%:1w, 20:1d") == (Rung(2_000, 1), Rung(5_000, 7)) and parse_ladder("") == ()
    assert parse_cap("venue:aave-v3=12.5%") == Cap("project", "aave-v3", 1_250)
    assert parse_percent("7.05", "x") == 705
    for text in ("20%", "120%:1d", "20%:soon", "20%:1d,10%:7d", "20%:1d,30%:1d"):
        with pytest.raises(BadInput, match="liquid"):
            parse_ladder(text)
    for text, said in (
        ("network", "is no cap"),
        ("netwrk=5%", "did you mean 'network'"),
        ("network:bse=5%", "did you mean 'base'"),
        ("one:x=5%", "has no names"),
    ):
        with pytest.raises(BadInput, match=said):
            parse_cap(text)


@pytest.mark.parametrize(
    ("change", "rule"),
    [
        ({"apy": 5.0, "apyBase": 9.0}, "contradiction"),
        ({"tvlUsd": 2e12}, "absurd tvl"),
        ({"project": "unheard-of"}, "unproven"),
        ({"project": "sky-lending"}, "unproven"),
    ],
)
def test_more_that_is_not_believed(change: dict[str, Any], rule: str) -> None:
    _, doubts = sift(rows(change, {}), Rules(proof="bytecode-equal"))
    assert [doubt.rule for doubt in doubts] == [rule] and doubts[0].field


@pytest.mark.parametrize(
    ("date", "stale"),
    [
        ("2026-11-18T12:00:00Z", False),
        ("2026-11-17T12:00:00.000Z", True),
        ("2026-11-17", True),
        (1_795_000_000, False),
        (1_790_000_000, True),
        (1_790_000_000_000, True),
        ("yesterday", False),
        (None, False),
        (True, False),
    ],
)
def test_a_row_that_nobody_has_looked_at_lately_is_stale(date: Any, stale: bool) -> None:
    _, doubts = sift(rows({"timestamp": date}, {}), Rules(now=1_795_305_599))  # the end of 21 November 2026
    assert [(doubt.rule, doubt.field) for doubt in doubts] == [("stale", "timestamp")] * stale
