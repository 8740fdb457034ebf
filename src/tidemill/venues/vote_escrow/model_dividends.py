"""The distributor beside the escrow: what arrives goes to weeks, and a week that is over is paid by its votes."""

from __future__ import annotations

from collections.abc import Iterator

from tidemill.venues.vote_escrow.doing import Doing, silent
from tidemill.venues.vote_escrow.rules import WEEK, dividend_down, spread_down, week_down, week_up
from tidemill.venues.vote_escrow.state import EscrowState, Point
from tidemill.venues.vote_escrow.votes import balance_at, own_point, sum_point, supply_at

__all__ = ["MOST_CLAIMED", "checkpoint_dividends", "claim", "first_week", "fund", "weeks_of_dividends"]

MOST_SPREAD = 20
MOST_CLAIMED = 50
"""Weeks that one claim pays."""


def fund(state: EscrowState, doing: Doing, amount: int) -> dict[str, int]:
    """Send dividends; they belong to no week before the next checkpoint."""
    doing.move(state.dividends.token, doing.ctx.sender, state.dividends.account, amount, "balance")
    return {"amount": amount}


def checkpoint_dividends(state: EscrowState, doing: Doing) -> dict[str, int]:
    """Spread what has arrived since the last time evenly over the weeks since then, at most 20 of them."""
    own, now = state.dividends, doing.ctx.block.time
    arrived = doing.balance(own.token, own.account) - own.last_balance
    time, since, spread = own.last_time, now - own.last_time, 0
    for _ in range(MOST_SPREAD):
        week = week_down(time)
        until = min(week + WEEK, now)
        share = silent(spread_down, arrived, until - time, since)
        doing.undo.put(own.tokens, week, own.tokens.get(week, 0) + share)
        spread, time = spread + share, until
        if time == now:
            break
    doing.undo.set(own, "last_time", time)
    doing.undo.set(own, "last_balance", own.last_balance + spread)
    doing.log("CheckpointToken", time=now, tokens=spread)
    return {"amount": spread}


def claim(state: EscrowState, doing: Doing, who: str) -> dict[str, int]:
    """Pay ``who`` the weeks that are over, 50 at most; anybody may ask for it."""
    own = state.dividends
    cursor = first_week(state, who)
    for name, times in (("first_claim", int(not own.cursors.get(who, 0))), ("weeks", 0), ("transfers", 0)):
        doing.count(name, times)  # told even where there are none: what is not told counts as usual
    if not cursor:
        doing.log("Claimed", recipient=who, amount=0, claim_until=0)
        return {"reward": 0}
    due = 0
    for number, (week, owed) in enumerate(weeks_of_dividends(state, who, cursor)):
        if number == MOST_CLAIMED:
            break
        due += owed
        cursor = week + WEEK
        doing.count("weeks")
    _count_reads(state, doing, who, first_week(state, who), cursor)
    doing.undo.put(own.cursors, who, cursor)
    if due:
        doing.count("transfers")
        doing.undo.set(own, "last_balance", own.last_balance - due)
        doing.move(own.token, own.account, who, due, "balance")
    doing.log("Claimed", recipient=who, amount=due, claim_until=cursor)
    return {"reward": due}


def _count_reads(state: EscrowState, doing: Doing, who: str, cursor: int, until: int) -> None:
    """Count what a claim reads of the past: each point's first reading in a transaction costs most."""
    read: set[tuple[str, int]] = set()
    used: set[tuple[str, int]] = set()
    slopes: set[int] = set()
    looks = followed = 0
    for week in range(cursor, until, WEEK):
        searched = [("mine", own_point(state, who, week))]
        if balance_at(state, who, week):
            searched.append(("all", sum_point(state, week)))
            passed = range(week_down(state.points[searched[-1][1][0]].ts) + WEEK, week + 1, WEEK)
            followed += len(passed)
            slopes.update(passed)
        for name, (found, looked) in searched:
            looks += len(looked)
            read.update((name, number) for number in looked)
            used.add((name, found))
    for name, times in (("looks", looks), ("points_read", len(read | used)), ("points_used", len(used))):
        doing.count(name, times)
    doing.count("followed", followed)
    doing.count("slopes_read", len(slopes))


def first_week(state: EscrowState, who: str) -> int:
    """Return the first week not yet paid to ``who``, 0 for one who never locked."""
    own = state.dividends
    first = state.user_points.get((who, 1), Point()).ts
    return own.cursors.get(who, 0) or (max(week_up(first), own.start) if first else 0)


def weeks_of_dividends(state: EscrowState, who: str, cursor: int) -> Iterator[tuple[int, int]]:
    """Yield each week from ``cursor`` on that is over, and what it pays ``who`` (raw units)."""
    own = state.dividends
    for week in range(cursor, week_down(own.last_time), WEEK):
        held = balance_at(state, who, week)
        yield week, silent(dividend_down, held, own.tokens.get(week, 0), supply_at(state, week)) if held else 0
