"""Places of an Aave v3.6 market that random lives hardly ever meet exactly: the limits of a liquidation, dust, bad debt."""

from __future__ import annotations

from harness.aave import RAY
from harness.driver import refused
from tidemill.interfaces import Revert
from tidemill.venues.aave_v3.rules_v36 import ray_div_up
from twins.aave_v36_twin import ALL, DAY, SETUPS, VARIABLE, Twins

USD, ETH, NIL = range(3)
E6, E8, E18 = 10**6, 10**8, 10**18
UNHEALTHY = "HealthFactorLowerThanLiquidationThreshold()"


def fresh(collateral: int = E18, debt: int = 1_600 * E6) -> tuple[Twins, str, str, str]:
    """Alice owes USD on ETH at 2,000; carol lends plenty of USD and NIL."""
    twins = Twins(*SETUPS[0])
    alice, bob, carol = twins.real.actors.values()
    twins.set_price(ETH, 2_000 * E8)
    for index, amount in ((USD, 10**7 * E6), (NIL, 10**5 * E8)):
        twins.do(carol, "supply", index, amount, carol, 0, on_behalf_of=carol)
    twins.do(alice, "supply", ETH, collateral, alice, 0, on_behalf_of=alice)
    if debt:
        borrow(twins, alice, USD, debt)
    twins.compare()
    return twins, alice, bob, carol


def borrow(twins: Twins, who: str, index: int, amount: int) -> None:
    twins.do(who, "borrow", index, amount, VARIABLE, 0, who)


def supply(twins: Twins, who: str, index: int, amount: int) -> None:
    twins.do(who, "supply", index, amount, who, 0, on_behalf_of=who)


def health(twins: Twins, who: str) -> int:
    return int(twins.real.pool.view("getUserAccountData", who)[-1])


def health_of_exactly_one() -> None:
    """Healthy at one, not one step of the price below."""
    twins, alice, bob, _ = fresh(debt=0)
    twins.set_price(ETH, 2_100 * E8)
    borrow(twins, alice, USD, 1_650 * E6)
    twins.set_price(ETH, 2_000 * E8)  # at a threshold of 82.5 %: 1,650
    assert health(twins, alice) == E18
    refused("HealthFactorNotBelowThreshold()", twins, lambda: twins.liquidate(bob, ETH, USD, alice, ALL))
    twins.set_price(ETH, 2_000 * E8 - 1)
    assert health(twins, alice) == E18 - 5_000_000  # a step is 82.5 % of one in 1,650 * 10**8, of a wad
    twins.liquidate(bob, ETH, USD, alice, ALL)
    twins.compare()


def close_factor() -> None:
    """Half of what is owed above a health factor of 0.95; all of it at 0.95, or below 2,000 dollars of debt."""
    for collateral, debt, price, whole in (
        (10, 16_000, 1_842_424_24242, True),
        (10, 16_000, 1_842_424_24244, False),
        (2, 2_000, 1_188 * E8, False),
        (2, 1_999, 1_187 * E8, True),
    ):
        twins, alice, bob, _ = fresh(collateral * E18, debt * E6)
        twins.set_price(ETH, price)
        assert (health(twins, alice) <= 95 * 10**16) == (price == 1_842_424_24242)
        made = twins.liquidate(bob, ETH, USD, alice, ALL)
        assert made.amounts["debt"] == debt * E6 // (1 if whole else 2)
        twins.compare()


def close_factor_by_collateral() -> None:
    """Collateral worth less than 2,000 dollars goes for the whole debt; at 2,000 half of the debt leaves dust of it."""
    for supplied in (2_000 * E6 - 1, 2_000 * E6):
        twins, alice, bob, _ = fresh(2 * E18, 2_500 * E6)
        supply(twins, alice, USD, supplied)
        twins.set_price(ETH, 500 * E8)
        assert 95 * 10**16 < health(twins, alice) < E18
        if supplied == 2_000 * E6:
            refused("MustNotLeaveDust()", twins, lambda t=twins, a=alice, b=bob: t.liquidate(b, USD, USD, a, ALL))
            continue
        made = twins.liquidate(bob, USD, USD, alice, ALL)
        assert made.amounts["collateral"] + made.amounts["fee"] == supplied
        twins.compare()


def collateral_is_valued_downwards() -> None:
    """A wei less than two ether at 1,000 is worth less than 2,000 dollars: it goes for the whole debt."""
    twins, alice, bob, _ = fresh(2 * E18 - 1, 3_000 * E6)
    supply(twins, alice, USD, 1_650 * E6)
    twins.set_price(ETH, 1_000 * E8)
    assert 95 * 10**16 < health(twins, alice) < E18
    made = twins.liquidate(bob, ETH, USD, alice, ALL)
    assert made.amounts["collateral"] + made.amounts["fee"] == 2 * E18 - 1
    assert made.amounts["debt"] > 1_500 * E6  # more than half of what is owed
    twins.compare()


