"""A price feed is an object of its own: it answers late, in steps, and sometimes not at all. It is never the market."""

from __future__ import annotations

from bisect import bisect_right
from collections.abc import Iterable, Sequence
from itertools import pairwise

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.interfaces import Crosses

__all__ = ["Feed", "Oracle", "Reading", "updates_from_prices"]


class Feed(Struct, frozen=True):
    """How a feed behaves.

    Parameters
    ----------
    decimals : of the answer (8 for most USD feeds).
    heartbeat : seconds after which the feed answers again even if nothing moved.
    deviation_bps : move in basis points, against the last answer, that makes it answer at once.
    lag : seconds from the price that triggers an answer to its standing on chain.
    grace : seconds after the sequencer is back during which the answer must not be used.
    """

    decimals: int = 8
    heartbeat: int = 86_400
    deviation_bps: int = 50
    lag: int = 0
    grace: int = 3_600


class Reading(Struct, frozen=True):
    """What a consumer sees: the answer, since when it stands (seconds), and whether it must not be trusted."""

    answer: int
    decimals: int
    updated_at: int
    stale: bool


def updates_from_prices(prices: Iterable[tuple[int, int]], feed: Feed) -> list[tuple[int, int]]:
    """Return the feed's (time, answer) updates for a market path of (time, price), prices in the answer's own scale.

    The first price is answered; then whenever a price lies ``deviation_bps`` or more from the last answer, or the
    heartbeat has run out. Each update stands ``lag`` seconds after the price that made it.

    >>> updates_from_prices([(0, 1000), (10, 1004), (20, 1005), (100, 1005)], Feed(heartbeat=60, deviation_bps=50))
    [(0, 1000), (20, 1005), (100, 1005)]
    """
    updates: list[tuple[int, int]] = []
    last_time, last_answer = None, 0
    for time, price in prices:
        moved = abs(price - last_answer) * 10_000 >= feed.deviation_bps * last_answer
        if last_time is None or moved or time - last_time >= feed.heartbeat:
            updates.append((time + feed.lag, price))
            last_time, last_answer = time, price
    return updates


class Oracle:
    """A feed on one network, with the intervals during which that network's sequencer was down.

    Parameters
    ----------
    updates : (time, answer) in ascending order of time.
    outages : (down, up) seconds; a reading is stale from ``down`` until ``up + grace``.
    """

    def __init__(
        self,
        oracle_id: str,
        network: str,
        feed: Feed,
        updates: Sequence[tuple[int, int]],
        outages: Sequence[tuple[int, int]] = (),
    ) -> None:
        if not updates:
            raise BadInput(f"oracle {oracle_id!r} has no answer at all; give at least one (time, answer)")
        if any(b[0] < a[0] for a, b in pairwise(updates)):
            raise BadInput(f"oracle {oracle_id!r}: updates are not in order of time")
        self.id, self.network, self.feed = oracle_id, network, feed
        self.updates = tuple(updates)
        self._times = [time for time, _ in updates]
        self._outages = list(outages)

    def reading(self, time: int) -> Reading:
        """Return what the feed says at ``time``: stale past the heartbeat, in an outage and in the grace after it."""
        i = bisect_right(self._times, time) - 1
        if i < 0:
            return Reading(answer=0, decimals=self.feed.decimals, updated_at=0, stale=True)
        updated_at, answer = self.updates[i]
        late = time - updated_at > self.feed.heartbeat + self.feed.lag
        down = any(start <= time < end + self.feed.grace for start, end in self._outages)
        stale = late or down or answer <= 0
        return Reading(answer=answer, decimals=self.feed.decimals, updated_at=updated_at, stale=stale)

    def next_crossing(self, condition: Crosses, after: int, until: int) -> int | None:
        """Return the first second in ``[after, until]`` at which the answer is beyond the threshold."""
        if condition.quantity != "price":
            raise BadInput(f"oracle {self.id!r} has no {condition.quantity!r}; it has 'price'", field="quantity")
        for i in range(max(bisect_right(self._times, after) - 1, 0), len(self._times)):
            time, answer = self.updates[i]
            if time > until:
                return None
            if answer > condition.threshold if condition.above else answer < condition.threshold:
                return max(time, after)
        return None
