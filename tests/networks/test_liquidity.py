"""The rule of a liquidity bridge: a published case, exact areas, and the least rate that compounds."""

from __future__ import annotations

from fractions import Fraction
from itertools import pairwise

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import BadInput
from tidemill.networks.liquidity import (
    FillTimes,
    Pool,
    RateModel,
    mean_rate_up,
    pool_fee_up,
    rate_at_down,
    term_rate_up,
)
from tidemill.units import WAD

PERCENT = 10**16
PUBLISHED = RateModel(kink=65 * PERCENT, base=0, slope1=8 * PERCENT, slope2=100 * PERCENT)
"""The example on the page of the Python package across-py."""
SHARE = st.integers(0, WAD)
MODELS = st.builds(RateModel, st.integers(1, WAD - 1), *(st.integers(0, 5 * WAD),) * 3)


def test_the_published_case():
    """across-py: utilisation 0 to 1 %, annual 615384615384600, weekly 11830749673498; its divisions round before the end."""
    annual = mean_rate_up(PUBLISHED, 0, PERCENT)
    assert annual == 615_384_615_384_616  # 0.08 / 0.65 * 0.005, rounded up once
    assert abs(annual - 615_384_615_384_600) < 20
    assert term_rate_up(615_384_615_384_600, 52) - 11_830_749_673_498 in (0, 1)  # theirs is rounded down


def exact(model: RateModel, at: int) -> Fraction:
    low = Fraction(min(at, model.kink) * model.slope1, model.kink)
    high = Fraction((at - model.kink) * model.slope2, WAD - model.kink) if at > model.kink else Fraction(0)
    return model.base + low + high


@given(MODELS, SHARE, SHARE)
def test_the_mean_is_the_area_under_both_slopes(model, a, b):
    before, after = min(a, b), max(a, b)
    if before == after:
        assert mean_rate_up(model, before, after) == rate_at_down(model, before)
        return
    corners = sorted({before, after, *({model.kink} if before < model.kink < after else set())})
    area = sum((exact(model, x) + exact(model, y)) / 2 * (y - x) for x, y in pairwise(corners))
    mean = area / (after - before)
    assert mean_rate_up(model, before, after) == -(-mean.numerator // mean.denominator)


@given(MODELS, SHARE)
def test_the_rate_rounds_each_slope_down(model, at):
    assert 0 <= exact(model, at) - rate_at_down(model, at) < 2


@given(st.integers(0, 2 * WAD), st.integers(1, 365))
def test_the_term_rate_is_the_least_that_compounds_to_the_annual(annual, terms):
    rate = term_rate_up(annual, terms)
    goal = (WAD + annual) * WAD ** (terms - 1)
    assert (WAD + rate) ** terms >= goal
    assert rate == 0 or (WAD + rate - 1) ** terms < goal


def test_who_takes_more_of_the_pool_pays_more_per_unit():
    pool = Pool(liquid=600_000 * 10**6, lent=400_000 * 10**6)
    fees = [pool_fee_up(pool, PUBLISHED, amount * 10**6) for amount in (1_000, 10_000, 250_000, 600_000)]
    rates = [Fraction(fee, amount) for fee, amount in zip(fees, (1_000, 10_000, 250_000, 600_000), strict=True)]
    assert rates == sorted(rates)
    assert rates[-1] > 2 * rates[1]  # beyond the kink
    assert fees[1] == 9_358_922  # 10,000 USDC at 40 to 41 %: 1.04984615 ** (1 / 52) - 1 of it


@pytest.mark.parametrize("amount", [0, -1, 600_001])
def test_what_the_pool_does_not_have_it_cannot_advance(amount):
    with pytest.raises(BadInput, match="600000 raw units left"):
        pool_fee_up(Pool(600_000, 400_000), PUBLISHED, amount)


@pytest.mark.parametrize(("before", "after"), [(-1, 0), (2, 1), (0, WAD + 1)])
def test_a_utilisation_outside_0_to_1_is_refused(before, after):
    with pytest.raises(BadInput, match="within 0 and"):
        mean_rate_up(PUBLISHED, before, after)


def test_terms_without_meaning_are_refused():
    with pytest.raises(BadInput):
        term_rate_up(1, 0)
    with pytest.raises(BadInput):
        term_rate_up(-1, 52)


SOON = FillTimes(((5_000, 2), (9_900, 60), (9_950, 30_000)))


def test_a_distribution_of_fill_times_bounds_median_failures_and_mean():
    assert [SOON.within_up(share) for share in (1, 5_000, 5_001, 9_900, 9_951)] == [2, 2, 60, 60, None]
    assert SOON.unfilled_up(21_600) == 100  # what is filled after the deadline is not filled
    assert SOON.unfilled_up(30_000) == 50
    assert SOON.unfilled_up(1) == 10_000
    assert SOON.mean_up(21_600, 34_200) == 373  # 0.5 * 2 + 0.49 * 60 + 0.01 * 34,200 = 372.4, up
    assert FillTimes(((10_000, 7),)).mean_up(21_600, 34_200) == 7


@given(
    st.lists(st.tuples(st.integers(1, 10_000), st.integers(0, 10**6)), min_size=1, max_size=6), st.integers(0, 10**6)
)
def test_the_mean_is_that_of_transfers_drawn_at_their_latest(points, deadline):
    shares, times = sorted({share for share, _ in points}), sorted(time for _, time in points)
    soon = FillTimes(tuple(zip(shares, times, strict=False)))
    each = [next((t for share, t in soon.points if share > n and t <= deadline), 2 * 10**6) for n in range(10_000)]
    assert soon.mean_up(deadline, 2 * 10**6) == -(-sum(each) // 10_000)
    assert soon.unfilled_up(deadline) == sum(time == 2 * 10**6 for time in each)


@pytest.mark.parametrize(
    "points", [(), ((0, 1),), ((10_001, 1),), ((5_000, 2), (5_000, 3)), ((5_000, 2), (9_000, 1)), ((1, -1),)]
)
def test_fill_times_that_do_not_rise_are_refused(points):
    with pytest.raises(BadInput, match="filled: shares must rise"):
        FillTimes(points)
