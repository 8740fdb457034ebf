"""Following a chef by its log: every event moves the state as the transaction did, and amounts must reproduce."""

from __future__ import annotations

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Event
from tidemill.venues.minichef.rules import accrued_down, emitted_down, growth_down, per_share_after
from tidemill.venues.minichef.state import NOTHING, ChefState, PoolState, RewarderState, Share

__all__ = ["replay"]


def replay(state: ChefState, event: Event, now: int) -> None:
    """Apply one event of the chef, or of a rewarder (``at`` its account), in the order of the log.

    Raises
    ------
    ReplayMismatch : a payment or a reward per share that does not reproduce.
    """
    args = event.args
    if "at" in args:
        _of_rewarder(event, state.rewarders[str(args["at"])], now)
    elif event.name == "LogSushiPerSecond":
        state.rate = int(args["sushiPerSecond"])
    elif event.name == "LogPoolAddition":
        points = int(args["allocPoint"])
        pool = PoolState(str(args["lpToken"]), str(args["rewarder"]), Share(points, now))
        state.pools[int(args["pid"])] = pool
        state.total_points += points
    else:
        _of_pool(state, event, int(args["pid"]), state.pools[int(args["pid"])])


def _of_pool(state: ChefState, event: Event, pid: int, pool: PoolState) -> None:
    args = event.args
    if event.name == "LogSetPool":
        _set_points(state, pool.share, int(args["allocPoint"]))
        pool.rewarder = str(args["rewarder"])
    elif event.name == "LogUpdatePool":
        _update(pool.share, event, state.rate, state.total_points)
    else:
        who = str(args["to"] if event.name == "Deposit" else args["user"])
        pool.share.stakes[who] = _stake_after(pool.share, event, who)
        _follow(state, pid, pool, who)


def _stake_after(share: Share, event: Event, who: str) -> tuple[int, int]:
    staked, debt = share.stakes.get(who, NOTHING)
    amount = int(event.args["amount"])
    if event.name == "EmergencyWithdraw":
        return NOTHING
    if event.name == "Harvest":
        # Behind the Withdraw of the same call, the two parts of the stake were rounded down one by one.
        short = accrued_down(staked, share.per_share) - debt
        if amount not in (short, short + 1):
            raise ReplayMismatch(f"Harvest {amount} by {who}; the model says {short}")
        return staked, debt + amount
    sign = 1 if event.name == "Deposit" else -1
    return staked + sign * amount, debt + sign * accrued_down(amount, share.per_share)


def _follow(state: ChefState, pid: int, pool: PoolState, who: str) -> None:
    """A rewarder is told the stake that the event leaves."""
    rewarder = state.rewarders.get(pool.rewarder)
    if rewarder is not None and rewarder.streams:
        share, staked = rewarder.pools[pid], pool.share.stakes[who][0]
        share.stakes[who] = staked, accrued_down(staked, share.per_share)


def _of_rewarder(event: Event, rewarder: RewarderState, now: int) -> None:
    args = event.args
    if event.name == "LogRewardPerSecond":
        rewarder.rate = int(args["rewardPerSecond"])
        return
    share = rewarder.pools.setdefault(int(args["pid"]), Share())
    if event.name == "LogSetPool":
        _set_points(rewarder, share, int(args["allocPoint"]))
    elif event.name == "LogPoolAddition":
        # Points that were set before are not taken off the sum.
        share.points, share.updated = int(args["allocPoint"]), now
        rewarder.total_points += share.points
    elif event.name == "LogUpdatePool":
        _update(share, event, rewarder.rate, rewarder.total_points)
    elif event.name == "LogOnReward":
        staked, debt = share.stakes.get(str(args["user"]), NOTHING)
        due = accrued_down(staked, share.per_share) - debt
        if due != args["amount"]:
            raise ReplayMismatch(f"LogOnReward {args['amount']} to {args['user']}; the model says {due}")


def _set_points(whole: ChefState | RewarderState, share: Share, points: int) -> None:
    whole.total_points += points - share.points
    share.points = points


def _update(share: Share, event: Event, rate: int, total_points: int) -> None:
    now, lying, said = (int(event.args[name]) for name in ("lastRewardTime", "lpSupply", "accSushiPerShare"))
    if lying:
        reward = emitted_down(now - share.updated, rate, share.points, total_points)
        share.per_share = per_share_after(share.per_share, growth_down(reward, lying))
    share.updated = now
    if share.per_share != said:
        raise ReplayMismatch(f"accSushiPerShare {said}; the model says {share.per_share}")
