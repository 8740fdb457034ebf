"""Compound: put fees back to work when they are worth the transactions, and not before."""

from __future__ import annotations

from collections.abc import Sequence
from math import isqrt
from typing import ClassVar

from msgspec import Struct, structs

from tidemill.errors import BadInput
from tidemill.interfaces import Arg, At, Claimable, Decision, Intent, News, Plan, Position, View, Wake
from tidemill.strategies.liquidity import LpMemo, PoolView, add_to, enter, learn, leave, now_of, ranges
from tidemill.strategies.parameters import Bps, ExitHow, K, Ticks, Token, Venue
from tidemill.strategies.ratio import usable_range

__all__ = ["Compound", "best_harvest"]


def best_harvest(cost: int, capital: int) -> int:
    """Return the fees at which a harvest pays best: ``√(2·cost·capital)``, rounded down, all three in one unit.

    Derivation. Capital V earns y per second; fees lie idle until a harvest, which costs c, every T seconds. Idle fees
    average ``y·V·T/2`` and would have earned y themselves, so waiting loses ``y²·V·T/2`` per second and harvesting
    costs ``c/T``. The sum is least at ``T* = √(2c/V)/y``, when fees are ``y·V·T* = √(2·c·V)``. The yield is gone: the
    rule needs no forecast. In multiples of the cost, k = ``√(2V/c)``. (Second-order terms in ``y·T*`` are left out.)

    >>> best_harvest(cost=1, capital=20_000)
    200
    """
    return isqrt(2 * cost * capital)


class Compound(Struct, frozen=True, forbid_unknown_fields=True):
    """A fixed range whose fees are harvested and added back once they reach ``k`` times the cost of doing so.

    Parameters
    ----------
    k : multiple of the cost; ``None`` takes the optimum of ``best_harvest`` at each look.
    gas_token : token of the pool that the native token trades at one to one (``WETH@op``); needed to compare costs.
    """

    venue: Venue
    home: Token
    below: Ticks = 1_000
    above: Ticks = 1_000
    k: K | None = None
    gas_token: Token | None = None
    slippage_bps: Bps = 50
    exit: ExitHow = "close"

    Memo: ClassVar[type[LpMemo]] = LpMemo

    def decide(self, view: View, memo: LpMemo, news: Sequence[News]) -> Decision[LpMemo]:
        """Enter once; then harvest, and put what was harvested back."""
        now = now_of(view)
        memo = learn(memo, news, now)
        if view.in_flight:
            return Decision(memo=memo)  # its news will wake us
        if view.why == "end":
            return leave(view, self.venue, self.home, self.slippage_bps, memo, self.exit)
        if now < memo.not_before:
            return Decision(wake=(At(memo.not_before),), memo=memo)
        held = ranges(view, self.venue)
        if not held:
            pool = PoolView.of(view, self.venue)
            lower, upper = usable_range(pool.tick - self.below, pool.tick + self.above, pool.spacing)
            plan = enter(view, self.venue, lower, upper, self.slippage_bps)
            return Decision((plan,) if plan else (), memo=memo)
        if memo.harvested:
            plan = add_to(view, held[0], self.slippage_bps)
            memo = structs.replace(memo, harvested=False)
            return Decision((plan,), memo=memo) if plan else Decision(wake=self._wake(view, held[0]), memo=memo)
        if self._fees(view, held[0]) >= self._enough(view, held[0]):
            harvest = Plan((Intent(self.venue, "harvest", {"position": held[0].id}),))
            return Decision((harvest,), memo=structs.replace(memo, harvested=True))
        return Decision(wake=self._wake(view, held[0]), memo=memo)

    def _worth(self, view: View, amount0: int, amount1: int) -> int:
        """Return both amounts in raw token1 at the pool's price, down."""
        price = PoolView.of(view, self.venue).sqrt_price_x96
        return (amount0 * price * price >> 192) + amount1

    def _fees(self, view: View, position: Position) -> int:
        pool = PoolView.of(view, self.venue)
        return self._worth(view, position.claimable.get(pool.token0, 0), position.claimable.get(pool.token1, 0))

    def _enough(self, view: View, position: Position) -> int:
        """Return the fees, in raw token1, at which to harvest."""
        pool = PoolView.of(view, self.venue)
        capital = self._worth(view, position.principal.get(pool.token0, 0), position.principal.get(pool.token1, 0))
        cost = self._cost(view, position, pool)
        return max(cost * self.k if self.k is not None else best_harvest(cost, capital), 1)

    def _cost(self, view: View, position: Position, pool: PoolView) -> int:
        """Return what harvest, swap and increase cost together now, in raw token1, up."""
        if self.gas_token not in (pool.token0, pool.token1):
            raise BadInput(
                f"costs cannot be compared with fees: {self.gas_token} is neither {pool.token0} nor {pool.token1}; "
                "name the one that gas is paid in (its wrapped form)",
                field="gas_token",
            )
        args: dict[str, Arg] = {"position": position.id}
        some = {token: max(view.balances.get(token, 0), 10**3) for token in (pool.token0, pool.token1)}
        swap: dict[str, Arg] = {"token_in": pool.token0, "amount_in": some[pool.token0]}
        desired: dict[str, Arg] = {"amount0_desired": some[pool.token0], "amount1_desired": some[pool.token1]}
        steps = (("harvest", args), ("swap_exact_in", swap), ("increase", args | desired))
        wei = sum(view.fee(Intent(self.venue, verb, own)).total for verb, own in steps)
        price = pool.sqrt_price_x96
        return -(-(wei * price * price) >> 192) if self.gas_token == pool.token0 else wei

    def _wake(self, view: View, position: Position) -> Wake:
        """Wake when either token's fees have grown by half of what is missing: the sum cannot arrive without that."""
        pool = PoolView.of(view, self.venue)
        missing = max(self._enough(view, position) - self._fees(view, position), 2)
        half1 = missing // 2  # down: rather wake early
        half0 = max((half1 << 192) // (pool.sqrt_price_x96 * pool.sqrt_price_x96), 1)
        have = position.claimable
        return (
            Claimable(self.venue, position.id, pool.token0, have.get(pool.token0, 0) + half0),
            Claimable(self.venue, position.id, pool.token1, have.get(pool.token1, 0) + half1),
        )
