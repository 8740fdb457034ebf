"""Liquid staking of a study on a local chain: our contracts, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.liquid_staking.client import BridgedClient, StakingClient, StakingDeployment
from tidemill.venues.liquid_staking.model_bridged import BridgedState
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalBridged", "LocalStaking", "seat"]

_PLAIN = ("totalAssets", "totalSupply", "lastFinalized", "requestCount", "getRate")


class LocalStaking(ScriptedLocal):
    """``LocalVenue`` of liquid staking; its share is a token that later venues find on the ground."""

    in_vyper = True

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state = twin.state
        symbol, asset = state.share.partition("@")[0], ground.token(state.asset)
        parties = ground.address(state.reporter), ground.address(state.treasury)
        terms = (f"Test {symbol}", symbol, ground.decimals[symbol], asset, *parties, state.fee_bps, state.max_request)
        made = [Deployment(twin.id, "LiquidStaking", terms)]
        at = deploy(ground.anvil, ground.address("deployer"), made)[twin.id].lower()
        ground.tokens[state.share] = at
        ground.issued.add(state.share)
        self._at = StakingDeployment(at, asset, state.asset, state.share)
        super().__init__(ground, twin, (state.asset, state.share), (state.asset,), at)
        self.accounts = (*self.accounts, state.treasury)

    def client_for(self, who: str) -> StakingClient:
        """Return a client of the contract for an account."""
        return StakingClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what is staked and how many shares of it there are."""
        names = ("totalAssets", "totalSupply", "lastFinalized")
        return tuple(map(model.read, names)), tuple(map(self.client.read, names))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the contract's numbers, every request, and what a share stands for."""
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        names = ("convertToShares", "convertToAssets")
        out += [(name, model.read(name, 10**21), self.client.read(name, 10**21)) for name in names]
        for id_ in range(1, model.read("requestCount") + 1):
            owner, *rest = model.read("request", id_)
            out.append((f"request({id_})", (self.ground.address(owner), *rest), self.client.read("request", id_)))
        out.append(("rates", dict(model.rates()), dict(self.client.rates())))  # type: ignore[attr-defined]
        return out


class LocalBridged(ScriptedLocal):
    """``LocalVenue`` of the rate of a bridged token; the token is a test token like any other, dealt in at a pool."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: BridgedState = twin.state
        made = [Deployment(twin.id, "BridgedRate", (ground.address(state.feeder), state.rate))]
        at = deploy(ground.anvil, ground.address("deployer"), made)[twin.id].lower()
        self._at = StakingDeployment(at, ground.token(state.asset), state.asset, state.share)
        ground.token(state.share)
        super().__init__(ground, twin, (), (), at)

    def client_for(self, who: str) -> BridgedClient:
        """Return a client of the provider for an account."""
        return BridgedClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare the rate."""
        return model.read("getRate"), self.client.read("getRate")

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the rate, and since when it stands."""
        return [(name, model.read(name), self.client.read(name)) for name in ("getRate", "updatedAt")]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how either form is rehearsed; pools deal in a bridged token first, for they sort its address."""
    del venue, network, market, at, until
    bridged = isinstance(placed.make().state, BridgedState)  # type: ignore[attr-defined]
    return ScriptedSeat(placed.make, LocalBridged if bridged else LocalStaking, rank=3 if bridged else 1)
