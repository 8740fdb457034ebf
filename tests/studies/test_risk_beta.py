"""Uncertain chances against closed forms: the beta distribution, its quantiles, and shrinkage."""

from __future__ import annotations

from math import comb

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill.errors import BadInput
from tidemill.studies.risk.beta import Beta, shrunk


@pytest.mark.parametrize("x", [0.001, 0.1, 0.5, 0.9, 0.999])
@pytest.mark.parametrize("b", [0.5, 1.0, 3.0, 40.0])
def test_powers_are_closed_forms(b: float, x: float) -> None:
    assert Beta(1.0, b).below(x) == pytest.approx(1 - (1 - x) ** b, rel=1e-12)
    assert Beta(b, 1.0).below(x) == pytest.approx(x**b, rel=1e-12)


@pytest.mark.parametrize(("a", "b"), [(2, 3), (5, 5), (1, 9), (12, 30)])
@pytest.mark.parametrize("x", [0.02, 0.3, 0.77])
def test_whole_parameters_are_sums_of_binomials(a: int, b: int, x: float) -> None:
    n = a + b - 1
    tail = sum(comb(n, k) * x**k * (1 - x) ** (n - k) for k in range(a, n + 1))
    assert Beta(a, b).below(x) == pytest.approx(tail, rel=1e-11)


@given(st.floats(0.2, 60), st.floats(0.2, 60), st.floats(0.01, 0.99))
def test_a_quantile_leaves_its_share_below_and_mirrors(a: float, b: float, share: float) -> None:
    x = Beta(a, b).quantile(share)
    assert Beta(a, b).below(x) == pytest.approx(share, abs=1e-6)
    assert Beta(b, a).quantile(1 - share) == pytest.approx(1 - x, abs=1e-6)


def test_the_arcsine_distribution() -> None:
    # Beta(1/2, 1/2): the median is a half, a quarter lies below sin²(π/8).
    assert Beta(0.5, 0.5).quantile(0.5) == pytest.approx(0.5, abs=1e-12)
    assert Beta(0.5, 0.5).quantile(0.25) == pytest.approx(0.1464466094067262, abs=1e-12)


def test_no_record_leaves_the_base_rate() -> None:
    assert shrunk(0.04, 1.0).mean == pytest.approx(0.04)
    assert shrunk(0.04, 3.0).mean == pytest.approx(0.04)


def test_a_record_draws_the_base_rate_towards_itself() -> None:
    # weight 1 at 4 % is one event in 25 years; with 2 in 15 of one's own that is 3 in 40.
    assert shrunk(0.04, 1.0, 2, 15).mean == pytest.approx(3 / 40)
    # ten clean years: 1 in 35
    assert shrunk(0.04, 1.0, 0, 10).mean == pytest.approx(1 / 35)
    # more events than years: each is a year, 3 in 27
    assert shrunk(0.04, 1.0, 2, 0).mean == pytest.approx(3 / 27)


@given(st.floats(0.001, 0.5), st.floats(0.5, 5), st.integers(0, 5), st.floats(0, 30))
def test_the_shrunk_rate_lies_between_and_more_events_are_worse(
    rate: float, weight: float, events: int, years: float
) -> None:
    mean = shrunk(rate, weight, events, years).mean
    own = events / max(years, events) if events or years else rate
    assert min(rate, own) - 1e-12 <= mean <= max(rate, own) + 1e-12
    assert shrunk(rate, weight, events + 1, years).mean > mean
    assert shrunk(rate, weight, events, years + 1).mean <= mean


@pytest.mark.parametrize("bad", [(0.0, 1, 0, 0), (1.0, 1, 0, 0), (0.1, 0, 0, 0), (0.1, 1, -1, 0), (0.1, 1, 0, -1)])
def test_what_is_no_record_is_refused(bad: tuple[float, float, float, float]) -> None:
    with pytest.raises(BadInput):
        shrunk(*bad)
    with pytest.raises(BadInput):
        Beta(1, 1).quantile(bad[0] if bad[0] in (0.0, 1.0) else 2.0)
