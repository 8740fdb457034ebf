"""Where delegation's rules bend, each at its unit: on model and contract alike."""

from __future__ import annotations

import msgspec

from harness import assert_same
from harness.driver import refused
from twins.delegation_twin import CURVE, DAY, POL, PURSE, SMALL, UNIT, Twins


def the_least_that_may_be_delegated() -> None:
    twins = Twins(POL, 0)
    who = twins.real.actors["alice"]
    refused("too little to delegate", twins, twins.act, who, "delegate", UNIT - 1)
    twins.act(who, "delegate", UNIT)
    refused("not delegated so much", twins, twins.act, who, "undelegate", UNIT + 1)
    refused("not delegated so much", twins, twins.act, who, "undelegate", 0)
    refused("nothing to claim", twins, twins.act, who, "claim")
    twins.act(who, "undelegate", UNIT)
    twins.compare()


def a_wait_ends_in_its_second() -> None:
    twins = Twins(CURVE, 0)
    who, other = (twins.real.actors[name] for name in ("alice", "bob"))
    twins.act(who, "delegate", 5 * UNIT)
    twins.act(who, "undelegate", 2 * UNIT)
    ready = twins.model.state.leaving[0].ready
    twins.evm.advance(seconds=ready - 1 - twins.evm.block.time)
    refused("still unbonding", twins, twins.act, who, "claim_unbonded", 1)
    refused("not the owner", twins, twins.act, other, "claim_unbonded", 1)
    twins.evm.advance(seconds=1)
    twins.act(who, "claim_unbonded", 1)
    refused("already claimed", twins, twins.act, who, "claim_unbonded", 1)
    for number in (0, 2):
        refused("no such unbonding", twins, twins.act, who, "claim_unbonded", number)


def a_late_checkpoint_pays_down_to_nothing() -> None:
    for blocks in (0, 1, 5_119, 5_120, 5_121, 2 * 5_120, 10 * 5_120, 11 * 5_120, 50 * 5_120):
        for terms in (
            POL,
            SMALL,
            msgspec.structs.replace(POL, decrease=100),
            msgspec.structs.replace(POL, decrease=33),
        ):
            twins = Twins(terms, 0)
            twins.act(twins.real.actors["alice"], "delegate", 10**24)
            for proposer in (False, True):
                twins.act("anybody", "epoch", blocks, 10_000, proposer)
                twins.act("anybody", "epoch", blocks, 6_667, proposer)
                twins.compare()


def a_validator_without_stake_is_paid_nothing() -> None:
    for terms in (SMALL, msgspec.structs.replace(CURVE, own=0), msgspec.structs.replace(PURSE, own=0)):
        twins = Twins(terms, 0)
        twins.evm.advance(seconds=DAY)
        made = twins.act("anybody", "epoch", 5_120, 10_000, True)
        assert_same(made.amounts["paid"], 0)
        twins.compare()


def a_programme_ends_with_its_second_and_its_purse() -> None:
    for purse in (10**23, 10**19):  # the second is spent before the end
        twins = Twins(msgspec.structs.replace(PURSE, purse=purse, ends=40 * DAY), 0)
        who = twins.real.actors["alice"]
        twins.act(who, "delegate", 10**22)
        ends = twins.terms.ends
        for moment in (ends - 1, ends, ends + 1, ends + 30 * DAY):
            twins.evm.advance(seconds=moment - twins.evm.block.time)
            twins.act("anybody", "epoch", 0, 10_000, False)
            twins.compare()
        assert (twins.model.state.spent == purse) is (purse == 10**19)
        twins.act(who, "claim")
        twins.compare()


def a_reward_is_staked_again_at_the_least() -> None:
    twins = Twins(msgspec.structs.replace(POL, commission=0, bonus=0, own=1, elsewhere=0), 0)
    who = twins.real.actors["alice"]
    twins.act(who, "delegate", 10**24)
    refused("too little to restake", twins, twins.act, who, "restake")
    twins.evm.advance(seconds=8_960)
    twins.act("anybody", "epoch", 5_120, 10_000, False)
    least = twins.model.read("rewards", who)
    twins.act(who, "restake")
    twins.compare()
    for more in (0, 1):  # once more, where what is owed is the very least, and a unit less than it
        terms = msgspec.structs.replace(twins.terms, least=least + more)
        again = Twins(terms, 0)
        again.act(who, "delegate", 10**24)
        again.evm.advance(seconds=8_960)
        again.act("anybody", "epoch", 5_120, 10_000, False)
        if more:
            refused("too little to restake", again, again.act, who, "restake")
        else:
            again.act(who, "restake")
            again.compare()


EDGES = (
    the_least_that_may_be_delegated,
    a_wait_ends_in_its_second,
    a_late_checkpoint_pays_down_to_nothing,
    a_validator_without_stake_is_paid_nothing,
    a_programme_ends_with_its_second_and_its_purse,
    a_reward_is_staked_again_at_the_least,
)
