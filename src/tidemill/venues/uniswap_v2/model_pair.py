"""The pair: deposits, withdrawals and swaps measured by what lies there beyond the reserves it wrote down."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.interfaces import Transfer
from tidemill.venues.shared.effects import Effects
from tidemill.venues.uniswap_v2.rules import (
    MINIMUM_LIQUIDITY,
    cumulative_price,
    first_liquidity_down,
    keeps_product,
    liquidity_for_down,
    protocol_liquidity_down,
    share_down,
)
from tidemill.venues.uniswap_v2.state import ExchangeState, PairState

__all__ = ["accrue", "burn", "mint", "protocol_share_down", "skim", "swap", "sync"]

_UINT112_MAX = (1 << 112) - 1
_UINT32 = 1 << 32


def mint(state: ExchangeState, pair: PairState, effects: Effects, to: str) -> int:
    """Issue shares for what was brought since the last write-down."""
    balance0, balance1 = _balances(pair, effects)
    amount0, amount1 = _less(balance0, pair.reserve0), _less(balance1, pair.reserve1)
    fee_on = _mint_fee(state, pair, effects)
    if pair.total_supply == 0:
        liquidity = _less(first_liquidity_down(amount0, amount1), MINIMUM_LIQUIDITY)
        _issue(pair, effects, "zero", MINIMUM_LIQUIDITY)
    else:
        liquidity = liquidity_for_down(amount0, amount1, pair.reserve0, pair.reserve1, pair.total_supply)
    if liquidity == 0:
        raise Revert("UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED")
    _issue(pair, effects, to, liquidity)
    _write_down(pair, effects, balance0, balance1)
    if fee_on:
        pair.k_last = pair.reserve0 * pair.reserve1
    effects.log("Mint", pair=pair.account, sender=effects.ctx.sender, amount0=amount0, amount1=amount1)
    return liquidity


def burn(state: ExchangeState, pair: PairState, effects: Effects, to: str) -> tuple[int, int]:
    """Redeem the shares that lie at the pair; returns raw units of both tokens."""
    balance0, balance1 = _balances(pair, effects)
    liquidity = effects.balance(pair.lp, pair.account)
    fee_on = _mint_fee(state, pair, effects)
    if pair.total_supply == 0:
        raise Revert("halt InvalidFEOpcode")  # the contract divides by zero
    amount0 = share_down(liquidity, balance0, pair.total_supply)
    amount1 = share_down(liquidity, balance1, pair.total_supply)
    if not (amount0 and amount1):
        raise Revert("UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED")
    pair.total_supply -= liquidity
    effects.move(pair.lp, pair.account, "zero", liquidity, "ds-math-sub-underflow")
    effects.log("Transfer", pair=pair.account, **{"from": pair.account}, to="zero", value=liquidity)
    effects.move(pair.token0, pair.account, to, amount0, "UniswapV2: TRANSFER_FAILED")
    effects.move(pair.token1, pair.account, to, amount1, "UniswapV2: TRANSFER_FAILED")
    _write_down(pair, effects, *_balances(pair, effects))
    if fee_on:
        pair.k_last = pair.reserve0 * pair.reserve1
    effects.log("Burn", pair=pair.account, sender=effects.ctx.sender, amount0=amount0, amount1=amount1, to=to)
    return amount0, amount1


def swap(pair: PairState, effects: Effects, amount0_out: int, amount1_out: int, to: str) -> tuple[int, int]:
    """Give what is asked for, if what lies there pays for it; returns raw units of both tokens that came in."""
    if not (amount0_out or amount1_out):
        raise Revert("UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT")
    if amount0_out >= pair.reserve0 or amount1_out >= pair.reserve1:
        raise Revert("UniswapV2: INSUFFICIENT_LIQUIDITY")
    effects.move(pair.token0, pair.account, to, amount0_out, "UniswapV2: TRANSFER_FAILED")
    effects.move(pair.token1, pair.account, to, amount1_out, "UniswapV2: TRANSFER_FAILED")
    balance0, balance1 = _balances(pair, effects)
    amount0_in = max(balance0 - (pair.reserve0 - amount0_out), 0)
    amount1_in = max(balance1 - (pair.reserve1 - amount1_out), 0)
    if not (amount0_in or amount1_in):
        raise Revert("UniswapV2: INSUFFICIENT_INPUT_AMOUNT")
    if not keeps_product(balance0, balance1, amount0_in, amount1_in, pair.reserve0, pair.reserve1):
        raise Revert("UniswapV2: K")
    _write_down(pair, effects, balance0, balance1)
    effects.log(
        "Swap",
        pair=pair.account,
        sender=effects.ctx.sender,
        amount0In=amount0_in,
        amount1In=amount1_in,
        amount0Out=amount0_out,
        amount1Out=amount1_out,
        to=to,
    )
    return amount0_in, amount1_in


def skim(pair: PairState, effects: Effects, to: str) -> tuple[int, int]:
    """Hand out what lies there beyond the reserves; returns raw units of both tokens."""
    balance0, balance1 = _balances(pair, effects)
    amount0, amount1 = _less(balance0, pair.reserve0), _less(balance1, pair.reserve1)
    effects.move(pair.token0, pair.account, to, amount0, "UniswapV2: TRANSFER_FAILED")
    effects.move(pair.token1, pair.account, to, amount1, "UniswapV2: TRANSFER_FAILED")
    return amount0, amount1


def sync(pair: PairState, effects: Effects) -> None:
    """Write down what lies there."""
    _write_down(pair, effects, *_balances(pair, effects))


def protocol_share_down(state: ExchangeState, pair: PairState, k: int, supply: int) -> int:
    """Return the shares that the next deposit or withdrawal mints to the protocol at the product ``k``."""
    if not (state.fee_to and pair.k_last):
        return 0
    return protocol_liquidity_down(k, pair.k_last, supply)


def accrue(pair: PairState, now: int) -> None:
    """Bring the price accumulators up to ``now`` (seconds) at the price of the reserves."""
    elapsed = (now - pair.updated) % _UINT32
    if elapsed and pair.reserve0 and pair.reserve1:
        pair.price0_cumulative = cumulative_price(pair.price0_cumulative, pair.reserve0, pair.reserve1, elapsed)
        pair.price1_cumulative = cumulative_price(pair.price1_cumulative, pair.reserve1, pair.reserve0, elapsed)
    pair.updated = now % _UINT32


def _write_down(pair: PairState, effects: Effects, balance0: int, balance1: int) -> None:
    if max(balance0, balance1) > _UINT112_MAX:
        raise Revert("UniswapV2: OVERFLOW")
    accrue(pair, effects.ctx.block.time)
    pair.reserve0, pair.reserve1 = balance0, balance1
    effects.log("Sync", pair=pair.account, reserve0=balance0, reserve1=balance1)


def _mint_fee(state: ExchangeState, pair: PairState, effects: Effects) -> bool:
    """Mint the protocol its share of the growth since the last deposit or withdrawal; returns whether it is on."""
    liquidity = protocol_share_down(state, pair, pair.reserve0 * pair.reserve1, pair.total_supply)
    effects.count("protocol_on", int(bool(state.fee_to)))
    effects.count("protocol_shares", int(liquidity > 0))
    if liquidity:
        _issue(pair, effects, state.fee_to, liquidity)
    if not state.fee_to:
        pair.k_last = 0
    return bool(state.fee_to)


def _issue(pair: PairState, effects: Effects, to: str, liquidity: int) -> None:
    pair.total_supply += liquidity
    if to != "zero":
        effects.transfers.append(Transfer(pair.lp, "zero", to, liquidity))
    effects.log("Transfer", pair=pair.account, **{"from": "zero"}, to=to, value=liquidity)


def _balances(pair: PairState, effects: Effects) -> tuple[int, int]:
    return effects.balance(pair.token0, pair.account), effects.balance(pair.token1, pair.account)


def _less(balance: int, reserve: int) -> int:
    if balance < reserve:
        raise Revert("ds-math-sub-underflow")
    return balance - reserve
