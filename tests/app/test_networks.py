"""`tidemill networks`: the list, one network with its papers, and what verbs cost; wrong input is one line."""

from __future__ import annotations

import datetime as dt
import json
from pathlib import Path

import pytest
from msgspec.structs import replace

from kit import tidemill
from tidemill import networks
from tidemill.app.moments import day_of, days_of, end_of_day
from tidemill.app.networks import span
from tidemill.errors import BadInput
from tidemill.facts import Confidence, Entry, Fact, Status, Timeline
from tidemill.networks import CostModel, FeeEnv, assumed, load_gas
from tidemill.networks.bridges import gas_facts
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.op_chain import OpChain
from tidemill.studies.network_costs import actions_of
from tidemill.venues.kinds import kind, kinds

LEVELS = ("--base-fee-gwei", "0.001", "--l1-base-fee-gwei", "5", "--blob-base-fee-gwei", "1")
ON = ("--on", "2026-11-21")


def test_the_list_has_every_network() -> None:
    rows = {row["name"]: row for row in json.loads(tidemill("networks", "--json").out)}
    assert tuple(rows) == networks.names()
    op = rows["op-mainnet"]
    assert (op["family"], op["chain_id"], op["block_time"], op["status"]) == ("op_stack", 10, 2, "live")
    assert op["stage"] == "1 (2025-10)"
    said = tidemill("networks", "--family", "ethereum")
    assert said.code == 0 and "ethereum" in said.out and "op-mainnet" not in said.out


def test_a_network_is_shown_with_sources_changes_and_risk() -> None:
    said = tidemill("networks", "show", "op-mainnet", *ON)
    assert said.code == 0
    assert "superchain-registry" in said.out and "2024-07-10 16:00" in said.out and "L2BEAT" in said.out
    told = json.loads(tidemill("networks", "show", "op-mainnet", *ON, "--json").out)
    assert told["facts"]["block_time"]["source"] == "superchain-registry mainnet/op.toml"
    assert told["timelines"]["fork"][0][0] == 1_686_068_903
    assert told["risk"]["forced_exit"]["value"] is True
    plasma = json.loads(tidemill("networks", "show", "plasma", "--json").out)
    assert "stage" in plasma["unknown"] and plasma["risk"] == {}


def test_ways_out_are_shown_with_their_waits(monkeypatch: pytest.MonkeyPatch) -> None:
    stages = (
        RouteStage("prove", "ethereum", Wait(0, 3_600, 7_200), gas=400_000),
        RouteStage("finalize", "ethereum", Wait(50_400, 50_400, None, "L1 blocks")),
    )
    way = Route("canonical", "op-mainnet", "ethereum", "canonical", stages, warnings=("gas on L1",))
    monkeypatch.setattr(OpChain, "routes", lambda self, time: (way,) if self.name == "op-mainnet" else ())
    rows = {row["name"]: row for row in json.loads(tidemill("networks", "--json").out)}
    assert rows["op-mainnet"]["exit_seconds"] == 3_600 + 50_400 * 12
    assert rows["mode"]["exit_seconds"] is None
    said = tidemill("networks", "show", "op-mainnet").out
    assert "7 d" in said and "400,000" in said and "gas on L1" in said
    assert "7 d 1 h" in tidemill("networks").out
    way = Route("canonical", "op-mainnet", "ethereum", "canonical", stages, "nobody proves")
    assert "nobody proves" in tidemill("networks", "show", "op-mainnet").out
    assert "7 d 1 h" not in tidemill("networks").out  # no time is usual for what cannot be done


def test_a_verb_costs_what_the_library_says() -> None:
    told = json.loads(
        tidemill("networks", "cost", "op-mainnet", "--action", "uniswap_v3.mint", *LEVELS, *ON, "--json").out
    )
    env = FeeEnv(
        time=end_of_day(day_of(ON[1])), base_fee=assumed(10**6), priority_fee=assumed(0), l1_base_fee=assumed(5 * 10**9),
        blob_base_fee=assumed(10**9),
    )  # fmt: skip
    model = CostModel(networks.get("op-mainnet"), {"v3": load_gas(kind("uniswap_v3").gas)})
    parts = model.fee("v3", "mint", {}, env)
    (row,) = told["costs"]
    assert int(row["parts"]["l2_execution"]) == parts.l2_execution == model.gas("v3", "mint", {}) * 10**6
    assert int(row["parts"]["l1_data"]) == parts.l1_data > 0
    assert (
        told["levels"]["base_fee_scalar"]["origin"] == "fact" and told["levels"]["base_fee"]["origin"] == "assumption"
    )


