"""Fees through the public interface against a second computation, written here from the published rules alone.

Nothing of a network's module is used on the other side of a comparison. Cases are the edges (a fork's first second, nothing,
the largest a field holds) and seeded draws between them.
"""

from __future__ import annotations

import random
from fractions import Fraction
from itertools import product
from math import floor

import pytest

from networks.by_hand import NOW, U64, at, draws, env, next_base
from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks import TxShape, ethereum
from tidemill.networks.op_chain import OpChain

U32 = 2**32 - 1
OP_FORKS = {
    1704992401: "canyon", 1708560000: "delta", 1710374401: "ecotone", 1720627201: "fjord", 1726070401: "granite",
    1736445601: "holocene", 1746806401: "isthmus", 1764691201: "jovian", 1783526401: "karst",
}  # fmt: skip
BLOBS = {  # time: target, most, fraction, reserve price
    1710338135: (3, 6, 3338477, False), 1746612311: (6, 9, 5007716, False), 1764798551: (6, 9, 5007716, True),
    1765290071: (10, 15, 8346193, True), 1767747671: (14, 21, 11684671, True),
}  # fmt: skip


def op(name: str = "op-mainnet") -> OpChain:
    found = networks.get(name)
    assert isinstance(found, OpChain)
    return found


# --- Ethereum ---------------------------------------------------------------------------------------------------------


def blob_fee(excess: int, fraction: int) -> int:
    """The series of e to the power of excess / fraction, each term of it cut to a whole ``fraction``-th."""
    total, term, step = 0, fraction, 0
    while term:
        total += term
        step += 1
        term = floor(Fraction(term * excess, fraction * step))
    return floor(Fraction(total, fraction))


@pytest.mark.parametrize(("time", "rule"), BLOBS.items(), ids=str)
def test_blobs_at_each_fork_s_first_second(time: int, rule: tuple[int, int, int, bool]) -> None:
    chain, (target, most, fraction, reserved) = networks.get("ethereum"), rule
    schedule = chain.blob_schedule(time)
    assert (schedule.target, schedule.maximum, schedule.update_fraction, schedule.reserve_price) == rule
    if time == min(BLOBS):
        with pytest.raises(BadInput):
            chain.blob_schedule(time - 1)
    else:
        assert chain.blob_schedule(time - 1) != schedule
    rng = random.Random(f"blobs {time}")
    edges = (0, 1, fraction - 1, fraction, int(fraction * 0.6931), 10 * fraction, 40 * fraction)
    for excess in (*edges, *(rng.randrange(20 * fraction) for _ in range(20))):
        price = blob_fee(excess, fraction)
        assert ethereum.blob_base_fee_down(excess, fraction) == price
        even = 16 * price  # 8192 x base fee is 131072 x blob fee: the reserve does not bind yet
        for used, base in product((0, 1, target - 1, target, target + 1, most), (0, even - 1, even, even + 1, 10**12)):
            gas = used * 131_072
            if excess + gas < target * 131_072:
                wanted = 0
            elif reserved and base > even:
                wanted = excess + floor(Fraction(gas * (most - target), most))
            else:
                wanted = excess + gas - target * 131_072
            assert ethereum.next_excess_blob_gas_down(schedule, excess, gas, max(base, 0)) == wanted


