"""Places of a chef that random lives hardly ever reach: empty tills, no points at all, numbers that burst."""

from __future__ import annotations

import copy

from harness.chef import NOBODY
from harness.driver import refused
from tidemill.errors import ReplayMismatch
from tidemill.interfaces import Action, Event, Revert
from tidemill.venues.minichef.rules import accrued_down
from twins.minichef_twin import BONUS, SETUPS, SUSHI, Logged, Twins

DAY = 86_400
E18 = 10**18
LPA, LPB = "LPA@test", "LPB@test"
SHORT = "BoringERC20: Transfer failed"
HALT = "halt InvalidFEOpcode"
BURST = "BoringMath: Mul Overflow"


def fresh(*pools: tuple[str, str], rate: int = 10**15, multiplier: int = E18 // 2) -> tuple[Twins, list[str]]:
    """Twins with these pools of (token, rewarder's name) and alike points; the bonus streams to all of them."""
    twins = Twins(SETUPS[0][0], 0, multiplier=multiplier)
    at = {"": NOBODY, "stream": twins.stream, "multiple": twins.multiple}
    for pid, (token, rewarder) in enumerate(pools):
        twins.add_pool(twins.owner, 10, token, at[rewarder])
        if rewarder == "stream":
            twins.rewarder_add(twins.owner, 5, pid)
    twins.set_rate(twins.owner, rate)
    twins.rewarder_rate(twins.owner, 10**6)
    return twins, list(twins.real.actors.values())


def owed_after_leaving() -> None:
    """Who withdraws everything without harvesting is still owed: the debt falls below zero, and is paid later."""
    twins, (alice, bob, _) = fresh((LPA, ""))
    twins.fund(SUSHI, 10**24)
    twins.deposit(0, bob, 7, bob)
    twins.deposit(0, alice, E18 + 1, alice)
    twins.evm.advance(seconds=DAY)
    twins.withdraw("withdraw", 0, alice, E18 + 1, alice)
    twins.compare()
    assert twins.real.stake_words(0, alice)[1] < 0
    before = twins.real.sushi.view("balanceOf", alice)
    twins.evm.advance(seconds=DAY)
    twins.plain("harvest", 0, alice, alice)
    twins.compare()
    assert twins.real.sushi.view("balanceOf", alice) > before
    assert twins.plain("claim", 0, alice, alice).amounts["reward"] == 0


def two_roundings_below_nothing() -> None:
    """In the second of a partial withdrawal one unit may be missing: then harvest and the view refuse, leaving does not."""
    met = 0
    for amount in (3, 10, 11, 999_983):
        twins, (alice, bob, _) = fresh((LPA, ""), rate=3)
        twins.fund(SUSHI, 10**24)
        twins.deposit(0, bob, 10**13 + 7, bob)
        twins.evm.advance(seconds=1_000_003)
        twins.deposit(0, alice, 10**12 * amount + 1, alice)
        twins.withdraw("withdraw", 0, alice, 5 * 10**11 + 3, alice)
        twins.compare()
        due = twins.model.read("userInfo", 0, alice)
        if accrued_down(due[0], twins.model.read("poolInfo", 0)[0]) < due[1]:
            refused("Integer < 0", twins, twins.plain, "harvest", 0, alice, alice)
            met += 1
            refused("Integer < 0", twins, twins.exit, 0, alice, alice)
            refused("Integer < 0", twins, twins.withdraw, "withdraw_and_harvest", 0, alice, 1, alice)
            twins.withdraw("withdraw", 0, alice, 2, alice)
            twins.compare()
        twins.plain("emergency_withdraw", 0, alice, bob)
        twins.compare()
    assert met


def a_till_that_is_short() -> None:
    """One unit short and the harvest is refused whole; then just enough. Withdrawing alone needs no SUSHI."""
    twins, (alice, *_) = fresh((LPA, ""))
    twins.deposit(0, alice, 10**15, alice)
    twins.evm.advance(seconds=1_000)
    refused(SHORT, twins, twins.plain, "harvest", 0, alice, alice)
    refused(SHORT, twins, twins.withdraw, "withdraw_and_harvest", 0, alice, 5, alice)
    refused(SHORT, twins, twins.exit, 0, alice, alice)
    due = twins.real.chef.view("pendingSushi", 0, alice)
    twins.fund(SUSHI, due - 1)
    refused(SHORT, twins, twins.plain, "harvest", 0, alice, alice)
    twins.withdraw("withdraw", 0, alice, 10**15 - 1, alice)
    twins.compare()
    twins.fund(SUSHI, 1)
    assert twins.exit(0, alice, alice).amounts["amount"] == 1
    twins.compare()
    assert twins.real.sushi.view("balanceOf", twins.at) == 0


def a_rewarder_that_is_short() -> None:
    """A streaming rewarder's empty till stops every verb, leaving in an emergency too; a multiplying one pays what it has."""
    twins, (alice, bob, _) = fresh((LPA, "stream"), (LPA, "multiple"))
    twins.fund(SUSHI, 10**24)
    for pid in (0, 1):
        twins.deposit(pid, alice, 10**15, alice)
    twins.evm.advance(seconds=DAY)
    twins.compare()
    for act, *args in (
        (twins.plain, "harvest", 0, alice, alice),
        (twins.plain, "emergency_withdraw", 0, alice, alice),
        (twins.withdraw, "withdraw", 0, alice, 1, alice),
        (twins.exit, 0, alice, bob),
        (twins.deposit, 0, bob, 1, alice),
    ):
        refused(SHORT, twins, act, *args)
    assert twins.plain("harvest", 1, alice, alice).amounts["bonus"] == 0
    twins.compare()
    due = twins.real.stream.view("pendingToken", 0, alice)
    twins.fund(BONUS, due - 1, twins.stream)
    refused(SHORT, twins, twins.plain, "harvest", 0, alice, alice)
    twins.fund(BONUS, 1, twins.stream)
    assert twins.plain("emergency_withdraw", 0, alice, bob).amounts == {"amount": 10**15, "bonus": due}
    twins.compare()
    twins.fund(BONUS, 77, twins.multiple)
    twins.evm.advance(seconds=DAY)
    assert twins.exit(1, alice, alice).amounts["bonus"] == 77
    twins.compare()


def exactly_what_the_multiplier_says() -> None:
    """A till that holds exactly the due; and a multiplier that bursts."""
    twins, (alice, *_) = fresh((LPA, "multiple"), multiplier=3 * E18 // 2 + 1)
    twins.fund(SUSHI, 10**24)
    twins.deposit(0, alice, 12_345, alice)
    twins.evm.advance(seconds=DAY)
    due = twins.real.chef.view("pendingSushi", 0, alice)
    bonus = twins.real.multiple.view("pendingTokens", 0, alice, due)[1][0]
    twins.compare()  # the views round as the payment does
    twins.fund(BONUS, bonus, twins.multiple)
    assert twins.plain("harvest", 0, alice, alice).amounts == {"reward": due, "bonus": bonus}
    twins.compare()
    twins.fund(BONUS, 10**12, twins.multiple)  # nothing is added to verbs that pay no SUSHI
    assert twins.deposit(0, alice, 7, alice).amounts["bonus"] == 0
    assert twins.withdraw("withdraw", 0, alice, 7, alice).amounts["bonus"] == 0
    assert twins.plain("emergency_withdraw", 0, alice, alice).amounts["bonus"] == 0
    twins.compare()
    twins, (alice, *_) = fresh((LPA, "multiple"), multiplier=1 << 255)
    twins.fund(SUSHI, 10**24)
    twins.deposit(0, alice, 12_345, alice)
    twins.evm.advance(seconds=DAY)
    refused(BURST, twins, twins.plain, "harvest", 0, alice, alice)
    twins.plain("emergency_withdraw", 0, alice, alice)
    twins.compare()


def no_points_at_all() -> None:
    """With no points in sum a touched pool divides by zero. Without a rewarder there is one way out."""
    twins, (alice, bob, _) = fresh((LPA, ""), (LPB, "stream"))
    for pid in (0, 1):
        twins.deposit(pid, alice, 1_000, alice)
        twins.set_pool(twins.owner, pid, 0, NOBODY, overwrite=False)
    twins.compare()
    twins.evm.advance(seconds=12)
    for act, *args in (
        (twins.plain, "harvest", 0, alice, alice),
        (twins.withdraw, "withdraw", 0, alice, 1, alice),
        (twins.exit, 0, alice, alice),
        (twins.deposit, 0, bob, 1, bob),
        (twins.update_pool, 0),
    ):
        refused(HALT, twins, act, *args)
    twins.plain("emergency_withdraw", 0, alice, alice)
    twins.compare()
    twins.evm.advance(seconds=12)
    twins.update_pool(0)  # with nobody there the division is not made
    twins.compare()
    twins.update_rewarder(1)
    twins.rewarder_set(twins.owner, 0, 1)
    twins.compare()  # in this second the view need not divide
    twins.evm.advance(seconds=1)
    refused("", twins, twins.plain, "emergency_withdraw", 1, alice, alice)
    refused(HALT, twins, twins.update_rewarder, 1)
    twins.set_pool(twins.owner, 1, 0, NOBODY, overwrite=True)
    twins.plain("emergency_withdraw", 1, alice, alice)
    twins.compare()
    refused("", twins, twins.update_rewarder, 9)  # the chef has no such pool
    twins.set_pool(twins.owner, 0, 1, NOBODY, overwrite=False)
    refused("", twins, twins.update_rewarder, 2)


def numbers_that_burst() -> None:
    """Rates at which the running total no longer fits: each bound from both sides."""
    twins, (alice, *_) = fresh((LPA, ""))
    twins.deposit(0, alice, 1, alice)
    for rate, reason in (
        (((1 << 128) - 1) // 10**12 + 1, "BoringMath: uint128 Overflow"),
        ((1 << 256) // 10**12 + 1, BURST),
        ((1 << 256) // 10 + 1, BURST),
        ((1 << 256) - 1, BURST),
        (((1 << 128) - 1) // 10**12, ""),
    ):
        twins.set_rate(twins.owner, rate)
        twins.evm.advance(seconds=1)
        if reason:
            refused(reason, twins, twins.update_pool, 0)
            twins.set_rate(twins.owner, 0)
        twins.update_pool(0)
        twins.compare()
    twins.evm.advance(seconds=1)
    twins.compare()  # the view adds on where the pool is stuck
    for act, *args in ((twins.update_pool, 0), (twins.deposit, 0, alice, 1, alice)):
        refused("BoringMath: Add Overflow", twins, act, *args)
    twins.set_rate(twins.owner, 0)
    refused("BoringMath: Add Overflow", twins, twins.deposit, 0, alice, (1 << 256) - 1, alice)
    refused(BURST, twins, twins.deposit, 0, alice, (1 << 256) - 2, alice)
    for verb in ("withdraw", "withdraw_and_harvest"):
        refused(BURST, twins, twins.withdraw, verb, 0, alice, (1 << 256) - 1, alice)
        refused("BoringMath: Underflow", twins, twins.withdraw, verb, 0, alice, 2, alice)
    due = twins.real.chef.view("pendingSushi", 0, alice)
    twins.fund(SUSHI, due)
    twins.exit(0, alice, alice)
    twins.compare()


def a_stake_that_bursts() -> None:
    """A huge stake at a huge total, at the chef and at the rewarder: the product no longer fits."""
    for rewarder in ("", "stream"):
        twins, (alice, bob, _) = fresh((LPA, rewarder))
        twins.real.give(twins.real.lp_a, bob, 1 << 200)
        twins.model.book.add(LPA, bob, 1 << 200)
        twins.deposit(0, alice, 1, alice)
        twins.rewarder_add(twins.owner, 1, 7)
        twins.set_rate(twins.owner, 0)
        twins.rewarder_rate(twins.owner, 0)
        twins.evm.advance(seconds=1)
        twins.update_pool(0)
        twins.update_rewarder(0)
        (twins.rewarder_rate if rewarder else twins.set_rate)(twins.owner, ((1 << 128) - 1) // 10**12)
        twins.evm.advance(seconds=1)
        twins.update_pool(0)
        if rewarder:
            twins.update_rewarder(0)
        twins.compare()
        refused(BURST, twins, twins.deposit, 0, bob, 1 << 129, bob)
        twins.set_rate(twins.owner, 0)
        twins.rewarder_rate(twins.owner, 0)
        twins.deposit(0, bob, 1 << 127, bob)
        twins.compare()


def points_at_the_limit() -> None:
    """64 bits of points and no more, at the chef and at the rewarder."""
    twins, (alice, *_) = fresh((LPA, "stream"))
    most = (1 << 64) - 1
    narrow, wide = "BoringMath: uint64 Overflow", "BoringMath: Add Overflow"
    for points, reason in ((most + 1, narrow), ((1 << 256) - 10, wide), ((1 << 256) - 11, narrow)):
        refused(reason, twins, twins.add_pool, twins.owner, points, LPA, NOBODY)
    refused(narrow, twins, twins.set_pool, twins.owner, 0, (1 << 256) - 1, NOBODY, overwrite=True)
    refused(narrow, twins, twins.rewarder_set, twins.owner, (1 << 256) - 1, 0)
    refused(narrow, twins, twins.rewarder_add, twins.owner, most + 1, 4)
    refused(wide, twins, twins.rewarder_add, twins.owner, (1 << 256) - 5, 4)
    for points in (most, 0, 7):
        twins.set_pool(twins.owner, 0, points, NOBODY, overwrite=False)
        twins.rewarder_set(twins.owner, points, 0)
        twins.add_pool(twins.owner, most, LPB, NOBODY)
        twins.compare()
    twins.rewarder_set(twins.owner, 30, 8)
    twins.rewarder_add(twins.owner, 4, 8)  # the 30 stay in the sum
    twins.compare()
    assert twins.real.stream_words()[0] == 7 + 34
    twins.deposit(0, alice, 5, alice)
    refused("Pool already exists", twins, twins.rewarder_add, twins.owner, 1, 0)
    for act, *args in (
        (twins.add_pool, alice, 1, LPA, NOBODY),
        (twins.set_rate, alice, 1),
        (twins.rewarder_add, alice, 1, 7),
        (twins.rewarder_set, alice, 1, 0),
        (twins.rewarder_rate, alice, 1),
    ):
        refused("Ownable: caller is not the owner", twins, act, *args)
    refused("Ownable: caller is not the owner", twins, twins.set_pool, alice, 0, 1, NOBODY, overwrite=True)
    refused(HALT, twins, twins.set_pool, twins.owner, 99, 1, NOBODY, overwrite=False)


def a_rewarder_that_comes_late_and_goes() -> None:
    """It knows nobody before their first touch, forgets nobody when it goes, and pays for the time between on return."""
    twins, (alice, bob, carol) = fresh((LPA, ""))
    twins.fund(SUSHI, 10**24)
    twins.fund(BONUS, 10**20, twins.stream)
    for who in (alice, bob):
        twins.deposit(0, who, 1_000_003, who)
    twins.rewarder_add(twins.owner, 5, 0)
    twins.set_pool(twins.owner, 0, 10, twins.stream, overwrite=True)
    twins.evm.advance(seconds=DAY)
    assert twins.real.stream.view("pendingToken", 0, alice) == 0
    assert twins.plain("harvest", 0, alice, carol).amounts["bonus"] == 0
    twins.evm.advance(seconds=DAY)
    assert twins.plain("harvest", 0, alice, carol).amounts["bonus"] > 0
    assert twins.deposit(0, carol, 5, alice).amounts["bonus"] == 0
    twins.set_pool(twins.owner, 0, 10, twins.multiple, overwrite=True)
    twins.withdraw("withdraw", 0, alice, 1_000_000, alice)
    twins.evm.advance(seconds=DAY)
    twins.set_pool(twins.owner, 0, 10, twins.stream, overwrite=True)
    twins.compare()
    assert twins.plain("harvest", 0, alice, alice).amounts["bonus"] > 0
    twins.set_pool(twins.owner, 0, 10, NOBODY, overwrite=True)
    twins.exit(0, alice, bob)
    twins.compare()


def stakes_paid_out_as_rewards() -> None:
    """Where SUSHI itself is staked, rewards are taken from the stakes, and what lies there as rewards dilutes."""
    twins, (alice, bob, _) = fresh((SUSHI, ""), rate=E18)
    twins.deposit(0, alice, E18, alice)
    twins.deposit(0, bob, 3 * E18, bob)
    twins.evm.advance(seconds=3)
    twins.plain("harvest", 0, alice, alice)
    twins.compare()
    twins.withdraw("withdraw", 0, bob, 3 * E18, bob)
    twins.compare()
    refused(SHORT, twins, twins.plain, "emergency_withdraw", 0, alice, alice)


def sent_there_by_mistake() -> None:
    """Tokens that lie at the chef without a stake take their part of the reward, and nobody has it."""
    earned = []
    for mistake in (0, 10**18):
        twins, (alice, *_) = fresh((LPA, ""))
        twins.deposit(0, alice, 10**18, alice)
        if mistake:
            twins.fund(LPA, mistake)
        twins.evm.advance(seconds=DAY)
        twins.compare()
        earned.append(twins.real.chef.view("pendingSushi", 0, alice))
    assert earned[0] == 2 * earned[1]


def a_reward_too_coarse() -> None:
    """A bonus of few decimals on a stake of many: touched every second, nothing is left of it after rounding."""
    earned = []
    for touches in (1, 100):
        twins, (alice, bob, _) = fresh((LPA, "stream"))
        twins.deposit(0, alice, 2 * 10**18, alice)
        for _ in range(touches):
            twins.evm.advance(seconds=100 // touches)
            twins.deposit(0, bob, 0, bob)
        twins.compare()
        earned.append(twins.real.stream.view("pendingToken", 0, alice))
    assert earned == [100 * 10**6, 0]


def newcomers_and_nothing_elapsed() -> None:
    """Somebody never seen; amounts of nothing; two verbs in one second; the first second of a pool."""
    twins, (alice, bob, carol) = fresh((LPA, "stream"), (LPA, ""))
    twins.fund(SUSHI, 10**24)
    twins.fund(BONUS, 10**24, twins.stream)
    twins.deposit(0, alice, 3, alice)
    twins.deposit(1, alice, 4, bob)
    for seconds in (0, 1, 0, 1, 2):
        twins.evm.advance(seconds=seconds)
        for pid in (0, 1):
            for act, *args in (
                (twins.plain, "harvest", pid, alice, alice),
                (twins.deposit, pid, carol, 0, carol),
                (twins.withdraw, "withdraw", pid, bob, 0, carol),
                (twins.withdraw, "withdraw_and_harvest", pid, carol, 0, carol),
                (twins.exit, pid, bob, alice),
                (twins.plain, "emergency_withdraw", pid, carol, carol),
            ):
                act(*args)
                twins.compare()
        twins.deposit(0, bob, 1, bob)
        twins.deposit(1, carol, 2, bob)
        twins.compare()
    for pid in (0, 1):
        for verb in ("withdraw", "withdraw_and_harvest"):
            refused("BoringMath: Underflow", twins, twins.withdraw, verb, pid, carol, 1, carol)
    refused("BoringERC20: TransferFrom failed", twins, twins.deposit, 1, alice, 1 << 101, alice)
    for verb in ("harvest", "emergency_withdraw"):
        refused(HALT, twins, twins.plain, verb, 2, alice, alice)


def pools_that_are_not_the_first() -> None:
    """Verbs that name no pool mean the state's own, and no verb is taken for another."""
    twins, (alice, *_) = fresh((LPA, ""), (LPB, "stream"))
    state, model = twins.model.state, twins.model.model
    twins.do(lambda: twins.real.chef.send(alice, "deposit", 0, 5, alice), alice, Action("deposit", {"amount": 5}))
    twins.compare()
    change = Action("set_pool", {"pid": 1, "points": 3})
    twins.do(lambda: twins.real.chef.send(twins.owner, "set", 1, 3, NOBODY, False), twins.owner, change)
    twins.compare()
    state.own = twins.seen.own = 1
    twins.touched = 1
    twins.evm.advance(seconds=5)
    twins.do(lambda: twins.real.chef.send(alice, "deposit", 1, 9, alice), alice, Action("stake", {"amount": 9}))
    twins.compare()
    twins.do(lambda: twins.real.chef.send(alice, "updatePool", 1), alice, Action("update_pool"))
    touch = Action("update_rewarder", {"rewarder": twins.stream})
    twins.do(lambda: twins.real.stream.send(alice, "updatePool", 1), alice, touch)
    twins.compare()
    for verb, args in (("stakes", {}), ("update_rewarder", {"rewarder": "nobody"})):
        said = ""
        try:
            twins.model.do(alice, Action(verb, args))
        except Revert as revert:
            said = revert.reason
        assert repr("stakes" if verb == "stakes" else "nobody") in said
    assert twins.real.stream.view("rewardPerSecond") == model.read(state, "rewarder.rewardPerSecond", twins.stream)
    multiplier = model.read(state, "rewarder.rewardMultiplier", twins.multiple)
    assert multiplier == E18 // 2
    assert model.read(state, "rewarder.poolInfo", twins.stream, 77) == (0, 0, 0)
    for query, args in (("price", (0,)), ("rewarder.price", (twins.stream, 0))):
        try:
            model.read(state, query, *args)
        except KeyError:
            continue
        raise AssertionError(query)
    assert model.rates(state, "farm", lambda token, account: 0) == {}


def a_log_that_lies() -> None:
    """A reader of logs who is told of a payment or an accrual that the rules do not give says so."""
    twins, (alice, *_) = fresh((LPA, "stream"))
    twins.fund(SUSHI, 10**24)
    twins.fund(BONUS, 10**24, twins.stream)
    twins.deposit(0, alice, 10**6 + 3, alice)
    twins.evm.advance(seconds=DAY)
    honest = copy.deepcopy(twins.seen)
    twins.plain("harvest", 0, alice, alice)
    told = twins.told
    assert {event.name for event in told} == {"LogUpdatePool", "LogOnReward", "Harvest"}
    read = twins.model.model.replay
    for index, event in enumerate(told):
        field = "accSushiPerShare" if event.name == "LogUpdatePool" else "amount"
        for by in (-1, 1, 2):
            state, caught = copy.deepcopy(honest), ""
            for other in told[:index]:
                read(state, other, Logged(twins.evm.block))
            lie = Event(event.name, {**event.args, field: event.args[field] + by})
            try:
                read(state, lie, Logged(twins.evm.block))
            except ReplayMismatch as mismatch:
                caught = str(mismatch)
            # A harvest behind a withdrawal may pay one unit more: two parts were rounded down.
            assert bool(caught) == ((event.name, by) != ("Harvest", 1)), (event.name, by)


EDGES = (
    a_log_that_lies,
    owed_after_leaving,
    two_roundings_below_nothing,
    a_till_that_is_short,
    a_rewarder_that_is_short,
    exactly_what_the_multiplier_says,
    no_points_at_all,
    numbers_that_burst,
    a_stake_that_bursts,
    points_at_the_limit,
    a_rewarder_that_comes_late_and_goes,
    stakes_paid_out_as_rewards,
    sent_there_by_mistake,
    a_reward_too_coarse,
    newcomers_and_nothing_elapsed,
    pools_that_are_not_the_first,
)
