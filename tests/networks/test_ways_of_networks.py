"""Every network of the catalogue: its ways out can be planned, in order, and one that has ended lets nobody in."""

from __future__ import annotations

import pytest

from networks.routes_by_hand import START
from tidemill import networks
from tidemill.facts import Status
from tidemill.networks import assumed
from tidemill.networks.bridges import exit_plans
from tidemill.networks.exit_plan import L1

LEVELS = {L1: {"base_fee": assumed(5 * 10**9), "priority_fee": assumed(0)}}
ROLLUPS = [name for name in networks.names() if name != L1]
CLOSED = [
    name for name in ROLLUPS if networks.get(name).standing(START).fact.status in (Status.ENDED, Status.WITHDRAW_ONLY)
]


def targets(name: str) -> set[str]:
    return {route.target for route in networks.get(name).routes(START) if route.source == name}


@pytest.mark.parametrize("name", ROLLUPS)
def test_the_ways_out_are_dated_in_order(name: str) -> None:
    for target in targets(name):
        plans = exit_plans(name, target, "USDC", 10**10, START, LEVELS)
        assert plans
        for plan in plans:
            first = [START, *(stage.first for stage in plan.stages)]
            usual = [START, *(stage.usual for stage in plan.stages)]
            assert first == sorted(first)
            assert usual == sorted(usual)
            assert all(a <= b for a, b in zip(first, usual, strict=True))
            assert plan.worst is None or plan.worst >= plan.usual
            assert all(stage.fee is not None or stage.unpriced for stage in plan.stages)


@pytest.mark.parametrize("name", CLOSED)
def test_what_takes_no_new_money_is_not_entered(name: str) -> None:
    assert all(plan.blocked for plan in exit_plans(L1, name, "USDC", 1, START, {}))


def test_out_of_one_rollup_and_into_another() -> None:
    plans = exit_plans("op-mainnet", "arbitrum-one", "USDC", 10**10, START, LEVELS, 4)
    canonical = plans[0]
    assert [stage.verb for stage in canonical.stages][:3] == ["initiate", "prove", "finalize"]
    assert canonical.first - START >= 7 * 86_400
    assert canonical.known_on()[0] == 380_545 + 189_019 + 262_368  # prove, finalize and the deposit, as measured
    assert plans[-1].kind == "liquidity"
    back = exit_plans("arbitrum-one", "op-mainnet", "USDC", 10**10, START, LEVELS)[0]
    assert back.least[1] == 45_818
