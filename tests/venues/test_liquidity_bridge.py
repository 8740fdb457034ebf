"""A liquidity bridge crossed: the fee, who is filled and when, what comes back; in the model, a world, the hopper's hands."""

from __future__ import annotations

import dataclasses
import random
from functools import cache
from pathlib import Path
from typing import Any

import msgspec
import pytest
from msgspec import structs

from harness.book import Book, Ctx
from tidemill.errors import BadInput
from tidemill.interfaces import ARRIVED, REFUNDED, Action, Befell, Block, Recorded, Revert
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import Study, load_study
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.liquidity_bridge import rules as r
from tidemill.venues.liquidity_bridge.model import NOTHING_LEFT, BridgeState, LiquidityBridgeModel, Side, Terms, Ticket
from tidemill.venues.liquidity_bridge.stage import LiquidityStage

EXAMPLE = Path(__file__).parents[2] / "examples" / "hop_liquidity.toml"
RANDOM = random.Random("liquidity bridge")
OP, BASE = "USDC@op", "USDC@base"
TERMS = Terms(bps=30, flat=7, limit=1_000, fill=60, expiry=600, settle=400, missed=(False, False, True))


def state(terms: Terms = TERMS) -> BridgeState:
    return BridgeState(
        (Side("b", "op", OP, "b:spoke", "b:relayer"), Side("b@base", "base", BASE, "c:spoke", "c:relayer")), terms
    )


def test_the_fee_is_rounded_up_and_has_a_flat_part() -> None:
    assert [r.fee_up(amount, 30, 7) for amount in (0, 1, 333, 334, 10_000)] == [7, 8, 8, 9, 37]
    assert r.fee_up(10**10, 0, 0) == 0


@pytest.mark.parametrize(("rule", "width"), [(r.fee_up, 3), (r.settleable, 2)])
def test_rules_agree_on_three_number_types(rule: Any, width: int) -> None:
    def value() -> int:
        return RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256)))

    rows = [tuple(value() for _ in range(width)) for _ in range(400)]
    assert 0 < assert_rule_equal_on_three_types(rule, rows) < len(rows)


def test_what_is_small_enough_is_paid_there_and_the_rest_comes_back() -> None:
    """Four sends: one filled, one over the limit, one that nobody fills by draw, one filled."""
    model, book, one = LiquidityBridgeModel(), Book(), state()
    book.add(OP, "me", 5_000)
    clock = [lambda time: Block(time=time, number=time)] * 2
    here = LiquidityStage(one, 0, clock)
    (there,) = here.beside
    for time, amount in ((100, 1_000), (200, 1_001), (300, 500), (400, 900)):
        result = model.apply(one, 0, Action("send", {"amount": amount}), Ctx(Block(time=time, number=time), "me", book))
        book.move(result)
        assert result.amounts == {"amount": amount, "output": amount - r.fee_up(amount, 30, 7)}
    assert [p.id for p in there.positions("me")] == ["b#1", "b#2", "b#3", "b#4"]
    assert here.positions("me") == () and here.read("locked") == 3_401
    assert there.next_wake((), Block(time=10**6, number=10**6)) == Block(time=160, number=160)
    paid = there.advance(Block(time=10_000, number=10_000))
    assert [(n.position, n.cause, n.at.time, n.transfers[0].amount) for n in paid] == [
        ("b#1", ARRIVED, 160, 990),
        ("b#4", ARRIVED, 460, 890),
    ]
    assert [p.id for p in there.positions("me")] == ["b#2", "b#3"]
    assert here.advance(Block(time=1_199, number=1_199)) == []  # the first is settled then, with who filled it
    back = here.advance(Block(time=10_000, number=10_000))
    assert [(n.position, n.cause, n.at.time, dict(n.amounts)) for n in back] == [
        ("b#2", REFUNDED, 1_200, {BASE: -990, OP: 1_001}),
        ("b#3", REFUNDED, 1_300, {BASE: -491, OP: 500}),
    ]
    assert [n.transfers[0].target for n in back] == ["me", "me"]
    assert here.read("locked") == 0 and there.positions("me") == ()
    assert [here.read("ticket", n)[3] for n in (1, 2, 3, 4)] == [True] * 4


@pytest.mark.parametrize(("amount", "reason"), [(7, NOTHING_LEFT), (8, NOTHING_LEFT), (9, None), (51, "balance")])
def test_what_is_refused_changes_nothing(amount: int, reason: str | None) -> None:
    book, one = Book(), state()
    book.add(OP, "me", 50)
    ctx = Ctx(Block(time=1, number=1), "me", book)
    if reason is None:
        LiquidityBridgeModel().apply(one, 0, Action("send", {"amount": amount}), ctx)
        return
    with pytest.raises(Revert, match=reason):
        LiquidityBridgeModel().apply(one, 0, Action("send", {"amount": amount}), ctx)
    assert one.sides[0].tickets == []


def test_where_nobody_is_fast_enough_everything_comes_back() -> None:
    slow = state(dataclasses.replace(TERMS, fill=601))
    for one in (slow, state(dataclasses.replace(TERMS, fill=600))):
        one.sides[0].tickets.append(Ticket("me", 9, 1, 600))
    assert slow.fill_time(0, 1) is None
    assert one.fill_time(0, 1) == 600  # at the deadline itself it can still be paid


