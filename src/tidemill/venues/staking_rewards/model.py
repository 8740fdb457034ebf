"""StakingRewards in memory: stakes, a running reward per staked unit, and each staker's snapshot of it."""

from __future__ import annotations

import copy
from collections.abc import Callable, Mapping, Sequence
from dataclasses import dataclass, field
from typing import Any

from msgspec import structs

from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Context, Event, Position, Rate, Result, Revert, Transfer
from tidemill.units import div_down
from tidemill.venues.shared.words import count_words
from tidemill.venues.staking_rewards.rules import earned_down, reward_per_token_down, reward_rate_down

__all__ = ["FarmModel", "FarmState"]


@dataclass
class FarmState:
    """State of one farm. ``account`` is where stakes and rewards lie in the world's book; times are seconds."""

    account: str
    staking_token: str
    reward_token: str
    duration: int
    distributor: str
    period_finish: int = 0
    reward_rate: int = 0
    last_update: int = 0
    per_token_stored: int = 0
    total_staked: int = 0
    staked: dict[str, int] = field(default_factory=dict)
    paid: dict[str, int] = field(default_factory=dict)
    pending: dict[str, int] = field(default_factory=dict)

    def __deepcopy__(self, memo: object) -> FarmState:
        """Copy quickly: stages copy before every action."""
        made = copy.copy(self)
        made.staked, made.paid, made.pending = dict(self.staked), dict(self.paid), dict(self.pending)
        return made


