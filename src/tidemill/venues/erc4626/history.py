"""The past of an account at ERC-4626 vaults: their own events tell everything."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.venues.erc4626.client import VaultClient, VaultDeployment
from tidemill.venues.shared.history import Asset, History, Past
from tidemill.venues.shared.vault_history import histories_of, told

__all__ = ["histories", "told"]


def histories(past: Past) -> Sequence[History]:
    """Return the readers of vaults whose shares the account has or had; see ``Kind.history``."""

    def client(venue: str, vault: str, asset: Asset, share: Asset) -> VaultClient:
        place = VaultDeployment(vault, asset.address, asset.id, share.id)
        return VaultClient(past.rpc, place, venue=venue, account=past.account)

    return histories_of(past, "erc4626", client, told)
