"""Constant-product rules: worked examples, properties, and every rule on three number types."""

from __future__ import annotations

import random

import pytest

from tidemill.errors import Revert
from tidemill.units.testing import EDGES, assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v2 import rules as r

RANDOM = random.Random("classic pools")


def reserves() -> tuple[int, int]:
    return RANDOM.randrange(1, 1 << RANDOM.randrange(2, 112)), RANDOM.randrange(1, 1 << RANDOM.randrange(2, 112))


def test_a_swap_by_hand() -> None:
    assert (
        r.amount_out_down(1_000, 997_000, 1_001_000) == 1_000
    )  # 997 after the fee, 997 / 997,997 of the reserve, exactly
    assert r.amount_out_down(1_000, 997_000, 1_001_000 - 1) == 999
    assert r.amount_in_up(1_000, 997_000, 1_001_000) == 1_001  # exact, and one more all the same
    assert r.amount_out_down(0, 5, 5) == 0
    with pytest.raises(Revert, match="^underflow$"):
        r.amount_in_up(6, 5, 5)


def test_an_exact_output_costs_enough_and_not_two_units_more() -> None:
    for _ in range(2_000):
        x, y = reserves()
        if y < 3:
            continue
        out = RANDOM.randrange(1, y)
        cost = r.amount_in_up(out, x, y)
        assert r.amount_out_down(cost, x, y) >= out
        assert cost < 3 or r.amount_out_down(cost - 2, x, y) < out


def test_no_swap_of_the_routers_breaks_the_product_and_one_unit_more_does() -> None:
    for _ in range(2_000):
        x, y = reserves()
        paid = RANDOM.randrange(1, 1 << RANDOM.randrange(1, 112))
        out = r.amount_out_down(paid, x, y)
        assert r.keeps_product(x + paid, y - out, paid, 0, x, y)
        assert out + 1 > y or not r.keeps_product(x + paid, y - out - 1, paid, 0, x, y)
        assert r.keeps_product(y - out, x + paid, 0, paid, y, x)


def test_shares_never_take_from_those_who_are_in() -> None:
    for _ in range(2_000):
        (x, y), supply = reserves(), RANDOM.randrange(1, 1 << 112)
        a = RANDOM.randrange(1, x + 1)
        b = r.quote_down(a, x, y)
        made = r.liquidity_for_down(a, b, x, y, supply)
        assert r.share_down(made, x + a, supply + made) <= a
        assert r.share_down(made, y + b, supply + made) <= b
    assert r.liquidity_for_down(100, 1, 1_000, 1_000, 500) == 0
    assert r.first_liquidity_down(4, 9) == 6
    assert r.first_liquidity_down(2, 1) == 1


def test_the_protocol_gets_a_sixth_of_the_growth() -> None:
    assert r.protocol_liquidity_down(121, 100, 1_200) == 1_200 * 1 // (11 * 5 + 10)
    assert r.protocol_liquidity_down(100, 100, 1_200) == 0
    assert r.protocol_liquidity_down(99, 100, 1_200) == 0
    for _ in range(500):
        root = RANDOM.randrange(1_000, 1 << 100)
        grown, supply = root + RANDOM.randrange(1, root), RANDOM.randrange(10**6, 1 << 100)
        share = r.protocol_liquidity_down(grown**2, root**2, supply)
        # What the share is worth of the whole, against a sixth of what the whole grew by; rounding costs under two units.
        worth, due = share * grown * 6, (supply + share) * (grown - root)
        assert worth <= due < worth + 2 * 6 * (grown + supply)


def test_accumulators_wrap() -> None:
    assert r.cumulative_price(0, 1, 3, 10) == 30 << 112
    assert r.cumulative_price(0, 3, 1, 2) == ((1 << 112) // 3) * 2
    assert r.cumulative_price((1 << 256) - 5, 1 << 112, 1, 7) == 2


def test_on_every_number_type() -> None:
    pairs = [(RANDOM.choice(EDGES), RANDOM.choice(EDGES)) for _ in range(400)]
    small = [(a >> RANDOM.randrange(140), b >> RANDOM.randrange(140)) for a, b in pairs]
    threes = [(a, b, RANDOM.choice(EDGES) >> RANDOM.randrange(200)) for a, b in small]
    safe = [(a, b | 1, c | 1) for a, b, c in threes]
    assert_rule_equal_on_three_types(r.amount_out_down, safe)
    assert_rule_equal_on_three_types(r.amount_in_up, [(a, b, a + 1 + c) for a, b, c in safe if a + c + 1 < 1 << 256])
    assert_rule_equal_on_three_types(r.quote_down, safe)
    assert_rule_equal_on_three_types(r.share_down, safe)
    assert_rule_equal_on_three_types(r.first_liquidity_down, small)
    assert_rule_equal_on_three_types(r.protocol_liquidity_down, [(a, b | 1, c) for a, b, c in threes])
    assert_rule_equal_on_three_types(
        r.liquidity_for_down, [(a, b, x | 1, y | 1, c) for (a, b, c), (x, y) in zip(threes, small, strict=True)]
    )
    assert_rule_equal_on_three_types(
        r.keeps_product,
        [(a, b, c, d, x, y) for (a, b, c), (d, _), (x, y) in zip(threes, small, small[::-1], strict=True)],
    )
    reserve = (1 << 112) - 1
    words = [
        (a, (b & reserve) | 1, c & reserve, d & (1 << 32) - 1)
        for (a, b), (c, d) in zip(pairs, pairs[::-1], strict=True)
    ]
    assert assert_rule_equal_on_three_types(r.cumulative_price, words) == 0
