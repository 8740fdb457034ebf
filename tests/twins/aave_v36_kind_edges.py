"""Places of a wider Aave v3.6 market that random lives hardly ever meet exactly: e-modes, isolation, siloed debt."""

from __future__ import annotations

from itertools import combinations, product

from harness.driver import refused
from tidemill.interfaces import Action, Result, Revert
from twins.aave_v36_edges import E6, E8, E18, UNHEALTHY, borrow, health, supply
from twins.aave_v36_twin import ALL, ETH, ISO, NIL, OUT, SETUPS, SIL, STK, USD, Twins


def fresh() -> tuple[Twins, str, str, str]:
    """Carol lends plenty of everything that may be borrowed somewhere."""
    twins = Twins(*SETUPS[2])
    alice, bob, carol = twins.real.actors.values()
    twins.set_price(ETH, 2_000 * E8)
    for index, amount in ((USD, 10**7 * E6), (ETH, 10**4 * E18), (NIL, 10**5 * E8), (SIL, 10**6 * E18)):
        supply(twins, carol, index, amount)
    supply(twins, carol, OUT, 10**6 * E18)
    twins.compare()
    return twins, alice, bob, carol


def use(twins: Twins, who: str, index: int, *, on: bool) -> Result:
    action = Action("set_collateral", {"asset": twins.ids[index], "on": on})
    token = twins.real.reserves[index].token.address
    return twins._both(who, "setUserUseReserveAsCollateral", (token, on), action)


def a_category_is_entered_and_left() -> None:
    """Only one that there is; again is nothing; what is owed must be lent there, and the account stay healthy."""
    twins, alice, bob, _ = fresh()
    refused("InconsistentEModeCategory()", twins, lambda: twins.set_emode(alice, 4))
    assert not twins.set_emode(alice, 0).events
    assert twins.set_emode(alice, 1).events
    assert not twins.set_emode(alice, 1).events
    supply(twins, alice, STK, 10 * E18)
    refused("NotBorrowableInEMode()", twins, lambda: borrow(twins, alice, USD, E6))
    borrow(twins, alice, ETH, 10 * E18)
    for category in (2, 3):
        twins.configure_category(3, "borrowables", ETH, on=False)
        refused(f"InvalidDebtInEmode(ETH@test, {category})", twins, lambda to=category: twins.set_emode(alice, to))
    refused(UNHEALTHY, twins, lambda: twins.set_emode(alice, 0))
    twins.configure_category(3, "borrowables", ETH, on=True)
    refused(UNHEALTHY, twins, lambda: twins.set_emode(alice, 3))  # its threshold is lower
    twins.do(alice, "repay", ETH, 2 * E18, 2, alice, on_behalf_of=alice)
    twins.configure(USD, "frozen", 1)  # lends nothing any more, which is nothing to somebody who has none
    twins.set_emode(bob, 1)
    twins.set_emode(alice, 0)  # healthy, though more is owed than the loan to value would lend
    assert health(twins, alice) >= E18
    twins.compare()


def entered_at_a_health_of_one() -> None:
    """A category whose threshold leaves a health factor of exactly one is entered, one below is not."""
    twins, alice, _, _ = fresh()
    twins.set_price(STK, 1_000 * E8)
    supply(twins, alice, STK, 10 * E18)
    borrow(twins, alice, USD, 6_000 * E6)
    twins.set_price(STK, 1_000 * E8 - 1)
    refused(UNHEALTHY, twins, lambda: twins.set_emode(alice, 3))
    twins.set_price(STK, 1_000 * E8)
    twins.set_emode(alice, 3)
    assert health(twins, alice) == E18
    twins.compare()


def debt_or_collateral_that_does_not_fit() -> None:
    """The reserve that was listed first is told first; of one reserve, the debt."""
    for using, owing, first in ((NIL, OUT, "Collateral"), (OUT, USD, "Debt"), (OUT, OUT, "Debt")):
        twins, alice, _, _ = fresh()
        twins.configure_category(2, "zero_ltv", NIL, on=False)
        twins.set_emode(alice, 2)
        supply(twins, alice, using, 10**4 * 10 ** twins.listings[using].decimals)
        borrow(twins, alice, owing, 10 ** twins.listings[owing].decimals)
        if owing == USD:
            twins.configure(USD, "borrowing", 0)
        asset = twins.ids[using if first == "Collateral" else owing]
        refused(f"Invalid{first}InEmode({asset}, 0)", twins, lambda t=twins, a=alice: t.set_emode(a, 0))


