"""A savings vault of a study on a local chain: our contract, and the model in lockstep."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.chain.deploy import Deployment, deploy
from tidemill.interfaces import Block, Stage
from tidemill.venues.kinds import Placed
from tidemill.venues.savings_vault.client import SavingsClient
from tidemill.venues.savings_vault.model import SavingsState
from tidemill.venues.shared.ground import Ground
from tidemill.venues.shared.local_scripted import ScriptedLocal, ScriptedSeat
from tidemill.venues.shared.scripted import ScriptedStage
from tidemill.venues.shared.vault_client import VaultDeployment

__all__ = ["LocalSavings", "seat"]

_PLAIN = ("totalSupply", "chi", "rho", "rate")


class LocalSavings(ScriptedLocal):
    """``LocalVenue`` of a savings vault; its share is a token that later venues find on the ground."""

    in_vyper = True

    def __init__(self, ground: Ground, twin: ScriptedStage[Any]) -> None:
        state: SavingsState = twin.state
        symbol, asset = state.share.partition("@")[0], ground.token(state.asset)
        parties = asset, ground.address(state.governor)
        terms = (f"Test {symbol}", symbol, ground.decimals[symbol], *parties, state.rate, state.rho)
        vault = deploy(ground.anvil, ground.address("deployer"), [Deployment(twin.id, "SavingsVault", terms)])[twin.id]
        ground.tokens[state.share] = vault
        ground.issued.add(state.share)
        self._at = VaultDeployment.of_vault(ground.rpc, vault, asset_id=state.asset, share_id=state.share)
        super().__init__(ground, twin, (state.asset, state.share), (state.asset,), vault)

    def client_for(self, who: str) -> SavingsClient:
        """Return a client of the vault for an account."""
        return SavingsClient(self.ground.rpc, self._at, venue=self.id, account=self.ground.address(who))

    def pulse(self, model: Stage) -> tuple[Any, Any]:
        """Compare the number of shares and what one was worth at the last touch."""
        names = ("totalSupply", "chi", "rho")
        return tuple(map(model.read, names)), tuple(map(self.client.read, names))

    def state(self, model: Stage) -> Sequence[tuple[str, Any, Any]]:
        """Compare the vault's numbers, what conversions say now, and what a share stands for."""
        out = [(name, model.read(name), self.client.read(name)) for name in _PLAIN]
        now = self.ground.rpc.block().timestamp
        names = ("convertToShares", "convertToAssets", "previewMint", "previewWithdraw")
        out += [(name, model.read(name, 10**18, now), self.client.read(name, 10**18)) for name in names]
        out.append(("rates", dict(model.rates()), dict(self.client.rates())))  # type: ignore[attr-defined]
        return out


def seat(venue: str, network: str, market: Any, placed: Placed, at: Block, until: Block) -> ScriptedSeat:
    """Return how a savings vault is rehearsed, from the study's start on."""
    del venue, network, market, at, until
    return ScriptedSeat(placed.make, LocalSavings, rank=1)
