"""A campaign of a study on a local chain: our distributor, and the model in lockstep."""

from __future__ import annotations

import copy
from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.merkle_campaign.client import CampaignClient
from tidemill.venues.merkle_campaign.client_abi import CampaignDeployment
from tidemill.venues.merkle_campaign.state import CampaignState, address_of
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalCampaign", "seat"]


class LocalCampaign(ScriptedLocal):
    """``LocalVenue`` of a distributor. Trees name people and tokens; here they are of the chain's addresses, on both sides."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: CampaignState = twin.state
        tokens = {name: ground.token(name) for name in dict.fromkeys((state.own, state.bond_token))}
        state.people = {name: ground.address(name) for name in ("me", state.owner)}
        state.tokens = tokens
        for name in {account for earned in state.epochs for account, _ in earned} - state.people.keys():
            ground.name(address_of(name), name)
        archive = copy.deepcopy(state)
        archive.roots = {archive.tree(epoch).root: epoch for epoch in range(len(archive.epochs))}
        args = (ground.address(state.owner), state.delay, tokens[state.bond_token], state.bond)
        made = Deployment(twin.id, "CumulativeDistributor", args)
        at = deploy(ground.anvil, ground.address(state.owner), [made])[twin.id].lower()
        self._at = CampaignDeployment(at, tokens, archive)
        super().__init__(ground, twin, tuple(tokens), tuple(one for one in tokens if one not in ground.issued), at)

    def client_for(self, who: str) -> CampaignClient:
        """Return a client of the distributor for an account."""
        return CampaignClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who), name=who)

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare what one has been paid, and from when the newest root is in force."""
        names = (("claimed", "me", self._at.archive.own), ("activeAt",))
        return tuple(model.read(*one) for one in names), tuple(self.client.read(*one) for one in names)

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare roots by the epoch they stand for, the dispute, and what everybody was paid."""
        state: CampaignState = model.state  # type: ignore[attr-defined]
        archive, out = self._at.archive, []
        for name in ("lastRoot", "nextRoot"):
            pair = state.published(model.read(name))[0], archive.published(self.client.read(name))[0]
            out.append((f"epoch of {name}", *pair))
        out += [(name, model.read(name), self.client.read(name)) for name in ("activeAt", "disputer")]
        for who in ("me", *self._actors):
            here = model.read("claimed", who, archive.own), self.client.read("claimed", who, archive.own)
            out.append((f"claimed({who})", *here))
        return out


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a campaign is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalCampaign, rank=2)
