"""The past of an account at savings vaults: their events are every vault's, and their shares grow with time alone."""

from __future__ import annotations

from collections.abc import Sequence

from tidemill.venues.savings_vault.client import SAVINGS, SavingsClient
from tidemill.venues.shared.history import Asset, History, Past
from tidemill.venues.shared.reader import topic
from tidemill.venues.shared.vault_client import VaultDeployment
from tidemill.venues.shared.vault_history import histories_of, told

__all__ = ["histories", "told"]


def histories(past: Past) -> Sequence[History]:
    """Return the readers of savings vaults whose shares the account has or had; see ``Kind.history``.

    What a share is worth ahead of an own step follows from the time alone, whoever else comes and goes in the block.
    """

    def client(venue: str, vault: str, asset: Asset, share: Asset) -> SavingsClient:
        place = VaultDeployment(vault, asset.address, asset.id, share.id)
        return SavingsClient(past.rpc, place, venue=venue, account=past.account)

    return histories_of(past, "savings_vault", client, told, others=[topic(SAVINGS, "RateSet")])
