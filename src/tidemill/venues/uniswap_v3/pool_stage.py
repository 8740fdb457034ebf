"""A pool executed again with oneself in it (modes ``impact`` and ``anchored``): exact to the contract.

Recorded inputs run through the exact model on a pool that holds one's own liquidity. ``anchored`` adds an arbitrageur
who swaps back to the recorded price after each recorded swap. What the recorded market did beside swapping (mints and
burns of others) is done again too, all of it by one account, ``others``.

Looking ahead for a wake plays the flow on the state itself, through the undo journal, and takes it back.
"""

from __future__ import annotations

import copy
from collections.abc import Callable, Iterator, Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import structs

from tidemill.errors import BadInput, Revert
from tidemill.interfaces import (
    Action,
    Block,
    Claimable,
    Condition,
    Context,
    EventCount,
    Happened,
    Position,
    Rate,
    Result,
    Stage,
    TickLeaves,
    Transfer,
)
from tidemill.units.jit import unpack
from tidemill.venues.kinds import Placed, Setup
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import ManagerState, PoolPosition, PoolState, UniswapV3State
from tidemill.venues.uniswap_v3.model_storage import storage_features
from tidemill.venues.uniswap_v3.position_manager import transfer
from tidemill.venues.uniswap_v3.rules_fees import fees_owed_down, wrapping_add_128
from tidemill.venues.uniswap_v3.tape import Flow

__all__ = ["OTHERS", "PoolStage", "place_executed", "recorded_actions"]

OTHERS = "others"
_PLENTY = (1 << 255) - 1
_LONG = 4  # rows from which on compiled code is the faster
_FIRST, _MOST = 64, 8192  # rows looked ahead at once: first, and at most
_SWAP, _MINT, _BURN, _FLASH, _SET_FEE = 0, 1, 2, 4, 5


class _Unlimited:
    """The context of the recorded market: whoever acts can pay."""

    def __init__(self, block: Block, sender: str) -> None:
        self.block, self.sender = block, sender

    def balance(self, token: str, account: str) -> int:
        return _PLENTY

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError("recorded actions move tokens by their result only")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("recorded actions call nobody")

    def read(self, venue: str, query: str, *args: Any) -> Any:
        raise NotImplementedError("recorded actions ask nobody")


class _Own:
    """One's own context: the wallet is the world's, the pool is never short of what its books owe."""

    def __init__(self, outer: Context, account: str) -> None:
        self.block, self.sender, self._outer, self._account = outer.block, outer.sender, outer, account

    def balance(self, token: str, account: str) -> int:
        return _PLENTY if account == self._account else self._outer.balance(token, account)

    def move(self, transfer: Transfer) -> None:
        self._outer.move(transfer)

    def call(self, venue: str, action: Action) -> Result:
        return self._outer.call(venue, action)

    def read(self, venue: str, query: str, *args: Any) -> Any:
        return self._outer.read(venue, query, *args)


def recorded_actions(flow: Flow) -> list[tuple[Block, Action, int]]:
    """Return the flow as core verbs of ``others`` with the recorded price after each (Q64.96).

    Collects change nothing that swaps or fees depend on and are left out.
    """
    columns = zip(
        flow.time.tolist(), flow.block.tolist(), flow.kind.tolist(), flow.zero_for_one.tolist(),
        unpack(flow.specified, signed=True), unpack(flow.limit), unpack(flow.amount0, signed=True),
        unpack(flow.amount1, signed=True), flow.tick_lower.tolist(), flow.tick_upper.tolist(),
        unpack(flow.liquidity_delta, signed=True), unpack(flow.sqrt_price), strict=True,
    )  # fmt: skip
    out = []
    for time, number, kind, down, specified, limit, amount0, amount1, lower, upper, delta, price in columns:
        if kind == _SWAP:
            args: dict[str, int | str | bool] = {
                "zero_for_one": bool(down), "amount_specified": specified, "sqrt_price_limit_x96": limit,
            }  # fmt: skip
            action = Action("pool_swap", args)
        elif kind in (_MINT, _BURN):
            verb = "pool_mint" if kind == _MINT else "pool_burn"
            action = Action(verb, {"tick_lower": lower, "tick_upper": upper, "liquidity": abs(delta)})
        elif kind == _FLASH:
            action = Action("pool_flash", {"amount0": amount0, "amount1": amount1})
        elif kind == _SET_FEE:
            action = Action("pool_set_fee_protocol", {"fee_protocol_0": amount0, "fee_protocol_1": amount1})
        else:
            continue
        out.append((Block(time=time, number=number), action, price))
    return out


