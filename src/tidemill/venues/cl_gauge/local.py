"""A gauge of a study on a local chain: Uniswap's staker beside the pool's own contracts, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.cl_gauge.client import GaugeClient
from tidemill.venues.cl_gauge.client_abi import MANAGER, GaugeDeployment
from tidemill.venues.cl_gauge.state import GaugeState
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.client_parts import ask
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalGauge", "seat"]


class LocalGauge(ScriptedLocal):
    """``LocalVenue`` of the v3 staker; the pool it stands on is on the ground already."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: GaugeState = twin.state
        own = state.own
        self._pool: Any = ground.venues[own.pool].client
        manager = self._pool.deployment.manager
        (factory,) = ask(ground.rpc, manager, MANAGER, "factory", (), "latest")
        made = Deployment(twin.id, "UniswapV3Staker", (factory, manager, state.lead, state.longest))
        staker = deploy(ground.anvil, ground.address("gauge-maker"), [made])[twin.id].lower()
        tokens = {own.reward: ground.token(own.reward)}
        people = {name: ground.address(name) for name in ("me", own.refundee)}
        self._at = GaugeDeployment(staker, manager, self._pool.deployment.pool, own, tokens, people)
        super().__init__(ground, twin, tuple(tokens), tuple(one for one in tokens if one not in ground.issued), staker)

    def client_for(self, who: str) -> GaugeClient:
        """Return a client of the gauge for an account."""
        account = self.ground.address(who)
        return GaugeClient(self.ground.rpc, self._at, venue=self.id, account=account, pool=self._pool, name=who)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what is left of the incentive, the seconds claimed of it, and how many are staked."""
        return model.read("incentives"), self.client.read("incentives")

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the incentive, every token that lies here or did, and what everybody is owed."""
        state: GaugeState = model.state  # type: ignore[attr-defined]
        out = [("incentives", *self.pulse(model))]
        numbers = {*state.deposits, *(int(p.id.rpartition("#")[2]) for p in self._pool.positions(self._at.staker))}
        asked = [(view, number) for number in sorted(numbers) for view in ("deposits", "stakes")]
        out += [
            (f"{view}({number})", model.read(view, number), self.client.read(view, number)) for view, number in asked
        ]
        for who in ("me", *self._actors):
            owed = self.client.read("rewards", state.own.reward, self.ground.address(who))
            out.append((f"rewards({who})", model.read("rewards", state.own.reward, who), owed))
        return out


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a gauge is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalGauge, rank=3)
