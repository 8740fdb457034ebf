"""The exact pair in machine code: swaps through the router, deposits, withdrawals and write-downs, with every check.

Balances are the reserves here (nothing lies at the pair unseen, unless a write-down brings it). Equality with the model
is tested action by action.

>>> pair = KernelPair(state)                                             # doctest: +SKIP
>>> outcome = pair.run(flow)                                             # doctest: +SKIP
"""

from __future__ import annotations

from typing import Any, NamedTuple

import numpy as np
from numpy.typing import NDArray

from tidemill.units import Uint, rule, wide
from tidemill.units.jit import as_index, borrow, load256, pack, store256, unpack
from tidemill.units.kernels import kernel, part
from tidemill.venues.uniswap_v2.rules import (
    amount_in_up,
    amount_out_down,
    cumulative_price,
    first_liquidity_down,
    keeps_product,
    liquidity_for_down,
    protocol_liquidity_down,
    share_down,
)
from tidemill.venues.uniswap_v2.state import PairState

__all__ = ["BURN", "MINT", "REASONS", "SWAP_IN", "SWAP_OUT", "SYNC", "KernelPair", "Outcome", "PairFlow", "run_actions"]

SWAP_IN, SWAP_OUT, MINT, BURN, SYNC = range(5)
"""Kinds of action."""

REASONS = (
    "",
    "",
    "UniswapV2: OVERFLOW",
    "UniswapV2: K",
    "UniswapV2: INSUFFICIENT_OUTPUT_AMOUNT",
    "UniswapV2: INSUFFICIENT_LIQUIDITY_MINTED",
    "UniswapV2: INSUFFICIENT_LIQUIDITY_BURNED",
    "UniswapV2Library: INSUFFICIENT_INPUT_AMOUNT",
    "UniswapV2Library: INSUFFICIENT_OUTPUT_AMOUNT",
    "UniswapV2Library: INSUFFICIENT_LIQUIDITY",
    "halt InvalidFEOpcode",
)
"""Why an action was refused, by status: 0 is done, 1 is arithmetic (``ds-math-…``)."""
_DONE, _ARITHMETIC, _OVERFLOW, _K, _NO_OUT, _NO_MINT, _NO_BURN, _NO_IN, _NO_WISH, _EMPTY, _HALT = range(11)

RESERVE, PRICE, K_LAST, SUPPLY, SMALL = 0, 2, 4, 5, 6
"""Rows of a pair's cells: two reserves, two accumulators, ``k_last``, shares; then (seconds, protocol's share on)."""

_ZERO: int = wide(0)
_RESERVE_END = wide(1 << 112)
_LOCKED = wide(1_000)


class PairFlow(NamedTuple):
    """Actions in order. ``first`` and ``second`` are ``(n, 4)`` limbs.

    ``SWAP_IN`` and ``SWAP_OUT``: the exact amount, selling token0 where ``zero_for_one``; ``MINT``: raw units brought of both
    tokens; ``BURN``: shares; ``SYNC``: what lies there of both tokens.
    """

    kind: NDArray[np.uint8]
    zero_for_one: NDArray[np.uint8]
    time: NDArray[np.int64]
    first: NDArray[np.uint64]
    second: NDArray[np.uint64]


class Outcome(NamedTuple):
    """What each action came to, rows as in the flow.

    ``status`` is a place in `REASONS`. Swaps: amounts in and out; deposits: shares made, and those of them (beside) made for
    the protocol; withdrawals: raw units of both tokens.
    """

    status: NDArray[np.uint8]
    first: NDArray[np.uint64]
    second: NDArray[np.uint64]


@rule
def _plus(a: Uint, b: Uint) -> Uint:
    """A sum that reverts where it does not fit, also where kernels run as Python."""
    return a + b


@rule
def _minus(a: Uint, b: Uint) -> Uint:
    """A difference that reverts below 0."""
    return a - b


