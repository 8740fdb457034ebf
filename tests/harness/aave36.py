"""Aave v3.6 as it stands on a chain: the pool, its tokens and its curve compiled from the package's own sources.

Provider, roles and oracle are those of v3.0: their interfaces have not changed.
"""

from __future__ import annotations

from dataclasses import dataclass

from eth_abi import encode

from .aave import ZERO, Aave, Listing, Reserve
from .actors import actor, endow
from .contract import Contract, abi_of, deploy
from .evm import Evm

LOGIC = ("SupplyLogic", "BorrowLogic", "LiquidationLogic", "PoolLogic", "ConfiguratorLogic")


@dataclass(frozen=True)
class EMode:
    """An e-mode category: indices of the listings that are collateral in it, may be borrowed in it, and lend nothing in it."""

    ltv: int
    threshold: int
    bonus: int
    collaterals: tuple[int, ...]
    borrowables: tuple[int, ...]
    zero_ltv: tuple[int, ...] = ()


class Aave36(Aave):
    """A market. ``reserves`` are in the pool's own order.

    Parameters as `Aave`, but ``categories`` by number.
    """

    unset = frozenset({"setAssetEModeCategory"})

    def __init__(
        self,
        listings: tuple[Listing, ...],
        categories: dict[int, EMode] | None = None,
        *,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 118,
        premium: int = 5,
    ) -> None:
        self.evm = evm = Evm()
        self.admin, self.treasury = actor("aave admin"), actor("aave treasury")
        self.provider = deploy(evm, self.admin, "PoolAddressesProvider", "tidemill", self.admin)
        self._admin(self.provider, "setACLAdmin", self.admin)
        acl = deploy(evm, self.admin, "ACLManager", self.provider.address)
        self._admin(self.provider, "setACLManager", acl.address)
        for role in ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin"):
            self._admin(acl, role, self.admin)
        where = {name: deploy(evm, self.admin, f"{name}36").address for name in LOGIC}
        where["FlashLoanLogic"] = deploy(evm, self.admin, "FlashLoanLogic36", libraries=where).address
        self.curve = deploy(evm, self.admin, "DefaultReserveInterestRateStrategyV2", self.provider.address)
        made = deploy(evm, self.admin, "PoolInstance", self.provider.address, self.curve.address, libraries=where)
        self._admin(self.provider, "setPoolImpl", made.address)
        self.pool = Contract(evm, self.provider.view("getPool"), abi_of("PoolInstance"))
        evm.learn(abi_of("AaveErrors36").errors)
        configurator = deploy(evm, self.admin, "PoolConfiguratorInstance", libraries=where)
        self._admin(self.provider, "setPoolConfiguratorImpl", configurator.address)
        self.data = deploy(evm, self.admin, "AaveProtocolDataProvider36", self.provider.address)
        self._admin(self.provider, "setPoolDataProvider", self.data.address)
        at = self.provider.view("getPoolConfigurator")
        self.configurator = Contract(evm, at, abi_of("PoolConfiguratorInstance"))
        self._implementations = [
            deploy(evm, self.admin, "ATokenInstance", self.pool.address, ZERO, self.treasury).address,
            deploy(evm, self.admin, "VariableDebtTokenInstance", self.pool.address, ZERO).address,
        ]
        self.receiver = deploy(evm, self.admin, "FlashBorrower")
        self.reserves = self._list(listings)
        self._set_oracle()
        for reserve in self.reserves:
            self._configure(reserve)
        for number, category in (categories or {}).items():
            self.configure("setEModeCategory", number, category.ltv, category.threshold, category.bonus, "")
            for setter, members in (
                ("setAssetCollateralInEMode", category.collaterals),
                ("setAssetBorrowableInEMode", category.borrowables),
                ("setAssetLtvzeroInEMode", category.zero_ltv),
            ):
                for index in members:
                    self.configure(setter, self.reserves[index].token.address, number, True)
        self.configure("updateFlashloanPremium", premium)
        self.actors = {name: actor(name) for name in actors}
        tokens = tuple(reserve.token for reserve in self.reserves)
        for who in self.actors.values():
            endow(tokens, who, endowment, (self.pool.address,))
        for token in tokens:
            token.send(self.admin, "mint", self.receiver.address, endowment)

    def _list(self, listings: tuple[Listing, ...]) -> list[Reserve]:
        inputs, tokens = [], []
        for listing in listings:
            token = deploy(self.evm, self.admin, "TestToken", listing.symbol, listing.symbol, listing.decimals)
            curve = (listing.optimal, listing.base, listing.slope1, listing.slope2)
            data = encode(["(uint256,uint256,uint256,uint256)"], [curve])
            inputs.append((*self._implementations, token.address, "a", "a", "v", "v", b"", data))
            tokens.append(token)
        self.configure("initReserves", inputs)
        made = []
        for listing, token in zip(listings, tokens, strict=True):
            supply = Contract(self.evm, self.pool.view("getReserveAToken", token.address), abi_of("ATokenInstance"))
            at = self.pool.view("getReserveVariableDebtToken", token.address)
            debt = Contract(self.evm, at, abi_of("VariableDebtTokenInstance"))
            feed = deploy(self.evm, self.admin, "MockAggregator", listing.price)
            made.append(Reserve(listing, token, supply, debt, feed))
        return made


__all__ = ["Aave36", "EMode"]