def test_the_base_fee_of_ethereum_and_linea_rests_at_half_a_block() -> None:
    for name, limit in product(("ethereum", "linea"), (2, 30_000_000, 60_000_001)):
        for base, used in draws(f"{name} {limit}", limit, limit // 2):
            assert networks.get(name).next_base_fee(NOW, base, used, limit) == next_base(base, used, limit // 2, 8)


# --- the OP Stack -----------------------------------------------------------------------------------------------------


def op_fee(fork: str, tx: TxShape, v: dict[str, int]) -> tuple[int, int]:
    """Data fee and operator fee by the specification, as exact fractions cut once."""
    order = ["bedrock", "regolith", *OP_FORKS.values()]
    place = order.index(fork)
    calldata = 4 * tx.zero_bytes + 16 * tx.nonzero_bytes
    if place < order.index("ecotone"):
        gas = calldata + (16 * 68 if fork == "bedrock" else 0) + v["l1_fee_overhead"]
        data = Fraction(gas * v["l1_base_fee"] * v["l1_fee_scalar"], 10**6)
    else:
        price = 16 * v["l1_base_fee"] * v["base_fee_scalar"] + v["blob_base_fee"] * v["blob_base_fee_scalar"]
        if place < order.index("fjord"):
            data = Fraction(calldata * price, 16 * 10**6)
        else:
            size = max(Fraction(100), Fraction("-42.5856") + Fraction("0.8365") * tx.fastlz_length)
            data = size * price / 10**6
    operator = 0
    if place >= order.index("jovian"):
        operator = tx.gas_used * v["operator_fee_scalar"] * 100 + v["operator_fee_constant"]
    elif place >= order.index("isthmus"):
        operator = floor(Fraction(tx.gas_used * v["operator_fee_scalar"], 10**6)) + v["operator_fee_constant"]
    return floor(data), operator


def op_levels(rng: random.Random) -> dict[str, int]:
    def one(*edges: int) -> int:
        return rng.choice((*edges, rng.randrange(max(edges) + 1)))

    names = ("l1_base_fee", "blob_base_fee", "base_fee", "priority_fee")
    scalars = ("base_fee_scalar", "blob_base_fee_scalar", "operator_fee_scalar", "l1_fee_overhead", "l1_fee_scalar")
    found = {name: one(0, 1, 10**9, 10**18) for name in names} | {name: one(0, 1, U32) for name in scalars}
    return found | {"operator_fee_constant": one(0, 1, U64)}


@pytest.mark.parametrize("name", ["op-mainnet", "base", "mode", "unichain"])
@pytest.mark.parametrize("fork", ["bedrock", "regolith", *OP_FORKS.values()])
def test_an_op_chain_s_fee_in_every_fork(name: str, fork: str) -> None:
    chain = op(name)
    if fork not in chain.forks:
        assert (name, fork) == ("base", "karst")  # Base had left by then
        return
    rng = random.Random(f"{name} {fork}")
    lengths = (0, 1, 170, 171, 172, 202, 2**17)  # 171 is the first above 100 bytes
    for number in range(120):
        v = op_levels(rng)
        tx = TxShape(
            rng.choice((0, 1, 21_000, rng.randrange(10**8), 10**4 - 1)), lengths[number % len(lengths)],
            rng.choice((0, 1, rng.randrange(10**5))), rng.choice((0, 1, 30, rng.randrange(10**5))),
        )  # fmt: skip
        got = chain.fee(tx, env(NOW, fork, **v))
        execution = tx.gas_used * (v["base_fee"] + v["priority_fee"])
        data, operator = op_fee(fork, tx, v)
        assert (got.l2_execution, got.l1_data, got.operator) == (execution, data, operator)
        assert got.total == execution + data + operator


@pytest.mark.parametrize("time", OP_FORKS)
def test_the_formula_changes_at_the_fork_s_first_second(time: int) -> None:
    """The fork is not named: the second of the block picks it."""
    v = op_levels(random.Random(time)) | {
        "l1_base_fee": 10**9 + 7, "blob_base_fee": 10**8 + 3, "base_fee_scalar": 5_227, "blob_base_fee_scalar": 1_014_213,
        "operator_fee_scalar": 1_439_103_868, "operator_fee_constant": 77, "l1_fee_overhead": 188, "l1_fee_scalar": 684_000,
    }  # fmt: skip
    before = ["regolith", *OP_FORKS.values()][list(OP_FORKS).index(time)]
    tx = TxShape(123_457, 400, 90, 333)
    for moment, fork in ((time - 1, before), (time, OP_FORKS[time])):
        assert op().fork(moment) == fork
        got = op().fee(tx, env(moment, **v))
        assert (got.l1_data, got.operator) == op_fee(fork, tx, v)


def test_isthmus_rounds_and_jovian_does_not() -> None:
    for gas, scalar in ((1, 999_999), (999_999, 1), (1_000_001, 1), (30_000_000, U32)):
        tx, v = TxShape(gas, 0, 0, 0), {"operator_fee_scalar": scalar, "operator_fee_constant": U64}
        rest = dict.fromkeys(("l1_base_fee", "blob_base_fee", "base_fee_scalar", "blob_base_fee_scalar"), 0)
        isthmus, jovian = (op().fee(tx, env(NOW, fork, **v, **rest)).operator for fork in ("isthmus", "jovian"))
        assert isthmus == floor(Fraction(gas * scalar, 10**6)) + U64 and jovian == gas * scalar * 100 + U64


def test_the_base_fee_of_op_mainnet_by_time() -> None:
    limit = 30_000_000
    for time, denominator in ((1704992400, 50), (1704992401, 250), (1764691200, 250), (1764691201, 250), (NOW, 250)):
        for base, used in draws(str(time), limit, limit // 6):
            assert op().next_base_fee(time, base, used, limit) == next_base(base, used, limit // 6, denominator)
            counted = max(used, 9_000_000) if time >= 1764691201 else used
            wanted = next_base(base, counted, limit // 6, denominator)
            assert op().next_base_fee(time, base, used, limit, 9_000_000) == wanted


def test_the_header_rules_over_the_dated_parameters() -> None:
    """Version 0: denominator and elasticity of four bytes each; version 1 besides: the floor, eight bytes."""
    rng = random.Random("header")
    for _ in range(200):
        denominator, elasticity, floor_ = rng.choice((1, 250, U32)), rng.randrange(1, 20), rng.choice((0, 10**6, U64))
        base, used, footprint = rng.randrange(10**10), rng.randrange(30_000_000), rng.randrange(40_000_000)
        word = denominator.to_bytes(4, "big") + elasticity.to_bytes(4, "big")
        holocene = op().next_base_fee(1746806401, base, used, 30_000_000, footprint, b"\0" + word)
        assert holocene == next_base(base, used, 30_000_000 // elasticity, denominator)
        said = b"\1" + word + floor_.to_bytes(8, "big")
        jovian = op().next_base_fee(NOW, base, used, 30_000_000, footprint, said)
        assert jovian == max(next_base(base, max(used, footprint), 30_000_000 // elasticity, denominator), floor_)


BASE_FLOORS = [
    ("2025-12-03T23:59:59", 0), ("2025-12-04", 200_000), ("2025-12-17T23:59:59", 200_000), ("2025-12-18", 500_000),
    ("2026-01-22", 1_000_000), ("2026-02-01T23:59:59", 1_000_000), ("2026-02-02", 2_000_000),
]  # fmt: skip


@pytest.mark.parametrize(("day", "least"), BASE_FLOORS)
def test_base_keeps_the_floor_of_its_day(day: str, least: int) -> None:
    assert op("base").next_base_fee(at(day), 1, 0, 30_000_000) == max(least, 1)


def test_base_steps_by_a_125th_since_february_2026() -> None:
    for day, denominator in (("2026-02-03T23:59:59", 250), ("2026-02-04", 125)):
        got = op("base").next_base_fee(at(day), 10**12, 30_000_000, 30_000_000)
        assert got == next_base(10**12, 30_000_000, 5_000_000, denominator)


def test_the_data_footprint_of_transactions() -> None:
    for length in (0, 170, 171, 172, 202, 10**5):
        tx = TxShape(0, length, 0, 0)
        size = floor(max(Fraction(100), Fraction("-42.5856") + Fraction("0.8365") * length))
        assert op().da_footprint(tx, 1764691200) == 0 and op().da_footprint(tx, 1764691201) == 400 * size
        assert op("base").da_footprint(tx, at("2025-12-04")) == 312 * size
