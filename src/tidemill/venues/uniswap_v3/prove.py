"""A deployed pool held against the model: the core's verbs through a helper of ours, the periphery's where it is given."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.interfaces import Action, Event
from tidemill.venues.shared.client_parts import ERC20, ask
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids
from tidemill.venues.uniswap_v3.client import UniswapV3Client, V3Deployment
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import UniswapV3State
from tidemill.venues.uniswap_v3.rules_liquidity import liquidity_for_amounts_down
from tidemill.venues.uniswap_v3.rules_ticks import sqrt_ratio_at_tick

__all__ = ["BESIDE", "PoolSubject", "subject"]

BESIDE = ("position_manager", "router")
"""Without the position manager or the router (SwapRouter), their verbs are left out; the core is tried always."""

_PLAIN = ("slot0", "liquidity", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128", "protocolFees", "maxLiquidityPerTick")
_NOBODY = "0x" + "00" * 20
_CORE = ("pool_mint", "pool_burn", "pool_collect", "pool_swap", "pool_swap", "pool_flash", "pool_increase_observations")
_MANAGED = ("mint", "increase", "decrease", "collect", "close")
_ROUTED = ("swap_exact_in", "swap_exact_out")
_LEAST = 10**6
_TOO_MUCH = 1 << 200


class PoolSubject(Subject):
    """One pool. Positions of others are not read: they earn beside, and nothing here depends on whose they are."""

    def __init__(self, site: Site) -> None:
        manager, router = (site.beside.get(name, _NOBODY) for name in BESIDE)
        ids = symbol_ids(("token0", "token1"))
        callee = site.deploy("PoolCallee") if site.deploy else ""
        self.at = V3Deployment.of_pool(
            site.rpc, site.address, manager=manager, router=router, token_ids=(ids[0], ids[1]), callee=callee
        )
        self.me, self.managed, self.routed = site.me, manager != _NOBODY, router != _NOBODY
        self.client: UniswapV3Client = UniswapV3Client(site.rpc, self.at, venue="pool", account=site.me)
        self.model = UniswapV3Model()
        self.tokens = dict(zip(ids, (self.at.token0, self.at.token1), strict=True))
        self.accounts = (self.at.pool,)
        self.wealth = {
            token: max(ask(site.rpc, address, ERC20, "balanceOf", (self.at.pool,), "latest")[0], _LEAST)
            for token, address in self.tokens.items()
        }
        self.approvals = [(address, callee) for address in self.tokens.values()] if callee else ()
        self._ranges: list[tuple[int, int]] = []

    def state(self, block: BlockId = "latest", events: Sequence[Event] = ()) -> UniswapV3State:
        """See `Subject`; positions that ``events`` touch are read as well."""
        told: list[Any] = [event.args for event in events if {"owner", "tickLower", "tickUpper"} <= event.args.keys()]
        touched = dict.fromkeys((args["owner"], args["tickLower"], args["tickUpper"]) for args in told)
        return self.client.snapshot(block, positions=touched, token_ids=())

    def views(
        self, state: UniswapV3State, now: int, balance: Balance, block: BlockId
    ) -> Sequence[tuple[str, Any, Any]]:
        """Compare the pool's numbers, its oracle, the ticks next to the price and one's own, and one's positions."""
        del balance
        word, tick = (state.pool.tick // self.at.tick_spacing) >> 8, state.pool.tick
        near = sorted(state.pool.ticks, key=lambda one: abs(one - tick))[:4]
        asked: list[tuple[Any, ...]] = [(name,) for name in _PLAIN]
        asked += [("tickBitmap", word), ("observations", state.pool.observation_index), ("observe", (0,), now)]
        asked += [
            ("ticks", one) for one in dict.fromkeys([*near, *(end for ends in self._ranges[-4:] for end in ends)])
        ]
        asked += [("pool_positions", self.me, *ends) for ends in self._ranges[-4:]]
        asked += [(name, token) for token in list(state.manager.tokens)[-2:] for name in ("positions", "claimable")]
        return self.asked(state, asked, block)

    def draw(self, random: Random, state: UniswapV3State, balance: Balance) -> Drawn:
        """See `Subject`."""
        verbs = _CORE + (_MANAGED if self.managed else ()) + (_ROUTED if self.routed else ())
        verb, held = random.choice(verbs), [balance(token, self.me) for token in self.tokens]
        if verb in _ROUTED or verb in ("pool_swap", "pool_flash"):
            return [self._trade(random, verb, state, held)]
        if verb in _MANAGED:
            return [self._managed(random, verb, state, held)]
        if verb == "pool_increase_observations":
            return [Action(verb, {"observation_cardinality_next": state.pool.observation_cardinality_next + 1})]
        if verb == "pool_mint" or not self._ranges:
            ends = self._range(random, state)
            liquidity = self._liquidity(random, state, ends, held)
            self._ranges.append(ends)
            return [Action("pool_mint", {"tick_lower": ends[0], "tick_upper": ends[1], "liquidity": liquidity})]
        ends = random.choice(self._ranges)
        args = {"tick_lower": ends[0], "tick_upper": ends[1]}
        if verb == "pool_collect":
            return [Action(verb, args)]
        (whole, *_) = self.model.read(state, "pool_positions", self.me, *ends)
        return [Action(verb, {**args, "liquidity": 0 if one_in(random, 10) else min(part_of(random, whole), whole)})]

    def _trade(self, random: Random, verb: str, state: UniswapV3State, held: Sequence[int]) -> Action:
        place = random.randrange(2)
        tokens = tuple(self.tokens)
        amount = part_of(random, held[place] >> 2)
        if verb == "pool_flash":
            return Action(verb, {"amount0": part_of(random, held[0] >> 4), "amount1": part_of(random, held[1] >> 4)})
        if verb == "pool_swap":
            return Action(verb, {"zero_for_one": place == 0, "amount_specified": amount})
        if verb == "swap_exact_in":
            least = _TOO_MUCH if one_in(random, 4) else 0
            return Action(verb, {"token_in": tokens[place], "amount_in": amount}, {"amount_out_min": least})
        wanted = part_of(random, held[1 - place] >> 6)
        return Action(verb, {"token_in": tokens[place], "amount_out": wanted}, {"amount_in_max": held[place]})

    def _managed(self, random: Random, verb: str, state: UniswapV3State, held: Sequence[int]) -> Action:
        own = [number for number, token in state.manager.tokens.items() if token.owner == self.me]
        desired = {f"amount{i}_desired": part_of(random, amount >> 5) for i, amount in enumerate(held)}
        if verb == "mint" or not own:
            lower, upper = self._range(random, state)
            return Action("mint", {"tick_lower": lower, "tick_upper": upper, **desired})
        position = {"position": f"pool#{random.choice(own)}"}
        if verb == "increase":
            return Action(verb, {**position, **desired})
        if verb == "decrease":
            return Action(verb, {**position, "bps": random.randrange(1, 10_001)})
        return Action("harvest" if verb == "collect" else verb, dict(position))

    def _range(self, random: Random, state: UniswapV3State) -> tuple[int, int]:
        spacing = self.at.tick_spacing
        middle = state.pool.tick // spacing + random.randrange(-3, 4)
        width = random.choice((1, 1, 2, 5, 20))
        return (middle - width) * spacing, (middle + random.choice((1, width))) * spacing

    def _liquidity(self, random: Random, state: UniswapV3State, ends: tuple[int, int], held: Sequence[int]) -> int:
        lower, upper = (sqrt_ratio_at_tick(end) for end in ends)
        amounts = [part_of(random, amount >> 5) for amount in held]
        return max(liquidity_for_amounts_down(state.pool.sqrt_price_x96, lower, upper, *amounts), 1)

    def told(self, event: Event) -> bool:
        """See `Subject`."""
        return not event.name.startswith("Manager.")


def subject(site: Site) -> PoolSubject:
    """Return a deployed pool; raises ``RpcError`` when the address is none."""
    return PoolSubject(site)
