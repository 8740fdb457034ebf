"""What Morpho Blue, its rate models and oracles are asked and what they log, as text."""

from __future__ import annotations

__all__ = ["EVENTS", "IRM", "MORPHO", "ORACLE"]

_PARAMS = "(address loanToken, address collateralToken, address oracle, address irm, uint256 lltv) marketParams"
_MARKET = (
    "(uint128 totalSupplyAssets, uint128 totalSupplyShares, uint128 totalBorrowAssets, uint128 totalBorrowShares, "
    "uint128 lastUpdate, uint128 fee) market"
)

EVENTS = f"""
event CreateMarket(bytes32 indexed id, {_PARAMS})
event SetOwner(address indexed newOwner)
event SetFee(bytes32 indexed id, uint256 newFee)
event SetFeeRecipient(address indexed newFeeRecipient)
event EnableIrm(address indexed irm)
event EnableLltv(uint256 lltv)
event Supply(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets, uint256 shares)
event Withdraw(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets, uint256 shares)
event Borrow(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets, uint256 shares)
event Repay(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets, uint256 shares)
event SupplyCollateral(bytes32 indexed id, address indexed caller, address indexed onBehalf, uint256 assets)
event WithdrawCollateral(bytes32 indexed id, address caller, address indexed onBehalf, address indexed receiver, uint256 assets)
event Liquidate(bytes32 indexed id, address indexed caller, address indexed borrower, uint256 repaidAssets, uint256 repaidShares, uint256 seizedAssets, uint256 badDebtAssets, uint256 badDebtShares)
event FlashLoan(address indexed caller, address indexed token, uint256 assets)
event SetAuthorization(address indexed caller, address indexed authorizer, address indexed authorized, bool newIsAuthorized)
event AccrueInterest(bytes32 indexed id, uint256 prevBorrowRate, uint256 interest, uint256 feeShares)
"""  # noqa: E501  one event, one line
"""The contract's own ABI has no events: they are logged by a library."""

MORPHO = f"""{EVENTS}
function supply({_PARAMS}, uint256 assets, uint256 shares, address onBehalf, bytes data) returns (uint256, uint256)
function withdraw({_PARAMS}, uint256 assets, uint256 shares, address onBehalf, address receiver) returns (uint256, uint256)
function borrow({_PARAMS}, uint256 assets, uint256 shares, address onBehalf, address receiver) returns (uint256, uint256)
function repay({_PARAMS}, uint256 assets, uint256 shares, address onBehalf, bytes data) returns (uint256, uint256)
function supplyCollateral({_PARAMS}, uint256 assets, address onBehalf, bytes data)
function withdrawCollateral({_PARAMS}, uint256 assets, address onBehalf, address receiver)
function liquidate({_PARAMS}, address borrower, uint256 seizedAssets, uint256 repaidShares, bytes data) returns (uint256, uint256)
function accrueInterest({_PARAMS})
function createMarket({_PARAMS})
function enableIrm(address irm)
function enableLltv(uint256 lltv)
function setFee({_PARAMS}, uint256 newFee)
function setFeeRecipient(address newFeeRecipient)
function market(bytes32 id) view returns (uint128, uint128, uint128, uint128, uint128, uint128)
function position(bytes32 id, address user) view returns (uint256, uint128, uint128)
function idToMarketParams(bytes32 id) view returns (address, address, address, address, uint256)
function owner() view returns (address)
function feeRecipient() view returns (address)
"""

IRM = f"""
function borrowRateView({_PARAMS}, {_MARKET}) view returns (uint256)
function rateAtTarget(bytes32 id) view returns (int256)
"""

ORACLE = """
function price() view returns (uint256)
function setPrice(uint256 newPrice)
"""
