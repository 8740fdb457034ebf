"""NonfungiblePositionManager: position tokens, many of which may share one position of the pool.

The manager owns one pool position per range. Each token keeps its own liquidity and its own snapshot of fee growth, and
is credited from differences of the pool position's snapshot: both levels round down, so a token may be credited a unit
that the pool does not owe, or the pool a unit that no token is credited.
Checks stand in the order in which the contract makes them; ``deadline`` is world time, None for none.
"""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import Revert
from tidemill.units import MAX_UINT128
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v3 import model_pool as core
from tidemill.venues.uniswap_v3.model_state import NO_POSITION, TokenPosition, UniswapV3State
from tidemill.venues.uniswap_v3.model_ticks import ratio_at_tick
from tidemill.venues.uniswap_v3.model_tokens import add_token, move_token, remove_token
from tidemill.venues.uniswap_v3.rules_fees import fees_owed_down, wrapping_add_128
from tidemill.venues.uniswap_v3.rules_liquidity import liquidity_for_amounts_down
from tidemill.venues.uniswap_v3.rules_ticks import MAX_TICK, MIN_TICK

__all__ = ["Added", "burn", "check_deadline", "close", "collect", "decrease", "increase", "mint", "transfer"]


class Added(NamedTuple):
    """What adding liquidity took: raw units."""

    liquidity: int
    amount0: int
    amount1: int


def mint(
    state: UniswapV3State,
    effects: Effects,
    tick_lower: int,
    tick_upper: int,
    desired: tuple[int, int],
    least: tuple[int, int],
    deadline: int | None,
) -> tuple[int, Added]:
    """Open a position with at most ``desired`` amounts; returns the new token's id and what was added."""
    check_deadline(effects, deadline)
    added = _add_liquidity(state, effects, tick_lower, tick_upper, desired, least)
    manager = state.manager
    # Words that the state does not hold: the pool's number at the manager, and the key kept under it (two).
    effects.count("first_of_pool", int(manager.next_id == 1))
    effects.count("slots_set", 3 * int(manager.next_id == 1))
    token_id = manager.next_id
    add_token(state, effects, token_id, effects.ctx.sender)
    inside0, inside1 = _pool_snapshot(state, tick_lower, tick_upper)
    token = TokenPosition(effects.ctx.sender, tick_lower, tick_upper, added.liquidity, inside0, inside1, 0, 0)
    state.journal.put(manager.tokens, token_id, token)
    state.journal.set(manager, "next_id", token_id + 1)
    effects.log("IncreaseLiquidity", tokenId=token_id, **added._asdict())
    return token_id, added


def increase(
    state: UniswapV3State,
    effects: Effects,
    token_id: int,
    desired: tuple[int, int],
    least: tuple[int, int],
    deadline: int | None,
) -> Added:
    """Add liquidity to a position; anybody may, for anybody's position."""
    check_deadline(effects, deadline)
    token = state.manager.tokens.get(token_id)
    if token is None:
        raise Revert("")
    added = _add_liquidity(state, effects, token.tick_lower, token.tick_upper, desired, least)
    _settle(state, token_id, token, token.liquidity + added.liquidity)
    effects.log("IncreaseLiquidity", tokenId=token_id, **added._asdict())
    return added


def decrease(
    state: UniswapV3State,
    effects: Effects,
    token_id: int,
    liquidity: int,
    least: tuple[int, int],
    deadline: int | None,
) -> tuple[int, int]:
    """Take liquidity off a position; the amounts are owed to it from now on, not paid yet."""
    token = _authorised(state, effects, token_id)
    check_deadline(effects, deadline)
    if not 0 < liquidity <= token.liquidity:
        raise Revert("")
    amount0, amount1 = core.burn(
        state.pool, effects, state.manager.account, token.tick_lower, token.tick_upper, liquidity
    )
    _check_least(amount0, amount1, least)
    _settle(state, token_id, token, token.liquidity - liquidity, (amount0, amount1))
    effects.log("DecreaseLiquidity", tokenId=token_id, liquidity=liquidity, amount0=amount0, amount1=amount1)
    return amount0, amount1


def collect(
    state: UniswapV3State, effects: Effects, token_id: int, recipient: str, amount0_max: int, amount1_max: int
) -> tuple[int, int]:
    """Pay out what a position is owed, fees brought up to date, at most the maxima.

    Where the pool owes a unit less than the token was credited, less is paid, and the token is debited in full.
    """
    token = _authorised(state, effects, token_id)
    if amount0_max == 0 and amount1_max == 0:
        raise Revert("")
    account = state.manager.account
    if token.liquidity > 0:
        effects.count("pokes")
        core.burn(state.pool, effects, account, token.tick_lower, token.tick_upper, 0)
        token = _settled(state, token, token.liquidity)
    ask0, ask1 = min(amount0_max, token.tokens_owed_0), min(amount1_max, token.tokens_owed_1)
    paid = core.collect(state.pool, effects, account, recipient, token.tick_lower, token.tick_upper, ask0, ask1)
    left = TokenPosition(*token[:6], token.tokens_owed_0 - ask0, token.tokens_owed_1 - ask1)
    state.journal.put(state.manager.tokens, token_id, left)
    effects.log("Collect", tokenId=token_id, recipient=recipient, amount0=ask0, amount1=ask1)
    return paid


