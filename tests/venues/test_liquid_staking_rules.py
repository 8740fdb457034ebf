"""Rules of liquid staking: small examples by hand, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.liquid_staking import rules as r

RANDOM = random.Random("liquid staking")
RAY, WAD = 10**27, 10**18


def test_the_first_gets_one_for_one_and_all_others_the_rate_rounded_down() -> None:
    assert r.shares_for_assets_down(1_000, 0, 0) == r.shares_for_assets_down(1_000, 77, 0) == 1_000
    assert r.shares_for_assets_down(1_000, 1_180, 1_000) == 847
    assert r.assets_for_shares_down(847, 1_180, 1_000) == 999
    assert r.assets_for_shares_down(5, 0, 0) == 5


def test_whoever_stakes_and_leaves_at_once_never_gains() -> None:
    for _ in range(500):
        total, shares = RANDOM.randrange(1, 10**24), RANDOM.randrange(1, 10**24)
        amount = RANDOM.randrange(1, 10**24)
        got = r.shares_for_assets_down(amount, total, shares)
        assert r.assets_for_shares_down(got, total + amount, shares + got) <= amount


@pytest.mark.parametrize("fee_bps", [0, 1, 500, 1_000, 9_999, 10_000])
def test_the_fee_is_worth_the_protocol_s_part(fee_bps: int) -> None:
    for _ in range(100):
        shares, rewards = RANDOM.randrange(10**6, 10**24), RANDOM.randrange(1, 10**22)
        total = RANDOM.randrange(shares, 2 * shares) + rewards
        minted = r.fee_shares_down(rewards, fee_bps, total, shares)
        due = rewards * fee_bps // 10_000
        worth = r.assets_for_shares_down(minted, total, shares + minted)
        assert due - total // shares - 2 <= worth <= due


def test_a_report_of_a_tenth_with_a_tenth_for_the_protocol() -> None:
    """100 staked for 100 shares, 10 earned, 1 for the protocol: holders have 109, the protocol 1 of 110."""
    minted = r.fee_shares_down(10 * WAD, 1_000, 110 * WAD, 100 * WAD)
    assert r.assets_for_shares_down(100 * WAD, 110 * WAD, 100 * WAD + minted) == 109 * WAD
    assert r.assets_for_shares_down(minted, 110 * WAD, 100 * WAD + minted) == WAD - 1


@pytest.mark.parametrize(
    ("rate", "paid"),
    [(2 * RAY, 118), (118 * RAY // 100, 118), (118 * RAY // 100 - 1, 117), (RAY, 100), (RAY // 2, 50), (0, 0)],
)
def test_a_request_is_paid_at_the_lower_rate(rate: int, paid: int) -> None:
    assert r.paid_down(118, 100, rate) == paid


def test_rates() -> None:
    assert r.rate_down(0, 0) == r.rate_down(5, 0) == RAY
    assert r.rate_down(1, 3) == RAY // 3
    assert r.added(1, 2) == 3
    with pytest.raises(Revert, match="^overflow$"):
        r.added((1 << 256) - 1, 1)


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256))) for _ in range(3_600)]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    threes = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    fours = [(a, b % 10_001, c, d) for (a, b), (c, d) in zip(pairs[::2], pairs[1::2], strict=True)]
    for rule in (r.shares_for_assets_down, r.assets_for_shares_down, r.paid_down):
        assert 0 < assert_rule_equal_on_three_types(rule, threes) < len(threes)
    for rule in (r.rate_down, r.added):
        assert 0 < assert_rule_equal_on_three_types(rule, pairs) < len(pairs)
    assert 0 < assert_rule_equal_on_three_types(r.fee_shares_down, fours) < len(fours)
