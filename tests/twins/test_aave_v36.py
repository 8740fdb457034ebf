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
from twins.aave_v36_edges import EDGES
from twins.aave_v36_twin import SETUPS, Twins, described

pytestmark = pytest.mark.chain

IDS = [f"{listing.symbol}@test" for listing in SETUPS[0][0]]
HEALTH = "HealthFactorLowerThanLiquidationThreshold()"
REASONS_TO_HIT = {
    "borrow": {
        "BorrowCapExceeded()",
        "BorrowingNotEnabled()",
        "CollateralCannotCoverNewBorrow()",
        "HealthFactorLowerThanLiquidationThreshold()",
        "InvalidAmount()",
        "LtvValidationFailed()",
        "ReserveFrozen()",
        "ReservePaused()",
    },
    "flash_loan_simple": {"InvalidAmount()", "InvalidFlashloanExecutorReturn()", "Panic(0x11)"},
    "liquidate": {
        "CollateralCannotBeLiquidated()",
        "HealthFactorNotBelowThreshold()",
        "InvalidBurnAmount()",
        "MustNotLeaveDust()",
        "Panic(0x11)",
        "ReservePaused()",
        "SelfLiquidation()",
        "SpecifiedCurrencyNotBorrowedByUser()",
    },
    "repay": {"InvalidAmount()", "InvalidBurnAmount()", "NoDebtOfSelectedType()", "NoExplicitAmountToRepayOnBehalf()"},
    "repay_with_supply": {
        "HealthFactorLowerThanLiquidationThreshold()",
        "InvalidAmount()",
        "InvalidBurnAmount()",
        "NoDebtOfSelectedType()",
        "Panic(0x11)",
    },
    "set_collateral": {
        "HealthFactorLowerThanLiquidationThreshold()",
        "ReservePaused()",
        "UnderlyingBalanceZero()",
        "UserInIsolationModeOrLtvZero()",
    },
    "supply": {"InvalidAmount()", "ReserveFrozen()", "SupplyCapExceeded()", "balance"},
    "withdraw": {"HealthFactorLowerThanLiquidationThreshold()", "InvalidAmount()", "NotEnoughAvailableUserBalance()"},
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
    tally.enough(actions * len(setups), 11)
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    hit: dict[str, set[str]] = {}
    for verb, reason in play(SETUPS, 1_000).reasons:
        hit.setdefault(verb, set()).add(reason)
    assert hit == REASONS_TO_HIT


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_edge(edge: Any) -> None:
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_model_equals_bytecode_at_length(seed: int) -> None:
    play([(SETUPS[seed % 2][0], 100 + seed)], 5_000)


def test_what_is_not_modelled_is_refused_and_says_so() -> None:
    twins = Twins(*SETUPS[0])
    with pytest.raises(Revert, match=r"set_emode of v3\.6 is not modelled"):
        twins.model.do(twins.people[0], Action("set_emode", {"category": 1}))
    for field in ("category", "debt_ceiling", "isolated_borrowing", "siloed", "active"):
        action = Action("configure", {"asset": "ETH@test", "field": field, "value": 1})
        with pytest.raises(Revert, match=f"{field} of v3.6 is not modelled"):
            twins.model.do(twins.people[0], action)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", 1),
        ("debt_ceiling", 1),
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
