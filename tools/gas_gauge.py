"""A v3 staker measured: several people stake position tokens around and beside the price, harvest, and go.

What is counted comes from the model; the pool beside it is asked on the chain, where it stands in the same state.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from gas_lab import Lab
from gas_stand import Book
from gas_v3 import TOKEN0, TOKEN1

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Intent
from tidemill.venues.cl_gauge.client import GaugeClient
from tidemill.venues.cl_gauge.client_abi import MANAGER, GaugeDeployment
from tidemill.venues.cl_gauge.model import GaugeModel
from tidemill.venues.cl_gauge.state import GaugeState, Key
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local, endow
from tidemill.venues.uniswap_v3.model_storage import storage_features
from tidemill.venues.uniswap_v3.position_manager import transfer

__all__ = ["measure"]

OWNER = "0x" + "d2" * 20
PEOPLE = tuple("0x" + pair * 20 for pair in ("a2", "b3", "c4"))
REWARD = "R@op"
YEAR = 365 * 86_400
EACH = 4
"""Position tokens that each person has."""


class _Pool:
    """The pool on the chain as a gauge's model meets it; who owns which token is followed in memory."""

    id = "pool"

    def __init__(self, client: UniswapV3Client, numbers: Sequence[int]) -> None:
        self._client = client
        self._state = client.snapshot(positions=(), token_ids=numbers)

    def read(self, query: str, *args: Any) -> Any:
        """Answer as the chain does now."""
        return self._client.read(query, *args)

    def positions(self, owner: str) -> Any:
        """Nobody asks here."""
        raise NotImplementedError

    def pass_token(self, number: int, source: str, target: str) -> Mapping[str, int]:
        """Follow a token, and count what the manager writes."""
        journal = self._state.journal
        mark = journal.mark()
        transfer(self._state, number, source, target)
        written = storage_features(journal.since(mark))
        journal.commit(mark)
        return written

    def snapshot(self) -> None:
        """What is refused here is not followed at all."""

    def restore(self, snapshot: None) -> None:
        """Nothing to undo."""


