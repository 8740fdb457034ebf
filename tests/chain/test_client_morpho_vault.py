"""The client of a vault over markets on a real chain: what it encodes, decodes and reads, against the state it reads back."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from harness import actor
from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Filled, Intent, Reverted, Status
from tidemill.venues.morpho_blue.client import MorphoClient, MorphoDeployment
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.state import MOCK
from tidemill.venues.morpho_vault.client import LendingVaultClient
from tidemill.venues.morpho_vault.client_abi import VAULT, MarketAt, VaultDeployment
from tidemill.venues.morpho_vault.model import LendingVaultModel
from tidemill.venues.morpho_vault.state import Place
from tidemill.venues.shared.client_parts import abi

pytestmark = pytest.mark.chain

OWNER, FEES = actor("owner"), actor("fees")
USERS = (actor("alice"), actor("bob"))
LLTV, WAD = 86 * 10**16, 10**18


class World:
    """A market, a vault over it, and everybody's client of it."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, token = anvil, Abi(artefact("TestToken").abi)
        made = [Deployment(name, "TestToken", (name, name, 6)) for name in ("loan", "collateral")]
        made += [Deployment("morpho", "Morpho", (OWNER,)), Deployment("irm", "IrmMock", ())]
        made += [Deployment("oracle", "OracleMock", ())]
        made.append(Deployment("vault", "LendingVault", (AddressOf("loan"), OWNER, "Vault", "SHARE", 12)))
        at = {name: address.lower() for name, address in deploy(anvil, OWNER, made).items()}
        params = (at["loan"], at["collateral"], at["oracle"], at["irm"], LLTV)
        where = MorphoDeployment.of_market(at["morpho"], params, loan_id="L@op", collateral_id="C@op", irm_name=MOCK)
        self.market = MorphoClient(anvil.rpc, where, venue="market", account=OWNER)
        markets = {"market": MarketAt(where.morpho, where.params, where.id)}
        self.at = VaultDeployment(at["vault"], at["loan"], "L@op", "S@op", 10**12, markets)
        self.clients = {
            who: LendingVaultClient(anvil.rpc, self.at, venue="vault", account=who) for who in (OWNER, *USERS)
        }
        for name in ("loan", "collateral"):
            for who in (OWNER, *USERS):
                anvil.mine([(who, Call(at[name], token.encode("mint", who, 10**15)))])
        for verb, args in (
            ("enable_irm", {"irm": MOCK}),
            ("enable_lltv", {"lltv": LLTV}),
            ("create_market", {"market": "market", "loan": "", "collateral": "", "irm": MOCK, "lltv": LLTV}),
            ("set_price", {"price": 10**36}),
            ("supply", {"assets": 10**9}),
            ("supply_collateral", {"assets": 10**10}),
            ("borrow", {"assets": 5 * 10**8}),
        ):
            for call in self.market.plan(Intent("market", verb, args)):
                _, (receipt,) = anvil.mine([(OWNER, call)])
                assert receipt.status, verb

    def do(self, who: str, verb: str, **args: Any) -> Status:
        """Send every transaction of a verb, an hour after the last."""
        receipts = []
        for call in self.clients[who].plan(Intent("vault", verb, args)):
            at = self.anvil.rpc.block().timestamp + 3_600
            _, (receipt,) = self.anvil.mine([(who, call)], time_s=at)
            receipts.append(receipt)
        return self.clients[who].decode(receipts)


@pytest.fixture(scope="module")
def world() -> Iterator[World]:
    with Anvil(AnvilOptions(chain_id=10)) as chain:
        made = World(chain)
        assert made.do(OWNER, "add_market", venue="market", market="market", cap=10**10) == Filled({})
        assert made.do(OWNER, "set_supply_queue", queue="0") == Filled({})
        assert made.do(OWNER, "set_fee", fee=WAD // 10, recipient=FEES) == Filled({})
        yield made


def test_our_signatures_are_the_artefacts_own() -> None:
    ours, real = abi(VAULT), Abi(artefact("LendingVault").abi)
    for signature, codec in ours.functions.items():
        if "(" in signature:
            assert codec.outputs == real.functions[signature].outputs, signature
    for topic, event in ours.events.items():
        assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)


