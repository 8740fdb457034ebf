"""A whole Aave market, v3.0.2 or v3.6, put on a local chain: provider, libraries, pool, configurator, oracle and reserves."""

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
from tidemill.units import BPS, RAY
from tidemill.venues.aave_v3.state import Config, Curve
from tidemill.venues.aave_v3.versions import V30

__all__ = ["Listed", "MarketAt", "deploy_market"]

_ZERO = "0x" + "00" * 20
_LOGIC = ("Supply", "Borrow", "Liquidation", "EMode", "Bridge")
_LOGIC_36 = ("Supply", "Borrow", "Liquidation", "Pool", "Configurator")
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


def deploy_market(anvil: Anvil, admin: str, treasury: str, listed: Sequence[Listed], *, version: int = V30) -> MarketAt:
    """Deploy everything as ``admin`` (a funded account) and list the reserves in order; raises ``RpcError``.

    Prices come from the package's own mock of an oracle, which ``admin`` may set. Provider, roles and oracle of v3.6 are
    v3.0's: their interfaces have not changed.
    """
    maker = _Maker if version == V30 else _Maker36
    return maker(anvil, admin).market(treasury, listed)


class _Maker:
    configurator, data = "PoolConfigurator", "AaveProtocolDataProvider"

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
        # It looks at the pool when it is made; the configurator asks it whether anybody supplies or owes.
        data = self._deploy(Deployment("data", self.data, (provider,)))["data"]
        self._do("PoolAddressesProvider", provider, ("setPoolDataProvider", data))
        pool = self._ask("PoolAddressesProvider", provider, "getPool")
        configurator = self._ask("PoolAddressesProvider", provider, "getPoolConfigurator")
        rows = self._rows(pool, at, treasury, listed)
        self._do(self.configurator, configurator, ("initReserves", rows), *self._settings(listed))
        prices = [("setAssetPrice", one.token, one.price) for one in listed]
        self._do("PriceOracle", at["oracle"], *prices)
        return MarketAt(pool, at["oracle"])

    def _contracts(self) -> dict[str, str]:
        """Deploy what all reserves share, by name."""
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
        )

    def _rows(self, pool: str, at: dict[str, str], treasury: str, listed: Sequence[Listed]) -> list[tuple[Any, ...]]:
        """Return what the configurator lists reserves with."""
        kinds = ("AToken", "StableDebtToken", "VariableDebtToken")
        made = self._deploy(*(Deployment(kind, kind, (pool,)) for kind in kinds))
        rows = []
        for number, one in enumerate(listed):
            rays = (one.curve.optimal, one.curve.base, one.curve.slope1, one.curve.slope2)
            args = (at["provider"], *rays, 0, 0, 0, 0, 0)
            name = f"curve {number}"
            curve = self._deploy(Deployment(name, "DefaultReserveInterestRateStrategy", args))[name]
            tokens = tuple(made[kind] for kind in kinds)
            rows.append(
                (*tokens, one.decimals, curve, one.token, treasury, _ZERO, *("a", "a", "v", "v", "s", "s"), b"")
            )
        return rows

    def _settings(self, listed: Sequence[Listed]) -> list[tuple[Any, ...]]:
        calls: list[tuple[Any, ...]] = []
        for one in listed:
            config = one.config
            if config.threshold:
                levels = (config.ltv, config.threshold, config.bonus)
                calls.append(("configureReserveAsCollateral", one.token, *levels))
            calls += [(function, one.token, getattr(config, field)) for field, function in _SETTERS.items()]
        return calls

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


class _Maker36(_Maker):
    """v3.6, compiled from its package: one curve for all reserves, fewer libraries, no stable debt."""

    configurator, data = "PoolConfiguratorInstance", "AaveProtocolDataProvider36"

    def _contracts(self) -> dict[str, str]:
        provider, shared = AddressOf("provider"), AddressOf("curve")
        libraries: dict[str, str | AddressOf] = {f"{name}Logic": AddressOf(f"{name}Logic") for name in _LOGIC_36}
        every = {**libraries, "FlashLoanLogic": AddressOf("FlashLoanLogic")}
        return self._deploy(
            Deployment("provider", "PoolAddressesProvider", ("tidemill", self.admin)),
            Deployment("oracle", "PriceOracle"),
            *(Deployment(name, f"{name}36") for name in libraries),
            Deployment("FlashLoanLogic", "FlashLoanLogic36", (), libraries),
            Deployment("curve", "DefaultReserveInterestRateStrategyV2", (provider,)),
            Deployment("pool", "PoolInstance", (provider, shared), every),
            Deployment("configurator", self.configurator, (), every),
        )

    def _rows(self, pool: str, at: dict[str, str], treasury: str, listed: Sequence[Listed]) -> list[tuple[Any, ...]]:
        tokens = self._deploy(
            Deployment("supply", "ATokenInstance", (pool, _ZERO, treasury)),
            Deployment("debt", "VariableDebtTokenInstance", (pool, _ZERO)),
        )
        rows: list[tuple[Any, ...]] = []
        for one in listed:
            curve = (one.curve.optimal, one.curve.base, one.curve.slope1, one.curve.slope2)
            data = b"".join((rays * BPS // RAY).to_bytes(32, "big") for rays in curve)
            rows.append((tokens["supply"], tokens["debt"], one.token, "a", "a", "v", "v", b"", data))
        return rows
