"""Places of Morpho Blue that random lives hardly ever reach: limits to the unit, bad debt, ends of the rate's curve."""

from __future__ import annotations

from contextlib import suppress
from itertools import product

import pytest

from harness import assert_same
from harness.driver import refused
from tidemill.interfaces import Action, Revert
from tidemill.units import div_up
from tidemill.venues.morpho_blue.rules import max_borrow_down
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK
from twins.morpho_blue_twin import DAY, FUNCTIONS, LLTVS, WAD, Twins

YEAR = 365 * DAY
E18 = 10**18
E36 = 10**36


def fresh(irm: str = MOCK, lltv: int = LLTVS[0]) -> tuple[Twins, list[str]]:
    """Twins with one market, "m0"."""
    twins = Twins((18, 18, 18), 0, ((0, 1, irm, lltv),))
    return twins, twins.actors


def lent(irm: str = MOCK, lltv: int = LLTVS[0], used: int = 90) -> tuple[Twins, list[str]]:
    """Alice has lent a thousand; bob owes ``used`` percent of it, for which he put up two thousand."""
    twins, actors = fresh(irm, lltv)
    twins.act("supply", "m0", actors[0], 1_000 * E18)
    twins.act("supply_collateral", "m0", actors[1], 10_000 * E18)
    if used:
        twins.act("borrow", "m0", actors[1], used * 10 * E18)
    twins.compare()
    return twins, actors


def nothing_allowed_yet() -> None:
    """Rate models and limits are the owner's to allow; opening a market is anybody's."""
    twins = Twins((6, 18, 8), 0, ())
    owner, alice = twins.real.owner, twins.actors[0]
    for verb, args in (
        ("enable_irm", {"irm": MOCK}),
        ("enable_lltv", {"lltv": WAD - 1}),
        ("set_fee_recipient", {"to": alice}),
        ("set_owner", {"to": alice}),
    ):
        refused("not owner", twins, twins.govern, verb, alice, args)
    refused("already set", twins, twins.govern, "set_fee_recipient", owner, {"to": "zero"})
    refused("already set", twins, twins.govern, "set_owner", owner, {"to": owner})
    refused("max LLTV exceeded", twins, twins.govern, "enable_lltv", owner, {"lltv": WAD})
    refused("IRM not enabled", twins, twins.create, "m0", 0, 1, MOCK, WAD - 1)
    twins.govern("enable_irm", owner, {"irm": MOCK})
    refused("already set", twins, twins.govern, "enable_irm", owner, {"irm": MOCK})
    refused("LLTV not enabled", twins, twins.create, "m0", 0, 1, MOCK, WAD - 1)
    twins.govern("enable_lltv", owner, {"lltv": WAD - 1})
    refused("already set", twins, twins.govern, "enable_lltv", owner, {"lltv": WAD - 1})
    refused("market not created", twins, twins.set_fee, "m0", owner, 1)
    twins.create("m0", 0, 1, MOCK, WAD - 1)
    refused("market already created", twins, twins.create, "m0", 0, 1, MOCK, WAD - 1)
    refused("already set", twins, twins.set_fee, "m0", owner, 0)
    refused("max fee exceeded", twins, twins.set_fee, "m0", owner, 25 * 10**16 + 1)
    twins.set_fee("m0", owner, 25 * 10**16)
    twins.govern("set_owner", owner, {"to": alice})
    refused("not owner", twins, twins.set_fee, "m0", owner, 1)
    twins.set_fee("m0", alice, 0)
    twins.compare()


def wrong_in_every_way() -> None:
    """What is refused first, where more than one thing is wrong."""
    twins, (alice, bob, *_) = lent()
    for verb, (assets, shares), owner, to, market in product(
        FUNCTIONS, ((0, 0), (1, 1), (0, 1), (1 << 130, 0)), (alice, "zero"), (bob, "zero"), ("m0", "nowhere")
    ):
        try:
            twins.act(verb, market, bob, assets, shares, owner, to)
        except Revert:
            twins.compare()
    for sizes in ((0, 0), (1, 1), (1, 0)):
        for market in ("m0", "nowhere"):
            reason = {"nowhere": "market not created"}.get(
                market, "position is healthy" if sizes == (1, 0) else "inconsistent input"
            )
            refused(reason, twins, twins.liquidate, market, alice, bob, *sizes)
    refused("market not created", twins, twins.accrue, "nowhere", alice)


