"""A deployed StakingRewards farm held against the model: stakes, rewards to the second, every refusal of stakers."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.interfaces import Action, Event
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids
from tidemill.venues.staking_rewards.client import FarmClient, FarmDeployment
from tidemill.venues.staking_rewards.model import FarmModel, FarmState

__all__ = ["BESIDE", "FarmSubject", "subject"]

BESIDE = ()
_PLAIN = ("rewardRate", "lastUpdateTime", "rewardPerTokenStored", "periodFinish", "totalSupply")
_OWN = ("balanceOf", "rewards", "userRewardPerTokenPaid")
_LEAST = 10**9


class FarmSubject(Subject):
    """One farm. What its owner may do is left out."""

    def __init__(self, site: Site) -> None:
        staking_id, reward_id = symbol_ids(("staked", "reward"))
        at = FarmDeployment.of_farm(site.rpc, site.address, staking_id=staking_id, reward_id=reward_id)
        if at.staking_token == at.reward_token:
            reward_id = staking_id
            at = FarmDeployment.of_farm(site.rpc, site.address, staking_id=staking_id, reward_id=reward_id)
        self.me = site.me
        self.client: FarmClient = FarmClient(site.rpc, at, venue="farm", account=site.me, name=site.me)
        self.model = FarmModel()
        self.tokens = {reward_id: at.reward_token, staking_id: at.staking_token}
        self.accounts = (at.farm,)
        self.staking = staking_id
        self.wealth = {staking_id: max(self.client.read("totalSupply"), _LEAST)}

    def state(self, block: BlockId = "latest", events: Sequence[Event] = ()) -> FarmState:
        """See `Subject`; those who act in ``events`` are read as well."""
        stakers = {str(event.args["user"]) for event in events if "user" in event.args}
        return self.client.snapshot(block, stakers=sorted(stakers))

    def views(self, state: FarmState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`."""
        del balance
        asked: list[tuple[Any, ...]] = [(name,) for name in _PLAIN] + [(name, self.me) for name in _OWN]
        asked += [("rewardPerToken", now), ("earned", self.me, now)]
        return self.asked(state, asked, block)

    def draw(self, random: Random, state: FarmState, balance: Balance) -> Drawn:
        """See `Subject`."""
        verb = random.choice(("stake", "stake", "withdraw", "withdraw", "claim", "exit"))
        if verb in ("claim", "exit"):
            return [Action(verb)]
        own = balance(self.staking, self.me) >> 1 if verb == "stake" else state.staked.get(self.me, 0)
        amount = 0 if one_in(random, 10) else min(part_of(random, own), own)
        return [Action(verb, {"amount": amount})]


def subject(site: Site) -> FarmSubject:
    """Return a deployed farm; raises ``RpcError`` when the address is none."""
    return FarmSubject(site)
