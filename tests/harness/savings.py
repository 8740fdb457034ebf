"""Our savings vault as it stands on a chain, over a test token that it mints its interest of."""

from __future__ import annotations

from .actors import actor, endow
from .contract import deploy
from .evm import Evm


class Savings:
    """The vault, its token and its governor.

    Parameters
    ----------
    decimals : of both tokens. rate : per second, a ray.
    actors : names, each endowed with ``endowment`` raw units of the token and full approvals.
    """

    def __init__(
        self,
        *,
        decimals: int = 18,
        rate: int = 10**27,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 100,
    ) -> None:
        self.evm = evm = Evm()
        self.governor = actor("governor")
        self.asset = deploy(evm, actor("maker"), "TestToken", "Test Dollar", "USDT", decimals)
        args = ("Savings Dollar", "sUSDT", decimals, self.asset.address, self.governor, rate, evm.block.time)
        self.vault = deploy(evm, actor("maker"), "SavingsVault", *args)
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow((self.asset,), who, endowment, (self.vault.address,))