def test_coming_and_going_by_assets_and_by_shares(world: World) -> None:
    rng = random.Random("vault")
    for number in range(24):
        who, client = USERS[number % 2], world.clients[USERS[number % 2]]
        held = client.read("balance", "S@op", who)
        verb = ("deposit", "mint", "withdraw", "redeem")[number // 2 % 4]
        amount = rng.randrange(1, 10**7) * (1 if verb == "deposit" else 10**12)
        if verb in ("withdraw", "redeem"):
            amount = held // 3 if verb == "redeem" else client.read("convertToAssets", held) // 2
        name, other = ("assets", "shares") if verb in ("deposit", "withdraw") else ("shares", "assets")
        status = world.do(who, verb, **{name: amount})
        assert isinstance(status, Filled), (verb, status)
        assert status.amounts[name] == amount
        assert status.amounts[other] > 0
        change = client.read("balance", "S@op", who) - held
        assert change == status.amounts["shares"] * (1 if verb in ("deposit", "mint") else -1)
    assert world.clients[OWNER].read("balance", "S@op", FEES) > 0


def test_the_state_read_back_answers_as_the_contract_does(world: World) -> None:
    client, vaults, markets = world.clients[USERS[0]], LendingVaultModel(), MorphoModel()
    assert isinstance(world.do(USERS[0], "deposit", assets=10**6), Filled)
    state = client.snapshot()
    assert (state.places, state.supply_queue, state.withdraw_queue) == ([Place("market", "market", 10**10)], (0,), (0,))
    assert (state.owner, state.fee, state.fee_recipient, state.account) == (OWNER, WAD // 10, FEES, world.at.vault)
    seen = world.anvil.rpc.block()
    world.anvil.mine([], time_s=seen.timestamp + 30 * 86_400)
    now = world.anvil.rpc.block().timestamp
    lending = world.market.snapshot(accounts=(world.at.vault,))

    def look(_venue: str, query: str, *args: Any) -> Any:
        return markets.read(lending, query, "market", *args[1:])

    for query in ("totalSupply", "lastTotalAssets", "lostAssets", "fee", "feeRecipient", "marketCount", "supplyQueue"):
        assert client.read(query) == vaults.read(state, query), query
    for query in ("totalAssets", "maxDeposit"):
        assert client.read(query) == vaults.read(state, query, now, look), query
    for query in ("convertToAssets", "convertToShares"):
        assert client.read(query, 10**18) == vaults.read(state, query, 10**18, now, look), query
    held = client.read("balance", "S@op", USERS[0])
    assert client.read("maxWithdraw", USERS[0]) == vaults.read(state, "maxWithdraw", held, now, look)
    assert client.read("cap", 0) == vaults.read(state, "cap", 0)
    assert client.rates() == vaults.worth(state, "vault", look, now)
    lent, _ = world.market.read("expectedSupplyAssets", world.at.vault)
    assert lent == look("market", "expectedSupplyAssets", "market", world.at.vault, now)[0]
    assert client.positions(USERS[0]) == ()


def test_refusals_are_told_in_the_contracts_words(world: World) -> None:
    assert world.do(USERS[0], "set_cap", index=0, cap=1) == Reverted("not owner")
    assert world.do(USERS[0], "deposit", assets=10**11) == Reverted("all caps reached")
    assert world.do(OWNER, "set_withdraw_queue", queue="") == Reverted("still capped")
    assert world.do(OWNER, "reallocate", source=0, target=0, assets=0) == Reverted("inconsistent input")
    assert world.do(USERS[1], "accrue") == Filled({})


def test_bad_intents_are_named(world: World) -> None:
    client = LendingVaultClient(world.anvil.rpc, world.at, venue="vault", account=actor("stranger"))
    assert [c.purpose for c in client.plan(Intent("v", "mint", {"shares": 5}))] == ["approve", "mint", "approve"]
    for verb, args, error, says in [
        ("deposits", {}, UnknownName, "did you mean 'deposit'"),
        ("deposit", {}, BadInput, "assets is missing"),
        ("redeem", {"assets": 1, "shares": 1}, BadInput, "assets is unknown"),
        ("add_market", {"venue": "x", "market": "x", "cap": 1}, UnknownName, "market of the vault"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(Intent("v", verb, args))
    with pytest.raises(BadInput, match="no stages"):
        client.plan(Intent("v", "deposit", {}), "later")
    with pytest.raises(BadInput, match="no view"):
        client.read("price")
    with pytest.raises(BadInput, match="not of venue"):
        client.read("balance", "X@op", OWNER)
