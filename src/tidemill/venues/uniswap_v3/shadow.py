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


class GasShadow:
    """A pool and manager in which own actions are done again, to be counted."""

    def __init__(self, venue: str, token0: str, token1: str, fee: int, tick_spacing: int, account: str) -> None:
        self.model = UniswapV3Model()
        params = {
            "token0": token0, "token1": token1, "fee": fee, "tick_spacing": tick_spacing, "name": venue, "account": account,
        }  # fmt: skip
        self.state: UniswapV3State = self.model.init(params)
        self.state.manager.elsewhere = True
        pool = self.state.pool
        # A pool that has traded: fee growth, and room for observations that has all been used.
        pool.fee_growth_global_0_x128 = pool.fee_growth_global_1_x128 = _Q128
        pool.observation_cardinality = pool.observation_cardinality_next = 2
        pool.observations = {0: Observation(1, 1, 1, True), 1: Observation(0, 1, 1, True)}

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
        pool.fee_growth_global_0_x128 += _Q128 // max(liquidity, 1) * 1_000_000 + 1
        pool.fee_growth_global_1_x128 += _Q128 // max(liquidity, 1) * 1_000_000 + 1
        manager.next_id = number
        if action.verb == "mint":
            for bound in (int(action.args["tick_lower"]), int(action.args["tick_upper"])):
                self._others(bound, used(bound))
        try:
            return self.model.apply(self.state, action, _Rich(ctx, pool.account)).features
        except Revert:
            return {}

    def swap(self, action: Action, ctx: Context, steps: int, crossed: int, moved: bool, **at: Any) -> Mapping[str, int]:
        """As `count` for a swap whose steps and crossings the stage knows; it leaves the shadow's pool as it was."""
        mark = self.state.journal.mark()
        found = dict(self.count(action, ctx, self.state.manager.next_id, **at))
        self.state.journal.rollback(mark)
        if found:
            found["slots_changed"] = found.get("slots_changed", 0) + _WORDS_PER_CROSSING * crossed
        return {**found, "steps": steps, "ticks_crossed": crossed, "observations_written": int(moved)}

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