# --- in a study ---------------------------------------------------------------------------------------------------------


def study(**params: Any) -> Study:
    told = load_study(EXAMPLE)
    bridge = structs.replace(told.venues["bridge"], params={**told.venues["bridge"].params, **params})
    venues, tokens = {**told.venues, "bridge": bridge}, {**told.tokens, "ETH": 18}
    return structs.replace(told, end=told.start.replace(month=2), venues=venues, tokens=tokens)


@cache
def played(**params: Any) -> Any:
    return Backtest(prepare(study(**params))).play().outcomes


def sends(outcomes: Any) -> list[Recorded]:
    return [line for line in outcomes.record if isinstance(line, Recorded) and line.verb == "send"]


def befell(outcomes: Any, cause: str) -> list[Befell]:
    return [line for line in outcomes.record if isinstance(line, Befell) and line.happened.cause == cause]


def test_the_hopper_sends_in_pieces_that_are_filled() -> None:
    outcomes = played(missed_bps=0)
    sent, arrived = sends(outcomes), befell(outcomes, ARRIVED)
    assert len(sent) == len(arrived) >= 6 and not befell(outcomes, REFUNDED)
    assert max(line.action.args["amount"] for line in sent) == 15_000 * 10**6
    for line, there in zip(sent, arrived, strict=True):
        assert 60 <= there.happened.at.time - line.at.time <= 62
        assert there.happened.transfers[0].amount == line.result.amounts["output"]
    fall = waterfall(post(outcomes.record, outcomes.marks))
    kept = sum(line.result.amounts["amount"] - line.result.amounts["output"] for line in sent)
    assert fall.line("bridge").value == -kept
    assert abs(fall.unexplained) <= fall.bound


def test_what_comes_back_costs_gas_and_time_and_no_fee() -> None:
    outcomes = played(limit="14999")
    (back,) = {len(befell(outcomes, REFUNDED))} - {0}
    sent = {line.result.position: line for line in sends(outcomes)}
    fees = 0
    for line in befell(outcomes, ARRIVED):
        told = sent[line.happened.position].result.amounts
        fees += told["amount"] - told["output"]
    for line in befell(outcomes, REFUNDED):
        begun = sent[line.happened.position]
        assert line.happened.transfers[0].amount == begun.action.args["amount"] > 14_999 * 10**6
        assert 34_200 <= line.happened.at.time - begun.at.time <= 34_202
    fall = waterfall(post(outcomes.record, outcomes.marks))
    assert fall.line("bridge").value == -fees
    assert fall.line("events") is None or fall.line("events").value == 0
    assert abs(fall.unexplained) <= fall.bound
    assert back >= 1


def test_what_came_back_is_lent_where_it_was() -> None:
    """After a refund nothing is sent again until the next look that says so."""
    outcomes = played(limit="14999")
    first = befell(outcomes, REFUNDED)[0].happened.at.time
    after = [line for line in outcomes.record if isinstance(line, Recorded) and line.at.time >= first]
    assert after[0].verb == "supply"
    again = next(line for line in after if line.verb == "send")
    assert again.at.time - first > 12 * 3_600


def test_a_dear_bridge_is_not_taken() -> None:
    assert not sends(played(fee_bps=500))
    assert not sends(played(flat="400"))


@pytest.mark.parametrize(
    ("params", "line"),
    [
        ({"to": "op-mainnet"}, "venues.bridge.params.to: op-mainnet is where the bridge begins"),
        ({"to": "bas"}, "venues.bridge.params.to: unknown network 'bas'; did you mean 'base'"),
        ({"token": "ETH"}, "venues.bridge.params.token: ETH pays for gas"),
        ({"fee_bps": 10_000}, "venues.bridge.params.fee_bps: 10000 is not between 0 and 9,999"),
        ({"flat": "dear"}, "venues.bridge.params.flat"),
        ({"limit": "0.0000001"}, "venues.bridge.params.limit"),
        ({"missed_bps": 10_001}, "venues.bridge.params.missed_bps"),
        ({"settle_seconds": 0}, "venues.bridge.params.settle_seconds"),
    ],
)
def test_what_no_bridge_can_be_is_refused(params: dict[str, Any], line: str) -> None:
    with pytest.raises(BadInput) as caught:
        prepare(study(**params))
    assert line in str(caught.value)


def test_what_nobody_fills_in_time_is_said() -> None:
    (note,) = prepare(study(fill_seconds=30_000)).placed["bridge"].notes()
    assert note == "bridge: nobody fills within 21,600 s: everything sent comes back"


def test_the_page_says_what_the_example_gives() -> None:
    document = Backtest(prepare(load_study(EXAMPLE))).main_run()[0]
    page = " ".join((Path(__file__).parents[2] / "docs" / "venues" / "liquidity_bridge.md").read_text().split())
    rows = {row.key: abs(row.value) for row in document.waterfall}
    for key in ("keep", "bridge"):
        assert f"{rows[key] / 10**6:,.2f}" in page, (key, rows[key])
    assert msgspec.to_builtins(document.fidelity)["proof"] == "rule-checked"
