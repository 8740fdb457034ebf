"""Which ways there are: the networks' own, through Ethereum, a liquidity bridge; what is blocked and what is refused."""

from __future__ import annotations

import pytest
from msgspec.structs import replace

from networks.routes_by_hand import INTO, OUT, START
from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Status
from tidemill.networks.bridges import bridge_facts, exit_plans, gas_facts, liquidity_routes, ways
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.gas import load_gas
from tidemill.networks.op_chain import OpChain
from tidemill.venues.kinds import kind

FORCED = replace(OUT, id="forced withdrawal", kind="forced")


@pytest.fixture(autouse=True)
def by_hand(monkeypatch: pytest.MonkeyPatch) -> None:
    """OP Mainnet lets out in two ways, Base lets in; whatever their files say."""

    def routes(self: DatedNetwork, time: int) -> tuple[Route, ...]:
        return {"op-mainnet": (OUT, FORCED), "base": (INTO,)}.get(self.name, ())

    for family in {type(networks.get(name)) for name in ("op-mainnet", "base", "ethereum", "mode")}:
        monkeypatch.setattr(family, "routes", routes)


def stands(monkeypatch: pytest.MonkeyPatch, name: str, status: Status) -> None:
    """Let a network stand otherwise than it does."""
    now = networks.get(name).standing(START)
    told = replace(now, fact=replace(now.fact, status=status))
    kept = DatedNetwork.standing
    monkeypatch.setattr(DatedNetwork, "standing", lambda self, time: told if self.name == name else kept(self, time))


def plans(target: str, bps: int | None = None):
    return exit_plans("op-mainnet", target, "USDC", 10**10, START, {}, bps)


def test_out_to_ethereum_and_into_another_rollup_through_it():
    assert [route.id for route in ways("op-mainnet", "ethereum", START)] == ["withdrawal", "forced withdrawal"]
    both = ways("op-mainnet", "base", START)
    assert [(route.id, route.kind) for route in both] == [
        ("withdrawal + deposit", "canonical"),
        ("forced withdrawal + deposit", "forced"),
    ]
    assert {(route.source, route.target) for route in both} == {("op-mainnet", "base")}
    assert [route.id for route in ways("ethereum", "base", START)] == ["deposit"]
    assert ways("op-mainnet", "mode", START) == ()


def test_a_direct_route_comes_before_those_through_ethereum(monkeypatch):
    direct = replace(OUT, id="interop", target="base")
    monkeypatch.setattr(type(networks.get("op-mainnet")), "routes", lambda self, time: (OUT, direct, INTO))
    assert [route.id for route in ways("op-mainnet", "base", START)] == ["interop", "withdrawal + deposit"]


def test_the_liquidity_bridge_is_compared_with_them():
    *own, fast = plans("base", bps=4)
    assert [plan.id for plan in own] == ["withdrawal + deposit", "forced withdrawal + deposit"]
    assert fast.kind == "liquidity"
    assert fast.fee == 4_000_000
    assert fast.usual - START == bridge_facts().integer("fill_usual")
    assert fast.worst is None
    assert fast.unbounded == ("fill",)


def test_a_fee_that_nobody_told_is_unknown():
    fast = plans("base")[-1]
    assert fast.fee is None
    assert "--bridge-fee-bps" in fast.fee_note
    assert plans("base", bps=1)[-1].fee == 10**6
    odd = exit_plans("op-mainnet", "base", "USDC", 10_001, START, {}, 1)[-1]
    assert odd.fee == 2  # rounded up: against the one who moves


def test_nobody_filling_brings_the_money_back_where_it_was():
    back = plans("base")[-1].otherwise
    facts = bridge_facts()
    assert back is not None
    assert (back.source, back.target) == ("op-mainnet", "op-mainnet")
    assert back.first - START == facts.integer("fill_deadline") + facts.integer("challenge_period")
    assert back.usual - back.first == facts.integer("bundle_interval")
    assert back.worst is None


def test_every_bridge_fact_is_dated_and_what_is_assumed_says_so():
    for route in liquidity_routes("op-mainnet", "base", START):
        for stage in route.stages:
            assert stage.facts
    for fact in bridge_facts().facts.values():
        assert fact.source
        if "assumption" in fact.source:
            assert fact.confidence == "uncertain"


