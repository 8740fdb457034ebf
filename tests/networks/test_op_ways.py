"""Ways in and out of OP chains, who is paid there, the Superchain's share, and what a header says of the fee rule."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks import FeeEnv, TxShape, assumed, from_data
from tidemill.networks.op_games import ready_to_finalize
from tidemill.networks.op_header import HeaderParameters, header_parameters
from tidemill.networks.op_revenue import Vaults, revenue_share_down, vaults

OP: Any = networks.get("op-mainnet")
BASE: Any = networks.get("base")
DAY = 86_400
AUTUMN_2026 = 1_790_000_000


def by_id(network: Any, time: int) -> dict[str, Any]:
    return {route.id.removeprefix(f"{network.name}:"): route for route in network.routes(time)}


def test_proving_again_restarts_the_wait_and_a_young_game_prolongs_it() -> None:
    week, half = 7 * DAY, 7 * DAY // 2
    assert ready_to_finalize(0, 0, week, half, half) == week + 1  # at the week itself the portal still refuses
    assert ready_to_finalize(3 * DAY, 0, week, half, half) == 10 * DAY + 1
    assert ready_to_finalize(0, 5, week, half, half) == week + 6
    assert ready_to_finalize(0, 0, DAY, half, half) == week + 1


def test_a_withdrawal_takes_a_week_after_its_proof_and_three_transactions() -> None:
    route = by_id(OP, AUTUMN_2026)["withdraw"]
    assert [(stage.verb, stage.network, stage.by) for stage in route.stages] == [
        ("initiate", "op-mainnet", "you"),
        ("prove", "ethereum", "you"),
        ("finalize", "ethereum", "you"),
    ]
    assert [stage.wait.seconds for stage in route.stages] == [
        (0, 0, 0),
        (0, 3_600, None),
        (7 * DAY + 1, 7 * DAY + 1, None),
    ]
    assert [fact.value for fact in route.stages[2].facts] == [7 * DAY, 7 * DAY // 2, 7 * DAY // 2]
    assert "restarts" in route.warnings[1]


def test_a_silent_sequencer_is_passed_after_the_window() -> None:
    forced = by_id(OP, AUTUMN_2026)["forced-exit"]
    assert forced.kind == "forced"
    assert forced.stages[1].wait.seconds[0] == 3_600 * 12
    assert [stage.verb for stage in forced.stages[2:]] == ["prove", "finalize"]
    deposit = by_id(OP, AUTUMN_2026)["deposit"]
    assert (deposit.source, deposit.target) == ("ethereum", "op-mainnet")
    assert deposit.stages[1].wait.seconds == (0, 180, 43_200)


@pytest.mark.parametrize(
    ("time", "least", "usual"),
    [
        (1_779_825_598, 7 * DAY, 7 * DAY),  # before Azul changed the portal: one optimistic game
        (1_779_825_599, DAY, 7 * DAY),
        (1_782_410_399, DAY, 7 * DAY),
        (1_782_410_400, DAY, 5 * DAY),  # Beryl
    ],
)
def test_base_shortens_its_windows_by_date(time: int, least: int, usual: int) -> None:
    last = by_id(BASE, time)["withdraw"].stages[-1]
    assert last.wait.seconds == (least + 1, usual + 1, None)  # strictly past the window
    assert [fact.value for fact in last.facts] == ([usual, least] if least < usual else [usual])


def test_base_is_a_family_of_its_own_with_the_formulas_of_jovian() -> None:
    assert BASE.family == "base"
    assert BASE.levels() == OP.levels()
    at = FeeEnv.of(
        AUTUMN_2026,
        {
            "base_fee": from_data(5_000_000),
            "priority_fee": assumed(0),
            "l1_base_fee": from_data(10**9),
            "blob_base_fee": from_data(1),
            "operator_fee_scalar": from_data(3),
            "operator_fee_constant": from_data(5),
        },
    )
    assert BASE.fee(TxShape(21_000, 100, 0, 0), at).operator == 21_000 * 3 * 100 + 5
    assert BASE.next_base_fee(AUTUMN_2026, 5_000_000, 0, 300_000_000) == 5_000_000, "the floor still holds"


def test_who_earns_on_an_op_chain() -> None:
    found = {role.id: role for role in OP.roles(AUTUMN_2026)}
    assert (found["sequencer"].pays, found["sequencer"].open) == ("fees", "permissioned")
    assert [fact.value for fact in found["sequencer"].facts] == [250, 1_500]
    assert (found["staker"].token, found["staker"].pays) == ("OP", "nothing")
    alone = {role.id: role for role in BASE.roles(AUTUMN_2026)}
    assert not alone["sequencer"].facts, "Base shares nothing with the Superchain"
    assert "staker" not in alone


# -- the Superchain's share --------------------------------------------------------------------------------------------


def test_the_share_is_the_larger_of_two() -> None:
    assert revenue_share_down(10**18, 833_333_333_333_333_333) == 25_000_000_000_000_000  # about where both meet
    assert revenue_share_down(10**18, 0) == 150_000_000_000_000_000
    assert revenue_share_down(10**18, 10**18) == 25_000_000_000_000_000
    assert revenue_share_down(39, 0) == 5  # 15 % of 39 is 5.85, 2.5 % is 0.975
    assert revenue_share_down(100, 1_000) == 2, "data fees above gross leave the share of gross"
    assert revenue_share_down(0, 0) == 0


@given(st.integers(0, 10**24), st.integers(0, 10**24))
def test_the_share_never_exceeds_15_percent_nor_falls_below_a_fortieth(gross: int, l1: int) -> None:
    share = revenue_share_down(gross, min(l1, gross))
    assert gross // 40 <= share <= gross * 15 // 100


def test_vaults_take_all_that_users_pay() -> None:
    env = FeeEnv.of(
        1_750_000_000,
        {
            "base_fee": from_data(60),
            "priority_fee": from_data(7),
            "l1_base_fee": from_data(10**9),
            "blob_base_fee": from_data(1),
            "operator_fee_constant": from_data(11),
        },
    )
    parts = OP.fee(TxShape(50_000, 300, 40, 210), env)
    got = vaults(50_000, 60, parts)
    assert (got.base_fee, got.sequencer, got.operator) == (50_000 * 60, 50_000 * 7, 11)
    assert got.l1_fee == parts.l1_data > 0
    assert got.gross == parts.total
    twice = got.plus(got)
    assert twice == Vaults(*(2 * each for each in (got.base_fee, got.sequencer, got.l1_fee, got.operator)))


# -- headers -----------------------------------------------------------------------------------------------------------


def test_a_header_sets_the_rule_of_the_next_block() -> None:
    holocene = bytes([0]) + (10).to_bytes(4) + (2).to_bytes(4)
    assert header_parameters(holocene) == HeaderParameters(10, 2, 0)
    jovian = bytes([1]) + (125).to_bytes(4) + (6).to_bytes(4) + (2_000_000).to_bytes(8)
    assert header_parameters(jovian) == HeaderParameters(125, 6, 2_000_000)
    # op-geth's Holocene cases: target 15M of 30M with denominator 10
    time = 1_740_000_000
    assert OP.next_base_fee(time, 10_000_000, 10_000_000, 30_000_000, extra_data=holocene) == 9_666_667
    assert OP.next_base_fee(time, 10_000_000, 10_000_000, 30_000_000) != 9_666_667
    floor = OP.next_base_fee(AUTUMN_2026, 2_000_000, 0, 30_000_000, extra_data=jovian)
    assert floor == 2_000_000
    full = 30_000_000 // 6
    assert OP.next_base_fee(AUTUMN_2026, 10**9, 0, 30_000_000, 2 * full, extra_data=jovian) == 10**9 + 10**9 // 125
    early = OP.next_base_fee(time, 10**9, 0, 30_000_000, 2 * full, extra_data=holocene)
    assert early == 10**9 - 10**9 // 10, "before Jovian the footprint does not count"


@pytest.mark.parametrize(
    ("data", "says"),
    [
        ("", "version missing of extraData is unknown"),
        ("02" + "00" * 16, "version 02 of extraData"),
        ("00" + "00" * 9, "10 bytes of extraData, version 0 has 9"),
        ("01" + "0000000100000001", "9 bytes of extraData, version 1 has 17"),
        ("000000000000000006", "denominator or elasticity of 0"),
        ("00000000fa00000000", "denominator or elasticity of 0"),
    ],
)
def test_a_header_that_says_nothing_known_is_refused(data: str, says: str) -> None:
    with pytest.raises(BadInput, match=says):
        header_parameters(bytes.fromhex(data))
