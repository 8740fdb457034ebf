"""The clients of vault and farm on a real chain against their models in memory: one random life, twice."""

from __future__ import annotations

import copy
import dataclasses
import random
from collections.abc import Iterator

import pytest

from harness import actor, assert_same
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, RpcError, UnknownName
from tidemill.interfaces import Action, Block, Filled, Intent, Limits, Result, Revert, Reverted
from tidemill.venues.erc4626.client import VAULT, VaultClient, VaultDeployment
from tidemill.venues.erc4626.model import VaultModel
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.staking_rewards.client import FARM, FarmClient, FarmDeployment
from tidemill.venues.staking_rewards.model import FarmModel

pytestmark = pytest.mark.chain

MAKER, DISTRIBUTOR = actor("maker"), actor("distributor")
USERS = (actor("alice"), actor("bob"))
TOKEN = "TestToken"


class Book:
    """The models' side of the world."""

    def __init__(self) -> None:
        self.held: dict[tuple[str, str], int] = {}
        self.block, self.sender = Block(time=0, number=0), ""

    def balance(self, token: str, account: str) -> int:
        return self.held.get((token, account), 0)

    def move(self, transfer) -> None:
        raise NotImplementedError("these models list their transfers")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("these models act nowhere else")

    def post(self, result: Result) -> None:
        for moved in result.transfers:
            self.held[moved.token, moved.source] = self.balance(moved.token, moved.source) - moved.amount
            self.held[moved.token, moved.target] = self.balance(moved.token, moved.target) + moved.amount


class World:
    def __init__(self, anvil: Anvil, offset: int) -> None:
        self.anvil, self.token = anvil, Abi(artefact(TOKEN).abi)
        anvil.errors.update(Abi(artefact("TestVault").abi).errors)
        at = deploy(
            anvil,
            MAKER,
            [
                Deployment("asset", TOKEN, ("A", "A", 6)),
                Deployment("reward", TOKEN, ("R", "R", 18)),
                Deployment("vault", "TestVault", (AddressOf("asset"), "V", "V", offset)),
                Deployment("farm", "StakingRewards", (DISTRIBUTOR, AddressOf("reward"), AddressOf("vault"))),
            ],
        )
        vault = VaultDeployment.of_vault(anvil.rpc, at["vault"], asset_id="A@op", share_id="V@op")
        farm = FarmDeployment.of_farm(anvil.rpc, at["farm"], staking_id="V@op", reward_id="R@op")
        assert (vault.asset, farm.staking_token, farm.reward_token) == (at["asset"], at["vault"], at["reward"])
        self.at = at
        everyone = (*USERS, DISTRIBUTOR)
        self.vaults = {who: VaultClient(anvil.rpc, vault, venue="vault", account=who) for who in everyone}
        self.farms = {who: FarmClient(anvil.rpc, farm, venue="farm", account=who, name=who) for who in everyone}
        self.book, self.vault_model, self.farm_model = Book(), VaultModel(), FarmModel()
        self.vault = self.vault_model.init(
            {"account": at["vault"], "asset": "A@op", "share": "V@op", "decimals_offset": offset}
        )
        self.farm = self.farm_model.init(
            {"account": at["farm"], "staking_token": "V@op", "reward_token": "R@op", "distributor": DISTRIBUTOR}
        )
        self._endow("asset", "A@op", 10**12)

    def _endow(self, contract: str, token: str, amount: int) -> None:
        calls = [(w, Call(self.at[contract], self.token.encode("mint", w, amount))) for w in (*USERS, DISTRIBUTOR)]
        self.anvil.mine(calls)
        for who, _call in calls:
            self.book.held[token, who] = amount

    def fund_farm(self, amount: int) -> None:
        """Rewards come by a plain transfer, here a mint."""
        self.anvil.mine([(DISTRIBUTOR, Call(self.at["reward"], self.token.encode("mint", self.at["farm"], amount)))])
        self.book.held["R@op", self.at["farm"]] = self.book.balance("R@op", self.at["farm"]) + amount

    def do(self, venue: str, who: str, verb: str, args: dict, time: int) -> bool:
        """Act on both; return whether both did it. Fails when they differ."""
        client = (self.vaults if venue == "vault" else self.farms)[who]
        receipts = []
        for call in client.plan(Intent(venue, verb, args)):
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=time if main else None)
            receipts.append(receipt)
            if main:
                self.book.block = Block(time=block.timestamp, number=block.number)
        status = client.decode(receipts)
        model = self.vault_model if venue == "vault" else self.farm_model
        before = copy.deepcopy(getattr(self, venue))
        self.book.sender = who
        try:
            result = model.apply(getattr(self, venue), Action(verb, args), self.book)
            # A world refuses a move that its book cannot fund, and undoes the venue.
            if any(self.book.balance(t.token, t.source) < t.amount for t in result.transfers if t.source != "zero"):
                raise Revert("balance")  # noqa: TRY301
        except Revert as revert:
            setattr(self, venue, before)
            refused: Revert | None = revert
        else:
            refused = None
        if refused is not None:
            assert isinstance(status, Reverted), (verb, args, status)
            # An unfunded move has the token's own words on chain.
            assert refused.reason in ("balance", status.reason), (verb, args)
            return False
        self.book.post(result)
        assert isinstance(status, Filled), (verb, args)
        assert {name: status.amounts[name] for name in result.amounts} == result.amounts, verb
        return True


