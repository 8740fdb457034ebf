"""What people do with their locks: the order of steps is the contract's, for it decides which of two refusals is met."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.vote_escrow.doing import Doing, signed
from tidemill.venues.vote_escrow.rules import (
    LONGEST,
    WEEK,
    block_rate_down,
    changed,
    decayed,
    later_block_down,
    slope_down,
    votes,
    week_down,
)
from tidemill.venues.vote_escrow.state import NOTHING, EscrowState, Lock, Point
from tidemill.venues.vote_escrow.votes import FURTHEST

__all__ = ["checkpoint", "create_lock", "deposit_for", "increase_amount", "increase_unlock_time", "withdraw"]

_DEPOSIT_FOR, _CREATE, _AMOUNT, _TIME = range(4)
"""Kinds of deposit, as the event tells them."""


def create_lock(state: EscrowState, doing: Doing, amount: int, until: int) -> dict[str, int]:
    """Lock ``amount`` until the start of the week that ``until`` lies in."""
    me, now, end = doing.ctx.sender, doing.ctx.block.time, week_down(until)
    _admit(state, me)
    if amount == 0:
        raise Revert("")
    if state.locked.get(me, NOTHING).amount:
        raise Revert("Withdraw old tokens first")
    if end <= now:
        raise Revert("Can only lock until time in the future")
    if end > now + LONGEST:
        raise Revert("Voting lock can be 1 year max")
    return _deposit(state, doing, me, amount, end, _CREATE)


def increase_amount(state: EscrowState, doing: Doing, amount: int) -> dict[str, int]:
    """Lock more until the same time."""
    _admit(state, doing.ctx.sender)
    return _more(state, doing, doing.ctx.sender, amount, _AMOUNT)


def deposit_for(state: EscrowState, doing: Doing, amount: int, who: str) -> dict[str, int]:
    """Add to somebody's lock, from that account's own tokens: anybody may ask for it."""
    return _more(state, doing, who, amount, _DEPOSIT_FOR)


def increase_unlock_time(state: EscrowState, doing: Doing, until: int) -> dict[str, int]:
    """Lock for longer."""
    me, now, end = doing.ctx.sender, doing.ctx.block.time, week_down(until)
    _admit(state, me)
    lock = state.locked.get(me, NOTHING)
    if lock.end <= now:
        raise Revert("Lock expired")
    if end <= lock.end:
        raise Revert("Can only increase lock duration")
    if end > now + LONGEST:
        raise Revert("Voting lock can be 1 year max")
    return _deposit(state, doing, me, 0, end, _TIME)


def withdraw(state: EscrowState, doing: Doing) -> dict[str, int]:
    """Take everything back once the lock has ended; one who has none takes nothing and is not refused."""
    me, now = doing.ctx.sender, doing.ctx.block.time
    lock = state.locked.get(me, NOTHING)
    if now < lock.end:
        raise Revert("The lock didn't expire")
    doing.undo.put(state.locked, me, NOTHING)
    before = state.supply
    doing.undo.set(state, "supply", before - lock.amount)
    checkpoint(state, doing, me, lock, NOTHING)
    doing.count("transfers")
    doing.move(state.token, state.account, me, lock.amount, "balance")
    doing.log("Withdraw", provider=me, value=lock.amount, ts=now)
    doing.log("Supply", prevSupply=before, supply=state.supply)
    return {"amount": lock.amount}


def _more(state: EscrowState, doing: Doing, who: str, amount: int, kind: int) -> dict[str, int]:
    lock = state.locked.get(who, NOTHING)
    if amount == 0:
        raise Revert("")
    if lock.amount == 0:
        raise Revert("No existing lock found")
    if lock.end <= doing.ctx.block.time:
        raise Revert("Cannot add to expired lock. Withdraw")
    return _deposit(state, doing, who, amount, lock.end, kind)


def _deposit(state: EscrowState, doing: Doing, who: str, amount: int, end: int, kind: int) -> dict[str, int]:
    old, before = state.locked.get(who, NOTHING), state.supply
    new = Lock(signed(old.amount + signed(amount)), end)
    doing.undo.set(state, "supply", before + amount)
    doing.undo.put(state.locked, who, new)
    checkpoint(state, doing, who, old, new)
    if amount:
        doing.count("transfers")
        doing.move(state.token, who, state.account, amount, "balance")
    doing.log("Deposit", provider=who, value=amount, locktime=end, type=kind, ts=doing.ctx.block.time)
    doing.log("Supply", prevSupply=before, supply=state.supply)
    return {"amount": amount, "end": end}


def _admit(state: EscrowState, who: str) -> None:
    """Refuse contracts that the checker does not let in."""
    if who in state.contracts and who not in state.lets.get(state.checker, ()):
        raise Revert("Smart contract depositors not allowed")


def checkpoint(state: EscrowState, doing: Doing, who: str = "", old: Lock = NOTHING, new: Lock = NOTHING) -> None:
    """Follow the sum of all locks up to now, and change one lock of it."""
    now = doing.ctx.block.time
    was, made = _point(old, now), _point(new, now)
    point = _up_to_now(state, doing)
    if who:
        bias = signed(changed(point.bias, made.bias, was.bias))
        point = point._replace(bias=bias, slope=changed(point.slope, made.slope, was.slope))
    doing.undo.put(state.points, state.epoch, point)
    if not who:
        return
    for end, change in ((old.end, was.slope), (new.end, -made.slope)):
        if change:
            doing.undo.put(state.slope_changes, end, state.slope_changes.get(end, 0) + change)
    number = state.user_epochs.get(who, 0) + 1
    doing.undo.put(state.user_epochs, who, number)
    doing.undo.put(state.user_points, (who, number), made._replace(ts=now, blk=doing.ctx.block.number))


def _point(lock: Lock, now: int) -> Point:
    if lock.end <= now:
        return Point()
    slope = slope_down(lock.amount)
    return Point(votes(slope, lock.end, now), slope)


def _up_to_now(state: EscrowState, doing: Doing) -> Point:
    """Write a point for each week that has begun since the last one, and return the one of now, not written yet."""
    now, number = doing.ctx.block.time, doing.ctx.block.number
    last = state.points[state.epoch] if state.epoch else Point(ts=now, blk=number)
    rate = block_rate_down(number - last.blk, now - last.ts)
    point, epoch, week = last, state.epoch, week_down(last.ts)
    for _ in range(FURTHEST):
        week += WEEK
        stop = min(week, now)
        bias = decayed(point.bias, point.slope, stop - point.ts)
        slope = changed(point.slope, 0, -state.slope_changes.get(week, 0)) if week <= now else point.slope
        point = Point(bias, slope, stop, later_block_down(last.blk, rate, stop - last.ts))
        epoch += 1
        doing.count("weeks")
        if stop == now:
            point = point._replace(blk=number)
            break
        doing.undo.put(state.points, epoch, point)
    doing.undo.set(state, "epoch", epoch)
    return point
