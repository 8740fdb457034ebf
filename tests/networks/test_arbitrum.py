"""Arbitrum's pricing against the node's own test cases, then its properties; regression rows say so in the table."""

from __future__ import annotations

from typing import Any

import pytest
from hypothesis import given
from hypothesis import strategies as st
from msgspec.structs import replace

from networks.vector_tables import rows, table
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import FeeEnv, FeeParts, Known, TxShape, arbitrum_l1, arbitrum_l2, assumed, from_data
from tidemill.networks.arbitrum_l1 import L1Pricing, fee_split, poster_fee_down, settle
from tidemill.networks.arbitrum_l2 import Constraint, Legacy, approx_exp_bips

TABLE = table("nitro")
ONE: Any = networks.get("arbitrum-one")
NOVA: Any = networks.get("arbitrum-nova")
AUTUMN_2026 = 1_790_000_000


@pytest.mark.parametrize("case", rows(TABLE["exp"]), ids=lambda c: str(c["exponent"]))
def test_powers_of_e(case) -> None:
    assert approx_exp_bips(case["exponent"]) == case["want"]


@pytest.mark.parametrize("case", TABLE["multi"], ids=["three", "two"])
def test_exponents_per_resource(case) -> None:
    constraints = [Constraint(**each) for each in case["constraints"]]
    assert arbitrum_l2.multi_exponents_bips(constraints) == case["want"]


@pytest.mark.parametrize("case", rows(TABLE["funds_due"]), ids=str)
def test_funds_due(case) -> None:
    state = L1Pricing(
        price_per_unit=10**9,
        available=3 * case["collected_per_second"],
        units=3 * case["units_per_second"],
        per_unit_reward=case["unit_reward"],
        cap_bips=case["cap_bips"],
    )
    done = settle(state, 1, 3, case["spent"], case["l1_base_fee"])
    got = done.rewards, done.state.units, done.poster, done.state.available
    assert got == (case["rewards"], case["units_left"], case["to_poster"], case["held"])


@pytest.mark.parametrize("case", TABLE["equilibration"], ids=lambda c: f"{c['start']}-{c['equilibrium']}")
def test_the_price_per_unit_overshoots_to_nothing_and_settles(case) -> None:
    units = arbitrum_l1.EQUILIBRATION_UNITS_V6
    state, prices = L1Pricing(case["start"], per_unit_reward=0), []
    for turn in range(1, 11):
        state = replace(state, units=state.units + units, available=state.available + state.price_per_unit * units)
        state = settle(state, 10 * turn, 10 * turn + 5, case["equilibrium"] * units, case["equilibrium"]).state
        prices.append(state.price_per_unit)
    assert prices == case["prices"]
    assert 100 * abs(prices[-1] - case["equilibrium"]) <= abs(case["start"] - case["equilibrium"])


@pytest.mark.parametrize("case", rows(TABLE["legacy"]), ids=str)
def test_one_backlog(case) -> None:
    model = Legacy(TABLE["constants"]["speed_limit_v6"], case["min_base_fee"])
    assert arbitrum_l2.legacy_update(model, case["backlog"], case["seconds"]) == (case["after"], case["base_fee"])


def test_use_at_the_speed_limit_keeps_the_minimum() -> None:
    model = Legacy(7_000_000, 100_000_000)
    backlog = 0
    for seconds in range(4):  # the node's own steady state: as much gas as seconds allow
        backlog, price = arbitrum_l2.legacy_update(
            model, arbitrum_l2.grow(backlog, seconds * model.speed_limit), seconds
        )
        assert (backlog, price) == (0, model.min_base_fee)


@pytest.mark.parametrize("case", rows(TABLE["single"]), ids=str)
def test_six_constraints(case) -> None:
    constraints = [replace(c, backlog=case["backlog_each"]) for c in ONE.constraints(AUTUMN_2026)]
    assert len(constraints) == 6
    assert arbitrum_l2.single_exponent_bips(constraints) == case["exponent"]
    after, price = arbitrum_l2.single_update(constraints, 0, case["min_base_fee"])
    assert (list(after), price) == (constraints, case["base_fee"])