def test_money_is_rounded_up_and_parts_are_shown() -> None:
    priced = (*LEVELS, "--price-native", "3000.5", *ON, "--json")
    (row,) = json.loads(tidemill("networks", "cost", "op-mainnet", "--action", "staking_rewards.claim", *priced).out)[
        "costs"
    ]
    total = sum(int(wei) for wei in row["parts"].values())
    assert (row["priced"] - 1) * 10**18 < total * 3_000_500_000 <= row["priced"] * 10**18
    said = tidemill("networks", "cost", "op-mainnet", "--action", "staking_rewards", *LEVELS, "--price-native", "3000")
    assert said.code == 0 and "in money" in said.out and "base_fee_scalar: 5,227 (fact: superchain-ops" in said.out


def test_all_is_every_verb_of_what_is_known_there() -> None:
    there = {name for name, _ in actions_of("all", "ethereum")}
    assert {"uniswap_v3", "aave_v3", "erc4626"} <= there
    assert {name for name, _ in actions_of("all", "unichain")} < set(kinds())
    verbs = set(load_gas(kind("aave_v3").gas).verbs)
    assert {verb for name, verb in actions_of("all", "ethereum") if name == "aave_v3"} == verbs
    told = json.loads(tidemill("networks", "cost", "ethereum", "--base-fee-gwei", "10", *ON, "--json").out)
    assert all(row["parts"] and int(row["parts"]["l2_execution"]) == row["gas"] * 10**10 for row in told["costs"])


def test_a_level_that_nobody_has_is_named() -> None:
    said = tidemill("networks", "cost", "mode", "--action", "uniswap_v3", *LEVELS, *ON)
    assert said.code == 2 and "base_fee_scalar: mode needs base_fee_scalar" in said.line
    assert said.line.endswith("; give --level base_fee_scalar=WHOLE_NUMBER")
    without = tidemill("networks", "cost", "op-mainnet", "--base-fee-gwei", "1", *ON)
    assert without.code == 2 and without.line.endswith("; give --l1-base-fee-gwei")
    given = ("--level", "base_fee_scalar=5227", "--level", "blob_base_fee_scalar=1014213")
    assert tidemill("networks", "cost", "mode", "--action", "uniswap_v3", *LEVELS, *given, *ON).code == 0


