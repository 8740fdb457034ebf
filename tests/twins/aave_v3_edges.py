"""Places of an Aave market that random lives hardly ever reach: limits met exactly, isolation, dust, short liquidity."""

from __future__ import annotations

import random
from collections.abc import Callable
from typing import Any

from harness import assert_same, both
from harness.aave import RAY
from harness.actors import MAX, actor
from harness.contract import deploy
from harness.driver import refused
from harness.evm import Evm
from tidemill.interfaces import Action, Revert
from tidemill.venues.aave_v3 import rules, rules_risk
from tidemill.venues.aave_v3.model_reserve import as_word
from twins.aave_v3_twin import ALL, DAI, DAY, ETH, ISO, SIL, USD, Twins

E6, E8, E18 = 10**6, 10**8, 10**18
YEAR = 365 * DAY


def fresh() -> tuple[Twins, str, str, str]:
    """A market in which carol lends plenty of everything but ISO, which nobody has touched."""
    twins = Twins()
    alice, bob, carol = twins.real.actors.values()
    for index, amount in ((USD, 10**7 * E6), (DAI, 10**7 * E18), (ETH, 10**4 * E18), (SIL, 10**7 * E18)):
        twins.supply(carol, index, amount)
    twins.compare()
    return twins, alice, bob, carol


def poor(twins: Twins, index: int) -> str:
    """Somebody without a token, who lets the pool take any."""
    who = actor("poor")
    twins.real.reserves[index].token.send(who, "approve", twins.real.pool.address, MAX)
    return who


def indebted(collateral: int = E18, debt: int = 1_600 * E6) -> tuple[Twins, str, str, str]:
    """Alice owes USD on ETH: at the price of 2,000 exactly what its loan to value allows."""
    twins, alice, bob, carol = fresh()
    twins.supply(alice, ETH, collateral)
    twins.borrow(alice, USD, debt)
    twins.compare()
    return twins, alice, bob, carol


def caps_met_exactly() -> None:
    """The last unit under a cap, and one more; what the treasury has earned counts as supplied."""
    twins, alice, bob, carol = fresh()
    twins.supply(alice, ETH, 10**3 * E18)
    twins.borrow(alice, USD, 10**5 * E6)
    twins.evm.advance(seconds=30 * DAY)
    twins.supply(bob, USD, 1)
    standing = twins.real.reserves[USD].supply.view("totalSupply")
    state = twins.model.state.reserves[twins.ids[USD]]
    whole = rules.ray_mul_half_up(state.total_supplied + state.accrued, state.liquidity_index)
    assert whole > standing
    twins.configure(USD, "supply_cap", 10**7 + 10**3)
    room = (10**7 + 10**3) * E6 - whole
    refused("51", twins, lambda: twins.supply(bob, USD, room + 1))
    twins.supply(bob, USD, room)
    twins.compare()
    refused("51", twins, lambda: twins.supply(carol, USD, 1))
    twins.configure(USD, "borrow_cap", 10**5 + 10**4)
    owed = twins.real.reserves[USD].debt.view("totalSupply")
    room = (10**5 + 10**4) * E6 - owed
    refused("50", twins, lambda: twins.borrow(alice, USD, room + 1))
    twins.borrow(alice, USD, room)
    twins.compare()
    refused("50", twins, lambda: twins.borrow(alice, USD, 1))


def inactive() -> None:
    """A reserve that is not active does nothing, an unlisted token neither."""
    twins, alice, bob, _ = fresh()
    twins.supply(alice, ETH, E18)
    twins.borrow(alice, USD, 100 * E6)
    twins.configure(ISO, "active", 0)
    refused("27", twins, lambda: twins.supply(alice, ISO, E8))
    refused("26", twins, lambda: twins.withdraw(alice, ISO, ALL))
    refused("32", twins, lambda: twins.withdraw(alice, ISO, 1))
    refused("27", twins, lambda: twins.borrow(alice, ISO, E8))
    refused("27", twins, lambda: twins.repay(alice, ISO, E8))
    refused("43", twins, lambda: twins.set_collateral(alice, ISO, on=True))
    refused("27", twins, lambda: twins.flash_loan(alice, ISO, 0))
    refused("27", twins, lambda: twins.liquidate(bob, ISO, USD, alice, 1))
    refused("27", twins, lambda: twins.liquidate(bob, ETH, ISO, alice, 1))
    twins.mint_to_treasury(bob, ISO)
    twins.compare()
    stranger = deploy(twins.evm, actor("stranger"), "TestToken", "X", "X", 18).address
    for verb, call in (
        ("supply", ("supply", stranger, 1, alice, 0)),
        ("withdraw", ("withdraw", stranger, 1, alice)),
        ("borrow", ("borrow", stranger, 1, 2, 0, alice)),
        ("repay", ("repay", stranger, 1, 2, alice)),
    ):
        action = Action(verb, {"asset": "X@test", "amount": 1})
        refused("", twins, lambda c=call, a=action: twins.do(twins.pool(alice, *c), alice, a))