def collateral_of_a_category_alone() -> None:
    """What lends only in a category is collateral there, and keeps the account in it."""
    twins, alice, bob, _ = fresh()
    for on in (False, True):  # that it lends nothing goes with it, and does not come back
        twins.configure_category(2, "collaterals", NIL, on=on)
        twins.compare()
    twins.configure_category(2, "zero_ltv", NIL, on=True)
    supply(twins, bob, OUT, E18)
    refused("UserInIsolationModeOrLtvZero()", twins, lambda: use(twins, bob, OUT, on=True))
    twins.set_emode(bob, 2)
    use(twins, bob, OUT, on=True)
    refused("InvalidCollateralInEmode(OUT@test, 0)", twins, lambda: twins.set_emode(bob, 0))
    borrow(twins, bob, USD, E6)
    twins.set_emode(alice, 2)
    supply(twins, alice, NIL, E8)  # lends nothing in this category
    refused("UserInIsolationModeOrLtvZero()", twins, lambda: use(twins, alice, NIL, on=True))
    twins.configure_category(2, "zero_ltv", NIL, on=False)
    assert use(twins, alice, NIL, on=True).features["isolation_sought"] == 0
    supply(twins, alice, USD, E6)
    assert use(twins, alice, USD, on=False).features["isolation_sought"] == 0
    assert use(twins, alice, USD, on=True).features["isolation_sought"] == 1
    twins.configure_category(2, "collaterals", NIL, on=False)
    refused("InvalidCollateralInEmode(NIL@test, 3)", twins, lambda: twins.set_emode(alice, 3))
    twins.configure_category(2, "collaterals", NIL, on=True)
    twins.set_emode(bob, 2)
    twins.configure(OUT, "frozen", 1)  # lends nothing in its category either, but counts while it stays
    twins.compare()
    refused("LtvValidationFailed()", twins, lambda: borrow(twins, bob, USD, E6))
    twins.configure(OUT, "frozen", 0)
    refused("LtvValidationFailed()", twins, lambda: borrow(twins, bob, USD, E6))


def what_lends_nothing_leaves_first() -> None:
    """Where one collateral lends nothing in the e-mode, no other may leave while there is debt."""
    twins, alice, _, _ = fresh()
    twins.configure_category(2, "zero_ltv", NIL, on=False)
    twins.set_emode(alice, 2)
    for index, amount in ((NIL, 1_000 * E8), (USD, 1_000 * E6)):
        supply(twins, alice, index, amount)
    borrow(twins, alice, SIL, E18)
    twins.configure_category(2, "zero_ltv", NIL, on=True)
    for leave in (lambda: twins.do(alice, "withdraw", USD, E6, alice), lambda: use(twins, alice, USD, on=False)):
        refused("LtvValidationFailed()", twins, leave)
    use(twins, alice, NIL, on=False)
    twins.do(alice, "withdraw", USD, E6, alice)
    twins.compare()


def liquidated_in_a_category() -> None:
    """The category's threshold and bonus hold inside it, the reserve's own for collateral that is not of it."""
    for index, bonus in ((STK, 10_100), (USD, 10_500)):
        twins, alice, bob, _ = fresh()
        twins.set_emode(alice, 1)
        supply(twins, alice, STK, 5 * E18)
        supply(twins, alice, USD, 5_000 * E6)
        borrow(twins, alice, ETH, 6 * E18)
        twins.set_price(ETH, 2_440 * E8)
        assert health(twins, alice) < E18
        made = twins.liquidate(bob, index, ETH, alice, E18)
        taken = made.amounts["collateral"] + made.amounts["fee"]
        price, unit = twins.model.state.prices[twins.ids[index]], 10 ** twins.listings[index].decimals
        assert taken * price * 10_000 // unit // (2_440 * E8) in (bonus - 1, bonus)
        twins.compare()


