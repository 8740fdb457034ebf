"""Rules of the vault over markets: small examples by hand, what holds always, and equality on the three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types, random_uint
from tidemill.venues.morpho_vault import rules as r

RANDOM = random.Random("vault over markets")
WAD = 10**18


@pytest.mark.parametrize(
    ("there", "last", "lost", "after"),
    [
        (100, 100, 0, 0),
        (95, 100, 0, 5),
        (95, 100, 7, 7),
        (99, 100, 5, 5),
        (0, 100, 100, 100),
        (200, 100, 3, 3),
        (92, 100, 7, 8),
    ],
)
def test_losses_only_grow(there: int, last: int, lost: int, after: int) -> None:
    assert r.lost_after(there, last, lost) == after


def test_the_price_of_a_share_never_falls_by_a_loss() -> None:
    for _ in range(300):
        there, last, lost = (RANDOM.randrange(1_000) for _ in range(3))
        after = r.lost_after(there, last, lost)
        assert after >= lost
        assert there + after >= last


@pytest.mark.parametrize(
    ("total", "last", "fee", "part"), [(110, 100, WAD // 10, 1), (109, 100, WAD // 10, 0), (100, 100, WAD // 2, 0)]
)
def test_the_fee_is_a_part_of_growth(total: int, last: int, fee: int, part: int) -> None:
    assert r.fee_assets_down(total, last, fee) == part
    with pytest.raises(Revert):
        r.fee_assets_down(last - 1, last, fee)


def test_less_or_zero() -> None:
    assert (r.less_or_zero(5, 3), r.less_or_zero(3, 3), r.less_or_zero(3, 5)) == (2, 0, 0)


def test_on_every_number_type() -> None:
    values = [RANDOM.choice((RANDOM.choice(EDGES), random_uint(RANDOM) >> RANDOM.randrange(256))) for _ in range(3_000)]
    pairs = list(zip(values[::2], values[1::2], strict=True))
    threes = [(*pair, value) for pair, value in zip(pairs, values, strict=False)]
    assert assert_rule_equal_on_three_types(r.less_or_zero, pairs) == 0
    assert assert_rule_equal_on_three_types(r.lost_after, threes) == 0
    assert 0 < assert_rule_equal_on_three_types(r.fee_assets_down, threes) < len(threes)