class Stand:
    """The contracts, a client for everybody, and the model."""

    def __init__(self, lab: Lab) -> None:
        self.lab, rpc = lab, lab.anvil.rpc
        pool = deploy_local(lab.anvil, LocalToken(TOKEN0, 6), LocalToken(TOKEN1, 18), fee=500, sqrt_price_x96=1 << 96)
        endow(lab.anvil, pool, (OWNER, *PEOPLE), 1 << 110, 1 << 110)
        self.pools = {who: UniswapV3Client(rpc, pool, venue="pool", account=who) for who in (OWNER, *PEOPLE)}
        (factory,) = ask(rpc, pool.manager, MANAGER, "factory", (), "latest")
        made = [
            Deployment("reward", "TestToken", ("Test R", "R", 18)),
            Deployment("staker", "UniswapV3Staker", (factory, pool.manager, YEAR, YEAR)),
        ]
        at = {name: address.lower() for name, address in deploy(lab.anvil, OWNER, made).items()}
        self.staker, now = at["staker"], rpc.block().timestamp
        own = Key(REWARD, "pool", now + 600, now + YEAR, OWNER)
        where = GaugeDeployment(at["staker"], pool.manager, pool.pool, own, {REWARD: at["reward"]})
        self.clients = {
            who: GaugeClient(rpc, where, venue="gauge", account=who, pool=self.pools[who], name=who)
            for who in (OWNER, *PEOPLE)
        }
        token = Abi(artefact("TestToken").abi)
        lab.must([(OWNER, Call(at["reward"], token.encode("mint", OWNER, 10**30)))], "endowing")
        self._make_pool()
        self.tokens = {who: [self._mint(who) for _ in range(EACH)] for who in PEOPLE}
        numbers = [number for mine in self.tokens.values() for number in mine]
        self.model, self.book = GaugeModel(_Pool(self.pools[OWNER], numbers)), Book()
        state = {"account": self.staker, "own": own, "lead": YEAR, "longest": YEAR}
        self.state: GaugeState = self.model.init(state)
        self.set_up(OWNER, "create_incentive", {"amount": 10**27})
        lab.anvil.mine([], time_s=own.start)

    def _make_pool(self) -> None:
        room = {"observation_cardinality_next": 16}
        whole = {"tick_lower": -887_200, "tick_upper": 887_200, "liquidity": 1 << 80}
        for verb, args in (("pool_increase_observations", room), ("pool_mint", whole)):
            self.lab.must([(OWNER, call) for call in self.pools[OWNER].plan(Intent("pool", verb, args))], verb)

    def _mint(self, who: str) -> int:
        random = self.lab.random
        lower = random.randrange(-30, 10) * 10
        desired = {"amount0_desired": 1 << 70, "amount1_desired": 1 << 70}
        args = {"tick_lower": lower, "tick_upper": lower + random.randrange(5, 40) * 10, **desired}
        found = []
        for call in self.pools[who].plan(Intent("pool", "mint", args)):
            _block, receipts = self.lab.anvil.mine([(who, call)])
            found += receipts
        status: Any = self.pools[who].decode(found)
        return int(str(status.position).rpartition("#")[2])

    def swap(self) -> None:
        """Move the price a little."""
        tick = self.lab.random.randrange(-80, 80)
        limit = int(1.0001 ** (tick / 2) * 2**96)
        price = self.pools[OWNER].read("slot0")[0]
        if limit == price:
            return
        down = limit < price
        args = {"zero_for_one": down, "amount_specified": 1 << 100, "sqrt_price_limit_x96": limit}
        self.lab.must([(OWNER, call) for call in self.pools[OWNER].plan(Intent("pool", "pool_swap", args))], "swap")

    def set_up(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do something that is not measured."""
        self._remember(who)
        self.lab.must([(who, call) for call in self.clients[who].plan(Intent("gauge", verb, dict(args)))], verb)
        self._follow(who, verb, args)

    def act(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb and count what moved."""
        self._remember(who)
        calls = [
            (call, "approve" if call.purpose == "approve" else verb)
            for call in self.clients[who].plan(Intent("gauge", verb, dict(args)))
        ]
        features: dict[str, int] = {}
        self.lab.act(who, verb, calls, features)
        features |= self._follow(who, verb, args)

    def refuse(self, who: str, verb: str, args: Mapping[str, Any]) -> None:
        """Do a verb that is refused."""
        *_, call = self.clients[who].plan(Intent("gauge", verb, dict(args)))
        self.lab.act(who, verb, [(call, verb)], {"reverted": 1})

    def _remember(self, who: str) -> None:
        self.book.sender = who
        people = (who, self.staker, OWNER)
        self.book.held = {(REWARD, one): self.clients[OWNER].read("balance", REWARD, one) for one in people}

    def _follow(self, who: str, verb: str, args: Mapping[str, Any]) -> Mapping[str, int]:
        seen = self.lab.anvil.rpc.block()
        self.book.block = Block(time=seen.timestamp, number=seen.number)
        return self.model.apply(self.state, Action(verb, dict(args)), self.book).features


def measure(lab: Lab, rounds: int) -> None:
    """Measure every verb of stakers."""
    stand = Stand(lab)
    for who in PEOPLE:  # somebody is in already: the first ever pays for words that all later ones find set
        stand.set_up(who, "stake", {"position": f"pool#{stand.tokens[who][0]}"})
    for number in range(rounds):
        _sponsored(stand)
        for who in PEOPLE:
            _life(stand, who, f"pool#{stand.tokens[who][1 + number % (EACH - 1)]}", number)


def _sponsored(stand: Stand) -> None:
    """Bring an incentive that nobody stakes in, add to it, and take it back."""
    now = stand.lab.anvil.rpc.block().timestamp
    key = {"start": now + 30, "end": now + 40}
    for _ in range(2):
        stand.act(OWNER, "create_incentive", {**key, "amount": stand.lab.random.randrange(1, 10**20)})
    stand.refuse(OWNER, "end_incentive", key)
    stand.lab.anvil.mine([], time_s=now + 50)
    stand.act(OWNER, "end_incentive", key)
    stand.refuse(OWNER, "create_incentive", {**key, "amount": 1})


def _life(stand: Stand, who: str, position: str, number: int) -> None:
    """Come in one step or two, harvest, and leave in one step or several."""
    args = {"position": position}
    if number % 3 == 0:
        stand.act(who, "deposit", args)
    stand.refuse(who, "unstake", args)
    if number % 3 == 0:
        stand.set_up(who, "stake", args)  # what lies there already takes fewer bytes than what is handed in
    else:
        stand.act(who, "stake", args)
    stand.refuse(who, "stake", args)
    stand.refuse(who, "withdraw", args)
    stand.swap()
    for _ in range(2):
        stand.act(who, "harvest", args)
        stand.swap()
    other = next(one for one in PEOPLE if one != who)
    for verb in ("harvest", "exit"):
        stand.refuse(other, verb, args)
    if number % 2:
        stand.act(who, "exit", args)
        stand.refuse(who, "transfer_deposit", {**args, "to": other})
        return
    stand.act(who, "unstake", args)
    if number % 4 == 0:
        stand.act(who, "transfer_deposit", {**args, "to": other})
        stand.act(other, "transfer_deposit", {**args, "to": who})
    stand.act(who, "claim", {"amount": 1} if stand.lab.random.random() < 0.3 else {})
    stand.act(who, "withdraw", args)