def who_may_act_for_whom() -> None:
    """Authorised, no longer authorised, and giving what anybody may give."""
    twins, (alice, bob, carol, _) = lent()
    refused("already set", twins, twins.authorize, alice, carol, allowed=False)
    for verb, owner in (("withdraw", alice), ("borrow", bob), ("withdraw_collateral", bob)):
        refused("unauthorized", twins, twins.act, verb, "m0", carol, 5, 0, owner, carol)
        twins.authorize(owner, carol, allowed=True)
        refused("already set", twins, twins.authorize, owner, carol, allowed=True)
        twins.act(verb, "m0", carol, 5, 0, owner, alice)
        twins.compare()
        twins.authorize(owner, carol, allowed=False)
        refused("unauthorized", twins, twins.act, verb, "m0", carol, 5, 0, owner, carol)
    for verb in ("supply", "supply_collateral", "repay"):
        twins.act(verb, "m0", carol, 7, 0, bob)
        twins.compare()


def first_and_last_shares() -> None:
    """One unit, one share; everything out again; a market emptied and used once more."""
    twins, (alice, bob, *_) = fresh()
    for assets, shares in ((1, 0), (0, 1), (0, 999_999), (0, 10**6), (0, 10**6 + 1), (3, 0)):
        twins.act("supply", "m0", alice, assets, shares)
        twins.compare()
    twins.act("supply_collateral", "m0", bob, 100)
    for assets, shares in ((1, 0), (0, 1), (0, 999_999), (0, 10**6), (0, 10**6 + 1), (1, 0)):
        twins.act("borrow", "m0", bob, assets, shares)
        twins.compare()
    twins.evm.advance(seconds=YEAR)
    owed = twins.model.state.markets["m0"].of(bob).borrow_shares
    refused("Panic(0x11)", twins, twins.act, "repay", "m0", bob, 0, owed + 1)
    for shares in (1, owed - 3, 1, 1):
        twins.act("repay", "m0", bob, 0, shares)
        twins.compare()
    held = twins.model.state.markets["m0"].of(alice).supply_shares
    refused("Panic(0x11)", twins, twins.act, "withdraw", "m0", alice, 0, held + 1)
    for shares in (1, held - 2, 1):
        twins.act("withdraw", "m0", alice, 0, shares)
        twins.compare()
    twins.act("withdraw_collateral", "m0", bob, 100)
    refused("Panic(0x11)", twins, twins.act, "withdraw_collateral", "m0", bob, 1)
    refused("Panic(0x11)", twins, twins.act, "withdraw", "m0", alice, 1)
    twins.act("supply", "m0", bob, 0, 12_345)
    twins.compare()


def limits_to_the_unit() -> None:
    """Health and liquidity: exactly as much as there is, one more, one less of the price."""
    for lltv in LLTVS[:3]:
        twins, (alice, bob, carol, _) = fresh(FREE, lltv)
        twins.act("supply", "m0", alice, 1_000 * E18)
        twins.act("supply_collateral", "m0", bob, 777)
        most = max_borrow_down(777, twins.price0["m0"], lltv)
        refused("insufficient collateral", twins, twins.act, "borrow", "m0", bob, most + 1)
        twins.act("borrow", "m0", bob, most)
        refused("insufficient collateral", twins, twins.act, "borrow", "m0", bob, 1)
        refused("insufficient collateral", twins, twins.act, "withdraw_collateral", "m0", bob, 20)
        refused("position is healthy", twins, twins.liquidate, "m0", carol, bob, 1, 0)
        price = twins.price0["m0"]
        edge = div_up(div_up(most * WAD, lltv) * E36, 777)  # the lowest price that still carries the debt
        for at in sorted({edge - 1, edge, edge + 1, price}):
            twins.set_price("m0", at)
            account = twins.model.state.markets["m0"].of(bob)
            if twins.model.state.markets["m0"].healthy(account):
                refused("position is healthy", twins, twins.liquidate, "m0", carol, bob, 1, 0)
            else:
                twins.liquidate("m0", carol, bob, 1, 0)
                twins.compare()
    twins, (alice, bob, *_) = lent(FREE)
    refused("insufficient liquidity", twins, twins.act, "withdraw", "m0", alice, 100 * E18 + 1)
    refused("insufficient liquidity", twins, twins.act, "borrow", "m0", bob, 100 * E18 + 1)
    twins.act("withdraw", "m0", alice, 50 * E18)
    twins.act("borrow", "m0", bob, 50 * E18)
    refused("insufficient liquidity", twins, twins.act, "borrow", "m0", bob, 1)
    twins, (alice, *_) = lent(FREE)
    twins.act("withdraw", "m0", alice, 100 * E18)  # all that is not lent out
    twins.compare()


