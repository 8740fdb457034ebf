"""What of the vault the client speaks, and where it stands with its markets."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from msgspec import Struct

__all__ = ["VAULT", "MarketAt", "VaultDeployment"]

_PARAMS = "(address loanToken, address collateralToken, address oracle, address irm, uint256 lltv)"
VAULT = f"""
event Deposit(address indexed sender, address indexed owner, uint256 assets, uint256 shares)
event Withdraw(address indexed sender, address indexed receiver, address indexed owner, uint256 assets, uint256 shares)
event AccrueInterest(uint256 newTotalAssets, uint256 feeShares)
function deposit(uint256 assets, address receiver) returns (uint256)
function mint(uint256 shares, address receiver) returns (uint256)
function withdraw(uint256 assets, address receiver, address owner) returns (uint256)
function redeem(uint256 shares, address receiver, address owner) returns (uint256)
function accrue()
function add_market(address morpho, {_PARAMS} params, uint256 cap)
function set_cap(uint256 index, uint256 cap)
function set_supply_queue(uint256[] queue)
function set_withdraw_queue(uint256[] queue)
function reallocate(uint256 source, uint256 target, uint256 assets)
function set_fee(uint256 fee, address recipient)
function owner() view returns (address)
function totalSupply() view returns (uint256)
function totalAssets() view returns (uint256)
function lastTotalAssets() view returns (uint256)
function lostAssets() view returns (uint256)
function fee() view returns (uint256)
function feeRecipient() view returns (address)
function marketCount() view returns (uint256)
function cap(uint256 index) view returns (uint256)
function places(uint256 index) view returns ((address morpho, {_PARAMS} params, bytes32 id, uint256 cap))
function supplyQueue() view returns (uint256[])
function withdrawQueue() view returns (uint256[])
function maxDeposit(address receiver) view returns (uint256)
function maxWithdraw(address owner) view returns (uint256)
function convertToAssets(uint256 shares) view returns (uint256)
function convertToShares(uint256 assets) view returns (uint256)
"""


class MarketAt(Struct, frozen=True):
    """A market where it stands: the contract (lower-case address), its parameters as the contract takes them, its id."""

    morpho: str
    params: tuple[Any, ...]
    id: bytes


class VaultDeployment(Struct, frozen=True):
    """Where a vault and its asset stand (lower-case addresses), how tidemill names asset, share and markets (by venue)."""

    vault: str
    asset: str
    asset_id: str
    share_id: str
    offset_unit: int
    markets: Mapping[str, MarketAt]
