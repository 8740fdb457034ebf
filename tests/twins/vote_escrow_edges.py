"""Places of an escrow that random lives hardly ever reach: years of silence, the very second of a week, numbers that burst."""

from __future__ import annotations

from collections.abc import Callable
from typing import Any

import pytest

from harness.edges import refused
from harness.escrow import NOBODY
from tidemill.interfaces import Action, Revert
from tidemill.venues.vote_escrow.rules import LONGEST, WEEK
from twins.vote_escrow_twin import SETUPS, Twins

DAY = 86_400
E18 = 10**18
MOST = (1 << 127) - 1


def fresh(**named: Any) -> tuple[Twins, list[str]]:
    """Twins at the start of a week, and the people there."""
    twins = Twins(SETUPS[0][0], 0, time=2_800 * WEEK, **named)
    return twins, list(twins.real.actors.values())


def wait(twins: Twins, seconds: int) -> int:
    """Let time pass; return the time."""
    twins.evm.advance(seconds, max(seconds // 12, 1))
    twins.compare()
    return twins.evm.block.time


def years_of_silence() -> None:
    """One call follows 255 weeks at most: after six years two are needed, and votes in between are what they were."""
    twins, (alice, bob, *_) = fresh()
    now = twins.evm.block.time
    twins.create_lock(alice, 10**24, now + LONGEST)
    twins.create_lock(bob, 10**23 + 7, now + 9 * WEEK)
    twins.compare()
    wait(twins, 6 * LONGEST)
    twins.checkpoint()
    twins.compare()
    assert twins.model.state.points[twins.model.state.epoch].ts < twins.evm.block.time
    twins.checkpoint()
    twins.compare()
    assert twins.model.state.points[twins.model.state.epoch].ts == twins.evm.block.time
    twins.withdraw(alice)
    twins.compare()
    assert twins.model.read("totalSupply", twins.evm.block.time) == 0


def silence_ends_within_a_lock() -> None:
    """Who comes after six years of silence changes a sum that has not come to the present yet."""
    twins, (alice, bob, *_) = fresh()
    twins.create_lock(alice, 10**24, twins.evm.block.time + LONGEST)
    wait(twins, 6 * LONGEST + 5)
    twins.create_lock(bob, 10**24, twins.evm.block.time + LONGEST)
    twins.compare()
    wait(twins, 3 * WEEK)
    twins.increase_amount(bob, 5 * E18)
    twins.compare()


def the_very_second_of_a_week() -> None:
    """A lock made in a week's first second has votes in it; one that ends then has none, and can be withdrawn."""
    twins, (alice, bob, *_) = fresh()
    now = twins.evm.block.time
    twins.create_lock(alice, LONGEST, now + WEEK)
    twins.create_lock(bob, 10 * LONGEST, now + 2 * WEEK)
    twins.compare()
    assert twins.model.read("balanceOf", alice, now) == WEEK
    refused("The lock didn't expire", twins, twins.withdraw, alice)
    now = wait(twins, WEEK - 1)
    assert twins.model.read("balanceOf", alice, now) == 1
    refused("The lock didn't expire", twins, twins.withdraw, alice)
    now = wait(twins, 1)
    assert twins.model.read("balanceOf", alice, now) == 0
    refused("Cannot add to expired lock. Withdraw", twins, twins.increase_amount, alice, 1)
    refused("Cannot add to expired lock. Withdraw", twins, twins.deposit_for, bob, alice, 1)
    refused("Lock expired", twins, twins.increase_unlock_time, alice, now + WEEK)
    refused("Withdraw old tokens first", twins, twins.create_lock, alice, 1, now + WEEK)
    twins.withdraw(alice)
    twins.compare()
    twins.withdraw(alice)  # nothing there: not refused
    twins.compare()
    refused("Can only lock until time in the future", twins, twins.create_lock, alice, 5, now + WEEK - 1)
    refused("Voting lock can be 1 year max", twins, twins.create_lock, alice, 5, now + LONGEST + WEEK)
    twins.create_lock(alice, 5, now + LONGEST)
    twins.compare()
    assert twins.model.read("locked__end", alice) == (now + LONGEST) // WEEK * WEEK
    refused("Can only increase lock duration", twins, twins.increase_unlock_time, alice, now + LONGEST)
    refused("", twins, twins.increase_amount, alice, 0)
    refused("", twins, twins.deposit_for, bob, alice, 0)
    refused("", twins, twins.create_lock, bob, 0, 0)


def a_year_to_the_second() -> None:
    """A lock of exactly a year is not too long; only on a week's last day does one end so."""
    twins, (alice, bob, *_) = fresh()
    twins.create_lock(bob, 10**24, twins.evm.block.time + 2 * WEEK)
    now = wait(twins, 6 * DAY)
    assert (now + LONGEST) % WEEK == 0
    twins.create_lock(alice, 10**24, now + LONGEST)
    twins.increase_unlock_time(bob, now + LONGEST)
    twins.compare()
    assert twins.model.read("locked__end", alice) == twins.model.read("locked__end", bob) == now + LONGEST


def extended_for_ever() -> None:
    """A lock extended every week never decays by more than a week."""
    twins, (alice, bob, *_) = fresh()
    twins.create_lock(alice, 10**6 * LONGEST, twins.evm.block.time + LONGEST)
    twins.create_lock(bob, 3 * LONGEST + 1, twins.evm.block.time + 4 * WEEK)
    for number in range(8):
        now = wait(twins, WEEK)
        twins.increase_unlock_time(alice, now + LONGEST)
        twins.compare()
        assert twins.model.read("balanceOf", alice, now) > 10**6 * (LONGEST - WEEK)
        assert (twins.model.read("totalSupply", now) > twins.model.read("balanceOf", alice, now)) is (number < 3)
    refused("Voting lock can be 1 year max", twins, twins.increase_unlock_time, alice, now + LONGEST + WEEK)


def ends_at_last_of_several() -> None:
    """Locks that end together: the slope falls by all of them at once, and nothing is left of either."""
    twins, (alice, bob, carol, *_) = fresh()
    end = twins.evm.block.time + 5 * WEEK
    for who, amount in ((alice, 10**9), (bob, LONGEST - 1), (carol, LONGEST)):
        twins.create_lock(who, amount, end)
        wait(twins, DAY)
    twins.increase_unlock_time(carol, end + WEEK)
    twins.compare()
    wait(twins, 5 * WEEK)
    twins.checkpoint()
    twins.compare()
    assert twins.model.read("totalSupply", twins.evm.block.time) == twins.model.read(
        "balanceOf", carol, twins.evm.block.time
    )


def past_in_many_points() -> None:
    """The past is found by halving: with many points, every second and block of it."""
    twins, (alice, bob, *_) = fresh()
    start, first = twins.evm.block.time, twins.evm.block.number
    twins.create_lock(alice, 10**22, start + LONGEST)
    twins.create_lock(bob, 10**21, start + 30 * WEEK)
    for number in range(9):
        wait(twins, DAY * (number + 1))
        twins.increase_amount(alice, 10**20)
        twins.increase_amount(bob, 10**20)
    end, last, read = twins.evm.block.time, twins.evm.block.number, twins.model.read
    for time in range(start - 1, end + 2 * LONGEST, 7 * DAY // 2 + 1):
        for who in (alice, bob):
            assert twins.ve.view("balanceOf", who, time) == read("balanceOf", who, time)
        assert twins.ve.view("totalSupply", time) == read("totalSupply", time)
    for block in range(first, last + 1, (last - first) // 60):
        assert twins.ve.view("balanceOfAt", alice, block) == read("balanceOfAt", alice, block, end, last)
        assert twins.ve.view("totalSupplyAt", block) == read("totalSupplyAt", block, end, last)
    for number in range(12):
        assert twins.ve.view("user_point_history", alice, number) == read("user_point_history", alice, number)


def weeks_of_dividends() -> None:
    """A week is paid once it is over and its tokens are known, by the votes at its start; the rest is for later."""
    twins, (alice, bob, carol, dave, _) = fresh()
    now = twins.evm.block.time
    assert twins.claim(alice, alice) == 0  # never locked: no week is his
    twins.create_lock(alice, 3 * 10**24, now + LONGEST)
    twins.create_lock(bob, 10**24, now + LONGEST)
    wait(twins, 1)
    twins.create_lock(dave, 5, now + LONGEST)  # a second late, and too little for a vote
    wait(twins, 3 * DAY - 1)
    twins.create_lock(carol, 10**24, now + LONGEST)  # in the middle of the first week
    twins.fund(alice, 1_000_003)
    twins.checkpoint_dividends()
    assert twins.claim(alice, alice) == 0
    wait(twins, 4 * DAY)
    assert twins.claim(alice, alice) == 0  # over, but not yet checkpointed
    twins.checkpoint_dividends()
    twins.compare()
    assert twins.claim(bob, alice) == 750_002  # anybody may claim for anybody
    assert twins.claim(bob, bob) == 250_000
    assert twins.claim(carol, carol) == 0  # locked after the week began
    assert twins.claim(dave, dave) == 0
    twins.fund(alice, 700)
    wait(twins, WEEK // 2)
    twins.fund(alice, 700)
    wait(twins, WEEK)
    twins.checkpoint_dividends()  # a week and a half: two thirds belong to the first
    twins.compare()
    week = twins.model.state.dividends.last_time // WEEK * WEEK - WEEK
    assert twins.model.read("dividends.tokens_per_week", week) == 1_400 * 2 // 3
    assert twins.claim(carol, carol) > 0
    twins.fund(alice, 10)
    twins.checkpoint_dividends()  # twice in one second: what came between belongs to this week
    twins.checkpoint_dividends()
    twins.compare()


def long_unclaimed() -> None:
    """A checkpoint reaches 20 weeks and a claim 50: the rest comes with the next ones."""
    twins, (alice, bob, *_) = fresh()
    twins.create_lock(alice, 10**24, twins.evm.block.time + LONGEST)
    twins.fund(bob, 10**6)
    wait(twins, 52 * WEEK + DAY)
    paid = 0
    for _ in range(3):
        twins.checkpoint_dividends()
        twins.compare()
    assert twins.model.state.dividends.last_time == twins.evm.block.time
    for number in range(3):
        got = twins.claim(bob, alice)
        twins.compare()
        assert (got > 0) is (number < 2)
        paid += got
    assert paid == sum(n for week, n in twins.model.state.dividends.tokens.items() if week < twins.evm.block.time - DAY)


def more_locked_than_words_hold() -> None:
    """Amounts and sums are signed 128-bit numbers: beyond them the contract refuses without a word."""
    twins, (alice, bob, carol, *_) = fresh(endowment=MOST)
    now = twins.evm.block.time
    refused("", twins, twins.create_lock, alice, MOST + 1, now + LONGEST)
    refused("", twins, twins.create_lock, alice, 1 << 255, now + LONGEST)
    twins.create_lock(alice, MOST, now + LONGEST)
    twins.compare()
    twins.real.give(alice, MOST)
    for token in ("VOTE@test", "PAID@test"):
        twins.model.book.add(token, alice, MOST)
    refused("", twins, twins.increase_amount, alice, 1)
    refused("", twins, twins.increase_amount, alice, MOST + 1)
    refused("", twins, twins.create_lock, bob, MOST, now + LONGEST)  # the sum bursts
    twins.create_lock(bob, 1 << 110, now + LONGEST)
    twins.create_lock(carol, LONGEST, now + 2 * WEEK)
    twins.compare()


def dividends_that_burst() -> None:
    """Votes times tokens must fit into 256 bits; where they do not, claiming is refused and nothing is shown as owed."""
    twins, (alice, bob, *_) = fresh(endowment=1 << 126)
    twins.create_lock(alice, 1 << 125, twins.evm.block.time + LONGEST)
    twins.real.give(bob, 1 << 200)
    for token in ("VOTE@test", "PAID@test"):
        twins.model.book.add(token, bob, 1 << 200)
    twins.fund(bob, 1 << 200)
    wait(twins, WEEK)
    twins.checkpoint_dividends()
    twins.compare()
    wait(twins, WEEK)
    twins.checkpoint_dividends()
    twins.compare()
    refused("", twins, twins.claim, alice, alice)
    assert twins.model.read("dividends.owed", alice) == 0
    twins.real.give(bob, 1 << 254)
    for token in ("VOTE@test", "PAID@test"):
        twins.model.book.add(token, bob, 1 << 254)
    twins.fund(bob, 1 << 254)
    wait(twins, WEEK)
    refused("", twins, twins.checkpoint_dividends)


def contracts_that_lock() -> None:
    """A contract locks only while the checker in force lets it; who is named is not yet in force."""
    twins, (alice, *_, wallet) = fresh()
    now = twins.evm.block.time
    shut = "Smart contract depositors not allowed"
    refused(shut, twins, twins.create_lock, wallet, 5, now + WEEK)
    twins.commit_checker(twins.admin, twins.real.yes)
    refused(shut, twins, twins.create_lock, wallet, 5, now + WEEK)
    twins.apply_checker(twins.admin)
    twins.create_lock(wallet, LONGEST, now + 2 * WEEK)
    twins.increase_amount(wallet, 7)
    twins.compare()
    for checker in (twins.real.no, NOBODY):
        twins.commit_checker(twins.admin, checker)
        twins.apply_checker(twins.admin)
        refused(shut, twins, twins.increase_amount, wallet, 7)
        refused(shut, twins, twins.increase_unlock_time, wallet, now + 5 * WEEK)
        refused(shut, twins, twins.create_lock, wallet, 0, 0)
    twins.deposit_for(alice, wallet, 3)  # from the wallet's own tokens; nobody checks
    refused("", twins, twins.commit_checker, alice, twins.real.yes)
    refused("", twins, twins.apply_checker, alice)
    wait(twins, 2 * WEEK)
    twins.withdraw(wallet)
    twins.compare()


def names_that_are_none() -> None:
    """What is no verb and no view is said to be none."""
    twins, (alice, *_) = fresh()
    with pytest.raises(Revert, match="no verb 'vote'"):
        twins.model.do(alice, Action("vote"))
    for query in ("nothing", "dividends.nothing"):
        with pytest.raises(KeyError):
            twins.model.read(query, alice)
    assert twins.model.model.rates(twins.model.state, "ve", lambda _t, _a: 0) == {}


EDGES: list[Callable[[], None]] = [
    years_of_silence,
    silence_ends_within_a_lock,
    the_very_second_of_a_week,
    a_year_to_the_second,
    extended_for_ever,
    ends_at_last_of_several,
    past_in_many_points,
    weeks_of_dividends,
    long_unclaimed,
    more_locked_than_words_hold,
    dividends_that_burst,
    contracts_that_lock,
    names_that_are_none,
]
