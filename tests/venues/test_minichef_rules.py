"""Rules of the chef: small examples by hand, every refusal, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.minichef import rules as r

RANDOM = random.Random("minichef")
LIMIT = 1 << 256


@pytest.mark.parametrize(
    ("elapsed", "rate", "points", "total", "reward"),
    [(100, 7, 1, 3, 233), (0, 7, 1, 3, 0), (100, 7, 0, 3, 0), (1, 2, 1, 3, 0), (100, 7, 3, 3, 700)],
)
def test_a_pool_gets_its_points_of_the_stream(elapsed: int, rate: int, points: int, total: int, reward: int) -> None:
    assert r.emitted_down(elapsed, rate, points, total) == reward


def test_nothing_is_lost_between_pools_but_less_than_a_unit_each() -> None:
    for _ in range(200):
        points = [RANDOM.randrange(1, 1000) for _ in range(5)]
        parts = [r.emitted_down(86_400, 10**9 + 7, p, sum(points)) for p in points]
        assert 0 <= 86_400 * (10**9 + 7) - sum(parts) < 5


def test_growth_and_accrual_are_rounded_down_twice() -> None:
    assert r.growth_down(1, 3) == 333_333_333_333
    assert r.accrued_down(3, r.growth_down(1, 3)) == 0  # a third of a unit for each of three: nobody gets it
    assert r.accrued_down(3, r.growth_down(10, 3)) == 9


def test_master_chef_is_the_case_of_blocks_and_unsigned_debt() -> None:
    """Version 1: 10 blocks at 40 SUSHI a block, a fifth of the points, a bonus of 10; the only staker's debt is 0."""
    wad = 10**18
    reward = r.emitted_down(10 * 10, 40 * wad, 1, 5)
    assert reward == 800 * wad
    per_share = r.per_share_after(0, r.growth_down(reward, 5 * wad))
    assert r.owed(r.accrued_down(5 * wad, per_share), 0) == 800 * wad
    # Version 1 pays at each touch and sets the debt anew; a second touch in the same block is owed nothing.
    assert r.owed(r.accrued_down(7 * wad, per_share), r.accrued_down(7 * wad, per_share)) == 0


def test_the_running_total_has_128_bits() -> None:
    most = (1 << 128) - 1
    assert r.per_share_after(most - 5, 5) == most
    for per_share, growth, reason in (
        (most, 1, "BoringMath: Add Overflow"),
        (0, most + 1, "BoringMath: uint128 Overflow"),
    ):
        with pytest.raises(Revert, match=f"^{reason}$"):
            r.per_share_after(per_share, growth)


@pytest.mark.parametrize(("accrued", "debt", "due"), [(5, 5, 0), (5, 3, 2), (0, -7, 7), (5, -7, 12)])
def test_owed_is_what_accrued_beyond_a_signed_debt(accrued: int, debt: int, due: int) -> None:
    assert r.owed(accrued, debt) == due


def test_owed_below_nothing_is_refused() -> None:
    with pytest.raises(Revert, match="^Integer < 0$"):
        r.owed(4, 5)
    with pytest.raises(Revert, match="^overflow$"):
        r.owed(LIMIT - 1, 0)


def test_a_withdrawal_can_leave_one_unit_less_than_nothing() -> None:
    """Two parts rounded down may sum to one less than the whole, never to more."""
    below = 0
    for _ in range(2_000):
        per_share, staked = RANDOM.randrange(10**14), RANDOM.randrange(1, 10**9)
        taken = RANDOM.randrange(staked + 1)
        debt = r.accrued_down(staked, per_share) - r.accrued_down(taken, per_share)
        left = r.accrued_down(staked - taken, per_share)
        assert left - debt in (-1, 0)
        below += left < debt
    assert below > 100


def test_a_multiplier_rounds_down() -> None:
    assert r.multiplied_down(3, 10**18 // 2) == 1
    assert r.multiplied_down(3, 10**18) == 3


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256))) for _ in range(3_000)]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    divided = [(a, b) for a, b in pairs if b]
    fours = [(*a, *b) for a, b in zip(pairs[::2], pairs[1::2], strict=True)]
    assert 0 < assert_rule_equal_on_three_types(r.emitted_down, fours) < len(fours)
    assert 0 < assert_rule_equal_on_three_types(r.growth_down, pairs) < len(pairs)
    assert 0 < assert_rule_equal_on_three_types(r.growth_down, divided) < len(divided)
    for rule in (r.accrued_down, r.multiplied_down, r.per_share_after):
        assert 0 < assert_rule_equal_on_three_types(rule, pairs) < len(pairs)
    half = 1 << 255
    signed = [(a, b % half - RANDOM.choice((0, half))) for a, b in pairs]
    assert 0 < assert_rule_equal_on_three_types(r.owed, signed) < len(signed)
