"""Liquidity for amounts and back: hand-made vectors and the round trip."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units import Q96
from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules as r

ONE = int(Q96)
RANDOM = random.Random("liquidity")


def _rows(n: int) -> list[tuple[int, int, int, int, int]]:
    rows = []
    for _ in range(n):
        lower, here, upper = sorted(RANDOM.sample(range(r.MIN_TICK, r.MAX_TICK), 3))
        prices = [r.sqrt_ratio_at_tick(t) for t in (lower, here, upper)]
        price = RANDOM.choice((prices[1], prices[1], prices[0], prices[2], prices[0] - 1, prices[2] + 1))
        amounts = (RANDOM.getrandbits(RANDOM.randint(1, 100)) for _ in range(2))
        rows.append((price, prices[0], prices[2], *amounts))
    return rows


def test_by_hand() -> None:
    """A range from price 1/4 to 4 (roots 1/2 and 2) at price 1: L/2 of each; outside, all of one."""
    lower, upper = ONE // 2, ONE * 2
    assert r.liquidity_for_amounts_down(ONE, lower, upper, 50, 60) == 100
    assert r.liquidity_for_amounts_down(ONE, lower, upper, 60, 50) == 100
    assert r.liquidity_for_amounts_down(lower, lower, upper, 15, 0) == 10
    assert r.liquidity_for_amounts_down(upper, lower, upper, 0, 15) == 10
    for amounts in (r.amounts_for_liquidity_down, r.amounts_for_liquidity_up):
        assert amounts(ONE, lower, upper, 100) == (50, 50)
        assert amounts(lower // 2, lower, upper, 10) == (15, 0)
        assert amounts(lower, lower, upper, 10) == (15, 0)
        assert amounts(upper, lower, upper, 10) == (0, 15)
    assert r.amounts_for_liquidity_down(ONE, lower, upper, 101) == (50, 50)
    assert r.amounts_for_liquidity_up(ONE, lower, upper, 101) == (51, 51)


def test_the_liquidity_given_never_costs_more_than_the_amounts_by_more_than_rounding() -> None:
    for price, lower, upper, amount0, amount1 in _rows(3000):
        try:
            liquidity = r.liquidity_for_amounts_down(price, lower, upper, amount0, amount1)
        except Revert:
            continue
        cost0, cost1 = r.amounts_for_liquidity_up(price, lower, upper, liquidity)
        back0, back1 = r.amounts_for_liquidity_down(price, lower, upper, liquidity)
        assert (back0 <= amount0, back1 <= amount1) == (True, True)
        assert cost0 <= amount0 + 2
        assert cost1 <= amount1 + 1
        assert cost0 - 2 <= back0 <= cost0
        assert cost1 - 1 <= back1 <= cost1


@pytest.mark.parametrize("amounts", [(1 << 200, 0), (1 << 255, 1)])
def test_more_than_128_bits_reverts_without_a_reason(amounts: tuple[int, int]) -> None:
    with pytest.raises(Revert, match="^$"):
        r.liquidity_for_amount0_down(ONE, ONE * 2, amounts[0] >> 30)
    with pytest.raises(Revert, match="^$"):
        r.liquidity_for_amount1_down(ONE, ONE * 2, amounts[0] >> 30)


def test_an_empty_range_reverts() -> None:
    for rule in (r.liquidity_for_amount0_down, r.liquidity_for_amount1_down):
        with pytest.raises(Revert, match="division by zero"):
            rule(ONE, ONE, 5)


def test_on_every_number_type() -> None:
    rows = _rows(700)
    assert_rule_equal_on_three_types(r.liquidity_for_amounts_down, rows)
    assert_rule_equal_on_three_types(r.liquidity_for_amount0_down, [(a, b, n) for _, a, b, n, _ in rows])
    assert_rule_equal_on_three_types(r.liquidity_for_amount1_down, [(a, b, n) for _, a, b, n, _ in rows])
    liquidity = [row[:4] for row in rows]
    assert assert_rule_equal_on_three_types(r.amounts_for_liquidity_up, liquidity) == 0
    assert assert_rule_equal_on_three_types(r.amounts_for_liquidity_down, liquidity) == 0
