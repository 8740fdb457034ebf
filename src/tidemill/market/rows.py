"""Events of a table as plain integers, one tuple per event: what replay loops read."""

from __future__ import annotations

from collections.abc import Iterator
from typing import NamedTuple

import polars as pl

from tidemill.market.limbs import from_limbs
from tidemill.market.schema import SIGNED, WIDTHS

__all__ = ["EventRow", "event_rows"]


class EventRow(NamedTuple):
    """One event; integers as in the ``EVENTS`` table, 0 where the kind has none."""

    block: int
    time: int
    log_index: int
    kind: int
    lower: int
    upper: int
    tick: int
    swap_type: int | None
    liquidity: int
    price: int
    amount0: int
    amount1: int
    paid0: int
    paid1: int

    def __str__(self) -> str:
        return f"block {self.block}, log index {self.log_index}"

    @property
    def name(self) -> tuple[int, int]:
        """What identifies it: (block, log index)."""
        return self.block, self.log_index

    @property
    def down(self) -> bool:
        """Whether token0 went in; only for swaps that moved tokens."""
        return self.amount0 > 0 or self.amount1 < 0

    def paid_in(self, down: bool) -> int:
        """Input of a swap in that direction, raw units with the fee."""
        return self.amount0 if down else self.amount1

    def paid_out(self, down: bool) -> int:
        """Output of a swap in that direction, raw units."""
        return -self.amount1 if down else -self.amount0


def event_rows(events: pl.DataFrame) -> Iterator[EventRow]:
    """Yield the events of an ``EVENTS`` table in order."""
    narrow = [
        events[name].fill_null(0).to_list()
        for name in ("block", "time", "log_index", "kind", "tick_lower", "tick_upper", "tick")
    ]
    narrow.append(events["swap_type"].to_list())
    wide = [
        from_limbs(events[name].to_numpy(), signed=name in SIGNED)
        for name in ("liquidity", "sqrt_price_x96", "amount0", "amount1", "paid0", "paid1")
    ]
    assert set(WIDTHS) == {"liquidity", "sqrt_price_x96", "amount0", "amount1", "paid0", "paid1"}
    return map(EventRow._make, zip(*narrow, *wide, strict=True))
