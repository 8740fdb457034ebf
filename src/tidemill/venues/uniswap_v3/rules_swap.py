"""One step of a swap: from the current price towards the next tick or the price limit, at constant liquidity.

White paper, section 6.2.3. A step ends at its target, or where the remaining amount runs out. The direction follows
from the prices: a target below the current price means token0 goes in and token1 comes out.
"""

from __future__ import annotations

from tidemill.units import PIPS, Uint, mul_div_down, mul_div_up, rule
from tidemill.venues.uniswap_v3.rules_prices import (
    amount0_delta_down,
    amount0_delta_up,
    amount1_delta_down,
    amount1_delta_up,
    sqrt_price_after_amount0_in_up,
    sqrt_price_after_amount0_out_up,
    sqrt_price_after_amount1_in_down,
    sqrt_price_after_amount1_out_down,
)

__all__ = ["amount_in_up", "amount_out_down", "fee_on_input_up", "swap_step_exact_in", "swap_step_exact_out"]


@rule
def amount_in_up(sqrt_price: Uint, target: Uint, liquidity: Uint) -> Uint:
    """Input, fee not counted, that moves the price to ``target``; rounded up."""
    if target < sqrt_price:
        return amount0_delta_up(target, sqrt_price, liquidity)
    return amount1_delta_up(sqrt_price, target, liquidity)


@rule
def amount_out_down(sqrt_price: Uint, target: Uint, liquidity: Uint) -> Uint:
    """Output of moving the price to ``target``; rounded down."""
    if target < sqrt_price:
        return amount1_delta_down(target, sqrt_price, liquidity)
    return amount0_delta_down(sqrt_price, target, liquidity)


@rule
def fee_on_input_up(amount_in: Uint, fee: Uint) -> Uint:
    """Fee (``fee`` in millionths of the whole input) that belongs to a net ``amount_in``; rounded up."""
    return mul_div_up(amount_in, fee, PIPS - fee)


@rule
def swap_step_exact_in(
    sqrt_price: Uint, target: Uint, liquidity: Uint, remaining: Uint, fee: Uint
) -> tuple[Uint, Uint, Uint, Uint]:
    """Step with ``remaining`` of the input token, fee included, left to spend.

    Parameters
    ----------
    sqrt_price, target : Q64.96.
    liquidity : active liquidity; may be 0, the price then moves to the target for nothing.
    remaining : raw units of the input token.
    fee : millionths.

    Returns
    -------
    (price after the step, amount in without fee, amount out, fee)
    """
    spendable = mul_div_down(remaining, PIPS - fee, PIPS)
    amount_in = amount_in_up(sqrt_price, target, liquidity)
    if spendable >= amount_in:
        return target, amount_in, amount_out_down(sqrt_price, target, liquidity), fee_on_input_up(amount_in, fee)
    if target < sqrt_price:
        after = sqrt_price_after_amount0_in_up(sqrt_price, liquidity, spendable)
    else:
        after = sqrt_price_after_amount1_in_down(sqrt_price, liquidity, spendable)
    # The amount runs out before the target: whatever the price move does not need is the fee.
    amount_in = amount_in_up(sqrt_price, after, liquidity)
    return after, amount_in, amount_out_down(sqrt_price, after, liquidity), remaining - amount_in


@rule
def swap_step_exact_out(
    sqrt_price: Uint, target: Uint, liquidity: Uint, remaining: Uint, fee: Uint
) -> tuple[Uint, Uint, Uint, Uint]:
    """Step with ``remaining`` of the output token left to take; as `swap_step_exact_in` otherwise.

    The price is rounded against the swapper, so its move may be worth more than was asked for; the pool keeps that.
    """
    amount_out = amount_out_down(sqrt_price, target, liquidity)
    after = target
    if remaining < amount_out:
        amount_out = remaining
        if target < sqrt_price:
            after = sqrt_price_after_amount1_out_down(sqrt_price, liquidity, remaining)
        else:
            after = sqrt_price_after_amount0_out_up(sqrt_price, liquidity, remaining)
    amount_in = amount_in_up(sqrt_price, after, liquidity)
    return after, amount_in, amount_out, fee_on_input_up(amount_in, fee)
