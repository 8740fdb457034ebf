"""FastLZ lengths: the ``int`` specification against known lengths, the compiled twin against the specification."""

from __future__ import annotations

import random

import numpy as np
import pytest

from networks.inputs import far_apart, structured
from networks.vector_tables import table
from tidemill.errors import BadInput
from tidemill.networks import op_stack, op_stack_kernel
from tidemill.networks.fastlz import compressed_length
from tidemill.networks.op_stack_kernel import data_fees_down, fastlz_lengths, fjord_l1_fees_down, pack


@pytest.mark.parametrize("case", table("opstack")["fastlz"], ids=lambda c: c["source"])
def test_known_lengths(case) -> None:
    data = bytes(case["zeros"]) if "zeros" in case else bytes.fromhex(case["data"])
    assert compressed_length(data) == case["length"]


def test_what_cannot_match_costs_a_byte_in_thirty_two() -> None:
    distinct = bytes(range(200))
    assert [compressed_length(distinct[:n]) for n in (1, 31, 32, 33, 64, 65)] == [2, 32, 33, 35, 66, 68]


def test_long_matches_are_cut_into_pieces() -> None:
    # A run of zeros is one literal run of two bytes (three with its length byte), matches of 3 bytes each, and a tail.
    lengths = [compressed_length(bytes(n)) for n in (100, 273, 274, 275, 276, 277, 500, 1000)]
    assert lengths == sorted(lengths)
    assert compressed_length(bytes(262 * 40)) - compressed_length(bytes(262 * 39)) == 3


def test_the_compiled_twin_equals_the_specification() -> None:
    rng = random.Random("fastlz twins")
    inputs = [structured(rng, rng.randrange(0, 120)) for _ in range(100_000)]
    inputs += [structured(rng, rng.randrange(120, 3000)) for _ in range(1_500)]
    inputs += [far_apart(rng) for _ in range(60)]
    inputs += [b"", b"\0", bytes(13), bytes(14), bytes(15), bytes(16), bytes(17)]
    want = np.array([compressed_length(data) for data in inputs], dtype=np.int32)
    data, offsets = pack(inputs)
    assert np.array_equal(fastlz_lengths(data, offsets, threads=1), want)
    assert np.array_equal(fastlz_lengths(data, offsets, threads=3), want)
    assert len(set(want.tolist())) > 500, "the inputs must spread"


def test_the_table_may_start_over_anywhere() -> None:
    # In earnest the compiled loop starts over after 2**30 bytes; here after a few hundred.
    rng = random.Random("start over")
    inputs = [structured(rng, rng.randrange(0, 300)) for _ in range(2_000)]
    data, offsets = pack(inputs)
    want = [compressed_length(tx) for tx in inputs]
    for rebase in (300, 301, 1_000, 5_003):
        out = np.empty(len(inputs), dtype=np.int32)
        op_stack_kernel._lengths(data, offsets, 0, len(inputs), rebase, out)
        assert out.tolist() == want


def test_compiled_fees_equal_the_specification() -> None:
    rng = random.Random("fjord fees")
    lengths = np.array([rng.choice((0, 100, 170, 171, rng.randrange(40_000))) for _ in range(20_000)], dtype=np.int32)
    triples = [
        (rng.randrange(10**11), rng.randrange(10_000), rng.randrange(10**11), rng.randrange(2_000_000)) for _ in lengths
    ]
    prices = np.array([16 * base * bs + blob * bbs for base, bs, blob, bbs in triples], dtype=np.int64)
    want = [
        op_stack.fjord_l1_fee_down(int(n), base, bs, blob, bbs)
        for n, (base, bs, blob, bbs) in zip(lengths, triples, strict=True)
    ]
    assert fjord_l1_fees_down(lengths, prices).tolist() == want
    one = fjord_l1_fees_down(lengths, prices[:1]).tolist()
    assert one == [op_stack.fjord_l1_fee_down(int(n), *triples[0]) for n in lengths]


def test_a_batch_of_transactions_is_priced_whole() -> None:
    rng = random.Random("batch")
    inputs = [structured(rng, 250) for _ in range(3_000)]
    data, offsets = pack(inputs)
    fees = data_fees_down(data, offsets, np.array([16 * 10**9 * 5227 + 1014213], dtype=np.int64))
    assert fees.tolist() == [
        op_stack.fjord_l1_fee_down(compressed_length(tx), 10**9, 5227, 1, 1014213) for tx in inputs
    ]


def test_what_the_compiled_functions_refuse() -> None:
    data, offsets = pack([b"abc", b"d"])
    with pytest.raises(BadInput, match="offsets must rise from 0 to the 4 bytes of data"):
        fastlz_lengths(data, offsets[:-1])
    with pytest.raises(BadInput, match="offsets must rise"):
        fastlz_lengths(data, np.array([0, 5, 4]))
    with pytest.raises(BadInput, match="prices: 2 prices for 3 transactions"):
        fjord_l1_fees_down(np.array([1, 2, 3], dtype=np.int32), np.array([1, 2]))
    with pytest.raises(BadInput, match="prices: fees beyond 62 bits"):
        fjord_l1_fees_down(np.array([2**31 - 1], dtype=np.int32), np.array([2**61]))
    with pytest.raises(BadInput, match="prices: fees beyond 62 bits"):
        fjord_l1_fees_down(np.array([1], dtype=np.int32), np.array([2**62]))
    with pytest.raises(BadInput, match="negative length or price"):
        fjord_l1_fees_down(np.array([-1], dtype=np.int32), np.array([1]))
    assert fastlz_lengths(*pack([])).size == 0
    assert fjord_l1_fees_down(np.array([], dtype=np.int32), np.array([1])).size == 0
