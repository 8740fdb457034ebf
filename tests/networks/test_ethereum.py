"""Ethereum's fee rules against client test vectors, then their properties."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.vector_tables import rows, table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import FeeEnv, FeeParts, TxShape, assumed, from_data
from tidemill.networks.ethereum import (
    GAS_PER_BLOB,
    BlobSchedule,
    blob_base_fee_down,
    fake_exponential_down,
    next_base_fee_down,
    next_excess_blob_gas_down,
)

BASE_FEES = table("eip1559")
BLOBS = table("eip4844")
ETHEREUM = networks.get("ethereum")


@pytest.mark.parametrize("case", rows(BASE_FEES), ids=lambda c: f"{c['set']}-{c['gas_used']}")
def test_base_fee_vectors(case) -> None:
    got = next_base_fee_down(case["base_fee"], case["gas_used"], case["gas_target"], case["denominator"])
    assert got == case["want"]


def test_every_base_fee_vector_is_here() -> None:
    sets = [case["set"] for case in rows(BASE_FEES)]
    assert {name: sets.count(name) for name in sets} == {
        "ethereum": 3,
        "op-preCanyon": 2,
        "op-canyon": 2,
        "op-holocene": 5,
        "bor-london": 1,
        "bor-delhi": 3,
        "bor-bhilai": 5,
        "bor-dandeli": 5,
    }


@given(st.integers(0, 10**12), st.integers(0, 60_000_000), st.integers(1, 60_000_000), st.integers(1, 1_000))
def test_base_fee_moves_towards_demand_by_a_bounded_step(base: int, used: int, target: int, denominator: int) -> None:
    after = next_base_fee_down(base, used, target, denominator)
    if used > target:
        assert base < after <= base + max(1, base * (used - target) // (target * denominator))
    elif used == target:
        assert after == base
    else:
        assert max(0, base - base // denominator) <= after <= base


def test_base_fee_refuses_a_target_of_nothing() -> None:
    with pytest.raises(BadInput, match="gas target 0 and denominator 8 must be positive"):
        next_base_fee_down(1, 1, 0, 8)


@pytest.mark.parametrize("case", rows(BLOBS["fake_exponential"]), ids=str)
def test_fake_exponential_vectors(case) -> None:
    assert fake_exponential_down(case["factor"], case["numerator"], case["denominator"]) == case["want"]


def test_every_blob_vector_is_here() -> None:
    counts = {name: len(section["rows"]) for name, section in BLOBS.items()}
    assert counts == {
        "fake_exponential": 15,
        "blob_fee_cancun": 4,
        "excess_cancun": 10,
        "excess_7918": 6,
        "mainnet": 5,
    }


def schedule(fork: str) -> BlobSchedule:
    row = next(row for row in rows(BLOBS["mainnet"]) if row["fork"] == fork)
    return BlobSchedule(row["target"], row["maximum"], row["update_fraction"], row["reserve_price"])


@pytest.mark.parametrize("case", rows(BLOBS["blob_fee_cancun"]), ids=str)
def test_blob_base_fee_vectors(case) -> None:
    assert blob_base_fee_down(case["excess"], schedule("cancun").update_fraction) == case["want"]


@pytest.mark.parametrize("case", rows(BLOBS["excess_cancun"]), ids=str)
def test_excess_blob_gas_vectors(case) -> None:
    got = next_excess_blob_gas_down(schedule("cancun"), case["excess"], case["blobs"] * GAS_PER_BLOB, 10**9)
    assert got == case["want"]


@pytest.mark.parametrize("case", rows(BLOBS["excess_7918"]), ids=str)
def test_excess_blob_gas_with_reserve_price(case) -> None:
    used = case["used_blobs"] * GAS_PER_BLOB
    got = next_excess_blob_gas_down(schedule(case["fork"]), case["parent_excess"], used, case["base_fee"])
    assert got == case["want"]


def test_the_reserve_price_binds_only_above_the_blob_price() -> None:
    # Osaka at excess 0: a blob costs 131072 wei, so 8192 * base fee exceeds it from base fee 17 on; 16 is equal.
    osaka = schedule("osaka")
    at_most = next_excess_blob_gas_down(osaka, 0, 9 * GAS_PER_BLOB, 16)
    above = next_excess_blob_gas_down(osaka, 0, 9 * GAS_PER_BLOB, 17)
    assert (at_most, above) == (3 * GAS_PER_BLOB, 3 * GAS_PER_BLOB)  # full blobs: both rules add max - target
    assert next_excess_blob_gas_down(osaka, 0, 7 * GAS_PER_BLOB, 16) == GAS_PER_BLOB
    assert next_excess_blob_gas_down(osaka, 0, 7 * GAS_PER_BLOB, 17) == 7 * GAS_PER_BLOB * 3 // 9


@pytest.mark.parametrize("case", rows(BLOBS["mainnet"]), ids=lambda c: c["fork"])
def test_dated_parameters_give_the_schedule_of_each_fork(case) -> None:
    assert ETHEREUM.fork(case["time"]) == case["fork"]
    assert ETHEREUM.fork(case["time"] - 1) != case["fork"]
    assert ETHEREUM.blob_schedule(case["time"]) == schedule(case["fork"])


def test_before_cancun_there_are_no_blobs() -> None:
    with pytest.raises(BadInput, match="blob_target: nothing is known at time 1710338134"):
        ETHEREUM.blob_schedule(1_710_338_134)


def test_the_fee_is_gas_times_price_and_nothing_else() -> None:
    tx = TxShape.of(150_000, bytes(40) + b"\x07" * 60)
    env = FeeEnv(time=1_704_412_800, base_fee=from_data(20 * 10**9), priority_fee=assumed(10**9))
    assert ETHEREUM.fee(tx, env) == FeeParts(l2_execution=150_000 * 21 * 10**9, l1_data=0, operator=0)
    assert list(env.assumptions()) == ["priority_fee"]
    assert ETHEREUM.next_base_fee(env.time, 10**9, 30_000_000, 30_000_000) == 1_125_000_000


def test_ethereum_refuses_the_unknown() -> None:
    tx, known = TxShape(1, 0, 0, 0), from_data(1)
    with pytest.raises(UnknownName, match="unknown fork 'canon'"):
        ETHEREUM.fee(tx, FeeEnv(time=1_704_412_800, base_fee=known, priority_fee=known, fork="canon"))
    with pytest.raises(BadInput, match="nothing is known at time 5"):
        ETHEREUM.fee(tx, FeeEnv(time=5, base_fee=known, priority_fee=known))
    with pytest.raises(BadInput, match="base_fee: -1 is negative"):
        ETHEREUM.fee(tx, FeeEnv(time=1_704_412_800, base_fee=from_data(-1), priority_fee=known))
