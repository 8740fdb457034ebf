"""Rules of a savings vault: powers against exact arithmetic, roundings by hand, and equality on the three number types."""

from __future__ import annotations

import random
from fractions import Fraction

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.savings_vault import rules as r
from tidemill.venues.savings_vault.venue import per_second_up

RANDOM = random.Random("savings vault")
RAY, YEAR = 10**27, 365 * 86_400
FIVE_PERCENT = 1000000001547125957863212448


@pytest.mark.parametrize("seconds", [0, 1, 2, 3, 5, 64, 1_000])
def test_a_power_is_the_exact_one_but_for_its_roundings(seconds: int) -> None:
    """Each squaring and product is off by half a ray unit at most, which later squarings carry on."""
    for rate in (FIVE_PERCENT, RAY + RAY // 1_000, RAY):
        exact = Fraction(rate, RAY) ** seconds * RAY
        assert abs(r.ray_pow_half_up(rate, seconds) - exact) <= max(seconds - 1, 0) * (exact / RAY)


def test_powers_by_hand() -> None:
    assert r.ray_pow_half_up(FIVE_PERCENT, 0) == RAY
    assert r.ray_pow_half_up(FIVE_PERCENT, 1) == FIVE_PERCENT
    assert r.ray_pow_half_up(2 * RAY, 10) == 1_024 * RAY
    half = 5 * 10**26
    assert r.ray_pow_half_up(half, 2) == RAY // 4
    assert r.ray_pow_half_up(10**14, 2) == 10  # 1e-13 squared
    assert r.ray_pow_half_up(7 * 10**13, 2) == 5  # 4.9 is rounded up
    assert r.ray_pow_half_up(15 * 10**13, 2) == 23  # 22.5 too: halves go up
    assert r.ray_pow_half_up(15 * 10**13, 3) == 0
    with pytest.raises(Revert, match="^overflow$"):
        r.ray_pow_half_up(2 * RAY, 200)


def test_a_year_of_five_percent() -> None:
    assert r.chi_after_down(RAY, FIVE_PERCENT, YEAR) == 1049999999999999999961070145
    assert r.chi_after_down(2 * RAY + 1, RAY, YEAR) == 2 * RAY + 1
    assert r.chi_after_down(3, FIVE_PERCENT, 1) == 3


@pytest.mark.parametrize("apy_bps", [0, 1, 450, 650, 10_000, 100_000])
def test_the_rate_for_a_year_is_the_least_that_reaches_it(apy_bps: int) -> None:
    rate = per_second_up(apy_bps)
    assert r.ray_pow_half_up(rate, YEAR) >= RAY + RAY * apy_bps // 10_000
    assert rate == RAY or r.ray_pow_half_up(rate - 1, YEAR) < RAY + RAY * apy_bps // 10_000


def test_roundings_favour_the_vault() -> None:
    chi = 3 * RAY // 2
    assert (r.shares_for_assets_down(2, chi), r.shares_for_assets_up(2, chi)) == (1, 2)
    assert (r.assets_for_shares_down(1, chi), r.assets_for_shares_up(1, chi)) == (1, 2)
    assert r.shares_for_assets_up(3, chi) == r.shares_for_assets_down(3, chi) == 2
    assert r.interest_down(3, RAY, chi) == 1
    assert r.interest_down(1, chi, chi) == 0


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256))) for _ in range(3_000)]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    for rule in (r.shares_for_assets_down, r.shares_for_assets_up, r.assets_for_shares_down, r.assets_for_shares_up):
        assert 0 < assert_rule_equal_on_three_types(rule, pairs) < len(pairs)
    threes = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    assert 0 < assert_rule_equal_on_three_types(r.interest_down, threes) < len(threes)
    times = [0, 1, 2, 86_400, YEAR, (1 << 62) + 5, (1 << 63) - 1]
    powers = [(value, RANDOM.choice(times)) for value in values[:600]]
    powers += [(RAY + RANDOM.randrange(10**20), RANDOM.randrange(1 << 30)) for _ in range(300)]
    assert 0 < assert_rule_equal_on_three_types(r.ray_pow_half_up, powers) < len(powers)
    grown = [(chi, rate, seconds) for (rate, seconds), chi in zip(powers, values[: len(powers)], strict=True)]
    assert 0 < assert_rule_equal_on_three_types(r.chi_after_down, grown) < len(grown)
