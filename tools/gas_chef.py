"""A MiniChefV2 measured: several people stake in a pool with a rewarder and in one without, harvest, and go.

What is counted comes from the model, which stands in the same state: the twin tests hold its counts to the chain's.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent, Transfer
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import ChefDeployment
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState

__all__ = ["measure"]

OWNER, EARLY = "0x" + "d1" * 20, "0x" + "d3" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a1", "b2", "c3", "e4", "f5"))
ENDOWMENT = 10**30
NAMES = {"sushi": "SUSHI@op", "staked": "LP@op", "bonus": "BON@op"}
UNASKED = ("deposit", "withdraw", "withdraw_and_harvest")
"""Verbs that are refused for want of an allowance or a stake."""


@dataclass
class Book:
    """`Context` over balances read before an action."""

    block: Block = field(default_factory=lambda: Block(time=0, number=0))
    sender: str = ""
    held: dict[tuple[str, str], int] = field(default_factory=dict)

    def balance(self, token: str, account: str) -> int:
        return self.held.get((token, account), 0)

    def call(self, venue: str, action: Action) -> Any:
        raise NotImplementedError

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError


class Stand:
    """The contracts, a client for everybody, and the model."""

    def __init__(self, lab: Lab) -> None:
        self.lab, rpc = lab, lab.anvil.rpc
        self.token = Abi(artefact("TestToken").abi)
        for who in (OWNER, EARLY, *PEOPLE):
            lab.anvil.set_balance(who, 10**24)
        made = [Deployment(name, "TestToken", (f"Test {name}", name, 18)) for name in NAMES]
        made.append(Deployment("chef", "MiniChefV2", (AddressOf("sushi"),)))
        made.append(Deployment("stream", "ComplexRewarderTime", (AddressOf("bonus"), 0, AddressOf("chef"))))
        self.at = {name: address.lower() for name, address in deploy(lab.anvil, OWNER, made).items()}
        tokens = {self.at[name]: token for name, token in NAMES.items()}
        rewarders = {self.at["stream"]: self.at["stream"]}
        where = ChefDeployment(self.at["chef"], self.at["sushi"], tokens, rewarders)
        self.clients = {
            who: ChefClient(rpc, where, venue="chef", account=who, name=who) for who in (OWNER, EARLY, *PEOPLE)
        }
        self.model, self.book = ChefModel(), Book()
        stream = {"account": self.at["stream"], "token": "BON@op", "owner": OWNER, "streams": True, "rate": 0}
        params = {"account": self.at["chef"], "sushi": "SUSHI@op", "owner": OWNER, "rewarders": [stream]}
        self.state: ChefState = self.model.init(params)

    def mint(self, name: str, who: str) -> None:
        """Make tokens for somebody."""
        self.lab.must([(OWNER, Call(self.at[name], self.token.encode("mint", who, ENDOWMENT)))], "endowing")

    def set_up(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do something that is not measured."""
        self._remember(who)
        self.lab.must([(who, call) for call in self.clients[who].plan(Intent("chef", verb, dict(args)))], verb)
        self._follow(who, verb, args)

    def act(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb and count what moved."""
        self._remember(who)
        calls = [
            (c, "approve" if c.purpose == "approve" else verb)
            for c in self.clients[who].plan(Intent("chef", verb, dict(args)))
        ]
        features: dict[str, int] = {}
        self.lab.act(who, verb, calls, features)
        features |= self._follow(who, verb, args)

    def refuse(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb that is refused, without the approval in front of it."""
        *_, call = self.clients[who].plan(Intent("chef", verb, dict(args)))
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})

    def _remember(self, who: str) -> None:
        people = (who, self.at["chef"], self.at["stream"])
        self.book.sender = who
        self.book.held = {
            (token, one): self.clients[who].read("balance", token, one) for token in NAMES.values() for one in people
        }

    def _follow(self, who: str, verb: str, args: Mapping[str, Any]) -> Mapping[str, int]:
        seen = self.lab.anvil.rpc.block()
        self.book.block = Block(time=seen.timestamp, number=seen.number)
        return self.model.apply(self.state, Action(verb, dict(args)), self.book).features


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb of stakers."""
    stand = Stand(lab)
    for who in (EARLY, *PEOPLE):
        stand.mint("staked", who)
    stand.mint("sushi", stand.at["chef"])
    stand.mint("bonus", stand.at["stream"])
    for rewarder in (stand.at["stream"], ""):
        stand.set_up(OWNER, "add_pool", {"points": 100, "token": "LP@op", "rewarder": rewarder})
    stand.set_up(OWNER, "rewarder_add", {"rewarder": stand.at["stream"], "points": 1, "pid": 0})
    stand.set_up(OWNER, "set_sushi_per_second", {"rate": 10**18})
    stand.set_up(OWNER, "rewarder_rate", {"rewarder": stand.at["stream"], "rate": 10**17})
    for pid in (0, 1):  # somebody else is in already: the first ever pays for words that all later ones find set
        stand.set_up(EARLY, "deposit", {"pid": pid, "amount": 10**24})
    for number in range(rounds):
        for who in PEOPLE:
            for pid in (0, 1):
                _life(stand, who, pid, number)


def _life(stand: Stand, who: str, pid: int, number: int) -> None:
    """Come twice, harvest, take out some, and go or stay; the names that farms have in general every second time."""
    random, general = stand.lab.random, number % 2
    for _ in range(2):
        amount = random.randrange(1, 1_000) * 10 ** random.randrange(18, 22)
        stand.act(who, "stake" if general else "deposit", {"pid": pid, "amount": amount})
    stand.act(who, "claim" if general else "harvest", {"pid": pid})
    for verb, part in (("withdraw", random.randrange(2, 5)), ("withdraw_and_harvest", 3)):
        staked = stand.state.pools[pid].share.stakes[who][0]
        stand.act(who, verb, {"pid": pid, "amount": staked // part})
    for verb in UNASKED:
        stand.refuse(who, verb, {"pid": pid, "amount": ENDOWMENT})
    stand.refuse(who, "stake", {"pid": pid, "amount": ENDOWMENT})
    staked = stand.state.pools[pid].share.stakes[who][0]
    leave: Sequence[tuple[str, dict[str, int]]] = (
        (("exit", {}),),
        (("withdraw", {"amount": staked}), ("claim", {})),
        (("withdraw_and_harvest", {"amount": staked}),),
        (("emergency_withdraw", {}),),
        (),
    )[random.randrange(5)]
    for verb, args in leave:
        stand.act(who, verb, {"pid": pid, **args})
