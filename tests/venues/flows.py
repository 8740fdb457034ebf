"""Random flows for the pool kernel: actions done on the model, written down as recorded events."""

from __future__ import annotations

import random
from dataclasses import dataclass, field
from typing import Any

import numpy as np

from tidemill.errors import Revert
from tidemill.interfaces import Action, Block
from tidemill.units.jit import pack
from tidemill.venues.uniswap_v3.model import UniswapV3Model
from tidemill.venues.uniswap_v3.model_state import PoolState
from tidemill.venues.uniswap_v3.rules_ticks import (
    MAX_SQRT_RATIO,
    MAX_TICK,
    MIN_SQRT_RATIO,
    sqrt_ratio_at_tick,
)
from tidemill.venues.uniswap_v3.tape import Flow

KINDS = ("swap", "mint", "burn", "collect", "flash", "set_share", "collect_protocol")
RICH = 1 << 300


@dataclass
class Context:
    sender: str = "ann"
    block: Block = field(default_factory=lambda: Block(number=1, time=1_700_000_000))

    def balance(self, token: str, account: str) -> int:
        return RICH

    def call(self, venue: str, action: Action) -> Any:
        raise AssertionError("a pool calls nobody")


@dataclass
class Row:
    """One event and what the model said to it."""

    kind: int
    zero_for_one: bool = False
    specified: int = 0
    limit: int = 0
    amount0: int = 0
    amount1: int = 0
    lower: int = 0
    upper: int = 0
    delta: int = 0
    revert: str | None = None
    price: int = 0
    tick: int = 0
    liquidity: int = 0


