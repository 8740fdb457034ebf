"""Ways out and paid roles of the families and of networks known by facts alone: delays, warnings, where the money is from."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.facts import Confidence, Status
from tidemill.networks import Network
from tidemill.networks.exits import Route
from tidemill.studies.network_facts import usual_exit

NOW = 1_795_219_200  # 2026-11-21
FAMILIES = ("linea", "polygon-pos", "scroll", "starknet", "zksync-era")
CLOSED = {
    "dydx-v3": "withdraw-only",
    "immutable-x": "ended",
    "liquid": "incident",
    "loopring": "ended",
    "plasma": "ended",
    "polygon-zkevm": "ended",
    "zksync-lite": "withdraw-only",
}
OPEN = ("citrea", "rootstock", "stacks")
OURS = (*FAMILIES, *CLOSED, *OPEN)


def way(name: str, target: str, time: int = NOW) -> Route:
    (found,) = [route for route in networks.get(name).routes(time) if (route.source, route.target) == (name, target)]
    return found


def usual(route: Route) -> int:
    return sum(stage.wait.seconds[1] for stage in route.stages)


def least(route: Route) -> int:
    return sum(stage.wait.seconds[0] for stage in route.stages)


@pytest.mark.parametrize("name", OURS)
def test_every_way_is_whole(name: str) -> None:
    routes = networks.get(name).routes(NOW)
    assert routes
    assert len({route.id for route in routes}) == len(routes)
    for route in routes:
        assert name in (route.source, route.target) or route.id.startswith(name)
        assert len(route.stages) > 1 or route.blocked, "a way whose steps are not known says why"
        for stage in route.stages:
            shortest, expected, most = stage.wait.seconds
            assert 0 <= shortest <= expected
            assert most is None or expected <= most
            assert shortest + expected == 0 or stage.facts or stage.about
        if route.stages:
            assert route.stages[0].wait.seconds[:2] == (0, 0), "the first step can be done at once"
            assert route.stages[0].by == "you"


@pytest.mark.parametrize("name", FAMILIES)
def test_money_goes_in_from_ethereum_and_comes_back(name: str) -> None:
    into = [route for route in networks.get(name).routes(NOW) if route.target == name != route.source]
    assert [route.source for route in into] == ["ethereum"]
    out = way(name, "ethereum")
    assert [out.stages[0].network, out.stages[-1].network, out.stages[-1].by] == [name, "ethereum", "you"]
    assert usual(out) > usual(into[0]) > 0


def test_zksync_waits_three_hours_from_commit_to_execution_and_waited_longer_before() -> None:
    out, before = way("zksync-era", "ethereum"), way("zksync-era", "ethereum", 1_710_000_000)
    verbs = [stage.verb for stage in out.stages]
    assert verbs == ["withdraw", "commitBatches", "executeBatches", "finalizeWithdrawal"]
    assert (least(out), least(before)) == (3 * 3_600, 21 * 3_600)
    assert (usual(out), usual(before)) == (3 * 3_600, 21 * 3_600)  # proving goes on meanwhile


def test_polygon_waits_for_a_checkpoint_and_a_stake_for_days() -> None:
    out = way("polygon-pos", "ethereum")
    assert (least(out), usual(out)) == (0, 5_120 * 1_750 // 1_000)
    assert 2 * 3_600 < usual(out) < 3 * 3_600  # 2.1 to 2.8 h
    (unbonding,) = [r for r in networks.get("polygon-pos").routes(NOW) if r.source == r.target == "ethereum"]
    assert (least(unbonding), usual(unbonding)) == (2 * 86_400, 3 * 86_400)
    assert "Ethereum's gas" in unbonding.warnings[0]


def test_linea_warns_of_limit_fallback_and_staked_ether() -> None:
    out = way("linea", "ethereum")
    assert usual(out) == 16 * 3_600
    limit, fallback, staked = out.warnings
    assert ("limit" in limit, "six months" in fallback, "Lido" in staked) == (True, True, True)


def test_what_was_not_measured_is_uncertain_and_says_so() -> None:
    for name in ("starknet", "scroll"):
        out = way(name, "ethereum")
        (waits,) = [stage for stage in out.stages if stage.wait.usual]
        assert Confidence.UNCERTAIN in {fact.confidence for fact in waits.facts}
        assert "not measured" in out.warnings[0] or "was not measured" in out.warnings[0]
    (unstaking,) = [route for route in networks.get("starknet").routes(NOW) if route.source == route.target]
    assert least(unstaking) == usual(unstaking) == 7 * 86_400


@pytest.mark.parametrize(("name", "status"), CLOSED.items())
def test_closed_networks_stand_as_they_do_and_take_nothing_in(name: str, status: str) -> None:
    found = networks.get(name)
    assert found.status == Status(status)
    assert found.standing(NOW).fact.status == Status(status)
    assert all(route.blocked for route in found.routes(NOW) if route.target == name)
    if name != "plasma":
        start = found.facts.timeline("standing").entries[0].since
        assert found.standing(start).fact.status is Status.ENDED or found.standing(start).fact.value == "open"
        with pytest.raises(BadInput, match=f"{name} is known from "):
            found.standing(start - 1)


def test_bridges_to_bitcoin_are_counted_in_the_right_blocks() -> None:
    facts = networks.get("rootstock").facts
    out = way("rootstock", "bitcoin")
    assert usual(out) == facts.integer("exit_confirmations") * networks.get("rootstock").block_time == 4_000 * 30
    assert usual(out) < 4_000 * 600 // 10, "Rootstock's own blocks, not bitcoin's"
    (into,) = [route for route in networks.get("rootstock").routes(NOW) if route.source == "bitcoin"]
    assert usual(into) == facts.integer("entry_confirmations") * 600 == 60_000
    assert [facts.integer(f"min_peg{way}_sat") for way in ("in", "out")] == [500_000, 400_000]
    divisors = [facts.integer(f"remasc_{name}_divisor") for name in ("reward", "rsklabs", "federation", "publishers")]
    assert (divisors, facts.integer("remasc_maturity")) == ([10, 5, 100, 10], 4_000)


def test_stacks_locks_for_cycles_and_bonds_for_twelve() -> None:
    facts = networks.get("stacks").facts
    names = ("activation_bitcoin_block", "first_full_cycle", "first_full_cycle_bitcoin_block", "cycle_bitcoin_blocks")
    assert [facts.integer(name) for name in names] == [960_230, 141, 962_150, 2_100]
    assert facts.integer("bond_bitcoin_blocks") == facts.integer("bond_cycles") * 2_100 == 25_200
    names = ("prepare_bitcoin_blocks", "concurrent_bonds", "distribution_bitcoin_blocks", "stx_only_least_cycles")
    assert [facts.integer(name) for name in (*names, "stx_only_most_cycles")] == [100, 6, 1_050, 1, 96]
    (unlock,) = networks.get("stacks").routes(NOW)
    assert [stage.wait.seconds[2] for stage in unlock.stages] == [0, 25_200 * 600]


def test_liquid_and_citrea_say_what_may_go_wrong() -> None:
    out = way("liquid", "bitcoin")
    assert not out.blocked
    assert any("only members" in line for line in out.warnings)
    assert any("4,000 BTC" in line for line in out.warnings)
    assert not [r for r in networks.get("liquid").routes(1_780_000_000) if r.blocked], "before the incident it was open"
    citrea = way("citrea", "bitcoin")
    assert "not known" in citrea.blocked
    assert "no forced exit" in citrea.warnings[0]


def test_a_blocked_way_out_has_no_usual_time() -> None:
    assert usual_exit(networks.get("loopring"), NOW) is None
    assert usual_exit(networks.get("rootstock"), NOW) == 120_000


PAYS = {
    ("polygon-pos", "validator"): ("POL", "inflation"),
    ("polygon-pos", "delegator"): ("POL", "inflation"),
    ("starknet", "validator"): ("STRK", "inflation"),
    ("starknet", "sequencer"): ("STRK", "fees"),
    ("zksync-era", "staker"): ("ZK", "subsidy"),
    ("linea", "staker"): ("LINEA", "nothing"),
    ("loopring", "staker"): ("LRC", "nothing"),
    ("dydx-v3", "staker"): ("DYDX", "nothing"),
    ("immutable-x", "staker"): ("IMX", "nothing"),
    ("liquid", "staker"): ("LBTC", "nothing"),
    ("rootstock", "relayer"): ("RBTC", "fees"),
    ("stacks", "staker"): ("STX", "fees"),
}


@pytest.mark.parametrize(("place", "pays"), PAYS.items(), ids=str)
def test_who_is_paid_in_what_and_from_where(place: tuple[str, str], pays: tuple[str, str]) -> None:
    (found,) = [role for role in networks.get(place[0]).roles(NOW) if role.id == place[1]]
    assert (found.token, found.pays) == pays
    assert (found.pays == "nothing") == (found.open == "nobody")
    if found.pays == "inflation":
        assert any(word in found.about for word in ("dilution", "inflation"))


def test_nobody_is_paid_where_it_has_ended() -> None:
    for name in ("loopring", "immutable-x", "plasma", "polygon-zkevm"):
        assert {role.pays for role in networks.get(name).roles(NOW)} <= {"nothing"}, name


@pytest.mark.parametrize("name", [*FAMILIES, "polygon-zkevm"])
def test_a_formula_states_its_proof_and_a_network_without_one_states_none(name: str) -> None:
    fact = networks.get(name).facts.fact("proof")
    assert fact.value == ("formula only" if name in ("linea", "starknet") else "vector-equal")
    assert fact.source
    assert fact.note or name in ("polygon-pos", "polygon-zkevm"), "what is not proven so is named"
    for other in OPEN:
        assert "proof" not in networks.get(other).facts.facts


def test_chain_ids_and_tokens_are_those_of_the_chain_list() -> None:
    import polars as pl

    from tidemill.market.data import data_root

    root = data_root()
    path = None if root is None else Path(root) / "networks/evm_chains_viem.parquet"
    if path is None or not path.exists():
        pytest.skip("reference data not found: networks/evm_chains_viem.parquet (set TIDEMILL_DATA)")
    listed = {row["id"]: row for row in pl.read_parquet(path).iter_rows(named=True)}
    checked = 0
    for name in OURS:
        found: Network = networks.get(name)
        if found.chain_id in listed:
            checked += 1
            row = listed[found.chain_id]
            assert found.native_token == row["symbol"], name
            if row["blockTime_ms"] is not None and found.block_time * 1_000 != row["blockTime_ms"]:
                assert found.facts.fact("block_time").note, f"{name}: {row['blockTime_ms']} ms in the list"
    assert checked == 7
