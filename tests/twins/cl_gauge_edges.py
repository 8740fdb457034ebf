"""Places of a staker that random lives hardly ever reach: the very seconds of start and end, late comers, wide liquidity."""

from __future__ import annotations

import random

import pytest

from harness.driver import refused
from tidemill.interfaces import Revert
from tidemill.venues.cl_gauge.state import Key
from twins.cl_gauge_twin import LEAD, LONGEST, NOBODY, REWARDS, SETUPS, Twins

HOUR = 3_600
SAID = "UniswapV3Staker::"
E12 = 10**12


def fresh(amount: int = E12) -> tuple[Twins, list[str]]:
    """Twins at the price 1 whose own incentive (an hour, in a minute) holds ``amount``."""
    twins = Twins(*SETUPS[1][:3], "edges")
    twins.begin("edges")
    if amount > E12:
        twins.create(twins.actors[0], twins.own, amount - E12)
    return twins, twins.actors


def at(twins: Twins, time: int) -> None:
    """Let the clock come to ``time``."""
    twins.evm.advance(seconds=time - twins.evm.block.time)


def ranged(twins: Twins, who: str, lower: int, upper: int, amount: int = 1 << 70) -> int:
    """Give somebody a position token of that range (in spacings around the price)."""
    spacing = twins.v3.real.tick_spacing
    made = twins.v3.act("mint", who, tick_lower=lower * spacing, tick_upper=upper * spacing, amount0_desired=amount,
                        amount1_desired=amount)  # fmt: skip
    twins.numbers.append(made["token_id"])
    return made["token_id"]


def move(twins: Twins, spacings: int) -> None:
    """Move the price to the middle of a cell."""
    spacing = twins.v3.real.tick_spacing
    tick = spacings * spacing + spacing // 2
    limit = int(1.0001 ** (tick / 2) * 2**96)
    down = limit < twins.v3.state.pool.sqrt_price_x96
    twins.v3.act("pool_swap", twins.actors[0], zero_for_one=down, amount_specified=1 << 150,
                 sqrt_price_limit_x96=limit)  # fmt: skip


def owed(twins: Twins, who: str) -> int:
    """Raw units credited in the own incentive's token."""
    return twins.model.read("rewards", REWARDS[0], who)


def alone_from_start_to_end() -> None:
    """Whoever has nearly all liquidity and stakes from the first second to the last is paid nearly all of it."""
    twins, (alice, bob, _) = fresh()
    number = ranged(twins, alice, -100, 100, 1 << 100)
    at(twins, twins.own.start)
    twins.stake(alice, number, twins.own)
    twins.compare()
    refused(SAID + "stakeToken: token already staked", twins, twins.stake, alice, number, twins.own)
    at(twins, twins.own.end)
    twins.unstake(bob, number, twins.own)  # over: anybody may, and it is the owner's reward
    twins.compare()
    assert E12 * 999 // 1000 < owed(twins, alice) < E12
    assert owed(twins, bob) == 0
    left = E12 - owed(twins, alice)
    held = twins.model.book.held[REWARDS[0], alice]
    twins.end(bob, twins.own)
    twins.compare()
    assert twins.model.book.held[REWARDS[0], alice] == held + left  # alice is the refundee
    twins.claim(alice, REWARDS[0], alice, 0)
    twins.compare()
    assert twins.model.book.held[REWARDS[0], alice] == held + E12


def out_of_range_earns_nothing() -> None:
    """Staked outside: nothing. The price comes in for ten minutes, and goes: those alone count, whenever one leaves."""
    for lower, upper, inside in ((10, 20, 15), (-20, -10, -15)):
        twins, (alice, *_) = fresh()
        number = ranged(twins, alice, lower, upper, 1 << 100)
        at(twins, twins.own.start)
        twins.stake(alice, number, twins.own)
        twins.evm.advance(seconds=600)
        twins.together("harvest", alice, number, twins.own)
        twins.compare()
        assert owed(twins, alice) == 0 == twins.model.book.held[REWARDS[0], alice] - (1 << 100) + E12
        move(twins, inside)
        twins.evm.advance(seconds=600)
        move(twins, 0)
        told = twins.staker.view("getRewardInfo", twins.real_key(twins.own), number)[0]
        twins.evm.advance(seconds=600)
        twins.compare()
        assert told == twins.staker.view("getRewardInfo", twins.real_key(twins.own), number)[0]
        twins.unstake(alice, number, twins.own)
        twins.compare()
        assert E12 * 99 // 600 < owed(twins, alice) <= E12 // 6
        assert owed(twins, alice) == told


