"""What posting costs and what is shared: against sums written out by hand, and Ethereum's own blob rule block by block."""

from __future__ import annotations

import random

import pytest

from tidemill import networks
from tidemill.networks.ethereum import (
    GAS_PER_BLOB,
    BlobSchedule,
    Ethereum,
    blob_base_fee_down,
    next_excess_blob_gas_down,
)
from tidemill.networks.op_revenue import revenue_share_down
from tidemill.venues.sequencer.prices import blob_prices
from tidemill.venues.sequencer.rules import (
    BLOB_BYTES,
    Packing,
    batches_up,
    posting_gas,
    posting_wei,
)

PACKING = Packing()
CANCUN, OSAKA = BlobSchedule(3, 6, 3_338_477, False), BlobSchedule(6, 9, 5_007_716, True)


@pytest.mark.parametrize(
    ("size", "blobs", "at_least", "transactions", "count"),
    [
        (0, True, 9, 0, 0),
        (1, True, 1, 1, 1),
        (BLOB_BYTES, True, 1, 1, 1),
        (BLOB_BYTES + 1, True, 1, 1, 2),
        (6 * BLOB_BYTES, True, 1, 1, 6),
        (6 * BLOB_BYTES + 1, True, 1, 2, 7),
        (6 * BLOB_BYTES + 1, True, 3, 3, 9),  # three equal parts of two blobs and a bit: three blobs each
        (10, True, 24, 10, 10),  # there is no emptier batch than one byte
        (120_000, False, 1, 1, 0),
        (120_001, False, 1, 2, 0),
        (120_001, False, 24, 24, 0),
    ],
)
def test_batches(size: int, blobs: bool, at_least: int, transactions: int, count: int):
    found = batches_up(size, PACKING, blobs=blobs, at_least=at_least)
    assert (found.transactions, found.blobs, found.size) == (transactions, count, size)
    assert not blobs or found.blobs * BLOB_BYTES >= size
    assert found.blobs <= found.transactions * PACKING.blobs_per_tx


def test_a_posting_is_paid_in_two_gases():
    as_blobs, as_calldata = (batches_up(700_000, PACKING, blobs=blobs) for blobs in (True, False))
    assert posting_gas(as_blobs, PACKING) == (21_000, 6 * GAS_PER_BLOB)
    assert posting_gas(as_calldata, PACKING) == (6 * 21_000 + 700_000 * 16, 0)
    assert posting_wei(as_blobs, PACKING, 30 * 10**9, 7) == 630_000 * 10**9 + 6 * 131_072 * 7
    assert posting_wei(as_calldata, PACKING, 10**9, 7) == 11_326_000 * 10**9


def test_blobs_stop_being_cheaper_where_the_gases_cross():
    """A full blob of 126,976 bytes takes 2,031,616 gas as calldata, a batch apart: 15.5 times its blob gas."""
    full = 6 * BLOB_BYTES
    costs = [
        posting_wei(batches_up(full, PACKING, blobs=blobs), PACKING, 10**9, blob_price)
        for blob_price in (15 * 10**9, 16 * 10**9)
        for blobs in (True, False)
    ]
    assert costs[0] < costs[1] and costs[2] > costs[3]


@pytest.mark.parametrize(
    ("gross", "l1_fees", "share"),
    [(0, 0, 0), (10**18, 10**18, 25 * 10**15), (10**18, 0, 150 * 10**15), (39, 39, 0), (40, 40, 1), (7, 0, 1)],
)
def test_the_larger_of_two_shares_each_rounded_down(gross: int, l1_fees: int, share: int):
    assert revenue_share_down(gross, l1_fees) == share


def test_the_shares_cross_where_a_sixth_is_not_l1_fees():
    """2.5 % of all is 15 % of a sixth of it."""
    gross = 6 * 10**18
    assert revenue_share_down(gross, 5 * 10**18) == gross // 40
    assert revenue_share_down(gross, 5 * 10**18 - 10**6) > gross // 40
    assert revenue_share_down(gross, 5 * 10**18 + 10**6) == gross // 40


@pytest.mark.parametrize(("schedule", "base_fee"), [(CANCUN, 0), (OSAKA, 30 * 10**9), (OSAKA, 1)])
def test_an_hour_of_even_blocks_is_the_rule_block_by_block(schedule: BlobSchedule, base_fee: int):
    draws, compared = random.Random(5), 0
    for _ in range(30):
        use, excess = draws.randrange(0, 12_000), draws.randrange(10**8)
        used = schedule.target * GAS_PER_BLOB * use // 10_000
        slow = [excess]
        for _ in range(300):
            slow.append(next_excess_blob_gas_down(schedule, slow[-1], used, base_fee))
        bound = {
            8_192 * base_fee > GAS_PER_BLOB * blob_base_fee_down(one, schedule.update_fraction) for one in slow[:-1]
        }
        if schedule.reserve_price and len(bound) > 1:
            continue  # within the hour EIP-7918 began or ceased to bind: an hour's step takes its beginning for all of it
        found, price = next(iter(blob_prices(schedule, excess, 1, use, 10**30, base_fee)))
        assert (found, price) == (slow[-1], blob_base_fee_down(slow[-1], schedule.update_fraction))
        compared += 1
    assert compared > 10


def test_dear_blobs_are_put_off():
    ethereum = networks.get("ethereum")
    assert isinstance(ethereum, Ethereum)
    schedule = ethereum.blob_schedule(1_720_000_000)
    prices = [price for _, price in blob_prices(schedule, 0, 2_000, 10_200, 50 * 10**9, 10**9)]
    assert max(prices) > 10**9 > prices[0]
    assert max(prices) < 200 * 10**9  # an hour's over-shoot, no more
