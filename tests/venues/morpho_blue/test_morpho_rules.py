"""Morpho Blue's rules: examples by hand, what must always hold, and all on three number types."""

from __future__ import annotations

import math
import random
from itertools import pairwise

import pytest

from tidemill.errors import Revert
from tidemill.units import WAD
from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.morpho_blue import rules as r
from tidemill.venues.morpho_blue import rules_rate as q

RANDOM = random.Random("morpho rules")
YEAR = 365 * 86_400
ONE = int(WAD)


def test_the_first_share_has_a_price_that_nobody_can_set() -> None:
    assert r.shares_down(1, 0, 0) == 10**6 == r.shares_up(1, 0, 0)
    assert r.assets_down(10**6, 0, 0) == 1
    # A gift of a million to a market of one share makes others' deposits lose little: a millionth of a share is a unit.
    assert r.assets_down(r.shares_down(10**6, 10**6, 1), 2 * 10**6, r.shares_down(10**6, 10**6, 1) + 1) >= 10**6 - 2


@pytest.mark.parametrize(("assets", "total", "shares", "down", "up"), [(7, 9, 5 * 10**6, 4_200_000, 4_200_000),
                                                                       (1, 2, 10**6, 666_666, 666_667)])  # fmt: skip
def test_shares_of_assets(assets: int, total: int, shares: int, down: int, up: int) -> None:
    assert (r.shares_down(assets, total, shares), r.shares_up(assets, total, shares)) == (down, up)


def test_going_there_and_back_never_gains() -> None:
    for _ in range(500):
        total, shares = RANDOM.getrandbits(RANDOM.randrange(1, 100)), RANDOM.getrandbits(RANDOM.randrange(1, 120))
        amount = RANDOM.getrandbits(RANDOM.randrange(1, 100))
        assert r.assets_down(r.shares_down(amount, total, shares), total, shares) <= amount
        assert r.shares_down(r.assets_down(amount, total, shares), total, shares) <= amount
        assert r.assets_up(r.shares_up(amount, total, shares), total, shares) >= amount


def test_interest_is_the_exponential_to_three_terms() -> None:
    assert r.compounded_down(0, YEAR) == 0 == r.compounded_down(10**9, 0)
    for yearly in (0.001, 0.04, 0.5, 1.0):
        rate = int(yearly * 1e18) // YEAR
        x = rate * YEAR
        series = x / 1e18 + (x / 1e18) ** 2 / 2 + (x / 1e18) ** 3 / 6
        assert math.isclose(r.compounded_down(rate, YEAR) / 1e18, series, rel_tol=1e-12)
        assert r.compounded_down(rate, YEAR) / 1e18 < math.expm1(yearly)


