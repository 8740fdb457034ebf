"""What stakers do at a chef: the order of steps is the contract's, for it decides which of two refusals is met."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from tidemill.errors import Revert
from tidemill.venues.minichef import model_rewarder as rewarders
from tidemill.venues.minichef.doing import HALT, Doing, boring, halting
from tidemill.venues.minichef.rules import accrued_down, emitted_down, growth_down, owed, per_share_after
from tidemill.venues.minichef.state import NOTHING, ChefState, PoolState, Share

__all__ = ["VERBS", "emitted", "pool_of", "update"]


def _deposit(state: ChefState, doing: Doing, pid: int, pool: PoolState, amount: int, to: str) -> dict[str, int]:
    """Stake for ``to``: what had accrued before stays owed, by a debt that grows with the stake."""
    per_share = update(state, doing, pid, pool)
    staked, debt = pool.share.stakes.get(to, NOTHING)
    if (staked + amount) >> 256:
        raise Revert("BoringMath: Add Overflow")
    debt += boring("Mul", accrued_down, amount, per_share)
    doing.undo.put(pool.share.stakes, to, (staked + amount, debt))
    bonus = _tell(state, doing, pid, pool, to, to, 0)
    doing.count("transfers")
    doing.move(pool.token, doing.ctx.sender, state.account, amount, "BoringERC20: TransferFrom failed")
    doing.log("Deposit", user=doing.ctx.sender, pid=pid, amount=amount, to=to)
    return {"amount": amount, "bonus": bonus}


def _withdraw(state: ChefState, doing: Doing, pid: int, pool: PoolState, amount: int, to: str) -> dict[str, int]:
    """Take out a stake and leave its SUSHI owed: the debt falls below what accrued, below zero if need be."""
    me = doing.ctx.sender
    per_share = update(state, doing, pid, pool)
    staked, debt = pool.share.stakes.get(me, NOTHING)
    debt -= boring("Mul", accrued_down, amount, per_share)
    doing.undo.put(pool.share.stakes, me, (_less(staked, amount), debt))
    bonus = _tell(state, doing, pid, pool, me, to, 0)
    doing.pay(pool.token, state.account, to, amount)
    doing.log("Withdraw", user=me, pid=pid, amount=amount, to=to)
    return {"amount": amount, "bonus": bonus}


def _harvest(state: ChefState, doing: Doing, pid: int, pool: PoolState, amount: int, to: str) -> dict[str, int]:
    """Pay what is owed in SUSHI; refused whole when the chef holds too little."""
    del amount
    me = doing.ctx.sender
    per_share = update(state, doing, pid, pool)
    staked, debt = pool.share.stakes.get(me, NOTHING)
    accrued = boring("Mul", accrued_down, staked, per_share)
    due = owed(accrued, debt)
    doing.undo.put(pool.share.stakes, me, (staked, accrued))
    if due:
        doing.pay(state.sushi, state.account, to, due)
    bonus = _tell(state, doing, pid, pool, me, to, due)
    doing.log("Harvest", user=me, pid=pid, amount=due)
    return {"reward": due, "bonus": bonus}


def _withdraw_and_harvest(
    state: ChefState, doing: Doing, pid: int, pool: PoolState, amount: int, to: str
) -> dict[str, int]:
    """Both in one transaction."""
    me = doing.ctx.sender
    per_share = update(state, doing, pid, pool)
    staked, debt = pool.share.stakes.get(me, NOTHING)
    accrued = boring("Mul", accrued_down, staked, per_share)
    due = owed(accrued, debt)
    debt = accrued - boring("Mul", accrued_down, amount, per_share)
    doing.undo.put(pool.share.stakes, me, (_less(staked, amount), debt))
    doing.pay(state.sushi, state.account, to, due)
    bonus = _tell(state, doing, pid, pool, me, to, due)
    doing.pay(pool.token, state.account, to, amount)
    doing.log("Withdraw", user=me, pid=pid, amount=amount, to=to)
    doing.log("Harvest", user=me, pid=pid, amount=due)
    return {"amount": amount, "reward": due, "bonus": bonus}


def _emergency_withdraw(
    state: ChefState, doing: Doing, pid: int, pool: PoolState, amount: int, to: str
) -> dict[str, int]:
    """Take out everything and give up what SUSHI is owed; the pool is not brought up to date, the rewarder is told."""
    me = doing.ctx.sender
    doing.undo.put(pool.share.stakes, me, NOTHING)
    bonus = _tell(state, doing, pid, pool, me, to, 0)
    doing.pay(pool.token, state.account, to, amount)
    doing.log("EmergencyWithdraw", user=me, pid=pid, amount=amount, to=to)
    return {"amount": amount, "bonus": bonus}


VERBS: Mapping[str, Callable[[ChefState, Doing, int, PoolState, int, str], dict[str, int]]] = {
    "deposit": _deposit,
    "withdraw": _withdraw,
    "harvest": _harvest,
    "withdraw_and_harvest": _withdraw_and_harvest,
    "exit": _withdraw_and_harvest,
    "emergency_withdraw": _emergency_withdraw,
}
"""By verb: (state, doing, pid, pool, amount, to) → amounts."""


def update(state: ChefState, doing: Doing, pid: int, pool: PoolState) -> int:
    """Bring a pool up to now and return its reward per share. What lies at the chef counts as staked, whoever sent it."""
    share, now = pool.share, doing.ctx.block.time
    if now > share.updated:
        lying = doing.balance(pool.token, state.account)
        if lying:
            growth = boring("Mul", growth_down, emitted(state, share, now), lying)
            doing.undo.set(share, "per_share", per_share_after(share.per_share, growth))
        doing.undo.set(share, "updated", now)
        doing.log("LogUpdatePool", pid=pid, lastRewardTime=now, lpSupply=lying, accSushiPerShare=share.per_share)
    return share.per_share


def emitted(state: ChefState, share: Share, now: int) -> int:
    """Return the SUSHI that a pool has earned since its last touch, raw units."""
    return halting("Mul", emitted_down, now - share.updated, state.rate, share.points, state.total_points)


def _tell(state: ChefState, doing: Doing, pid: int, pool: PoolState, who: str, to: str, sushi: int) -> int:
    if not pool.rewarder:
        return 0
    staked = pool.share.stakes[who][0]
    return rewarders.on_reward(state, doing, pool.rewarder, pid, who, to, sushi, staked)


def _less(staked: int, amount: int) -> int:
    if amount > staked:
        raise Revert("BoringMath: Underflow")
    return staked - amount


def pool_of(state: ChefState, pid: int) -> PoolState:
    """Return a pool; the contract does not survive asking for one that is not there."""
    if pid not in state.pools:
        raise Revert(HALT)
    return state.pools[pid]
