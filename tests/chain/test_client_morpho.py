"""The client of a Morpho Blue market on a real chain against the model in memory: one random life, twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from harness import actor, assert_same
from harness.book import Book, ModelSide
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, Block, Filled, Intent, Limits, Revert, Reverted
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.client_abi import MORPHO
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.state import ADAPTIVE, MorphoState
from tidemill.venues.shared.client_parts import abi

pytestmark = pytest.mark.chain

MAKER, OWNER = actor("maker"), actor("owner")
USERS = (actor("alice"), actor("bob"), actor("carol"))
LLTV = 86 * 10**16
PRICE = 3_000 * 10**24
START = 1_800_000_000


class World:
    """A market of a 6-decimal loan token and an 18-decimal collateral, on a chain and in memory."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, token = anvil, Abi(artefact("TestToken").abi)
        made = [Deployment(name, "TestToken", (name, name, d)) for name, d in (("loan", 6), ("collateral", 18))]
        made += [Deployment("morpho", "Morpho", (OWNER,)), Deployment("oracle", "OracleMock", ())]
        at = deploy(anvil, MAKER, made)
        irm = deploy(anvil, MAKER, [Deployment("irm", "AdaptiveCurveRate", (at["morpho"],))])["irm"]
        params = (at["loan"], at["collateral"], at["oracle"], irm, LLTV)
        place = MorphoDeployment.of_market(
            at["morpho"], params, loan_id="L@op", collateral_id="C@op", irm_name=ADAPTIVE
        )
        everyone = (*USERS, OWNER)
        for who in everyone:
            anvil.set_balance(who, 10**21)
        mints = [(w, Call(at[t], token.encode("mint", w, 10**27))) for w in USERS for t in ("loan", "collateral")]
        anvil.mine(mints, time_s=START)
        self.clients = {who: MorphoClient(anvil.rpc, place, venue="market", account=who) for who in everyone}
        self.block = Block(time=START, number=1)
        book, model = Book(), MorphoModel()
        for who in USERS:
            for name in ("L@op", "C@op"):
                book.add(name, who, 10**27)
        state: MorphoState = model.init({"account": at["morpho"], "owner": OWNER})
        self.model: ModelSide[MorphoState] = ModelSide(model, state, book, lambda: self.block)
        terms = {"market": "market", "loan": "L@op", "collateral": "C@op", "irm": ADAPTIVE, "lltv": LLTV, "price": 0}
        for who, verb, args in (
            (OWNER, "enable_irm", {"irm": ADAPTIVE}),
            (OWNER, "enable_lltv", {"lltv": LLTV}),
            (USERS[0], "create_market", terms),
            (OWNER, "set_price", {"price": PRICE}),
            (OWNER, "set_fee_recipient", {"to": OWNER}),
            (OWNER, "set_fee", {"fee": 10**17}),
            (USERS[2], "supply", {"assets": 10**12}),
        ):
            assert self.do(who, verb, args, 12)

    def do(self, who: str, verb: str, args: dict[str, Any], seconds: int) -> bool:
        """Act on both; return whether both did it. Fails when they differ."""
        receipts = []
        planned = self.clients[who].plan(Intent("market", verb, args))
        for call in planned:
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine(
                [(who, call)], time_s=self.anvil.rpc.block().timestamp + (seconds if main else 1)
            )
            receipts.append(receipt)
            if main:
                self.block = Block(time=block.timestamp, number=block.number)
        status = self.clients[who].decode(receipts)
        try:
            result = self.model.do(who, Action(verb, args))
        except Revert as revert:
            refused = Reverted(revert.reason)
        else:
            refused = None
        if refused is not None:
            assert status == refused, (verb, args)
            return False
        assert isinstance(status, Filled), (verb, args, status)
        assert_same(dict(status.amounts), dict(result.amounts), verb)
        assert {c.purpose for c in planned} <= {"approve", verb}
        return True


@pytest.fixture
def world() -> Iterator[World]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield World(anvil)


def test_our_signatures_are_the_artefacts_own() -> None:
    ours, real = abi(MORPHO), Abi(artefact("Morpho").abi)
    for signature, codec in ours.functions.items():
        if "(" in signature:
            assert codec.outputs == real.functions[signature].outputs, signature


