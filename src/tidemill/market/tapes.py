"""Builders of the tape and the flow: steps split at every multiple of the tick spacing, events packed into limbs."""

from __future__ import annotations

from collections.abc import Sequence

import numpy as np

from tidemill.market.limbs import to_limbs
from tidemill.market.walk import Step, price_at
from tidemill.venues.uniswap_v3.rules import amount0_delta_down, amount1_delta_down
from tidemill.venues.uniswap_v3.tape import Flow, Tape

__all__ = ["FlowBuilder", "TapeBuilder", "split_step"]

Part = tuple[int, int, int, int]
"""(cell, tick after, price after, fee)."""


def split_step(step: Step, tick_to: int, spacing: int, fee: int) -> list[Part]:
    """Split a step at every multiple of ``spacing`` that it passes; the parts' fees sum to ``fee``.

    A part's fee is ``floor(fee * its input / the step's input)``, inputs rounded down; the last part takes the rest.
    Parts of zero length are left out unless the whole step has none.
    """
    down = step.price_to < step.price_from
    if step.price_to == step.price_from:
        return [(step.tick_from // spacing, tick_to, step.price_to, fee)]
    parts: list[tuple[int, int, int, int]] = []
    cell, price = step.tick_from // spacing, step.price_from
    while True:
        edge = price_at((cell if down else cell + 1) * spacing)
        if (step.price_to >= edge) if down else (step.price_to <= edge):
            parts.append((cell, tick_to, price, step.price_to))
            break
        if price != edge:
            parts.append((cell, cell * spacing - 1 if down else (cell + 1) * spacing, price, edge))
        price, cell = edge, cell - 1 if down else cell + 1
    if len(parts) == 1:
        return [(cell, tick_to, step.price_to, fee)]
    whole = _input(step.price_from, step.price_to, step.liquidity)
    left, done = fee, []
    for cell, tick, start, end in parts[:-1]:
        share = fee * _input(start, end, step.liquidity) // whole if whole else 0
        left -= share
        done.append((cell, tick, end, share))
    return [*done, (parts[-1][0], tick_to, step.price_to, left)]


def _input(start: int, end: int, liquidity: int) -> int:
    """Input of a price move, rounded down."""
    if end < start:
        return amount0_delta_down(end, start, liquidity)
    return amount1_delta_down(start, end, liquidity)


class TapeBuilder:
    """Collects steps in order and packs them into a ``Tape``."""

    def __init__(self, spacing: int) -> None:
        self._spacing = spacing
        self._rows: list[tuple[int, int, int, int, int, int]] = []  # time, block, event, cell, tick, down
        self._prices: list[int] = []
        self._liquidity: list[int] = []
        self._fees: list[int] = []

    def add(self, at: tuple[int, int, int], step: Step, tick_to: int, *, down: bool, fee: int) -> None:
        """Add a step at (time, block, event row); ``fee`` is what providers keep. No liquidity: no row."""
        if step.liquidity == 0 or (fee == 0 and step.price_from == step.price_to):
            return
        for cell, tick, price, share in split_step(step, tick_to, self._spacing, fee):
            self._rows.append((*at, cell, tick, down))
            self._prices.append(price)
            self._liquidity.append(step.liquidity)
            self._fees.append(share)

    def build(self) -> Tape:
        """Pack everything added so far."""
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, 6)
        return Tape(
            time=np.ascontiguousarray(rows[:, 0]),
            block=np.ascontiguousarray(rows[:, 1]),
            event=rows[:, 2].astype(np.int32),
            cell=rows[:, 3].astype(np.int32),
            tick=rows[:, 4].astype(np.int32),
            sqrt_price=to_limbs(self._prices, 3, name="sqrt price"),
            liquidity=to_limbs(self._liquidity, 2, name="liquidity"),
            fee=to_limbs(self._fees, 2, name="fee"),
            zero_for_one=rows[:, 5].astype(np.uint8),
        )


class FlowBuilder:
    """Collects events in order and packs them into a ``Flow``."""

    def __init__(self) -> None:
        self._rows: list[tuple[int, ...]] = []
        self._wide: list[tuple[int, int, int, int, int, int]] = []

    def add(
        self,
        at: tuple[int, int, int],
        kind: int,
        *,
        amount0: int,
        amount1: int,
        price: int,
        swap_type: int = 0,
        down: bool = False,
        specified: int = 0,
        limit: int = 0,
        ticks: tuple[int, int] = (0, 0),
        liquidity_delta: int = 0,
    ) -> None:
        """Add one event at (time, block, log index); fields as in ``Flow``."""
        self._rows.append((*at, kind, swap_type, down, *ticks))
        self._wide.append((specified, limit, amount0, amount1, liquidity_delta, price))

    def build(self) -> Flow:
        """Pack everything added so far."""
        rows = np.array(self._rows, dtype=np.int64).reshape(-1, 8)
        wide: Sequence[Sequence[int]] = list(zip(*self._wide, strict=True)) if self._wide else [()] * 6
        return Flow(
            time=np.ascontiguousarray(rows[:, 0]),
            block=np.ascontiguousarray(rows[:, 1]),
            log_index=rows[:, 2].astype(np.int32),
            kind=rows[:, 3].astype(np.uint8),
            swap_type=rows[:, 4].astype(np.uint8),
            zero_for_one=rows[:, 5].astype(np.uint8),
            specified=to_limbs(wide[0], 4, signed=True, name="specified"),
            limit=to_limbs(wide[1], 3, name="limit"),
            amount0=to_limbs(wide[2], 4, signed=True, name="amount0"),
            amount1=to_limbs(wide[3], 4, signed=True, name="amount1"),
            tick_lower=rows[:, 6].astype(np.int32),
            tick_upper=rows[:, 7].astype(np.int32),
            liquidity_delta=to_limbs(wide[4], 4, signed=True, name="liquidity delta"),
            sqrt_price=to_limbs(wide[5], 3, name="sqrt price"),
        )