def switched_off() -> None:
    """Frozen, paused, not for borrowing, without flash loans: what still works and what does not."""
    twins, alice, bob, _ = indebted(debt=1_000 * E6)
    twins.configure(USD, "frozen", 1)
    refused("28", twins, lambda: twins.supply(bob, USD, 1))
    refused("28", twins, lambda: twins.borrow(alice, USD, 1))
    twins.repay(alice, USD, E6)
    twins.flash_loan(bob, USD, E6)
    twins.compare()
    twins.configure(USD, "frozen", 0)
    twins.configure(USD, "paused", 1)
    for act in (
        lambda: twins.supply(bob, USD, 1),
        lambda: twins.borrow(alice, USD, 1),
        lambda: twins.repay(alice, USD, 1),
        lambda: twins.repay_with_supply(alice, USD, 1),
        lambda: twins.flash_loan(bob, USD, 1),
        lambda: twins.liquidate(bob, ETH, USD, alice, 1),
        lambda: twins.liquidate(bob, USD, ETH, alice, 1),
    ):
        refused("29", twins, act)
    twins.configure(USD, "paused", 0)
    twins.configure(ETH, "paused", 1)
    refused("29", twins, lambda: twins.set_collateral(alice, ETH, on=False))
    refused("29", twins, lambda: twins.withdraw(alice, ETH, 1))
    twins.configure(ETH, "paused", 0)
    twins.configure(USD, "borrowing", 0)
    refused("30", twins, lambda: twins.borrow(alice, USD, 1))
    twins.configure(USD, "flash_loans", 0)
    refused("91", twins, lambda: twins.flash_loan(alice, USD, 1))


def health_of_exactly_one() -> None:
    """At a health factor of one: no borrowing, withdrawing nothing more, no liquidation; one step below, liquidation."""
    twins, alice, bob, _ = indebted()
    twins.set_price(ETH, 193_939_393_939)
    assert twins.real.pool.view("getUserAccountData", alice)[-1] == E18
    twins.compare()
    refused("35", twins, lambda: twins.borrow(alice, USD, 1))
    refused("45", twins, lambda: twins.liquidate(bob, ETH, USD, alice, ALL))
    twins.set_price(ETH, 193_939_393_939 + 10)
    refused("35", twins, lambda: twins.withdraw(alice, ETH, 10**9))
    twins.withdraw(alice, ETH, 10**6)
    twins.compare()
    twins.set_price(ETH, 193_939_393_938)
    twins.liquidate(bob, ETH, USD, alice, ALL)
    twins.compare()


def leaving_at_exactly_one() -> None:
    """Collateral without value may leave at a health factor of one, and nobody who uses none takes any out of use."""
    twins, alice, bob, carol = indebted()
    twins.supply(alice, SIL, 1)
    twins.set_price(ETH, 193_939_393_939)
    assert twins.real.pool.view("getUserAccountData", alice)[-1] == E18
    twins.set_collateral(alice, SIL, on=False)
    twins.compare()
    twins.set_collateral(alice, SIL, on=True)
    twins.withdraw(alice, SIL, ALL)
    twins.compare()
    twins.supply(bob, USD, E6)
    twins.set_collateral(bob, USD, on=False)
    twins.withdraw(bob, USD, ALL)
    twins.compare()
    twins.set_price(ETH, 2_500 * E8)
    for index in (DAI, ETH, SIL):
        twins.set_collateral(carol, index, on=False)
    twins.withdraw(carol, USD, E6)
    twins.compare()


def isolation_of_the_first_reserve() -> None:
    """Who uses no collateral is in nobody's isolation, whichever reserve comes first."""
    twins = Twins()
    alice, bob, carol = twins.real.actors.values()
    twins.configure(USD, "category", 0)
    twins.set_emode(bob, 1)  # who owes nothing may enter any category
    twins.compare()
    twins.configure(USD, "debt_ceiling", 10**6)
    twins.supply(carol, DAI, 10**6 * E18)
    twins.supply(alice, ETH, E18)
    twins.borrow(alice, DAI, 1_500 * E18)
    twins.set_price(ETH, 100 * E8)
    twins.liquidate(bob, ETH, DAI, alice, ALL)
    assert not twins.model.state.collateral.get(alice)
    twins.repay(alice, DAI, E18)
    twins.compare()
    twins.mint_to_treasury(bob, DAI)
    twins.mint_to_treasury(bob, USD)
    twins.compare()


