"""What delegated stake is paid: published cases to the last digit, PIP-65's worked example, Starknet's curve, and rounding."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from tidemill.venues.delegation.rules import (
    REWARD_PRECISION,
    YEAR,
    checkpoint_pay_down,
    checkpoint_reward_down,
    earned_down,
    per_share_down,
    priority_fees_down,
    real_bps_down,
    reward_of_target_down,
    validator_pay_down,
    yearly_mint_down,
)

UNIT = 10**18


@pytest.mark.parametrize(
    ("interval", "signed", "decrease", "want"),
    # derived from StakeManager's published rule (regression): base 1,024 blocks, 10,000 POL
    [
        (1_024, 100, 0, 10_000 * UNIT),
        (512, 90, 0, 4_500 * UNIT),
        (2_048, 100, 10, 19_000 * UNIT),
        (2_560, 80, 10, 18_400 * UNIT),
    ],
)
def test_checkpoints(interval: int, signed: int, decrease: int, want: int):
    assert checkpoint_reward_down(interval, signed, 100, 10_000 * UNIT, 1_024, decrease) == want


def test_a_late_checkpoint_pays_less_for_each_length_and_then_nothing():
    base = 1_024
    each = [checkpoint_reward_down(n * base, 1, 1, UNIT, base, 30) for n in range(6)]
    assert each == [0, 10 * UNIT // 10, 17 * UNIT // 10, 21 * UNIT // 10, 22 * UNIT // 10, 22 * UNIT // 10]
    assert checkpoint_reward_down(10**9 * base, 1, 1, UNIT, base, 30) == each[-1]
    assert checkpoint_reward_down(10**9 * base + 512, 1, 1, UNIT, base, 0) == 10**9 * UNIT + UNIT // 2


def test_the_reward_of_a_checkpoint_is_the_one_of_pip_86():
    # 103.53 M POL a year over 5,120 blocks of 1.75 s and of 1.5 s (published to the hundredth)
    assert [reward_of_target_down(103_530_000 * 100, cs, 5_120) for cs in (175, 150)] == [2_941_491, 2_521_278]
    for cs, published in ((175, "29414.92"), (150, "25212.79")):
        exact = Fraction(103_530_000 * cs * 5_120, 100 * YEAR)
        assert abs(exact - Fraction(published)) < Fraction(1, 100)


def test_a_year_of_checkpoints_adds_up_to_the_target():
    reward = reward_of_target_down(103_530_000 * UNIT, 175, 5_120)
    checkpoints = Fraction(YEAR * 100, 175 * 5_120)
    assert 0 <= 103_530_000 * UNIT - reward * checkpoints < checkpoints


def test_what_was_paid_before_pip_78_was_seven_per_cent_too_much():
    """10,603 checkpoints paid 56,193,648.45 POL where 52,538,717 were meant: 6.96 % more (PIP-78)."""
    assert 10_695 < 10_000 * Fraction("56193648.45") / 52_538_717 < 10_696


PIP65 = {
    "stakes": {"V1": 1_000_000 * UNIT, "V2": 2_000_000 * UNIT, "V3": 3_000_000 * UNIT},
    "performance": {"V1": 10_000, "V2": 9_000, "V3": 10_000},
}


def test_the_worked_example_of_pip_65():
    paid = priority_fees_down(1_200 * UNIT, **PIP65, blocks={"V1": 1})
    assert {name: (amount + 5 * 10**14) // 10**15 for name, amount in paid.items()} == {
        "V1": 405_517, "V2": 297_931, "V3": 496_552,
    }  # fmt: skip
    assert 0 <= 1_200 * UNIT - sum(paid.values()) < 5


def test_producers_share_a_commission_equally_and_by_blocks():
    paid = priority_fees_down(1_000 * UNIT, **PIP65, blocks={"V1": 3, "V2": 1, "V3": 0}, commission_bps=5_000)
    alone = priority_fees_down(500 * UNIT, **PIP65, blocks={"V1": 1}, commission_bps=0)
    assert paid["V1"] - alone["V1"] == 150 * UNIT + 150 * UNIT  # half of 300, three quarters of 200
    assert paid["V2"] - alone["V2"] == 150 * UNIT + 50 * UNIT
    assert paid["V3"] == alone["V3"]


def test_fees_that_nobody_made_are_refused():
    with pytest.raises(ValueError, match="producer"):
        priority_fees_down(1, {"V": 1}, {"V": 10_000}, {"V": 0})


@pytest.mark.parametrize(
    ("numerator", "stake", "want"),
    # the curve of starknet-staking's minting_curve (derived from its formula: regression)
    [
        (213, 10**27, 67356514161586479771576432),
        (400, 10**27, 126491106406735173279955741),
        (400, 2 * 10**27, 178885438199983175712733893),
    ],
)
def test_starknets_curve(numerator: int, stake: int, want: int):
    assert yearly_mint_down(numerator, stake, 10**28) == want


@pytest.mark.parametrize(("sigma", "apr"), [(4, 1_500), (9, 1_000), (16, 750), (25, 600)])
def test_the_published_yields_of_starknet(sigma: int, apr: int):
    """C of 4 %, a quarter to stakers of BTC: 15 %, 10 %, 7.5 % and 6 % at 4, 9, 16 and 25 % of the supply staked."""
    supply = 10**28
    stake = supply * sigma // 100
    assert yearly_mint_down(400, stake, supply) * 7_500 // stake == apr  # basis points, less a quarter


def test_a_checkpoint_is_parted_without_a_wei_too_many():
    draws = random.Random(3)
    for _ in range(300):
        stakes = [(draws.randrange(10**24), draws.randrange(1, 10**24)) for _ in range(5)]
        signed, pay, proposer = sum(map(sum, stakes)), draws.randrange(10**23), draws.randrange(5)
        bonus, commission = draws.randrange(101), draws.randrange(101)
        paid = [
            checkpoint_pay_down(pay, own, theirs, signed, bonus, commission, proposer=number == proposer)
            for number, (own, theirs) in enumerate(stakes)
        ]
        exact = [
            (
                Fraction(pay * (100 - bonus) * (own + theirs), 100 * signed)
                + Fraction(pay * bonus * (number == proposer), 100)
            )
            * Fraction(theirs * (100 - commission), (own + theirs) * 100)
            for number, (own, theirs) in enumerate(stakes)
        ]
        assert sum(paid) <= pay
        assert all(-3 < have - want < 3 for have, want in zip(paid, exact, strict=True))


def test_the_running_total_never_owes_more_than_was_paid():
    draws = random.Random(4)
    for _ in range(100):
        shares = [draws.randrange(1, 10**24) for _ in range(4)]
        stored, paid = 0, 0
        for _ in range(10):
            more = draws.randrange(10**20)
            stored, paid = per_share_down(stored, more, sum(shares)), paid + more
        owed = sum(earned_down(one, stored, 0) for one in shares)
        assert paid - 10 * (1 + sum(shares) // REWARD_PRECISION) - 4 <= owed <= paid
    assert per_share_down(7, 10**18, 0) == 7


@pytest.mark.parametrize(
    ("gross", "inflation", "net"),
    [(300, 200, 98), (0, 0, 0), (200, 200, 0), (100, 200, -99), (0, 1, -1), (1_000, 0, 1_000)],
)
def test_a_yield_after_inflation(gross: int, inflation: int, net: int):
    assert real_bps_down(gross, inflation) == net


def test_a_validator_and_its_delegators_share_all_of_its_part():
    draws = random.Random(3)
    for _ in range(300):
        own, delegated = draws.randrange(1, 10**24), draws.randrange(10**25)
        signed, pay, proposer = (
            own + delegated + draws.randrange(10**27),
            draws.randrange(10**23),
            bool(draws.randrange(2)),
        )
        bonus, cut = draws.randrange(101), draws.randrange(101)
        kept = validator_pay_down(pay, own, delegated, signed, bonus, cut, proposer=proposer)
        theirs = checkpoint_pay_down(pay, own, delegated, signed, bonus, cut, proposer=proposer)
        first = pay * bonus // 100
        whole = (pay - first) * (own + delegated) // signed + (first if proposer else 0)
        assert kept + theirs == whole
        exact = Fraction(whole * own, own + delegated) + Fraction(whole * delegated * cut, (own + delegated) * 100)
        assert -1 < kept - exact < 1  # the delegators' part and the commission on it are rounded down


def test_commission_of_everything_leaves_the_validator_with_all_of_it():
    assert validator_pay_down(1_000, 1, 99, 100, 0, 100, proposer=False) == 1_000
    assert validator_pay_down(1_000, 1, 99, 100, 0, 0, proposer=False) == 10
