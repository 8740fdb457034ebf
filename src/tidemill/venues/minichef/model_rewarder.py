"""Rewarders: whom the chef tells of every change of a stake, and what they pay beside SUSHI."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.minichef.doing import HALT, Doing, boring, halting, require_owner
from tidemill.venues.minichef.rules import accrued_down, emitted_down, growth_down, multiplied_down, per_share_after
from tidemill.venues.minichef.state import NOTHING, ChefState, RewarderState, Share

__all__ = ["add", "known", "on_reward", "pay_due", "pending", "set_points", "set_rate", "update"]


def known(state: ChefState, account: str) -> RewarderState:
    """Return a rewarder by its account; raises ``Revert`` for none."""
    if account not in state.rewarders:
        raise Revert(f"no rewarder {account!r}")
    return state.rewarders[account]


def on_reward(
    state: ChefState, doing: Doing, account: str, pid: int, who: str, to: str, sushi: int, staked: int
) -> int:
    """Tell a rewarder that ``who`` now stakes ``staked`` and was paid ``sushi``; returns what it pays ``to``."""
    rewarder = known(state, account)
    try:
        return _paid(state, doing, rewarder, pid, who, to, sushi, staked)
    except Revert as revert:
        # What burns all gas in a nested call has no words outside.
        raise Revert("" if revert.reason == HALT else revert.reason) from None


def _paid(
    state: ChefState, doing: Doing, rewarder: RewarderState, pid: int, who: str, to: str, sushi: int, staked: int
) -> int:
    if not rewarder.streams:
        due = boring("Mul", multiplied_down, sushi, rewarder.rate)
        due = min(due, doing.balance(rewarder.token, rewarder.account))
        doing.pay(rewarder.token, rewarder.account, to, due)
        return due
    share = update(state, doing, rewarder, pid)
    before, debt = share.stakes.get(who, NOTHING)
    due = 0
    if before:
        due = pay_due(before, share.per_share, debt)
        doing.pay(rewarder.token, rewarder.account, to, due)
    doing.undo.put(share.stakes, who, (staked, boring("Mul", accrued_down, staked, share.per_share)))
    doing.log("LogOnReward", at=rewarder.account, user=who, pid=pid, amount=due, to=to)
    return due


def pay_due(staked: int, per_share: int, debt: int) -> int:
    """Return what a stake is due beyond its debt, raw units; debts of a rewarder are never above what accrued."""
    return boring("Mul", accrued_down, staked, per_share) - debt


def update(state: ChefState, doing: Doing, rewarder: RewarderState, pid: int) -> Share:
    """Bring a pool's stream up to now; a pool that was never added counts from the first second, with no points."""
    share = _share(doing, rewarder, pid)
    now = doing.ctx.block.time
    if now > share.updated:
        if pid not in state.pools:
            raise Revert("")  # the chef is asked for its token and has none
        staked = doing.balance(state.pools[pid].token, state.account)
        if staked:
            doing.undo.set(share, "per_share", _per_share(share, rewarder, now, staked))
        doing.undo.set(share, "updated", now)
        numbers = {"pid": pid, "lastRewardTime": now, "lpSupply": staked, "accSushiPerShare": share.per_share}
        doing.log("LogUpdatePool", at=rewarder.account, **numbers)
    return share


def _per_share(share: Share, rewarder: RewarderState, now: int, staked: int) -> int:
    elapsed = now - share.updated
    reward = halting("Mul", emitted_down, elapsed, rewarder.rate, share.points, rewarder.total_points)
    return per_share_after(share.per_share, boring("Mul", growth_down, reward, staked))


def pending(rewarder: RewarderState, pid: int, who: str, now: int, lying: int, sushi: int) -> int:
    """Return what a rewarder would pay ``who`` now, with ``lying`` raw units of the pool's token at the chef."""
    if not rewarder.streams:
        return boring("Mul", multiplied_down, sushi, rewarder.rate)
    share = rewarder.pools.get(pid, Share())
    staked, debt = share.stakes.get(who, NOTHING)
    per_share = _per_share(share, rewarder, now, lying) if now > share.updated and lying else share.per_share
    return pay_due(staked, per_share, debt)


def add(doing: Doing, rewarder: RewarderState, points: int, pid: int) -> None:
    """Let a pool take part in the stream; one that anybody has touched already cannot be added.

    Points that were set before the pool was added stay in the sum for ever, beside the new ones.
    """
    require_owner(doing, rewarder.owner)
    share = _share(doing, rewarder, pid)
    if share.updated:
        raise Revert("Pool already exists")
    doing.set_points(rewarder, share, points, 0)
    doing.undo.set(share, "updated", doing.ctx.block.time)
    doing.log("LogPoolAddition", at=rewarder.account, pid=pid, allocPoint=points)


def set_points(doing: Doing, rewarder: RewarderState, points: int, pid: int) -> None:
    """Change a pool's part; what accrued until now is shared by the new points."""
    require_owner(doing, rewarder.owner)
    share = _share(doing, rewarder, pid)
    doing.set_points(rewarder, share, points, share.points)
    doing.log("LogSetPool", at=rewarder.account, pid=pid, allocPoint=points)


def set_rate(doing: Doing, rewarder: RewarderState, rate: int) -> None:
    """Change the rate of the stream; what accrued since a pool's last touch is paid at the new one."""
    require_owner(doing, rewarder.owner)
    doing.undo.set(rewarder, "rate", rate)
    doing.log("LogRewardPerSecond", at=rewarder.account, rewardPerSecond=rate)


def _share(doing: Doing, rewarder: RewarderState, pid: int) -> Share:
    if pid not in rewarder.pools:
        doing.undo.put(rewarder.pools, pid, Share())
    return rewarder.pools[pid]
