"""OpenZeppelin's ERC-4626 vault and Synthetix' StakingRewards around two test tokens."""

from __future__ import annotations

from .actors import actor, endow
from .contract import Contract, deploy
from .evm import Evm


class VaultFarm:
    """An asset, a vault of it, and a farm that stakes the vault's shares and pays a reward token.

    Parameters
    ----------
    offset : the vault's decimals offset (0 and 6 are the shipped cases).
    decimals : of the asset and of the reward token.
    actors : names, each endowed with ``endowment`` raw units of the asset and full approvals.

    ``distributor`` may call ``notifyRewardAmount`` after sending rewards to the farm; ``donate`` is the vault's yield.
    """

    def __init__(
        self,
        evm: Evm | None = None,
        *,
        offset: int = 0,
        decimals: tuple[int, int] = (18, 18),
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 100,
    ) -> None:
        self.evm = evm = evm or Evm()
        maker = actor("vault maker")
        self.distributor = actor("distributor")
        self.asset = deploy(evm, maker, "TestToken", "Test Asset", "AST", decimals[0])
        self.reward = deploy(evm, maker, "TestToken", "Test Reward", "RWD", decimals[1])
        self.vault = deploy(evm, maker, "TestVault", self.asset.address, "Test Vault", "vAST", offset)
        self.farm = deploy(evm, maker, "StakingRewards", self.distributor, self.reward.address, self.vault.address)
        self.actors = {name: actor(name) for name in actors}
        for who in self.actors.values():
            endow((self.asset,), who, endowment, (self.vault.address,))
            self.vault.send(who, "approve", self.farm.address, (1 << 256) - 1)

    def donate(self, amount: int) -> None:
        """Send ``amount`` raw units of the asset into the vault, as its yield."""
        self.asset.send(self.distributor, "mint", self.vault.address, amount)

    def fund_rewards(self, amount: int) -> None:
        """Send rewards to the farm and start (or extend) its period (60 days in this artefact)."""
        self.reward.send(self.distributor, "mint", self.farm.address, amount)
        self.farm.send(self.distributor, "notifyRewardAmount", amount)

    def tokens(self) -> tuple[Contract, Contract]:
        """Return asset and reward token."""
        return self.asset, self.reward
