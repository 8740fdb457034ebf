"""Interest and risk rules of Aave v3: small examples by hand, and every rule on its number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units import Rule
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.aave_v3 import rules as r
from tidemill.venues.aave_v3 import rules_risk as k
from tidemill.venues.aave_v3 import rules_v36 as n

RANDOM = random.Random("aave rules")
RAY, YEAR, MOST = 10**27, 31_536_000, (1 << 256) - 1
PERCENT = RAY // 100


def test_interest_by_hand() -> None:
    assert r.linear_interest_down(10 * PERCENT, YEAR) == RAY + 10 * PERCENT
    assert r.linear_interest_down(10 * PERCENT, 1) == RAY + 10 * PERCENT // YEAR
    assert r.binomial_interest_down(10 * PERCENT, 0) == RAY
    per_second = 10 * PERCENT // YEAR
    assert r.binomial_interest_down(10 * PERCENT, 1) == RAY + per_second
    two = r.binomial_interest_down(10 * PERCENT, 2)
    assert two - RAY - 2 * 10 * PERCENT // YEAR == (10 * PERCENT) ** 2 // RAY // YEAR**2
    # Three terms of (1 + x/n)^n for a year: 1 + x + x²/2 (1 - 1/n) + x³/6 (1 - 1/n)(1 - 2/n). Rounding x³/n³ down costs most.
    for rate, over in ((10 * PERCENT, 5 * 10**21), (100 * PERCENT, 5 * 10**21)):
        x, n = rate, YEAR
        exact = RAY + x + x * x * (n - 1) // (2 * n * RAY) + x**3 * (n - 1) * (n - 2) // (6 * n * n * RAY**2)
        assert abs(r.binomial_interest_down(rate, n) - exact) < over


def test_the_rate_bends_at_the_optimal_usage() -> None:
    curve = (80 * PERCENT, PERCENT, 4 * PERCENT, 75 * PERCENT)
    for usage, rate in ((0, 1), (40, 3), (80, 5), (90, 42.5), (100, 80)):
        assert r.variable_rate_half_up(usage * PERCENT, *curve) == int(rate * 10) * PERCENT // 10
    assert r.variable_rate_half_up(80 * PERCENT + 1, *curve) == 5 * PERCENT + 4
    assert r.variable_rate_half_up(RAY, RAY, 0, PERCENT, PERCENT) == PERCENT
    assert r.usage_ratio_half_up(0, 0) == 0
    assert r.usage_ratio_half_up(1, 2) == (RAY + 1) // 3
    assert r.usage_ratio_half_up(2, 1) == 2 * RAY // 3 + 1
    assert r.liquidity_rate_half_up(0, PERCENT, RAY, 0) == 0
    assert r.liquidity_rate_half_up(10**18, 5 * PERCENT, 80 * PERCENT, 1_000) == 36 * PERCENT // 10
    assert r.plain_liquidity_rate_half_up(80, 10, 10, 5 * PERCENT, 1_000) == 36 * PERCENT // 10


def test_treasury_and_premiums() -> None:
    assert r.treasury_shares_half_up(1_000, RAY, RAY * 11 // 10, 1_000, RAY) == 10
    assert r.treasury_shares_half_up(1_000, RAY, RAY * 11 // 10, 1_000, 2 * RAY) == 5
    assert r.flash_premium_half_up(10_000, 9, 3_000) == (9, 3)
    assert r.flash_premium_half_up(555, 9, 5_000) == (0, 0)
    assert r.flash_premium_half_up(556, 9, 5_000) == (1, 1)
    assert r.add_to_index(2 * RAY, 1, 100) == 202 * RAY // 100
    with pytest.raises(Revert, match="128 bits"):
        r.grow_half_up(1 << 127, 2 * RAY)
    assert r.grow_half_up((1 << 127) - 1, 2 * RAY) == (1 << 128) - 2


def test_health_and_liquidation_by_hand() -> None:
    assert k.health_factor_half_up(100, 8_000, 0) == MOST
    assert k.health_factor_half_up(100, 8_000, 160) == 5 * 10**17
    assert k.average_down(10, 0) == 0
    assert k.average_down(25, 10) == 2
    assert k.value_down(19, 10, 100) == 1
    assert k.collateral_needed(30, 10, 8_000) == 50
    assert k.isolated_units_down(199 * 10**4, 10**6) == 199
    for health, most in ((95 * 10**16, 101), (95 * 10**16 + 1, 51)):
        assert k.liquidatable_debt(101, health) == most
    # 100 of debt at one dollar, ether at 2,000 with a bonus of 5 %, the treasury takes a tenth of it.
    ether = (10**8, 10**6, 2_000 * 10**8, 10**18, 10_500, 1_000)
    taken = 525 * 10**14
    assert k.liquidation_amounts(100 * 10**6, 10**18, *ether) == (taken - 25 * 10**13, 100 * 10**6, 25 * 10**13)
    assert k.liquidation_amounts(100 * 10**6, taken, *ether)[1] == 100 * 10**6
    half, covered, kept = k.liquidation_amounts(100 * 10**6, taken // 2, *ether)
    assert (half + kept, covered) == (taken // 2, 50 * 10**6)


def _operands(count: int, rule: Rule[..., object]) -> list[tuple[int, ...]]:
    width = len(rule.signature[0])
    draw = (lambda: RANDOM.choice(EDGES), lambda: random_uint(RANDOM), lambda: RANDOM.randrange(1, 10**20))
    draw += (lambda: RANDOM.randrange(1, 3 * RAY), lambda: RANDOM.randrange(10_001))
    return [tuple(RANDOM.choice(draw)() for _ in range(width)) for _ in range(count)]


def test_newer_versions_round_for_the_pool() -> None:
    third = RAY // 3
    assert (n.ray_mul_down(10, third), n.ray_mul_up(10, third)) == (3, 4)
    assert (n.ray_div_down(10, 3 * RAY), n.ray_div_up(10, 3 * RAY)) == (3, 4)
    assert (n.ray_mul_down(3, RAY), n.ray_mul_up(3, RAY)) == (3, 3)
    assert n.percent_mul_down(9_999, 5_000) == 4_999
    assert n.treasury_shares_down(10_000, RAY, RAY * 11 // 10, 1_000, 3 * RAY) == 33
    assert (n.value_up(1, 3, 2), k.value_down(1, 3, 2)) == (2, 1)
    assert n.weighted_health_factor(8_000 * 150, 100) == 12 * 10**17
    assert n.weighted_health_factor(1, 0) == MOST
    assert (n.available_borrows_down(101, 50, 5_000), n.available_borrows_down(100, 51, 5_000)) == (0, 0)
    assert n.available_borrows_down(1_000, 50, 5_005) == 450


@pytest.mark.parametrize(("debt", "rate"), [(6 * 10**18, 3 * PERCENT + 7), (10**18, 5), (10**18 + 1, RAY), (3, 1)])
def test_the_average_of_one_rate_is_left_out_only_where_it_is_that_rate(debt: int, rate: int) -> None:
    weight = r.wad_to_ray(debt)
    average = r.ray_div_half_up(r.ray_mul_half_up(weight, rate), weight)
    assert r.liquidity_rate_half_up(debt, rate, RAY, 0) == average
    assert average == rate or debt <= 10**18


@pytest.mark.parametrize("name", [*r.__all__, *k.__all__, *n.__all__])
def test_on_every_number_type(name: str) -> None:
    found = getattr(r, name, None) or getattr(k, name, None) or getattr(n, name)
    if not isinstance(found, Rule):
        assert isinstance(found, int)
        return
    wild = _operands(400, found)
    small = [tuple(RANDOM.randrange(1, 10**15) for _ in row) for row in wild]
    assert_rule_equal_on_three_types(found, wild + small)
