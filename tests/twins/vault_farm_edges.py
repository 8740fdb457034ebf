"""Places of vault and farm that random lives hardly ever reach: the last second, a farm that owes too much, newcomers."""

from __future__ import annotations

import contextlib

from harness.driver import refused
from tidemill.interfaces import Revert
from twins.vault_farm_twin import SETUPS, Twins

DAY = 86_400
E18 = 10**18


def fresh(offset: int = 0) -> tuple[Twins, list[str]]:
    """Twins whose three actors hold shares."""
    twins = Twins(offset, (18, 18), 0)
    actors = list(twins.real.actors.values())
    for who in actors:
        twins.vault_act("deposit", who, 10 * E18)
    return twins, actors


def rewards_added_around_the_end() -> None:
    """Added with 2, 1 and 0 seconds of the stream left, and after it: what is left counts to the last second."""
    for left in (2, 1, 0, -1):
        twins, actors = fresh()
        twins.farm_act("stake", actors[0], E18)
        twins.notify(twins.real.distributor, 100 * E18, 100 * E18)
        end = twins.evm.block.time + 60 * DAY
        twins.evm.advance(seconds=end - left - twins.evm.block.time)
        assert twins.f.period_finish - twins.evm.block.time == left
        twins.compare()
        twins.notify(twins.real.distributor, 50 * E18, 50 * E18)
        twins.compare()
        twins.evm.advance(seconds=DAY)
        twins.farm_act("exit", actors[0])
        twins.compare()


def rewards_told_of_at_the_limit() -> None:
    """The farm refuses a rate above what it holds over a period, and takes one that is equal."""
    high = "Provided reward too high"
    for more, spare, wanted in ((0, 0, ""), (60 * DAY, 0, high), (60 * DAY, 1, high), (60 * DAY - 1, 0, "")):
        twins, _ = fresh()
        reason = ""
        try:
            twins.notify(twins.real.distributor, 7 * 60 * DAY + more, 7 * 60 * DAY + spare)
        except Revert as revert:
            reason = revert.reason
        assert reason == wanted
        twins.compare()


def a_farm_that_owes_more_than_it_holds() -> None:
    """Told twice of the same reward, the farm owes it twice; whom it cannot pay it refuses, unless for another reason."""
    for stake_left in (0, 1, 5):
        twins, (alice, bob, _) = fresh()
        twins.farm_act("stake", alice, E18)
        twins.notify(twins.real.distributor, 100 * E18, 100 * E18)
        twins.evm.advance(seconds=60 * DAY)
        twins.notify(twins.real.distributor, 100 * E18, 0)
        twins.evm.advance(seconds=61 * DAY)
        if E18 - stake_left:
            twins.farm_act("withdraw", alice, E18 - stake_left)
        twins.compare()
        refused("SafeERC20: low-level call failed", twins, twins.farm_act, "claim", alice)
        refused(
            "SafeERC20: low-level call failed" if stake_left else "Cannot withdraw 0",
            twins,
            twins.farm_act,
            "exit",
            alice,
        )
        owed = twins.real.farm.view("earned", alice)
        short = owed - twins.real.reward.view("balanceOf", twins.real.farm.address)
        assert short > 0
        # One unit short, then just enough.
        for sent in (short - 1, 1):
            twins.real.reward.send(twins.real.distributor, "mint", twins.real.farm.address, sent)
            held = twins.book.held
            held["RWD@test", twins.f.account] = held.get(("RWD@test", twins.f.account), 0) + sent
            if sent == 1:
                twins.farm_act("claim", alice)
                twins.compare()
            else:
                refused("SafeERC20: low-level call failed", twins, twins.farm_act, "claim", alice)
        twins.farm_act("stake", bob, 1)
        twins.compare()


def newcomers() -> None:
    """Somebody whom the farm has never seen."""
    twins, (alice, bob, carol) = fresh(6)
    for verb, amount, reason in (
        ("exit", 0, "Cannot withdraw 0"),
        ("withdraw", 0, "Cannot withdraw 0"),
        ("withdraw", 1, "SafeMath: subtraction overflow"),
        ("stake", 0, "Cannot stake 0"),
        ("stake", 1 << 120, "SafeERC20: low-level call failed"),
    ):
        refused(reason, twins, twins.farm_act, verb, bob, amount)
    twins.farm_act("claim", carol)
    twins.compare()
    everything = twins.real.vault.view("balanceOf", alice)
    twins.farm_act("stake", alice, everything)
    twins.compare()
    refused("SafeERC20: low-level call failed", twins, twins.farm_act, "stake", alice, 1)
    twins.farm_act("withdraw", alice, everything)
    twins.compare()


def nothing_elapsed() -> None:
    """Two verbs in one block, a stream of one unit a second, a stake of one unit."""
    twins, (alice, bob, _) = fresh()
    twins.farm_act("stake", alice, 1)
    twins.farm_act("stake", bob, 3)
    twins.notify(twins.real.distributor, 60 * DAY, 60 * DAY)
    for seconds in (0, 1, 1, 2, 3, 0, 5):
        twins.evm.advance(seconds=seconds)
        twins.farm_act("claim", alice)
        twins.compare()
        twins.farm_act("claim", bob)
        twins.compare()


def amounts_around_what_is_held() -> None:
    """Withdraw and redeem one less than, exactly and one more than the most; the first and the last share."""
    for offset, _, _ in SETUPS[:2]:
        for verb, view in (("withdraw", "maxWithdraw"), ("redeem", "balanceOf")):
            twins, (alice, *_) = fresh(offset)
            twins.real.donate(12_345)
            twins.book.held["AST@test", twins.v.account] += 12_345
            most = twins.real.vault.view(view, alice)
            for amount in (most + 1, 1, most - 1, 1, 0):
                with contextlib.suppress(Revert):
                    twins.vault_act(verb, alice, amount)
                twins.compare()
        twins = Twins(offset, (18, 18), 0)
        alice = next(iter(twins.real.actors.values()))
        for verb, amount in (("mint", 1), ("deposit", 1), ("mint", 0), ("deposit", 0), ("mint", 999), ("redeem", 1)):
            twins.vault_act(verb, alice, amount)
            twins.compare()


EDGES = (
    newcomers,
    amounts_around_what_is_held,
    nothing_elapsed,
    rewards_told_of_at_the_limit,
    a_farm_that_owes_more_than_it_holds,
    rewards_added_around_the_end,
)
