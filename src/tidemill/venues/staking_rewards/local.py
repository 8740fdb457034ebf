"""A farm of a study on a local chain: Synthetix' contract, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.errors import BadInput
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage
from tidemill.venues.staking_rewards.client import FarmClient, FarmDeployment

__all__ = ["LocalFarm", "seat"]

DAY = 86_400
_FIXED = 60 * DAY
_SLOTS = 32
_PLAIN = ("rewardRate", "lastUpdateTime", "rewardPerTokenStored", "periodFinish", "totalSupply")
_OF_STAKERS = ("balanceOf", "rewards", "userRewardPerTokenPaid")


class LocalFarm(ScriptedLocal):
    """``LocalVenue`` of StakingRewards.

    The period over which a reward is paid out is a storage word that the constructor sets to 60 days and no function
    changes: another period means another constructor's constant and the same code behind it. Here the word is written.
    """

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state = twin.state
        tokens = (ground.token(state.reward_token), ground.token(state.staking_token))
        args = (ground.address(state.distributor), *tokens)
        farm = deploy(ground.anvil, ground.address("deployer"), [Deployment(twin.id, "StakingRewards", args)])[twin.id]
        ids = {"staking_id": state.staking_token, "reward_id": state.reward_token}
        self._at = FarmDeployment.of_farm(ground.rpc, farm, **ids)
        both = tuple(dict.fromkeys(ids.values()))
        super().__init__(ground, twin, both, tuple(token for token in both if token not in ground.issued), farm)
        self._set_period(farm, state.duration)

    def _set_period(self, farm: str, seconds: int) -> None:
        fixed = self.client.read("rewardsDuration")
        if fixed == seconds:
            return
        slots = [slot for slot in range(_SLOTS) if self.ground.rpc.storage(farm, slot) == fixed]
        if len(slots) == 1:
            self.ground.anvil.set_storage(farm, slots[0], seconds)
        if self.client.read("rewardsDuration") != seconds:
            raise BadInput(
                f"{seconds // DAY} days: this contract pays out over {fixed // DAY} days, has no function that changes "
                f"it, and its storage word was not found; write {fixed // DAY}",
                field=f"venues.{self.id}.params.duration_days",
            )

    def client_for(self, who: str) -> FarmClient:
        """Return a client of the farm for an account."""
        return FarmClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who), name=who)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare the stake of everybody and the reward per unit so far."""
        names = ("totalSupply", "rewardPerTokenStored")
        return tuple(map(model.read, names)), tuple(map(self.client.read, names))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the farm's numbers and those of every staker."""
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        for who in ("me", *self._actors):
            at = self.ground.address(who)
            out += [(f"{name}({who})", model.read(name, who), self.client.read(name, at)) for name in _OF_STAKERS]
        return out


class _Seat(ScriptedSeat):
    """A farm's seat, which says where its period is not the constructor's."""

    def notes(self) -> list[str]:
        """Return what a reader must know of the contract's period."""
        farm = self.model()
        if farm.state.duration == _FIXED:
            return []
        note = (
            f"{farm.id}: the contract's constructor fixes 60 days and no function changes that; its storage word was "
            f"written to say {farm.state.duration // DAY}, as a constructor with that constant would have"
        )
        return [note]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a farm is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return _Seat(placed.make, LocalFarm, rank=2)