class PoolStage:
    """`Stage` of a pool executed by the exact model.

    Parameters
    ----------
    actions : the recorded market (`recorded_actions`). anchored : swap back to the recorded price after each swap.
    flow : the same market as rows. Given it, compiled code plays the stretches between own actions, to the same state:
        fees, ticks, observations and refusals, but for what ``others``' own positions are owed (nobody collects it).
        Without it the model plays every row.
    """

    def __init__(
        self,
        venue: str,
        network: str,
        state: UniswapV3State,
        actions: Sequence[tuple[Block, Action, int]],
        *,
        anchored: bool,
        flow: Flow | None = None,
    ) -> None:
        self.id, self.network, self.account = venue, network, state.pool.account
        self.state, self.actions, self.anchored = state, actions, anchored
        self.model = UniswapV3Model()
        self.played = self.refused = 0
        self.at = Block(time=0, number=0)
        self._stretch: Any = None
        if flow is not None:
            from tidemill.venues.uniswap_v3.pool_kernel import Stretch  # noqa: PLC0415 - heavy by numba

            stretch = Stretch(state.pool, flow, OTHERS, anchored=anchored)
            self._stretch = stretch if stretch.backed else None
        self._numbers = np.array([block.number for block, _, _ in actions], np.int64)

    # --- time ---------------------------------------------------------------------------------------------------------

    def advance(self, to: Block) -> Sequence[Happened]:
        """Execute the recorded market up to and including block ``to``."""
        self.state.journal.forget()  # worlds go back within a block only
        stop = int(np.searchsorted(self._numbers, to.number, side="right"))
        if self._stretch is not None and stop - self.played >= _LONG:
            self._play_stretch(stop)
        while self.played < stop:
            self._play(self.played)
            self.played += 1
        self.at = to
        return ()

    def next_wake(self, conditions: Sequence[Condition], until: Block) -> Block | None:
        """Return the first block, not after ``until``, at which a condition holds; the state is as before afterwards."""
        stop = int(np.searchsorted(self._numbers, until.number, side="right"))
        tests = [self._test(condition, stop) for condition in conditions]
        if any(test() for test in tests):
            return self.at
        if self._stretch is not None:
            row = self._first_row(conditions, stop)
            if row is not None:
                return None if row >= stop else self.actions[row][0]
        journal = self.state.journal
        played, refused, mark = self.played, self.refused, journal.mark()
        try:
            while self.played < stop:
                block = self.actions[self.played][0]
                self._play(self.played)
                self.played += 1
                if any(test() for test in tests):
                    return block
            return None
        finally:
            journal.rollback(mark)
            self.played, self.refused = played, refused

    def _play_stretch(self, stop: int) -> None:
        from tidemill.venues.uniswap_v3.pool_kernel import Refused  # noqa: PLC0415

        try:
            self.refused += self._stretch.play(self.played, stop)
            self.played = stop
        except Refused:
            self._stretch = None  # the model goes on alone

    def _first_row(self, conditions: Sequence[Condition], stop: int) -> int | None:
        """Return the first row after which a condition holds, `stop` for none; None where only the model can tell."""
        from tidemill.venues.uniswap_v3.pool_kernel import Refused  # noqa: PLC0415

        stretch, owed = self._stretch, []
        end = stop
        for condition in conditions:
            if isinstance(condition, EventCount):
                end = min(end, self.played + condition.count - 1)
            elif isinstance(condition, Claimable):
                owed.append(self._claim(condition))
        leaves = [(c.lower, c.upper) for c in conditions if isinstance(c, TickLeaves)]
        stretch.load()
        start = stretch.kernel.snapshot()
        try:
            return self._search(stretch, self.played, end, leaves, [claim for claim in owed if claim], stop)
        except Refused:
            return None
        finally:
            stretch.kernel.restore(start)

    def _search(self, stretch: Any, row: int, end: int, leaves: Any, owed: Any, stop: int) -> int:
        size = _FIRST
        while row < end:
            before, to = stretch.kernel.snapshot(), min(row + size, end)
            ticks = stretch.run(row, to).tick
            gone = np.zeros(to - row, bool)
            for lower, upper in leaves:
                gone |= (ticks < lower) | (ticks >= upper)
            first = row + int(gone.argmax()) if gone.any() else to
            if any(claim(stretch) for claim in owed):
                # Claims only grow while nothing of one's own happens: halve the rows down to the one that does it.
                low, high = row, to
                while high - low > 1:
                    middle = (low + high) // 2
                    stretch.kernel.restore(before)
                    stretch.run(low, middle)
                    if any(claim(stretch) for claim in owed):
                        high = middle
                    else:
                        low, before = middle, stretch.kernel.snapshot()
                return min(first, high - 1)
            if first < to:
                return first
            row, size = to, min(2 * size, _MOST)
        return min(stop, end)

    def _claim(self, condition: Claimable) -> Callable[[Any], bool] | None:
        """Return whether what a position may claim reaches an amount on the compiled pool; None: never will."""
        pool = self.state.pool
        name, _, number = condition.position.partition("#")
        token = self.state.manager.tokens.get(int(number)) if name == self.id and number.isdigit() else None
        if token is None or condition.token not in (pool.token0, pool.token1):
            return None
        side = (pool.token0, pool.token1).index(condition.token)
        last = (token.fee_growth_inside_0_last_x128, token.fee_growth_inside_1_last_x128)[side]
        owed = (token.tokens_owed_0, token.tokens_owed_1)[side]

        def reached(stretch: Any) -> bool:
            inside = stretch.growth_inside(token.tick_lower, token.tick_upper)[side]
            return wrapping_add_128(owed, fees_owed_down(inside, last, token.liquidity)) >= condition.amount

        return reached

    def _test(self, condition: Condition, stop: int) -> Callable[[], bool]:
        match condition:
            case TickLeaves(_, lower, upper):
                return lambda: not lower <= self.state.pool.tick < upper
            case EventCount(_, count):
                reached = self.played + count
                return lambda: self.played >= reached
            case Claimable(_, position, token, amount):
                return lambda: self._claimable(position, token) >= amount
        raise BadInput(f"{type(condition).__name__} is not a wake condition of a pool", field=self.id)

    def _claimable(self, position: str, token: str) -> int:
        for held in self._all_positions():
            if held.id == position:
                return held.claimable.get(token, 0)
        return 0

    def _play(self, index: int) -> None:
        block, action, price = self.actions[index]
        pool = self.state.pool
        sender = pool.owner if action.verb == "pool_set_fee_protocol" else OTHERS
        try:
            self.model.apply(self.state, action, _Unlimited(block, sender))
        except Revert:
            # With oneself in the pool the price may already be beyond a recorded limit: that swap then does nothing.
            self.refused += 1
        if self.anchored and action.verb == "pool_swap" and pool.sqrt_price_x96 != price:
            back = {
                "zero_for_one": price < pool.sqrt_price_x96,
                "amount_specified": _PLENTY,
                "sqrt_price_limit_x96": price,
            }
            self.model.apply(self.state, Action("pool_swap", back), _Unlimited(block, OTHERS))

    # --- what worlds ask ----------------------------------------------------------------------------------------------

    @property
    def sqrt_price_x96(self) -> int:
        """Price now, Q64.96."""
        return self.state.pool.sqrt_price_x96

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own verbs through the exact model; raises ``Revert`` with the state unchanged."""
        principal = self._principal(action)
        result = self.model.apply(self.state, action, _Own(ctx, self.account))
        if principal is None:
            return result
        split = {"principal0": principal[0], "principal1": principal[1]}
        return structs.replace(result, amounts={**result.amounts, **split})

    def _principal(self, action: Action) -> tuple[int, int] | None:
        """What ``close`` gives beside fees, told with its result as `ReplayStage` does."""
        if action.verb != "close":
            return None
        for held in self._all_positions():
            if held.id == action.args["position"]:
                pool = self.state.pool
                return held.principal[pool.token0], held.principal[pool.token1]
        return None

    def snapshot(self) -> Any:
        """Return a point to go back to: a mark of the undo journal, kept open."""
        return self.state.journal.mark(), self.played, self.refused, self.at

    def restore(self, snapshot: Any) -> None:
        """Go back."""
        mark, self.played, self.refused, self.at = snapshot
        self.state.journal.undo(mark)

    def read(self, query: str, *args: Any) -> Any:
        """Answer a view of pool or manager."""
        return self.model.read(self.state, query, *args)

    def positions(self, owner: str) -> Sequence[Position]:
        """Return the owner's position tokens in the order of their numbers."""
        return [p for p, who in self._owned() if who == owner]

    def rates(self) -> Mapping[str, Rate]:
        """A pool issues no receipt token."""
        return {}

    def pass_token(self, number: int, source: str, target: str) -> Mapping[str, int]:
        """Hand a position token on, as the manager does for its owner; returns what of the manager's moves gas.

        Raises ``Revert`` in the manager's words. For venues that take position tokens: they undo it by `restore`.
        """
        journal = self.state.journal
        mark = journal.mark()
        transfer(self.state, number, source, target)
        written = storage_features(journal.since(mark))
        journal.commit(mark)
        return written

    def _all_positions(self) -> Iterator[Position]:
        return (position for position, _ in self._owned())

    def _owned(self) -> Iterator[tuple[Position, str]]:
        pool = self.state.pool
        for number, token in sorted(self.state.manager.tokens.items()):
            owed = self.model.read(self.state, "claimable", number)
            principal = self.model.read(self.state, "principal", number)
            data = {"tick_lower": token.tick_lower, "tick_upper": token.tick_upper, "liquidity": token.liquidity}
            yield (
                Position(
                    f"{self.id}#{number}",
                    self.id,
                    "range",
                    data,
                    dict(zip((pool.token0, pool.token1), principal, strict=True)),
                    dict(zip((pool.token0, pool.token1), owed, strict=True)),
                ),
                token.owner,
            )


