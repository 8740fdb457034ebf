"""A liquidity bridge against our contract of the public rule, a side on each of two local chains.

After every action tickets, what is locked, who was paid, positions and balances must be equal, or both must have refused for the
same reason. Then what the contract refuses whoever fills and settles, which the model never lets them try.
"""

from __future__ import annotations

import random
from collections import Counter
from collections.abc import Iterator
from contextlib import ExitStack

import pytest

from harness.book import Book, Ctx
from tidemill.chain import artefacts
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Result, Revert
from tidemill.venues.liquidity_bridge.client import BRIDGE, HalfClient
from tidemill.venues.liquidity_bridge.local import LocalHalf
from tidemill.venues.liquidity_bridge.model import BridgeState, LiquidityBridgeModel, Side, Terms
from tidemill.venues.liquidity_bridge.stage import LiquidityStage
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.ground import ZERO, Ground

if not artefacts.available("TestToken", "LiquidityBridge"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)
if not any(row.cached for row in artefacts.ls() if "anvil" in row.package):
    pytest.skip("anvil is not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

pytestmark = pytest.mark.chain

START, WEALTH = 1_760_000_000, 40_000
ME = "0x70997970c51812dc3a010c7d01b50e0d17dc79c8"
PEOPLE = ("me", "somebody")


class Twins:
    """Both sides on chains of their own and in the model, on one clock."""

    def __init__(self, stack: ExitStack, terms: Terms) -> None:
        self.now, self.book, self.terms = START, Book(), terms
        sides = [
            Side(name, net, f"USDC@{net}", f"{name}:spoke", f"{name}:relayer")
            for name, net in (("b", "op"), ("b@base", "base"))
        ]
        self.state = BridgeState((sides[0], sides[1]), terms)
        options = [AnvilOptions(chain_id=31_337 + n, timestamp=START - 1, seconds_per_block=0) for n in (0, 1)]
        self.grounds = [Ground(stack.enter_context(Anvil(one)), ME, {"USDC": 6}) for one in options]
        self.grounds[0].beyond = {"base": self.grounds[1]}
        stage = LiquidityStage(self.state, 0, [lambda time: Block(time=time, number=time)] * 2)
        own = LocalHalf(self.grounds[0], stage)
        assert own.beside is not None
        self.halves = [own, own.beside]
        own.start(Block(time=START, number=START))
        for half, ground in zip(self.halves, self.grounds, strict=True):
            token = half.tokens[0]
            for who in PEOPLE:
                ground.give(token, who, WEALTH)
                self.book.add(token, who, WEALTH)
            self.book.add(token, half.twin.state.sides[half.twin.side].relayer, 1 << 200)

    def pass_time(self, seconds: int) -> Counter[str]:
        """Let the clock go on: others fill and settle on both chains, the model by itself."""
        self.now += seconds
        to, did = Block(time=self.now, number=self.now), Counter[str]()
        for half, ground in zip(self.halves, self.grounds, strict=True):
            for item in half.arising(to):
                receipts = ground.mine(half.calls(item), max(item.block.time, ground.rpc.block().timestamp))
                assert receipts[-1].status, receipts[-1].revert_reason
                did[item.action.verb] += 1
        for half in self.halves:
            for news in half.twin.advance(to):
                did[news.cause] += 1
                self.book.move(Result({}, news.transfers))
        for ground in self.grounds:
            ground.reach(self.now)
        return did

    def send(self, at: int, who: str, amount: int) -> str:
        """Send on both; return why both refused, empty where neither did."""
        half, ground = self.halves[at], self.grounds[at]
        self.now += 1
        block = Block(time=self.now, number=self.now)
        told: Result | Revert
        try:
            told = LiquidityBridgeModel().apply(
                self.state, at, Action("send", {"amount": amount}), Ctx(block, who, self.book)
            )
            self.book.move(told)
        except Revert as refusal:
            told = refusal
        client = HalfClient(half.client.here, half.client.across, account=ground.address(who))
        calls = [(ground.address(who), call) for call in client.plan(Intent(half.id, "send", {"amount": amount}))]
        *_, receipt = ground.mine(calls, self.now)
        if isinstance(told, Revert):
            assert (receipt.status, receipt.revert_reason) == (False, told.reason)
            return told.reason
        status = client.decode([receipt])
        assert (status.amounts, status.position) == (dict(told.amounts), told.position)
        return ""

    def compare(self) -> None:
        """All that anybody can see is equal."""
        for half, ground in zip(self.halves, self.grounds, strict=True):
            token, twin = half.tokens[0], half.twin
            for name, model, chain in half.state(twin):
                assert model == chain, (half.id, name)
            held = ground.held(PEOPLE)
            for who in PEOPLE:
                assert held[token, who] == self.book.held[token, who], (half.id, who)
                client = HalfClient(half.client.here, half.client.across, account=ground.address(who))
                assert list(client.positions(ground.address(who))) == list(twin.positions(who))
            for amount in (0, 1, 333, 12_345):
                assert half.client.read("fee", amount) == twin.read("fee", amount)


@pytest.fixture
def stack() -> Iterator[ExitStack]:
    with ExitStack() as stack:
        yield stack


TERMS = Terms(bps=30, flat=7, limit=9_000, fill=60, expiry=600, settle=400, missed=(False, False, False, True))


def test_model_equals_the_contracts_after_every_action(stack: ExitStack) -> None:
    twins, rng, done = Twins(stack, TERMS), random.Random("liquidity bridge twins"), Counter[str]()
    for _ in range(120):
        if rng.random() < 0.5:
            done.update(twins.pass_time(rng.choice((1, 30, 59, 60, 61, 400, 601, 1_200))))
        else:
            amount = rng.choice((rng.randrange(1, 12), rng.randrange(12, 4_000), rng.randrange(8_000, 12_000), 60_000))
            done[twins.send(rng.randrange(2), rng.choice(PEOPLE), amount) or "sent"] += 1
        twins.compare()
    done.update(twins.pass_time(2_000))
    twins.compare()
    assert {"sent", "fill", "settle", "arrived", "refunded", "the fee takes all of it", "balance"} <= set(done)
    assert done["fill"] == done["arrived"] > 10 and done["settle"] == done["sent"] > 20
    assert done["refunded"] == done["settle"] - done["fill"] > 3
    assert all(half.client.read("locked") == 0 for half in twins.halves)


def test_what_the_contract_refuses_who_fills_and_settles(stack: ExitStack) -> None:
    twins = Twins(stack, TERMS)
    assert twins.send(0, "me", 5_000) == "" == twins.send(0, "me", 4_000)
    (here, there), (mine, across) = twins.halves, twins.grounds
    relayer, boss = across.address("b@base:relayer"), mine.address("deployer")
    deadline = here.client.read("ticket", 1)[2]

    def said(ground: Ground, who: str, to: str, time: int, name: str, *args: object) -> str:
        (receipt,) = ground.mine([(who, Call(to, abi(BRIDGE).encode(name, *args), purpose=name))], time)
        return "" if receipt.status else receipt.revert_reason or "?"

    one, two = here.client.here.bridge, there.client.here.bridge
    order = (ME, here.client.read("ticket", 1)[1], deadline)
    assert said(across, relayer, two, deadline, "fill", 1, *order) == ""  # the deadline itself is in time
    assert said(across, relayer, two, deadline, "fill", 1, *order) == "filled already"
    assert said(across, relayer, two, deadline + 2, "fill", 2, *order) == "expired"
    assert said(mine, boss, one, deadline + 399, "settle", 1, relayer) == "too early"
    assert said(mine, ME, one, deadline + 400, "settle", 1, ME) == "not the settler"
    assert said(mine, boss, one, deadline + 400, "settle", 1, relayer) == ""
    assert said(mine, boss, one, deadline + 500, "settle", 1, ZERO) == "settled already"
    assert said(mine, boss, one, deadline + 500, "settle", 3, ZERO) == "no such ticket"
