"""A vote escrow measured: several people lock, add, extend, claim after some weeks, and leave.

What is counted comes from the model, which stands in the same state: the twin tests hold its counts to the chain's.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from gas_lab import Lab
from gas_stand import Book

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent
from tidemill.venues.vote_escrow.client import EscrowClient
from tidemill.venues.vote_escrow.client_abi import EscrowDeployment
from tidemill.venues.vote_escrow.model import EscrowModel
from tidemill.venues.vote_escrow.rules import WEEK
from tidemill.venues.vote_escrow.state import NOTHING

__all__ = ["measure"]

OWNER, EARLY = "0x" + "d1" * 20, "0x" + "d3" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4"))
ENDOWMENT = 10**30
TOKENS = ("VOTE@op", "PAID@op")


class Stand:
    """The contracts, a client for everybody, and the model."""

    def __init__(self, lab: Lab) -> None:
        self.lab, rpc = lab, lab.anvil.rpc
        token = Abi(artefact("TestToken").abi)
        everybody = (OWNER, EARLY, *PEOPLE)
        lab.anvil.set_balance(OWNER, 10**24)
        self.now = (rpc.block().timestamp // WEEK + 1) * WEEK
        lab.anvil.mine([], time_s=self.now)
        made = [Deployment(name, "TestToken", (name, name, 18)) for name in TOKENS]
        made.append(Deployment("escrow", "VotingEscrow", (AddressOf("VOTE@op"), "Votes", "VOTES", OWNER)))
        made.append(Deployment("dividends", "WeeklyDividends", (AddressOf("escrow"), AddressOf("PAID@op"))))
        lab.anvil.set_next_timestamp(self.now)
        at = {name: address.lower() for name, address in deploy(lab.anvil, OWNER, made).items()}
        where = EscrowDeployment.of(rpc, at["escrow"], at["dividends"], token_id="VOTE@op", paid_id="PAID@op")
        self.where, self.token = where, token
        self.clients: dict[str, EscrowClient] = {}
        self.contracts = at["escrow"], at["dividends"]
        self.model, self.book = EscrowModel(), Book()
        params = {"account": at["escrow"], "token": "VOTE@op", "admin": OWNER, "time": self.now}
        seen = rpc.block()
        own = {"account": at["dividends"], "token": "PAID@op"}
        self.state = self.model.init({**params, "time": seen.timestamp, "block": seen.number, "dividends": own})
        for who in everybody:
            self.join(who)

    def join(self, who: str) -> None:
        """Give somebody tokens and a client."""
        self.lab.anvil.set_balance(who, 10**24)
        self.clients[who] = EscrowClient(self.lab.anvil.rpc, self.where, venue="ve", account=who, name=who)
        data = self.token.encode("mint", who, ENDOWMENT)
        self.lab.must([(OWNER, Call(at, data)) for at in (self.where.token, self.where.paid)], "endowing")

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.lab.anvil.mine([], time_s=self.time() + seconds)

    def time(self) -> int:
        """Return the chain's time."""
        return self.lab.anvil.rpc.block().timestamp

    def set_up(self, who: str, verb: str, **args: Any) -> None:
        """Do something that is not measured."""
        self._remember(who)
        self.lab.must([(who, call) for call in self.clients[who].plan(Intent("ve", verb, dict(args)))], verb)
        self._follow(who, verb, args)

    def act(self, who: str, verb: str, **args: Any) -> None:
        """Do a verb and count what moved."""
        self._remember(who)
        calls = [
            (c, "approve" if c.purpose == "approve" else verb)
            for c in self.clients[who].plan(Intent("ve", verb, dict(args)))
        ]
        features: dict[str, int] = {}
        self.lab.act(who, verb, calls, features)
        features |= self._follow(who, verb, args)

    def refuse(self, who: str, verb: str, **args: Any) -> None:
        """Do a verb that is refused, without the approval in front of it."""
        *_, call = self.clients[who].plan(Intent("ve", verb, dict(args)))
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})

    def _remember(self, who: str) -> None:
        self.book.sender = who
        read = self.clients[who].read
        people = (who, *self.contracts)
        self.book.held = {(token, one): read("balance", token, one) for token in TOKENS for one in people}

    def _follow(self, who: str, verb: str, args: Mapping[str, Any]) -> Mapping[str, int]:
        seen = self.lab.anvil.rpc.block()
        self.book.block = Block(time=seen.timestamp, number=seen.number)
        return self.model.apply(self.state, Action(verb, dict(args)), self.book).features


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb of those who lock."""
    stand = Stand(lab)
    stand.set_up(EARLY, "create_lock", amount=10**25, unlock_time=stand.time() + 52 * WEEK)
    for number in range(rounds):
        newcomer = f"0x{0xC0FFEE + number:040x}"
        stand.join(newcomer)
        for who in (*PEOPLE, newcomer):
            _come(stand, who)
        if number % 3 == 0:
            stand.act(newcomer, "claim")  # too early: no week is over
        for _ in range(lab.random.randrange(2, 7)):
            stand.wait(lab.random.randrange(WEEK // 2, WEEK))
            stand.set_up(OWNER, "fund", amount=lab.random.randrange(1, 10**6) * 10**15)
            stand.set_up(OWNER, "checkpoint_dividends")
        for who in (*PEOPLE, newcomer):
            if stand.model.read(stand.state, "locked__end", who) < stand.time() or lab.random.random() < 0.6:
                stand.act(who, "claim")
            if lab.random.random() < 0.3:
                stand.act(who, "claim")  # nothing new
        if number % 4 == 3:
            end = stand.state.locked[EARLY].end
            if end - stand.time() < 26 * WEEK:
                stand.set_up(EARLY, "increase_unlock_time", unlock_time=stand.time() + 52 * WEEK)


def _come(stand: Stand, who: str) -> None:
    """Lock if nothing is locked, leave if it has ended, else add or extend; refusals in between."""
    random, now = stand.lab.random, stand.time()
    amount = random.randrange(1, 1_000) * 10 ** random.randrange(18, 22)
    lock = stand.state.locked.get(who, NOTHING)
    if lock.amount and lock.end <= now:
        stand.act(who, "withdraw")
        lock = NOTHING
    if not lock.amount:
        stand.act(who, "create_lock", amount=amount, unlock_time=now + random.randrange(2, 8) * WEEK)
    else:
        stand.act(who, "increase_amount", amount=amount)
        if random.random() < 0.8:
            stand.act(who, "increase_unlock_time", unlock_time=lock.end + random.randrange(1, 4) * WEEK)
    for verb in ("create_lock", "increase_amount"):
        more = {"unlock_time": now + 4 * WEEK} if verb == "create_lock" else {}
        stand.refuse(who, verb, amount=ENDOWMENT, **more)
    stand.refuse(who, "increase_unlock_time", unlock_time=now)
    stand.refuse(who, "withdraw")
