"""A deployed ERC-4626 vault held against the model of OpenZeppelin's: assets that lie in it, shares with an offset."""

from __future__ import annotations

from collections.abc import Sequence
from random import Random
from typing import Any

from tidemill.chain.rpc import BlockId
from tidemill.interfaces import Action, Event
from tidemill.venues.erc4626.client import VaultClient, VaultDeployment
from tidemill.venues.erc4626.model import VaultModel, VaultState
from tidemill.venues.shared.client_parts import abi
from tidemill.venues.shared.proving import Balance, Drawn, Site, Subject, one_in, part_of, symbol_ids

__all__ = ["BESIDE", "VaultSubject", "subject"]

BESIDE = ()

_ERRORS = """
error ERC4626ExceededMaxWithdraw(address owner, uint256 assets, uint256 max)
error ERC4626ExceededMaxRedeem(address owner, uint256 shares, uint256 max)
"""
_PREVIEWS = ("convertToAssets", "convertToShares", "previewDeposit", "previewMint", "previewWithdraw", "previewRedeem")
_LEAST = 10**9


class VaultSubject(Subject):
    """One vault."""

    def __init__(self, site: Site) -> None:
        asset_id, share_id = symbol_ids(("asset", "share"))
        self.at = VaultDeployment.of_vault(site.rpc, site.address, asset_id=asset_id, share_id=share_id)
        self.me, self.vault = site.me, self.at.vault
        self.client = VaultClient(site.rpc, self.at, venue="vault", account=site.me)
        self.model = VaultModel()
        self.tokens = {asset_id: self.at.asset, share_id: self.at.vault}
        self.accounts = (self.vault,)
        self.errors = dict(abi(_ERRORS).errors)
        self.wealth = {asset_id: max(self.client.read("totalAssets"), _LEAST)}

    def views(self, state: VaultState, now: int, balance: Balance, block: BlockId) -> Sequence[tuple[str, Any, Any]]:
        """See `Subject`."""
        del now
        pot, ask = balance(state.asset, self.vault), self.client.read
        own = balance(state.share, self.me)
        out = [("totalAssets", pot, ask("totalAssets", block=block))]
        out.append(("totalSupply", self.model.read(state, "totalSupply"), ask("totalSupply", block=block)))
        out.append(
            ("maxWithdraw", self.model.read(state, "maxWithdraw", own, pot), ask("maxWithdraw", self.me, block=block))
        )
        for name in _PREVIEWS:
            for amount in (1, 10**6 + 1, 10**18 + 1):
                here, there = self.model.read(state, name, amount, pot), ask(name, amount, block=block)
                out.append((f"{name}({amount})", here, there))
        return out

    def draw(self, random: Random, state: VaultState, balance: Balance) -> Drawn:
        """See `Subject`."""
        assets, shares = balance(state.asset, self.me), balance(state.share, self.me)
        pot = balance(state.asset, self.vault)
        verb = random.choice(("deposit", "deposit", "mint", "withdraw", "redeem", "donate"))
        if verb == "donate":
            return [Action(verb, {"assets": part_of(random, assets >> 8)})]
        if verb in ("deposit", "mint"):
            amount = part_of(random, assets >> 2)
            if verb == "mint":
                return [Action(verb, {"shares": max(self.model.read(state, "convertToShares", amount, pot), 1)})]
            return [Action(verb, {"assets": amount})]
        whole = shares if verb == "redeem" else self.model.read(state, "maxWithdraw", shares, pot)
        amount = whole + 1 if one_in(random, 10) else min(part_of(random, whole), whole)
        return [Action(verb, {"shares" if verb == "redeem" else "assets": amount})]

    def told(self, event: Event) -> bool:
        """See `Subject`; moves of shares between others change nothing here."""
        return event.name in ("Deposit", "Withdraw")


def subject(site: Site) -> VaultSubject:
    """Return a deployed vault; raises ``RpcError`` when the address is none."""
    return VaultSubject(site)
