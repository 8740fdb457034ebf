"""The real ERC-4626 vault: intents to calls, receipts to what they mean, views and the whole state. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.chain.types import Call
from tidemill.interfaces import Event, Rate
from tidemill.venues.erc4626.model import VaultState
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log
from tidemill.venues.shared.vault_client import VAULT, VaultDeployment, VaultVerbsClient

__all__ = ["VAULT", "VaultClient", "VaultDeployment"]


class VaultClient(VaultVerbsClient):
    """OpenZeppelin's vault; its own verb is ``donate``, a transfer of assets into it."""

    more = ("donate",)

    def other(self, verb: str, given: Given) -> Call:
        """Encode a donation."""
        data = abi(VAULT).encode("transfer", self.deployment.vault, given.number("assets"))
        return Call(self.deployment.asset, data, purpose=verb)

    def said(self, logs: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> dict[str, int]:
        """Return the assets of a donation."""
        return {"assets": self._given_away(logs)}

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """What a share stands for at ``block``, unrounded."""
        at, state = self.deployment, self.snapshot(block)
        pot = self.view("totalAssets", block=block)
        return {at.share_id: Rate(self.venue, {at.asset_id: pot + 1}, state.total_shares + state.offset_unit)}

    def snapshot(self, block: BlockId = "latest") -> VaultState:
        """Read the whole state at ``block``; the vault's account is its address."""
        at, seen = self.deployment, self.rpc.block(block)
        (supply,), (decimals,) = ask_many(self.rpc, at.vault, VAULT, [("totalSupply", ()), ("decimals", ())], seen)
        (asset_decimals,) = ask(self.rpc, at.asset, ERC20, "decimals", (), seen)
        # OpenZeppelin's vault shows its offset as the decimals it has beyond its asset's.
        return VaultState(at.vault, at.asset_id, at.share_id, 10 ** (decimals - asset_decimals), supply)

    def _given_away(self, logs: Sequence[Mapping[str, Any]]) -> int:
        total = 0
        for log in logs:
            if str(log["address"]).lower() != self.deployment.asset:
                continue
            event = decode_log(log, VAULT, venue="a token", may_be_unknown=True)
            if event is not None and event.name == "Transfer" and event.args["to"] == self.deployment.vault:
                total += int(event.args["value"])
        return total
