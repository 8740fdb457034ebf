"""Aave v3.0.2 as it stands on a chain: a whole market of a few reserves, its oracle and its administration."""

from __future__ import annotations

from dataclasses import dataclass, field
from typing import Any

from .actors import MAX, actor, endow
from .contract import Contract, abi_of, deploy
from .evm import Evm

RAY = 10**27
ZERO = "0x" + "00" * 20
VARIABLE = 2
LOGIC = {
    "SupplyLogic": (),
    "BorrowLogic": (),
    "LiquidationLogic": (),
    "EModeLogic": (),
    "BridgeLogic": (),
    "PoolLogic": (),
    "ConfiguratorLogic": (),
    "FlashLoanLogic": ("BorrowLogic",),
}


@dataclass(frozen=True)
class Listing:
    """A reserve as it is listed. Rates in basis points here, in rays on the chain; caps in whole tokens."""

    symbol: str
    decimals: int
    price: int
    ltv: int
    threshold: int
    bonus: int
    factor: int = 1_000
    optimal: int = 8_000
    base: int = 0
    slope1: int = 400
    slope2: int = 7_500
    supply_cap: int = 0
    borrow_cap: int = 0
    fee: int = 1_000
    ceiling: int = 0
    isolated: bool = True
    siloed: bool = False
    borrowing: bool = True
    emode: int = 0


@dataclass(frozen=True)
class Category:
    """An e-mode category. ``source`` is the index of the listing whose price it uses, none when negative."""

    ltv: int
    threshold: int
    bonus: int
    source: int = -1


@dataclass
class Reserve:
    """Contracts of one reserve."""

    listing: Listing
    token: Contract
    supply: Contract
    debt: Contract
    feed: Contract = field(repr=False)


