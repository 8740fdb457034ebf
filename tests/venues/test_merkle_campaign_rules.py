"""Rules of a campaign: small examples by hand, every refusal, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.merkle_campaign import rules as r

RANDOM = random.Random("merkle_campaign")


@pytest.mark.parametrize(("cumulative", "paid"), [(0, 0), (5, 5), (5, 6)])
def test_nothing_to_pay_is_refused(cumulative: int, paid: int) -> None:
    with pytest.raises(Revert, match="^nothing to claim$"):
        r.unpaid(cumulative, paid)


def test_the_difference_is_paid() -> None:
    assert r.unpaid(1, 0) == 1
    assert r.unpaid(700, 450) == 250


def test_shares_lose_less_than_a_unit_each() -> None:
    for _ in range(200):
        weights = [RANDOM.randrange(1, 10_000) for _ in range(6)]
        amount = RANDOM.randrange(10**24)
        parts = [r.shared_down(amount, weight, sum(weights)) for weight in weights]
        assert 0 <= amount - sum(parts) < len(parts)
    with pytest.raises(Revert):
        r.shared_down(1, 1, 0)


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM))) for _ in range(3_000)]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    assert 0 < assert_rule_equal_on_three_types(r.unpaid, pairs) < len(pairs)
    threes = list(zip(values[::3], values[1::3], values[2::3], strict=True))
    assert 0 < assert_rule_equal_on_three_types(r.shared_down, threes) < len(threes)