def _draw(rng: random.Random, world: World) -> tuple[str, str, dict[str, Any]]:
    who, other = rng.sample(USERS, 2)
    account = world.model.state.markets["market"].of(who)
    money, coins = rng.randrange(1, 10**11), rng.randrange(1, 10**20)
    pick = [
        ("supply", {"assets": money}),
        ("supply", {"shares": money * 10**6}),
        ("withdraw", {"assets": money // 10}),
        ("withdraw", {"shares": account.supply_shares}),
        ("supply", {"asset": "L@op", "amount": money}),
        ("withdraw", {"asset": "L@op", "amount": money // 10}),
        ("withdraw", {"asset": "L@op", "amount": (1 << 256) - 1}),
        ("supply_collateral", {"assets": coins}),
        ("withdraw_collateral", {"assets": coins // 30}),
        ("borrow", {"assets": money // 2}),
        ("borrow", {"shares": money * 10**5}),
        ("repay", {"assets": money // 20}),
        ("repay", {"shares": account.borrow_shares}),
        ("liquidate", {"borrower": other, "seized": coins // 10**4 + 1}),
        ("liquidate", {"borrower": other, "repaid_shares": 10**9}),
        ("accrue", {}),
        ("set_price", {"price": PRICE * rng.choice((100, 100, 50, 10, 1)) // 100}),
    ]
    verb, args = rng.choice(pick)
    return who, verb, args


def test_client_and_model_agree_on_everything(world: World) -> None:
    rng, done, refused = random.Random("morpho"), set(), 0
    for _ in range(200):
        who, verb, args = _draw(rng, world)
        if world.do(who, verb, args, rng.choice((1, 600, 3_000))):
            done.add((verb, "shares" in args or "repaid_shares" in args, "amount" in args))
        else:
            refused += 1
    assert len(done) >= 14
    assert refused > 10
    _same(world)


def _same(world: World) -> None:
    client, state = world.clients[USERS[0]], world.model.state
    seen = client.snapshot(accounts=(*USERS, OWNER))
    kept = {who: account for who, account in state.markets["market"].accounts.items() if any(account)}
    state.markets["market"].accounts = kept
    assert_same(state.markets, seen.markets, "market")
    assert (state.account, state.owner, state.fee_recipient) == (seen.account, seen.owner, seen.fee_recipient)
    for name in ("market", "price", "rateAtTarget", "owner", "feeRecipient"):
        assert client.read(name) == world.model.read(name), name
    for token in ("L@op", "C@op"):
        for who in (*USERS, state.account):
            assert client.read("balance", token, who) == world.model.book.held[token, who]
    world.anvil.mine([], time_s=world.block.time + 86_400)
    told = 0
    for who in (*USERS, OWNER):
        assert client.read("position", who) == world.model.read("position", who)
        mine = world.model.model.positions(state, "market", who, world.block.time + 86_400, lambda _t, _a: 0)
        assert tuple(client.positions(who)) == tuple(mine)
        told += len(mine)
    assert told > 4
    assert client.positions(actor("stranger")) == ()


def test_shares_leave_no_allowance_and_bad_intents_are_named(world: World) -> None:
    client = world.clients[USERS[0]]
    planned = client.plan(Intent("market", "supply", {"shares": 10**9}))
    assert [c.purpose for c in planned] == ["approve", "supply", "approve"]
    assert [c.purpose for c in client.plan(Intent("market", "supply", {"assets": 10**9}))] == ["approve", "supply"]
    for intent, error, says in [
        (Intent("market", "suply", {}), UnknownName, "did you mean 'supply'"),
        (Intent("market", "supply", {"amount": 1}), BadInput, "amount is unknown"),
        (Intent("market", "supply", {"assets": 1}, Limits(amounts={"shares": 1})), BadInput, "shares is unknown"),
        (Intent("market", "supply_collateral", {"shares": 1}), BadInput, "shares is unknown"),
        (Intent("market", "borrow", {"assets": -1}), BadInput, "below 0"),
        (Intent("market", "liquidate", {"seized": 1}), BadInput, "borrower is missing"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(intent)
    with pytest.raises(BadInput, match="no stages"):
        client.plan(Intent("market", "supply", {"assets": 1}), "later")
    with pytest.raises(BadInput, match="no view"):
        client.read("slot0")
    with pytest.raises(BadInput, match="not of venue market"):
        client.read("balance", "X@op", USERS[0])
