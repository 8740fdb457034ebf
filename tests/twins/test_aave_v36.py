"""Aave v3.6: the model equals the compiled pool after every action, as far as it is modelled."""

from __future__ import annotations

from typing import Any

import pytest

from harness import Tally
from tidemill.chain import artefacts
from tidemill.interfaces import Action, Revert

if not artefacts.available("PoolInstance", "AaveErrors36", "SupplyLogic36", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.aave_v36_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

HEALTH = "HealthFactorLowerThanLiquidationThreshold()"
REASONS_TO_HIT = {
    "supply": {"InvalidAmount()", "balance"},
    "withdraw": {HEALTH, "InvalidAmount()", "NotEnoughAvailableUserBalance()"},
    "borrow": {"CollateralCannotCoverNewBorrow()", "InvalidAmount()", "Panic(0x11)"},
    "repay": {"InvalidAmount()", "InvalidBurnAmount()", "NoDebtOfSelectedType()", "NoExplicitAmountToRepayOnBehalf()"},
    "repay_with_supply": {"InvalidAmount()", "InvalidBurnAmount()", "NoDebtOfSelectedType()", "Panic(0x11)"},
    "set_collateral": {HEALTH, "UserInIsolationModeOrLtvZero()"},
}
"""What these lives meet. Longer ones also LtvValidationFailed of borrow, and UnderlyingBalanceZero of set_collateral."""


def play(setups: list[Any], actions: int) -> Tally:
    tally = Tally()
    for listings, seed in setups:
        own = Twins(listings, seed)
        tally.add(own.driver.run(actions, after=own.compare))
    print(tally)
    assert tally.done.total() / tally.total >= 0.6
    assert len(tally.done) == 8
    for verb in tally.done:
        assert tally.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    hit: dict[str, set[str]] = {}
    for verb, reason in play(SETUPS, 800).reasons:
        hit.setdefault(verb, set()).add(reason)
    assert hit == REASONS_TO_HIT


@pytest.mark.long
@pytest.mark.parametrize("seed", range(4))
def test_model_equals_bytecode_at_length(seed: int) -> None:
    play([(SETUPS[seed % 2][0], 100 + seed)], 5_000)


def test_what_is_not_modelled_is_refused_and_says_so() -> None:
    twins = Twins(*SETUPS[0])
    args = {"collateral": "ETH@test", "debt": "USD@test", "user": "a", "cover": 1}
    for verb in ("liquidate", "set_emode", "flash_loan_simple", "configure"):
        with pytest.raises(Revert, match=f"{verb} of v3.6 is not modelled"):
            twins.model.do(twins.people[0], Action(verb, args))
