"""``fee`` of the families by way of the one interface: parts, dated values, inputs that nothing computes, refusals."""

from __future__ import annotations

import msgspec
import pytest

from networks.vector_tables import table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import CostModel, FeeEnv, FeeParts, TxShape, assumed, from_data, load_gas
from tidemill.networks import linea as linea_rules
from tidemill.networks import scroll as scroll_rules
from tidemill.venues.kinds import kind

SPRING_2025 = 1_743_465_600
ZERO = from_data(0)


def env(time: int, fork: str | None = None, **levels: int) -> FeeEnv:
    known = {name: assumed(value) for name, value in levels.items()}
    return FeeEnv.of(time, {"base_fee": ZERO, "priority_fee": ZERO, **known}, fork)


ERA, SCROLL, LINEA, STARKNET = (networks.get(name) for name in ("zksync-era", "scroll", "linea", "starknet"))
TX = TxShape(150_000, 300, 100, 400)


def test_zksync_charges_gas_overhead_and_pubdata() -> None:
    at = env(SPRING_2025, base_fee=45_250_000, fair_pubdata_price=4 * 10**12)
    tx = msgspec.structs.replace(TX, pubdata_bytes=200)
    # 4e12 / 50000 = 80e6 is above the base fee, so a byte is charged as 50,000 gas at that price
    assert ERA.fee(tx, at) == FeeParts(80_000_000 * 160_000, 80_000_000 * 50_000 * 200)
    cheap = env(SPRING_2025, base_fee=45_250_000, fair_pubdata_price=10**9, pubdata_bytes=200, priority_fee=10**12)
    assert ERA.fee(TX, cheap) == FeeParts(45_250_000 * 160_000, 45_250_000 * 23 * 200)  # ceil(22.1), and no tip


