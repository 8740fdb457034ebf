"""Aave v3.6: the model equals the compiled pool after every action, as far as it is modelled."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Tally
from harness.aave36 import Aave36
from tidemill.chain import artefacts
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Revert

if not artefacts.available("PoolInstance", "AaveProtocolDataProvider36", "FlashBorrower", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.venues.aave_v3.model import MarketModel
from twins.aave_v36_edges import EDGES
from twins.aave_v36_kind_edges import EDGES as KIND_EDGES
from twins.aave_v36_twin import SETUPS, Twins, described

pytestmark = pytest.mark.chain

IDS = [f"{listing.symbol}@test" for listing in SETUPS[0][0]]
UNHEALTHY = "HealthFactorLowerThanLiquidationThreshold()"
COMMON = {
    "borrow": {
        "BorrowingNotEnabled()",
        "CollateralCannotCoverNewBorrow()",
        "InvalidAmount()",
        "NotBorrowableInEMode()",
    },
    "flash_loan_simple": {"InvalidAmount()", "InvalidFlashloanExecutorReturn()", "Panic(0x11)"},
    "liquidate": {"HealthFactorNotBelowThreshold()", "MustNotLeaveDust()", "ReservePaused()", "SelfLiquidation()"},
    "repay": {"InvalidAmount()", "NoDebtOfSelectedType()", "NoExplicitAmountToRepayOnBehalf()"},
    "repay_with_supply": {"InvalidAmount()", "NoDebtOfSelectedType()"},
    "set_collateral": {UNHEALTHY, "UserInIsolationModeOrLtvZero()"},
    "set_emode": {"InconsistentEModeCategory()"},
    "supply": set(),
    "withdraw": {UNHEALTHY, "InvalidAmount()"},
}
"""What these lives meet."""
RARE = {
    "borrow": {
        "AssetNotBorrowableInIsolation()",
        "BorrowCapExceeded()",
        "DebtCeilingExceeded()",
        UNHEALTHY,
        "LtvValidationFailed()",
        "Panic(0x11)",
        "ReserveFrozen()",
        "ReservePaused()",
        "SiloedBorrowingViolation()",
    },
    "flash_loan_simple": {"FlashloanDisabled()", "ReservePaused()"},
    "liquidate": {
        "CollateralCannotBeLiquidated()",
        "InvalidBurnAmount()",
        "Panic(0x11)",
        "SpecifiedCurrencyNotBorrowedByUser()",
        "balance",
    },
    "repay": {"InvalidBurnAmount()", "ReservePaused()"},
    "repay_with_supply": {UNHEALTHY, "InvalidBurnAmount()", "Panic(0x11)", "ReservePaused()"},
    "set_collateral": {"LtvValidationFailed()", "ReservePaused()", "UnderlyingBalanceZero()"},
    "set_emode": {UNHEALTHY, "InvalidCollateralInEmode", "InvalidDebtInEmode"},
    "supply": {"InvalidAmount()", "ReserveFrozen()", "ReservePaused()", "SupplyCapExceeded()", "balance"},
    "withdraw": {"LtvValidationFailed()", "NotEnoughAvailableUserBalance()", "Panic(0x11)", "ReservePaused()"},
}
"""What they may meet or not; edges of their own meet what is a rule."""


@pytest.fixture(scope="module")
def market() -> Aave36:
    return Aave36(SETUPS[0][0])


def play(setups: list[Any], actions: int) -> Tally:
    tally = Tally()
    for setup in setups:
        own = Twins(*setup)
        tally.add(own.driver.run(actions, after=own.compare))
    tally.enough(actions * len(setups), 12)
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    tally = play(SETUPS, 800)
    hit = {(verb, reason.split("(", 1)[0] if "@" in reason else reason) for verb, reason in tally.reasons}
    common, rare = ({(verb, reason) for verb in of for reason in of[verb]} for of in (COMMON, RARE))
    assert common <= hit <= common | rare


@pytest.mark.parametrize("edge", [*EDGES, *KIND_EDGES], ids=lambda edge: edge.__name__)
def test_edge(edge: Any) -> None:
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_model_equals_bytecode_at_length(seed: int) -> None:
    listings, _, *categories = SETUPS[seed % len(SETUPS)]
    play([(listings, 100 + seed, *categories)], 5_000)


def test_what_is_not_modelled_is_refused_and_says_so() -> None:
    twins = Twins(*SETUPS[0])
    for field in ("category", "active"):
        action = Action("configure", {"asset": "ETH@test", "field": field, "value": 1})
        with pytest.raises(Revert, match=f"{field} of v3.6 is not modelled"):
            twins.model.do(twins.people[0], action)


@pytest.mark.parametrize(
    ("field", "value"),
    [
        ("category", 1),
        ("active", False),
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
        ("categories", {1: {"ltv": 9_000, "threshold": 9_300, "bonus": 10_100, "source": "ETH@test"}}),
        ("flash_to_protocol", 3_000),
        ("version", 35),
    ],
)
def test_a_setting_of_the_market_that_is_not_heeded_is_refused(market: Aave36, field: str, value: Any) -> None:
    params = described(market, IDS)
    with pytest.raises(BadInput, match=f"^{field}"):
        MarketModel().init(params | {field: value})
    params["version"] = 30
    MarketModel().init(params | {field: value} if field != "version" else params)