def test_where_only_some_can_be_priced_the_rest_is_said(monkeypatch: pytest.MonkeyPatch) -> None:
    plain_fee = OpChain.fee

    def only_short(self, tx, env):
        if tx.size > 600:
            raise BadInput("needs zstd_length, which nobody measured")
        return plain_fee(self, tx, env)

    monkeypatch.setattr(OpChain, "fee", only_short)
    said = tidemill("networks", "cost", "op-mainnet", "--action", "uniswap_v3", *LEVELS, *ON)
    assert said.code == 0 and "nobody measured" in said.err and "uniswap_v3.close" in said.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("show", "op-mainet"), "unknown network 'op-mainet'; did you mean 'op-mainnet'?"),
        (("--family", "op_stak"), "family: no network has 'op_stak'; did you mean 'op_stack'?"),
        (
            ("cost", "op-mainnet"),
            "base_fee: op-mainnet has no dated one; give --base-fee-gwei, --levels FILE or --rpc URL",
        ),
        (("cost", "op-mainnet", "--action", "uniswap_v3.mnt"), "did you mean 'mint'"),
        (("cost", "op-mainnet", "--action", "uniswap_v33.mint"), "did you mean 'uniswap_v3'"),
        (("cost", "op-mainnet", "--base-fee-gwei", "much"), "base-fee-gwei: 'much' is not a decimal amount"),
        (("cost", "op-mainnet", "--base-fee-gwei", "-1"), "base-fee-gwei: '-1': expected a number from 0 up"),
        (("cost", "op-mainnet", "--base-fee-gwei", "1e29"), "base-fee-gwei: '1e29': expected a number from 0 up"),
        (("cost", "op-mainnet", *LEVELS, "--level", "x"), "level: 'x': expected NAME=WHOLE_NUMBER"),
        (("cost", "op-mainnet", *LEVELS, "--on", "yesterday"), "on: 'yesterday': expected a day such as 2026-11-21"),
        (("cost", "op-mainnet", *LEVELS, "--on", "2020-01-01"), "on: op-mainnet is known from 2023-06-06T16:28:23Z on"),
        (("show", "OP-MAINET"), "unknown network 'OP-MAINET'; did you mean 'op-mainnet'?"),
        (("cost", "op-mainnet", *LEVELS, "--action", ""), "action: unknown kind of venue ''; valid: aave_v3, all, "),
        (
            ("cost", "op-mainnet", *LEVELS, "--action", "ALL"),
            "action: unknown kind of venue 'ALL'; did you mean 'all'?",
        ),
        (("cost", "op-mainnet", *LEVELS, "--level", "base_fee=5"), "level: base_fee is given twice"),
        (("cost", "op-mainnet", *LEVELS, "--level", "l1_fee_scalar=5", "--level", "l1_fee_scalar=6"), "is given twice"),
        (("cost", "op-mainnet", *LEVELS, "--level", "l1_fee_scalar=\uff15"), "expected NAME=WHOLE_NUMBER"),
        (("cost", "op-mainnet", "--rpc", "  "), "an empty address; write http(s)://… or the path of a local socket"),
        (("shwo",), "'shwo' is not expected here; did you mean 'show'? (tidemill networks --help)"),
        (("show", "base", "mode"), "'mode' is not expected here (tidemill networks show --help)"),
        (("show", "base", "--jsn"), "Unknown option: --jsn. Did you mean --json? (tidemill networks show --help)"),
        (("cost", "op-mainnet", "--levels", "nope.toml"), "nope.toml: no such file"),
        (("cost", "op-mainnet", "--levels", "x", "--rpc", "y"), "rpc: give --levels or --rpc, not both"),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    said = tidemill("networks", *arguments)
    assert said.code == 2 and said.out == "" and says in said.line


def test_levels_of_another_network_are_refused(tmp_path: Path) -> None:
    fact = 'as_of = 2026-11-21, source = "x", confidence = "measured", status = "live"'
    file = tmp_path / "levels.toml"
    file.write_text(f'about = "Fee levels of base"\n[facts]\nbase_fee = {{ value = 5, {fact} }}\n')
    said = tidemill("networks", "cost", "op-mainnet", "--levels", file)
    assert said.code == 2 and "'Fee levels of base': expected 'Fee levels of op-mainnet'" in said.line
    file.write_text(f'about = "Fee levels of ethereum"\n[facts]\nbase_fee = {{ value = 5, {fact} }}\n')
    told = json.loads(
        tidemill("networks", "cost", "ethereum", "--action", "erc4626.deposit", "--levels", file, "--json").out
    )
    assert told["costs"][0]["parts"]["l2_execution"] == told["costs"][0]["gas"] * 5
    assert told["levels"]["base_fee"]["origin"] == "fact"
    for level, says in (
        ("base_fee = {{ value = -5, {} }}", "facts.base_fee: -5: expected a number from 0 up"),
        (f"base_fee = {{{{ value = {10**30}, {{}} }}}}", "facts.base_fee: 1000000000000000000000000000000: expected"),
        ("base_feee = {{ value = 5, {} }}", "facts.base_feee: unknown level 'base_feee'; did you mean 'base_fee'?"),
    ):
        file.write_text(f'about = "Fee levels of ethereum"\n[facts]\n{level.format(fact)}\n')
        refused = tidemill("networks", "cost", "ethereum", "--levels", file)
        assert refused.code == 2 and f"{file}: {says}" in refused.line
    file.write_text(f'about = "Fee levels of ethereum"\n[facts]\nbase_fee = {{ value = "5", {fact} }}\n')
    assert "expected an integer, got '5'" in tidemill("networks", "cost", "ethereum", "--levels", file).line


