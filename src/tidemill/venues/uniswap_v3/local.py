"""A pool of a study on a local chain: real contracts made to stand as the recorded market did, and the model beside."""

from __future__ import annotations

import copy
from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.chain.types import Call
from tidemill.errors import BadInput, Revert
from tidemill.interfaces import Action, Block, Condition, Context, Intent, Result, Stage
from tidemill.venues.shared.ground import PLENTY, Ground, Others, Unrest, intent_of
from tidemill.venues.shared.scripted import Holdings
from tidemill.venues.uniswap_v3.client import UniswapV3Client
from tidemill.venues.uniswap_v3.client_local import LocalToken, deploy_local
from tidemill.venues.uniswap_v3.client_place import V3Deployment
from tidemill.venues.uniswap_v3.local_start import PoolStart, start_of
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import UniswapV3State
from tidemill.venues.uniswap_v3.pool_stage import OTHERS, PoolStage, _Unlimited
from tidemill.venues.uniswap_v3.rules_ticks import MIN_TICK

__all__ = ["BookedPool", "LocalPool", "Seat", "seat", "stage_at"]

_VIEWS = ("slot0", "liquidity", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128", "protocolFees")


class BookedPool(PoolStage):
    """A pool executed by the model that also keeps the books of the pool and of everybody else at it."""

    def __init__(
        self, venue: str, network: str, state: UniswapV3State, actions: Sequence[tuple[Block, Action, int]]
    ) -> None:
        super().__init__(venue, network, state, actions, anchored=False)
        self.holdings = Holdings()

    def _play(self, index: int) -> None:
        block, action, _ = self.actions[index]
        sender = self.state.pool.owner if action.verb == "pool_set_fee_protocol" else OTHERS
        self.refused += self.do(block, action, sender)  # the chain refuses it too, or the comparison says so

    def do(self, block: Block, action: Action, sender: str) -> bool:
        """Do what ``sender``, who can pay, does in ``block``, and book it; say whether the pool refuses."""
        try:
            result = self.model.apply(self.state, action, _Unlimited(block, sender))
        except Revert:
            return True
        self.holdings.move(result.transfers)
        return False

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Look ahead as any executed pool; the books are as before afterwards."""
        held = dict(self.holdings.held)
        try:
            return super().next_wake(conditions, until)
        finally:
            self.holdings.held = held

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own verbs and book what it moved."""
        result = super().apply(action, ctx)
        self.holdings.move(result.transfers)
        return result

    def snapshot(self) -> Any:
        """Return a point to go back to."""
        return super().snapshot(), dict(self.holdings.held)

    def restore(self, snapshot: Any) -> None:
        """Go back, books included."""
        inner, self.holdings.held = snapshot[0], dict(snapshot[1])
        super().restore(inner)


def stage_at(venue: str, network: str, info: Any, start: PoolStart, at: Block) -> BookedPool:
    """Return a fresh pool of the model brought to ``start`` by ``others`` in block ``at``; ``info`` describes the pool."""
    params = {
        "name": venue, "account": f"{venue}:pool", "owner": f"{venue}:owner", "manager": f"{venue}:manager",
        "token0": f"{info.token0.symbol}@{network}", "token1": f"{info.token1.symbol}@{network}",
        "fee": info.fee, "tick_spacing": info.tick_spacing,
    }  # fmt: skip
    stage = BookedPool(venue, network, UniswapV3Model().init(params), start.actions)
    for actor, action in _opening(venue, start, info.tick_spacing):
        stage.holdings.move(stage.model.apply(stage.state, action, _Unlimited(at, actor)).transfers)
    stage.state.journal.forget()
    return stage


def _opening(venue: str, start: PoolStart, spacing: int) -> list[tuple[str, Action]]:
    """What brings a fresh pool to its start: (actor, core verb)."""
    out = [(OTHERS, Action("pool_initialize", {"sqrt_price_x96": start.sqrt_price_x96}))]
    if any(start.fee_protocol):
        shares = {f"fee_protocol_{i}": share for i, share in enumerate(start.fee_protocol)}
        out.append((f"{venue}:owner", Action("pool_set_fee_protocol", shares)))
    for lower, upper, liquidity in start.ranges:
        out.append((OTHERS, Action("pool_mint", {"tick_lower": lower, "tick_upper": upper, "liquidity": liquidity})))
    # One raw unit at the far end of all prices: on a live network the manager has long met the pool and costs no more
    # gas for it.
    edge = -(-MIN_TICK // spacing) * spacing
    far = {"tick_lower": edge, "tick_upper": edge + spacing, "amount0_desired": 0, "amount1_desired": 1}
    out.append((OTHERS, Action("mint", far)))
    return out


class LocalPool:
    """``LocalVenue`` of a Uniswap v3 pool, with a factory, a manager and a router of its own.

    Its tokens stand on the ground already, at addresses in the pool's order.
    """

    def __init__(self, ground: Ground, twin: BookedPool, start: PoolStart, info: Any) -> None:
        self.ground, self.twin, self._start, self.id = ground, twin, start, twin.id
        pool = twin.state.pool
        self.tokens: Sequence[str] = (pool.token0, pool.token1)
        self._governor = ground.address(pool.owner)
        self._others = ground.address(OTHERS)
        places = (info.token0.decimals, info.token1.decimals)
        made = [
            LocalToken(token, decimals, ground.token(token))
            for token, decimals in zip(self.tokens, places, strict=True)
        ]
        at = deploy_local(
            ground.anvil,
            *made,
            fee=pool.fee,
            sqrt_price_x96=None,
            governor=self._governor,
            tick_spacing=pool.tick_spacing,
        )
        if at.tick_spacing != pool.tick_spacing:
            raise BadInput(
                f"fee {pool.fee} has tick spacing {at.tick_spacing} in the factory, the data say {pool.tick_spacing}",
                field=f"venues.{self.id}",
            )
        names = {"pool": at.pool, "manager": at.manager, "router": at.router, "callee": at.callee}
        for name, address in names.items():
            ground.name(address, f"{self.id}:{name}")
        self.accounts: Sequence[str] = (OTHERS, *(f"{self.id}:{name}" for name in names))
        self.client = self._client(at, "me")
        self._of = {OTHERS: self._client(at, OTHERS), pool.owner: self._client(at, pool.owner)}

    def _client(self, at: V3Deployment, who: str) -> UniswapV3Client:
        return UniswapV3Client(self.ground.rpc, at, venue=self.id, account=self.ground.address(who))

    def start(self, at: Block) -> None:
        """Initialise the pool at the window's price and let ``others`` mint its liquidity, all at that block's time."""
        ground, callee = self.ground, self.client.deployment.callee
        for token in self.tokens:
            ground.give(token, OTHERS, PLENTY)
        ground.run([ground.approve(token, OTHERS, callee) for token in self.tokens], "approving")
        opening = _opening(self.id, self._start, self.client.deployment.tick_spacing)
        calls = [call for actor, action in opening for call in self._encoded(actor, action)]
        ground.run(calls, f"bringing {self.id} to its start", at.time)

    def others(self) -> Sequence[Others]:
        """Return the recorded market after the start."""
        return _as_others(self._start.actions, self.twin.state.pool.owner)

    def calls(self, item: Others) -> Sequence[tuple[str, Call]]:
        """Encode a recorded action."""
        return self._encoded(item.actor, item.action)

    def _encoded(self, actor: str, action: Action) -> list[tuple[str, Call]]:
        return [(self.ground.address(actor), call) for call in self._of[actor].plan(intent_of(self.id, action))]

    def unscript(self) -> None:
        """Leave the recorded market to the chain."""
        self.twin.actions = ()
        self.twin.played, self.twin._numbers = 0, self.twin._numbers[:0]  # noqa: SLF001 - of its own folder

    def follow(self, item: Others) -> bool:
        """Do what was included; say whether the model refuses it."""
        refused = self.twin.do(item.block, item.action, item.actor)
        self.twin.refused += refused
        return refused

    def endow(self, token: str, amount: int) -> None:
        """Make so much more of a token for ``me``: both are test tokens."""
        self.ground.run([self.ground.mint(token, "me", amount)], "endowing")

    def question(self, action: Action) -> Intent:
        """A quoted swap may come without a limit."""
        wide = {"swap_exact_in": ("amount_out_min", 0), "swap_exact_out": ("amount_in_max", PLENTY)}
        if action.verb in wide and not action.limits:
            name, bound = wide[action.verb]
            action = Action(action.verb, action.args, {name: bound})
        return intent_of(self.id, action)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare price and tick."""
        return model.read("slot0")[:2], self.client.read("slot0")[:2]

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the pool's globals, every tick in use, and the number of position tokens made."""
        found = self.client.snapshot(positions=(), token_ids=())
        out = [(view, model.read(view), self.client.read(view)) for view in _VIEWS]
        pool: Any = model.state.pool  # type: ignore[attr-defined]
        manager: Any = model.state.manager  # type: ignore[attr-defined]
        ticks = {tick: tuple(info) for tick, info in sorted(pool.ticks.items())}
        real = {tick: tuple(info) for tick, info in sorted(found.pool.ticks.items())}
        out.append((f"ticks in use ({len(real)})", ticks, real))
        keys = sorted(key for key, position in pool.positions.items() if any(position))
        out.append((f"positions of the core ({len(keys)})", *self._core(pool.positions, keys)))
        out.append(("next position token", manager.next_id, found.manager.next_id))
        return out

    def _core(self, positions: Mapping[Any, Any], keys: Sequence[tuple[str, int, int]]) -> tuple[Any, Any]:
        mine = {key: tuple(positions[key]) for key in keys}
        real = {key: tuple(self.client.read("pool_positions", self.ground.address(key[0]), *key[1:])) for key in keys}
        return mine, real


def _as_others(actions: Sequence[tuple[Block, Action, int]], owner: str) -> list[Others]:
    return [
        Others(block, owner if action.verb == "pool_set_fee_protocol" else OTHERS, action)
        for block, action, _ in actions
    ]


class Seat:
    """How a pool is put on the model and on a chain."""

    rank = 0

    def __init__(self, venue: str, network: str, market: Any, start: PoolStart, at: Block) -> None:
        self.venue, self.network, self.info, self.start, self.at = venue, network, market.pool, start, at
        self._fresh = stage_at(venue, network, self.info, start, at)

    def model(self) -> BookedPool:
        """Return a fresh pool of the model at the window's start."""
        return copy.deepcopy(self._fresh)

    @property
    def pair(self) -> tuple[str, str]:
        """The pool's tokens; their addresses must sort so."""
        pool = self._fresh.state.pool
        return pool.token0, pool.token1

    @property
    def ranges(self) -> int:
        """How many ranges of others stand at the start."""
        return len(self.start.ranges)

    @property
    def made_up(self) -> bool:
        """Whether those ranges were made up to fit the liquidity that events show."""
        return self.start.made_up

    def notes(self) -> list[str]:
        """Return what a reader must know of the start."""
        if not self.made_up:
            return []
        more = f", {self.start.added} of them because they are burnt later" if self.start.added else ""
        note = (
            f"{self.venue}: the data show events only, so {self.ranges} ranges were made up to have the liquidity known "
            f"at the start in every cell{more}; cells never visited have their neighbour's"
        )
        return [note]

    def local(self, ground: Ground, unrest: Unrest | None = None) -> LocalPool:
        """Place the pool on a chain, its twin beside it; ``unrest`` disturbs what others do, for both."""
        start = self.start
        twin = self.model()
        if unrest is not None:
            owner = twin.state.pool.owner
            actions = [(item.block, item.action, 0) for item in unrest(_as_others(start.actions, owner))]
            start = structs.replace(start, actions=tuple(actions))
            twin = stage_at(self.venue, self.network, self.info, start, self.at)
        return LocalPool(ground, twin, start, self.info)


def seat(venue: str, network: str, market: Any, placed: Any, at: Block, until: Block) -> Seat:
    """Return how a recorded pool is rehearsed from block ``at`` on; ``until`` bounds what is played."""
    del placed
    return Seat(venue, network, market, start_of(market, at, until), at)
