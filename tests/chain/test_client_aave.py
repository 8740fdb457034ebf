"""The client of Aave v3 on a real chain against the model in memory: one random life, twice."""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import msgspec
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
from tidemill.venues.aave_v3.client import ALL, MarketClient, MarketDeployment
from tidemill.venues.aave_v3.client_abi import CURVE as CURVE_30
from tidemill.venues.aave_v3.client_abi import CURVE_36, ERRORS_36, POOL, POOL_36, RECEIPT
from tidemill.venues.aave_v3.local_market import Listed, deploy_market
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.state import Config, Curve
from tidemill.venues.shared.client_parts import abi

pytestmark = pytest.mark.chain

MAKER, TREASURY = actor("maker"), actor("treasury")
USERS = (actor("alice"), actor("bob"))
RAY = 10**27
ASSETS = {"A@op": (6, 10**8), "B@op": (18, 2_000 * 10**8)}
CONFIG = Config(ltv=7_500, threshold=8_000, bonus=10_500, reserve_factor=1_000, liquidation_fee=1_000)
CURVE = Curve(8 * RAY // 10, 0, 4 * RAY // 100, 60 * RAY // 100)


class World:
    def __init__(self, anvil: Anvil) -> None:
        self.anvil = anvil
        for who in (MAKER, *USERS):
            anvil.set_balance(who, 10**24)
        made = [Deployment(asset, "TestToken", (asset, asset, d)) for asset, (d, _) in ASSETS.items()]
        tokens = deploy(anvil, MAKER, made)
        listed = [Listed(tokens[asset], d, price, CONFIG, CURVE) for asset, (d, price) in ASSETS.items()]
        market = deploy_market(anvil, MAKER, TREASURY, listed)
        self.at = MarketDeployment.of_pool(anvil.rpc, market.pool, tokens)
        self.clients = {who: MarketClient(anvil.rpc, self.at, venue="aave", account=who) for who in USERS}
        self.block = Block(time=0, number=0)
        self.model = self._model()

    def _model(self) -> ModelSide[Any]:
        book = Book()
        reserves = [
            {
                "asset": asset,
                "account": self.at.reserves[asset].supply,
                "decimals": decimals,
                "config": dict(vars(CONFIG)),
                "curve": dict(vars(CURVE)),
            }
            for asset, (decimals, _) in ASSETS.items()
        ]
        prices = {asset: price for asset, (_, price) in ASSETS.items()}
        mint = Abi(artefact("TestToken").abi)
        for asset in ASSETS:
            for who in USERS:
                book.add(asset, who, 10**30)
                self.anvil.mine([(MAKER, Call(self.at.reserves[asset].token, mint.encode("mint", who, 10**30)))])
        model = MarketModel()
        state = model.init({"treasury": TREASURY, "reserves": reserves, "prices": prices})
        return ModelSide(model, state, book, lambda: self.block)

    def do(self, who: str, verb: str, args: dict[str, Any], time: int) -> str | None:
        """Act on both; return the reason why both refused, if they did. Fails when they differ."""
        client, receipts = self.clients[who], []
        for call in client.plan(Intent("aave", verb, args)):
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=time if main else None)
            receipts.append(receipt)
            if main:
                self.block = Block(time=block.timestamp, number=block.number)
        status = client.decode(receipts)
        reason = made = None
        try:
            made = self.model.do(who, Action(verb, args))
        except Revert as revert:
            reason = revert.reason
        if made is None:
            assert status == Reverted(str(reason)), (verb, args)
            return reason
        assert isinstance(status, Filled), (verb, args, status)
        # A fee is no number of the liquidation's own event.
        assert_same({k: v for k, v in made.amounts.items() if k != "fee"}, dict(status.amounts), verb)
        return None

    def compare(self) -> None:
        """Every view that both answer, and everybody's holdings."""
        client, now = self.clients[USERS[0]], self.anvil.rpc.block().timestamp
        asked: list[tuple[Any, ...]] = []
        for asset in ASSETS:
            asked += [("getReserveData", asset), ("getAssetPrice", asset)]
            asked += [("getReserveNormalizedIncome", asset, now), ("getReserveNormalizedVariableDebt", asset, now)]
            for token in ("aToken", "variableDebtToken"):
                asked += [(f"{token}.totalSupply", asset, now), (f"{token}.scaledTotalSupply", asset)]
                for who in USERS:
                    asked += [(f"{token}.balanceOf", asset, who, now), (f"{token}.scaledBalanceOf", asset, who)]
                    asked += [(f"{token}.getPreviousIndex", asset, who)]
        for who in USERS:
            asked += [("getUserAccountData", who, now), ("getUserConfiguration", who), ("getUserEMode", who)]
        for one in asked:
            assert_same(client.read(*one), self.model.read(*one), str(one))
        for who in USERS:
            mine = self.model.model.positions(self.model.state, "aave", who, now, lambda *_: 0)
            assert_same([msgspec.to_builtins(p) for p in client.positions(who)], [msgspec.to_builtins(p) for p in mine])
            for asset in ASSETS:
                assert client.read("balance", asset, who) == self.model.book.held[asset, who]