@rule
def _times(a: Uint, b: Uint) -> Uint:
    """A product that reverts where it does not fit."""
    return a * b


@kernel
def run_actions(pair: Any, flow: Any, start: int, stop: int, out: Any) -> int:
    """Do actions ``[start, stop)`` on a pair's cells; one that is refused changes nothing. Returns how many were done."""
    pair = borrow(pair)
    done = 0
    for k in range(start, stop):
        status = _ARITHMETIC
        first = second = _ZERO
        kind = flow.kind[k]
        a, b, now = load256(flow.first, k), load256(flow.second, k), flow.time[k]
        try:
            if kind in (SWAP_IN, SWAP_OUT):
                status, first, second = _swap(pair, flow.zero_for_one[k] != 0, kind == SWAP_IN, a, now)
            elif kind == MINT:
                status, first, second = _mint(pair, a, b, now)
            elif kind == BURN:
                status, first, second = _burn(pair, a, now)
            else:
                status = _write_down(pair, a, b, now)
        except Exception:  # noqa: BLE001 - the only one that compiled code sees
            status = _ARITHMETIC
        if status == _DONE:
            done += 1
        out.status[k] = status
        store256(out.first, k, first)
        store256(out.second, k, second)
    return done


@part
def _swap(pair: Any, zero_for_one: bool, exact_in: bool, amount: Any, now: int) -> tuple[int, Any, Any]:
    """Returns (code, amount in, amount out)."""
    place = 0 if zero_for_one else 1
    reserve_in, reserve_out = load256(pair, RESERVE + place), load256(pair, RESERVE + 1 - place)
    if amount == 0:
        return (_NO_IN if exact_in else _NO_WISH), _ZERO, _ZERO
    if reserve_in == 0 or reserve_out == 0:
        return _EMPTY, _ZERO, _ZERO
    if not exact_in and amount == reserve_out:
        return _HALT, _ZERO, _ZERO
    paid = amount if exact_in else amount_in_up(amount, reserve_in, reserve_out)
    got = amount_out_down(amount, reserve_in, reserve_out) if exact_in else amount
    if got == 0:
        return _NO_OUT, _ZERO, _ZERO
    after_in, after_out = _plus(reserve_in, paid), _minus(reserve_out, got)
    if not keeps_product(after_in, after_out, paid, _ZERO, reserve_in, reserve_out):
        return _K, _ZERO, _ZERO
    after0, after1 = (after_in, after_out) if zero_for_one else (after_out, after_in)
    code = _write_down(pair, after0, after1, now)
    if code != _DONE:
        return code, _ZERO, _ZERO
    return _DONE, paid, got


@part
def _mint(pair: Any, amount0: Any, amount1: Any, now: int) -> tuple[int, Any, Any]:
    """Returns (code, shares made, shares made for the protocol)."""
    reserve0, reserve1 = load256(pair, RESERVE), load256(pair, RESERVE + 1)
    supply = load256(pair, SUPPLY)
    share = _protocol_share(pair)
    supply = _plus(supply, share)
    made = _ZERO
    if supply == 0:
        made = _minus(first_liquidity_down(amount0, amount1), _LOCKED)
        supply = _LOCKED
    else:
        made = liquidity_for_down(amount0, amount1, reserve0, reserve1, supply)
    if made == 0:
        return _NO_MINT, _ZERO, _ZERO
    supply = _plus(supply, made)
    code = _write_down(pair, _plus(reserve0, amount0), _plus(reserve1, amount1), now)
    if code != _DONE:
        return code, _ZERO, _ZERO
    store256(pair, SUPPLY, supply)
    _note_product(pair)
    return _DONE, made, share


