"""Our liquid staking contract as it stands on a chain, over a test token."""

from __future__ import annotations

from .actors import MAX, actor, endow
from .contract import deploy
from .evm import Evm


class Staking:
    """The contract, its base token, its reporter and treasury.

    Parameters
    ----------
    decimals : of both tokens. fee_bps : the protocol's part of rewards. max_request : raw units, of one withdrawal.
    actors : names, each endowed with ``endowment`` raw units of the base token and full approvals.
    """

    def __init__(
        self,
        *,
        decimals: int = 18,
        fee_bps: int = 1_000,
        max_request: int = 10**21,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 100,
    ) -> None:
        self.evm = evm = Evm()
        self.reporter, self.treasury = actor("reporter"), actor("treasury")
        self.asset = deploy(evm, actor("maker"), "TestToken", "Test Ether", "TETH", decimals)
        args = (self.asset.address, self.reporter, self.treasury, fee_bps, max_request)
        self.share = deploy(evm, actor("maker"), "LiquidStaking", "Test Staked Ether", "wTETH", decimals, *args)
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow((self.asset,), who, endowment, (self.share.address,))
        endow((self.asset,), self.reporter, endowment, ())
        self.asset.send(self.reporter, "approve", self.share.address, MAX)
