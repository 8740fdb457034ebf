"""A stage whose venue follows a table of rates: the exact model, its market-driven figures set as time goes on.

Own actions meet the venue's own rules, limits and rounding; what the market makes of the venue meanwhile (an index, a
share price, reserves) is read from the table. Own actions do not move it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Any, TypeVar

from tidemill.interfaces import Action, Block, Context, Happened, Result, Transfer
from tidemill.venues.shared.scripted import Holdings, ScriptedStage

__all__ = ["Follow", "FollowingStage", "hold"]

S = TypeVar("S")

Follow = Callable[[S, Holdings, int], None]
"""Set a state, and what lies at the venue, to what the table says of a moment (seconds). Twice is as good as once."""


class FollowingStage(ScriptedStage[S]):
    """`ScriptedStage` that follows a table; its script says who was there at the start."""

    def __init__(self, *args: Any, follow: Follow[S], **kwargs: Any) -> None:
        super().__init__(*args, **kwargs)
        self._follow = follow

    def advance(self, to: Block) -> Sequence[Happened]:
        """Play the script, then come to what the table says of ``to``."""
        happened = super().advance(to)
        self._follow(self.state, self.holdings, to.time)
        return happened

    def enter(self, block: Block) -> None:
        """Come to what the table says of ``block``, ahead of an own transaction in it."""
        super().enter(block)
        self._follow(self.state, self.holdings, self.at.time)

    def apply(self, action: Action, ctx: Context) -> Result:
        """Do one of one's own actions at what the table says of its block."""
        self._follow(self.state, self.holdings, max(self.at.time, ctx.block.time))
        return super().apply(action, ctx)


def hold(holdings: Holdings, token: str, account: str, amount: int) -> None:
    """Let ``account`` hold ``amount`` raw units: what is missing comes from the market, what is too much goes there."""
    missing = amount - holdings.held.get((token, account), 0)
    if missing > 0:
        holdings.move((Transfer(token, "market", account, missing),))
    elif missing < 0:
        holdings.move((Transfer(token, account, "market", -missing),))
