"""Break-even, minimum capital and the line that says what would turn the result, on a world worked by hand."""

from __future__ import annotations

import pytest

from ledger.tiny import ETH, USD, WETH, Range, Tiny
from studies.test_statement import document
from tidemill.interfaces import Costs
from tidemill.ledger.judge import Scaling, break_even, per_year_bps_down, scaling
from tidemill.ledger.posting import post
from tidemill.ledger.waterfall import waterfall


def farmer(fee_per_day: int, gas: int, days: int = 10, scale: int = 1) -> Tiny:
    """One range, price standing still, ``fee_per_day`` micro-USD of fees, ``gas`` wei for each of two transactions."""
    world = Tiny(1, usd=10_000_000_000 * scale)
    world.wallet |= {WETH: 5 * 10**18 * scale, ETH: 10**18}
    world.marks.clear()
    world.mark("start")

    def charge() -> Costs:
        world.wallet[ETH] -= gas
        return Costs(gas, 0, 0, 100_000)

    world.charge = charge
    one = Range("pool#1", world.sqrt // 2, world.sqrt * 2, 0)
    world.increase(one, 10**14 * scale)
    for _ in range(days):
        world.time += 86_400
        one.owed[1] += fee_per_day * scale
        world.mark("sample")
    world.close(one, "exit")
    world.mark("end")
    return world


def test_break_even_day_is_when_fees_have_paid_the_gas_for_good() -> None:
    # 1e15 wei at 2,000 is 2 USD a transaction; 1.5 USD a day: the entry is paid on day 2, the exit needs 2 more
    got = document(farmer(1_500_000, 10**15)).headline
    assert got.break_even_day == 2.0
    assert "from day 2.0 on" in got.break_even_note
    assert got.keep == pytest.approx(15_000_000 - 4_000_000, abs=10)


def test_a_run_that_ends_below_holding_never_broke_even() -> None:
    # after ten days 3 USD of fees: above the entry's 2, but the exit takes 2 more
    got = document(farmer(300_000, 10**15)).headline
    assert got.break_even_day is None
    assert "1.00 USDC less than holding" in got.break_even_note
    assert "income 33.4 % higher" in got.what_would_change
    assert "network fees 25.1 % lower" in got.what_would_change


def test_what_would_change_a_winner() -> None:
    got = document(farmer(1_500_000, 10**15)).headline
    assert "income 73.4 % lower" in got.what_would_change
    assert "network fees 3.7 times as high" in got.what_would_change


def test_minimum_capital_is_where_the_scaled_run_breaks_even() -> None:
    """The closed form, checked by running the same strategy at that size."""
    world = farmer(1_500_000, 10**15, scale=100)
    got = document(world).headline
    books = post(world.record, world.marks)
    split = scaling(books, waterfall(books))
    assert split.fixed == pytest.approx(4_000_000, abs=2)
    assert split.proportional == pytest.approx(1_500_000_000, abs=200)
    # 4 of 1,500 at the size run; the gas money does not scale, so compare fees and gas at that share of the size
    share = got.minimum_capital / got.capital_value
    assert share == pytest.approx(4 / 1500, rel=1e-6)
    assert document(farmer(0, 10**15)).headline.minimum_capital is None
    assert document(farmer(1_500_000, 0)).headline.minimum_capital == 0


def test_break_even_counts_from_the_last_time_below() -> None:
    assert break_even([0, 1, 2, 3], [5, 4, 6, 7], [5, 5, 5, 5]) == 2
    assert break_even([0, 1], [5, 5], [5, 5]) == 0
    assert break_even([0, 1], [9, 4], [5, 5]) is None


def test_scaling_and_yearly_rates_round_against_the_user() -> None:
    assert Scaling(1000, 3, 1).minimum_up == 334
    assert Scaling(1000, 0, 1).minimum_up is None
    assert Scaling(1000, -5, 0).minimum_up == 0
    assert per_year_bps_down(-1, 10_000, 31_536_000) == -1
    assert per_year_bps_down(1, 20_000, 31_536_000) == 0
    assert per_year_bps_down(1, 0, 5) is None


def test_a_position_shows_what_was_paid_for_it_and_what_came_back() -> None:
    world = farmer(1_500_000, 10**15)
    row = document(world).positions[0]
    paid = {t.token: t.amount for t in world.record[0].result.transfers}
    got = {t.token: t.amount for t in world.record[-1].result.transfers}
    assert row.deposited == paid
    assert row.fees == {USD: 15_000_000}
    assert {token: row.withdrawn[token] + row.fees.get(token, 0) for token in got} == got
    assert (row.closed - row.opened, row.in_range_bps) == (10 * 86_400, 10_000)
