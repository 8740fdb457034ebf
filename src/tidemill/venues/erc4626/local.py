"""A vault of a study on a local chain: OpenZeppelin's contract, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.abi import Abi
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.erc4626.client import VaultClient, VaultDeployment
from tidemill.venues.kinds import Placed
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["LocalVault", "seat"]

_CONTRACT = "TestVault"


class LocalVault(ScriptedLocal):
    """``LocalVenue`` of an ERC-4626 vault; its share is a token that later venues find on the ground."""

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state = twin.state
        ground.anvil.errors.update(Abi(artefact(_CONTRACT).abi).errors)
        symbol = state.share.partition("@")[0]
        offset = len(str(state.offset_unit)) - 1
        args = (ground.token(state.asset), f"Test {symbol}", symbol, offset)
        vault = deploy(ground.anvil, ground.address("deployer"), [Deployment(twin.id, _CONTRACT, args)])[twin.id]
        ground.tokens[state.share] = vault
        ground.issued.add(state.share)
        self._at = VaultDeployment.of_vault(ground.rpc, vault, asset_id=state.asset, share_id=state.share)
        super().__init__(ground, twin, (state.asset, state.share), (state.asset,), vault)

    def client_for(self, who: str) -> VaultClient:
        """Return a client of the vault for an account."""
        return VaultClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare the number of shares."""
        return model.read("totalSupply"), self.client.read("totalSupply")

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare shares, pot and what a share stands for."""
        pot = model.holdings.held.get((self._at.asset_id, model.account), 0)  # type: ignore[attr-defined]
        return [
            ("totalSupply", model.read("totalSupply"), self.client.read("totalSupply")),
            ("totalAssets", pot, self.client.read("totalAssets")),
            ("rate", dict(model.rates()), dict(self.client.rates())),  # type: ignore[attr-defined]
        ]


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a vault is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalVault, rank=1)