@pytest.fixture
def world() -> Iterator[World]:
    with Anvil(AnvilOptions(chain_id=10)) as anvil:
        yield World(anvil)


def test_our_signatures_are_the_artefacts_own() -> None:
    older = ((POOL, "Pool"), (RECEIPT, "AToken"), (CURVE_30, "DefaultReserveInterestRateStrategy"))
    newer = ((POOL_36, "PoolInstance"), (CURVE_36, "DefaultReserveInterestRateStrategyV2"))
    for text, name in (*older, *newer):
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" not in signature:
                continue
            # A struct of fixed size stands in a row.
            inside = ",".join(real.functions[signature].outputs).replace("(", "").replace(")", "")
            assert ",".join(codec.outputs).replace("(", "").replace(")", "") == inside, signature
        for topic, event in ours.events.items():
            assert (event.names, event.indexed) == (real.events[topic].names, real.events[topic].indexed)
    assert abi(ERRORS_36).errors.keys() <= Abi(artefact("AaveErrors36").abi).errors.keys()


def _draw(rng: random.Random) -> tuple[str, dict[str, Any]]:
    asset = rng.choice(list(ASSETS))
    unit = 10**6 if asset == "A@op" else 10**18 // 2_000
    amount = unit * rng.randrange(1, 10_000)
    part = {"asset": asset, "amount": rng.choice((amount // 10, amount // 50, ALL))}
    return rng.choice(
        [
            ("supply", {"asset": asset, "amount": amount}),
            ("supply", {"asset": asset, "amount": amount, "on_behalf_of": rng.choice(USERS)}),
            ("withdraw", part),
            ("borrow", {"asset": asset, "amount": amount // 5}),
            ("borrow", {"asset": asset, "amount": amount // 5}),
            ("repay", part),
            ("repay", {"asset": asset, "amount": amount // 10, "on_behalf_of": rng.choice(USERS)}),
            ("repay_with_supply", part),
            ("set_collateral", {"asset": asset, "on": rng.random() < 0.7}),
            ("mint_to_treasury", {"asset": asset}),
            ("set_emode", {"category": rng.choice((0, 0, 1))}),
            (
                "liquidate",
                {"collateral": "B@op", "debt": "A@op", "user": USERS[0], "cover": amount, "receive_supply": False},
            ),
        ]
    )


def test_client_and_model_agree_on_everything(world: World) -> None:
    rng, done, refused = random.Random("aave"), 0, set()
    for step in range(80):
        verb, args = _draw(rng)
        reason = world.do(rng.choice(USERS), verb, args, 1_800_000_000 + 36_000 * step)
        if reason is None:
            done += 1
        else:
            refused.add(reason)
        if step % 6 == 5:
            world.compare()
    assert done >= 25
    assert len(refused) >= 5
    assert world.clients[USERS[0]].snapshot(accounts=USERS[1:]) == world.model.state


def test_a_liquidation_is_told_alike(world: World) -> None:
    alice, bob = USERS
    world.do(bob, "supply", {"asset": "A@op", "amount": 10**10}, 1_800_000_000)
    world.do(alice, "supply", {"asset": "B@op", "amount": 10**18}, 1_800_000_100)
    world.do(alice, "borrow", {"asset": "A@op", "amount": 1_500 * 10**6}, 1_800_000_200)
    oracle = Abi(artefact("PriceOracle").abi)
    fall = oracle.encode("setAssetPrice", world.at.reserves["B@op"].token, 1_700 * 10**8)
    world.anvil.mine([(MAKER, Call(world.at.oracle, fall))])
    world.model.do(MAKER, Action("set_price", {"asset": "B@op", "price": 1_700 * 10**8}))
    args = {"collateral": "B@op", "debt": "A@op", "user": alice, "cover": ALL, "receive_supply": False}
    assert world.do(bob, "liquidate", args, 1_800_001_000) is None
    world.compare()


def test_what_cannot_be_encoded_is_refused(world: World) -> None:
    client = world.clients[USERS[0]]
    for error, verb, args, words in (
        (UnknownName, "stake", {}, "verb of Aave v3"),
        (UnknownName, "supply", {"asset": "C@op", "amount": 1}, "reserve of venue aave"),
        (BadInput, "supply", {"asset": "A@op"}, "amount is missing"),
        (BadInput, "withdraw", {"asset": "A@op", "amount": 1, "to": "x"}, "unknown to this verb"),
    ):
        with pytest.raises(error, match=words):
            client.plan(Intent("aave", verb, args, Limits()))
    with pytest.raises(BadInput, match="no view"):
        client.read("balances", "A@op")
    with pytest.raises(BadInput, match="no view"):
        client.read("aToken.nonces", "A@op")
    with pytest.raises(BadInput, match="no stages"):
        client.plan(Intent("aave", "supply", {}), "later")
    with pytest.raises(BadInput, match="not listed"):
        MarketDeployment.of_pool(world.anvil.rpc, world.at.pool, {"X@op": actor("no token")})