def test_zksync_makes_the_price_of_a_byte_from_l1_by_its_dated_settings() -> None:
    at = env(SPRING_2025, base_fee=45_250_000, l1_base_fee=10**9, l1_pubdata_price=10**9, pubdata_bytes=100)
    price = 10**9 + 1_600_000_000  # 1e9 * 800,000 / 500,000 carried whole
    gas = -(-price // 45_250_000)
    assert ERA.fee(TX, at).l1_data == 45_250_000 * gas * 100
    filled = ERA.resolve(at).more
    constants = table("zk_stack")["constants"]
    for name, value in constants.items():
        if name not in ("source", "clip_l2_gas_price", "clip_pubdata_price"):
            assert (filled[name].value, filled[name].origin) == (value, "fact"), name
    dear = env(SPRING_2025, base_fee=1, l1_base_fee=10**18, l1_pubdata_price=1, pubdata_bytes=1)
    assert ERA.fee(TX, dear).l1_data == 2 * 10**10 * 50_000  # clipped at 1e15 a byte


def scroll_env(fork: str, **levels: int) -> FeeEnv:
    return env(1_800_000_000, fork, l1_base_fee=10**9, blob_base_fee=10**9, **levels)


def test_scroll_takes_the_formula_of_its_fork() -> None:
    old = env(1_700_000_000, l1_base_fee=10**9, overhead=100, scalar=10)
    assert SCROLL.fee(TX, old).l1_data == (4 * 100 + 16 * 404 + 100) * 10
    curie = env(SPRING_2025, l1_base_fee=10**9, blob_base_fee=10**6, base_fee=5, priority_fee=1)
    want = (230_759_955_285 * 10**9 + 500 * 10**6 * 417_565_260) // 10**9
    assert SCROLL.fee(TX, curie) == FeeParts(150_000 * 6, want)
    known = SCROLL.resolve(curie).more["commit_scalar"]
    assert (known.origin, known.note.startswith("uncertain; ")) == ("fact", True)
    scalars = {"exec_scalar": 10, "blob_scalar": 20}
    feynman = scroll_env("feynman", **scalars, penalty_threshold=2 * 10**9, penalty_factor=3 * 10**9)
    half, more = (msgspec.structs.replace(TX, zstd_length=length) for length in (250, 251))
    assert SCROLL.fee(half, feynman).l1_data == 30 * 500
    assert SCROLL.fee(more, feynman).l1_data == 3 * 30 * 500
    galileo = scroll_env("galileo", **scalars, penalty_factor=1_000)
    assert SCROLL.fee(half, galileo).l1_data == 30 * 250 * 5 // 4
    assert SCROLL.fee(TX, scroll_env("galileo", **scalars, penalty_factor=1_000, compressed_bps=5_000)) == SCROLL.fee(
        half, galileo
    )


def test_scroll_asks_for_compressed_bytes_from_feynman_on() -> None:
    found = {fork: "compressed_bps" in SCROLL.needs(fork) for fork in scroll_rules.FORKS}  # type: ignore[attr-defined]
    assert found == {"bernoulli": False, "curie": False, "feynman": True, "galileo": True}
    scalars = {"exec_scalar": 10, "blob_scalar": 20, "penalty_threshold": 2 * 10**9, "penalty_factor": 3 * 10**9}
    tiny = TxShape(0, 0, 0, 2, zstd_length=1)
    assert SCROLL.fee(tiny, scroll_env("feynman", **scalars)).l1_data == 30 * 2, "a ratio of 2 meets the threshold"
    nothing = msgspec.structs.replace(tiny, zstd_length=0)
    assert SCROLL.fee(nothing, scroll_env("feynman", **scalars)).l1_data == 30 * 2


def test_what_does_not_compress_counts_as_it_is() -> None:
    grown = msgspec.structs.replace(TX, zstd_length=9_999)
    plain = msgspec.structs.replace(TX, zstd_length=500)
    galileo = scroll_env("galileo", exec_scalar=10, blob_scalar=20, penalty_factor=1_000)
    assert SCROLL.fee(grown, galileo) == SCROLL.fee(plain, galileo)
    names = [str(entry.fact.value) for entry in SCROLL.facts.timeline("fork").entries]
    assert tuple(names) == scroll_rules.FORKS


def test_linea_takes_the_dearer_of_tip_and_sequencers_least() -> None:
    costs = {"variable_cost": 6_000 * 10**6, "fixed_cost": 30_000_000, "min_margin": 1_200_000}
    at = env(SPRING_2025, base_fee=7, compressed_bps=5_000, **costs)
    data = 6_000 * 250 // 150_000
    price = linea_rules.least_gas_price_up(7, data, 30_000_000, 1_200_000)
    parts = LINEA.fee(TX, at)
    assert (price, parts.total) == (7 + 36_000_012, 150_000 * (7 + 36_000_012))
    assert parts.l1_data == 150_000 * 12
    tipped = msgspec.structs.replace(at, priority_fee=assumed(50_000_000))
    assert LINEA.fee(TX, tipped).total == 150_000 * 50_000_007
    assert LINEA.fee(TX, tipped).l1_data == parts.l1_data
    assert LINEA.fee(msgspec.structs.replace(TX, gas_used=0), at) == FeeParts(0)
    assert LINEA.next_base_fee(SPRING_2025, 800, 60, 100) == 820
    assert LINEA.next_base_fee(SPRING_2025, 7, 0, 2 * 10**9) == 7
    assert LINEA.next_base_fee(SPRING_2025, 8, 0, 2 * 10**9) == 7


def test_starknet_charges_l2_gas_data_and_messages() -> None:
    levels = {"l1_data_gas_price": 10**9, "contracts_changed": 2, "values_changed": 3}
    at = env(1_770_000_000, base_fee=3 * 10**9, priority_fee=10**9, **levels)
    assert STARKNET.fee(TX, at) == FeeParts(150_000 * 4 * 10**9, 192_000_000_000)
    sends = env(1_770_000_000, l1_message_words=3, l1_gas_price=5, **levels)
    assert STARKNET.fee(TX, sends) == FeeParts(0, 192_000_000_000 + 5 * 29_149)
    assert STARKNET.next_base_fee(1_770_000_000, 10**10, 10, 10) == 10_052_083_333
    assert STARKNET.next_base_fee(1_770_000_000, 10**10, 800, 1_000) == 10**10
    with pytest.raises(BadInput, match="count the fee token, so they are at least 1"):
        STARKNET.fee(TX, env(1_770_000_000, l1_data_gas_price=1, contracts_changed=0, values_changed=1))


MISSING = [
    ("zksync-era", SPRING_2025, {}, "pubdata_bytes: zksync-era needs pubdata_bytes (compressed state differences"),
    ("zksync-era", SPRING_2025, {"pubdata_bytes": 1}, "l1_base_fee: zksync-era needs l1_base_fee"),
    ("zksync-era", SPRING_2025, {"pubdata_bytes": 1, "l1_base_fee": 1}, "needs l1_pubdata_price"),
    ("zksync-era", SPRING_2025, {"pubdata_bytes": -1}, "pubdata_bytes: -1 is negative"),
    ("zksync-era", 1_690_000_000, {}, "timelines.fork: nothing is known at time 1690000000"),
    ("scroll", 1_690_000_000, {}, "timelines.fork: nothing is known at time 1690000000"),
    ("scroll", 1_700_000_000, {"l1_base_fee": 1}, "overhead: scroll needs overhead"),
    ("scroll", 1_780_000_000, {"l1_base_fee": 1, "blob_base_fee": 1}, "exec_scalar: scroll needs exec_scalar"),
    (
        "scroll",
        1_780_000_000,
        {"l1_base_fee": 1, "blob_base_fee": 1, "exec_scalar": 1, "blob_scalar": 1, "penalty_factor": 1},
        "compressed_bps: scroll needs compressed_bps (compressed bytes per 10,000 signed bytes): an input",
    ),
    (
        "scroll",
        1_780_000_000,
        {"l1_base_fee": 1, "blob_base_fee": 1, "exec_scalar": 1},
        "blob_scalar: scroll needs blob_scalar",
    ),
    ("linea", SPRING_2025, {}, "variable_cost: linea needs variable_cost"),
    ("linea", SPRING_2025, {"variable_cost": 1, "fixed_cost": 1}, "min_margin: linea needs min_margin"),
    ("linea", SPRING_2025, {"variable_cost": 1, "fixed_cost": 1, "min_margin": 1}, "linea needs compressed_bps"),
    ("starknet", 1_770_000_000, {}, "contracts_changed: starknet needs contracts_changed (how many contracts"),
    ("starknet", 1_770_000_000, {"contracts_changed": 1, "values_changed": 1}, "starknet needs l1_data_gas_price"),
    ("polygon-zkevm", SPRING_2025, {}, "charges a share of the gas price offered; it is 0"),
    ("polygon-zkevm", SPRING_2025, {"base_fee": 1, "l1_base_fee": 1}, "needs suggested_gas_price"),
]


@pytest.mark.parametrize(("name", "time", "levels", "says"), MISSING, ids=lambda item: str(item)[:40])
def test_what_nobody_gave_is_refused_by_name(name: str, time: int, levels: dict[str, int], says: str) -> None:
    with pytest.raises(BadInput) as refusal:
        networks.get(name).fee(TX, env(time, **levels))
    assert says in str(refusal.value)


@pytest.mark.parametrize("name", ["zksync-era", "scroll", "linea", "starknet", "polygon-pos"])
def test_an_unknown_fork_names_the_nearest(name: str) -> None:
    with pytest.raises(UnknownName, match="unknown fork 'curry'"):
        networks.get(name).fee(TX, env(SPRING_2025, "curry"))


def test_every_level_that_a_formula_needs_is_among_those_it_lists() -> None:
    for name, _, levels, _ in MISSING:
        chain = networks.get(name)
        if name != "polygon-zkevm":
            listed = {
                level for entry in chain.facts.timeline("fork").entries for level in chain.needs(entry.fact.value)
            }  # type: ignore[attr-defined]
            assert set(levels) <= listed | {"base_fee", "l1_base_fee"}, name


def test_polygon_zkevm_charges_its_share_of_the_offer() -> None:
    at = env(SPRING_2025, base_fee=1_000, l1_base_fee=100, suggested_gas_price=1_000)
    tx = TxShape(200, 0, 0, 10)
    # effective 113 of 1,000: the byte is 28, so 29/256 of the offer is paid
    assert networks.get("polygon-zkevm").fee(tx, at) == FeeParts(200 * (1_000 * 29 // 256))
    tipped = msgspec.structs.replace(at, base_fee=assumed(900), priority_fee=assumed(100))
    assert networks.get("polygon-zkevm").fee(tx, tipped) == FeeParts(200 * (1_000 * 29 // 256))


def test_gas_of_another_machine_is_an_input() -> None:
    model = CostModel(ERA, {"vault": load_gas(kind("erc4626").gas)})
    levels = {"base_fee": 10**8, "fair_pubdata_price": 1, "pubdata_bytes": 0}
    with pytest.raises(
        BadInput, match=r"vm_gas_bps: zksync-era needs vm_gas_bps \(gas of its EraVM per 10,000 of the EVM's"
    ):
        model.fee("vault", "deposit", {}, env(SPRING_2025, **levels))
    once, twice = (
        model.fee("vault", "deposit", {}, env(SPRING_2025, vm_gas_bps=bps, **levels)).l2_execution
        for bps in (10_000, 20_000)
    )
    assert twice - once == 10**8 * model.gas("vault", "deposit", {})
