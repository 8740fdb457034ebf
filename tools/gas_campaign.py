"""A distributor measured: claims by several people out of trees of 256 entries, some of them in vain."""

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
from tidemill.venues.merkle_campaign.client import CampaignClient
from tidemill.venues.merkle_campaign.client_abi import CampaignDeployment
from tidemill.venues.merkle_campaign.model import CampaignModel
from tidemill.venues.merkle_campaign.state import CampaignState, Earned

__all__ = ["measure"]

OWNER = "0x" + "d4" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a3", "b4", "c5"))
REWARD, DELAY, BOND = "R@op", 60, 10**18
STRANGERS = 253
"""How many a tree holds beside the people: a proof has eight siblings then, which decides the bytes."""


class Stand:
    """The contract, a client for everybody, and the model."""

    def __init__(self, lab: Lab, rounds: int) -> None:
        self.lab, rpc = lab, lab.anvil.rpc
        for who in (OWNER, *PEOPLE):
            lab.anvil.set_balance(who, 10**24)
        made = [
            Deployment("reward", "TestToken", ("Test R", "R", 18)),
            Deployment("campaign", "CumulativeDistributor", (OWNER, DELAY, AddressOf("reward"), BOND)),
        ]
        at = {name: address.lower() for name, address in deploy(lab.anvil, OWNER, made).items()}
        epochs = [self._epoch(number) for number in range(rounds)]
        self.state = CampaignState(
            at["campaign"], OWNER, REWARD, DELAY, REWARD, BOND, epochs, tokens={REWARD: at["reward"]}
        )
        archive = CampaignState(**{**vars(self.state), "roots": {}})
        archive.roots = {archive.tree(number).root: number for number in range(rounds)}
        where = CampaignDeployment(at["campaign"], {REWARD: at["reward"]}, archive)
        self.clients = {
            who: CampaignClient(rpc, where, venue="campaign", account=who, name=who) for who in (OWNER, *PEOPLE)
        }
        self.model, self.book = CampaignModel(), Book()
        token = Abi(artefact("TestToken").abi)
        for who in (at["campaign"], *PEOPLE):
            lab.must([(OWNER, Call(at["reward"], token.encode("mint", who, 10**30)))], "endowing")

    def _epoch(self, number: int) -> Earned:
        random = self.lab.random
        strangers = {(f"stranger {i}", REWARD): random.randrange(1, 10**20) for i in range(STRANGERS)}
        return Earned({(who, REWARD): (number + 1) * 10**18 + random.randrange(10**17) for who in PEOPLE} | strangers)

    def act(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb and count what moved."""
        people = (who, self.state.account, OWNER)
        self.book.sender = who
        self.book.held = {(REWARD, one): self.clients[OWNER].read("balance", REWARD, one) for one in people}
        calls = [
            (call, "approve" if call.purpose == "approve" else verb)
            for call in self.clients[who].plan(Intent("campaign", verb, dict(args)))
        ]
        features: dict[str, int] = {}
        self.lab.act(who, verb, calls, features)
        seen = self.lab.anvil.rpc.block()
        self.book.block = Block(time=seen.timestamp, number=seen.number)
        features |= self.model.apply(self.state, Action(verb, dict(args)), self.book).features

    def refuse(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb that is refused."""
        *_, call = self.clients[who].plan(Intent("campaign", verb, dict(args)))
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})

    def wait(self, seconds: int) -> None:
        """Let time pass."""
        self.lab.anvil.mine([], time_s=self.lab.anvil.rpc.block().timestamp + seconds)


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb."""
    stand = Stand(lab, rounds)
    for number in range(rounds):
        stand.act(OWNER, "submit", {"epoch": number})
        stand.refuse(OWNER, "submit", {"epoch": number})
        stand.act(PEOPLE[number % 2], "dispute", {})
        stand.refuse(PEOPLE[2], "dispute", {})
        stand.refuse(PEOPLE[2], "resolve", {"valid": True})
        stand.act(OWNER, "resolve", {"valid": False})
        stand.wait(DELAY)
        for who in PEOPLE:
            stand.act(who, "claim", {})
            stand.refuse(who, "claim", {})
        stand.act(PEOPLE[0], "fund", {"amount": lab.random.randrange(1, 10**18)})
        stand.act(OWNER, "recover", {"amount": lab.random.randrange(1, 10**18)})
