"""Reasons with which Aave v3 refuses: its own numbers, as text (Aave's public list of error codes)."""

from __future__ import annotations

from typing import Final

__all__ = ["ERRORS_V36", "REASONS", "Code"]


class Code:
    """Error codes of v3.0.2 that the verbs modelled here can meet."""

    FLASH_LOAN_REFUSED: Final = "13"
    MINT_TOO_SMALL: Final = "24"
    BURN_TOO_SMALL: Final = "25"
    AMOUNT_ZERO: Final = "26"
    INACTIVE: Final = "27"
    FROZEN: Final = "28"
    PAUSED: Final = "29"
    BORROWING_OFF: Final = "30"
    BALANCE_TOO_SMALL: Final = "32"
    NO_COLLATERAL: Final = "34"
    UNHEALTHY: Final = "35"
    COLLATERAL_TOO_SMALL: Final = "36"
    NO_DEBT: Final = "39"
    NO_AMOUNT_FOR_ANOTHER: Final = "40"
    NOTHING_SUPPLIED: Final = "43"
    HEALTHY: Final = "45"
    NOT_COLLATERAL: Final = "46"
    NOT_BORROWED: Final = "47"
    BORROW_CAP: Final = "50"
    SUPPLY_CAP: Final = "51"
    DEBT_CEILING: Final = "53"
    LTV_ZERO: Final = "57"
    WRONG_CATEGORY: Final = "58"
    NOT_FOR_ISOLATION: Final = "60"
    ISOLATED_OR_LTV_ZERO: Final = "62"
    SILOED: Final = "89"
    FLASH_LOAN_OFF: Final = "91"

    NOT_BORROWABLE: Final = "NotBorrowableInEMode()"
    DUST: Final = "MustNotLeaveDust()"
    SELF_LIQUIDATION: Final = "SelfLiquidation()"
    """Of v3.6 only."""

    ARITHMETIC: Final = "Panic(0x11)"
    """Solidity's own: a sum or difference leaves its type, for instance more is taken than lies there."""
    TOO_WIDE: Final = "SafeCast: value doesn't fit in 128 bits"
    NO_PRICE: Final = ""
    """The oracle has no answer and no fallback: the call fails without a word."""


ERRORS_V36: Final = {
    Code.FLASH_LOAN_REFUSED: "InvalidFlashloanExecutorReturn()",
    Code.AMOUNT_ZERO: "InvalidAmount()",
    Code.FROZEN: "ReserveFrozen()",
    Code.PAUSED: "ReservePaused()",
    Code.BORROWING_OFF: "BorrowingNotEnabled()",
    Code.BORROW_CAP: "BorrowCapExceeded()",
    Code.DEBT_CEILING: "DebtCeilingExceeded()",
    Code.NOT_FOR_ISOLATION: "AssetNotBorrowableInIsolation()",
    Code.SILOED: "SiloedBorrowingViolation()",
    Code.WRONG_CATEGORY: "InconsistentEModeCategory()",
    Code.SUPPLY_CAP: "SupplyCapExceeded()",
    Code.FLASH_LOAN_OFF: "FlashloanDisabled()",
    Code.HEALTHY: "HealthFactorNotBelowThreshold()",
    Code.NOT_COLLATERAL: "CollateralCannotBeLiquidated()",
    Code.NOT_BORROWED: "SpecifiedCurrencyNotBorrowedByUser()",
    Code.BALANCE_TOO_SMALL: "NotEnoughAvailableUserBalance()",
    Code.MINT_TOO_SMALL: "InvalidAmount()",
    Code.BURN_TOO_SMALL: "InvalidBurnAmount()",
    Code.UNHEALTHY: "HealthFactorLowerThanLiquidationThreshold()",
    Code.COLLATERAL_TOO_SMALL: "CollateralCannotCoverNewBorrow()",
    Code.LTV_ZERO: "LtvValidationFailed()",
    Code.NOTHING_SUPPLIED: "UnderlyingBalanceZero()",
    Code.ISOLATED_OR_LTV_ZERO: "UserInIsolationModeOrLtvZero()",
    Code.NO_DEBT: "NoDebtOfSelectedType()",
    Code.NO_AMOUNT_FOR_ANOTHER: "NoExplicitAmountToRepayOnBehalf()",
}
"""The names that v3.6 gives to the reasons which what is modelled of it can meet."""

REASONS = {
    code: name.lower().replace("_", " ") for name, code in vars(Code).items() if name.isupper() and code.isdecimal()
}
"""Words for the codes."""