class Market:
    """A model pool and a seeded driver of random actions."""

    def __init__(self, fee: int, start_tick: int, seed: str, *, wide: bool = True) -> None:
        self.rng = random.Random(seed)
        self.model = UniswapV3Model()
        self.state = self.model.init({"token0": "A", "token1": "B", "fee": fee})
        self.pool: PoolState = self.state.pool
        self.context = Context()
        self.positions: dict[tuple[int, int], int] = {}
        self.apply("pool_initialize", sqrt_price_x96=sqrt_ratio_at_tick(start_tick) + 12_345)
        self.unit = 10 ** self.rng.randint(12, 20)
        if wide:
            spacing = self.pool.tick_spacing
            ends = -(MAX_TICK // spacing) * spacing, MAX_TICK // spacing * spacing
            self.apply("pool_mint", tick_lower=ends[0], tick_upper=ends[1], liquidity=self.unit)

    def apply(self, verb: str, **args: Any) -> Any:
        return self.model.apply(self.state, Action(verb, args), self.context)

    def step(self) -> Row:
        """Do one random action; returns it as an event with its outcome."""
        make = self.rng.choices(
            [self._swap, self._mint, self._burn, self._flash, self._share, self._collect_protocol],
            [60, 20, 14, 2, 2, 2],
        )[0]
        row = make()
        row.price, row.tick = self.pool.sqrt_price_x96, self.pool.tick
        row.liquidity = self.pool.liquidity
        return row

    def _do(self, row: Row, verb: str, **args: Any) -> Row:
        try:
            amounts = self.apply(verb, **args).amounts
        except Revert as revert:
            row.revert = revert.reason
        else:
            sign = -1 if verb == "pool_burn" else 1
            row.amount0, row.amount1 = (
                sign * amounts.get(name, 0)
                for name in (("paid0", "paid1") if verb == "pool_flash" else ("amount0", "amount1"))
            )
        self.context.block = Block(
            number=self.context.block.number + 1, time=self.context.block.time + self.rng.randint(0, 20)
        )
        return row

    def _swap(self) -> Row:
        rng, price = self.rng, self.pool.sqrt_price_x96
        down = rng.random() < 0.5
        size = rng.getrandbits(rng.randint(1, max(self.unit.bit_length() + 4, 8)))
        specified = size if rng.random() < 0.55 else -size
        limit = MIN_SQRT_RATIO + 1 if down else MAX_SQRT_RATIO - 1
        kind = rng.random()
        if kind < 0.35:
            moved = price * (10_000 + rng.choice((-1, 1)) * rng.randint(0, 800)) // 10_000
            limit = min(moved, price) - 1 if down else max(moved, price) + 1
        elif kind < 0.40:
            limit = rng.choice((price, price + 1, price - 1, 0, int(MIN_SQRT_RATIO), int(MAX_SQRT_RATIO)))
        elif kind < 0.50:  # a limit exactly on the price of a tick near by
            limit = sqrt_ratio_at_tick(max(-MAX_TICK, min(MAX_TICK, self.pool.tick + rng.randint(-90, 90))))
        elif abs(size) > self.unit // 4 and rng.random() < 0.9:
            specified = specified // 64 or 1
        row = Row(0, down, specified, int(limit))
        return self._do(
            row, "pool_swap", zero_for_one=down, amount_specified=specified, sqrt_price_limit_x96=int(limit)
        )

    def _range(self) -> tuple[int, int]:
        rng, spacing = self.rng, self.pool.tick_spacing
        reach = rng.choice((3, 10, 60, 400))
        here = self.pool.tick // spacing
        ends = sorted(rng.sample(range(here - reach, here + reach + 1), 2))
        lower, upper = (end * spacing for end in ends)
        most = MAX_TICK // spacing * spacing
        return max(-most, min(lower, most - spacing)), min(most, max(upper, -most + spacing))

    def _mint(self) -> Row:
        lower, upper = self._range()
        amount = self.rng.getrandbits(self.rng.randint(1, self.unit.bit_length() + 2))
        odd = self.rng.random()
        if odd < 0.03:
            lower, upper = upper, lower
        elif odd < 0.06:
            lower += 1
        elif odd < 0.09:
            upper = MAX_TICK + self.pool.tick_spacing * 3
        elif odd < 0.12:
            amount = self.rng.choice((self.pool.max_liquidity_per_tick + 1, 1 << 127, 1 << 200))
        row = self._do(
            Row(1, lower=lower, upper=upper, delta=min(amount, (1 << 255) - 1)),
            "pool_mint", tick_lower=lower, tick_upper=upper, liquidity=amount,
        )  # fmt: skip
        if row.revert is None:
            self.positions[lower, upper] = self.positions.get((lower, upper), 0) + amount
        return row

    def _burn(self) -> Row:
        if not self.positions:
            return self._mint()
        key = self.rng.choice(sorted(self.positions))
        held = self.positions[key]
        amount = held if self.rng.random() < 0.5 else self.rng.randint(1, held)
        if self.rng.random() < 0.04:
            amount = (1 << 127) - 1  # more than anybody has
        row = self._do(
            Row(2, lower=key[0], upper=key[1], delta=-amount),
            "pool_burn", tick_lower=key[0], tick_upper=key[1], liquidity=amount,
        )  # fmt: skip
        if row.revert is None:
            self.positions[key] -= amount
            if not self.positions[key]:
                del self.positions[key]
        return row

    def _flash(self) -> Row:
        lent = self.rng.getrandbits(60), self.rng.getrandbits(60)
        row = self._do(Row(4), "pool_flash", amount0=lent[0], amount1=lent[1])
        row.specified, row.limit = lent  # what was lent; the amounts are what was paid
        return row

    def _share(self) -> Row:
        shares = self.rng.choice((0, 4, 7, 10)), self.rng.choice((0, 5, 6, 9))
        self.context.sender = "owner"
        row = self._do(Row(5), "pool_set_fee_protocol", fee_protocol_0=shares[0], fee_protocol_1=shares[1])
        self.context.sender = "ann"
        row.amount0, row.amount1 = shares
        return row

    def _collect_protocol(self) -> Row:
        self.context.sender = "owner"
        most = self.rng.getrandbits(64), self.rng.getrandbits(64)
        row = self._do(Row(6), "pool_collect_protocol", amount0_max=most[0], amount1_max=most[1])
        self.context.sender = "ann"
        return row


def flow_of(rows: list[Row]) -> Flow:
    """Pack rows as recorded events, one per block."""
    n = len(rows)
    lent = [(r.specified, r.limit) if r.kind == 4 else (r.amount0, r.amount1) for r in rows]
    number = np.arange(n, dtype=np.int64)
    return Flow(
        time=1_700_000_000 + 12 * number,
        block=number,
        log_index=np.zeros(n, np.int32),
        kind=np.array([r.kind for r in rows], np.uint8),
        swap_type=np.zeros(n, np.uint8),
        zero_for_one=np.array([r.zero_for_one for r in rows], np.uint8),
        specified=pack([0 if r.kind == 4 else r.specified for r in rows]),
        limit=pack([0 if r.kind == 4 else r.limit for r in rows], 3),
        amount0=pack([a for a, _ in lent]),
        amount1=pack([b for _, b in lent]),
        tick_lower=np.array([r.lower for r in rows], np.int32),
        tick_upper=np.array([r.upper for r in rows], np.int32),
        liquidity_delta=pack([r.delta for r in rows]),
        sqrt_price=pack([r.price for r in rows], 3),
    )