def two_debts() -> None:
    """Half of the sum of debts may be more than the larger of them, and never more than the smaller."""
    for index, most in ((USD, 7_240), (NIL, 80)):
        twins, alice, bob, _ = fresh(10 * E18, 12_000 * E6)
        borrow(twins, alice, NIL, 80 * E8)
        twins.set_price(ETH, 1_750 * E8)
        made = twins.liquidate(bob, ETH, index, alice, ALL)
        assert made.amounts["debt"] == most * (E6 if index == USD else E8)
        twins.compare()


def no_dust() -> None:
    """Neither debt nor collateral below 1,000 dollars may be left, but for nothing at all."""
    twins, alice, bob, _ = fresh(10 * E18, 15_000 * E6)
    twins.set_price(ETH, 1_700 * E8)
    dust = "MustNotLeaveDust()"
    refused(dust, twins, lambda: twins.liquidate(bob, ETH, USD, alice, 14_000 * E6 + 1))
    twins.liquidate(bob, ETH, USD, alice, 14_000 * E6)
    twins.compare()
    twins, alice, bob, _ = fresh(10 * E18, 15_000 * E6)
    twins.set_price(ETH, 1_500 * E8)
    # 15,000 dollars of collateral: 14,000 of it pay for 13,333.333333 at a bonus of five per cent.
    refused(dust, twins, lambda: twins.liquidate(bob, ETH, USD, alice, 13_333_333_334))
    twins.liquidate(bob, ETH, USD, alice, 13_333_333_333)
    twins.compare()


def bad_debt() -> None:
    """What no collateral pays for becomes the reserves' deficit, with aTokens or without; suppliers' rate knows of it."""
    for receive in (False, True):
        twins, alice, bob, carol = fresh(10 * E18, 8_000 * E6)
        borrow(twins, alice, NIL, 225 * E8)
        supply(twins, bob, ETH, 10 * E18)
        borrow(twins, bob, USD, 5_000 * E6)
        twins.evm.advance(seconds=30 * DAY)
        twins.set_price(ETH, 500 * E8)
        made = twins.liquidate(carol, ETH, USD, alice, ALL, receive=receive)
        assert made.features.get("received_supply", 0) == receive  # no view tells it: it moves gas
        twins.compare()
        state = twins.model.state
        assert not state.borrowed.get(alice)
        assert not state.collateral.get(alice)
        assert state.reserves[twins.ids[USD]].deficit > 3_000 * E6
        assert state.reserves[twins.ids[NIL]].deficit >= 225 * E8
        twins.evm.advance(seconds=30 * DAY)
        twins.do(bob, "repay", USD, E6, VARIABLE, bob, on_behalf_of=bob)
        twins.compare()


def worthless_collateral_is_none() -> None:
    """Other collateral that is worth nothing in the base currency does not keep bad debt alive."""
    twins, alice, bob, _ = fresh(10 * E18, 15_000 * E6)
    supply(twins, alice, USD, 1)
    twins.set_price(USD, E6 - 1)
    twins.set_price(ETH, 10 * E8)
    assert twins.model.state.collateral[alice] >> USD & 1
    twins.liquidate(bob, ETH, USD, alice, ALL)
    twins.compare()
    assert not twins.model.state.borrowed.get(alice)
    assert twins.model.state.reserves[twins.ids[USD]].deficit


def what_is_refused() -> None:
    """Oneself, a paused reserve, the healthy, what is not used, not owed, and nothing, in this order."""
    twins, alice, bob, _ = fresh()
    supply(twins, bob, USD, E6)
    refused("SelfLiquidation()", twins, lambda: twins.liquidate(alice, ETH, USD, alice, ALL))
    twins.set_price(ETH, 1_850 * E8)
    refused("SpecifiedCurrencyNotBorrowedByUser()", twins, lambda: twins.liquidate(bob, ETH, NIL, alice, ALL))
    refused("CollateralCannotBeLiquidated()", twins, lambda: twins.liquidate(bob, USD, NIL, alice, ALL))
    refused("InvalidBurnAmount()", twins, lambda: twins.liquidate(bob, ETH, USD, alice, 0))
    for index in (ETH, USD):
        twins.configure(index, "paused", 1)
        refused("ReservePaused()", twins, lambda: twins.liquidate(bob, ETH, USD, alice, ALL))
        refused("SelfLiquidation()", twins, lambda: twins.liquidate(alice, ETH, USD, alice, ALL))
        twins.configure(index, "paused", 0)
    twins.configure(ETH, "frozen", 1)
    twins.liquidate(bob, ETH, USD, alice, ALL)
    twins.compare()


