"""The few functions and events of Aave v3 that the client speaks, written as text."""

from __future__ import annotations

from tidemill.venues.aave_v3.codes import ERRORS_V36, Code

__all__ = ["CURVE", "CURVE_36", "ERRORS_36", "ORACLE", "POOL", "POOL_36", "PROVIDER", "RECEIPT"]

_WHOM = "address indexed reserve, address user, address indexed onBehalfOf, uint256 amount"
_RATES = "uint256 liquidityRate, uint256 stableBorrowRate, uint256 variableBorrowRate"

POOL = f"""
event Supply({_WHOM}, uint16 indexed referralCode)
event Withdraw(address indexed reserve, address indexed user, address indexed to, uint256 amount)
event Borrow({_WHOM}, uint8 interestRateMode, uint256 borrowRate, uint16 indexed referralCode)
event Repay(address indexed reserve, address indexed user, address indexed repayer, uint256 amount, bool useATokens)
event LiquidationCall(address indexed collateralAsset, address indexed debtAsset, address indexed user, uint256 debtToCover, \
uint256 liquidatedCollateralAmount, address liquidator, bool receiveAToken)
event ReserveDataUpdated(address indexed reserve, {_RATES}, uint256 liquidityIndex, uint256 variableBorrowIndex)
event ReserveUsedAsCollateralEnabled(address indexed reserve, address indexed user)
event ReserveUsedAsCollateralDisabled(address indexed reserve, address indexed user)
event IsolationModeTotalDebtUpdated(address indexed asset, uint256 totalDebt)
event MintedToTreasury(address indexed reserve, uint256 amountMinted)
event UserEModeSet(address indexed user, uint8 categoryId)
function supply(address asset, uint256 amount, address onBehalfOf, uint16 referralCode)
function withdraw(address asset, uint256 amount, address to) returns (uint256)
function borrow(address asset, uint256 amount, uint256 interestRateMode, uint16 referralCode, address onBehalfOf)
function repay(address asset, uint256 amount, uint256 interestRateMode, address onBehalfOf) returns (uint256)
function repayWithATokens(address asset, uint256 amount, uint256 interestRateMode) returns (uint256)
function setUserUseReserveAsCollateral(address asset, bool useAsCollateral)
function setUserEMode(uint8 categoryId)
function liquidationCall(address collateralAsset, address debtAsset, address user, uint256 debtToCover, bool receiveAToken)
function mintToTreasury(address[] assets)
function ADDRESSES_PROVIDER() view returns (address)
function getReservesList() view returns (address[])
function getUserAccountData(address user) view returns (uint256 totalCollateralBase, uint256 totalDebtBase, \
uint256 availableBorrowsBase, uint256 currentLiquidationThreshold, uint256 ltv, uint256 healthFactor)
function getUserConfiguration(address user) view returns (uint256 data)
function getUserEMode(address user) view returns (uint256)
function POOL_REVISION() view returns (uint256)
function FLASHLOAN_PREMIUM_TOTAL() view returns (uint128)
function FLASHLOAN_PREMIUM_TO_PROTOCOL() view returns (uint128)
function getEModeCategoryData(uint8 id) view returns ((uint16 ltv, uint16 threshold, uint16 bonus, address source, string label))
function getReserveNormalizedIncome(address asset) view returns (uint256)
function getReserveNormalizedVariableDebt(address asset) view returns (uint256)
function getReserveData(address asset) view returns (uint256 configuration, uint128 liquidityIndex, \
uint128 currentLiquidityRate, uint128 variableBorrowIndex, uint128 currentVariableBorrowRate, \
uint128 currentStableBorrowRate, uint40 lastUpdateTimestamp, uint16 id, address aToken, address stableDebtToken, \
address variableDebtToken, address interestRateStrategy, uint128 accruedToTreasury, uint128 unbacked, \
uint128 isolationModeTotalDebt)
"""
"""The struct that getReserveData answers with is static, so its fields stand in a row."""

POOL_36 = """
function getVirtualUnderlyingBalance(address asset) view returns (uint128)
function getReserveDeficit(address asset) view returns (uint256)
function getEModeCategoryCollateralConfig(uint8 id) view returns (uint16 ltv, uint16 threshold, uint16 bonus)
function getEModeCategoryCollateralBitmap(uint8 id) view returns (uint128)
function getEModeCategoryBorrowableBitmap(uint8 id) view returns (uint128)
function getEModeCategoryLtvzeroBitmap(uint8 id) view returns (uint128)
"""
"""Of v3.6 alone."""

CURVE = """
function OPTIMAL_USAGE_RATIO() view returns (uint256)
function getBaseVariableBorrowRate() view returns (uint256)
function getVariableRateSlope1() view returns (uint256)
function getVariableRateSlope2() view returns (uint256)
"""
"""Of v3.0: a contract for each reserve."""

CURVE_36 = """
function getInterestRateData(address asset) view returns (uint256 optimal, uint256 base, uint256 slope1, uint256 slope2)
"""
"""Of v3.6: one for all reserves, in rays."""

RECEIPT = """
event Transfer(address indexed from, address indexed to, uint256 value)
event Mint(address indexed caller, address indexed onBehalfOf, uint256 value, uint256 balanceIncrease, uint256 index)
event Burn(address indexed from, address indexed target, uint256 value, uint256 balanceIncrease, uint256 index)
event BalanceTransfer(address indexed from, address indexed to, uint256 value, uint256 index)
function balanceOf(address user) view returns (uint256)
function scaledBalanceOf(address user) view returns (uint256)
function totalSupply() view returns (uint256)
function scaledTotalSupply() view returns (uint256)
function getPreviousIndex(address user) view returns (uint256)
function RESERVE_TREASURY_ADDRESS() view returns (address)
"""

ORACLE = """
function getAssetPrice(address asset) view returns (uint256)
function setAssetPrice(address asset, uint256 price)
"""
"""That a price can be set is the test oracle's alone."""

PROVIDER = """
function getPriceOracle() view returns (address)
"""

_OWN = (Code.DUST, Code.NOT_BORROWABLE, Code.SELF_LIQUIDATION)
_OF_ASSETS = (
    "error InvalidCollateralInEmode(address asset, uint256 id)\nerror InvalidDebtInEmode(address asset, uint256 id)\n"
)
ERRORS_36 = _OF_ASSETS + "\n".join(f"error {name}" for name in (*sorted(set(ERRORS_V36.values())), *_OWN))
"""With what v3.6 refuses."""
