"""The client of MiniChefV2 on a real chain against the model in memory: one random life, twice."""

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
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, RpcError, UnknownName
from tidemill.interfaces import Action, Block, Filled, Intent, Result, Revert, Reverted
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import CHEF, REWARDER, ChefDeployment
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.shared.client_parts import abi

pytestmark = pytest.mark.chain

OWNER = actor("owner")
USERS = (actor("alice"), actor("bob"))
NAMES = {"sushi": "SUSHI@op", "staked": "LP@op", "bonus": "BON@op"}
HALT = "halt InvalidFEOpcode"


class World:
    """Chain and model side by side; ``do`` is one action on both."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, token = anvil, Abi(artefact("TestToken").abi)
        made = [Deployment(name, "TestToken", (name, name, 6 + 6 * i)) for i, name in enumerate(NAMES)]
        made.append(Deployment("chef", "MiniChefV2", (AddressOf("sushi"),)))
        made.append(Deployment("stream", "ComplexRewarderTime", (AddressOf("bonus"), 0, AddressOf("chef"))))
        made.append(Deployment("multiple", "RewarderMock", (10**18 // 2, AddressOf("bonus"), AddressOf("chef"))))
        self.at = {name: address.lower() for name, address in deploy(anvil, OWNER, made).items()}
        self.stream, self.multiple = self.at["stream"], self.at["multiple"]
        assert ChefDeployment.sushi_of(anvil.rpc, self.at["chef"]) == self.at["sushi"]
        tokens = {self.at[name]: one for name, one in NAMES.items()}
        where = ChefDeployment(
            self.at["chef"], self.at["sushi"], tokens, {one: one for one in (self.stream, self.multiple)}
        )
        self.clients = {
            who: ChefClient(anvil.rpc, where, venue="chef", account=who, name=who) for who in (OWNER, *USERS)
        }
        common = {"token": "BON@op", "owner": OWNER}
        rewarders = [
            {"account": self.stream, "streams": True, "rate": 0, **common},
            {"account": self.multiple, "streams": False, "rate": 10**18 // 2, **common},
        ]
        params = {"account": self.at["chef"], "sushi": "SUSHI@op", "owner": OWNER, "rewarders": rewarders}
        self.block, book = Block(time=0, number=0), Book()
        self.model = ModelSide(ChefModel(), ChefModel().init(params), book, lambda: self.block)
        for name, one in NAMES.items():
            for who in (OWNER, *USERS):
                anvil.mine([(who, Call(self.at[name], token.encode("mint", who, 10**18)))])
                book.add(one, who, 10**18)

    def do(self, who: str, verb: str, args: dict[str, Any], time: int | None = None) -> bool:
        """Act on both; return whether both did it. Fails when they differ."""
        receipts = []
        for call in self.clients[who].plan(Intent("chef", verb, args)):
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=time if main else None)
            receipts.append(receipt)
            self.block = Block(time=block.timestamp, number=block.number)
        status = self.clients[who].decode(receipts)
        refused, result = "", Result()
        try:
            result = self.model.do(who, Action(verb, args))
        except Revert as revert:
            refused = revert.reason
        if isinstance(status, Reverted):
            assert status.reason == refused, (verb, args)
            return False
        assert isinstance(status, Filled) and not refused, (verb, args, refused, status)
        assert status.amounts == result.amounts, (verb, args)
        logs = [log for receipt in receipts for log in receipt.logs]
        assert_same(list(result.events), list(self.clients[who].events(logs)), verb)
        return True

    def same(self) -> None:
        """Every view, every balance, every position."""
        client, read, now = self.clients[USERS[0]], self.model.read, self.anvil.rpc.block().timestamp
        held = self.model.book.held
        for (token, who), amount in held.items():
            assert client.read("balance", token, who) == amount, (token, who)
        for query in ("poolLength", "totalAllocPoint", "sushiPerSecond"):
            assert client.read(query) == read(query), query
        assert client.read("rewarder.rewardPerSecond", self.stream) == read("rewarder.rewardPerSecond", self.stream)
        for pid in range(read("poolLength")):
            for query in ("poolInfo", "lpToken", "rewarder"):
                assert client.read(query, pid) == read(query, pid), query
            lying = held.get((read("lpToken", pid), self.at["chef"]), 0)
            assert client.read("rewarder.poolInfo", self.stream, pid) == read("rewarder.poolInfo", self.stream, pid)
            for who in USERS:
                for query, args in (
                    ("userInfo", (pid, who)),
                    ("pendingSushi", (pid, who, now, lying)),
                    ("rewarder.userInfo", (self.stream, pid, who)),
                    ("rewarder.pendingToken", (self.stream, pid, who, now, lying)),
                ):
                    asked = lambda source, q=query, a=args: _answer(source, q, a)  # noqa: E731
                    assert asked(client.read) == asked(read), (query, pid)
        for who in USERS:
            balance = lambda token, account: held.get((token, account), 0)  # noqa: E731
            mine = self.model.model.positions(self.model.state, "chef", who, now, balance)
            assert_same(tuple(mine), tuple(self.clients[who].positions(who)), "positions")


def _answer(source: Any, query: str, args: tuple[Any, ...]) -> Any:
    try:
        return source(query, *args)
    except Revert as revert:
        return revert.reason


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(chain_id=10)) as chain:
        yield chain


@pytest.fixture
def world(anvil: Anvil) -> World:
    made = World(anvil)
    stream, multiple = made.stream, made.multiple
    for args in (
        {"points": 3, "token": "LP@op", "rewarder": stream},
        {"points": 1, "token": "LP@op", "rewarder": multiple},
        {"points": 1, "token": "SUSHI@op"},
    ):
        assert made.do(OWNER, "add_pool", args)
    assert made.do(OWNER, "rewarder_add", {"rewarder": stream, "points": 4, "pid": 0})
    assert made.do(OWNER, "set_sushi_per_second", {"rate": 10**9})
    assert made.do(OWNER, "rewarder_rate", {"rewarder": stream, "rate": 10**7})
    return made


def test_our_signatures_are_the_artefacts_own() -> None:
    for text, name in ((CHEF, "MiniChefV2"), (REWARDER, "ComplexRewarderTime")):
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" in signature and "updatePool" not in signature:  # what updatePool returns is of no use here
                assert codec.outputs == real.functions[signature].outputs, signature
        for topic, event in ours.events.items():
            assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)


def _draw(rng: random.Random, world: World) -> tuple[str, str, dict[str, Any]]:
    who, pid, amount = rng.choice(USERS), rng.randrange(3), rng.randrange(1, 10 ** rng.randrange(3, 15))
    here = {"pid": pid} if pid or rng.random() < 0.5 else {}
    stream, till = {"rewarder": world.stream}, rng.choice((world.stream, world.multiple))
    to = {"to": rng.choice(USERS)} if rng.random() < 0.3 else {}
    return rng.choice(
        [
            (who, rng.choice(("deposit", "stake")), {**here, "amount": amount, **to}),
            (who, "deposit", {**here, "amount": amount}),
            (who, "withdraw", {**here, "amount": amount // 20, **to}),
            (who, rng.choice(("harvest", "claim")), {**here, **to}),
            (who, "withdraw_and_harvest", {**here, "amount": amount // 20, **to}),
            (who, rng.choice(("exit", "emergency_withdraw")), {**here, **to}),
            (OWNER, "fund", {"token": "SUSHI@op", "amount": 10**16}),
            (OWNER, "fund", {"token": "BON@op", "amount": 10**15, "rewarder": till}),
            (rng.choice((OWNER, who)), "set_pool", {"pid": pid, "points": rng.randrange(4)}),
            (OWNER, "set_sushi_per_second", {"rate": 10 ** rng.randrange(8, 11)}),
            (OWNER, "rewarder_set", {**stream, "pid": pid, "points": rng.randrange(1, 5)}),
            (OWNER, "rewarder_rate", {**stream, "rate": 10 ** rng.randrange(6, 9)}),
            (who, "update_pool", here),
            (who, "update_rewarder", {**here, **stream}),
        ]
    )


def test_client_and_model_agree_on_everything(world: World) -> None:
    rng, done, refused = random.Random("chef"), 0, 0
    start = world.anvil.rpc.block().timestamp
    for step in range(120):
        who, verb, args = _draw(rng, world)
        if world.do(who, verb, args, start + 3_600 * (step + 1)):
            done += 1
        else:
            refused += 1
        if step % 20 == 19:
            world.same()
    assert done > 70
    assert refused > 5
    world.same()


def test_a_division_by_zero_is_told_as_such(world: World) -> None:
    alice = USERS[0]
    assert world.do(alice, "stake", {"pid": 2, "amount": 1000})
    for pid in range(3):
        assert world.do(OWNER, "set_pool", {"pid": pid, "points": 0})
    assert not world.do(alice, "claim", {"pid": 2}, world.anvil.rpc.block().timestamp + 60)
    client = world.clients[alice]
    with pytest.raises(Revert, match=HALT):
        client.read("pendingSushi", 2, alice)
    (position,) = client.positions(alice)
    assert (position.id, position.data, position.claimable) == ("chef#2", {"staked": 1000}, {})
    with pytest.raises(Revert, match=HALT):
        client.plan(Intent("chef", "stake", {"pid": 7, "amount": 1}))
    assert world.do(OWNER, "set_pool", {"pid": 2, "points": 1, "rewarder": world.stream, "overwrite": True})
    assert client.read("rewarder", 2) == world.stream
    assert client.positions(actor("stranger")) == ()
    world.same()


def test_bad_intents_are_named(world: World) -> None:
    client = world.clients[USERS[0]]
    assert [c.purpose for c in client.plan(Intent("chef", "stake", {"amount": 5}))] == ["approve", "stake"]
    for verb, args, error, says in [
        ("stakes", {}, UnknownName, "did you mean 'stake'"),
        ("stake", {}, BadInput, "amount is missing"),
        ("stake", {"amount": -1}, BadInput, "below 0"),
        ("harvest", {"amount": 1}, BadInput, "amount is unknown"),
        ("fund", {"token": "X@op", "amount": 1}, UnknownName, "token of the chef"),
        ("rewarder_rate", {"rewarder": "x", "rate": 1}, UnknownName, "rewarder of the chef"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(Intent("chef", verb, args))
    with pytest.raises(BadInput, match="no stages"):
        client.plan(Intent("chef", "claim", {}), "later")
    for query in ("price", "rewarder.price"):
        with pytest.raises(BadInput, match="no view"):
            client.read(query, world.stream)
    with pytest.raises(RpcError, match="wrong address or chain"):
        ChefDeployment.sushi_of(world.anvil.rpc, actor("nobody"))