@pytest.mark.parametrize("status", [Status.ENDED, Status.WITHDRAW_ONLY])
def test_a_network_that_takes_no_new_money_blocks_every_way_into_it(monkeypatch, status):
    stands(monkeypatch, "base", status)
    found = plans("base")
    assert {plan.kind for plan in found} >= {"canonical", "forced"}
    assert all("base" in plan.blocked and "no new money" in plan.blocked for plan in found)
    assert all(not plan.blocked for plan in plans("ethereum"))


@pytest.mark.parametrize(
    ("source", "target", "says"),
    [
        ("op-mainet", "base", "from: unknown network 'op-mainet'; did you mean 'op-mainnet'"),
        ("op-mainnet", "bass", "to: unknown network 'bass'; did you mean 'base'"),
        ("base", "base", "to: base is where the money is already"),
    ],
)
def test_names_that_lead_nowhere_are_refused(source, target, says):
    with pytest.raises(BadInput) as caught:
        ways(source, target, START)
    assert says in str(caught.value)


def test_before_a_network_began_there_is_no_way():
    with pytest.raises(BadInput, match="^on: op-mainnet: nothing is known at time"):
        ways("op-mainnet", "base", 1_000_000_000)


def test_a_target_that_only_a_route_knows_is_one(monkeypatch):
    peg = Route("peg-out", "op-mainnet", "bitcoin", "canonical", OUT.stages)
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (peg,))
    assert ways("op-mainnet", "bitcoin", START) == (peg,)
    assert [plan.id for plan in exit_plans("op-mainnet", "bitcoin", "BTC", 1, START, {})] == ["peg-out"]
    with pytest.raises(UnknownName):
        ways("op-mainnet", "bitcorn", START)


def test_a_step_without_gas_takes_what_has_been_measured_of_its_family(monkeypatch):
    bare = replace(OUT, stages=tuple(replace(stage, gas=None) for stage in OUT.stages))
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (bare,))
    (plan, _) = plans("ethereum")
    known = {name.partition(".")[2]: fact.value for name, fact in gas_facts().facts.items()}
    assert [stage.gas for stage in plan.stages] == [known["initiate"], known["prove"], known["finalize"]]
    (route,) = ways("op-mainnet", "ethereum", START)
    assert all(any("tools/gas_" in fact.source for fact in stage.facts) for stage in route.stages)
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (OUT,))
    assert [stage.gas for stage in plans("ethereum")[0].stages] == [180_000, 300_000, 200_000]  # its own file's first


def test_gas_that_you_know_better_is_taken():
    plan = exit_plans("op-mainnet", "ethereum", "USDC", 1, START, {}, gas={"prove": 7})[0]
    assert [stage.gas for stage in plan.stages] == [180_000, 7, 200_000]
    with pytest.raises(UnknownName, match="gas: unknown step 'proof'"):
        exit_plans("op-mainnet", "ethereum", "USDC", 1, START, {}, gas={"proof": 7})
    fast = exit_plans("op-mainnet", "base", "USDC", 1, START, {}, gas={"deposit with the bridge": 9})[-1]
    assert fast.stages[0].gas == 9


def test_the_measured_gas_is_that_of_the_venues_table():
    table = load_gas(kind("canonical_bridge").gas)
    for verb, step in (("send", "initiate"), ("deposit", "deposit")):
        assert sum(tx.gas_used for tx in table.shapes(verb, {})) == gas_facts().integer(f"op_stack.{step}")


def test_no_liquidity_bridge_is_assumed_where_nothing_settles(monkeypatch):
    peg = Route("peg-out", "op-mainnet", "bitcoin", "canonical", OUT.stages)
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (peg,) if self.name == "op-mainnet" else (INTO,))
    assert exit_plans("op-mainnet", "base", "USDC", 1, START, {}) == ()  # a pegged chain: nothing to do with Ethereum
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (OUT, INTO))
    assert plans("base")[-1].kind == "liquidity"
    stands(monkeypatch, "op-mainnet", Status.ENDED)
    assert [plan.kind for plan in plans("base")] == ["canonical"]


@pytest.mark.parametrize("source", ["zksync-lite", "dydx-v3"])
def test_from_a_network_without_blocks_one_claims_on_ethereum_and_no_liquidity_bridge_helps(source):
    found = exit_plans(source, "base", "USDC", 10**6, START, {})
    assert [plan.kind for plan in found] == ["canonical"]
    assert all(stage.network != source for stage in found[0].stages)