@part
def _burn(pair: Any, liquidity: Any, now: int) -> tuple[int, Any, Any]:
    """Returns (code, raw units of token0, of token1)."""
    reserve0, reserve1 = load256(pair, RESERVE), load256(pair, RESERVE + 1)
    supply = _plus(load256(pair, SUPPLY), _protocol_share(pair))
    if supply == 0:
        return _HALT, _ZERO, _ZERO
    amount0, amount1 = share_down(liquidity, reserve0, supply), share_down(liquidity, reserve1, supply)
    if amount0 == 0 or amount1 == 0:
        return _NO_BURN, _ZERO, _ZERO
    supply = _minus(supply, liquidity)
    code = _write_down(pair, _minus(reserve0, amount0), _minus(reserve1, amount1), now)
    if code != _DONE:
        return code, _ZERO, _ZERO
    store256(pair, SUPPLY, supply)
    _note_product(pair)
    return _DONE, amount0, amount1


@part
def _protocol_share(pair: Any) -> Any:
    """Shares that a deposit or withdrawal mints to the protocol first."""
    k_last = load256(pair, K_LAST)
    if pair[SMALL, 1] == 0 or k_last == 0:
        return _ZERO
    k = _times(load256(pair, RESERVE), load256(pair, RESERVE + 1))
    return protocol_liquidity_down(k, k_last, load256(pair, SUPPLY))


@part
def _note_product(pair: Any) -> None:
    """Keep the product after a deposit or withdrawal while the protocol takes its share, 0 otherwise."""
    k = _ZERO
    if pair[SMALL, 1] != 0:
        k = _times(load256(pair, RESERVE), load256(pair, RESERVE + 1))
    store256(pair, K_LAST, k)


@part
def _write_down(pair: Any, balance0: Any, balance1: Any, now: int) -> int:
    """Store new reserves and bring the accumulators up to ``now`` at the old ones; nothing is stored on refusal."""
    if balance0 >= _RESERVE_END or balance1 >= _RESERVE_END:
        return _OVERFLOW
    elapsed = (as_index(now) - as_index(pair[SMALL, 0])) & 0xFFFFFFFF
    reserve0, reserve1 = load256(pair, RESERVE), load256(pair, RESERVE + 1)
    if elapsed != 0 and reserve0 != 0 and reserve1 != 0:
        price0 = cumulative_price(load256(pair, PRICE), reserve0, reserve1, elapsed)
        price1 = cumulative_price(load256(pair, PRICE + 1), reserve1, reserve0, elapsed)
        store256(pair, PRICE, price0)
        store256(pair, PRICE + 1, price1)
    pair[SMALL, 0] = now & 0xFFFFFFFF
    store256(pair, RESERVE, balance0)
    store256(pair, RESERVE + 1, balance1)
    return _DONE


class KernelPair:
    """A pair in machine code, with the model's numbers; ``protocol_on`` while the protocol takes its share."""

    def __init__(self, state: PairState, *, protocol_on: bool = False) -> None:
        numbers = (state.reserve0, state.reserve1, state.price0_cumulative, state.price1_cumulative)
        self.cells = np.zeros((SMALL + 1, 4), np.uint64)
        self.cells[:SMALL] = pack([*numbers, state.k_last, state.total_supply])
        self.cells[SMALL, :2] = state.updated, protocol_on

    def run(self, flow: PairFlow, start: int = 0, stop: int | None = None, into: Outcome | None = None) -> Outcome:
        """Do actions ``[start, stop)`` of a flow; other rows of the outcome are left as they are."""
        n = len(flow.kind)
        out = into or Outcome(np.zeros(n, np.uint8), np.zeros((n, 4), np.uint64), np.zeros((n, 4), np.uint64))
        run_actions(self.cells, flow, start, n if stop is None else stop, out)
        return out

    def write_to(self, state: PairState) -> None:
        """Write all numbers back into the model's pair."""
        numbers = unpack(self.cells[:SMALL])
        state.reserve0, state.reserve1, state.price0_cumulative, state.price1_cumulative = numbers[:4]
        state.k_last, state.total_supply = numbers[4:]
        state.updated = int(self.cells[SMALL, 0])