class Aave:
    """A market. ``reserves`` are in the pool's own order.

    Parameters
    ----------
    listings : reserves. categories : e-mode categories by number.
    actors : names, each endowed with ``endowment`` raw units of all tokens and full approvals.
    """

    unset: frozenset[str] = frozenset()
    """Setters of a reserve that this version of the market is not told with."""

    def __init__(
        self,
        listings: tuple[Listing, ...],
        categories: dict[int, Category] | None = None,
        *,
        actors: tuple[str, ...] = ("alice", "bob", "carol"),
        endowment: int = 1 << 118,
        premium: int = 9,
        premium_to_protocol: int = 3_000,
    ) -> None:
        self.evm = evm = Evm()
        self.admin, self.treasury = actor("aave admin"), actor("aave treasury")
        self.provider = deploy(evm, self.admin, "PoolAddressesProvider", "tidemill", self.admin)
        self._admin(self.provider, "setACLAdmin", self.admin)
        acl = deploy(evm, self.admin, "ACLManager", self.provider.address)
        self._admin(self.provider, "setACLManager", acl.address)
        for role in ("addPoolAdmin", "addEmergencyAdmin", "addRiskAdmin"):
            self._admin(acl, role, self.admin)
        where: dict[str, str] = {}
        for name, needs in LOGIC.items():
            where[name] = deploy(evm, self.admin, name, libraries={n: where[n] for n in needs}).address
        pool = deploy(evm, self.admin, "Pool", self.provider.address, libraries=where)
        self._admin(self.provider, "setPoolImpl", pool.address)
        self.pool = Contract(evm, self.provider.view("getPool"), abi_of("Pool"))
        configurator = deploy(evm, self.admin, "PoolConfigurator", libraries=where)
        self._admin(self.provider, "setPoolConfiguratorImpl", configurator.address)
        at = self.provider.view("getPoolConfigurator")
        self.configurator = Contract(evm, at, abi_of("PoolConfigurator"))
        self.data = deploy(evm, self.admin, "AaveProtocolDataProvider", self.provider.address)
        self._admin(self.provider, "setPoolDataProvider", self.data.address)
        self._implementations = [
            deploy(evm, self.admin, name, self.pool.address).address
            for name in ("AToken", "StableDebtToken", "VariableDebtToken")
        ]
        self.receiver = deploy(evm, self.admin, "FlashBorrower")
        self.reserves = self._list(listings)
        self._set_oracle()
        for number, category in (categories or {}).items():
            source = self.reserves[category.source].token.address if category.source >= 0 else ZERO
            self.configure("setEModeCategory", number, category.ltv, category.threshold, category.bonus, source, "")
        for reserve in self.reserves:
            self._configure(reserve)
        self.configure("updateFlashloanPremiumTotal", premium)
        self.configure("updateFlashloanPremiumToProtocol", premium_to_protocol)
        self.actors = {name: actor(name) for name in actors}
        tokens = tuple(reserve.token for reserve in self.reserves)
        for who in self.actors.values():
            endow(tokens, who, endowment, (self.pool.address,))
        for token in tokens:
            token.send(self.admin, "mint", self.receiver.address, endowment)

    def configure(self, function: str, *args: Any) -> Any:
        """Change the market's parameters as its administrator."""
        return self._admin(self.configurator, function, *args)

    def set_price(self, index: int, price: int) -> None:
        """Set what the oracle's feed of a reserve answers (its only word)."""
        self.evm.set_storage(self.reserves[index].feed.address, 0, price)

    def at(self, address: str) -> int:
        """Return a reserve's place by its token's address."""
        return [reserve.token.address for reserve in self.reserves].index(address)

    def _admin(self, contract: Contract, function: str, *args: Any) -> Any:
        return contract.send(self.admin, function, *args)

    def _list(self, listings: tuple[Listing, ...]) -> list[Reserve]:
        inputs, tokens = [], []
        for listing in listings:
            token = deploy(self.evm, self.admin, "TestToken", listing.symbol, listing.symbol, listing.decimals)
            curve = [x * RAY // 10_000 for x in (listing.optimal, listing.base, listing.slope1, listing.slope2)]
            args = (self.provider.address, *curve, 0, 0, 0, 0, 0)
            strategy = deploy(self.evm, self.admin, "DefaultReserveInterestRateStrategy", *args)
            a, s, v = self._implementations
            row = (a, s, v, listing.decimals, strategy.address, token.address, self.treasury, ZERO)
            inputs.append((*row, "a", "a", "v", "v", "s", "s", b""))
            tokens.append(token)
        self.configure("initReserves", inputs)
        made = []
        for listing, token in zip(listings, tokens, strict=True):
            supply, _stable, debt = self.data.view("getReserveTokensAddresses", token.address)
            feed = deploy(self.evm, self.admin, "MockAggregator", listing.price)
            contracts = (
                Contract(self.evm, supply, abi_of("AToken")),
                Contract(self.evm, debt, abi_of("VariableDebtToken")),
            )
            made.append(Reserve(listing, token, *contracts, feed))
        return made

    def _set_oracle(self) -> None:
        assets = [reserve.token.address for reserve in self.reserves]
        feeds = [reserve.feed.address for reserve in self.reserves]
        args = (self.provider.address, assets, feeds, ZERO, ZERO, 10**8)
        self.oracle = deploy(self.evm, self.admin, "AaveOracle", *args)
        self._admin(self.provider, "setPriceOracle", self.oracle.address)

    def _configure(self, reserve: Reserve) -> None:
        listing, asset = reserve.listing, reserve.token.address
        if listing.threshold:
            self.configure("configureReserveAsCollateral", asset, listing.ltv, listing.threshold, listing.bonus)
        settings = {
            "setReserveBorrowing": listing.borrowing,
            "setReserveFactor": listing.factor,
            "setSupplyCap": listing.supply_cap,
            "setBorrowCap": listing.borrow_cap,
            "setLiquidationProtocolFee": listing.fee,
            "setReserveFlashLoaning": True,
            "setBorrowableInIsolation": listing.isolated,
            "setSiloedBorrowing": listing.siloed,
            "setDebtCeiling": listing.ceiling,
            "setAssetEModeCategory": listing.emode,
        }
        for function, value in settings.items():
            if function not in self.unset:
                self.configure(function, asset, value)


__all__ = ["MAX", "RAY", "VARIABLE", "ZERO", "Aave", "Category", "Listing", "Reserve"]
