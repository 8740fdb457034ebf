"""A stage whose venue follows a table of rates: the exact model, its market-driven figures set as time goes on.

Own actions meet the venue's own rules, limits and rounding; what the market makes of the venue meanwhile (an index, a
share price, reserves) is read from the table. Own actions do not move it.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from itertools import pairwise
from typing import Any, NamedTuple, TypeVar

from tidemill.interfaces import Action, Block, Context, Happened, Result, Transfer
from tidemill.units import RAY, mul_div_down
from tidemill.venues.kinds import Setup
from tidemill.venues.shared.scripted import Holdings, ScriptedStage

__all__ = ["Follow", "FollowingStage", "Row", "Streamed", "hold", "streamed"]

S = TypeVar("S")
_RAY = int(RAY)

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


class Row(NamedTuple):
    """What a farm's table says from a block on: streams in raw units a second, others' stake in raw units."""

    block: Block
    rate: int
    staked: int
    bonus: int


class Streamed(NamedTuple):
    """A farm's table: each row that changes anything, and what the whole of its streams pays in raw units."""

    rows: list[Row]
    paid: int
    bonus_paid: int


def streamed(setup: Setup, staking: int, reward: int, bonus: int | None = None) -> Streamed:
    """Read a farm's path over the study's period; the others are tokens' decimals, ``None`` for a farm without a bonus."""
    path, rows = setup.market, list[Row]()
    rates = [mul_div_down(ray, 10**reward, _RAY) for ray in path.figures["reward_rate"]]
    beside = [0] * len(rates)
    if bonus is not None:
        beside = [mul_div_down(ray, 10**bonus, _RAY) for ray in path.figures["bonus_rate"]]
    for at in range(path.row(setup.start), path.row(setup.end) + 1):
        now = rates[at], mul_div_down(path.figures["total_staked"][at], 10**staking, _RAY), beside[at]
        if not rows or rows[-1][1:] != now:
            rows.append(Row(setup.first_from(max(path.time[at], setup.start)), *now))
    spans = [after - before for before, after in pairwise(path.time)]
    paid, more = (sum(rate * span for rate, span in zip(stream, spans, strict=False)) for stream in (rates, beside))
    return Streamed(rows, paid, more)


def hold(holdings: Holdings, token: str, account: str, amount: int) -> None:
    """Let ``account`` hold ``amount`` raw units: what is missing comes from the market, what is too much goes there."""
    missing = amount - holdings.held.get((token, account), 0)
    if missing > 0:
        holdings.move((Transfer(token, "market", account, missing),))
    elif missing < 0:
        holdings.move((Transfer(token, account, "market", -missing),))
