"""Aave v3.6: the model equals the compiled pool after every action, as far as it is modelled."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Tally
from harness.aave36 import Aave36
from tidemill.chain import artefacts
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Revert

if not artefacts.available("PoolInstance", "AaveErrors36", "SupplyLogic36", "FlashBorrower", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.venues.aave_v3.model import MarketModel
from twins.aave_v36_twin import SETUPS, Twins, described

pytestmark = pytest.mark.chain

IDS = [f"{listing.symbol}@test" for listing in SETUPS[0][0]]
HEALTH = "HealthFactorLowerThanLiquidationThreshold()"
REASONS_TO_HIT = {
    "borrow": {
        "BorrowCapExceeded()",
        "BorrowingNotEnabled()",
        "CollateralCannotCoverNewBorrow()",
        "InvalidAmount()",
        "LtvValidationFailed()",
        "ReserveFrozen()",
        "ReservePaused()",
    },
    "flash_loan_simple": {
        "FlashloanDisabled()",
        "InvalidAmount()",
        "InvalidFlashloanExecutorReturn()",
        "Panic(0x11)",
        "ReservePaused()",
    },
    "repay": {"InvalidAmount()", "NoDebtOfSelectedType()", "NoExplicitAmountToRepayOnBehalf()", "ReservePaused()"},
    "repay_with_supply": {
        "HealthFactorLowerThanLiquidationThreshold()",
        "InvalidAmount()",
        "InvalidBurnAmount()",
        "NoDebtOfSelectedType()",
        "Panic(0x11)",
        "ReservePaused()",
    },
    "set_collateral": {
        "HealthFactorLowerThanLiquidationThreshold()",
        "LtvValidationFailed()",
        "ReservePaused()",
        "UnderlyingBalanceZero()",
        "UserInIsolationModeOrLtvZero()",
    },
    "supply": {"InvalidAmount()", "ReserveFrozen()", "ReservePaused()", "SupplyCapExceeded()", "balance"},
    "withdraw": {
        "HealthFactorLowerThanLiquidationThreshold()",
        "InvalidAmount()",
        "LtvValidationFailed()",
        "NotEnoughAvailableUserBalance()",
        "Panic(0x11)",
        "ReservePaused()",
    },
}
"""What these lives meet."""


@pytest.fixture(scope="module")
def market() -> Aave36:
    return Aave36(SETUPS[0][0])


def play(setups: list[Any], actions: int) -> Tally:
    tally = Tally()
    for listings, seed in setups:
        own = Twins(listings, seed)
        tally.add(own.driver.run(actions, after=own.compare))
    print(tally)
    assert tally.done.total() / tally.total >= 0.6
    assert len(tally.done) == 10
    for verb in tally.done:
        assert tally.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    hit: dict[str, set[str]] = {}
    for verb, reason in play(SETUPS, 1_000).reasons:
        hit.setdefault(verb, set()).add(reason)
    assert hit == REASONS_TO_HIT


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_model_equals_bytecode_at_length(seed: int) -> None:
    play([(SETUPS[seed % 2][0], 100 + seed)], 5_000)


def test_what_is_not_modelled_is_refused_and_says_so() -> None:
    twins = Twins(*SETUPS[0])
    args = {"collateral": "ETH@test", "debt": "USD@test", "user": "a", "cover": 1}
    for verb in ("liquidate", "set_emode"):
        with pytest.raises(Revert, match=f"{verb} of v3.6 is not modelled"):
            twins.model.do(twins.people[0], Action(verb, args))
    for field in ("category", "debt_ceiling", "isolated_borrowing", "siloed", "active"):
        action = Action("configure", {"asset": "ETH@test", "field": field, "value": 1})
        with pytest.raises(Revert, match=f"{field} of v3.6 is not modelled"):
            twins.model.do(twins.people[0], action)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", 1),
        ("debt_ceiling", 1),
        ("liquidation_fee", 1_000),
        ("active", False),
        ("isolated_borrowing", True),
        ("siloed", True),
    ],
)
def test_a_setting_that_is_not_heeded_is_refused(market: Aave36, field: str, value: int) -> None:
    params = described(market, IDS)
    params["reserves"][1]["config"][field] = value
    with pytest.raises(BadInput, match=rf"ETH@test: {field}: {value} is not modelled in v3\.6"):
        MarketModel().init(params)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("categories", {1: {"ltv": 9_000, "threshold": 9_300, "bonus": 10_100}}),
        ("flash_to_protocol", 3_000),
        ("version", 35),
    ],
)
def test_a_setting_of_the_market_that_is_not_heeded_is_refused(market: Aave36, field: str, value: Any) -> None:
    params = described(market, IDS)
    with pytest.raises(BadInput, match=f"^{field}: "):
        MarketModel().init(params | {field: value})
    params["version"] = 30
    MarketModel().init(params | {field: value} if field != "version" else params)
