"""The client of the vote escrow on a real chain against the model in memory: one random life, twice."""

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
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import DIVIDENDS, ESCROW, EscrowDeployment
from tidemill.venues.vote_escrow.model import EscrowModel
from tidemill.venues.vote_escrow.rules import WEEK

pytestmark = pytest.mark.chain

ADMIN, CHECKER = actor("admin"), actor("checker")
USERS = (actor("alice"), actor("bob"))
NAMES = {"vote": "VOTE@op", "paid": "PAID@op"}


class World:
    """Chain and model side by side; ``do`` is one action on both."""

    def __init__(self, anvil: Anvil) -> None:
        self.anvil, token = anvil, Abi(artefact("TestToken").abi)
        made = [Deployment(name, "TestToken", (name, name, 18 - 12 * i)) for i, name in enumerate(NAMES)]
        made.append(Deployment("escrow", "VotingEscrow", (AddressOf("vote"), "Votes", "VOTES", ADMIN)))
        made.append(Deployment("dividends", "WeeklyDividends", (AddressOf("escrow"), AddressOf("paid"))))
        at = {name: address.lower() for name, address in deploy(anvil, ADMIN, made).items()}
        where = EscrowDeployment.of(anvil.rpc, at["escrow"], at["dividends"], token_id="VOTE@op", paid_id="PAID@op")
        assert (where.token, where.paid) == (at["vote"], at["paid"])
        self.clients = {
            who: EscrowClient(anvil.rpc, where, venue="ve", account=who, name=who) for who in (ADMIN, *USERS)
        }
        seen, book = anvil.rpc.block(), Book()
        params = {"account": at["escrow"], "token": "VOTE@op", "admin": ADMIN, "time": seen.timestamp}
        params |= {"block": seen.number, "dividends": {"account": at["dividends"], "token": "PAID@op"}}
        self.block = Block(time=0, number=0)
        self.model = ModelSide(EscrowModel(), EscrowModel().init(params), book, lambda: self.block)
        for name, one in NAMES.items():
            for who in (ADMIN, *USERS):
                anvil.mine([(who, Call(at[name], token.encode("mint", who, 10**24)))])
                book.add(one, who, 10**24)

    def do(self, who: str, verb: str, args: dict[str, Any], time: int | None = None) -> bool:
        """Act on both; return whether both did it. Fails when they differ."""
        receipts = []
        for call in self.clients[who].plan(Intent("ve", verb, args)):
            main = call.purpose == verb
            block, (receipt,) = self.anvil.mine([(who, call)], time_s=time if main else None)
            receipts.append(receipt)
            self.block = Block(time=block.timestamp, number=block.number)
        status = self.clients[who].decode(receipts)
        refused, result = None, Result()
        try:
            result = self.model.do(who, Action(verb, args))
        except Revert as revert:
            refused = revert.reason
        if isinstance(status, Reverted):
            assert status.reason == refused, (verb, args)
            return False
        assert isinstance(status, Filled), (verb, args, status)
        assert refused is None, (verb, args, refused)
        assert status.amounts == result.amounts, (verb, args)
        logs = [log for receipt in receipts for log in receipt.logs]
        assert_same(list(result.events), list(self.clients[who].events(logs)), verb)
        return True

    def same(self) -> None:
        """Every view, every balance, every position, and the whole state."""
        client, read = self.clients[USERS[0]], self.model.read
        seen, held = self.anvil.rpc.block(), self.model.book.held
        for (token, who), amount in held.items():
            assert client.read("balance", token, who) == amount, (token, who)
        for query in ("supply", "epoch", "admin", "smart_wallet_checker", "future_smart_wallet_checker"):
            assert client.read(query) == read(query), query
        now, week = seen.timestamp, seen.timestamp // WEEK * WEEK
        asked: list[tuple[Any, ...]] = [("point_history", read("epoch")), ("slope_changes", week + 3 * WEEK)]
        asked += [
            ("totalSupply", week),
            ("totalSupply", now + WEEK),
            ("totalSupplyAt", seen.number - 9, now, seen.number),
        ]
        asked += [(f"dividends.{name}",) for name in ("start_time", "last_token_time", "token_last_balance")]
        asked += [("dividends.tokens_per_week", week - WEEK)]
        for who in USERS:
            asked += [(name, who) for name in ("locked", "locked__end", "get_last_user_slope", "user_point_epoch")]
            asked += [("balanceOf", who, week), ("balanceOfAt", who, seen.number - 9, now, seen.number)]
            asked += [("user_point_history", who, 1), ("user_point_history__ts", who, 1)]
            asked += [("dividends.time_cursor_of", who), ("dividends.owed", who)]
        for query in asked:
            assert client.read(*query) == read(*query), query
        for who in USERS:
            mine = self.model.model.positions(self.model.state, "ve", who, now, lambda _t, _a: 0)
            assert_same(tuple(mine), tuple(self.clients[who].positions(who)), "positions")
        snapshot = client.snapshot(accounts=USERS)
        kept = vars(self.model.state) | {
            "slope_changes": {w: c for w, c in self.model.state.slope_changes.items() if c}
        }
        kept["user_points"] = {key: point for key, point in self.model.state.user_points.items() if key[0] in USERS}
        own = self.model.state.dividends
        assert snapshot.dividends.tokens == {w: n for w, n in own.tokens.items() if n}
        for name, value in kept.items():
            if name in ("locked", "user_epochs", "user_points", "points", "slope_changes", "supply", "epoch", "admin"):
                got = getattr(snapshot, name)
                assert got == ({w: lock for w, lock in value.items() if any(lock)} if name == "locked" else value), name