def standing(status: str, since: int = 5) -> Timeline:
    fact = Fact("leave by the bridge", dt.date(2026, 11, 21), "a test", Confidence.WEB, Status(status))
    return Timeline("standing", "time", (Entry(0, replace(fact, status=Status.LIVE)), Entry(since, fact)))


def test_how_a_network_stands_is_as_of_the_day(monkeypatch: pytest.MonkeyPatch) -> None:
    mode = networks.get("mode")
    lines = {**mode.facts.timelines, "standing": standing("withdraw-only", 1_780_000_000)}
    ended = replace(mode, facts=replace(mode.facts, timelines=lines))
    monkeypatch.setattr(networks, "get", lambda name: ended if name == "mode" else networks.catalogue.get(name))
    for day, status in (("2026-05-01", "live"), ("2026-11-21", "withdraw-only")):
        rows = {row["name"]: row for row in json.loads(tidemill("networks", "--on", day, "--json").out)}
        assert rows["mode"]["status"] == status and rows["base"]["status"] == "live"
        flags = json.loads(tidemill("risk", "mode", "--on", day, "--json").out)["flags"]
        assert ([flag["name"] for flag in flags].count("sunset") == 1) is (status != "live")
    told = json.loads(tidemill("facts", "calendar", "--json").out)  # once, by the network's own file
    (row,) = (row for row in told if row["network"] == "mode")
    assert (row["day"], row["todo"]) == ("2026-05-28", "leave by the bridge")
    scalars = ("--level", "base_fee_scalar=5227", "--level", "blob_base_fee_scalar=1014213")
    said = tidemill("networks", "cost", "mode", "--action", "erc4626", *LEVELS, *scalars, *ON)
    assert said.code == 0 and "mode: withdraw-only; put in no new money" in said.err


def test_days_and_spans() -> None:
    assert [span(s) for s in (None, 0, 2, 60, 5_400, 86_400 * 7, 86_400 + 3_661)] == [
        "–", "0 s", "2 s", "1 min", "1 h 30 min", "7 d", "1 d 1 h",
    ]  # fmt: skip
    assert days_of("90d", "x") == days_of("90", "x") == 90
    assert end_of_day(day_of("1970-01-01")) == 86_399
    assert day_of("").year >= 2024


@pytest.mark.parametrize(
    ("words", "line"),
    [
        (("--price-native", "0"), "price-native: '0': 0 is no price; leave it out where you do not know it"),
        (("--level", "base_fee_scaler=5"), "level: unknown level 'base_fee_scaler'; did you mean 'base_fee_scalar'?"),
        (("--level", f"base_fee_scalar={10**30}"), "level: base_fee_scalar=1"),
    ],
)
def test_a_level_that_no_formula_reads_and_a_price_of_nothing_are_refused(words: tuple[str, ...], line: str) -> None:
    said = tidemill("networks", "cost", "op-mainnet", "--action", "uniswap_v3.mint", *LEVELS, *words)
    assert said.code == 2 and line in said.line


def test_a_network_is_not_live_before_it_is_known() -> None:
    before = {row["name"]: row for row in json.loads(tidemill("networks", "--on", "1969-12-31", "--json").out)}
    assert before["op-mainnet"]["status"] == before["zksync-lite"]["status"] == "unknown"
    assert "op-mainnet · op_stack · unknown" in tidemill("networks", "show", "op-mainnet", "--on", "1969-12-31").out


def test_nothing_to_wait_for_and_no_block_time_are_not_shown_as_numbers() -> None:
    rows = {row["name"]: row for row in json.loads(tidemill("networks", *ON, "--json").out)}
    assert (rows["stacks"]["chain_id"], rows["stacks"]["block_time"]) == (None, None)
    line = next(line for line in tidemill("networks", *ON).out.splitlines() if line.startswith("zksync-lite"))
    assert line.endswith("no wait")