@pytest.fixture(params=[0, 6])
def world(request: pytest.FixtureRequest) -> Iterator[World]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield World(anvil, request.param)


def test_our_signatures_are_the_artefacts_own() -> None:
    for text, name in ((VAULT, "TestVault"), (FARM, "StakingRewards")):
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" in signature:
                assert codec.outputs == real.functions[signature].outputs, signature
        for topic, event in ours.events.items():
            assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)


def _draw(rng: random.Random) -> tuple[str, str, dict]:
    money, shares = rng.randrange(1, 10**11), rng.randrange(1, 10 ** rng.randrange(9, 18))
    return rng.choice(
        [
            ("vault", "deposit", {"assets": money}),
            ("vault", "deposit", {"assets": money}),
            ("vault", "mint", {"shares": shares}),
            ("vault", "withdraw", {"assets": money // 10}),
            ("vault", "redeem", {"shares": shares}),
            ("vault", "donate", {"assets": money // 100}),
            ("farm", "stake", {"amount": shares}),
            ("farm", "stake", {"amount": shares // 10}),
            ("farm", "withdraw", {"amount": shares // 10}),
            ("farm", "claim", {}),
            ("farm", "exit", {}),
        ]
    )


def test_clients_and_models_agree_on_everything(world: World) -> None:
    rng, done, refused = random.Random("vault and farm"), 0, 0
    for step in range(80):
        who, time = rng.choice(USERS), 1_800_000_000 + 3600 * step
        venue, verb, args = _draw(rng)
        if step % 20 == 10:
            world.fund_farm(10**21)
            who, venue, verb, args = DISTRIBUTOR, "farm", "notify_reward", {"reward": 10**21}
        if world.do(venue, who, verb, args, time):
            done += 1
        else:
            refused += 1
    assert done > 40 and refused > 5
    _same(world)


def _same(world: World) -> None:
    rpc, book = world.anvil.rpc, world.book
    vault, farm = world.vaults[USERS[0]], world.farms[USERS[0]]
    for (token, who), amount in book.held.items():
        if who != "zero":
            client = farm if token == "R@op" else vault
            assert client.read("balance", token, who) == amount, (token, who)
    assert_same(world.vault, vault.snapshot(), "vault")
    seen = farm.snapshot(stakers=USERS)
    plain = {f.name: getattr(world.farm, f.name) for f in dataclasses.fields(world.farm)}
    for name in ("staked", "paid", "pending"):
        plain[name] = {k: v for k, v in plain[name].items() if v}
    assert_same(plain, {f.name: getattr(seen, f.name) for f in dataclasses.fields(seen)}, "farm")
    assert seen.total_staked > 0 < seen.reward_rate
    pot, now = book.balance("A@op", world.vault.account), rpc.block().timestamp
    for query in ("convertToAssets", "convertToShares", "previewDeposit", "previewMint", "previewWithdraw",
                  "previewRedeem", "maxWithdraw"):  # fmt: skip
        for amount in (1, 10**9 + 7):
            assert vault.read(query, amount, pot) == world.vault_model.read(world.vault, query, amount, pot), query
    assert vault.rates() == world.vault_model.rates(world.vault, "vault", book.balance)
    assert vault.positions(USERS[0]) == ()
    for query, args in (
        ("rewardPerToken", ()),
        ("earned", (USERS[1],)),
        ("balanceOf", (USERS[1],)),
        ("rewardRate", ()),
    ):
        timed = (*args, now) if query in ("rewardPerToken", "earned") else args
        assert farm.read(query, *timed) == world.farm_model.read(world.farm, query, *timed), query
    for who in USERS:
        theirs = world.farm_model.positions(world.farm, "farm", who, now, book.balance)
        assert tuple(world.farms[who].positions(who)) == tuple(theirs)
    assert world.farms[USERS[0]].positions(actor("stranger")) == ()


def test_mint_leaves_no_allowance_and_bad_intents_are_named(world: World) -> None:
    vault, farm = world.vaults[USERS[0]], world.farms[USERS[0]]
    plan = vault.plan(Intent("vault", "mint", {"shares": 10**9}))
    assert [c.purpose for c in plan] == ["approve", "mint", "approve"]
    assert [c.purpose for c in vault.plan(Intent("vault", "redeem", {"shares": 5}))] == ["redeem"]
    for client, intent, error, says in [
        (vault, Intent("vault", "deposits", {}), UnknownName, "did you mean 'deposit'"),
        (vault, Intent("vault", "deposit", {"shares": 1}), BadInput, "assets is missing"),
        (vault, Intent("vault", "deposit", {"assets": 1}, Limits(amounts={"shares_min": 1})), BadInput, "shares_min"),
        (farm, Intent("farm", "stake", {"amount": -1}), BadInput, "below 0"),
        (farm, Intent("farm", "lock", {}), UnknownName, "verb of StakingRewards"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(intent)
    with pytest.raises(BadInput, match="no view"):
        vault.read("price")
    with pytest.raises(BadInput, match="not of venue farm"):
        farm.read("balance", "X@op", USERS[0])
    with pytest.raises(RpcError, match="wrong address or chain"):
        VaultDeployment.of_vault(world.anvil.rpc, actor("nobody"), asset_id="A", share_id="B")
