"""Auctions, proofs, relayers and managers: against sums by hand, published figures, and what must hold for any book."""

from __future__ import annotations

import random
from fractions import Fraction
from pathlib import Path

import pytest

from tidemill import networks
from tidemill.facts import load_facts
from tidemill.networks.timeboost import Sale, auction, divided
from tidemill.venues.custodian.rules import YEAR, Client, asset_fee_down, bring, charge, charge_book, take_out
from tidemill.venues.prover.rules import break_even_fee_up, proof_cost, transactions_to_pay_up
from tidemill.venues.relayer.rules import (
    pool_yield_bps_down,
    relayer_yield_bps_down,
    utilisation_bps_down,
    utilisation_rate_down,
)
from tidemill.venues.sequencer import venue

GWEI, ETH, USD = 10**9, 10**18, 10**6
ARBITRUM = networks.get("arbitrum-one").facts


@pytest.mark.parametrize(
    ("bids", "reserve", "want"),
    [
        ({}, 1, Sale(None, 0)),
        ({"a": 4, "b": 3}, 5, Sale(None, 0)),
        ({"a": 5}, 5, Sale("a", 5)),
        ({"a": 9}, 5, Sale("a", 5)),
        ({"a": 9, "b": 4}, 5, Sale("a", 5)),  # a bid below the reserve is none, not even as the second
        ({"a": 9, "b": 6, "c": 7}, 5, Sale("a", 7)),
        ({"b": 6, "a": 9, "c": 9}, 5, Sale("a", 9, tied=True)),
    ],
)
def test_second_price(bids: dict[str, int], reserve: int, want: Sale):
    assert auction(bids, reserve) == want


def test_no_bidder_gains_by_bidding_anything_but_what_the_lane_is_worth_to_it():
    draws = random.Random(9)
    for _ in range(300):
        worth, others, reserve = (
            draws.randrange(100),
            {str(n): draws.randrange(100) for n in range(3)},
            draws.randrange(60),
        )

        def gain(bid: int, worth: int = worth, others: dict[str, int] = others, reserve: int = reserve) -> int:
            sold = auction({**others, "me": bid}, reserve)
            return worth - sold.price if sold.winner == "me" else 0

        assert all(gain(worth) >= gain(bid) for bid in range(0, 101, 7))


def test_the_treasury_and_the_guild_share_all_of_it():
    for price in (0, 1, 33, 34, 10**18 + 1):
        treasury, guild = divided(price, ARBITRUM.integer("timeboost_dao_share"))
        assert treasury + guild == price and treasury == price * 97 // 100


def test_timeboost_brought_less_than_projected():
    """About 2 M USD in three months, simply scaled to a year, is under half of the lowest projection."""
    facts = load_facts(Path(venue.__file__).with_name("published.toml"))
    realised = facts.integer("timeboost_first_3_months") * 4
    assert realised * 2 < facts.integer("timeboost_projected_low") < facts.integer("timeboost_projected_high")
    assert 365 * 86_400 // ARBITRUM.integer("timeboost_round") == 525_600
    assert realised // 525_600 == 15  # dollars a round


def test_a_proof_pays_from_so_many_transactions_on():
    cost = proof_cost(10**15, 400_000, 20 * GWEI)
    assert cost == 9 * 10**15
    fee = break_even_fee_up(cost, 7_000)
    assert (fee - 1) * 7_000 < cost <= fee * 7_000
    assert transactions_to_pay_up(cost, fee) == 7_000
    assert transactions_to_pay_up(cost, 10**16) == 1


def test_a_bridge_pools_yield_is_fees_over_all_that_lies_in_it():
    """Published sample: 4,407 USD of fees a day, about 3.3 % a year; so some 48.7 M USD lay in the pools."""
    assert pool_yield_bps_down(4_407 * USD, 86_400, 48_744_000 * USD) == 330
    assert 12 < Fraction(4_407, 3_400_000) * 10_000 < 13  # thirteen basis points of 3.4 M of volume
    assert utilisation_bps_down(3, 9) == 3_333


def test_a_relayer_earns_on_the_time_its_money_is_out():
    assert relayer_yield_bps_down(5 * USD, 0, 10_000 * USD, 3_600) == 43_800
    assert (
        relayer_yield_bps_down(5 * USD, 0, 10_000 * USD, 7 * 86_400) == 260
    )  # the same fee over a canonical exit's week
    assert relayer_yield_bps_down(USD, 2 * USD, 10_000 * USD, YEAR) == -1


@pytest.mark.parametrize(("use", "rate"), [(0, 10), (7_999, 409), (8_000, 410), (8_001, 413), (10_000, 6_410)])
def test_a_pools_rate_bends_at_its_kink(use: int, rate: int):
    assert utilisation_rate_down(use, 8_000, 10, 400, 6_000) == rate


def test_nothing_is_charged_until_a_loss_is_made_good():
    client = Client(1_000 * USD, 1_000 * USD)
    paid = []
    for value in (1_100, 900, 1_080, 1_200):
        client, fees = charge(Client(value * USD, client.mark), 0, 2_000, YEAR)
        paid.append(fees.profit)
    # a fifth of 100; then nothing below the mark of 1,080; at last a fifth of 120
    assert paid == [20 * USD, 0, 0, 24 * USD]
    assert client == Client(1_176 * USD, 1_176 * USD)


def test_the_fee_on_assets_comes_first_and_is_no_profit():
    client, fees = charge(Client(1_000 * USD, 990 * USD), 200, 2_000, YEAR)
    assert (fees.assets, fees.profit, fees.total) == (20 * USD, 0, 20 * USD)
    assert client == Client(980 * USD, 990 * USD)
    assert asset_fee_down(10, 10_000, 50 * YEAR) == 10


def test_new_money_is_no_profit_and_what_leaves_takes_its_part_of_the_mark():
    assert bring(Client(900, 1_000), 500) == Client(1_400, 1_500)
    assert take_out(Client(900, 1_000), 300) == Client(600, 667)  # two thirds, rounded up
    assert take_out(Client(900, 1_000), 900) == Client(0, 0)
    assert take_out(Client(0, 7), 0) == Client(0, 7)
    with pytest.raises(ValueError, match="901 of 900"):
        take_out(Client(900, 1_000), 901)


def test_a_book_keeps_every_unit_and_favours_clients_by_less_than_two_each():
    draws = random.Random(11)
    for _ in range(200):
        book = {str(n): Client(draws.randrange(10**12), draws.randrange(10**12)) for n in range(8)}
        asset_bps, profit_bps, seconds = draws.randrange(500), draws.randrange(5_000), draws.randrange(1, YEAR)
        after, fees = charge_book(book, asset_bps, profit_bps, seconds)
        assert sum(one.value for one in book.values()) == sum(one.value for one in after.values()) + fees.total
        exact = Fraction(0)
        for name, one in book.items():
            on_assets = Fraction(one.value * asset_bps * seconds, 10_000 * YEAR)
            exact += on_assets + max(one.value - on_assets - one.mark, 0) * Fraction(profit_bps, 10_000)
            assert after[name].mark >= one.mark
        assert 0 <= exact - fees.total < 2 * len(book)
        again, nothing = charge_book(after, 0, profit_bps, 1)
        assert again == after and nothing.total == 0  # at once again: no profit since
