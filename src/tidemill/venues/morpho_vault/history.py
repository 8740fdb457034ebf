"""The past of an account at vaults over lending markets: their events are every vault's."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.venues.morpho_vault.client import LendingVaultClient
from tidemill.venues.morpho_vault.client_abi import VaultDeployment
from tidemill.venues.shared.history import Asset, History, Past
from tidemill.venues.shared.vault_history import histories_of, offset_of, told

__all__ = ["histories", "told"]


def histories(past: Past) -> Sequence[History]:
    """Return the readers of vaults whose shares the account has or had; see ``Kind.history``."""

    def client(venue: str, vault: str, asset: Asset, share: Asset) -> LendingVaultClient:
        place = VaultDeployment(vault, asset.address, asset.id, share.id, offset_of(past, vault, asset), {})
        return LendingVaultClient(past.rpc, place, venue=venue, account=past.account)

    return histories_of(past, "morpho_vault", client, told)