def burn(state: UniswapV3State, effects: Effects, token_id: int) -> None:
    """Destroy the token of an empty position."""
    token = _authorised(state, effects, token_id)
    if token.liquidity or token.tokens_owed_0 or token.tokens_owed_1:
        raise Revert("Not cleared")
    state.journal.drop(state.manager.tokens, token_id)
    remove_token(state, effects, token_id, token.owner)


def close(
    state: UniswapV3State, effects: Effects, token_id: int, least: tuple[int, int], deadline: int | None
) -> tuple[int, int]:
    """Take everything out and destroy the token, in one ``multicall``; returns what was paid, fees included.

    A position without liquidity is only collected and destroyed.
    """
    token = _authorised(state, effects, token_id)
    if token.liquidity > 0:
        decrease(state, effects, token_id, token.liquidity, least, deadline)
    paid = collect(state, effects, token_id, effects.ctx.sender, MAX_UINT128, MAX_UINT128)
    burn(state, effects, token_id)
    return paid


def transfer(state: UniswapV3State, token_id: int, sender: str, target: str) -> None:
    """Hand a token of ``sender``'s to ``target`` (``zero`` is nobody); what it holds and is owed goes with it."""
    token = state.manager.tokens.get(token_id)
    if token is None:
        raise Revert("ERC721: operator query for nonexistent token")
    if token.owner != sender:
        raise Revert("ERC721: transfer caller is not owner nor approved")
    if target == "zero":
        raise Revert("ERC721: transfer to the zero address")
    move_token(state, token_id, sender, target)
    state.journal.put(state.manager.tokens, token_id, token._replace(owner=target))


def check_deadline(effects: Effects, deadline: int | None) -> None:
    """Refuse a transaction that comes late."""
    if deadline is not None and effects.ctx.block.time > deadline:
        raise Revert("Transaction too old")


def _authorised(state: UniswapV3State, effects: Effects, token_id: int) -> TokenPosition:
    token = state.manager.tokens.get(token_id)
    if token is None:
        raise Revert("ERC721: operator query for nonexistent token")
    if token.owner != effects.ctx.sender:
        raise Revert("Not approved")
    return token


def _check_least(amount0: int, amount1: int, least: tuple[int, int]) -> None:
    if amount0 < least[0] or amount1 < least[1]:
        raise Revert("Price slippage check")


def _add_liquidity(
    state: UniswapV3State,
    effects: Effects,
    tick_lower: int,
    tick_upper: int,
    desired: tuple[int, int],
    least: tuple[int, int],
) -> Added:
    for tick in (tick_lower, tick_upper):
        if not MIN_TICK <= tick <= MAX_TICK:
            raise Revert("T")
    lower, upper = sorted((ratio_at_tick(tick_lower), ratio_at_tick(tick_upper)))
    liquidity = liquidity_for_amounts_down(state.pool.sqrt_price_x96, lower, upper, *desired)
    payer = core.Payer(effects.ctx.sender, "STF")
    account = state.manager.account
    amount0, amount1 = core.mint(state.pool, effects, account, tick_lower, tick_upper, liquidity, payer)
    _check_least(amount0, amount1, least)
    return Added(liquidity, amount0, amount1)


def _pool_snapshot(state: UniswapV3State, tick_lower: int, tick_upper: int) -> tuple[int, int]:
    """The pool position's snapshot of fee growth inside, just brought up to date."""
    held = state.pool.positions.get((state.manager.account, tick_lower, tick_upper), NO_POSITION)
    return held.fee_growth_inside_0_last_x128, held.fee_growth_inside_1_last_x128


def _settle(
    state: UniswapV3State, token_id: int, token: TokenPosition, liquidity: int, freed: tuple[int, int] = (0, 0)
) -> None:
    """Credit a token the fees of its old liquidity and what was ``freed``, and set its liquidity."""
    state.journal.put(state.manager.tokens, token_id, _settled(state, token, liquidity, freed))


def _settled(
    state: UniswapV3State, token: TokenPosition, liquidity: int, freed: tuple[int, int] = (0, 0)
) -> TokenPosition:
    """Return the token brought up to date, with this liquidity."""
    inside0, inside1 = _pool_snapshot(state, token.tick_lower, token.tick_upper)
    fees0 = fees_owed_down(inside0, token.fee_growth_inside_0_last_x128, token.liquidity)
    fees1 = fees_owed_down(inside1, token.fee_growth_inside_1_last_x128, token.liquidity)
    return TokenPosition(
        token.owner,
        token.tick_lower,
        token.tick_upper,
        liquidity,
        inside0,
        inside1,
        wrapping_add_128(token.tokens_owed_0, freed[0] + fees0),
        wrapping_add_128(token.tokens_owed_1, freed[1] + fees1),
    )
