"""Router02: adding and removing at the ratio of the reserves, and swaps along a path of pairs, with the user's limits."""

from __future__ import annotations

from collections.abc import Sequence
from itertools import pairwise

from tidemill.errors import Revert
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v2 import model_pair
from tidemill.venues.uniswap_v2.rules import amount_in_up, amount_out_down, quote_down
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["add_liquidity", "amounts_in", "amounts_out", "remove_liquidity", "swap_exact_in", "swap_exact_out"]

_UNPAID = "TransferHelper: TRANSFER_FROM_FAILED"


def add_liquidity(
    state: ExchangeState,
    pair: PairState,
    effects: Effects,
    first: str,
    desired: tuple[int, int],
    least: tuple[int, int],
) -> tuple[int, int, int]:
    """Bring both tokens at the ratio of the reserves; returns raw units of both, and shares.

    ``first`` is the token named first ("A"), which is matched first: amounts are in that order.
    """
    amounts = _matched(*pair.reserves(first), desired, least)
    me = effects.ctx.sender
    for token, amount in zip((first, pair.other(first)), amounts, strict=True):
        effects.move(token, me, pair.account, amount, _UNPAID)
    return *amounts, model_pair.mint(state, pair, effects, me)


def remove_liquidity(
    state: ExchangeState, pair: PairState, effects: Effects, first: str, liquidity: int, least: tuple[int, int]
) -> tuple[int, int]:
    """Give back shares; returns raw units of both tokens, in the order of ``first``."""
    me = effects.ctx.sender
    effects.move(pair.lp, me, pair.account, liquidity, "ds-math-sub-underflow")
    effects.log("Transfer", pair=pair.account, **{"from": me}, to=pair.account, value=liquidity)
    if pair.total_supply == 0:
        raise Revert("")  # the pair divides by zero, which it cannot tell the router
    amount0, amount1 = model_pair.burn(state, pair, effects, me)
    amounts = (amount0, amount1) if first == pair.token0 else (amount1, amount0)
    if amounts[0] < least[0]:
        raise Revert("UniswapV2Router: INSUFFICIENT_A_AMOUNT")
    if amounts[1] < least[1]:
        raise Revert("UniswapV2Router: INSUFFICIENT_B_AMOUNT")
    return amounts


def swap_exact_in(
    state: ExchangeState, effects: Effects, path: Sequence[str], amount_in: int, amount_out_min: int
) -> list[int]:
    """Spend ``amount_in``; returns raw units at every token of the path."""
    amounts = amounts_out(state, path, amount_in)
    if amounts[-1] < amount_out_min:
        raise Revert("UniswapV2Router: INSUFFICIENT_OUTPUT_AMOUNT")
    return _swap_along(state, effects, path, amounts)


def swap_exact_out(
    state: ExchangeState, effects: Effects, path: Sequence[str], amount_out: int, amount_in_max: int
) -> list[int]:
    """Take ``amount_out``; returns raw units at every token of the path."""
    amounts = amounts_in(state, path, amount_out)
    if amounts[0] > amount_in_max:
        raise Revert("UniswapV2Router: EXCESSIVE_INPUT_AMOUNT")
    return _swap_along(state, effects, path, amounts)


def amounts_out(state: ExchangeState, path: Sequence[str], amount_in: int) -> list[int]:
    """Quote an exact input along a path, every pair as it stands now (also one that the path visits twice)."""
    _check_path(path)
    amounts = [amount_in]
    for token_in, token_out in pairwise(path):
        reserve_in, reserve_out = state.pair_of(token_in, token_out).reserves(token_in)
        if amounts[-1] == 0:
            raise Revert("UniswapV2Library: INSUFFICIENT_INPUT_AMOUNT")
        if not (reserve_in and reserve_out):
            raise Revert("UniswapV2Library: INSUFFICIENT_LIQUIDITY")
        amounts.append(amount_out_down(amounts[-1], reserve_in, reserve_out))
    return amounts


def amounts_in(state: ExchangeState, path: Sequence[str], amount_out: int) -> list[int]:
    """Quote an exact output along a path, from its end."""
    _check_path(path)
    amounts = [amount_out]
    for token_out, token_in in zip(path[::-1], path[-2::-1], strict=False):
        reserve_in, reserve_out = state.pair_of(token_in, token_out).reserves(token_in)
        if amounts[0] == 0:
            raise Revert("UniswapV2Library: INSUFFICIENT_OUTPUT_AMOUNT")
        if not (reserve_in and reserve_out):
            raise Revert("UniswapV2Library: INSUFFICIENT_LIQUIDITY")
        if amounts[0] == reserve_out:
            raise Revert("halt InvalidFEOpcode")  # the contract divides by zero
        amounts.insert(0, amount_in_up(amounts[0], reserve_in, reserve_out))
    return amounts


def _check_path(path: Sequence[str]) -> None:
    if len(path) < 2:
        raise Revert("UniswapV2Library: INVALID_PATH")


def _matched(reserve_a: int, reserve_b: int, desired: tuple[int, int], least: tuple[int, int]) -> tuple[int, int]:
    """Return what is really brought: all of one token and the match of it in the other."""
    if not (reserve_a or reserve_b):
        return desired
    amount_b = _quote(desired[0], reserve_a, reserve_b)
    if amount_b <= desired[1]:
        if amount_b < least[1]:
            raise Revert("UniswapV2Router: INSUFFICIENT_B_AMOUNT")
        return desired[0], amount_b
    amount_a = _quote(desired[1], reserve_b, reserve_a)
    if amount_a < least[0]:
        raise Revert("UniswapV2Router: INSUFFICIENT_A_AMOUNT")
    return amount_a, desired[1]


def _quote(amount: int, reserve: int, other: int) -> int:
    if amount == 0:
        raise Revert("UniswapV2Library: INSUFFICIENT_AMOUNT")
    if not (reserve and other):
        raise Revert("UniswapV2Library: INSUFFICIENT_LIQUIDITY")
    return quote_down(amount, reserve, other)


def _swap_along(state: ExchangeState, effects: Effects, path: Sequence[str], amounts: list[int]) -> list[int]:
    pairs = [state.pair_of(a, b) for a, b in pairwise(path)]
    effects.move(path[0], effects.ctx.sender, pairs[0].account, amounts[0], _UNPAID)
    for hop, pair in enumerate(pairs):
        out = amounts[hop + 1]
        to = pairs[hop + 1].account if hop + 1 < len(pairs) else effects.ctx.sender
        model_pair.swap(pair, effects, *((0, out) if path[hop] == pair.token0 else (out, 0)), to)
    return amounts