def test_the_fee_leaves_others_what_they_had_and_the_rest_of_the_interest() -> None:
    supply, shares, interest = 1_000 * ONE, 900 * ONE * 10**6, 10 * ONE
    fee = r.fee_shares_down(interest, ONE // 10, supply + interest, shares)
    owner = r.assets_down(fee, supply + interest, shares + fee)
    assert ONE - 2 <= owner <= ONE
    with pytest.raises(Revert, match="^underflow$"):
        r.fee_shares_down(interest, 2 * ONE, interest, shares)


def test_incentive() -> None:
    assert r.incentive_down(945 * 10**15) == 10**36 // (10**18 - 3 * 55 * 10**14)
    assert r.incentive_down(625 * 10**15) == 10**36 // (10**18 - 3 * 375 * 10**14)
    assert r.incentive_down(385 * 10**15) == 115 * 10**16 == r.incentive_down(0)
    assert r.incentive_down(ONE) == ONE


def test_health_and_seizure() -> None:
    price = 3_000 * 10**24  # a collateral of 18 decimals in a loan of 6
    assert r.max_borrow_down(10**18, price, 86 * 10**16) == 2_580 * 10**6
    assert r.max_borrow_down(1, price, 86 * 10**16) == 0
    totals = 10**12, 10**18
    incentive = r.incentive_down(86 * 10**16)
    shares = r.repaid_shares_up(10**18, price, incentive, *totals)
    unit = 10**36 // price + 1  # raw units of collateral for one of the loan token
    assert 0 <= r.seized_down(shares, price, incentive, *totals) - 10**18 <= 2 * unit
    assert r.seized_down(shares - 3 * 10**6, price, incentive, *totals) < 10**18
    with pytest.raises(Revert, match="^division by zero$"):
        r.seized_down(1, 0, incentive, *totals)


def test_less_or_zero() -> None:
    assert (r.less_or_zero(5, 3), r.less_or_zero(5, 5), r.less_or_zero(5, 6)) == (2, 0, 0)


def test_distance_from_the_target() -> None:
    assert [q.distance(100, lent) for lent in (0, 45, 90, 95, 100)] == [-ONE, -ONE // 2, 0, ONE // 2, ONE]
    assert q.distance(0, 0) == -ONE
    assert q.mock_rate_down(100, 50) == ONE // 2 // YEAR
    assert q.mock_rate_down(0, 0) == 0


def test_the_curve_has_steepness_four() -> None:
    at_target = q.INITIAL_AT_TARGET
    assert q.curve_rate(at_target, 0) == at_target
    assert q.curve_rate(at_target, ONE) == 4 * at_target
    assert q.curve_rate(at_target, -ONE) == at_target // 4
    assert q.curve_rate(at_target, ONE // 2) == at_target * 5 // 2


def test_the_exponential_is_close_and_grows() -> None:
    last = 0
    for x in range(-41 * ONE, 90 * ONE, ONE // 7):
        value = q.exponential(x)
        assert value >= last
        last = value
        if x > -20 * ONE:
            assert math.isclose(value / 1e18, math.exp(x / 1e18), rel_tol=9e-3)
    assert q.exponential(0) == ONE
    assert q.exponential(94 * ONE) == q.exponential(93 * ONE) == q.exponential(500 * ONE)
    assert q.exponential(-94 * ONE) == 0 == q.exponential(-500 * ONE)


def test_the_rate_at_target_adapts_at_fifty_a_year_within_bounds() -> None:
    start = q.INITIAL_AT_TARGET
    five_days = q.growth(ONE, 5 * 86_400)
    assert math.isclose(five_days / 1e18, 50 * 5 / 365, rel_tol=1e-9)
    # The specification's example: at full utilisation the rate doubles in about five days, at none it halves.
    assert math.isclose(q.adapted_down(start, five_days) / start, 2, rel_tol=0.02)
    assert math.isclose(q.adapted_down(start, q.growth(-ONE, 5 * 86_400)) / start, 0.5, rel_tol=0.02)
    assert q.adapted_down(start, q.growth(ONE, YEAR)) == 2 * ONE // YEAR
    assert q.adapted_down(start, q.growth(-ONE, YEAR)) == ONE // 1000 // YEAR
    assert q.average_down(10, 20, 31) == 20


def test_on_every_number_type() -> None:
    def bits(most: int) -> int:
        return RANDOM.choice((0, 1, RANDOM.getrandbits(RANDOM.randint(1, most))))

    n = range(250)
    for rule in (r.shares_down, r.shares_up, r.assets_down, r.assets_up):
        assert_rule_equal_on_three_types(rule, [(bits(130), bits(128), bits(128)) for _ in n])
    wads = [RANDOM.choice((0, ONE, RANDOM.randrange(ONE))) for _ in n]
    for rule in (r.wad_mul_down, r.utilisation_down, q.mock_rate_down, r.less_or_zero):
        assert_rule_equal_on_three_types(rule, [(bits(150), bits(200)) for _ in n])
    assert_rule_equal_on_three_types(r.compounded_down, [(bits(60), bits(40)) for _ in n])
    assert_rule_equal_on_three_types(r.fee_shares_down, [(bits(90), w, bits(128), bits(128)) for w in wads])
    assert_rule_equal_on_three_types(r.max_borrow_down, [(bits(128), bits(150), w) for w in wads])
    assert_rule_equal_on_three_types(r.incentive_down, [(w,) for w in wads])
    liquidations = [(bits(120), bits(130), r.incentive_down(w), bits(128), bits(128)) for w in wads]
    assert_rule_equal_on_three_types(r.repaid_shares_up, liquidations)
    assert_rule_equal_on_three_types(r.seized_down, liquidations)
    assert_rule_equal_on_three_types(q.distance, [(bits(128), bits(128)) for _ in n])
    errors = [RANDOM.choice((-1, 1)) * w for w in wads]
    assert_rule_equal_on_three_types(q.growth, [(e, bits(40)) for e in errors])
    exponents = [RANDOM.randrange(-100 * ONE, 100 * ONE) for _ in n] + [0, 1, -1, ONE // 2 - 1, -ONE // 2]
    assert_rule_equal_on_three_types(q.exponential, [(x,) for x in exponents])
    rates = [RANDOM.randrange(int(q.MIN_AT_TARGET), int(q.MAX_AT_TARGET) + 1) for _ in n]
    assert_rule_equal_on_three_types(q.adapted_down, list(zip(rates, exponents, strict=False)))
    assert_rule_equal_on_three_types(q.curve_rate, list(zip(rates, errors, strict=True)))
    assert_rule_equal_on_three_types(q.average_down, [(a, b, a) for a, b in pairwise(rates)])
