"""Polygon PoS: its EIP-1559 schedule and how POL grows, against their vectors."""

from __future__ import annotations

import pytest

from networks.vector_tables import rows, table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import FeeEnv, FeeParts, TxShape, from_data
from tidemill.networks import polygon_emission as emission
from tidemill.networks.polygon_pos import PolygonPos, gas_target_down

TABLE = table("polygon")
BOR = [case for case in rows(table("eip1559")) if case["set"].startswith("bor-")]
POLYGON = networks.get("polygon-pos")
POL = 10**18


@pytest.mark.parametrize("case", BOR, ids=lambda c: f"{c['set']}-{c['gas_used']}")
def test_each_fork_takes_the_target_and_denominator_of_the_client(case) -> None:
    assert isinstance(POLYGON, PolygonPos)
    fork = case["set"].removeprefix("bor-")
    got = POLYGON.next_base_fee_in(fork, case["base_fee"], case["gas_used"], case["gas_limit"])
    assert got == case["want"]
    assert gas_target_down(case["gas_limit"], 65 if fork == "dandeli" else 50) == case["gas_target"]


FORKS = {23_850_000: "london", 38_189_056: "delhi", 73_440_256: "bhilai", 81_424_000: "dandeli", 83_756_500: "lisovo"}


def test_forks_by_block_and_by_time() -> None:
    assert isinstance(POLYGON, PolygonPos)
    before = ["", *FORKS.values()]
    for (block, fork), last in zip(FORKS.items(), before, strict=False):
        assert POLYGON.fork_at_block(block) == fork
        if last:
            assert POLYGON.fork_at_block(block - 1) == last
    assert [e.fact.value for e in POLYGON.facts.timeline("fork").entries] == list(FORKS.values())
    jan_2025 = 1_735_689_600
    assert POLYGON.next_base_fee(jan_2025, 10**9, 0, 20_000_000) == 937_500_000  # Delhi's own vector, by time
    with pytest.raises(BadInput, match="nothing is known at block 23849999"):
        POLYGON.fork_at_block(23_849_999)


def test_the_fee_is_gas_times_price_in_pol() -> None:
    env = FeeEnv(time=1_735_689_600, base_fee=from_data(30 * 10**9), priority_fee=from_data(25 * 10**9))
    assert POLYGON.fee(TxShape(150_000, 300, 40, 200), env) == FeeParts(150_000 * 55 * 10**9)
    assert POLYGON.native_token == "POL"
    with pytest.raises(UnknownName, match="unknown fork 'delphi'"):
        POLYGON.fee(TxShape(1, 0, 0, 0), FeeEnv(1_735_689_600, from_data(1), from_data(1), fork="delphi"))
    with pytest.raises(UnknownName, match="unknown fork 'delphi'"):
        POLYGON.next_base_fee_in("delphi", 1, 1, 1)  # type: ignore[attr-defined]


def test_emission_of_the_token_contract() -> None:
    case = TABLE["emission"]
    start, want = int(case["start"]), int(case["want_after_a_year"])
    after = emission.supply_after_down(start, emission.SECONDS_PER_YEAR, case["log2_growth"])
    assert abs(after - want) < POL // 10**6  # the contract's growth is that of a double: 15 digits
    assert emission.supply_after_down(start, 0, case["log2_growth"]) == start
    assert emission.SECONDS_PER_YEAR == 365 * 86_400
    validators, treasury = emission.emission_split_down(after - start)
    assert validators + treasury == after - start
    assert treasury * 5 // 2 in (after - start, after - start - 1, after - start - 2)


@pytest.mark.parametrize("case", rows(TABLE["emission_years"]), ids=str)
def test_emission_by_year(case) -> None:
    assert POLYGON.facts.timeline("validator_emission").at(case["time"]) == case["want"]
