"""A MiniChefV2 measured: several people stake in a pool with a rewarder and in one without, harvest, and go.

What is counted comes from the model, which stands in the same state: the twin tests hold its counts to the chain's.
"""

from __future__ import annotations

from collections.abc import Sequence

from gas_lab import Lab
from gas_stand import PEOPLE, ModelStand

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import ChefDeployment
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.minichef.state import ChefState

__all__ = ["measure"]

OWNER, EARLY = "0x" + "d1" * 20, "0x" + "d3" * 20
ENDOWMENT = 10**30
NAMES = {"sushi": "SUSHI@op", "staked": "LP@op", "bonus": "BON@op"}
UNASKED = ("deposit", "withdraw", "withdraw_and_harvest")
"""Verbs that are refused for want of an allowance or a stake."""


class Stand(ModelStand):
    """The contracts, a client for everybody, and the model."""

    def __init__(self, lab: Lab) -> None:
        rpc = lab.anvil.rpc
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
        clients = {who: ChefClient(rpc, where, venue="chef", account=who, name=who) for who in (OWNER, EARLY, *PEOPLE)}
        stream = {"account": self.at["stream"], "token": "BON@op", "owner": OWNER, "streams": True, "rate": 0}
        params = {"account": self.at["chef"], "sushi": "SUSHI@op", "owner": OWNER, "rewarders": [stream]}
        state: ChefState = ChefModel().init(params)
        super().__init__(
            lab, "chef", clients, ChefModel(), state, tuple(NAMES.values()), (self.at["chef"], self.at["stream"])
        )

    def mint(self, name: str, who: str) -> None:
        """Make tokens for somebody."""
        self.lab.must([(OWNER, Call(self.at[name], self.token.encode("mint", who, ENDOWMENT)))], "endowing")


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
