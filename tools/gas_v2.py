"""A Uniswap v2 pair measured: several people come, swap both ways, and go, as a client would send it."""

from __future__ import annotations

from gas_lab import Lab

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Block, Transfer
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.ground import Ground, intent_of
from tidemill.venues.uniswap_v2.client import FACTORY, PairClient, PairDeployment
from tidemill.venues.uniswap_v2.model import ExchangeModel

__all__ = ["measure"]

ME = "0x" + "a0" * 20
PEOPLE = ("alice", "bob", "carol", "dave", "erin")
FUTURE = 10**11


class _Now:
    """What the model may know: the block to come, who acts, and what they hold on the chain."""

    def __init__(self, sender: str, held: dict[tuple[str, str], int], time: int) -> None:
        self.block, self.sender, self._held = Block(time=time, number=0), sender, held

    def balance(self, token: str, account: str) -> int:
        return self._held.get((token, account), 0)

    def call(self, venue: str, action: Action) -> None:
        raise NotImplementedError

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError


class Stand:
    """A pair on a local chain and a client for everybody."""

    def __init__(self, lab: Lab, places: tuple[int, int], *, fee_on: bool) -> None:
        self.lab = lab
        self.ground = ground = Ground(lab.anvil, ME, {"A": places[0], "B": places[1]})
        setter = ground.address("setter")
        first = [Deployment("weth", "WETH9"), Deployment("factory", "UniswapV2Factory", (setter,))]
        at = deploy(lab.anvil, ground.address("deployer"), first)
        second = [Deployment("router", "UniswapV2Router02", (at["factory"], at["weth"]))]
        at |= deploy(lab.anvil, ground.address("deployer"), second)
        tokens = {token: ground.token(token) for token in ("A@test", "B@test")}
        ids = tuple(sorted(tokens, key=lambda token: int(tokens[token], 16)))
        calls = [(setter, Call(at["factory"], abi(FACTORY).encode("createPair", *tokens.values())))]
        if fee_on:
            calls.append((setter, Call(at["factory"], abi(FACTORY).encode("setFeeTo", ground.address("fee to")))))
        lab.must(calls, "making the pair")
        codec = abi(FACTORY)
        (pair,) = codec.decode("getPair", lab.anvil.rpc.call(at["factory"], codec.encode("getPair", *tokens.values())))
        self.at = PairDeployment.of_pair(ground.rpc, pair, at["router"], ids=ids, lp_id="LP@test")
        ground.tokens["LP@test"] = pair
        ground.name(pair, pair)
        for who in PEOPLE:
            for token in tokens:
                lab.must([ground.mint(token, who, 1 << 110)], "endowing")
        self.act("alice", "add_liquidity", {"amount0_desired": 10**21, "amount1_desired": 10**21}, measured=False)
        self.act("alice", "swap_exact_in", self.swap(0, 10**15), {"amount_out_min": 0}, measured=False)

    def swap(self, place: int, amount: int, name: str = "amount_in") -> dict[str, int | str]:
        """Arguments of a swap of one of the pair's tokens."""
        return {"token_in": (self.at.token0_id, self.at.token1_id)[place], name: amount}

    def client(self, who: str) -> PairClient:
        """Somebody's client."""
        return PairClient(self.ground.rpc, self.at, venue="pair", account=self.ground.address(who))

    def held(self, token: str, who: str) -> int:
        """Raw units."""
        return int(self.client(who).read("balance", token, self.ground.address(who)))

    def act(
        self,
        who: str,
        verb: str,
        args: dict[str, int | str],
        limits: dict[str, int] | None = None,
        *,
        refused: bool = False,
        measured: bool = True,
    ) -> None:
        """Send what the client plans, and count by the model what moves gas."""
        action = Action(verb, args, {"deadline": FUTURE, **(limits or {})})
        calls = list(self.client(who).plan(intent_of("pair", action)))
        features, idle = ({"reverted": 1}, ()) if refused else self._features(who, action)
        purposes = _purposes(calls, verb, idle)
        sender = self.ground.address(who)
        if not measured:
            self.lab.must([(sender, call) for call in calls], verb)
            return
        self.lab.act(sender, verb, list(zip(calls, purposes, strict=True)), features)
        if refused:  # what the refusal left approved is taken back unmeasured
            codec = Abi(artefact("TestToken").abi)
            for token in self.at.addresses.values():
                back = Call(token, codec.encode("approve", self.at.router, 0), purpose="approve")
                self.lab.must([(sender, back)], "taking back")

    def _features(self, who: str, action: Action) -> tuple[dict[str, int], tuple[bool, ...]]:
        """What the model counts, and which allowances will be wholly used."""
        client = self.client(who)
        state = client.snapshot()
        people = [self.ground.address(one) for one in (who, "fee to")]
        held = {
            (token, one): int(client.read("balance", token, one))
            for token in self.at.addresses
            for one in (*people, self.at.pair)
        }
        time = self.ground.rpc.block().timestamp + 1
        made = ExchangeModel().apply(state, action, _Now(people[0], held, time))
        idle: tuple[bool, ...] = ()
        if action.verb == "add_liquidity":
            idle = tuple(made.amounts[name] == action.args[f"{name}_desired"] for name in ("amount0", "amount1"))
        return dict(made.features), idle


