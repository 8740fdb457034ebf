"""Polygon PoS: its EIP-1559 schedule, and what validators earn, against their vectors."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from networks.vector_tables import rows, table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import FeeEnv, FeeParts, TxShape, from_data
from tidemill.networks import polygon_rewards as rewards
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


@pytest.mark.parametrize("case", rows(TABLE["checkpoint"]), ids=str)
def test_checkpoint_reward(case) -> None:
    interval, reward = TABLE["checkpoint"]["interval"], int(TABLE["checkpoint"]["reward"])
    got = rewards.checkpoint_reward_down(
        case["blocks"], interval, reward, case["signed"], case["total"], case["decrease_percent"]
    )
    assert got == int(case["want"])


@given(st.integers(0, 50_000), st.integers(1, 5_120), st.integers(0, 100), st.integers(0, 100))
def test_a_later_checkpoint_never_pays_less_nor_more_than_in_proportion(
    blocks: int, interval: int, signed: int, decrease: int
) -> None:
    pay = [rewards.checkpoint_reward_down(n, interval, POL, signed, 100, decrease) for n in (blocks, blocks + 1)]
    assert pay[0] <= pay[1]
    assert pay[0] * interval * 100 <= POL * blocks * signed


def test_a_checkpoint_that_cannot_be_is_refused() -> None:
    with pytest.raises(BadInput, match="not a checkpoint"):
        rewards.checkpoint_reward_down(1, 1, 1, 3, 2)


@pytest.mark.parametrize("case", rows(TABLE["target"]), ids=str)
def test_checkpoint_reward_for_a_yearly_target(case) -> None:
    reward = rewards.checkpoint_reward_for_target_down(int(TABLE["target"]["annual"]), case["block_time_ms"])
    assert (reward + POL // 200) * 100 // POL == case["want_hundredths"]


def test_what_was_paid_overshot_by_seven_per_cent() -> None:
    paid = TABLE["paid"]
    over = (paid["paid_hundredths"] - paid["expected_hundredths"]) * 1_000 // paid["expected_hundredths"]
    assert over == 69  # 6.9 %
    each = paid["paid_hundredths"] // paid["checkpoints"]
    assert 5_000 * 100 < each < 5_400 * 100


def test_emission_of_the_token_contract() -> None:
    given_ = TABLE["emission"]
    start, want = int(given_["start"]), int(given_["want_after_a_year"])
    after = rewards.supply_after_down(start, rewards.SECONDS_PER_YEAR, given_["log2_growth"])
    assert abs(after - want) < POL // 10**6  # the contract's growth is that of a double: 15 digits
    assert rewards.supply_after_down(start, 0, given_["log2_growth"]) == start
    validators, treasury = rewards.emission_split_down(after - start)
    assert validators + treasury == after - start
    assert treasury * 5 // 2 in (after - start, after - start - 1, after - start - 2)


@pytest.mark.parametrize("case", rows(TABLE["emission_years"]), ids=str)
def test_emission_by_year(case) -> None:
    assert POLYGON.facts.timeline("validator_emission").at(case["time"]) == case["want"]


def test_division_of_tips() -> None:
    case = TABLE["tips"]
    got = rewards.tip_shares_down(
        case["tips"] * POL,
        case["commission"],
        case["equal_part"],
        case["stakes"],
        case["performance"],
        case["blocks"],
    )
    assert {name: (share + POL // 2_000) * 1_000 // POL for name, share in got.items()} == case["want"]
    assert 0 <= case["tips"] * POL - sum(got.values()) <= 3 + len(got)


def test_tips_go_to_producers_alike_and_by_blocks() -> None:
    stakes, alike = {"a": 1, "b": 1}, {"a": 10**6, "b": 10**6}
    got = rewards.tip_shares_down(1_000, 200_000, 600_000, stakes, alike, {"a": 3, "b": 1})
    assert got == {"a": 400 + 60 + 60, "b": 400 + 60 + 20}
    with pytest.raises(BadInput, match="one at least made a block"):
        rewards.tip_shares_down(1_000, 0, 0, stakes, alike, {})
