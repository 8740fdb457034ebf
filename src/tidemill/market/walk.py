"""A swap walked step by step over a book of liquidity, by the pool's own rules."""

from __future__ import annotations

from functools import lru_cache
from typing import NamedTuple

from tidemill.market.book import Book, FullBook, UnknownLiquidity
from tidemill.venues.uniswap_v3.rules import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    MIN_TICK,
    sqrt_ratio_at_tick,
    swap_step_exact_in,
    swap_step_exact_out,
)

__all__ = [
    "UNBOUNDED",
    "Order",
    "Spot",
    "Step",
    "Walk",
    "bound",
    "certain_steps",
    "price_at",
    "walk",
]

price_at = lru_cache(maxsize=65_536)(sqrt_ratio_at_tick)
"""``sqrt_ratio_at_tick``, remembered: a replay asks for the same ticks again and again."""
UNBOUNDED = (1 << 255) - 1
"""The largest exact input: the swap then ends at its price limit."""


class Spot(NamedTuple):
    """Where a pool stands: price Q64.96, tick, active liquidity."""

    price: int
    tick: int
    liquidity: int


class Order(NamedTuple):
    """A swap as called. ``down``: token0 goes in; ``amount`` is exact input or output; ``limit`` a price, Q64.96."""

    down: bool
    exact_in: bool
    amount: int
    limit: int


class Step(NamedTuple):
    """One step of a swap with one active liquidity: prices Q64.96, amounts and fee in raw units (fee on the input)."""

    tick_from: int
    price_from: int
    price_to: int
    liquidity: int
    amount_in: int
    amount_out: int
    fee: int
    tick_to: int | None
    """Tick after the step where it ends on a boundary, None where it ends within a cell."""


class Walk(NamedTuple):
    """A whole swap. ``amount_in`` includes the fee; ``tick`` is None where the swap ends within a cell."""

    steps: list[Step]
    price: int
    tick: int | None
    liquidity: int
    amount_in: int
    amount_out: int
    fee: int


def bound(down: bool) -> int:
    """Return the price limit of a swap called without one."""
    return int(MIN_SQRT_RATIO) + 1 if down else int(MAX_SQRT_RATIO) - 1


def walk(book: Book, spot: Spot, order: Order, fee: int, steps: list[Step] | None = None) -> Walk:
    """Execute a swap on ``book`` without changing it; ``fee`` in millionths; ``steps`` receives them one by one.

    Raises
    ------
    UnknownLiquidity : the path reaches a cell that the book does not know.
    """
    price, tick, liquidity = spot
    down, exact_in, amount, limit = order
    steps = [] if steps is None else steps
    remaining, total_in, total_out, total_fee = amount, 0, 0, 0
    at: int | None = tick
    step = swap_step_exact_in if exact_in else swap_step_exact_out
    while remaining and price != limit:
        assert at is not None, "a swap that stopped within a cell has nothing left"
        edge = book.next_boundary(at, down)
        edge = max(edge, MIN_TICK) if down else min(edge, MAX_TICK)
        edge_price = price_at(edge)
        target = max(edge_price, limit) if down else min(edge_price, limit)
        new, used, out, charged = step(price, target, liquidity, remaining, fee)
        after = (edge - 1 if down else edge) if new == edge_price else (at if new == price else None)
        steps.append(Step(at, price, new, liquidity, used, out, charged, after))
        remaining -= used + charged if exact_in else out
        total_in, total_out, total_fee = total_in + used + charged, total_out + out, total_fee + charged
        price, at = new, after
        if new == edge_price:
            liquidity = _beyond(book, edge, down, liquidity)
    return Walk(steps, price, at, liquidity, total_in, total_out, total_fee)


def certain_steps(book: Book, spot: Spot, down: bool, limit: int, fee: int) -> list[Step] | None:
    """Return the steps that a swap beyond ``limit`` surely took before it reached liquidity that ``book`` does not know.

    A step that ends on a boundary is the same however the swap was called. ``None`` where all of the path is known.
    """
    steps: list[Step] = []
    try:
        walk(book, spot, Order(down, True, UNBOUNDED, limit), fee, steps)
    except UnknownLiquidity:
        return steps
    return None


def _beyond(book: Book, edge: int, down: bool, liquidity: int) -> int:
    if isinstance(book, FullBook):
        return liquidity - book.net(edge) if down else liquidity + book.net(edge)
    return book.liquidity((edge - 1 if down else edge) // book.spacing)
