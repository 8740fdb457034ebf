"""Swap: steps of constant liquidity from tick to tick, until the amount or the price limit is reached."""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import Revert
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3 import model_oracle as oracle
from tidemill.venues.uniswap_v3.model_pool import Payer, enter, note_observation, now32
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.model_ticks import add_liquidity, cross_tick, next_tick, ratio_at_tick, word_of
from tidemill.venues.uniswap_v3.rules_fees import fee_growth_down, protocol_share_down, wrapping_add_128
from tidemill.venues.uniswap_v3.rules_swap import swap_step_exact_in, swap_step_exact_out
from tidemill.venues.uniswap_v3.rules_ticks import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    tick_at_sqrt_ratio,
)

__all__ = ["Swapped", "swap", "widest_limit"]


class Swapped(NamedTuple):
    """What a swap moved: raw units of each token as the pool sees it, positive in, negative out."""

    amount0: int
    amount1: int


def widest_limit(zero_for_one: bool) -> int:
    """The price limit that never binds before the end of the range, Q64.96."""
    return MIN_SQRT_RATIO + 1 if zero_for_one else MAX_SQRT_RATIO - 1


def swap(
    pool: PoolState,
    effects: Effects,
    recipient: str,
    zero_for_one: bool,
    amount_specified: int,
    sqrt_price_limit_x96: int,
    payer: Payer,
) -> Swapped:
    """Swap one token for the other.

    Parameters
    ----------
    zero_for_one : True when token0 goes in: the price falls.
    amount_specified : raw units; positive: exact input, fee included; negative: exact output.
    sqrt_price_limit_x96 : the swap stops there, filled or not.

    Raises
    ------
    Revert : AS nothing asked for, LOK, SPL the limit is on the wrong side, IIA the input was not paid.
    """
    if amount_specified == 0:
        raise Revert("AS")
    enter(pool, effects)
    if zero_for_one:
        right_side = MIN_SQRT_RATIO < sqrt_price_limit_x96 < pool.sqrt_price_x96
    else:
        right_side = pool.sqrt_price_x96 < sqrt_price_limit_x96 < MAX_SQRT_RATIO
    if not right_side:
        raise Revert("SPL")
    spent, received = _walk(pool, effects, zero_for_one, amount_specified, sqrt_price_limit_x96)
    token_in, token_out = (pool.token0, pool.token1) if zero_for_one else (pool.token1, pool.token0)
    effects.move(token_out, pool.account, recipient, received, "TF")
    paid = spent and payer.pay(pool, token_in, spent, effects)
    if paid < spent:
        raise Revert("IIA")
    moved = Swapped(spent, -received) if zero_for_one else Swapped(-received, spent)
    effects.log(
        "Swap",
        sender=effects.ctx.sender,
        recipient=recipient,
        amount0=moved.amount0,
        amount1=moved.amount1,
        sqrtPriceX96=pool.sqrt_price_x96,
        liquidity=pool.liquidity,
        tick=pool.tick,
    )
    return moved


def _walk(pool: PoolState, effects: Effects, zero_for_one: bool, amount_specified: int, limit: int) -> tuple[int, int]:
    """Move the price; returns (input with fees, output)."""
    exact_in = amount_specified > 0
    step_rule = swap_step_exact_in if exact_in else swap_step_exact_out
    remaining = abs(amount_specified)
    price, tick, liquidity = pool.sqrt_price_x96, pool.tick, pool.liquidity
    growth = pool.fee_growth_global_0_x128 if zero_for_one else pool.fee_growth_global_1_x128
    denominator = pool.fee_protocol_0 if zero_for_one else pool.fee_protocol_1
    spent = received = protocol_fee = 0
    accumulators: tuple[int, int] | None = None
    now = now32(effects)
    words: set[int] = set()

    while remaining != 0 and price != limit:
        start = price
        words.add(word_of(tick, pool.tick_spacing, zero_for_one))
        ahead, in_use = next_tick(pool, tick, zero_for_one)
        ahead = max(ahead, MIN_TICK) if zero_for_one else min(ahead, MAX_TICK)
        price_ahead = ratio_at_tick(ahead)
        target = max(price_ahead, limit) if zero_for_one else min(price_ahead, limit)
        price, amount_in, amount_out, fee_amount = step_rule(start, target, liquidity, remaining, pool.fee)
        remaining -= amount_in + fee_amount if exact_in else amount_out
        spent += amount_in + fee_amount
        received += amount_out
        share = protocol_share_down(fee_amount, denominator)
        protocol_fee += share
        if liquidity > 0:
            growth = fee_growth_down(growth, fee_amount - share, liquidity)
        effects.count("steps")
        if price == price_ahead:
            if in_use:
                if accumulators is None:  # once per swap: they do not move within a block
                    accumulators = oracle.accumulators_now(pool, now)
                growth0 = growth if zero_for_one else pool.fee_growth_global_0_x128
                growth1 = pool.fee_growth_global_1_x128 if zero_for_one else growth
                net = cross_tick(pool, ahead, growth0, growth1, accumulators, now)
                liquidity = add_liquidity(liquidity, -net if zero_for_one else net)
                effects.count("ticks_crossed")
            tick = ahead - 1 if zero_for_one else ahead
        elif price != start:
            tick = tick_at_sqrt_ratio(price)

    effects.count("bitmap_words", len(words))
    journal = pool.journal
    if tick != pool.tick:
        note_observation(pool, effects, now)
        journal.set(pool, "tick", tick)
    journal.set(pool, "sqrt_price_x96", price)
    journal.set(pool, "liquidity", liquidity)
    side = "0" if zero_for_one else "1"
    journal.set(pool, f"fee_growth_global_{side}_x128", growth)
    if protocol_fee:
        held = pool.protocol_fees_0 if zero_for_one else pool.protocol_fees_1
        journal.set(pool, f"protocol_fees_{side}", wrapping_add_128(held, protocol_fee))
    return spent, received
