"""SwapRouter: exact input and exact output through one pool, with the user's limits."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3.model_pool import Payer
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.model_swap import swap, widest_limit
from tidemill.venues.uniswap_v3.position_manager import check_deadline

__all__ = ["exact_input_single", "exact_output_single"]

_INT256 = 1 << 255


def exact_input_single(
    pool: PoolState,
    effects: Effects,
    token_in: str,
    amount_in: int,
    amount_out_min: int,
    sqrt_price_limit_x96: int,
    deadline: int | None,
) -> tuple[int, int]:
    """Spend ``amount_in``, or less where the price limit (0: none) stops it; returns (amount in, amount out)."""
    check_deadline(effects, deadline)
    spent, received = _swap(pool, effects, token_in, amount_in, 1, sqrt_price_limit_x96)
    if received < amount_out_min:
        raise Revert("Too little received")
    return spent, received


def exact_output_single(
    pool: PoolState,
    effects: Effects,
    token_in: str,
    amount_out: int,
    amount_in_max: int,
    sqrt_price_limit_x96: int,
    deadline: int | None,
) -> tuple[int, int]:
    """Take ``amount_out``; less only where a price limit is given. Returns (amount in, amount out)."""
    check_deadline(effects, deadline)
    # The router keeps the amount that its callback paid in a word of its own, and puts that back.
    effects.count("slots_changed")
    effects.count("slots_restored")
    spent, received = _swap(pool, effects, token_in, amount_out, -1, sqrt_price_limit_x96)
    if sqrt_price_limit_x96 == 0 and received != amount_out:
        raise Revert("")
    if spent > amount_in_max:
        raise Revert("Too much requested")
    return spent, received


def _swap(
    pool: PoolState, effects: Effects, token_in: str, amount: int, sign: int, sqrt_price_limit_x96: int
) -> tuple[int, int]:
    if amount >= _INT256:
        raise Revert("")
    zero_for_one = token_in == pool.token0
    limit = sqrt_price_limit_x96 or widest_limit(zero_for_one)
    payer = Payer(effects.ctx.sender, "STF")
    moved = swap(pool, effects, effects.ctx.sender, zero_for_one, sign * amount, limit, payer)
    if max(moved) <= 0:  # the callback refuses a swap wholly within a stretch without liquidity
        raise Revert("")
    return (moved.amount0, -moved.amount1) if zero_for_one else (moved.amount1, -moved.amount0)
