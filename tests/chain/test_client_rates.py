"""The clients of liquid staking and of a savings vault on a real chain against their models in memory: one random life each."""

from __future__ import annotations

import random
from collections.abc import Callable, Iterator
from typing import Any

import pytest

from harness import actor, assert_same
from harness.book import Book, ModelSide
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Action, Block, Filled, Intent, Limits, Revert, Reverted
from tidemill.venues.liquid_staking.client import BRIDGED, STAKING, BridgedClient, StakingClient, StakingDeployment
from tidemill.venues.liquid_staking.model import StakingModel
from tidemill.venues.savings_vault.client import SAVINGS, SavingsClient
from tidemill.venues.savings_vault.model import SavingsModel
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.vault_client import VaultDeployment

pytestmark = pytest.mark.chain

MAKER, BOSS, TREASURY = actor("maker"), actor("boss"), actor("treasury")
USERS = (actor("alice"), actor("bob"))
START, RATE = 1_800_000_000, 1000000001547125957863212448
ASSET, SHARE = "A@op", "S@op"


class World:
    """A contract and its model, with the same actors; ``do`` is one action on both."""

    def __init__(self, anvil: Anvil, contract: str, terms: tuple[Any, ...]) -> None:
        self.anvil, token = anvil, Abi(artefact("TestToken").abi)
        made = [Deployment("asset", "TestToken", ("A", "A", 18)), Deployment("venue", contract, terms)]
        anvil.mine([], time_s=START)
        self.at = {name: address.lower() for name, address in deploy(anvil, MAKER, made).items()}
        everyone = (*USERS, BOSS)
        for who in everyone:
            anvil.set_balance(who, 10**21)
        anvil.mine([(who, Call(self.at["asset"], token.encode("mint", who, 10**27))) for who in everyone])
        self.block, self.book = Block(time=START, number=1), Book({ASSET: "balance", SHARE: "balance"})
        for who in everyone:
            self.book.add(ASSET, who, 10**27)
        self.clients: dict[str, Any] = {}
        self.model: ModelSide[Any]

    def stand(self, client: Callable[[str], Any], model: Any, state: Any) -> None:
        self.clients = {who: client(who) for who in (*USERS, BOSS)}
        self.model = ModelSide(model, state, self.book, lambda: self.block)

    def do(self, who: str, verb: str, args: dict[str, Any], seconds: int = 12) -> bool:
        """Act on both; return whether both did it. Fails when they differ."""
        receipts = []
        for call in self.clients[who].plan(Intent("venue", verb, args)):
            main = call.purpose == verb
            now = self.anvil.rpc.block().timestamp
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=now + (seconds if main else 1))
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
        shown = {name: status.amounts[name] for name in result.amounts if name in status.amounts}
        assert_same(dict(status.amounts), shown, verb)
        assert status.position == result.position
        return True

    def same(self, *queries: tuple[Any, ...]) -> None:
        """Views, positions, rates and balances, told by the client and by the model."""
        client = self.clients[USERS[0]]
        for query in queries:
            assert_same(client.read(*query), self.model.read(*query), str(query))
        for token in (ASSET, SHARE):
            for who in (*USERS, self.at["venue"]):
                assert client.read("balance", token, who) == self.book.held.get((token, who), 0)


@pytest.fixture
def anvil() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(chain_id=10, timestamp=START - 1)) as chain:
        yield chain


@pytest.mark.parametrize(
    ("text", "name"), [(STAKING, "LiquidStaking"), (BRIDGED, "BridgedRate"), (SAVINGS, "SavingsVault")]
)
def test_our_signatures_are_the_artefacts_own(text: str, name: str) -> None:
    ours, real = abi(text), Abi(artefact(name).abi)
    for signature, codec in ours.functions.items():
        if "(" in signature:
            assert codec.outputs == real.functions[signature].outputs, signature
    for topic, event in ours.events.items():
        assert event.indexed == real.events[topic].indexed


def staking(anvil: Anvil) -> World:
    world = World(anvil, "LiquidStaking", ("S", "S", 18, AddressOf("asset"), BOSS, TREASURY, 1_000, 10**24))
    where = StakingDeployment(world.at["venue"], world.at["asset"], ASSET, SHARE)
    parties = {"venue": "venue", "reporter": BOSS, "treasury": TREASURY, "fee_bps": 1_000, "max_request": 10**24}
    state = StakingModel().init({"account": world.at["venue"], "asset": ASSET, "share": SHARE, **parties})
    world.stand(lambda who: StakingClient(anvil.rpc, where, venue="venue", account=who), StakingModel(), state)
    return world


