"""Dated plans: sums of waits, what is bounded, whose gas, and what unknown things do to sums."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from networks.routes_by_hand import ARBITRUM_OUT, DAY, FINALIZE, INTO, OUT, SEND, START
from tidemill.errors import BadInput
from tidemill.networks import assumed, exits
from tidemill.networks.exit_plan import chained, plan_route

GWEI = 10**9
ZERO = assumed(0)
LEVELS = {"ethereum": {"base_fee": assumed(5 * GWEI), "priority_fee": ZERO}}
OP_LEVELS = {
    "base_fee": assumed(10**6),
    "priority_fee": ZERO,
    "l1_base_fee": assumed(5 * GWEI),
    "blob_base_fee": assumed(1),
}


def test_dates_add_up_and_stay_apart():
    plan = plan_route(OUT, "USDC", 10**10, START, LEVELS)
    assert [(s.first - START, s.usual - START) for s in plan.stages] == [
        (0, 0),
        (0, 3_600),
        (7 * DAY, 7 * DAY + 3_600),
    ]
    assert plan.first == START + 7 * DAY
    assert plan.usual == START + 7 * DAY + 3_600


def test_one_unbounded_stage_leaves_the_rest_without_a_worst_date():
    plan = plan_route(OUT, "USDC", 10**10, START, LEVELS)
    assert [stage.worst for stage in plan.stages] == [START, None, None]
    assert plan.worst is None
    assert plan.unbounded == ("prove",)
    bounded = plan_route(replace(OUT, stages=(SEND, FINALIZE)), "USDC", 10**10, START, LEVELS)
    assert bounded.worst == START + 14 * DAY
    assert bounded.unbounded == ()


def test_waits_in_blocks_of_ethereum_stay_in_blocks_beside_their_dates():
    plan = plan_route(ARBITRUM_OUT, "USDC", 10**10, START, LEVELS)
    last = plan.stages[-1]
    assert (last.wait.unit, last.wait.least) == ("L1 blocks", 45_818)
    assert last.first == START + 45_818 * 12
    assert last.worst == START + 80_000 * 12
    assert plan.least == (0, 45_818)
    assert plan_route(OUT, "USDC", 1, START, LEVELS).least == (7 * DAY, 0)


def test_gas_on_l1_is_your_own_there_and_its_fee_is_ethereums():
    plan = plan_route(OUT, "USDC", 10**10, START, LEVELS)
    assert plan.gas_on("ethereum") == 500_000
    assert plan.keep == 500_000 * 5 * GWEI
    assert plan.networks == ("op-mainnet", "ethereum")
    into = plan_route(INTO, "USDC", 10**10, START, LEVELS)
    assert (into.gas_on("ethereum"), into.gas_on("base")) == (90_000, 0)
    assert into.stages[-1].fee == 0  # the operator's


def test_a_stage_on_the_rollup_is_priced_by_its_own_formula():
    bare = plan_route(OUT, "USDC", 10**10, START, LEVELS).stages[0]
    assert (bare.fee, bare.unpriced) == (None, "no gas price of op-mainnet given")
    priced = plan_route(OUT, "USDC", 10**10, START, LEVELS | {"op-mainnet": OP_LEVELS}).stages[0]
    assert priced.fee is not None
    assert priced.fee > 180_000 * 10**6  # execution and the data fee on top


def test_an_unknown_price_or_gas_is_unknown_and_makes_the_sum_unknown():
    unmeasured = replace(OUT, stages=(*OUT.stages[:2], replace(FINALIZE, gas=None)))
    plan = plan_route(unmeasured, "USDC", 10**10, START, LEVELS)
    assert (plan.gas_on("ethereum"), plan.keep) == (None, None)
    assert plan.stages[-1].unpriced == "nobody has measured its gas"
    assert plan.known_on("ethereum") == (300_000, 300_000 * 5 * GWEI)
    assert plan_route(OUT, "USDC", 10**10, START, {}).keep is None
    elsewhere = replace(OUT, stages=(replace(SEND, network="bitcoin"),))
    assert "bitcoin is not a network" in plan_route(elsewhere, "BTC", 1, START, LEVELS).stages[0].unpriced


def test_out_and_in_again_is_one_route():
    both = chained(OUT, INTO)
    assert (both.source, both.target, both.kind) == ("op-mainnet", "base", "canonical")
    plan = plan_route(both, "USDC", 10**10, START, LEVELS)
    assert [stage.verb for stage in plan.stages] == ["initiate", "prove", "finalize", "deposit", "arrive"]
    assert plan.first == START + 7 * DAY + 60
    assert plan.gas_on("ethereum") == 590_000
    assert plan.warnings == ("re-proving",)


def test_what_blocks_either_half_blocks_the_whole():
    both = chained(replace(OUT, blocked="halted"), replace(INTO, blocked="ended"))
    assert plan_route(both, "USDC", 1, START, LEVELS).blocked == "halted; ended"


def test_halves_that_do_not_meet_are_refused():
    with pytest.raises(BadInput, match="ends on ethereum and deposit begins"):
        chained(OUT, replace(INTO, source="base"))


@pytest.mark.parametrize(("amount", "fee"), [(0, 0), (-1, 0), (10, 10), (10, -1)])
def test_an_amount_that_is_none_or_is_eaten_up_is_refused(amount, fee):
    with pytest.raises(BadInput):
        plan_route(OUT, "USDC", amount, START, LEVELS, fee=fee)


def test_seconds_of_l1_blocks_are_slots():
    assert exits.Wait(10, 20, None, "L1 blocks").seconds == (120, 240, None)
