"""OP Stack fee formulas against client test vectors, and chains over their dated parameters."""

from __future__ import annotations

import msgspec
import pytest

from networks.vector_tables import table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Confidence
from tidemill.networks import FeeEnv, TxShape, assumed, from_data, op_stack
from tidemill.networks.fastlz import compressed_length

TABLE = table("opstack")
EMPTY_TX = bytes.fromhex(TABLE["empty_tx"]["rlp"])
OP = networks.get("op-mainnet")
BASE = networks.get("base")
ZERO = from_data(0)


def env(fork: str, prices: dict[str, object], time: int = 1_800_000_000) -> FeeEnv:
    known = {name: from_data(value) for name, value in prices.items() if isinstance(value, int)}
    return FeeEnv.of(time, {"base_fee": ZERO, "priority_fee": ZERO, **known}, fork)


def test_the_empty_transaction_is_the_one_upstream_prices() -> None:
    shape = TxShape.of(21_000, EMPTY_TX)
    facts = TABLE["empty_tx"]
    assert (shape.zero_bytes, shape.nonzero_bytes) == (facts["zero_bytes"], facts["nonzero_bytes"])
    assert shape.fastlz_length == facts["fastlz"]


def test_the_shape_counts_every_byte_once() -> None:
    assert TxShape.of(7, b"\0\0\0ab") == TxShape(7, compressed_length(b"\0\0\0ab"), zero_bytes=3, nonzero_bytes=2)


@pytest.mark.parametrize("case", TABLE["case"], ids=lambda c: f"{c['fork']}-{c.get('fastlz', 'empty')}")
def test_data_fee_vectors(case) -> None:
    tx = TxShape.of(0, EMPTY_TX) if case.get("tx") == "empty" else TxShape(0, case["fastlz"], 0, 0)
    fee = OP.fee(tx, env(case["fork"], TABLE[case["prices"]])).l1_data
    gas = l1_gas(case["fork"], tx, TABLE[case["prices"]])
    if "fee" in case:
        assert (fee, gas) == (case["fee"], case["l1_gas"])
    else:
        assert fee > case["fee_above"]
        assert gas > case["l1_gas_above"]


def l1_gas(fork: str, tx: TxShape, prices: dict[str, int]) -> int:
    if fork == "fjord":
        return op_stack.fjord_l1_gas_down(tx.fastlz_length)
    if fork == "ecotone":
        return op_stack.calldata_gas(tx.zero_bytes, tx.nonzero_bytes)
    overhead = prices["l1_fee_overhead"]
    return op_stack.legacy_l1_gas(tx.zero_bytes, tx.nonzero_bytes, overhead, regolith=fork == "regolith")


def test_every_vector_is_here() -> None:
    assert [len(TABLE[name]) for name in ("case", "oracle", "fastlz")] == [10, 2, 3]