def close_factor() -> None:
    """Half at a health factor above 0.95, all of it at 0.95 and below."""
    for price, whole in ((184_242_424_242, True), (184_242_424_244, False), (184_242_424_000, True)):
        twins, alice, bob, _ = indebted()
        twins.set_price(ETH, price)
        health = twins.real.pool.view("getUserAccountData", alice)[-1]
        assert (health <= 95 * 10**16) == whole
        assert (health == 95 * 10**16) == (price == 184_242_424_242)
        made = twins.liquidate(bob, ETH, USD, alice, ALL)
        assert made.amounts["debt"] == 1_600 * E6 // (1 if whole else 2)
        twins.compare()


def collateral_that_is_too_little() -> None:
    """Collateral bounds what is covered: one unit around what covers all, aTokens or not; then bad debt is left."""
    for receive in (False, True):
        for price in (2_000 * E8 * 84 // 100 + step for step in (-1, 0, 1)):
            twins, alice, bob, _ = indebted()
            twins.set_price(ETH, price)
            twins.liquidate(bob, ETH, USD, alice, ALL, receive=receive)
            twins.compare()
        twins, alice, bob, _ = indebted()
        twins.set_price(ETH, 500 * E8)
        made = twins.liquidate(bob, ETH, USD, alice, ALL, receive=receive)
        assert made.amounts["collateral"] + made.amounts["fee"] == E18
        twins.compare()
        refused("46", twins, lambda t=twins, a=alice, b=bob: t.liquidate(b, ETH, USD, a, ALL))
        refused("34", twins, lambda t=twins, a=alice: t.borrow(a, USD, 1))


def liquidated_in_many_ways() -> None:
    """With aTokens to a newcomer, to oneself, of the same reserve, of nothing, of what is not owed or not used."""
    twins, alice, bob, carol = indebted()
    twins.supply(alice, USD, 50 * E6)
    twins.supply(alice, SIL, 10 * E18)
    twins.set_collateral(alice, SIL, on=False)
    twins.set_price(ETH, 1_850 * E8)
    refused("46", twins, lambda: twins.liquidate(bob, SIL, USD, alice, E6))
    refused("46", twins, lambda: twins.liquidate(bob, DAI, USD, alice, E6))
    refused("47", twins, lambda: twins.liquidate(bob, ETH, DAI, alice, E6))
    refused("25", twins, lambda: twins.liquidate(bob, ETH, USD, alice, 0))
    refused("balance", twins, lambda: twins.liquidate(poor(twins, USD), ETH, USD, alice, E6))
    newcomer = twins.people[1]
    twins.liquidate(newcomer, ETH, USD, alice, 10 * E6, receive=True)
    assert twins.model.state.collateral[newcomer] >> ETH & 1
    twins.compare()
    twins.liquidate(carol, ETH, USD, alice, 10 * E6, receive=True)
    twins.liquidate(alice, ETH, USD, alice, 10 * E6, receive=True)
    twins.compare()
    twins.evm.advance(seconds=DAY)
    twins.liquidate(alice, ETH, USD, alice, 10 * E6)
    twins.liquidate(bob, USD, USD, alice, 10 * E6)
    twins.compare()
    twins.liquidate(bob, USD, USD, alice, 30 * E6, receive=True)
    twins.compare()
    twins.evm.advance(seconds=DAY)
    twins.configure(ETH, "liquidation_fee", 10_000)
    twins.liquidate(bob, ETH, USD, alice, 10 * E6)
    twins.mint_to_treasury(bob, ETH)
    twins.compare()


def isolation() -> None:
    """Collateral in isolation: only on request, alone, for some debts, up to a ceiling; repaying frees it."""
    twins, alice, bob, _ = fresh()
    twins.supply(alice, ISO, 1_000 * E8)
    assert not twins.model.state.collateral.get(alice, 0)
    twins.set_collateral(alice, ISO, on=True)
    twins.supply(alice, ETH, E18)
    assert twins.model.state.collateral[alice] == 1 << ISO
    refused("62", twins, lambda: twins.set_collateral(alice, ETH, on=True))
    refused("60", twins, lambda: twins.borrow(alice, ETH, 1))
    twins.borrow(alice, USD, 5 * 10**6 * E6 - 1)
    refused("53", twins, lambda: twins.borrow(alice, USD, 20_000))
    twins.borrow(alice, USD, 9_999)
    twins.compare()
    twins.borrow(alice, USD, 10_000)
    refused("53", twins, lambda: twins.borrow(alice, DAI, E18 // 100))
    refused("62", twins, lambda: twins.set_collateral(alice, ETH, on=True))
    twins.repay(bob, USD, E6, alice)
    twins.borrow(alice, DAI, E18 // 2)
    twins.compare()
    twins.evm.advance(seconds=YEAR)
    twins.set_price(ISO, 4_000 * E8)
    twins.liquidate(bob, ISO, USD, alice, 10**6 * E6)
    twins.compare()
    twins.set_price(ISO, 30_000 * E8)
    twins.repay(alice, DAI, ALL)
    twins.repay(alice, USD, ALL)
    assert twins.model.state.reserves[twins.ids[ISO]].isolated_debt == 0
    twins.compare()
    twins.set_collateral(alice, ISO, on=False)
    twins.set_collateral(alice, ETH, on=True)
    refused("62", twins, lambda: twins.set_collateral(alice, ISO, on=True))
    twins.supply(bob, ETH, E18)
    twins.supply(bob, ISO, E8)
    refused("62", twins, lambda: twins.set_collateral(bob, ISO, on=True))
    twins.borrow(bob, DAI, E18)
    assert twins.model.state.reserves[twins.ids[ISO]].isolated_debt == 0
    twins.compare()


def siloed() -> None:
    """Who owes in a siloed reserve owes in no other, and the other way round."""
    twins, alice, bob, _ = fresh()
    for who in (alice, bob):
        twins.supply(who, ETH, 10 * E18)
    twins.borrow(alice, SIL, E18)
    twins.borrow(alice, SIL, E18)
    refused("89", twins, lambda: twins.borrow(alice, USD, E6))
    twins.borrow(bob, USD, E6)
    refused("89", twins, lambda: twins.borrow(bob, SIL, E18))
    twins.borrow(bob, DAI, E18)
    refused("89", twins, lambda: twins.borrow(bob, SIL, E18))
    twins.repay(alice, SIL, ALL)
    twins.borrow(alice, USD, E6)
    twins.compare()


def emode() -> None:
    """Entering and leaving a category, what may be borrowed inside, its thresholds, its price and its bonus."""
    twins, alice, bob, _ = fresh()
    refused("58", twins, lambda: twins.set_emode(alice, 2))
    twins.set_emode(alice, 1)
    twins.supply(alice, USD, 1_000 * E6)
    refused("58", twins, lambda: twins.borrow(alice, ETH, 1))
    twins.borrow(alice, DAI, 920 * E18)
    refused("36", twins, lambda: twins.borrow(alice, DAI, 12 * E18))
    refused("35", twins, lambda: twins.set_emode(alice, 0))
    twins.set_emode(alice, 1)
    twins.compare()
    twins.set_price(DAI, 104 * 10**6)
    twins.liquidate(bob, USD, DAI, alice, 100 * E18)
    twins.compare()
    twins.supply(bob, ETH, 10 * E18)
    twins.borrow(bob, DAI, E18)
    twins.set_emode(bob, 1)
    twins.borrow(bob, USD, E6)
    twins.set_emode(bob, 0)
    twins.borrow(bob, ETH, E18)
    refused("58", twins, lambda: twins.set_emode(bob, 1))
    twins.repay(bob, ETH, ALL)
    twins.set_emode(bob, 1)
    twins.set_price(DAI, 0)
    refused("", twins, lambda: twins.set_emode(bob, 0))


def emode_of_collateral_that_lends_nothing() -> None:
    """A reserve whose own loan to value is nothing lends nothing in its category either, and counts at its threshold."""
    twins, alice, _, _ = fresh()
    twins.set_emode(alice, 1)
    twins.supply(alice, USD, 1_000 * E6)
    twins.borrow(alice, DAI, E18)
    twins.configure(USD, "ltv", 0)
    ltv, threshold = (twins.real.pool.view("getUserAccountData", alice)[i] for i in (4, 3))
    assert (ltv, threshold) == (0, 9_500)
    refused("57", twins, lambda: twins.borrow(alice, DAI, 1))


def emode_price() -> None:
    """A category whose price all its reserves take, for debt outside it as well; without it, nothing is answered."""
    from twins.aave_v3_twin import SETUPS

    twins = Twins(*SETUPS[1])
    alice, bob, carol = twins.real.actors.values()
    for index in (USD, DAI, ETH):
        twins.supply(carol, index, twins.worth(index, 10**14))
    twins.supply(alice, DAI, twins.worth(DAI, 10**11))
    twins.borrow(alice, ETH, twins.worth(ETH, 10**10))
    refused("58", twins, lambda: twins.set_emode(alice, 1))
    twins.repay(alice, ETH, ALL)
    twins.set_emode(alice, 1)
    twins.borrow(alice, USD, twins.worth(USD, 8 * 10**10))
    twins.compare()
    twins.set_price(DAI, 1)
    twins.compare()
    refused("36", twins, lambda: twins.borrow(alice, USD, twins.worth(USD, 2 * 10**10)))
    twins.set_price(USD, 0)
    refused("", twins, lambda: twins.borrow(alice, DAI, 10**18))
    twins.set_price(USD, 10**8)
    twins.supply(alice, ETH, twins.worth(ETH, 10**11))
    twins.set_collateral(alice, DAI, on=False)
    twins.set_price(ETH, 80_000)
    twins.liquidate(bob, ETH, USD, alice, twins.worth(USD, 10**9))
    twins.set_collateral(bob, ETH, on=True) if twins.held(bob, ETH) else None
    twins.compare()


def collateral_without_loan_to_value() -> None:
    """Collateral that lends nothing must leave first; alone it lends nothing."""
    twins, alice, bob, _ = fresh()
    twins.supply(alice, ETH, 10 * E18)
    twins.supply(alice, SIL, 10_000 * E18)
    twins.borrow(alice, USD, 1_000 * E6)
    twins.configure(SIL, "ltv", 0)
    refused("57", twins, lambda: twins.withdraw(alice, ETH, E18))
    refused("57", twins, lambda: twins.set_collateral(alice, ETH, on=False))
    twins.withdraw(alice, SIL, E18)
    twins.set_collateral(alice, SIL, on=False)
    refused("62", twins, lambda: twins.set_collateral(alice, SIL, on=True))
    twins.supply(bob, SIL, E18)
    assert not twins.model.state.collateral.get(bob, 0)
    twins.compare()
    twins.configure(ETH, "ltv", 0)
    refused("57", twins, lambda: twins.borrow(alice, USD, 1))


def dust() -> None:
    """Amounts that round to no share once an index has more than doubled; the accounts of who once was there."""
    twins, alice, bob, _ = fresh()
    twins.supply(bob, ETH, 10**4 * E18)
    twins.borrow(bob, DAI, 95 * 10**5 * E18)
    twins.supply(alice, ETH, E18)
    for _ in range(3):
        twins.evm.advance(seconds=3 * YEAR)
        twins.supply(alice, DAI, 10**9)
        twins.borrow(alice, DAI, 10**9)
        twins.compare()
    state = twins.model.state.reserves[twins.ids[DAI]]
    assert min(state.liquidity_index, state.variable_index) > 2 * RAY
    refused("24", twins, lambda: twins.supply(alice, DAI, 1))
    refused("24", twins, lambda: twins.borrow(alice, DAI, 1))
    refused("25", twins, lambda: twins.withdraw(alice, DAI, 1))
    refused("25", twins, lambda: twins.repay(alice, DAI, 1))
    twins.withdraw(alice, DAI, ALL)
    twins.supply(alice, DAI, E18)
    twins.evm.advance(seconds=3 * YEAR)
    # What grew since is more than what is taken: the contracts log the difference as minted.
    twins.withdraw(alice, DAI, E18 // 100)
    twins.repay(alice, DAI, 10**9)
    twins.compare()


def short_liquidity() -> None:
    """More is asked for than lies there: the rates' own subtraction fails, without debt the token itself."""
    twins, alice, bob, carol = fresh()
    twins.supply(alice, ETH, 10**4 * E18)
    twins.borrow(alice, USD, 10**7 * E6)
    refused("Panic(0x11)", twins, lambda: twins.withdraw(carol, USD, 1))
    refused("Panic(0x11)", twins, lambda: twins.borrow(alice, USD, 1))
    refused("balance", twins, lambda: twins.flash_loan(bob, USD, 1))
    twins.evm.advance(seconds=DAY)
    twins.repay(bob, USD, 10**6 * E6, alice)
    twins.compare()
    refused("35", twins, lambda: twins.withdraw(alice, ETH, 9_999 * E18))
    twins.withdraw(carol, USD, 10**6 * E6)
    twins.compare()
    refused("balance", twins, lambda: twins.supply(bob, DAI, 1 << 119))


def nearly_nothing_there() -> None:
    """The curve at its bends: no debt, optimal usage exactly and one beyond, everything lent; the first seconds."""
    twins, alice, bob, carol = fresh()
    twins.supply(alice, ETH, 10**4 * E18)
    twins.borrow(alice, USD, 8 * 10**6 * E6)
    assert twins.model.state.reserves[twins.ids[USD]].variable_rate == 4 * RAY // 100
    twins.borrow(alice, USD, 1)
    twins.compare()
    for seconds in (0, 1, 2, 3, 4, 0, 1):
        twins.evm.advance(seconds=seconds)
        twins.compare()
        twins.repay(alice, USD, 10 + seconds)
        twins.mint_to_treasury(bob, USD)
        twins.compare()
    twins.borrow(alice, USD, twins.idle(USD))
    twins.compare()
    twins.repay(alice, USD, ALL)
    assert twins.model.state.reserves[twins.ids[USD]].variable_rate == 0
    twins.evm.advance(seconds=DAY)
    twins.mint_to_treasury(bob, USD)
    twins.withdraw(carol, USD, ALL)
    twins.compare()


def paying_back() -> None:
    """For somebody else, with what is supplied, too much, too little, for nothing."""
    twins, alice, bob, _ = indebted()
    refused("40", twins, lambda: twins.repay(bob, USD, ALL, alice))
    refused("39", twins, lambda: twins.repay(bob, USD, ALL))
    refused("26", twins, lambda: twins.repay(alice, USD, 0))
    refused("39", twins, lambda: twins.repay_with_supply(bob, USD, 1))
    refused("25", twins, lambda: twins.repay_with_supply(alice, USD, ALL))
    refused("Panic(0x11)", twins, lambda: twins.repay_with_supply(alice, USD, E6))
    twins.supply(alice, USD, 100 * E6)
    twins.evm.advance(seconds=DAY)
    twins.repay_with_supply(alice, USD, ALL)
    assert twins.model.state.collateral[alice] >> USD & 1, "the contract leaves the mark of an empty collateral"
    twins.compare()
    twins.supply(alice, USD, 5_000 * E6)
    twins.repay_with_supply(alice, USD, ALL)
    twins.compare()
    assert not twins.model.state.borrowed.get(alice)
    twins.borrow(alice, USD, 10 * E6)
    refused("balance", twins, lambda: twins.repay(poor(twins, USD), USD, E6, alice))
    twins.repay(bob, USD, 10 * E6 - 1, alice)
    assert twins.model.state.borrowed[alice]
    twins.repay(bob, USD, 1, alice)
    assert not twins.model.state.borrowed.get(alice)
    twins.compare()


def flash_loans() -> None:
    """Premiums that round, a receiver that says no, an empty reserve, and one where only the treasury has a claim."""
    twins, alice, bob, carol = fresh()
    for amount in (0, 1, 555, 556, 1_112, 10**13):
        twins.flash_loan(alice, USD, amount)
        twins.compare()
    refused("13", twins, lambda: twins.flash_loan(alice, USD, 1, accepted=False))
    refused("balance", twins, lambda: twins.flash_loan(alice, ISO, 1))
    refused("", twins, lambda: twins.flash_loan(alice, ISO, 0))
    twins.withdraw(carol, DAI, ALL)
    refused("", twins, lambda: twins.flash_loan(alice, DAI, 0))
    twins.withdraw(carol, USD, ALL)
    twins.flash_loan(alice, USD, 0)
    twins.evm.advance(seconds=DAY)
    twins.flash_loan(bob, USD, twins.idle(USD))
    twins.mint_to_treasury(bob, USD)
    twins.compare()
    twins.mint_to_treasury(bob, USD)
    twins.mint_to_treasury(bob, ISO)
    twins.compare()


def no_price() -> None:
    """Without an answer of the oracle, whatever needs a value fails without a word; the rest works."""
    twins, alice, bob, _ = indebted()
    twins.set_price(ETH, 0)
    for act in (
        lambda: twins.borrow(alice, USD, 1),
        lambda: twins.withdraw(alice, ETH, 1),
        lambda: twins.liquidate(bob, ETH, USD, alice, 1),
    ):
        refused("", twins, act)
    refused("35", twins, lambda: twins.set_collateral(alice, ETH, on=False))
    twins.repay(alice, USD, E6)
    twins.supply(alice, ETH, E18)
    twins.compare()


def positions_and_views() -> None:
    """Holdings as the books see them are the tokens' own balances; views the contracts do not have are refused."""
    twins, alice, _, _ = indebted()
    twins.evm.advance(seconds=DAY)
    now = twins.evm.block.time
    made = twins.model.model.positions(twins.model.state, "aave", alice, now, lambda *_: 0)
    supply, debt = made
    assert supply.principal == {"ETH@test": twins.held(alice, ETH)}
    assert debt.principal == {"USD@test": -twins.owed(alice, USD)}
    sizes = [twins.real.reserves[i].supply.view("scaledBalanceOf", alice) for i in range(5)]
    assert supply.data["size"] == sum(sizes)
    assert debt.data["size"] == twins.real.reserves[USD].debt.view("scaledBalanceOf", alice)
    assert not twins.model.model.positions(twins.model.state, "aave", "nobody", now, lambda *_: 0)
    for index in range(5):
        twins.compare_views(index)
        for token, contract in (
            ("aToken", twins.real.reserves[index].supply),
            ("variableDebtToken", twins.real.reserves[index].debt),
        ):
            for view in ("scaledTotalSupply", "scaledBalanceOf", "getPreviousIndex"):
                args = () if view == "scaledTotalSupply" else (alice,)
                mine = twins.model.read(f"{token}.{view}", twins.ids[index], *args)
                assert_same(contract.view(view, *args), mine, f"{token}.{view}")
        real = twins.real.pool.view("getReserveData", twins.token(index))
        mine = twins.model.read("getReserveData", twins.ids[index])
        places = (1, 2, 3, 4, 5, 6, 7, 12, 14)
        assert_same([real[i] for i in places], [mine[name] for name in _RESERVE_FIELDS], "getReserveData")
        asked = twins.real.oracle.view("getAssetPrice", twins.token(index))
        assert_same(asked, twins.model.read("getAssetPrice", twins.ids[index]), "getAssetPrice")


_RESERVE_FIELDS = (
    "liquidityIndex",
    "currentLiquidityRate",
    "variableBorrowIndex",
    "currentVariableBorrowRate",
    "currentStableBorrowRate",
    "lastUpdateTimestamp",
    "id",
    "accruedToTreasury",
    "isolationModeTotalDebt",
)


def arithmetic() -> None:
    """Ray and wad arithmetic beside the library's own bytecode, at random and where 256 bits end."""
    evm, most = Evm(), (1 << 256) - 1
    library = deploy(evm, actor("maths"), "WadRayMathWrapper")
    rng = random.Random("ray")
    pairs = [(rng.getrandbits(rng.randint(1, 256)), rng.getrandbits(rng.randint(1, 256))) for _ in range(60)]
    for b in (0, 1, 2, RAY, E18, 1 << 127, 1 << 128, 1 << 129, most, most - 1):
        tops = [(most - 5 * 10**26) // b if b else 0, (most - b // 2) // RAY, (most - b // 2) // E18, most // 10**9]
        pairs += [(max(0, min(most, top + step)), b) for top in (*tops, 0, 1 << 128) for step in (-1, 0, 1)]
    for a, b in pairs:
        for name, rule in (
            ("rayMul", rules.ray_mul_half_up),
            ("rayDiv", rules.ray_div_half_up),
            ("wadDiv", rules.wad_div_half_up),
        ):
            _alike(lambda n=name, x=a, y=b: library.view(n, x, y), lambda f=rule, x=a, y=b: f(x, y))
        _alike(lambda x=a: library.view("wadToRay", x), lambda x=a: rules.wad_to_ray(x))


def _alike(real: Callable[[], Any], mine: Callable[[], Any]) -> None:
    try:
        expected, got = both(real, mine)
    except Revert:
        return
    assert_same(expected, got)


def percentages() -> None:
    """Percentages beside what the library's page says of them: to the nearest, halves up, refused where 256 bits end."""
    most, rng = (1 << 256) - 1, random.Random("percent")
    values = [
        0,
        1,
        5_000,
        most,
        most - 1,
        1 << 127,
        1 << 128,
        1 << 129,
        *(rng.getrandbits(n) for n in range(1, 257, 9)),
    ]
    for bps in (0, 1, 2, 9, 5_000, 10_000, 10_500, 1 << 128, most):
        tops = [(most - 5_000) // bps if bps else 0, (most - bps // 2) // 10_000]
        for value in (*values, *(max(0, min(most, top + step)) for top in tops for step in (-1, 0, 1))):
            product, quotient = value * bps + 5_000, value * 10_000 + bps // 2
            expected = product // 10_000 if product <= most else ""
            assert_same(expected, _asked(rules.percent_mul_half_up, value, bps), f"{bps} of {value}")
            expected = quotient // bps if bps and quotient <= most else ""
            assert_same(expected, _asked(rules.percent_div_half_up, value, bps), f"{value} is {bps} of it")


def _asked(rule: Callable[..., Any], *args: int) -> Any:
    try:
        return rule(*args)
    except Revert as revert:
        return revert.reason


def interest_of_v3_6() -> None:
    """The compounded interest of v3.6 beside its own library, at random and from one second to ten years."""
    evm, rng = Evm(), random.Random("taylor")
    library = deploy(evm, actor("taylor"), "AaveTaylor")
    rates = [0, 1, RAY, 3 * RAY, 1 << 100, *(rng.getrandbits(n) for n in range(60, 92) for _ in range(6))]
    for rate in rates:
        for seconds in (0, 1, 2, 3, YEAR, rng.randrange(DAY), rng.randrange(10 * YEAR)):
            expected = library.view("compounded", rate, seconds)
            assert_same(expected, rules.taylor_interest_half_up(rate, seconds), f"{rate} for {seconds}")


def limits_of_rules() -> None:
    """Where 128 bits end, where the curve bends, and a rate without stable debts, which this market does not use."""
    assert rules.grow_half_up((1 << 127) - 1, 2 * RAY) == (1 << 128) - 2
    assert "128 bits" in _asked(rules.grow_half_up, 1 << 127, 2 * RAY)
    assert as_word((1 << 128) - 1) == (1 << 128) - 1
    # At the optimal usage the slope is still taken in parts, and rounds.
    assert rules.variable_rate_half_up(3 * RAY // 10, 3 * RAY // 10, 0, 1, 0) == 0
    assert rules.variable_rate_half_up(3 * RAY // 10 + 1, 3 * RAY // 10, 0, 1, 0) == 1
    assert rules.plain_liquidity_rate_half_up(80, 10, 10, 5 * RAY // 100, 1_000) == 36 * RAY // 1_000
    assert [rules_risk.available_borrows(100, debt, 8_000) for debt in (81, 80, 79)] == [0, 0, 1]


def a_balance_of_128_bits() -> None:
    """The largest balance there is, and one unit more."""
    for last, reason in (((1 << 127) - 1, None), (1 << 127, "Panic(0x11)")):
        twins, alice, _, _ = fresh()
        twins.real.reserves[ISO].token.send(alice, "mint", alice, 1 << 129)
        twins.model.book.add(twins.ids[ISO], alice, 1 << 129)
        twins.supply(alice, ISO, 1 << 127)
        if reason is None:
            twins.supply(alice, ISO, last)
            twins.compare()
        else:
            refused(reason, twins, lambda t=twins, a=alice, n=last: t.supply(a, ISO, n))


def collateral_that_is_just_enough() -> None:
    """What is taken is all that is held: what is covered is then what was asked for, not what the value says."""
    price, cover = 70_000_000_007, 1_500 * E6
    terms = (10**8, E6, price, E18, 10_500, 1_000)
    taken, _, fee = rules_risk.liquidation_amounts(cover, 10 * E18, *terms)
    held = taken + fee
    assert rules_risk.liquidation_amounts(cover, held, *terms)[1] == cover
    assert rules_risk.liquidation_amounts(cover + 1, held, *terms)[1] < cover
    twins, alice, bob, _ = indebted(held)
    twins.set_price(ETH, price)
    made = twins.liquidate(bob, ETH, USD, alice, cover)
    assert made.amounts == {"debt": cover, "collateral": taken, "fee": fee}
    assert not twins.model.state.collateral.get(alice)
    twins.compare()


def only_what_grew() -> None:
    """Taken out is exactly what grew since the last time: logged as burnt, of nothing."""
    twins, _, _, carol = indebted()
    twins.evm.advance(seconds=DAY)
    grown = twins.held(carol, USD) - 10**7 * E6
    assert grown > 0
    made = twins.withdraw(carol, USD, grown)
    assert [e.args["value"] for e in made.events if e.name == "Burn"] == [0]
    twins.compare()


def fee_of_a_few_units() -> None:
    """With an index near 1.55 the burn takes more or fewer shares than its units say: no share or one is left for the fee."""
    for supplied, left, fee in ((5, 0, 0), (6, 1, 1)):
        twins, alice, bob, _ = fresh()
        twins.configure(SIL, "reserve_factor", 0)
        twins.supply(bob, ETH, 2 * 10**4 * E18)
        twins.borrow(bob, SIL, 10**7 * E18)
        twins.supply(alice, ETH, E18)
        twins.borrow(alice, DAI, 1_500 * E18)
        twins.evm.advance(seconds=7 * YEAR // 10)
        twins.supply(alice, SIL, supplied)
        reserve = twins.model.state.reserves[twins.ids[SIL]]
        assert 3 * RAY // 2 < reserve.liquidity_index < 8 * RAY // 5
        shares = reserve.supplied[alice]
        twins.set_price(ETH, 100 * E8)
        made = twins.liquidate(bob, SIL, DAI, alice, ALL)
        assert made.amounts["collateral"] == supplied - 1
        assert made.amounts["fee"] == fee
        burnt = rules.ray_div_half_up(supplied - 1, reserve.liquidity_index)
        assert shares - burnt == left
        assert reserve.supplied.get(twins.real.treasury, 0) == left
        twins.compare()


EDGES = (
    arithmetic,
    percentages,
    interest_of_v3_6,
    limits_of_rules,
    a_balance_of_128_bits,
    collateral_that_is_just_enough,
    fee_of_a_few_units,
    only_what_grew,
    caps_met_exactly,
    inactive,
    switched_off,
    health_of_exactly_one,
    leaving_at_exactly_one,
    isolation_of_the_first_reserve,
    close_factor,
    collateral_that_is_too_little,
    liquidated_in_many_ways,
    isolation,
    siloed,
    emode,
    emode_of_collateral_that_lends_nothing,
    emode_price,
    collateral_without_loan_to_value,
    dust,
    short_liquidity,
    nearly_nothing_there,
    paying_back,
    flash_loans,
    no_price,
    positions_and_views,
)
