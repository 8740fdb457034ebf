"""What moves the gas of own actions on a recorded path: the exact model does them too, on a pool set where the path stands.

The stage accounts amounts by itself; the shadow only counts (storage words, transfers, ticks). It knows own positions
exactly, the pool's price and active liquidity, and whether others use a tick; of the rest of the pool it knows nothing.
So its counts are those of a pool that trades, not of the very pool: `tests/venues/uniswap_v3/test_shadow.py` measures
the gas against a run in the executed pool.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action, Context, Result, Transfer
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import Observation, TickInfo, UniswapV3State
from tidemill.venues.uniswap_v3.model_ticks import flip_tick

__all__ = ["GasShadow"]

_Q128 = 1 << 128
_Q256 = 1 << 256
_PLENTY = 1 << 255
_WORDS_PER_CROSSING = 4
"""A crossed tick's fee growth outside (two words), its oracle word, and the active liquidity."""


class _Rich:
    """One's own context; the pool is never short."""

    def __init__(self, outer: Context, account: str) -> None:
        self.block, self.sender, self._outer, self._account = outer.block, outer.sender, outer, account

    def balance(self, token: str, account: str) -> int:
        return _PLENTY if account == self._account else self._outer.balance(token, account)

    def move(self, transfer: Transfer) -> None:
        raise NotImplementedError("a shadow moves nothing")

    def call(self, venue: str, action: Action) -> Result:
        raise NotImplementedError("a shadow calls nobody")

    def read(self, venue: str, query: str, *args: Any) -> Any:
        raise NotImplementedError("a shadow asks nobody")


class GasShadow:
    """A pool and manager in which own actions are done again, to be counted."""

    def __init__(
        self, venue: str, token0: str, token1: str, fee: int, tick_spacing: int, account: str, *, slots: int = 2
    ) -> None:
        self.model = UniswapV3Model()
        params = {
            "token0": token0, "token1": token1, "fee": fee, "tick_spacing": tick_spacing, "name": venue, "account": account,
        }  # fmt: skip
        self.state: UniswapV3State = self.model.init(params)
        self.state.manager.elsewhere = True
        pool = self.state.pool
        # A pool that has traded: fee growth, and room for observations that has all been used (``slots`` of them).
        pool.fee_growth_global_0_x128 = pool.fee_growth_global_1_x128 = _Q128
        pool.observation_cardinality = pool.observation_cardinality_next = slots
        pool.observations = {index: Observation(int(index == 0), 1, 1, True) for index in range(slots)}
        self._seen = 0
        self._growth = 1

    def follow(self, ticks: Any) -> None:
        """Let the price have gone along the path: ticks of one's own that it crossed have been crossed.

        ``ticks`` : int array, the path's tick after each of its steps so far. What lies outside a tick is a word that
        is zero or not, and so is what a position has earned since: this is what decides what the next verb pays.
        """
        pool, start = self.state.pool, max(self._seen - 1, 0)
        self._seen = len(ticks)
        turns = []
        for tick in pool.ticks:
            above = ticks[start:] >= tick
            rows = (above[1:] != above[:-1]).nonzero()[0]
            if len(rows):
                # Only the last crossing, and whether there was one before it to come back from, can be told by a word.
                turns += [(int(row), tick) for row in (rows[-1:] if len(rows) % 2 else rows[-2:])]
        for _, tick in sorted(turns):
            self._earn()
            info = pool.ticks[tick]
            outside0 = (pool.fee_growth_global_0_x128 - info.fee_growth_outside_0_x128) % _Q256
            outside1 = (pool.fee_growth_global_1_x128 - info.fee_growth_outside_1_x128) % _Q256
            pool.ticks[tick] = TickInfo(info.liquidity_gross, info.liquidity_net, outside0, outside1, 1, 1, 1)
        self._earn()

    def _earn(self) -> None:
        pool = self.state.pool
        pool.fee_growth_global_0_x128 += self._growth
        pool.fee_growth_global_1_x128 += self._growth

    def count(
        self,
        action: Action,
        ctx: Context,
        number: int,
        *,
        price: int,
        tick: int,
        liquidity: int,
        used: Callable[[int], int],
    ) -> Mapping[str, int]:
        """Do ``action`` on a pool at ``price`` and ``tick`` with ``liquidity`` of others; return what it counted.

        ``number`` is the next position token's. ``used`` says how much liquidity of others is bounded by a tick. Nothing
        is counted where the model refuses what the stage allowed (a limit met by a unit): the coarser fit then serves.
        """
        pool, manager = self.state.pool, self.state.manager
        inside = sum(t.liquidity for t in manager.tokens.values() if t.tick_lower <= tick < t.tick_upper)
        pool.sqrt_price_x96, pool.tick, pool.liquidity = price, tick, liquidity + inside
        self._growth = _Q128 // max(liquidity, 1) * 1_000_000 + 1
        manager.next_id = number
        self._earn()
        if action.verb == "mint":
            for bound in (int(action.args["tick_lower"]), int(action.args["tick_upper"])):
                self._others(bound, used(bound))
        try:
            return self.model.apply(self.state, action, _Rich(ctx, pool.account)).features
        except Revert:
            return {}

    def swap(self, action: Action, ctx: Context, steps: int, crossed: int, moved: bool, **at: Any) -> Mapping[str, int]:
        """As `count` for a swap whose steps and crossings the stage knows; it leaves the shadow's pool as it was.

        The stage knows the ticks of others; those of one's own alone are crossed here besides.
        """
        mark = self.state.journal.mark()
        found = dict(self.count(action, ctx, self.state.manager.next_id, **at))
        pool, before = self.state.pool, int(at["tick"])
        low, high = sorted((before, pool.tick))
        alone = sum(low < tick <= high and not at["used"](tick) for tick in pool.ticks)
        self.state.journal.rollback(mark)
        if not found:
            return {"steps": steps, "ticks_crossed": crossed, "observations_written": int(moved)}
        there = found.get("ticks_crossed", 0)
        found["slots_changed"] += _WORDS_PER_CROSSING * max(0, crossed + alone - there)
        return {**found, "steps": max(found["steps"], steps + alone), "ticks_crossed": max(there, crossed + alone)}

    def _others(self, tick: int, gross: int) -> None:
        """Let others use a tick that none of one's own positions is bounded by yet."""
        pool = self.state.pool
        if gross <= 0 or tick in pool.ticks:
            return
        pool.ticks[tick] = TickInfo(gross, gross, 1, 1, 1, 1, 1)
        flip_tick(pool, tick)

    def snapshot(self) -> int:
        """Return a point to go back to."""
        return self.state.journal.mark()

    def restore(self, snapshot: int) -> None:
        """Go back."""
        self.state.journal.undo(snapshot)

    def forget(self) -> None:
        """Nobody goes back any more."""
        self.state.journal.forget()
