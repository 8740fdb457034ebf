"""A deployed pair held against the model: the core's verbs, those of the router where one is given, and every view."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.chain.types import Call
from tidemill.interfaces import Action, Event
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids
from tidemill.venues.uniswap_v2.client import PairClient, PairDeployment
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.rules import amount_out_down
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["BESIDE", "PairSubject", "subject"]

BESIDE = ("router",)
"""Router02; without it the core alone is tried."""

CORE = """
function mint(address to) returns (uint256 liquidity)
function burn(address to) returns (uint256 amount0, uint256 amount1)
function swap(uint256 amount0Out, uint256 amount1Out, address to, bytes data)
function transfer(address to, uint256 value) returns (bool)
"""
_PLAIN = ("getReserves", "totalSupply", "kLast", "price0CumulativeLast", "price1CumulativeLast", "token0", "token1")
_ROUTED = ("add_liquidity", "remove_liquidity", "swap_exact_in", "swap_exact_out")
_CORE = ("pair_mint", "pair_burn", "pair_swap", "pair_swap", "pair_swap", "skim", "sync")


class PairSubject(Subject):
    """One pair."""

    def __init__(self, site: Site) -> None:
        token0_id, token1_id, lp_id = symbol_ids(("token0", "token1", "share"))
        self.routed = "router" in site.beside
        router = site.beside.get("router", site.address)
        self.at = PairDeployment.of_pair(site.rpc, site.address, router, ids=(token0_id, token1_id), lp_id=lp_id)
        self.me, self.pair = site.me, self.at.pair
        self.client = PairClient(site.rpc, self.at, venue="pair", account=site.me)
        self.model = ExchangeModel()
        self.tokens, self.accounts = self.at.addresses, (self.pair,)
        reserves = self.client.read("getReserves")
        self.wealth = {token0_id: reserves[0], token1_id: reserves[1]}

    def views(self, state: ExchangeState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`."""
        del now
        path = self.at.token0_id, self.at.token1_id
        asked: list[tuple[Any, ...]] = [(name,) for name in (*_PLAIN, "feeTo")]
        asked += [("getAmountsOut", amount, path) for amount in (10**6, 10**18) if self.routed]
        return self.asked(state, asked, block)

    def draw(self, random: Random, state: ExchangeState, balance: Balance) -> Drawn:
        """See `Subject`."""
        (pair,) = state.pairs.values()
        verb = random.choice((*_CORE, *_ROUTED) if self.routed else _CORE)
        if verb in _ROUTED:
            return [self._routed(random, verb, pair, balance)]
        held = [balance(token, self.me) for token in (pair.token0, pair.token1, pair.lp)]
        if verb == "pair_swap":
            return self._swap(random, pair, held)
        sends: list[Action] = []
        if verb == "pair_mint":
            share = part_of(random, 1 << 16)
            amounts = [min(reserve * share >> 20, own) for reserve, own in zip(_reserves(pair), held, strict=False)]
            sends = [
                self._send(token, amount) for token, amount in zip((pair.token0, pair.token1), amounts, strict=True)
            ]
        elif verb == "pair_burn":
            sends = [self._send(pair.lp, part_of(random, held[2]))] if held[2] else []
        elif not one_in(random, 5):  # for skim and sync
            sends = [self._send(pair.token0, min(part_of(random, held[0] >> 8), held[0]))]
        return [*sends, Action(verb)]

    def _swap(self, random: Random, pair: PairState, held: Sequence[int]) -> Drawn:
        """Pay first, then take what the product allows, or one unit more, which must be refused."""
        place = random.randrange(2)
        token = (pair.token0, pair.token1)[place]
        reserves = _reserves(pair)
        amount = min(part_of(random, reserves[place] >> 3), held[place])
        most = amount_out_down(amount, reserves[place], reserves[1 - place]) if amount else 0
        out = [0, 0]
        out[1 - place] = random.choice((most, most, most + 1))
        swap = Action("pair_swap", {"amount0_out": out[0], "amount1_out": out[1]})
        return [self._send(token, amount), swap, Action("skim")]

    def _routed(self, random: Random, verb: str, pair: PairState, balance: Balance) -> Action:
        reserves, place = _reserves(pair), random.randrange(2)
        tokens = pair.token0, pair.token1
        if verb == "add_liquidity":
            share = part_of(random, 1 << 16)
            desired = [max(reserve * share >> 20, 1) + random.randrange(3) for reserve in reserves]
            return Action(verb, {"amount0_desired": desired[0], "amount1_desired": desired[1]})
        if verb == "remove_liquidity":
            return Action(verb, {"liquidity": part_of(random, balance(pair.lp, self.me))})
        if verb == "swap_exact_in":
            amount = part_of(random, min(reserves[place] >> 3, balance(tokens[place], self.me)))
            least = amount_out_down(amount, reserves[place], reserves[1 - place]) + one_in(random, 10)
            return Action(verb, {"token_in": tokens[place], "amount_in": amount}, {"amount_out_min": least})
        amount = part_of(random, reserves[1 - place] >> 3)
        return Action(verb, {"token_in": tokens[place], "amount_out": amount}, {"amount_in_max": reserves[place]})

    def _send(self, token: str, amount: int) -> Action:
        return Action("send", {"token": token, "amount": amount})

    def calls(self, action: Action) -> Sequence[Call]:
        """Encode an action; the core's verbs go to the pair itself."""
        codec, args = abi(CORE), action.args
        if action.verb == "send":
            data = codec.encode("transfer", self.pair, args["amount"])
            return [Call(self.tokens[str(args["token"])], data, purpose="send")]
        if action.verb == "pair_swap":
            data = codec.encode("swap", args["amount0_out"], args["amount1_out"], self.me, b"")
            return [Call(self.pair, data, purpose=action.verb)]
        if action.verb in ("pair_mint", "pair_burn"):
            return [Call(self.pair, codec.encode(action.verb.removeprefix("pair_"), self.me), purpose=action.verb)]
        return super().calls(action)

    def told(self, event: Event) -> bool:
        """See `Subject`; approvals of shares change nothing."""
        return event.name != "Approval"


def _reserves(pair: PairState) -> tuple[int, int]:
    return pair.reserve0, pair.reserve1


def subject(site: Site) -> PairSubject:
    """Return a deployed pair; raises ``RpcError`` when the address is none."""
    return PairSubject(site)
