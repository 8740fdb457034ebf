"""A whole Aave v3.0.2 market put on a local chain: provider, libraries, pool, configurator, oracle and reserves."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.abi import Abi
from tidemill.chain.anvil import Anvil
from tidemill.chain.artefacts import artefact
from tidemill.chain.deploy import AddressOf, Deployment, deploy
from tidemill.chain.types import Call
from tidemill.errors import RpcError
from tidemill.venues.aave_v3.state import Config, Curve

__all__ = ["Listed", "MarketAt", "deploy_market"]

_ZERO = "0x" + "00" * 20
_LOGIC = ("Supply", "Borrow", "Liquidation", "EMode", "Bridge")
_SETTERS = {
    "supply_cap": "setSupplyCap",
    "borrow_cap": "setBorrowCap",
    "reserve_factor": "setReserveFactor",
    "liquidation_fee": "setLiquidationProtocolFee",
    "isolated_borrowing": "setBorrowableInIsolation",
    "debt_ceiling": "setDebtCeiling",
    "siloed": "setSiloedBorrowing",
    "borrowing": "setReserveBorrowing",
    "flash_loans": "setReserveFlashLoaning",
}


class Listed(Struct, frozen=True):
    """A reserve to be listed: its token's address, and what governance sets."""

    token: str
    decimals: int
    price: int
    config: Config
    curve: Curve


class MarketAt(Struct, frozen=True):
    """Where the pool and its oracle stand."""

    pool: str
    oracle: str


def deploy_market(anvil: Anvil, admin: str, treasury: str, listed: Sequence[Listed]) -> MarketAt:
    """Deploy everything as ``admin`` (a funded account) and list the reserves in order; raises ``RpcError``.

    Prices come from the package's own mock of an oracle, which ``admin`` may set.
    """
    return _Maker(anvil, admin).market(treasury, listed)


class _Maker:
    def __init__(self, anvil: Anvil, admin: str) -> None:
        self.anvil, self.admin = anvil, admin

    def market(self, treasury: str, listed: Sequence[Listed]) -> MarketAt:
        at = self._contracts()
        provider = at["provider"]
        self._do("PoolAddressesProvider", provider, ("setACLAdmin", self.admin))
        acl = self._deploy(Deployment("acl", "ACLManager", (provider,)))["acl"]
        self._do("PoolAddressesProvider", provider, ("setACLManager", acl), ("setPriceOracle", at["oracle"]))
        self._do("ACLManager", acl, ("addPoolAdmin", self.admin), ("addRiskAdmin", self.admin))
        self._do("PoolAddressesProvider", provider, ("setPoolImpl", at["pool"]))
        self._do("PoolAddressesProvider", provider, ("setPoolConfiguratorImpl", at["configurator"]))
        self._do("PoolAddressesProvider", provider, ("setPoolDataProvider", at["data"]))
        pool = self._ask("PoolAddressesProvider", provider, "getPool")
        configurator = self._ask("PoolAddressesProvider", provider, "getPoolConfigurator")
        self._list(pool, provider, configurator, treasury, listed)
        prices = [("setAssetPrice", one.token, one.price) for one in listed]
        self._do("PriceOracle", at["oracle"], *prices)
        return MarketAt(pool, at["oracle"])

    def _contracts(self) -> dict[str, str]:
        libraries: dict[str, str | AddressOf] = {f"{name}Logic": AddressOf(f"{name}Logic") for name in _LOGIC}
        more = {name: AddressOf(name) for name in ("PoolLogic", "ConfiguratorLogic", "FlashLoanLogic")}
        every = {**libraries, **more}
        provider = AddressOf("provider")
        plain = [Deployment(name, name) for name in (*libraries, "PoolLogic", "ConfiguratorLogic")]
        return self._deploy(
            Deployment("provider", "PoolAddressesProvider", ("tidemill", self.admin)),
            Deployment("oracle", "PriceOracle"),
            *plain,
            Deployment("FlashLoanLogic", "FlashLoanLogic", (), {"BorrowLogic": AddressOf("BorrowLogic")}),
            Deployment("pool", "Pool", (provider,), every),
            Deployment("configurator", "PoolConfigurator", (), every),
            Deployment("data", "AaveProtocolDataProvider", (provider,)),
        )

    def _list(self, pool: str, provider: str, configurator: str, treasury: str, listed: Sequence[Listed]) -> None:
        kinds = ("AToken", "StableDebtToken", "VariableDebtToken")
        made = self._deploy(*(Deployment(kind, kind, (pool,)) for kind in kinds))
        rows = []
        for number, one in enumerate(listed):
            rays = (one.curve.optimal, one.curve.base, one.curve.slope1, one.curve.slope2)
            args = (provider, *rays, 0, 0, 0, 0, 0)
            name = f"curve {number}"
            curve = self._deploy(Deployment(name, "DefaultReserveInterestRateStrategy", args))[name]
            tokens = tuple(made[kind] for kind in kinds)
            rows.append(
                (*tokens, one.decimals, curve, one.token, treasury, _ZERO, *("a", "a", "v", "v", "s", "s"), b"")
            )
        calls: list[tuple[Any, ...]] = [("initReserves", rows)]
        for one in listed:
            config = one.config
            if config.threshold:
                levels = (config.ltv, config.threshold, config.bonus)
                calls.append(("configureReserveAsCollateral", one.token, *levels))
            calls += [(function, one.token, getattr(config, field)) for field, function in _SETTERS.items()]
        self._do("PoolConfigurator", configurator, *calls)

    def _deploy(self, *deployments: Deployment) -> dict[str, str]:
        return deploy(self.anvil, self.admin, deployments)

    def _do(self, contract: str, to: str, *calls: tuple[Any, ...]) -> None:
        codec = Abi(artefact(contract).abi)
        sent = [(self.admin, Call(to, codec.encode(*call), purpose=str(call[0]))) for call in calls]
        _block, receipts = self.anvil.mine(sent)
        for (function, *_), receipt in zip(calls, receipts, strict=True):
            if not receipt.status:
                raise RpcError(f"{contract}.{function} on the local chain reverted: {receipt.revert_reason}")

    def _ask(self, contract: str, to: str, function: str) -> str:
        codec = Abi(artefact(contract).abi)
        return str(codec.decode(function, self.anvil.rpc.call(to, codec.encode(function)))[0])