class FarmModel:
    """`Model` of StakingRewards: stake, withdraw, claim (``getReward``), exit; notify_reward by the distributor."""

    def init(self, params: Mapping[str, Any]) -> FarmState:
        """Make an empty farm; ``params``: account, staking_token, reward_token, duration (seconds), distributor."""
        return FarmState(
            params["account"],
            params["staking_token"],
            params["reward_token"],
            int(params.get("duration", 60 * 86_400)),
            params["distributor"],
        )

    def apply(self, state: FarmState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count the storage words of stake and tokens too."""
        before = _words(state, ctx.sender)
        result = self._apply(state, action, ctx)
        pairs = list(zip(before, _words(state, ctx.sender), strict=True))
        for token in {state.staking_token, state.reward_token}:
            for who in (ctx.sender, state.account):
                held = ctx.balance(token, who)
                mine = [t for t in result.transfers if t.token == token]
                moved = sum(t.amount * ((t.target == who) - (t.source == who)) for t in mine)
                pairs.append((held, held + moved))
        return structs.replace(result, features={**result.features, **count_words(pairs)})

    def _apply(self, state: FarmState, action: Action, ctx: Context) -> Result:
        verb, me, now = action.verb, ctx.sender, ctx.block.time
        if verb == "stake":
            amount = int(action.args["amount"])
            _require_funds(amount == 0 or amount <= ctx.balance(state.staking_token, me))
            return self._stake(state, me, amount, now)
        if verb == "withdraw":
            return self._withdraw(state, me, int(action.args["amount"]), now)
        if verb in ("claim", "exit"):
            reward = self._earned(state, me, self._per_token(state, now))
            _require_funds(
                (verb == "exit" and state.staked.get(me, 0) == 0)
                or reward <= ctx.balance(state.reward_token, state.account)
            )
        if verb == "claim":
            return self._claim(state, me, now)
        if verb == "exit":
            out = self._withdraw(state, me, state.staked.get(me, 0), now)
            paid = self._claim(state, me, now)
            return Result(
                amounts={**out.amounts, **paid.amounts},
                transfers=out.transfers + paid.transfers,
                events=out.events + paid.events,
                features={**out.features, **paid.features},
            )
        if verb == "notify_reward":
            return self._notify(
                state, me, int(action.args["reward"]), now, ctx.balance(state.reward_token, state.account)
            )
        raise Revert(f"no verb {verb!r}")

    def replay(self, state: FarmState, event: Event, ctx: Context) -> None:
        """Apply a recorded Staked, Withdrawn, RewardPaid or RewardAdded; a paid reward must reproduce."""
        now = ctx.block.time
        if event.name == "RewardAdded":
            self._notify(state, state.distributor, int(event.args["reward"]), now, None)
            return
        user = str(event.args["user"])
        if event.name == "Staked":
            self._stake(state, user, int(event.args["amount"]), now)
        elif event.name == "Withdrawn":
            self._withdraw(state, user, int(event.args["amount"]), now)
        elif event.name == "RewardPaid":
            paid = self._claim(state, user, now).amounts["reward"]
            if paid != int(event.args["reward"]):
                raise ReplayMismatch(f"RewardPaid {event.args['reward']} to {user}; the model says {paid}")

    def read(self, state: FarmState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name; those that move with time take ``now`` last."""
        simple = {
            "totalSupply": state.total_staked,
            "rewardRate": state.reward_rate,
            "periodFinish": state.period_finish,
            "lastUpdateTime": state.last_update,
            "rewardPerTokenStored": state.per_token_stored,
        }
        if query in simple:
            return simple[query]
        if query == "balanceOf":
            return state.staked.get(args[0], 0)
        if query == "rewards":
            return state.pending.get(args[0], 0)
        if query == "userRewardPerTokenPaid":
            return state.paid.get(args[0], 0)
        if query == "rewardPerToken":
            return self._per_token(state, args[0])
        if query == "earned":
            return self._earned(state, args[0], self._per_token(state, args[1]))
        raise KeyError(query)

    def positions(
        self,
        state: FarmState,
        venue: str,
        owner: str,
        now: int,
        balance: Callable[[str, str], int],
    ) -> Sequence[Position]:
        """Return the owner's stake with the reward it could claim at ``now`` (seconds), if it has either."""
        staked, earned = state.staked.get(owner, 0), self._earned(state, owner, self._per_token(state, now))
        if not staked and not earned:
            return ()
        principal = {state.staking_token: staked} if staked else {}
        claimable = {state.reward_token: earned} if earned else {}
        return (Position(f"{venue}#{owner}", venue, "stake", {"staked": staked}, principal, claimable),)

    def rates(self, state: FarmState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """A farm issues no receipt token."""
        return {}

    @staticmethod
    def _per_token(state: FarmState, now: int) -> int:
        elapsed = min(now, state.period_finish) - state.last_update
        return reward_per_token_down(state.per_token_stored, max(elapsed, 0), state.reward_rate, state.total_staked)

    @staticmethod
    def _earned(state: FarmState, user: str, per_token: int) -> int:
        return earned_down(state.staked.get(user, 0), per_token, state.paid.get(user, 0), state.pending.get(user, 0))

    def _touch(self, state: FarmState, user: str | None, now: int) -> None:
        """Bring the running total and one staker up to ``now``, as every verb does first."""
        state.per_token_stored = self._per_token(state, now)
        state.last_update = min(now, state.period_finish)
        if user is not None:
            state.pending[user] = self._earned(state, user, state.per_token_stored)
            state.paid[user] = state.per_token_stored

    def _stake(self, state: FarmState, user: str, amount: int, now: int) -> Result:
        if amount == 0:
            raise Revert("Cannot stake 0")
        first = int(state.staked.get(user, 0) == 0)
        self._touch(state, user, now)
        state.total_staked += amount
        state.staked[user] = state.staked.get(user, 0) + amount
        return Result(
            amounts={"amount": amount},
            transfers=(Transfer(state.staking_token, user, state.account, amount),),
            events=(Event("Staked", {"user": user, "amount": amount}),),
            features={"first_stake": first},
        )

    def _withdraw(self, state: FarmState, user: str, amount: int, now: int) -> Result:
        if amount == 0:
            raise Revert("Cannot withdraw 0")
        if amount > state.staked.get(user, 0):
            raise Revert("SafeMath: subtraction overflow")
        self._touch(state, user, now)
        state.total_staked -= amount
        state.staked[user] -= amount
        return Result(
            amounts={"amount": amount},
            transfers=(Transfer(state.staking_token, state.account, user, amount),),
            events=(Event("Withdrawn", {"user": user, "amount": amount}),),
            features={"last_stake": int(state.staked[user] == 0)},
        )

    def _claim(self, state: FarmState, user: str, now: int) -> Result:
        self._touch(state, user, now)
        reward = state.pending.get(user, 0)
        if reward == 0:
            return Result(amounts={"reward": 0})
        state.pending[user] = 0
        return Result(
            amounts={"reward": reward},
            transfers=(Transfer(state.reward_token, state.account, user, reward),),
            events=(Event("RewardPaid", {"user": user, "reward": reward}),),
        )

    def _notify(self, state: FarmState, caller: str, reward: int, now: int, held: int | None) -> Result:
        if caller != state.distributor:
            raise Revert("Caller is not RewardsDistribution contract")
        remaining = max(state.period_finish - now, 0)
        rate = reward_rate_down(reward, remaining, state.reward_rate, state.duration)
        if held is not None and rate > div_down(held, state.duration):
            raise Revert("Provided reward too high")
        self._touch(state, None, now)
        state.reward_rate, state.last_update, state.period_finish = rate, now, now + state.duration
        return Result(amounts={"reward": reward}, events=(Event("RewardAdded", {"reward": reward}),))


def _require_funds(enough: bool) -> None:
    """The farm moves tokens through a wrapper that hides the token's own reason."""
    if not enough:
        raise Revert("SafeERC20: low-level call failed")


def _words(state: FarmState, user: str) -> tuple[int, ...]:
    own = (state.staked.get(user, 0), state.paid.get(user, 0), state.pending.get(user, 0))
    return (*own, state.total_staked, state.per_token_stored)