def measure(lab: Lab, rounds: int) -> None:
    """Measure the router's verbs at pairs with and without the protocol's share."""
    for places, fee_on in (((18, 6), False), ((18, 18), True)):
        stand = Stand(lab, places, fee_on=fee_on)
        for _ in range(rounds):
            for who in PEOPLE[1:]:
                _visit(stand, who)


def _visit(stand: Stand, who: str) -> None:
    """Come, swap every way, be refused once each, add more, leave with a part or all."""
    random = stand.lab.random
    scale = 10 ** random.randrange(14, 19)
    for _ in range(2):
        desired = {f"amount{i}_desired": random.randrange(1, 1000) * scale // 100 + 10**6 for i in (0, 1)}
        stand.act(who, "add_liquidity", dict(desired))
        for place in (0, 1):
            amount = random.randrange(1, 1000) * scale // 1000 + 10**6
            stand.act(who, "swap_exact_in", stand.swap(place, amount), {"amount_out_min": 0})
            cost = stand.client(who).read("getAmountsIn", amount, _path(stand, place))[0]
            most = {"amount_in_max": cost * 21 // 20}
            stand.act(who, "swap_exact_out", stand.swap(place, amount, "amount_out"), most)
    place = random.randrange(2)
    amount = random.randrange(1, 1000) * scale // 1000 + 10**6
    out = stand.client(who).read("getAmountsOut", amount, _path(stand, place))[1]
    stand.act(who, "swap_exact_in", stand.swap(place, amount), {"amount_out_min": out + 1}, refused=True)
    cost = stand.client(who).read("getAmountsIn", amount, _path(stand, place))[0]
    args = stand.swap(place, amount, "amount_out")
    stand.act(who, "swap_exact_out", args, {"amount_in_max": cost - 1}, refused=True)
    desired, beyond = (
        {"amount0_desired": scale, "amount1_desired": scale},
        {"amount0_min": 2 * scale, "amount1_min": 2 * scale},
    )
    stand.act(who, "add_liquidity", dict(desired), beyond, refused=True)
    liquidity = stand.held("LP@test", who)
    stand.act(who, "remove_liquidity", {"liquidity": liquidity}, {"amount0_min": 1 << 100}, refused=True)
    stand.act(who, "remove_liquidity", {"liquidity": liquidity // random.choice((2, 5))})
    if random.randrange(2):
        stand.act(who, "remove_liquidity", {"liquidity": stand.held("LP@test", who)})


def _purposes(calls: list[Call], verb: str, idle: tuple[bool, ...]) -> list[str]:
    """Kinds of transactions; a reset of an allowance that is 0 already is a kind of its own."""
    place = next(i for i, call in enumerate(calls) if call.purpose == verb)
    resets = ["approve_reset_idle" if used else "approve_reset" for used in idle]
    return ["approve"] * place + [verb] + (resets or ["approve_reset"] * (len(calls) - place - 1))


def _path(stand: Stand, place: int) -> list[str]:
    ids = [stand.at.token0_id, stand.at.token1_id]
    return ids if place == 0 else ids[::-1]
