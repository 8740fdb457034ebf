"""A chef of a study on a local chain: Sushi's contracts, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.minichef.client import ChefClient
from tidemill.venues.minichef.client_abi import ChefDeployment
from tidemill.venues.minichef.state import ChefState
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalChef", "seat"]

_PLAIN = ("poolLength", "totalAllocPoint", "sushiPerSecond")


class LocalChef(ScriptedLocal):
    """``LocalVenue`` of MiniChefV2. Pools, points and rates come by the script, as their owner's transactions."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: ChefState = twin.state
        names = dict.fromkeys((state.sushi, *_staked(twin), *(one.token for one in state.rewarders.values())))
        tokens = {ground.token(name): name for name in names}
        made = [Deployment(twin.id, "MiniChefV2", (ground.token(state.sushi),))]
        for one in state.rewarders.values():
            args = (ground.token(one.token), 0, AddressOf(twin.id))
            made.append(Deployment(one.account, "ComplexRewarderTime", args))
        at = deploy(ground.anvil, ground.address(state.owner), made)
        chef, self._rewarders = at[twin.id], {one: at[one].lower() for one in state.rewarders}
        sushi = ChefDeployment.sushi_of(ground.rpc, chef)
        pools = tuple(ground.token(name) for name in _staked(twin))
        self._at = ChefDeployment(chef.lower(), sushi, tokens, self._rewarders, {}, state.own, pools)
        super().__init__(ground, twin, tuple(names), tuple(one for one in names if one not in ground.issued), chef)
        for name, address in self._rewarders.items():
            ground.name(address, name)
        self.accounts = (*self.accounts, *self._rewarders)

    def client_for(self, who: str) -> ChefClient:
        """Return a client of the chef for an account."""
        return ChefClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who), name=who)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare every pool's reward per share so far."""
        asked = [("poolInfo", pid) for pid in range(model.read("poolLength"))]
        asked_there = [("rewarder.poolInfo", name, pid) for name in self._rewarders for _, pid in asked]
        every: list[Any] = [*asked, *asked_there]
        return tuple(model.read(*one) for one in every), tuple(self.client.read(*one) for one in every)

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the chef's numbers, and those of every staker in every pool."""
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        for pid in range(model.read("poolLength")):
            names = ("poolInfo", "lpToken", "rewarder")
            out += [(f"{name}({pid})", model.read(name, pid), self.client.read(name, pid)) for name in names]
            for who in ("me", *self._actors):
                at = self.ground.address(who)
                here = model.read("userInfo", pid, who), self.client.read("userInfo", pid, at)
                out.append((f"userInfo({pid}, {who})", *here))
                for name in self._rewarders:
                    asked = "rewarder.userInfo"
                    there = model.read(asked, name, pid, who), self.client.read(asked, name, pid, at)
                    out.append((f"{asked}({name}, {pid}, {who})", *there))
        return out


def _staked(twin: ScriptedStage[Any]) -> list[str]:
    return [str(item.action.args["token"]) for item in twin.script if item.action.verb == "add_pool"]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a chef is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalChef, rank=2)