@pytest.mark.parametrize("name", ["stacks", "liquid", "starknet", "base"])
def test_a_network_shows_no_chain_id_or_block_time_of_0(name: str) -> None:
    facts = json.loads(tidemill("networks", "show", name, *ON, "--json").out)["facts"]
    network = networks.get(name)
    expected = {"chain_id": network.chain_id or None, "block_time": network.block_time or None}
    shown = {key: facts[key]["value"] and int(facts[key]["value"]) for key in expected}  # beyond 2^53 a string
    assert shown == expected
    lines = tidemill("networks", "show", name, *ON).out.splitlines()
    for key, value in expected.items():
        line = next(line for line in lines if line.startswith(key))
        assert (line.split()[1] == "none") is (value is None), line


@pytest.mark.parametrize(
    ("network", "action", "line"),
    [
        ("mode", "uniswap_v3", "uniswap_v3 is not known to stand on mode (listed on ethereum, op-mainnet, unichain, "),
        (
            "op-mainnet",
            "delegation",
            "delegation is not known to stand on op-mainnet (listed on ethereum): this is what",
        ),
        # tokens are there, their issuer is not
        (
            "op-mainnet",
            "liquid_staking",
            "liquid_staking is not known to stand on op-mainnet (listed on ethereum): this",
        ),
        ("op-mainnet", "erc4626", "nobody lists where these stand, so not known to stand on op-mainnet: erc4626"),
        ("op-mainnet", "uniswap_v3", ""),
        ("ethereum", "liquid_staking", ""),
        ("op-mainnet", "canonical_bridge", ""),
    ],
)
def test_what_is_not_known_to_stand_there_is_said(network: str, action: str, line: str) -> None:
    scalars = ("--level", "base_fee_scalar=5227", "--level", "blob_base_fee_scalar=1014213")
    words = (network, "--action", action, *LEVELS, *(scalars if network == "mode" else ()), *ON)
    out = tidemill("networks", "cost", *words).out
    if line:
        assert line in out
    else:
        assert "known to stand" not in out
    told = json.loads(tidemill("networks", "cost", *words, "--json").out)["costs"]
    assert told and all((network in row["stands"]) is not bool(line) for row in told)


def test_all_prices_only_what_is_listed_there_or_nowhere() -> None:
    out = tidemill("networks", "cost", "op-mainnet", *LEVELS, *ON).out
    assert "delegation" not in out and "aave_v3.supply" in out and "erc4626.deposit" in out
    assert "nobody lists where these stand, so not known to stand on op-mainnet: " in out


def test_steps_show_the_gas_that_was_measured_and_answers_are_words() -> None:
    said = tidemill("networks", "show", "op-mainnet", *ON).out
    measured = gas_facts().integer("op_stack.prove")
    line = next(line for line in said.splitlines() if line.split()[:2] == ["prove", "ethereum"])
    assert line.split()[-1] == f"{measured:,}"
    assert next(line for line in said.splitlines() if line.startswith("forced_exit")).split()[1] == "yes"
    told = json.loads(tidemill("networks", "show", "op-mainnet", *ON, "--json").out)
    gas = {stage["verb"]: stage["gas"] for route in told["routes"] for stage in route["stages"]}
    assert gas["prove"] == measured and told["risk"]["forced_exit"]["value"] is True


def test_a_bridge_s_steps_are_priced_on_the_side_where_they_are_sent() -> None:
    def sent(network: str, action: str = "all") -> list[str]:
        return [verb for name, verb in actions_of(action, network) if name == "canonical_bridge"]

    assert sent("op-mainnet") == sent("base", "canonical_bridge") == ["send"]
    assert sent("ethereum") == ["deposit", "prove", "finalize"]
    assert sent("arbitrum-one") == []
    said = tidemill("networks", "cost", "op-mainnet", "--action", "canonical_bridge.prove", *LEVELS)
    assert said.code == 2 and "action: canonical_bridge.prove is not sent on op-mainnet: the OP Stack's" in said.line
