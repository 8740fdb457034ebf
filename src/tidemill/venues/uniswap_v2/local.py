"""A pair of a study on a local chain: factory, router and pair for real, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import AddressOf, Deployment, create_address, deploy
from tidemill.chain.types import Call
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Block, Intent, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.client_parts import abi, ask
from tidemill.venues.shared.ground import Ground, intent_of
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage
from tidemill.venues.uniswap_v2.client import FACTORY, PairClient, PairDeployment
from tidemill.venues.uniswap_v2.state import PairState

__all__ = ["LocalPair", "seat"]

_U256_MAX = (1 << 256) - 1
_PLAIN = ("getReserves", "totalSupply", "kLast", "price0CumulativeLast", "price1CumulativeLast")


class LocalPair(ScriptedLocal):
    """``LocalVenue`` of a pair; its share is a token that later venues find on the ground.

    Raises ``BadInput`` where both tokens stand on the chain already and do not sort as the study names them.
    """

    share_slot = 1

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        (pair,) = twin.state.pairs.values()
        setter, weth, factory = ground.address(f"{twin.id}:setter"), AddressOf("weth"), AddressOf("factory")
        stack = [
            Deployment("weth", "WETH9"),
            Deployment("factory", "UniswapV2Factory", (setter,)),
            Deployment("router", "UniswapV2Router02", (factory, weth)),
        ]
        at = deploy(ground.anvil, ground.address("deployer"), stack)
        tokens = _sorted_tokens(ground, pair, f"venues.{twin.id}.params.token0")
        calls = [(setter, Call(at["factory"], abi(FACTORY).encode("createPair", *tokens)))]
        if twin.state.fee_to:
            to = ground.address(twin.state.fee_to)
            calls.append((setter, Call(at["factory"], abi(FACTORY).encode("setFeeTo", to))))
        ground.run(calls, "making the pair")
        (made,) = ask(ground.rpc, at["factory"], FACTORY, "getPair", tokens, "latest")
        ground.tokens[pair.lp] = made
        ground.issued.add(pair.lp)
        ids = pair.token0, pair.token1
        self._at = PairDeployment.of_pair(ground.rpc, made, at["router"], ids=ids, lp_id=pair.lp)
        ours = tuple(token for token in ids if token not in ground.issued)
        super().__init__(ground, twin, (*ids, pair.lp), ours, made)
        if twin.state.fee_to:
            self.accounts = (*self.accounts, twin.state.fee_to)

    def client_for(self, who: str) -> PairClient:
        """Return a client of the pair for an account."""
        return PairClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def question(self, action: Action) -> Intent:
        """Return an action as an intent to ask about; a quote names no limits, which the client insists on."""
        wide = {"swap_exact_in": {"amount_out_min": 0}, "swap_exact_out": {"amount_in_max": _U256_MAX}}
        limits = {**wide.get(action.verb, {}), **action.limits}
        return intent_of(self.id, Action(action.verb, action.args, limits))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare the reserves and the time they were written down."""
        return model.read("getReserves"), self.client.read("getReserves")

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare all that the pair remembers, who earns the protocol's share, and what a share stands for."""
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        ask_for = 10**6, (self._at.token0_id, self._at.token1_id)
        out.append(
            ("getAmountsOut", model.read("getAmountsOut", *ask_for), self.client.read("getAmountsOut", *ask_for))
        )
        out.append(("feeTo", self.ground.at(model.read("feeTo")), self.client.read("feeTo")))
        out.append(("rates", dict(model.rates()), dict(self.client.rates())))  # type: ignore[attr-defined]
        return out


def _sorted_tokens(ground: Ground, pair: PairState, field: str) -> tuple[str, str]:
    """Return the tokens' addresses, made where they are not there yet, so that token0's is the lower one."""
    made = [token for token in (pair.token0, pair.token1) if token not in ground.tokens]
    for token in made:
        other = ground.tokens.get(pair.other(token))
        symbol = token.partition("@")[0]
        maker = _maker(ground, other, below=token == pair.token0) if other else ground.address("deployer")
        args = (f"Test {symbol}", symbol, ground.decimals[symbol])
        ground.tokens[token] = deploy(ground.anvil, maker, [Deployment(token, "TestToken", args)])[token]
    low, high = ground.tokens[pair.token0], ground.tokens[pair.token1]
    if int(low, 16) > int(high, 16):
        raise BadInput(
            f"{pair.token0} and {pair.token1} of other venues sort the other way round on the local chain; "
            "exchange token0 and token1 here",
            field=field,
        )
    return low, high


def _maker(ground: Ground, other: str, *, below: bool) -> str:
    """Return an account whose next contract's address sorts below (or above) another."""
    attempt = 0
    while True:
        maker = ground.address(f"maker {attempt}")
        if (int(create_address(maker, ground.rpc.nonce(maker)), 16) < int(other, 16)) == below:
            return maker
        attempt += 1


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a pair is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalPair, rank=1)