def executed_state(setup: Setup) -> UniswapV3State:
    """Return a venue's initial state with its tokens named as in the study and all positions held by ``others``."""
    info = setup.market.pool
    pool: PoolState = copy.deepcopy(setup.market.initial_state())
    pool.token0, pool.token1 = f"{info.token0.symbol}@{setup.network}", f"{info.token1.symbol}@{setup.network}"
    pool.account, pool.owner = f"{setup.id}:pool", f"{setup.id}:owner"
    merged: dict[tuple[str, int, int], PoolPosition] = {}
    for (_, lower, upper), held in pool.positions.items():
        key = (OTHERS, lower, upper)
        liquidity = merged[key].liquidity if key in merged else 0
        merged[key] = PoolPosition(held.liquidity + liquidity, *held[1:])
    pool.positions = merged
    # The manager has met the pool before: its first contact costs gas that a study must not pay. Others mint after you.
    return UniswapV3State(setup.id, pool, ManagerState(f"{setup.id}:manager", next_id=2, elsewhere=True))


def place_executed(setup: Setup) -> Placed:
    """Place a pool in mode ``impact`` or ``anchored``."""
    info = setup.market.pool
    flow = setup.market.flow()
    start, actions = executed_state(setup), recorded_actions(flow)
    refused: list[PoolStage] = []

    def make() -> Stage:
        anchored = setup.mode == "anchored"
        stage = PoolStage(setup.id, setup.network, copy.deepcopy(start), actions, anchored=anchored, flow=flow)
        refused[:] = [stage]
        return stage

    def notes() -> tuple[str, ...]:
        if not refused or not refused[0].refused:
            return ()
        return (f"{refused[0].refused} recorded actions would revert with your liquidity in the pool and did nothing",)

    tokens = {info.token0.symbol: info.token0.decimals, info.token1.symbol: info.token1.decimals}
    pool = start.pool
    return Placed(make, tokens, pair=lambda stage: (pool.token0, pool.token1, stage.sqrt_price_x96), notes=notes)