def one_reserve_twice() -> None:
    """Debt and collateral of one reserve: the contract adds what grew for the treasury twice."""
    twins, alice, bob, _ = fresh(10 * E18, 15_000 * E6)
    supply(twins, alice, USD, 3_000 * E6)
    twins.evm.advance(seconds=30 * DAY)
    twins.set_price(ETH, 1_300 * E8)
    reserve = twins.model.state.reserves[twins.ids[USD]]
    assert reserve.accrued == 0
    twins.liquidate(bob, USD, USD, alice, 1_000 * E6)
    twins.compare()
    grown = 15_000 * E6 * (reserve.variable_index - RAY) // RAY
    assert reserve.accrued > grown * 19 // 100
    twins.evm.advance(seconds=30 * DAY)  # now there is something that waits already, and it is added once
    twins.liquidate(bob, USD, USD, alice, 500 * E6)
    twins.compare()


def fee_of_a_few_units() -> None:
    """At an index near 1.55 shares and units part: none is left for the fee, or just those that it needs."""
    for supplied, seized, fee, left in ((7, 5, 0, 0), (24, 20, 2, 2)):
        twins, alice, bob, _ = fresh(debt=0)
        for field, value in (("reserve_factor", 0), ("liquidation_fee", 10_000), ("ltv", 5_000)):
            twins.configure(NIL, field, value)
        supply(twins, bob, ETH, 10**4 * E18)
        borrow(twins, bob, NIL, 10**5 * E8)
        twins.evm.advance(seconds=66 * DAY)
        twins.do(alice, "withdraw", ETH, ALL, alice)
        supply(twins, alice, NIL, supplied)
        twins.set_price(NIL, 1_000 * E8)
        borrow(twins, alice, USD, 20)
        twins.set_price(NIL, 100 * E8)  # a unit of it is worth one of USD
        reserve = twins.model.state.reserves[twins.ids[NIL]]
        assert 154 * RAY // 100 < reserve.liquidity_index < 155 * RAY // 100
        shares = reserve.supplied[alice]
        made = twins.liquidate(bob, NIL, USD, alice, ALL)
        assert (made.amounts["collateral"], made.amounts["fee"]) == (seized, fee)
        assert shares - ray_div_up(seized, reserve.liquidity_index) == left
        assert reserve.supplied.get(twins.real.treasury, 0) == left
        twins.compare()


def all_that_there_is() -> None:
    """A loan counts as its rounded shares make it, against all that is supplied; more than lies there is refused otherwise."""
    twins, alice, bob, carol = fresh(10**4 * E18, 0)
    twins.configure(NIL, "reserve_factor", 0)
    borrow(twins, alice, NIL, 10**5 * E8)
    twins.evm.advance(seconds=66 * DAY)
    twins.do(alice, "repay", NIL, ALL, VARIABLE, alice, on_behalf_of=alice)
    twins.do(carol, "withdraw", NIL, ALL, carol)
    outcomes: set[str] = set()
    for supplied in range(8, 24):
        supply(twins, bob, NIL, supplied)
        lent = int(twins.real.reserves[NIL].supply.view("totalSupply"))
        refused("InvalidAmount()", twins, lambda t=twins, w=bob, n=lent: t.flash_loan(w, NIL, n + 1))
        for amount in range(supplied + 2, 0, -1):
            try:
                borrow(twins, alice, NIL, amount)
            except Revert as revert:
                outcomes.add(revert.reason)
                continue
            twins.compare()
            break
        twins.do(alice, "repay", NIL, ALL, VARIABLE, alice, on_behalf_of=alice)
        twins.do(bob, "withdraw", NIL, ALL, bob)
    assert outcomes == {"InvalidAmount()"}


def what_collateral_lends() -> None:
    """The average loan to value counts downwards and is met by the last unit; health is asked first, and one is healthy."""
    short = "CollateralCannotCoverNewBorrow()"
    twins, alice, _, _ = fresh(debt=0)
    refused(short, twins, lambda: borrow(twins, alice, USD, 1_650 * E6))  # at a threshold of 82.5 %: health of one
    refused(UNHEALTHY, twins, lambda: borrow(twins, alice, USD, 1_650 * E6 + 1))
    twins.set_price(USD, E6)  # a unit of it is worth one of the base currency
    twins.set_price(ETH, 2_000 * E8 + 1)  # at 80 %: 1,600 and four fifths of a unit
    refused(short, twins, lambda: borrow(twins, alice, USD, 1_600 * E8 + 1))
    borrow(twins, alice, USD, 1_600 * E8)
    twins.compare()
    twins.do(alice, "repay", USD, 1, VARIABLE, alice, on_behalf_of=alice)
    twins.set_price(USD, E6 + 1)  # a millionth part is left over, and debt is valued upwards
    assert twins.real.pool.view("getUserAccountData", alice)[1] == 1_600 * E8 + 159_999
    twins.compare()


