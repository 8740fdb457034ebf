"""A vault over lending markets as it stands on a chain, beside Morpho Blue and its markets."""

from __future__ import annotations

from eth_hash.auto import keccak

from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK

from .actors import MAX, actor
from .contract import deploy
from .morpho import Morpho

WAD, E36 = 10**18, 10**36
MARKETS = {"m0": (ADAPTIVE, 86 * 10**16), "m1": (MOCK, 94 * 10**16), "m2": (FREE, 5 * 10**17)}
"""Rate model and limit of each market; all of the first token against the second."""


class LendingVault:
    """Morpho Blue with three markets of one asset, and a vault over them with nothing in its queues yet.

    ``actors`` hold much of everything, with full approvals to both contracts. ``price`` is what one raw unit of
    collateral is worth in raw units of the asset.
    """

    def __init__(self, *, decimals: tuple[int, int] = (6, 18), offset: int = 12) -> None:
        self.morpho = Morpho(decimals=(*decimals, 8))
        self.evm, self.owner = self.morpho.evm, actor("vault owner")
        self.asset, self.collateral = self.morpho.tokens[:2]
        self.price = E36 * 10 ** decimals[0] // 10 ** decimals[1] * 2_000
        for irm in (MOCK, ADAPTIVE, FREE):
            self.morpho.morpho.send(self.morpho.owner, "enableIrm", self.morpho.irms[irm])
        for name, (irm, lltv) in MARKETS.items():
            self.morpho.morpho.send(self.morpho.owner, "enableLltv", lltv)
            self.morpho.prepare(name, 0, 1, irm, lltv, self.price)
            self.morpho.send(self.owner, "createMarket", name)
        self.vault = deploy(
            self.evm, self.owner, "LendingVault", self.asset.address, self.owner, "Test vault", "vTST", offset
        )
        self.actors = self.morpho.actors
        for who in self.actors.values():
            self.asset.send(who, "approve", self.vault.address, MAX)

    def held(self, contract: str, who: str) -> int:
        """Return raw units of a test token, or shares of the vault, that somebody holds: both in the first storage word."""
        key = bytes(32) + bytes.fromhex(who[2:]).rjust(32, b"\0")
        return self.evm.storage(contract, int.from_bytes(keccak(key), "big"))
