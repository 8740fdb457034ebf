"""Whether ranges of Uniswap v3 are where the price is."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.venues.shared.history import Holding
from tidemill.venues.shared.signs import Sign

__all__ = ["signs"]


def signs(client: Any, holding: Holding, block: int) -> Sequence[Sign]:
    """Return for each range how far the price is beyond it; see ``Kind.signs``."""
    ranges = [one for one in holding.positions if one.kind == "range" and one.data["liquidity"]]
    if not ranges:
        return ()
    tick = int(client.read("slot0", block=block)[1])
    out = []
    for one in ranges:
        lower, upper = one.data["tick_lower"], one.data["tick_upper"]
        # in range from lower on, up to but not at upper, as the pool counts liquidity
        beyond = lower - tick if tick < lower else tick - upper + 1 if tick >= upper else 0
        out.append(Sign("range", one.id, beyond, f"tick {tick}, range {lower} to {upper}"))
    return out
