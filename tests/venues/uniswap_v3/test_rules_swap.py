"""Swap steps: hand-made vectors, and what must hold of every step."""

from __future__ import annotations

import random
from fractions import Fraction
from math import ceil

import pytest

from tidemill.units import Q96
from tidemill.units.testing import assert_rule_equal_on_three_types
from tidemill.venues.uniswap_v3 import rules as r

ONE = int(Q96)
RANDOM = random.Random("swap steps")


def _rows(n: int) -> list[tuple[int, int, int, int, int]]:
    """Steps of up to 256 spacings, amounts around what they take."""
    rows = []
    for _ in range(n):
        tick = RANDOM.randrange(r.MIN_TICK, r.MAX_TICK + 1)
        away = RANDOM.choice((-1, 1)) * RANDOM.randrange(51_200)
        price = r.sqrt_ratio_at_tick(tick)
        target = r.sqrt_ratio_at_tick(max(r.MIN_TICK, min(r.MAX_TICK, tick + away)))
        liquidity = RANDOM.choice((0, RANDOM.getrandbits(RANDOM.randint(1, 120))))
        fee = RANDOM.choice((0, 100, 500, 3000, 10_000, 999_999))
        full = r.amount_in_up(price, target, liquidity) if RANDOM.random() < 0.8 else 0
        remaining = max(1, int(full * RANDOM.choice((0.01, 0.5, 0.999, 1.01, 2)))) + RANDOM.randrange(2)
        rows.append((price, target, liquidity, remaining, fee))
    return rows


def test_exact_input_stops_short_of_the_target() -> None:
    """1000 in at 0.3 %: 997 moves the price, the fee is what is left over."""
    after, amount_in, amount_out, fee = r.swap_step_exact_in(ONE, ONE // 2, 10**6, 1000, 3000)
    assert (after, amount_in, amount_out, fee) == (ceil(Fraction(ONE * 10**6, 10**6 + 997)), 997, 996, 3)
    after, amount_in, amount_out, fee = r.swap_step_exact_in(ONE, ONE * 2, 10**6, 1000, 3000)
    assert (after, amount_in, amount_out, fee) == (ONE + 997 * ONE // 10**6, 997, 996, 3)


def test_exact_input_reaches_the_target() -> None:
    """Halving the root price takes L of token0 and gives L/2 of token1; the fee is on top, rounded up."""
    assert r.swap_step_exact_in(ONE, ONE // 2, 10**6, 10**9, 3000) == (ONE // 2, 10**6, 500_000, 3010)
    assert r.swap_step_exact_in(ONE, ONE * 2, 10**6, 10**9, 3000) == (ONE * 2, 10**6, 500_000, 3010)
    # Exactly enough is enough: 10**6 after a fee of 3010 (3009.03 rounded up) needs 1_003_010.
    assert r.swap_step_exact_in(ONE, ONE // 2, 10**6, 1_003_010, 3000) == (ONE // 2, 10**6, 500_000, 3010)
    assert r.swap_step_exact_in(ONE, ONE // 2, 10**6, 1_003_008, 3000)[0] > ONE // 2


def test_exact_output() -> None:
    assert r.swap_step_exact_out(ONE, ONE // 2, 10**6, 10**9, 3000) == (ONE // 2, 10**6, 500_000, 3010)
    assert r.swap_step_exact_out(ONE, ONE * 2, 10**6, 500_000, 3000) == (ONE * 2, 10**6, 500_000, 3010)
    after, amount_in, amount_out, fee = r.swap_step_exact_out(ONE, ONE // 2, 10**6, 1000, 3000)
    assert (after, amount_in, amount_out, fee) == (ONE - ceil(Fraction(ONE, 1000)), 1002, 1000, 4)
    after, amount_in, amount_out, fee = r.swap_step_exact_out(ONE, ONE * 2, 10**6, 1000, 3000)
    assert (after, amount_in, amount_out, fee) == (ceil(Fraction(ONE * 10**6, 10**6 - 1000)), 1002, 1000, 4)


def test_output_is_never_more_than_asked_for() -> None:
    """Where a step of price is worth 16 units, a price rounded down gives up to 15 too many; the pool keeps them."""
    for asked in range(1, 100):
        after, amount_in, out, _ = r.swap_step_exact_out(ONE, ONE // 2, 1 << 100, asked, 500)
        assert (after, out) == (ONE - ceil(Fraction(asked, 16)), asked)
        assert amount_in >= r.amount1_delta_down(after, ONE, 1 << 100) == 16 * ceil(Fraction(asked, 16))


def test_no_liquidity_moves_to_the_target_for_nothing() -> None:
    assert r.swap_step_exact_in(ONE, ONE * 3, 0, 5, 3000) == (ONE * 3, 0, 0, 0)
    assert r.swap_step_exact_out(ONE, ONE // 3, 0, 5, 3000) == (ONE // 3, 0, 0, 0)


@pytest.mark.parametrize(
    ("amount_in", "fee", "charged"), [(0, 3000, 0), (1, 3000, 1), (997, 3000, 3), (998, 3000, 4), (5, 0, 0)]
)
def test_fee_on_input(amount_in: int, fee: int, charged: int) -> None:
    assert r.fee_on_input_up(amount_in, fee) == charged


def test_amounts_follow_the_direction() -> None:
    assert r.amount_in_up(ONE, 2 * ONE, 10) == 10 == r.amount_in_up(ONE, ONE // 2, 10)
    assert r.amount_out_down(ONE, 2 * ONE, 11) == 5 == r.amount_out_down(ONE, ONE // 2, 11)
    assert r.amount_in_up(ONE, ONE, 11) == 0 == r.amount_out_down(ONE, ONE, 11)


def test_what_holds_of_every_step() -> None:
    short = 0
    for price, target, liquidity, remaining, fee in _rows(6000):
        after, amount_in, amount_out, charged = r.swap_step_exact_in(price, target, liquidity, remaining, fee)
        assert min(price, target) <= after <= max(price, target)
        assert amount_in + charged <= remaining
        assert amount_in >= r.amount_in_up(price, after, liquidity)
        if after != target:
            short += 1
            assert amount_in + charged == remaining
        assert charged >= Fraction(amount_in * fee, 1_000_000 - fee) - (after != target)
        after, amount_in, amount_out, charged = r.swap_step_exact_out(price, target, liquidity, remaining, fee)
        assert min(price, target) <= after <= max(price, target)
        assert amount_out <= remaining
        assert charged == ceil(Fraction(amount_in * fee, 1_000_000 - fee))
    assert 1000 < short < 5000


@pytest.mark.parametrize("name", ["swap_step_exact_in", "swap_step_exact_out"])
def test_on_every_number_type(name: str) -> None:
    assert assert_rule_equal_on_three_types(getattr(r, name), _rows(1500), checked=600) == 0