def part_of_the_time_and_shared() -> None:
    """Two alike from half-time on: a quarter each; the rest goes on being shared by who stays."""
    twins, (alice, bob, carol) = fresh()
    first, second = (ranged(twins, who, -100, 100, 1 << 100) for who in (alice, bob))
    at(twins, twins.own.start + HOUR // 2)
    twins.stake(alice, first, twins.own)
    twins.stake(bob, second, twins.own)
    at(twins, twins.own.end)
    twins.compare()
    twins.together("exit", alice, first, twins.own)
    twins.compare()
    paid = twins.model.book.held[REWARDS[0], alice] - (1 << 100) + E12
    assert E12 * 99 // 400 < paid < E12 // 4
    twins.evm.advance(seconds=10 * HOUR)  # late: the seconds go on, bob's (half of all that is in range) as well
    twins.together("exit", bob, second, twins.own)
    twins.compare()
    late = twins.model.book.held[REWARDS[0], bob] - (1 << 100)
    assert E12 * 3 // 4 * 188 // 387 < late < E12 * 3 // 4 * 189 // 387
    twins.end(carol, twins.own)
    twins.compare()
    assert twins.model.read("incentives", *twins.own)[0] == 0
    refused(SAID + "endIncentive: no refund available", twins, twins.end, carol, twins.own)


def the_seconds_of_start_and_end() -> None:
    """Staking is allowed from the first second to the last but one; ending and strangers from the last on."""
    twins, (alice, bob, _) = fresh()
    number = ranged(twins, alice, -5, 5)
    at(twins, twins.own.start - 1)
    refused(SAID + "stakeToken: incentive not started", twins, twins.stake, alice, number, twins.own)
    assert twins.v3.state.manager.tokens[number].owner == alice
    at(twins, twins.own.end - 1)
    twins.stake(alice, number, twins.own)
    stranger = SAID + "unstakeToken: only owner can withdraw token before incentive end time"
    refused(stranger, twins, twins.unstake, bob, number, twins.own)
    refused(stranger, twins, twins.unstake, alice, 10**6, twins.own)
    refused(SAID + "endIncentive: cannot end incentive before end time", twins, twins.end, bob, twins.own)
    at(twins, twins.own.end)
    refused(SAID + "endIncentive: cannot end incentive while deposits are staked", twins, twins.end, bob, twins.own)
    refused(SAID + "unstakeToken: stake does not exist", twins, twins.unstake, bob, 10**6, twins.own)
    twins.unstake(bob, number, twins.own)
    refused(SAID + "unstakeToken: stake does not exist", twins, twins.unstake, alice, number, twins.own)
    refused(SAID + "stakeToken: incentive ended", twins, twins.stake, alice, number, twins.own)
    twins.end(bob, twins.own)
    twins.compare()


def what_may_be_created() -> None:
    """From now on, a month ahead at most, a quarter long at most, something at least; more may be added until it starts."""
    twins, (alice, bob, _) = fresh()
    now, pool, said = twins.evm.block.time, twins.v3.pool, SAID + "createIncentive: "
    for start, end, reason in (
        (now - 1, now + 9, "start time must be now or in the future"),
        (now, now, "start time must be before end time"),
        (now, now + LONGEST + 1, "incentive duration is too long"),
        (now + LEAD + 1, now + LEAD + 2, "start time too far into future"),
        (now + LEAD + 1, now, "start time too far into future"),
    ):
        refused(said + reason, twins, twins.create, alice, Key(REWARDS[1], pool, start, end, bob), 7)
    twins.create(alice, Key(REWARDS[1], pool, now, now + LONGEST, bob), 1)
    twins.create(alice, Key(REWARDS[1], pool, now + LEAD, now + LEAD + 1, bob), 1)
    twins.compare()
    key = Key(REWARDS[1], pool, now + 5, now + 50, bob)
    twins.create(alice, key, 5)
    at(twins, now + 5)
    twins.create(bob, key, 6)
    twins.compare()
    assert twins.model.read("incentives", *key)[0] == 11
    refused(said + "reward must be positive", twins, twins.create, alice, key, 0)
    refused("STF", twins, twins.create, alice, key, 1 << 101)
    at(twins, now + 6)
    refused(said + "start time must be now or in the future", twins, twins.create, alice, key, 1)


def which_refusal_comes_first() -> None:
    """Where several things are wrong at once the contract's order decides."""
    twins, (alice, bob, _) = fresh()
    said, pool = SAID + "stakeToken: ", twins.v3.pool
    number, other = ranged(twins, alice, -5, 5), ranged(twins, bob, -5, 5)
    now = twins.evm.block.time
    none = Key(REWARDS[0], pool, now - 10, now + 10, bob)
    refused(said + "incentive ended", twins, twins.stake, alice, number, none._replace(end=now))
    refused(said + "non-existent incentive", twins, twins.stake, alice, number, none)
    refused("ERC721: transfer caller is not owner nor approved", twins, twins.stake, alice, other, none)
    refused("ERC721: operator query for nonexistent token", twins, twins.stake, alice, 10**6, none)
    foreign = Key(REWARDS[0], twins.tokens[REWARDS[0]].address, now, now + 100, bob)
    twins.create(bob, foreign, 7)
    refused(said + "token pool is not the incentive pool", twins, twins.stake, alice, number, foreign)
    twins.empty(alice, number)
    refused(said + "token pool is not the incentive pool", twins, twins.stake, alice, number, foreign)
    at(twins, twins.own.start)
    refused(said + "cannot stake token with 0 liquidity", twins, twins.stake, alice, number, twins.own)
    twins.deposit(alice, number)
    refused(said + "only owner can stake token", twins, twins.stake, bob, number, twins.own._replace(end=1))
    refused(said + "cannot stake token with 0 liquidity", twins, twins.stake, alice, number, twins.own)
    twins.stake(bob, other, twins.own)
    home = SAID + "withdrawToken: "
    refused(home + "cannot withdraw to staker", twins, twins.withdraw, alice, other, twins.at)
    refused(home + "cannot withdraw token while staked", twins, twins.withdraw, alice, other, alice)
    refused(home + "only owner can withdraw token", twins, twins.withdraw, bob, number, bob)
    refused(home + "only owner can withdraw token", twins, twins.withdraw, bob, 10**6, bob)
    refused("ERC721: transfer to the zero address", twins, twins.withdraw, alice, number, NOBODY)
    gone = SAID + "transferDeposit: "
    refused(gone + "invalid transfer recipient", twins, twins.transfer, bob, number, NOBODY)
    refused(gone + "can only be called by deposit owner", twins, twins.transfer, bob, number, bob)
    refused(gone + "can only be called by deposit owner", twins, twins.transfer, alice, 10**6, bob)


def harvested_by_a_stranger_at_the_end() -> None:
    """A multicall is refused whole: what its first call did is taken back, at the pool as well."""
    twins, (alice, bob, _) = fresh()
    number = ranged(twins, alice, -5, 5)
    at(twins, twins.own.start)
    twins.stake(alice, number, twins.own)
    ends = twins.own._replace(refundee=bob, start=twins.own.start, end=twins.own.end + HOUR)
    twins.create(bob, ends, 10**6)
    twins.stake(alice, number, ends)
    assert twins.model.read("deposits", number)[1] == 2
    refused(
        SAID + "withdrawToken: cannot withdraw token while staked", twins, twins.together, "exit", alice, number, ends
    )
    at(twins, twins.own.end)
    said = SAID + "stakeToken: only owner can stake token"
    refused(said, twins, twins.together, "harvest", bob, number, twins.own)
    refused(SAID + "stakeToken: incentive ended", twins, twins.together, "harvest", alice, number, twins.own)
    twins.unstake(bob, number, twins.own)
    at(twins, ends.end)
    refused(SAID + "withdrawToken: only owner can withdraw token", twins, twins.together, "exit", bob, number, ends)
    twins.together("exit", alice, number, ends)
    twins.compare()
    assert twins.v3.state.manager.tokens[number].owner == alice


def rewards_follow_the_deposit() -> None:
    """Who owns the deposit when it is unstaked is credited; what one has is paid in parts, to whomever one names."""
    twins, (alice, bob, carol) = fresh()
    number = ranged(twins, alice, -5, 5, 1 << 100)
    twins.deposit(alice, number)
    at(twins, twins.own.start)
    twins.stake(alice, number, twins.own)
    twins.evm.advance(seconds=600)
    twins.transfer(alice, number, bob)
    twins.compare()
    refused(SAID + "unstakeToken: only owner can withdraw token before incentive end time", twins,
            twins.unstake, alice, number, twins.own)  # fmt: skip
    twins.unstake(bob, number, twins.own)
    credited = owed(twins, bob)
    assert credited > 10 and owed(twins, alice) == 0
    held = twins.model.book.held[REWARDS[0], carol]
    twins.claim(bob, REWARDS[0], carol, 1)
    twins.claim(bob, REWARDS[0], carol, credited - 1)
    twins.compare()
    assert owed(twins, bob) == 0
    assert twins.model.book.held[REWARDS[0], carol] == held + credited
    twins.claim(bob, REWARDS[0], carol, 5)
    twins.compare()
    twins.withdraw(bob, number, carol)
    twins.compare()
    assert twins.v3.state.manager.tokens[number].owner == carol


def more_than_96_bits_of_liquidity() -> None:
    """A liquidity of 2**96 and one less: the first takes a word of its own."""
    for liquidity in ((1 << 96) - 2, (1 << 96) - 1, 1 << 96, (1 << 100) + 7):
        twins, (alice, *_) = fresh()
        number = ranged(twins, alice, -5, 5, 1 << 30)
        held = twins.v3.state.manager.tokens[number].liquidity
        lower, upper = twins.v3.state.manager.tokens[number][1:3]
        both = 1 << 96
        twins.v3.act("increase", alice, token_id=number, amount0_desired=both, amount1_desired=both)
        more = twins.v3.state.manager.tokens[number].liquidity
        assert more > liquidity > held and lower < 0 < upper
        twins.v3.act("decrease", alice, token_id=number, liquidity=more - liquidity)
        at(twins, twins.own.start)
        twins.stake(alice, number, twins.own)
        twins.compare()
        assert twins.model.read("stakes", number, *twins.own)[1] == liquidity
        twins.evm.advance(seconds=77)
        twins.together("harvest", alice, number, twins.own)
        twins.compare()
        twins.together("exit", alice, number, twins.own)
        twins.compare()


def fees_stay_with_the_token() -> None:
    """While it lies here its owner can neither collect nor decrease; fees grow all the same and are his afterwards."""
    twins, (alice, bob, _) = fresh()
    number = ranged(twins, alice, -50, 50)
    at(twins, twins.own.start)
    twins.stake(alice, number, twins.own)
    for verb, args in (("collect", {}), ("decrease", {"liquidity": 1}), ("burn", {}), ("close", {})):
        with pytest.raises(Revert, match="^Not approved$"):
            twins.v3.act(verb, alice, token_id=number, **args)
    amount = 1 << 60
    twins.v3.act("increase", bob, token_id=number, amount0_desired=amount, amount1_desired=amount)  # anybody may add
    move(twins, 20)
    twins.evm.advance(seconds=600)
    move(twins, -20)
    twins.compare()
    pending = twins.v3.model.read(twins.v3.state, "claimable", number)
    assert min(pending) > 0
    staked = twins.model.read("stakes", number, *twins.own)[1]
    assert staked < twins.v3.state.manager.tokens[number].liquidity
    twins.together("exit", alice, number, twins.own)
    twins.compare()
    assert tuple(twins.v3.act("collect", alice, token_id=number).values()) == pending


def several_at_once() -> None:
    """Two tokens of one owner in two incentives of two rewards, left in any order."""
    r = random.Random("several")
    twins, (alice, bob, _) = fresh()
    now = twins.evm.block.time
    second = Key(REWARDS[1], twins.v3.pool, twins.own.start, now + 5_000, bob)
    twins.create(bob, second, 1 << 64)
    numbers = [ranged(twins, alice, -7, 9, 1 << 80), ranged(twins, alice, -30, 3, 1 << 60)]
    at(twins, twins.own.start)
    stakes = [(number, key) for number in numbers for key in (twins.own, second)]
    for number, key in stakes:
        twins.stake(alice, number, key)
        twins.evm.advance(seconds=100)
    r.shuffle(stakes)
    for number, key in stakes:
        twins.evm.advance(seconds=200)
        twins.unstake(alice, number, key)
        twins.compare()
    assert min(twins.model.read("rewards", token, alice) for token in REWARDS) > 0
    assert twins.model.read("deposits", numbers[0])[1] == 0


def the_price_at_the_ends_of_a_range() -> None:
    """The lower end belongs to a range and the upper does not: the one earns, the other does not."""
    twins, (alice, *_) = fresh()
    assert twins.v3.state.pool.tick == 0
    inside, outside = ranged(twins, alice, 0, 5), ranged(twins, alice, -5, 0)
    at(twins, twins.own.start)
    for number in (inside, outside):
        twins.stake(alice, number, twins.own)
    twins.evm.advance(seconds=600)
    twins.unstake(alice, outside, twins.own)
    twins.compare()
    assert owed(twins, alice) == 0
    twins.unstake(alice, inside, twins.own)
    twins.compare()
    assert owed(twins, alice) > 0


EDGES = [
    the_price_at_the_ends_of_a_range,
    alone_from_start_to_end,
    out_of_range_earns_nothing,
    part_of_the_time_and_shared,
    the_seconds_of_start_and_end,
    what_may_be_created,
    which_refusal_comes_first,
    harvested_by_a_stranger_at_the_end,
    rewards_follow_the_deposit,
    more_than_96_bits_of_liquidity,
    fees_stay_with_the_token,
    several_at_once,
]
