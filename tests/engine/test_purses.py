"""Purses in random worlds: strategies without sense share one wallet, and never touch each other's money."""

from __future__ import annotations

import random
from collections import Counter

import pytest
from standins import RangePool
from test_random_worlds import TOKENS, Chaos, chaotic
from worlds import GAS, world

from tidemill.engine.run import run
from tidemill.errors import BadInput
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import COMMON, All, At, Intent, Move, Outcome, Plan, Recorded, Reverted, Skipped, purse_of
from tidemill.ledger.purses import parts
from tidemill.strategies.portfolio import Portfolio, Stream, Transfer
from tidemill.strategies.purse_view import PurseView

USDC = "USDC@op"


def several(seed: int) -> Portfolio:
    rng = random.Random(seed)
    gas = rng.choice(("common", "own"))
    native = {} if gas == "common" else {"ETH@op": GAS // 10}
    streams = tuple(
        Stream(name, Chaos(seed * 7 + place), native | {token: rng.randrange(10**8) for token in TOKENS})
        for place, name in enumerate("abc")
    )
    transfers = (
        Transfer("a", "b", USDC, 2_500, "idle", every=rng.randrange(50, 500)),
        Transfer("b", "c", rng.choice(TOKENS), 9_000, "idle", least=10**7),
        Transfer("c", "", "RWD@op", 10_000, "idle", every=300),
        Transfer("", "a", USDC, 100, "income", every=200),
    )
    return Portfolio(streams, transfers, gas)


@pytest.mark.parametrize("seed", range(3))
def test_purses_are_the_wallet_whatever_is_asked_for(seed: int):
    w, portfolio = chaotic(seed), several(seed)
    out = run(w, portfolio, run_id=f"purses{seed}", log=MemoryJournal())
    made = parts(out.record, out.marks, out.moved)  # the wallet's parts at every mark, from the record alone
    for name in made:
        assert made[name].marks[-1].balances == w.scribe.purses.holdings(name)
    steps = Counter(purse_of(line.plan) for line in out.record if isinstance(line, Recorded))
    assert set(steps) == {"a", "b", "c"}
    ranges = [{p.id for mark in part.marks for p in mark.positions if p.venue == "pool"} for part in made.values()]
    assert sum(map(len, ranges)) == len(set().union(*ranges)) > 0  # the farm keeps one position for them all
    assert any(one.why == "plan" and one.move.source != COMMON for one in out.moved)
    assert bool([one for one in out.moved if one.why == "gas"]) == (portfolio.gas == "common")
    if seed == 0:
        assert run(chaotic(seed), several(seed), run_id=f"purses{seed}", log=MemoryJournal()).hash == out.hash


def pay(amount: int | All) -> Intent:
    return Intent("pool", "swap_exact_in", {"token_in": USDC, "amount_in": amount})


@pytest.mark.parametrize("simulate", [True, False])
def test_a_plan_lives_from_its_purse_alone(simulate: bool):
    w = world([RangePool("pool", "op", TOKENS, [(0, 0)])], {USDC: 1_000}, simulate=simulate)
    w.advance(())
    w.allot((Move("", "one", USDC, 300), Move("", "two", USDC, 200)))
    plans = [
        Plan((pay(301),), id="one:1", purse="one", payer=""),
        Plan((pay(All(USDC)),), id="two:1", purse="two", payer=""),
        Plan((pay(All(USDC, keep=100)),), id="0"),
    ]
    w.submit(plans, ())
    told = {}
    while w.plans_in_flight() or len(told) < 3:
        told |= {one.plan: one.status for one in w.advance(())[1] if isinstance(one, Outcome)}
    assert told["one:1"] == Skipped("purse one holds 300 USDC@op, not 301")
    paid = {line.plan: line.action.args["amount_in"] for line in w.record if line.costs.total}
    assert paid == {"two:1": 200, "0": 400}
    assert w.purses()["one"] == {USDC: 300}
    assert w.purses()[COMMON][USDC] == 100


def test_a_fee_comes_from_who_is_to_pay_it_and_is_the_streams_cost():
    w = world([RangePool("pool", "op", TOKENS, [(0, 0)])], {USDC: 1_000})
    w.advance(())
    w.allot((Move("", "rich", USDC, 100), Move("", "rich", "ETH@op", 150), Move("", "poor", USDC, 100)))
    w.submit([Plan((pay(10),), id=f"{name}:1", purse=name) for name in ("rich", "poor")], ())
    w.submit([Plan((pay(10),), id="poor:2", purse="poor", payer="")], ())
    told = {}
    while len(told) < 3:
        told |= {one.plan: one.status for one in w.advance(())[1] if isinstance(one, Outcome)}
    assert told["poor:1"] == Skipped("purse poor holds 0 ETH@op, not 100")
    assert w.purses()["rich"]["ETH@op"] == 50
    assert [(one.move, one.why) for one in w.moved[3:]] == [(Move("", "poor", "ETH@op", 100), "gas")]
    w.close()
    made = parts(w.record, w.marks, w.moved)
    assert sum(line.costs.total for line in made["poor"].record if isinstance(line, Recorded)) == 100
    assert made[COMMON].marks[-1].balances["ETH@op"] == GAS - 250


def test_a_revert_is_paid_by_the_purse_that_is_to_pay(monkeypatch: pytest.MonkeyPatch):
    w = world([RangePool("pool", "op", TOKENS, [(0, 0)])], {USDC: 1_000}, simulate=False)
    w.advance(())
    w.allot((Move("", "one", USDC, 100),))
    w.submit([Plan((Intent("pool", "close", {"position": "pool#9"}),), id="one:1", purse="one", payer="")], ())
    _, news = w.advance(())
    assert isinstance(news[0].status, Reverted)
    assert w.purses() == {COMMON: {"ETH@op": GAS - 40, USDC: 900}, "one": {USDC: 100}}


def test_no_purse_gives_more_than_it_has():
    w = world([RangePool("pool", "op", TOKENS, [(0, 0)])], {USDC: 1_000})
    w.advance(())
    with pytest.raises(BadInput, match="1001 USDC@op cannot leave purse common, which holds 1000"):
        w.allot((Move("", "one", USDC, 1_001),))
    with pytest.raises(BadInput, match="0 USDC@op cannot leave purse common"):
        w.allot((Move("", "one", USDC, 0),))


def test_all_of_a_token_is_all_of_the_purse_in_questions_too():
    w = world([RangePool("pool", "op", TOKENS, [(0, 0)])], {USDC: 1_000_000})
    w.advance(())
    w.allot((Move("", "one", USDC, 300_000),))
    w.submit((), ())
    view, _ = w.advance((At(1_010),))
    shown = PurseView(view, "one", view.purses["one"])
    assert shown.balances == {USDC: 300_000}
    assert shown.quote(pay(All(USDC))) == view.quote(pay(300_000)) != view.quote(pay(All(USDC)))
    assert shown.quote(pay(All(USDC, keep=100_000))) == view.quote(pay(200_000))
    assert not shown.in_flight
    assert not shown.positions
