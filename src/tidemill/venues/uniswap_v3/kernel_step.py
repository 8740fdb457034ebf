"""A step of a swap for the kernel: the rule's own result, without its first half where that is not needed.

`swap_step_exact_in` and `…_out` first compute what it would take to reach the target, two divisions, to find out that
the amount runs out before. Most swaps end inside their first step. A float estimate shows it where it is clear by a
wide margin; the rule decides in all other cases, and does the arithmetic in every case.
"""

from __future__ import annotations

from typing import Any

from tidemill.units import MAX_UINT128, PIPS, mul_div_down, wide
from tidemill.units.jit import to_float
from tidemill.units.kernels import part
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
from tidemill.venues.uniswap_v3.rules_swap import fee_on_input_up, swap_step_exact_in, swap_step_exact_out

__all__ = ["step_exact_in", "step_exact_out"]

_FITS = wide(1 << 95)  # below it the price after token0 went in is one division (`rules_prices`)
# Masks take nothing away: they tell the compiler how large a number can be.
_112_BITS, _160_BITS = wide((1 << 112) - 1), wide((1 << 160) - 1)
_Q96 = 2.0**96  # not money: prices are scaled by it
# The estimate is right to 1e-14, its amounts are rounded by at most 2 units: a margin of 1e-9 and 4 units is safe.
_SURE, _UNITS = 1.0 - 1e-9, 4.0  # not money: an estimate


@part(inlined=True)
def step_exact_in(sqrt_price: Any, target: Any, liquidity: Any, remaining: Any, fee: int) -> tuple[Any, Any, Any, Any]:
    """Return what `swap_step_exact_in` returns."""
    sqrt_price, target, liquidity = sqrt_price & _160_BITS, target & _160_BITS, liquidity & MAX_UINT128
    down = target <= sqrt_price
    spendable = mul_div_down(remaining, PIPS - fee, PIPS)
    if _runs_out(sqrt_price, target, liquidity, spendable, down):
        spendable &= MAX_UINT128
        if down:
            after = sqrt_price_after_amount0_in_up(sqrt_price, liquidity, spendable) & _160_BITS
            if after != target:
                amount_in = spendable
                if not _all_is_needed(spendable, after, liquidity):
                    amount_in = amount0_delta_up(after, sqrt_price, liquidity)
                amount_out = amount1_delta_down(after, sqrt_price, liquidity)
                return after, amount_in, amount_out, remaining - amount_in
        else:
            after = sqrt_price_after_amount1_in_down(sqrt_price, liquidity, spendable) & _160_BITS
            if after != target:
                amount_in = amount1_delta_up(sqrt_price, after, liquidity)
                amount_out = amount0_delta_down(sqrt_price, after, liquidity)
                return after, amount_in, amount_out, remaining - amount_in
    return swap_step_exact_in(sqrt_price, target, liquidity, remaining, fee)


@part(inlined=True)
def step_exact_out(sqrt_price: Any, target: Any, liquidity: Any, remaining: Any, fee: int) -> tuple[Any, Any, Any, Any]:
    """Return what `swap_step_exact_out` returns."""
    sqrt_price, target, liquidity = sqrt_price & _160_BITS, target & _160_BITS, liquidity & MAX_UINT128
    down = target <= sqrt_price
    if _runs_out(sqrt_price, target, liquidity, remaining, not down):
        remaining &= MAX_UINT128
        if down:
            after = sqrt_price_after_amount1_out_down(sqrt_price, liquidity, remaining) & _160_BITS
            if after != target:
                amount_in = amount0_delta_up(after, sqrt_price, liquidity)
                return after, amount_in, remaining, fee_on_input_up(amount_in, fee)
        else:
            after = sqrt_price_after_amount0_out_up(sqrt_price, liquidity, remaining) & _160_BITS
            if after != target:
                amount_in = amount1_delta_up(sqrt_price, after, liquidity)
                return after, amount_in, remaining, fee_on_input_up(amount_in, fee)
    return swap_step_exact_out(sqrt_price, target, liquidity, remaining, fee)


@part
def _all_is_needed(amount: Any, after: Any, liquidity: Any) -> Any:
    """Whether an amount ``a`` of token0 that moved the price ``P`` down to `after` is also what that move costs.

    With ``R = L << 96``, ``after * (R + a * P) = R * P + e`` for a rounding ``e < R + a * P``, and so the move costs
    ``R * (P - after) / (P * after) = a - e / (P * after)``: rounded up that is ``a`` if ``e < P * after``, which holds
    where ``R <= after * (after - 1)``, a unit of price being worth less than a unit of token0. Below, ``h << 48`` stands
    for `after`, rounded down.
    """
    h = (after >> 48) & _112_BITS
    return amount < _FITS and liquidity + h <= h * h


@part
def _runs_out(sqrt_price: Any, target: Any, liquidity: Any, amount: Any, token0: bool) -> Any:
    """Whether an amount (of token0 or token1) certainly moves the price less far than the target."""
    if amount > MAX_UINT128:
        return False
    # The distance is taken before it becomes a float: near prices differ in digits that a float does not have.
    distance = sqrt_price - target if target <= sqrt_price else target - sqrt_price
    here, there = to_float(sqrt_price & _160_BITS), to_float(target & _160_BITS)  # not money: an estimate
    depth = to_float(liquidity & MAX_UINT128)  # not money: an estimate
    reach = depth * to_float(distance & _160_BITS)  # not money: an estimate
    wanted = to_float(amount & MAX_UINT128) + _UNITS  # not money: an estimate with a margin
    if token0:
        return wanted * here * there < reach * _Q96 * _SURE  # not money: an estimate
    return wanted * _Q96 < reach * _SURE  # not money: an estimate