def test_staking_clients_and_model_agree_on_everything(anvil: Anvil) -> None:
    world, rng, done, refused = staking(anvil), random.Random("staking"), set(), 0
    for _ in range(90):
        who, amount = rng.choice(USERS), rng.randrange(1, 10**22)
        now, count = anvil.rpc.block().timestamp, len(world.model.state.requests)
        pick = [
            (who, "stake", {"amount": amount}),
            (who, "transfer", {"to": rng.choice(USERS), "amount": amount // 9}),
            (who, "request_withdrawal", {"shares": amount // 5}),
            (who, "claim", {"position": f"venue#{rng.randrange(count + 2)}"}),
            (BOSS, "report_rewards", {"amount": amount // 40}),
            (BOSS, "report_slashing", {"amount": amount // 100}),
            (BOSS, "finalize", {"until": now - rng.choice((0, 60))}),
        ]
        who, verb, args = rng.choice(pick)
        if world.do(who, verb, args):
            done.add(verb)
        else:
            refused += 1
    assert len(done) == 7 and refused > 10
    names = ("totalAssets", "totalSupply", "lastFinalized", "requestCount", "getRate", "maxRequest")
    count = world.model.read("requestCount")
    world.same(*((name,) for name in names), *(("request", id_) for id_ in range(1, count + 1)), ("convertToShares", 7))
    client = world.clients[USERS[0]]
    assert_same(dict(client.rates()), dict(world.model.model.rates(world.model.state, "venue", lambda t, a: 0)))
    told = 0
    for who in (*USERS, actor("stranger")):
        mine = world.model.model.positions(world.model.state, "venue", who, 0, lambda t, a: 0)
        assert tuple(client.positions(who)) == tuple(mine)
        told += len(mine)
    assert told > 2
    for intent, error, says in [
        (Intent("venue", "stakes", {}), UnknownName, "did you mean 'stake'"),
        (Intent("venue", "stake", {"shares": 1}), BadInput, "amount is missing"),
        (Intent("venue", "claim", {"position": "other#1"}), BadInput, "no request of venue venue"),
        (Intent("venue", "stake", {"amount": 1}, Limits(amounts={"shares": 1})), BadInput, "shares is unknown"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(intent)
    for query, says in ((("slot0",), "no view"), (("balance", "X@op", USERS[0]), "not of venue venue")):
        with pytest.raises(BadInput, match=says):
            client.read(*query)
    with pytest.raises(BadInput, match="own verb as an intent"):
        client.plan(Intent("venue", "stake", {"amount": 1}), "claim")


def test_savings_clients_and_model_agree_on_everything(anvil: Anvil) -> None:
    world = World(anvil, "SavingsVault", ("S", "S", 18, AddressOf("asset"), BOSS, RATE, START - 1))
    where = VaultDeployment.of_vault(anvil.rpc, world.at["venue"], asset_id=ASSET, share_id=SHARE)
    params = {"account": world.at["venue"], "asset": ASSET, "share": SHARE, "governor": BOSS}
    state = SavingsModel().init({**params, "rate": RATE, "rho": START - 1})
    world.stand(lambda who: SavingsClient(anvil.rpc, where, venue="venue", account=who), SavingsModel(), state)
    rng, done, refused = random.Random("savings"), set(), 0
    for _ in range(70):
        who, amount = rng.choice(USERS), rng.randrange(1, 10**22)
        pick = [
            (who, "deposit", {"assets": amount}),
            (who, "mint", {"shares": amount}),
            (who, "withdraw", {"assets": amount // 3}),
            (who, "redeem", {"shares": amount // 3}),
            (who, "drip", {}),
            (rng.choice((who, BOSS)), "set_rate", {"rate": RATE + rng.randrange(-2 * 10**18, 10**18)}),
        ]
        who, verb, args = rng.choice(pick)
        if world.do(who, verb, args, rng.choice((1, 600, 86_400))):
            done.add(verb)
        else:
            refused += 1
    assert len(done) == 6 and refused > 5
    now, client = anvil.rpc.block().timestamp, world.clients[USERS[0]]
    plain = [(name,) for name in ("totalSupply", "chi", "rho", "rate")]
    timed = [
        (name, 10**9 + 7, now) for name in ("convertToAssets", "convertToShares", "previewMint", "previewWithdraw")
    ]
    world.same(*plain, *timed, ("totalAssets", now))
    assert_same(dict(client.rates()), dict(world.model.model.rates_at(world.model.state, "venue", now)))
    assert [c.purpose for c in client.plan(Intent("venue", "mint", {"shares": 9}))] == ["approve", "mint", "approve"]
    with pytest.raises(UnknownName, match="verb of a savings vault"):
        client.plan(Intent("venue", "donate", {"assets": 1}))


def test_a_bridged_rate_on_a_chain(anvil: Anvil) -> None:
    at = deploy(anvil, MAKER, [Deployment("rate", "BridgedRate", (BOSS, 10**18))])["rate"].lower()
    where = StakingDeployment(at, "0x" + "aa" * 20, ASSET, SHARE)
    boss, other = (BridgedClient(anvil.rpc, where, venue="rate", account=who) for who in (BOSS, USERS[0]))
    for who in (BOSS, USERS[0]):
        anvil.set_balance(who, 10**21)
    for who, client, want in (
        (USERS[0], other, Reverted("not the feeder")),
        (BOSS, boss, Filled({"rate": 12 * 10**17})),
    ):
        (call,) = client.plan(Intent("rate", "push", {"rate": 12 * 10**17}))
        block, receipts = anvil.mine([(who, call)])
        assert client.decode(receipts) == want
    assert (other.read("getRate"), other.read("updatedAt")) == (12 * 10**17, block.timestamp)
    assert other.rates()[SHARE].of_down(10) == {ASSET: 12}
    assert other.positions(BOSS) == ()
    with pytest.raises(UnknownName, match="verb of a bridged staking token"):
        boss.plan(Intent("rate", "stake", {"amount": 1}))
    with pytest.raises(BadInput, match="no view"):
        boss.read("push")