def borrow_cap_met_exactly() -> None:
    """All debt with the loan's shares, each rounded up, may come to the cap and not past it."""
    cap = 101  # its product with the unit is not what their sum is
    twins, alice, _, _ = fresh(10**4 * E18, 0)
    twins.configure(NIL, "borrow_cap", cap)
    refused("BorrowCapExceeded()", twins, lambda: borrow(twins, alice, NIL, cap * E8 + 1))
    borrow(twins, alice, NIL, cap * E8)
    twins.compare()
    twins.configure(NIL, "borrow_cap", 0)
    borrow(twins, alice, NIL, 10**5 * E8 - cap * E8)
    twins.evm.advance(seconds=66 * DAY)
    twins.do(alice, "repay", NIL, ALL, VARIABLE, alice, on_behalf_of=alice)
    debt = twins.real.reserves[NIL].debt
    met: set[bool] = set()
    reasons: set[str] = set()
    for cap in range(101, 117):
        twins.configure(NIL, "borrow_cap", cap)
        borrow(twins, alice, NIL, cap)
        missing = cap * E8 - int(debt.view("totalSupply"))
        for amount in range(missing + 2, 0, -1):
            try:
                borrow(twins, alice, NIL, amount)
            except Revert as revert:
                reasons.add(revert.reason)
                continue
            break
        met.add(int(debt.view("totalSupply")) == cap * E8)
        twins.compare()
        twins.do(alice, "repay", NIL, ALL, VARIABLE, alice, on_behalf_of=alice)
    assert met == {False, True}
    assert reasons == {"BorrowCapExceeded()"}


def supply_cap_met_exactly() -> None:
    """All supply with what is added may come to the cap: as shares, downwards, at an index near 1.55."""
    twins, alice, bob, carol = fresh(10**4 * E18, 0)
    twins.configure(NIL, "reserve_factor", 0)
    borrow(twins, alice, NIL, 10**5 * E8)
    twins.evm.advance(seconds=66 * DAY)
    twins.do(alice, "repay", NIL, ALL, VARIABLE, alice, on_behalf_of=alice)
    twins.do(carol, "withdraw", NIL, ALL, carol)
    reserve = twins.model.state.reserves[twins.ids[NIL]]
    between: set[bool] = set()
    reasons: set[str] = set()
    for cap in range(101, 109):
        twins.configure(NIL, "supply_cap", cap)
        for amount in range(cap * E8 + 4, 0, -1):
            try:
                supply(twins, bob, NIL, amount)
            except Revert as revert:
                reasons.add(revert.reason)
                continue
            break
        assert int(twins.real.reserves[NIL].supply.view("totalSupply")) <= cap * E8
        between.add(reserve.total_supplied * reserve.liquidity_index > cap * E8 * RAY)  # a part of a unit past the cap
        twins.compare()
        twins.do(bob, "withdraw", NIL, ALL, bob)
    assert between == {False, True}
    assert reasons == {"SupplyCapExceeded()"}


def repaid_with_supply() -> None:
    """Collateral that is all paid away is no longer used; who still owes must be healthy, who does not is not asked."""
    twins, alice, _, _ = fresh()
    state, bit = twins.model.state, 1 << USD
    supply(twins, alice, USD, 100 * E6)
    for amount, left in ((30 * E6, True), (ALL, False)):
        assert state.collateral[alice] & bit
        assert twins.do(alice, "repay_with_supply", USD, amount, VARIABLE).features["reserves_valued"] == 2
        assert bool(state.collateral[alice] & bit) == left
        twins.compare()
    supply(twins, alice, USD, 2_000 * E6)
    made = twins.do(alice, "repay_with_supply", USD, 1_500 * E6, VARIABLE)
    assert "reserves_valued" not in made.features  # no view tells it: it moves gas
    assert alice not in state.borrowed
    twins.compare()
    twins, alice, _, _ = fresh()
    supply(twins, alice, USD, 100 * E6)
    twins.set_price(ETH, 1_800 * E8)
    refused(UNHEALTHY, twins, lambda: twins.do(alice, "repay_with_supply", USD, 50 * E6, VARIABLE))
    twins.set_price(ETH, 2_000 * E8)
    twins.do(alice, "repay_with_supply", USD, 50 * E6, VARIABLE)
    twins.compare()


EDGES = (
    what_collateral_lends,
    borrow_cap_met_exactly,
    supply_cap_met_exactly,
    repaid_with_supply,
    health_of_exactly_one,
    close_factor,
    close_factor_by_collateral,
    collateral_is_valued_downwards,
    two_debts,
    no_dust,
    bad_debt,
    worthless_collateral_is_none,
    what_is_refused,
    one_reserve_twice,
    fee_of_a_few_units,
    all_that_there_is,
)
