"""The real savings vault: intents to calls, receipts to what they mean, views. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.chain.types import Call
from tidemill.interfaces import Event, Rate
from tidemill.venues.savings_vault.model import ONE
from tidemill.venues.shared.client_parts import Given, abi
from tidemill.venues.shared.vault_client import VAULT, VaultVerbsClient

__all__ = ["SAVINGS", "SavingsClient"]

SAVINGS = (
    VAULT
    + """
event Drip(uint256 chi, uint256 interest)
event RateSet(uint256 rate)
function drip() returns (uint256)
function setRate(uint256 rate)
function chi() view returns (uint256)
function rho() view returns (uint256)
function rate() view returns (uint256)
"""
)
_MARGIN = 1_000
"""A mint approves a thousandth more than it costs now: the rate grows until it is included."""


class SavingsClient(VaultVerbsClient):
    """A savings vault; its own verbs are ``drip`` and the governor's ``set_rate``."""

    contract = SAVINGS
    about = "a savings vault"
    more = ("drip", "set_rate")

    def other(self, verb: str, given: Given) -> Call:
        """Encode a verb beside the four."""
        codec = abi(SAVINGS)
        data = codec.encode("drip") if verb == "drip" else codec.encode("setRate", given.number("rate"))
        return Call(self.deployment.vault, data, purpose=verb)

    def due_up(self, cost: int) -> int:
        """Return what to approve for a mint that costs so much now."""
        return cost + cost // _MARGIN + 1

    def said(self, logs: Sequence[Mapping[str, Any]], events: Sequence[Event]) -> dict[str, int]:
        """Return the new rate, or what a share is worth; nothing where a drip found all up to date."""
        del logs
        for name, argument in (("RateSet", "rate"), ("Drip", "chi")):
            found = [int(e.args[argument]) for e in events if e.name == name]
            if found:
                return {argument: found[-1]}
        return {}

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; the time that the model is told may be given."""
        return super().read(query, *(() if query == "totalAssets" else args), block=block)

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """What a share stands for at ``block``: of 10**27 shares the vault's own conversion is exact."""
        at = self.deployment
        return {at.share_id: Rate(self.venue, {at.asset_id: self.view("convertToAssets", ONE, block=block)}, ONE)}