def liquidations() -> None:
    """All that is owed, all the collateral, all but one unit of it; what is left unpaid is lost by those who lend."""
    for lltv, fall in product(LLTVS[:3], (999, 900, 300)):
        for part in ("shares", "all", "but one", "one"):
            twins, (alice, bob, carol, _) = lent(MOCK, LLTVS[0], 50)
            if lltv != LLTVS[0]:
                twins.create("m1", 0, 1, MOCK, lltv)
                twins.act("supply", "m1", alice, 1_000 * E18)
                twins.act("supply_collateral", "m1", bob, 600 * E18)
                twins.act("borrow", "m1", bob, min(500 * E18, 600 * lltv))
            name = "m0" if lltv == LLTVS[0] else "m1"
            twins.evm.advance(seconds=DAY)
            twins.accrue(name, alice)
            market = twins.model.state.markets[name]
            account = market.of(bob)
            edge = market.owed_up(account) * E36 * WAD // (account.collateral * lltv)
            twins.set_price(name, edge * fall // 1_000)
            sizes = {
                "shares": (0, account.borrow_shares),
                "all": (account.collateral, 0),
                "but one": (account.collateral - 1, 0),
                "one": (0, 1),
            }[part]
            with suppress(Revert):  # seizing all may repay more than is owed, repaying all want more than there is
                twins.liquidate(name, carol, bob, *sizes)
            twins.compare()
    # No price: nothing can be seized for a repayment, everything for nothing.
    twins, (alice, bob, carol, dave) = lent()
    twins.set_price("m0", 0)
    refused("Panic(0x12)", twins, twins.liquidate, "m0", carol, bob, 0, 1)
    twins.govern("set_fee_recipient", twins.real.owner, {"to": dave})
    twins.set_fee("m0", twins.real.owner, 10**17)
    twins.evm.advance(seconds=DAY)
    made = twins.liquidate("m0", carol, bob, 10_000 * E18, 0)
    assert made.amounts["repaid"] == 0 and made.amounts["bad_debt"] > 900 * E18
    twins.compare()
    # The market goes on with what is left.
    twins.act("supply", "m0", carol, 5 * E18)
    twins.act("withdraw", "m0", alice, 50 * E18)
    twins.compare()


def interest_and_its_fee() -> None:
    """No time, a second, a year; nobody to pay the fee to; the recipient lends as well; a market without a rate."""
    for irm in (MOCK, ADAPTIVE, FREE):
        twins, (alice, bob, *_) = lent(irm)
        for fee, recipient in ((0, "zero"), (25 * 10**16, "zero"), (10**17, alice), (1, bob)):
            if fee:
                twins.set_fee("m0", twins.real.owner, fee)
            if recipient != twins.model.state.fee_recipient:
                twins.govern("set_fee_recipient", twins.real.owner, {"to": recipient})
            for seconds in (0, 1, 7, DAY, 30 * DAY):
                twins.evm.advance(seconds=seconds)
                twins.accrue("m0", alice)
                twins.compare()
                twins.accrue("m0", alice)
                twins.compare()
        twins.compare_positions("m0")


def ends_of_the_curve() -> None:
    """The adaptive rate from empty to full: at its target, at both bounds, and beyond where its exponent is cut."""
    for used in (0, 1, 45, 89, 90, 91, 99, 100):
        twins, (alice, *_) = lent(ADAPTIVE, LLTVS[0], used)
        for seconds in (1, 3, 12, 3_600, 50 * DAY, YEAR, 2 * YEAR + 17):
            twins.evm.advance(seconds=seconds)
            twins.compare()
            twins.accrue("m0", alice)
            twins.compare()
    # Halves are rounded toward zero: odd exponents of both signs.
    for used in (30, 97):
        twins, (alice, *_) = lent(ADAPTIVE, LLTVS[0], used)
        for number in range(8):
            twins.evm.advance(seconds=1 + 2 * number)
            twins.act("supply", "m0", alice, 0, 999_999_937 * (number + 1))
            twins.compare()


def too_much_for_128_bits() -> None:
    """Numbers that the contract keeps in 128 bits: what does not fit is refused, in one go or in sum."""
    twins, (alice, bob, *_) = fresh(FREE)
    full = (1 << 128) // 10**6
    refused("max uint128 exceeded", twins, twins.act, "supply", "m0", alice, full + 1)
    twins.act("supply", "m0", alice, full - 5)
    twins.compare()
    refused("Panic(0x11)", twins, twins.act, "supply", "m0", alice, 7)
    refused("Panic(0x11)", twins, twins.act, "supply", "m0", alice, 1 << 250)
    refused("max uint128 exceeded", twins, twins.act, "supply_collateral", "m0", alice, 1 << 128)
    twins.real.tokens[1].send(alice, "mint", alice, 1 << 128)
    twins.model.book.add(twins.ids[1], alice, 1 << 128)
    twins.act("supply_collateral", "m0", alice, (1 << 128) - 1)
    twins.compare()
    refused("Panic(0x11)", twins, twins.act, "supply_collateral", "m0", alice, 1)
    twins.act("supply_collateral", "m0", alice, 1, 0, bob)
    twins.set_price("m0", 1 << 140)
    refused("Panic(0x11)", twins, twins.act, "borrow", "m0", alice, 5)
    for verb in ("withdraw", "withdraw_collateral", "repay", "borrow"):
        for assets in ((1 << 128) - 1, 1 << 128, (1 << 256) - 1):
            try:
                twins.act(verb, "m0", alice, assets)
            except Revert:
                twins.compare()


def more_than_they_have() -> None:
    """Those who cannot pay; a flash loan of all there is, and of one unit more."""
    twins, (alice, bob, carol, _) = lent(FREE)
    twins.set_price("m0", twins.price0["m0"] // 20)
    for index, token in enumerate(twins.real.tokens):
        held = token.view("balanceOf", carol)
        token.send(carol, "transfer", alice, held)
        book = twins.model.book
        book.add(twins.ids[index], carol, -held)
        book.add(twins.ids[index], alice, held)
    for verb in ("supply", "supply_collateral", "repay"):
        refused("transferFrom reverted", twins, twins.act, verb, "m0", carol, 5, 0, bob)
    refused("transferFrom reverted", twins, twins.liquidate, "m0", carol, bob, 0, 10**9)
    refused("zero assets", twins, twins.flash, 0, 0)
    twins.flash(0, 100 * E18)
    twins.compare()
    refused("transfer reverted", twins, twins.flash, 0, 100 * E18 + 1)


def utilisation_just_below() -> None:
    """The mock's rate where rounding utilisation up would make it one more."""
    twins, (alice, bob, *_) = fresh()
    twins.act("supply", "m0", alice, 3 * E18)
    twins.act("supply_collateral", "m0", bob, 3 * E18)
    twins.act("borrow", "m0", bob, 3 * 10**8 * YEAR - 1)
    twins.compare()
    twins.act("borrow", "m0", bob, 1)
    twins.compare()


def in_words_of_lending_markets_in_general() -> None:
    """``asset`` and ``amount`` for ``assets``; everything is all of one's shares."""
    twins, (alice, bob, *_) = fresh()
    token = twins.ids[0]

    def say(verb: str, own: dict[str, int], amount: int) -> None:
        args = [own.get("assets", 0), own.get("shares", 0)]
        words = {"market": "m0", "asset": token, "amount": amount}
        got, made = twins.do(
            lambda: twins.real.send(alice, verb, "m0", *args, alice, *([alice] if verb == "withdraw" else [b""])),
            alice,
            Action(verb, words),
        )
        assert_same(tuple(got), (made.amounts["assets"], made.amounts["shares"]))
        twins.compare()

    say("supply", {"assets": 7 * E18}, 7 * E18)
    twins.act("supply", "m0", bob, E18)
    say("withdraw", {"assets": E18}, E18)
    shares = twins.model.state.markets["m0"].of(alice).supply_shares
    say("withdraw", {"shares": shares}, (1 << 256) - 1)
    for verb in ("supply", "withdraw"):
        with pytest.raises(Revert, match="is not lent here"):
            twins.model.do(alice, Action(verb, {"market": "m0", "asset": twins.ids[1], "amount": 5}))
    with pytest.raises(Revert, match=r"Panic\(0x11\)"):
        twins.model.do(alice, Action("supply", {"market": "m0", "asset": token, "amount": (1 << 256) - 1}))
    with pytest.raises(Revert, match="inconsistent input"):
        twins.model.do(alice, Action("supply", {"market": "m0", "asset": token}))


EDGES = (
    in_words_of_lending_markets_in_general,
    utilisation_just_below,
    nothing_allowed_yet,
    wrong_in_every_way,
    who_may_act_for_whom,
    first_and_last_shares,
    limits_to_the_unit,
    interest_and_its_fee,
    ends_of_the_curve,
    too_much_for_128_bits,
    more_than_they_have,
    liquidations,
)
