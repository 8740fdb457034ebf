"""Books, walks, positions and split steps at the places where one tick or one unit decides."""

from __future__ import annotations

import random
from itertools import pairwise

import pytest

from tidemill.market.book import FullBook, SeenBook, UnknownLiquidity
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.replayer import Replayer, position_amounts
from tidemill.market.rows import EventRow
from tidemill.market.schema import Kind
from tidemill.market.tapes import TapeBuilder, split_step
from tidemill.market.walk import Order, Spot, Step, bound, price_at, walk
from tidemill.venues.uniswap_v3.rules import amount0_delta_down, amount0_delta_up, amount1_delta_down, amount1_delta_up

POOL = PoolInfo(10, "op", "0x01", Token("A", 18), Token("B", 18), 500, 10)
L = 10**18


def books(positions: list[tuple[int, int, int]], cells: range) -> tuple[FullBook, SeenBook]:
    """The same positions as a full book and as one that has seen ``cells`` and every mint."""
    full, seen = FullBook(10, {}), SeenBook(10)
    for cell in cells:
        seen.learn(cell, 0)
    for lower, upper, liquidity in positions:
        full.change(lower, upper, liquidity)
        seen.change(lower, upper, liquidity)
    return full, seen


@pytest.mark.parametrize("seed", range(20))
def test_a_book_that_has_seen_everything_is_the_full_book(seed):
    draw = random.Random(seed)
    positions = []
    for _ in range(8):
        lower = draw.randrange(-4000, 4000, 10)
        positions.append((lower, lower + draw.randrange(10, 3000, 10), draw.choice((L, 2 * L))))
    positions += [(lower, upper, -liquidity) for lower, upper, liquidity in positions[:3]]
    full, seen = books(positions, range(-800, 800))
    for tick in range(-5000, 5000, 7):
        assert full.liquidity(tick // 10) == seen.liquidity(tick // 10)
        for down in (True, False):
            assert full.next_boundary(tick, down) == seen.next_boundary(tick, down), (tick, down)


def test_a_tick_in_use_ends_a_step_even_where_liquidity_stays_the_same():
    halves = [(500, 600, L), (600, 700, L)]
    for book in books(halves, range(40, 80)):
        assert book.next_boundary(650, True) == 600
        assert book.next_boundary(550, False) == 600
    whole = [*halves, (500, 600, -L), (600, 700, -L), (500, 700, L)]
    for book in books(whole, range(40, 80)):
        assert book.next_boundary(650, True) == 500
        assert book.next_boundary(550, False) == 700


def test_a_step_ends_at_the_end_of_a_bitmap_word():
    for book in books([(-100_000, 100_000, L)], range(-1000, 1000)):
        assert book.next_boundary(50, True) == 0
        assert book.next_boundary(-50, True) == -2560
        assert book.next_boundary(0, False) == 2550
        assert book.next_boundary(2550, False) == 5110


def test_liquidity_never_seen_is_not_guessed():
    _, seen = books([(-100, 100, L)], range(-3, 3))
    walk(seen, Spot(price_at(0), 0, L), Order(True, True, 10**12, bound(True)), 500)
    with pytest.raises(UnknownLiquidity) as error:
        walk(seen, Spot(price_at(0), 0, L), Order(True, True, 10**17, bound(True)), 500)
    assert error.value.cell == -4


@pytest.mark.parametrize("tick", [-11, -10, -1, 0, 5, 9, 10, 11])
def test_amounts_of_positions_follow_the_tick(tick):
    low, high = price_at(-10), price_at(10)
    at = price_at(tick)
    for delta, d0, d1 in ((L, amount0_delta_up, amount1_delta_up), (-L, amount0_delta_down, amount1_delta_down)):
        found = position_amounts(Spot(at, tick, L), -10, 10, delta)
        if tick < -10:
            assert found == (d0(low, high, L), 0)
        elif tick < 10:
            assert found == (d0(at, high, L), d1(low, at, L))
        else:
            assert found == (0, d1(low, high, L))
    # a price on the lower end, crossed downwards: the tick is below the range, so nothing of token1
    assert position_amounts(Spot(low, -11, L), -10, 10, L) == (amount0_delta_up(low, high, L), 0)


@pytest.mark.parametrize(("tick", "active"), [(-11, 0), (-10, 1), (9, 1), (10, 0)])
def test_a_mint_is_active_from_its_lower_tick_to_below_its_upper(tick, active):
    row = EventRow(1, 1, 0, Kind.MINT, -10, 10, 0, None, L, 0, 0, 0, 0, 0)
    spot = Spot(price_at(tick), tick, 0)
    amounts = position_amounts(spot, -10, 10, L)
    replayer = Replayer(POOL, FullBook(10, {}), spot)
    replayer.run([row._replace(amount0=amounts[0], amount1=amounts[1])])
    assert replayer.spot.liquidity == active * L
    assert replayer.positions == 1


def steps_of(start: int, order: Order) -> list[Step]:
    full, _ = books([(-100_000, 100_000, L)], range(1))
    return walk(full, Spot(price_at(start) + 12_345, start, L), order, 500).steps


@pytest.mark.parametrize("start", [0, 7, 10, -3, 2549])
@pytest.mark.parametrize("down", [True, False])
def test_parts_of_a_step_meet_at_the_ticks_and_sum_to_it(start, down):
    for step in steps_of(start, Order(down, True, 10**16, bound(down))):
        end = step.tick_to if step.tick_to is not None else 10**6
        parts = split_step(step, end, 10, step.fee)
        assert sum(fee for *_, fee in parts) == step.fee
        assert parts[-1][1:3] == (end, step.price_to)
        for cell, tick, price, fee in parts[:-1]:
            edge = cell * 10 if down else (cell + 1) * 10
            assert tick == (edge - 1 if down else edge)
            assert price == price_at(edge)
            assert fee >= 0
        assert [b[0] - a[0] for a, b in pairwise(parts)] == [-1 if down else 1] * (len(parts) - 1)


def test_steps_that_pay_nobody_leave_no_row():
    tape = TapeBuilder(10)
    tape.add((1, 1, 0), Step(0, price_at(0), price_at(50), 0, 0, 0, 0, 50), 50, down=False, fee=0)
    tape.add((1, 1, 0), Step(50, price_at(50), price_at(50), L, 0, 0, 0, 50), 50, down=False, fee=0)
    assert len(tape.build().cell) == 0
    tape.add((1, 1, 0), Step(50, price_at(50), price_at(50), L, 0, 0, 3, None), 50, down=True, fee=3)
    assert tape.build().cell.tolist() == [5]
    assert tape.build().fee.tolist() == [[3, 0]]


def test_a_gap_without_liquidity_is_crossed_for_nothing():
    full, _ = books([(-100, -50, L), (50, 100, L)], range(1))
    done = walk(full, Spot(price_at(-60), -60, L), Order(False, True, 10**15, bound(False)), 500)
    assert [step.liquidity for step in done.steps] == [L, 0, 0, L]  # a bitmap word ends at -10
    assert (done.steps[1].amount_in, done.steps[1].amount_out, done.steps[1].fee) == (0, 0, 0)
    assert done.amount_in == 10**15