def test_every_vector_is_here() -> None:
    counts = {name: len(TABLE[name]["rows"]) for name in ("exp", "funds_due", "legacy", "single")}
    assert counts == {"exp": 6, "funds_due": 4, "legacy": 6, "single": 4}
    assert (len(TABLE["multi"]), len(TABLE["equilibration"])) == (2, 3)


def test_dated_parameters_are_the_constants_and_the_documented_floor() -> None:
    constants = TABLE["constants"]
    old = ONE.legacy(1_700_000_000)
    assert (old.speed_limit, old.min_base_fee) == (constants["speed_limit_v6"], constants["min_base_fee"])
    assert (old.inertia, old.tolerance) == (constants["inertia"], constants["tolerance"])
    names = ("l1_inertia", "per_unit_reward", "equilibration_units", "per_batch_gas")
    keys = ("l1_inertia", "per_unit_reward", "equilibration_units_v6", "per_batch_gas_v12")
    assert [ONE.parameter(name, AUTUMN_2026) for name in names] == [constants[key] for key in keys]
    assert ONE.facts.integer("block_gas_limit") == constants["block_gas_limit"]
    floors = [ONE.parameter("min_base_fee", time) for time in (1_700_000_000, 1_720_000_000, AUTUMN_2026)]
    assert floors == [100_000_000, 10_000_000, 20_000_000]
    assert [ONE.parameter("brotli_level", time) for time in (1_710_000_000, 1_720_000_000)] == [0, 1]
    slow = [(20 * 10**6, 2105), (14 * 10**6, 13485), (10 * 10**6, 86400)]
    targets = [(c.target, c.window) for c in ONE.constraints(AUTUMN_2026)]
    assert targets == [(60 * 10**6, 9), (41 * 10**6, 52), (29 * 10**6, 329), *slow]
    assert ONE.constraints(1_750_176_000) == ()
    assert [ONE.fork(t) for t in (1_750_175_999, 1_750_176_000, 1_787_245_199, 1_787_245_200)] == [
        "arbos-32",
        "arbos-40",
        "arbos-51",
        "arbos-61",
    ]
    assert NOVA.constraints(AUTUMN_2026) == ONE.constraints(AUTUMN_2026)


# -- a transaction ---------------------------------------------------------------------------------------------------


def env(**levels: int) -> FeeEnv:
    known: dict[str, Known] = {"priority_fee": assumed(7), "base_fee": from_data(30_000_000)}
    return FeeEnv.of(AUTUMN_2026, known | {name: from_data(value) for name, value in levels.items()})


TX = TxShape(150_000, 200, 40, 300, brotli_length=201)