@pytest.fixture(scope="module")
def anvil() -> Iterator[Anvil]:
    with Anvil(AnvilOptions(chain_id=10)) as chain:
        yield chain


@pytest.fixture
def world(anvil: Anvil) -> World:
    return World(anvil)


def test_our_signatures_are_the_artefacts_own() -> None:
    for text, name in ((ESCROW, "VotingEscrow"), (DIVIDENDS, "WeeklyDividends")):
        ours, real = abi(text), Abi(artefact(name).abi)
        for signature, codec in ours.functions.items():
            if "(" in signature and not signature.startswith(("locked(", "point_history(", "user_point_history(")):
                assert codec.outputs == real.functions[signature].outputs, signature
        for topic, event in ours.events.items():
            assert event.indexed == real.events[topic].indexed, event.name


def _draw(rng: random.Random, now: int) -> tuple[str, str, dict[str, Any]]:
    who, amount = rng.choice(USERS), rng.randrange(1, 10 ** rng.randrange(8, 24))
    until = {"unlock_time": now + rng.randrange(1, 12) * WEEK}
    return rng.choice(
        [
            (who, "create_lock", {"amount": amount, **until}),
            (who, "create_lock", {"amount": amount, **until}),
            (who, "increase_amount", {"amount": amount}),
            (who, "increase_unlock_time", until),
            (who, "deposit_for", {"user": who, "amount": amount}),
            (who, "withdraw", {}),
            (who, "checkpoint", {}),
            (who, "claim", {}),
            (ADMIN, "claim", {"user": who}),
            (who, "fund", {"amount": amount}),
            (who, "checkpoint_dividends", {}),
        ]
    )


def test_client_and_model_agree_on_everything(world: World) -> None:
    rng, done, refused = random.Random("escrow"), 0, 0
    start = world.anvil.rpc.block().timestamp
    for step in range(120):
        now = start + 86_400 * (step + 1)
        if world.do(*_draw(rng, now), now):
            done += 1
        else:
            refused += 1
        if step % 20 == 19:
            world.same()
    assert done > 60
    assert refused > 5
    assert world.model.state.dividends.cursors
    assert world.do(ADMIN, "commit_checker", {"checker": CHECKER})
    assert world.do(ADMIN, "apply_checker", {})
    assert not world.do(USERS[0], "commit_checker", {"checker": ""})
    world.same()


def test_strangers_have_nothing(world: World) -> None:
    client = world.clients[USERS[0]]
    assert client.positions(actor("stranger")) == ()
    assert client.read("dividends.owed", actor("stranger")) == 0
    assert world.do(USERS[0], "claim", {})
    assert client.snapshot().locked == {}


def test_bad_intents_are_named(world: World) -> None:
    client = world.clients[USERS[0]]
    intent = Intent("ve", "create_lock", {"amount": 5, "unlock_time": 9})
    assert [c.purpose for c in client.plan(intent)] == ["approve", "create_lock"]
    for verb, args, error, says in [
        ("create_locks", {}, UnknownName, "did you mean 'create_lock'"),
        ("create_lock", {"amount": 5}, BadInput, "unlock_time is missing"),
        ("increase_amount", {"amount": -1}, BadInput, "below 0"),
        ("withdraw", {"amount": 1}, BadInput, "amount is unknown"),
    ]:
        with pytest.raises(error, match=says):
            client.plan(Intent("ve", verb, args))
    with pytest.raises(BadInput, match="no stages"):
        client.plan(Intent("ve", "claim", {}), "later")
    for query in ("price", "dividends.price"):
        with pytest.raises(BadInput, match="no view"):
            client.read(query)
    with pytest.raises(BadInput, match="not of the escrow"):
        client.read("balance", "X@op", USERS[0])
    at = client.deployment
    with pytest.raises(RpcError, match="wrong address or chain"):
        EscrowDeployment.of(world.anvil.rpc, actor("nobody"), at.dividends, token_id="", paid_id="")