@pytest.mark.parametrize("case", TABLE["oracle"], ids=lambda c: c["fork"])
def test_oracle_vectors(case) -> None:
    # The oracle prices an unsigned transaction as if 68 bytes that do not compress came with it.
    data = bytes.fromhex(case["data"])
    zeros = data.count(0)
    tx = TxShape(0, compressed_length(data) + 68, zeros, len(data) - zeros + 68)
    assert OP.fee(tx, env(case["fork"], TABLE["other"])).l1_data == case["fee"]
    assert l1_gas(case["fork"], tx, TABLE["other"]) == case["l1_gas"]
    if "upper_bound_of_5_bytes" in case:
        size = 5 + 68
        bound = TxShape(0, size + size // 255 + 16, 0, 0)
        assert OP.fee(bound, env("fjord", TABLE["other"])).l1_data == case["upper_bound_of_5_bytes"]


def test_jovian_operator_fee_vector() -> None:
    row = TABLE["jovian_operator"]
    prices = TABLE["common"] | {"operator_fee_scalar": row["scalar"], "operator_fee_constant": row["constant"]}
    parts = OP.fee(TxShape(row["gas_used"], 100, 0, 0), env("jovian", prices))
    assert parts.operator == row["fee"]
    isthmus = OP.fee(TxShape(row["gas_used"], 100, 0, 0), env("isthmus", prices)).operator
    assert isthmus == row["gas_used"] * row["scalar"] // 10**6 + row["constant"]


def test_parts_add_up_and_execution_is_gas_times_price() -> None:
    prices = TABLE["common"] | {"operator_fee_scalar": 7, "operator_fee_constant": 11}
    parts = OP.fee(TxShape(50_000, 300, 0, 0), env("isthmus", prices))
    priced = msgspec.structs.replace(env("isthmus", prices), base_fee=from_data(60), priority_fee=assumed(3))
    with_price = OP.fee(TxShape(50_000, 300, 0, 0), priced)
    assert parts.l2_execution == 0
    assert with_price.l2_execution == 50_000 * 63
    assert with_price.total == 50_000 * 63 + parts.l1_data + parts.operator
    assert parts.operator == 50_000 * 7 // 10**6 + 11 == 11


FORK_TIMES = {
    1_686_068_903: "regolith",
    1_704_992_401: "canyon",
    1_710_374_401: "ecotone",
    1_720_627_201: "fjord",
    1_726_070_401: "granite",
    1_736_445_601: "holocene",
    1_746_806_401: "isthmus",
    1_764_691_201: "jovian",
    1_783_526_401: "karst",
}


@pytest.mark.parametrize(("time", "fork"), FORK_TIMES.items(), ids=FORK_TIMES.values())
def test_op_mainnet_forks_by_time(time: int, fork: str) -> None:
    assert OP.fork(time) == fork
    if fork != "regolith":
        assert OP.fork(time - 1) != fork


def test_base_forked_with_the_superchain_while_it_was_in_it() -> None:
    shared = [time for time, fork in FORK_TIMES.items() if fork not in ("regolith", "karst")]
    assert [BASE.fork(time) for time in shared] == [OP.fork(time) for time in shared]
    assert [BASE.fork(time - 1) for time in shared] == [OP.fork(time - 1) for time in shared]
    own = (1_779_991_199, 1_779_991_200, 1_782_410_399, 1_782_410_400, 1_790_000_000)
    assert [BASE.fork(time) for time in own] == ["jovian", "azul", "azul", "beryl", "beryl"]
    with pytest.raises(UnknownName, match="unknown fork 'karst'"):
        BASE.fee(TxShape(1, 1, 0, 0), msgspec.structs.replace(priced(1_790_000_000, l1_base_fee=1), fork="karst"))


def priced(time: int, **known: int) -> FeeEnv:
    values = {name: from_data(value) for name, value in known.items()}
    return FeeEnv.of(time, {"base_fee": from_data(1), "priority_fee": ZERO, **values})


def test_missing_scalars_come_from_dated_facts_and_say_so() -> None:
    at = priced(1_722_000_000, l1_base_fee=5 * 10**9, blob_base_fee=1)
    full = OP.resolve(at)
    assert full.fork == "fjord"
    scalar = full.more["base_fee_scalar"]
    assert (scalar.value, scalar.origin) == (5227, "fact")
    assert "superchain-ops" in scalar.note
    given = msgspec.structs.replace(at, more={"base_fee_scalar": assumed(1), "blob_base_fee_scalar": assumed(0)})
    assert OP.resolve(given).more["base_fee_scalar"] == assumed(1)
    assert OP.fee(TxShape(0, 100, 0, 0), given).l1_data == 100 * 16 * 5 * 10**9 // 10**6


def test_uncertain_facts_are_marked() -> None:
    full = OP.resolve(priced(1_770_000_000, l1_base_fee=1, blob_base_fee=1))
    assert full.more["operator_fee_scalar"].note.startswith("uncertain; ")


def test_each_chain_has_its_own_parameters() -> None:
    at = priced(1_722_000_000, l1_base_fee=5 * 10**9, blob_base_fee=10**9)
    tx = TxShape(100_000, 250, 0, 0)
    assert OP.fee(tx, at).l1_data != BASE.fee(tx, at).l1_data
    fees = {name: networks.get(name).fee(tx, msgspec.structs.replace(at, time=1_740_000_000)) for name in ("unichain",)}
    price = 16 * 5 * 10**9 * 2000 + 10**9 * 900_000
    assert fees["unichain"].l1_data == (836_500 * 250 - 42_585_600) * price // 10**12


def test_a_price_that_nobody_knows_is_refused() -> None:
    mode = networks.get("mode")
    at = priced(1_722_000_000, l1_base_fee=1, blob_base_fee=1)
    with pytest.raises(
        BadInput, match="base_fee_scalar: mode needs base_fee_scalar and has no dated value for it at 20"
    ):
        mode.fee(TxShape(1, 1, 0, 0), at)
    with pytest.raises(BadInput, match="blob_base_fee: op-mainnet needs blob_base_fee"):
        OP.fee(TxShape(1, 1, 0, 0), priced(1_722_000_000, l1_base_fee=1))
    with pytest.raises(UnknownName, match="unknown fork 'fyord'; did you mean 'fjord'"):
        OP.fee(TxShape(1, 1, 0, 0), msgspec.structs.replace(at, fork="fyord"))
    with pytest.raises(BadInput, match="timelines.fork: nothing is known at time 1600000000"):
        OP.fee(TxShape(1, 1, 0, 0), priced(1_600_000_000, l1_base_fee=1))


def test_networks_by_name() -> None:
    ours = ("arbitrum-nova", "arbitrum-one", "base", "ethereum", "mode", "op-mainnet", "unichain")
    assert set(ours) <= set(networks.names())
    with pytest.raises(UnknownName, match="unknown network 'optimism-mainnet'; did you mean 'op-mainnet'"):
        networks.get("optimism-mainnet")
    assert {name: networks.get(name).block_time for name in ours} == {
        "arbitrum-nova": 1,
        "arbitrum-one": 1,
        "base": 2,
        "ethereum": 12,
        "mode": 2,
        "op-mainnet": 2,
        "unichain": 1,
    }
    assert [networks.get(name).name for name in networks.names()] == list(networks.names())


def test_every_fact_in_the_catalogue_has_a_unit_of_provenance() -> None:
    for name in networks.names():
        facts = networks.get(name).facts
        entries = [e.fact for line in facts.timelines.values() for e in line.entries] + list(facts.facts.values())
        assert len(entries) > 10
        for fact in entries:
            if fact.confidence == Confidence.UNCERTAIN:
                assert fact.note or "until the operator" in fact.source or "unless the operator" in fact.source
            assert fact.as_of.year >= 2024


# -- base fee ---------------------------------------------------------------------------------------------------------


def test_canyon_takes_five_times_smaller_steps() -> None:
    before = OP.next_base_fee(1_704_992_400, 10**9, 10_000_000, 30_000_000)
    after = OP.next_base_fee(1_704_992_401, 10**9, 10_000_000, 30_000_000)
    assert (before, after) == (1_020_000_000, 1_004_000_000)  # op-geth's own two cases


def test_jovian_counts_the_data_footprint_and_keeps_a_floor() -> None:
    time = 1_774_500_000  # Base after 2026-03-25: elasticity 5, denominator 100, floor 5,000,000
    limit = 400_000_000
    target = limit // 5
    quiet = BASE.next_base_fee(time, 5_000_000, 0, limit)
    assert quiet == 5_000_000
    assert BASE.next_base_fee(time, 10**8, target, limit, da_footprint=2 * target) == 10**8 + 10**8 // 100
    assert BASE.next_base_fee(time, 10**8, 2 * target, limit, da_footprint=target) == 10**8 + 10**8 // 100
    early = BASE.next_base_fee(1_764_691_200, 10**8, 100, limit, da_footprint=10**12)
    assert early == BASE.next_base_fee(1_764_691_200, 10**8, 100, limit), "before Jovian the footprint does not count"


def test_da_footprint_of_a_transaction() -> None:
    tx = TxShape(0, 235, 0, 0)  # estimated size 153.9919 bytes
    assert op_stack.estimated_size_scaled(235) == 153_991_900
    assert OP.da_footprint(tx, 1_770_000_000) == 153 * 400
    assert BASE.da_footprint(tx, 1_774_500_000) == 153 * 148
    assert OP.da_footprint(tx, 1_764_691_200) == 0
    assert op_stack.da_footprint_down(0, 400) == 100 * 400