def test_the_fee_is_execution_and_whole_gas_of_data_and_no_tip() -> None:
    price = 123_456_789
    cost = 16 * 201 * price
    parts = ONE.fee(TX, env(price_per_unit=price))
    assert parts == FeeParts(150_000 * 30_000_000, cost // 30_000_000 * 30_000_000)
    assert cost - parts.l1_data == cost % 30_000_000 > 0


def test_the_controller_rounds_down_below_zero_too() -> None:
    # A surplus of 1 wei over E units wants -1 // E = -1, and moved 1 // U = 0: the price falls by U / (E / 10 + U).
    start = L1Pricing(1_000, available=1, units=1_000, per_unit_reward=0, equilibration_units=100, inertia=10)
    assert settle(start, 5, 5, 0, 0).state.price_per_unit == 1_000 + (-1 * 1_000) // 1_010 == 999
    # A deficit of 1 wei wants +1 // E = 0, and moved -1 // U = -1: the price rises by 1_000 // 1_010 = 0.
    short = replace(start, available=0, due_poster=1)
    after = settle(short, 5, 5, 0, 0).state
    assert (after.price_per_unit, after.last_surplus) == (1_000, -1)
    assert settle(replace(short, last_surplus=9_999), 5, 5, 0, 0).state.price_per_unit == 1_000 + 10 * 1_000 // 1_010


def test_a_pool_too_small_pays_rewards_first_and_remembers_what_it_owes() -> None:
    start = L1Pricing(
        1_000,
        available=150,
        units=100,
        last_update=5,
        due_poster=3,
        due_rewards=7,
        per_unit_reward=2,
        equilibration_units=10,
        inertia=10,
    )
    done = settle(start, 5, 5, 0, 0)  # no time passed: all units count
    assert (done.rewards, done.poster) == (150, 0)
    after = done.state
    assert (after.available, after.due_rewards, after.due_poster, after.units) == (0, 7 + 200 - 150, 3, 0)
    # A deficit of 57 + 3: wants 6 more per unit, fell by 60 // 100 = -1, over 10 // 10 + 100 units.
    assert (after.last_surplus, after.price_per_unit) == (-60, 1_000 + (6 + 1) * 100 // 101)
    later = settle(after, 6, 8, 4, 10**9).state
    assert (later.due_poster, later.last_update) == (7, 6)


def test_a_report_of_the_last_moment_again_gets_no_units_and_moves_no_price() -> None:
    start = L1Pricing(1_000, available=150, units=100, last_update=5, last_surplus=9)
    done = settle(start, 5, 9, 60, 0)
    assert done.poster == 60
    assert done.state == replace(start, available=90)
    half = settle(start, 7, 9, 0, 0)
    assert (half.rewards, half.state.units) == (150, 50), "two of four seconds: half of the units"
    assert L1Pricing(1).last_surplus == 0


def test_the_fee_is_split_without_remainder() -> None:
    at = env(price_per_unit=10**8)
    split = ONE.split(TX, at)
    assert split.infra == 150_000 * 20_000_000
    assert split.network == 150_000 * 10_000_000
    assert split.infra + split.network + split.l1_pool == ONE.fee(TX, at).total


@given(st.integers(0, 10**7), st.integers(0, 10**5), st.integers(0, 10**12), st.integers(1, 10**12))
def test_a_split_loses_nothing(gas: int, units: int, price: int, base_fee: int) -> None:
    split = fee_split(gas, units, price, base_fee, 20_000_000)
    assert split.infra + split.network == gas * base_fee
    assert 0 <= units * price - split.l1_pool < base_fee
    assert split.l1_pool == poster_fee_down(units, price, base_fee)


def test_an_estimate_pads_units_cost_and_a_falling_price() -> None:
    # (1600 + 256) * 1.01 = 1874 units; cost * 1.1; an eighth off the price of gas
    assert (
        arbitrum_l1.estimated_poster_gas(1_600, 10**9, 40_000_000, 20_000_000)
        == 1_874 * 10**9 * 11 // 10 // 35 // 10**6
    )
    assert (
        arbitrum_l1.estimated_poster_gas(1_600, 10**9, 22_000_000, 20_000_000)
        == 1_874 * 10**9 * 11 // 10 // 20 // 10**6
    )


def test_what_is_not_known_is_refused() -> None:
    with pytest.raises(BadInput, match="price_per_unit: arbitrum-one needs price_per_unit and has no dated value"):
        ONE.fee(TX, env())
    with pytest.raises(BadInput, match="brotli_length: arbitrum-one needs the length after brotli"):
        ONE.fee(replace(TX, brotli_length=None), env(price_per_unit=1))
    with pytest.raises(UnknownName, match="unknown fork 'arbos-52'; did you mean 'arbos-51'"):
        ONE.fee(TX, replace(env(price_per_unit=1), fork="arbos-52"))
    with pytest.raises(BadInput, match="nothing is known at time 1600000000"):
        ONE.fee(TX, replace(env(price_per_unit=1), time=1_600_000_000))
    with pytest.raises(BadInput, match="prices gas by its backlogs"):
        ONE.next_base_fee(AUTUMN_2026, 1, 1, 1)
    with pytest.raises(BadInput, match="base fee 0 must be positive"):
        arbitrum_l1.poster_gas_down(1, 1, 0)
    with pytest.raises(BadInput, match="times must rise: last report 9, this one 8, now 10"):
        settle(L1Pricing(1, last_update=9), 8, 10, 0, 0)
    with pytest.raises(BadInput, match="brotli has levels 0 to 11, not 12"):
        arbitrum_l1.brotli_length(b"", 12)


def test_brotli_is_the_packages_at_the_level() -> None:
    brotli = pytest.importorskip("brotli")
    data = b"\x02\xf9" + bytes(range(200)) + bytes(300) + bytes(range(200))
    lengths = {level: arbitrum_l1.brotli_length(data, level) for level in (0, 1, 11)}
    assert lengths[0] > lengths[11]
    assert all(length < len(data) for length in lengths.values())
    assert lengths[1] == len(brotli.compress(data, quality=1))
    assert brotli.decompress(brotli.compress(data, quality=1, lgwin=22)) == data


# -- properties ------------------------------------------------------------------------------------------------------

backlogs = st.integers(0, 10**12)


@given(backlogs, backlogs, st.integers(0, 100))
def test_more_backlog_never_costs_less_and_time_never_costs_more(one: int, other: int, seconds: int) -> None:
    model = Legacy(7_000_000, 10**8)
    low, high = (arbitrum_l2.legacy_update(model, each, seconds)[1] for each in sorted((one, other)))
    assert 10**8 <= low <= high
    assert arbitrum_l2.legacy_update(model, one, seconds + 1)[1] <= arbitrum_l2.legacy_update(model, one, seconds)[1]


@given(backlogs, st.integers(0, 1_000))
def test_even_weights_keep_the_price_of_single_constraints(backlog: int, seconds: int) -> None:
    single = tuple(replace(c, backlog=backlog) for c in ONE.constraints(AUTUMN_2026))
    paid, base_fee, prices = arbitrum_l2.multi_update(arbitrum_l2.multi_of_single(single), seconds, 20_000_000)
    after, expected = arbitrum_l2.single_update(single, seconds, 20_000_000)
    assert base_fee == expected
    assert [c.backlog for c in paid] == [c.backlog for c in after]
    assert prices["l1_calldata"] == 20_000_000
    used = {"computation": 100_000, "storage_growth": 50_000, "l1_calldata": 9}
    assert arbitrum_l2.multi_gas_refund(used, base_fee, prices) == 0
    grown = arbitrum_l2.multi_grow(paid, used)
    assert [c.backlog for c in grown] == [arbitrum_l2.grow(c.backlog, 150_000) for c in after]


def test_a_cheaper_resource_is_refunded() -> None:
    start = [Constraint(1_000_000, 10, weights={"computation": 1, "storage_growth": 3})]
    grown = arbitrum_l2.multi_grow(start, {"computation": 4_000_000, "storage_growth": 3_000_000, "l2_calldata": 7})
    assert grown[0].backlog == 4_000_000 + 9_000_000
    paid, base_fee, prices = arbitrum_l2.multi_update(grown, 1, 20_000_000)
    assert paid[0].backlog == 12_000_000
    assert arbitrum_l2.multi_exponents_bips(paid) == {"computation": 4_000, "storage_growth": 12_000}
    assert base_fee == prices["storage_growth"] == 20_000_000 * approx_exp_bips(12_000) // 10_000
    used = {"computation": 70_000, "storage_growth": 30_000, "l1_calldata": 1_000}
    refund = arbitrum_l2.multi_gas_refund(used, base_fee, prices)
    assert refund == 70_000 * (base_fee - prices["computation"]) > 0


def test_the_old_model_goes_over_into_one_constraint() -> None:
    model = Legacy(7_000_000, 10**8)
    for backlog in (0, 70_000_000, 500_000_000):
        constraint = arbitrum_l2.constraints_of_legacy(model, backlog)
        old = arbitrum_l2.legacy_update(model, backlog, 0)[1]
        assert arbitrum_l2.single_update(constraint, 0, 10**8)[1] == old


def test_no_owner_installs_what_starts_above_the_cap() -> None:
    good = Constraint(1_000_000, 10, 85_000_000, {"computation": 1})
    assert arbitrum_l2.checked([good]) == (good,)
    with pytest.raises(BadInput, match="the exponent of computation is 85001, above 85000"):
        arbitrum_l2.checked([replace(good, backlog=85_001_000)])
    assert arbitrum_l2.checked([replace(good, backlog=0)])[0].backlog == 0
    for wrong in ({"window": 0}, {"target": 0}, {"backlog": -1}, {"weights": {"computation": 0}}):
        with pytest.raises(BadInput, match=r"\[0\]: target, window and weights must be positive"):
            arbitrum_l2.checked([replace(good, **wrong)])
    with pytest.raises(BadInput, match="the exponent of all is 85010, above 85000"):
        arbitrum_l2.checked([Constraint(1_000_000, 10, 85_010_000)])
    with pytest.raises(UnknownName, match="unknown resource 'computing'"):
        arbitrum_l2.checked([replace(good, weights={"computing": 1})])
    with pytest.raises(UnknownName, match="unknown resource 'gas'"):
        arbitrum_l2.multi_grow([good], {"gas": 1})
    assert approx_exp_bips(85_000) // 10_000 == 365


def test_saturation_is_the_nodes() -> None:
    assert arbitrum_l2.grow(2**64 - 5, 10) == 2**64 - 1
    top = Constraint(1, 1, 2**62)
    assert arbitrum_l2.single_exponent_bips([top]) == 2**63 - 1
    assert approx_exp_bips(2**63 - 1) == (2**64 - 1) // 10_000 + 10_000


# -- ways and roles --------------------------------------------------------------------------------------------------


def test_a_withdrawal_waits_for_the_assertion_and_a_silent_sequencer_for_a_day_more() -> None:
    out, into, forced = ONE.routes(AUTUMN_2026)
    assert [stage.verb for stage in out.stages] == ["initiate", "confirm", "execute"]
    assert [stage.by for stage in out.stages] == ["you", "operator", "you"]
    assert out.stages[1].wait.seconds[0] == 45_818 * 12
    assert out.stages[1].wait.most is None
    assert [stage.network for stage in out.stages] == ["arbitrum-one", "ethereum", "ethereum"]
    assert (into.source, into.target) == ("ethereum", "arbitrum-one")
    assert forced.kind == "forced"
    day = 24 * 3_600
    assert forced.stages[1].wait.seconds == (day, day, None)
    assert ONE.facts.integer("force_inclusion_blocks") * 12 < day, "both must pass; the day is the longer"


def test_holders_of_arb_are_paid_nothing_and_bidders_pay() -> None:
    found = {role.id: role for role in ONE.roles(AUTUMN_2026)}
    assert found["staker"].pays == "nothing"
    assert found["staker"].facts[0].confidence == "uncertain"
    assert found["bidder"].facts[2].value == 9_700
    assert found["sequencer"].open == "permissioned"
    assert [found[name].facts[0].value for name in ("validator", "challenger")] == [3_600, 555]
    nova = {role.id: role for role in NOVA.roles(AUTUMN_2026)}
    assert [nova[name].facts[0].value for name in ("validator", "challenger")] == [1, 79]
    assert "bidder" not in {role.id for role in NOVA.roles(AUTUMN_2026)}
