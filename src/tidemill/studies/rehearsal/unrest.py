"""What a live chain does to the recorded order: shuffles a block, holds things back, and lets somebody else step in."""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import groupby

from tidemill.engine.rng import stream
from tidemill.interfaces import Action
from tidemill.venues.shared.ground import Others

__all__ = ["unrest"]

HELD_BACK = 8
"""One in so many is included a block later."""
STEPS_IN = 10
"""After one in so many swaps somebody swaps back a part of it."""


def unrest(seed: str, start: int = 0) -> Callable[[Sequence[Others]], list[Others]]:
    """Return a function that disturbs what others do, the same way for the same seed.

    What they do up to block number ``start`` stays as it is: that is how a scripted venue comes to its start, and one
    needs what another gave (shares to stake).
    """

    def disturbed(items: Sequence[Others]) -> list[Others]:
        random = stream("unrest", seed, len(items))
        out = [item for item in items if item.block.number <= start]
        late: list[Others] = []
        for block, group in groupby(items[len(out) :], key=lambda item: item.block):
            now = [Others(block, item.actor, item.action) for item in late] + list(group)
            late = [item for item in now if random.randrange(HELD_BACK) == 0]
            now = [item for item in now if item not in late]
            random.shuffle(now)
            for item in now:
                out.append(item)
                if item.action.verb == "pool_swap" and random.randrange(STEPS_IN) == 0:
                    out.append(_back(item, random.randrange(1, 100)))
        return out + late

    return disturbed


def _back(item: Others, percent: int) -> Others:
    """Return a swap the other way with a part of the same number of raw units, at any price."""
    down = not item.action.args["zero_for_one"]
    asked = int(item.action.args["amount_specified"])
    amount = abs(asked) * percent // 100 or 1
    bound = 4295128740 if down else 1461446703485210103287273052203988822378723970341
    args = {"zero_for_one": down, "amount_specified": amount if asked < 0 else -amount,
            "sqrt_price_limit_x96": bound}  # fmt: skip
    return Others(item.block, item.actor, Action("pool_swap", args))
