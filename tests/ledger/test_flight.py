"""Money between two networks: an account of its own that earns nothing, its two legs valued where it was sent."""

from __future__ import annotations

from collections.abc import Sequence

import msgspec
import pytest
from msgspec import Struct

from tidemill.engine.blocks import Blocks, Network
from tidemill.engine.rules import Rules
from tidemill.engine.run import Outcomes, run
from tidemill.engine.world import ModelWorld
from tidemill.errors import InvariantBroken
from tidemill.execution.journal import MemoryJournal
from tidemill.interfaces import All, Befell, Block, Costs, Decision, Every, Intent, News, Plan, Price, Recorded, View
from tidemill.ledger import rows
from tidemill.ledger import waterfall as waterfall_module
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall
from tidemill.venues.canonical_bridge.model import BridgeState
from tidemill.venues.canonical_bridge.stage import BridgeStage

DAY = 86_400
USDC, USDC1 = "USDC@op", "USDC@ethereum"
ETH, ETH1 = "ETH@op", "ETH@ethereum"
UNIT = 10**6


class Out(Struct, frozen=True):
    """Send everything out and wait."""

    def decide(self, view: View, memo: None, news: Sequence[News]) -> Decision[None]:
        if view.why == "start":
            return Decision((Plan((Intent("exit", "send", {"amount": All(USDC)}),)),), wake=(Every(DAY),))
        return Decision(wake=(Every(DAY),))


class Around(Struct, frozen=True):
    """Deposit everything from Ethereum, then send half of it back out."""

    def decide(self, view: View, memo: None, news: Sequence[News]) -> Decision[None]:
        if view.why == "start":
            return Decision((Plan((Intent("exit@ethereum", "deposit", {"amount": All(USDC1)}),)),), wake=(Every(DAY),))
        if view.balances.get(USDC, 0) == 1_000 * UNIT:
            return Decision((Plan((Intent("exit", "send", {"amount": 500 * UNIT}),)),), wake=(Every(DAY),))
        return Decision(wake=(Every(DAY),))


def lived(strategy: object, funds: dict[str, int], end: int = 20 * DAY, price: int = 1) -> Outcomes:
    op = Network("op", ETH, Blocks([Block(time=0, number=0)], 2_000))
    l1 = Network("ethereum", ETH1, Blocks([Block(time=0, number=0)], 12_000))
    state = BridgeState(
        venue="exit", l1="ethereum", l2="op", l1_token=USDC1, l2_token=USDC, escrow="escrow", minter="minter", first=0,
        first_time=0, block_seconds=2, locked=10**18,
    )  # fmt: skip
    bridge = BridgeStage("exit", "op", "minter", state, op.blocks.first_from)
    prices = {
        USDC: Price(1, 1),
        USDC1: Price(1, price),
        ETH: Price(3_000 * UNIT, 10**18),
        ETH1: Price(3_000 * UNIT, 10**18),
    }
    world = ModelWorld(
        [op, l1],
        [bridge, *bridge.beside],
        funds | {ETH: 10**16, ETH1: 10**17},
        Rules(start=0, end=end),
        cost=lambda venue, verb, features, block: Costs(l2_execution=10**12 if venue == "exit" else 10**15, gas_used=1),
        prices=lambda _: prices,
        outside=("market", "zero", "minter", "escrow"),
    )
    return run(world, strategy, run_id="flight", log=MemoryJournal())


def test_out_in_three_steps_with_gas_on_both_networks_and_nothing_earned():
    out = lived(Out(), {USDC: 1_000 * UNIT})
    books = post(out.record, out.marks)
    fall = waterfall(books)
    steps = [(step.verb, step.network, step.venue) for step in out.record if isinstance(step, Recorded)]
    assert steps == [
        ("send", "op", "exit"),
        ("prove", "ethereum", "exit@ethereum"),
        ("finalize", "ethereum", "exit@ethereum"),
    ]
    assert out.marks[-1].balances == {USDC1: 1_000 * UNIT, ETH: 10**16 - 10**12, ETH1: 10**17 - 2 * 10**15}
    assert fall.keep == -(3_000 * UNIT * (10**12 + 2 * 10**15) // 10**18)
    row = fall.line("bridge")
    assert row is not None
    assert (row.value, row.tokens) == (0, {USDC: -1_000 * UNIT, USDC1: 1_000 * UNIT})
    assert fall.families == ("bridge",)
    assert fall.value("income") == 0


def test_in_flight_it_is_an_account_of_its_own():
    out = lived(Out(), {USDC: 1_000 * UNIT})
    books = post(out.record, out.marks)
    flights = [state.accounts.get(("flight:exit#1", USDC1), 0) for state in books.states]
    assert set(flights) == {0, 1_000 * UNIT}
    there = [mark.time for mark, held in zip(books.marks, flights, strict=True) if held]
    assert there[-1] - there[0] >= 7 * DAY
    entry = next(e for e in books.entries if any(p.account == "flight:exit#1" for p in e.postings))
    assert {(p.account, p.token, p.amount) for p in entry.postings} == {
        ("flight:exit#1", USDC1, 1_000 * UNIT),
        ("bridge:exit", USDC1, -1_000 * UNIT),
    }


def test_unfinished_at_the_end_it_is_finished_after_it():
    out = lived(Out(), {USDC: 1_000 * UNIT}, end=2 * DAY)
    assert out.marks[-1].balances[USDC1] == 1_000 * UNIT
    assert waterfall(post(out.record, out.marks)).line("bridge") is not None


def test_a_deposit_arrives_by_itself_and_part_of_it_leaves_again():
    out = lived(Around(), {USDC1: 1_000 * UNIT})
    (arrived,) = [step for step in out.record if isinstance(step, Befell)]
    assert arrived.happened.cause == "arrived"
    assert 180 <= arrived.happened.at.time <= 180 + 12 + 12 + 2
    fall = waterfall(post(out.record, out.marks))
    assert (out.marks[-1].balances[USDC], out.marks[-1].balances[USDC1]) == (500 * UNIT, 500 * UNIT)
    row = fall.line("bridge")
    assert row is not None
    assert row.tokens == {USDC: 500 * UNIT, USDC1: -500 * UNIT}
    assert sum(line.value for line in fall.lines if line.key not in ("l2", "exit")) == 0


def test_a_token_worth_less_on_the_other_side_is_a_loss_of_moving_it():
    fall = waterfall(post(*_books(lived(Out(), {USDC: 1_000 * UNIT}, price=2))))
    row = fall.line("bridge")
    assert row is not None
    assert row.value == -500 * UNIT


def _books(out: Outcomes):
    return out.record, out.marks


def test_a_flight_that_changes_by_itself_is_caught():
    out = lived(Out(), {USDC: 1_000 * UNIT})
    marks = list(out.marks)
    place = next(i for i, m in enumerate(marks) if m.why == "decision" and m.positions)
    (flight,) = marks[place].positions
    more = msgspec.structs.replace(flight, principal={USDC1: 1_000 * UNIT + 1})
    marks[place] = msgspec.structs.replace(marks[place], positions=(more,))
    with pytest.raises(InvariantBroken, match="exit#1 changed by 1"):
        post(out.record, marks)


def test_its_row_left_out_is_caught(monkeypatch: pytest.MonkeyPatch):
    out = lived(Out(), {USDC: 1_000 * UNIT})
    books = post(out.record, out.marks)
    monkeypatch.setattr(waterfall_module, "ROWS", tuple(row for row in rows.ROWS if row.key != "bridge"))
    with pytest.raises(InvariantBroken):
        waterfall(books)