def bad_debt_in_isolation() -> None:
    """What is paid comes off the debt of isolated collateral; what is written off, in any reserve, does not."""
    twins, alice, bob, _ = fresh()
    supply(twins, alice, ISO, E8)
    use(twins, alice, ISO, on=True)
    borrow(twins, alice, USD, 10_000 * E6)
    borrow(twins, alice, NIL, 200 * E8)
    reserve = twins.model.state.reserves[twins.ids[ISO]]
    assert reserve.isolated_debt == 10_200 * 100
    twins.set_price(ISO, 3_000 * E8)
    paid = twins.liquidate(bob, ISO, USD, alice, ALL).amounts["debt"]
    assert reserve.isolated_debt == 10_200 * 100 - paid // 10**4
    assert twins.model.state.reserves[twins.ids[NIL]].deficit == 200 * E8
    twins.compare()


def ceiling_met_exactly() -> None:
    """A ceiling is met by the last hundredth, not passed; less than a hundredth is free."""
    twins, alice, _, _ = fresh()
    supply(twins, alice, ISO, 10**4 * E8)
    use(twins, alice, ISO, on=True)
    borrow(twins, alice, USD, 4_999_999 * E6)
    refused("DebtCeilingExceeded()", twins, lambda: borrow(twins, alice, USD, E6 + 10**4))
    borrow(twins, alice, USD, E6 + 10**4 - 1)
    twins.compare()
    twins.do(alice, "repay", USD, 10**4, 2, alice, on_behalf_of=alice)
    twins.do(alice, "repay", USD, 10**4 - 1, 2, alice, on_behalf_of=alice)
    twins.compare()
    assert twins.model.state.reserves[twins.ids[ISO]].isolated_debt == 5 * 10**8 - 1


def siloed() -> None:
    """Who owes in a siloed reserve owes in no other."""
    twins, alice, bob, _ = fresh()
    violation = "SiloedBorrowingViolation()"
    for who, first, second in ((alice, SIL, USD), (bob, USD, SIL)):
        supply(twins, who, ETH, E18)
        borrow(twins, who, first, 10 ** twins.listings[first].decimals)
        borrow(twins, who, first, 10 ** twins.listings[first].decimals)
        refused(violation, twins, lambda w=who, i=second: borrow(twins, w, i, 10**6))


def which_reason_comes_first() -> None:
    """A loan that breaks several rules at once is refused for the same one by both."""
    seen = set()
    for mode, alone in product((False, True), repeat=2):
        twins, alice, _, _ = fresh()
        supply(twins, alice, ISO, E8)
        use(twins, alice, ISO, on=True)
        if mode:
            twins.set_emode(alice, 2)
        if not alone:
            borrow(twins, alice, SIL, E18)
        flags = {"frozen": 1, "paused": 1, "borrow_cap": 1, "isolated_borrowing": 0}
        flags |= {"borrowables": 0} if mode else {"borrowing": 0}
        for many in range(len(flags) + 1):
            for broken in combinations(flags, many):
                turn(twins, broken, flags)
                for amount in (0, 6 * 10**6 * E6, 10**8 * E6):
                    seen.add(reason_of(twins, alice, amount))
                turn(twins, broken, {name: 1 - value for name, value in flags.items()} | {"borrow_cap": 0})
                twins.configure(USD, "ltv", 7_500)
        twins.compare()
    assert seen == {
        "InvalidAmount()",
        "ReserveFrozen()",
        "ReservePaused()",
        "BorrowCapExceeded()",
        "BorrowingNotEnabled()",
        "NotBorrowableInEMode()",
        "AssetNotBorrowableInIsolation()",
        "DebtCeilingExceeded()",
        "SiloedBorrowingViolation()",
    }


def turn(twins: Twins, fields: tuple[str, ...], values: dict[str, int]) -> None:
    for field in fields:
        if field == "borrowables":
            twins.configure_category(2, field, USD, on=bool(values[field]))
        else:
            twins.configure(USD, field, values[field])


def reason_of(twins: Twins, who: str, amount: int) -> str:
    try:
        borrow(twins, who, USD, amount)
    except Revert as revert:
        return revert.reason
    raise AssertionError("nothing refused")


EDGES = (
    a_category_is_entered_and_left,
    entered_at_a_health_of_one,
    debt_or_collateral_that_does_not_fit,
    collateral_of_a_category_alone,
    what_lends_nothing_leaves_first,
    liquidated_in_a_category,
    bad_debt_in_isolation,
    ceiling_met_exactly,
    siloed,
    which_reason_comes_first,
)
