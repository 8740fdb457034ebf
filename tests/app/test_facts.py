"""`tidemill facts`: what is old, what ends, and what an endpoint says; a bad endpoint changes nothing."""

from __future__ import annotations

import datetime as dt
import json
from collections.abc import Iterator
from pathlib import Path

import pytest
from msgspec.structs import replace

from kit import tidemill
from tidemill import networks
from tidemill.chain import artefacts
from tidemill.chain.anvil import Anvil, AnvilOptions
from tidemill.facts import Confidence, Fact, Facts, Status, load_facts, parse_facts
from tidemill.facts.write import facts_toml
from tidemill.studies.fact_files import every_file, stale

DAY = dt.date(2026, 11, 21)
NOW = 1_790_000_000  # 2026-09-21
L1_BLOCK = "0x4200000000000000000000000000000000000015"
HAS_ANVIL = any(row.cached for row in artefacts.ls() if "anvil" in row.package)
NEEDS_ANVIL = pytest.mark.skipif(not HAS_ANVIL, reason="anvil is not in the cache: run `tidemill contracts fetch`")


def test_every_room_s_files_are_looked_at() -> None:
    names = [name for name, _ in every_file()]
    files = set(names)
    assert len(names) == len(files)
    assert {
        "networks/parameters/op_mainnet.toml",
        "networks/risk/loopring.toml",
        "venues/uniswap_v3/deployments.toml",
    } <= files
    assert {f"studies/risk/{name}.toml" for name in ("rates", "venues", "assets")} <= files


def test_old_facts_are_those_before_the_day() -> None:
    told = json.loads(tidemill("facts", "stale", "--older-than", "900d", "--on", str(DAY), "--json").out)
    assert told and all(row["days"] > 900 for row in told)
    assert any(row["file"] == "networks/risk/mode.toml" and row["name"] == "stage" for row in told)
    assert [row["days"] for row in told] == sorted((row["days"] for row in told), reverse=True)
    # what is over does not get old: Loopring's end was read long before
    assert not any(row["name"].startswith("sunset") for row in json.loads(tidemill("facts", "stale", "--json").out))


def test_the_edge_is_the_day_itself() -> None:
    on = dt.date(2024, 6, 1) + dt.timedelta(900)
    at = {(old.file, old.name) for old in stale(on, 900)}
    after = {(old.file, old.name) for old in stale(on + dt.timedelta(1), 900)}
    stage = ("networks/risk/mode.toml", "stage")
    assert stage not in at and stage in after


def test_the_table_groups_and_the_note_counts() -> None:
    said = tidemill("facts", "stale", "--older-than", "365d", "--on", str(DAY))
    count = len(stale(DAY, 365))
    assert said.code == 0 and f"{count:,} facts are older than 365d" in said.err
    assert "L2BEAT" in said.out and len(said.out.splitlines()) < count
    none = tidemill("facts", "stale", "--older-than", "9000d", "--on", str(DAY))
    assert none.code == 0 and none.out == ""


def test_the_calendar_has_what_ended_in_order() -> None:
    told = json.loads(tidemill("facts", "calendar", "--json").out)
    ended = {(row["network"], row["what"]): row["day"] for row in told}
    assert ended["loopring", "the network"] == "2026-06-28"  # sources differ by the day: the earlier
    assert ended["loopring", "defi_products"] == "2025-07-31" and ended["immutable-x", "the network"] == "2026-03-05"
    assert ("dydx-v3", "the network") in ended and len(ended) == len(told)
    days = [row["day"] or "9999" for row in told]
    assert days == sorted(days) and all(row["todo"] for row in told)
    said = tidemill("facts", "calendar")
    assert said.code == 0 and "day unknown" in said.out and "Merkle" in said.out


@pytest.mark.parametrize(
    ("arguments", "says"),
    [
        (("stale", "--older-than", "soon"), "older-than: 'soon': expected days such as 90d"),
        (("stale", "--on", "2026-13-01"), "on: '2026-13-01': expected a day"),
        (("refresh", "op-mainet", "--rpc", "http://127.0.0.1:1"), "did you mean 'op-mainnet'"),
        (("refresh", "op-mainnet", "--rpc", "ftp://x"), "not supported; use http(s)"),
        (("refresh", "op-mainnet", "--rpc", "http://127.0.0.1:1"), "cannot connect"),
    ],
)
def test_wrong_input_is_one_line(arguments: tuple[str, ...], says: str) -> None:
    said = tidemill("facts", *arguments)
    assert said.code == 2 and said.out == "" and says in said.err.splitlines()[-1]


def test_facts_are_written_as_they_are_read() -> None:
    odd = 'a "quoted" \\ line\x7f\nwith é and \t tabs'
    facts = {
        "a.b": Fact(2**200, DAY, odd, Confidence.MEASURED, Status.LIVE, "wei", odd),
        "flag": Fact(True, DAY, "x", Confidence.WEB, Status.ENDED),
        "text": Fact(odd, DAY, "x", Confidence.CODE, Status.LIVE),
    }
    assert parse_facts(facts_toml(Facts("f", "About é", facts, {})), "f") == Facts("f", "About é", facts, {})


# --- an endpoint on loopback -------------------------------------------------------------------------------------------


@pytest.fixture(scope="module")
def op_chain() -> Iterator[Anvil]:
    with Anvil(
        AnvilOptions(network="optimism", hardfork="isthmus", base_fee=1_234, chain_id=10, timestamp=NOW)
    ) as anvil:
        anvil.set_code(L1_BLOCK, b"\0")  # only its storage is read
        anvil.set_storage(L1_BLOCK, 1, 7_000_000_000)
        anvil.set_storage(L1_BLOCK, 3, 5_227 << 96 | 1_014_213 << 64 | 99)
        anvil.set_storage(L1_BLOCK, 7, 3)
        anvil.set_storage(L1_BLOCK, 8, 11 << 64 | 22)
        anvil.rpc.request("evm_mine")
        yield anvil


@NEEDS_ANVIL
@pytest.mark.chain
def test_an_op_chain_says_its_levels(op_chain: Anvil, tmp_path: Path) -> None:
    told = json.loads(tidemill("facts", "refresh", "op-mainnet", "--rpc", op_chain.http, "--json").out)
    found = {row["name"]: (row["old"], row["new"]) for row in told["changes"]}
    assert found.pop("base_fee")[0] is None
    assert found == {
        "l1_base_fee": (None, 7_000_000_000), "blob_base_fee": (None, 3), "base_fee_scalar": (5_227, 5_227),
        "blob_base_fee_scalar": (1_014_213, 1_014_213), "operator_fee_scalar": (0, 11), "operator_fee_constant": (0, 22),
    }  # fmt: skip
    assert list(tmp_path.iterdir()) == []


@NEEDS_ANVIL
@pytest.mark.chain
def test_levels_are_kept_compared_and_used(op_chain: Anvil, tmp_path: Path) -> None:
    file = tmp_path / "op.toml"
    said = tidemill("facts", "refresh", "op-mainnet", "--rpc", op_chain.http, "--write", file)
    assert said.code == 0 and f"wrote {file}" in said.err and "5,227" in said.out
    kept = load_facts(file)
    assert kept.integer("operator_fee_constant") == 22
    fact = kept.fact("base_fee_scalar")
    assert (fact.as_of, fact.confidence) == (dt.date(2026, 9, 21), Confidence.MEASURED)
    assert "at block 1" in fact.source
    op_chain.set_storage(L1_BLOCK, 7, 4)
    told = json.loads(tidemill("facts", "refresh", "op-mainnet", "--rpc", op_chain.http, "--write", file, "--json").out)
    (blob,) = (row for row in told["changes"] if row["name"] == "blob_base_fee")
    assert (blob["old"], blob["new"]) == (3, 4) and "at block 1" in blob["was"]
    cost = ("networks", "cost", "op-mainnet", "--action", "erc4626.deposit", "--levels", file, "--on", "2026-11-21")
    row = json.loads(tidemill(*cost, "--json").out)["costs"][0]
    asked = (
        "networks",
        "cost",
        "op-mainnet",
        "--action",
        "erc4626.deposit",
        "--rpc",
        op_chain.http,
        "--on",
        "2026-11-21",
    )
    now = json.loads(tidemill(*asked, "--json").out)
    assert now["costs"][0]["parts"]["operator"] == row["parts"]["operator"]
    assert "at block 1" in now["levels"]["blob_base_fee"]["note"]
    assert row["parts"]["operator"] == (row["gas"] * 11 * 100 + 22 * row["transactions"])  # Jovian's formula


@NEEDS_ANVIL
@pytest.mark.chain
def test_a_bad_endpoint_leaves_the_old_facts(op_chain: Anvil, tmp_path: Path) -> None:
    file = tmp_path / "base.toml"
    file.write_text("kept as it is")
    said = tidemill("facts", "refresh", "base", "--rpc", op_chain.http)
    assert said.code == 2 and "is on chain 10, expected chain 8453" in said.line
    refused = tidemill("facts", "refresh", "op-mainnet", "--rpc", op_chain.http, "--write", file)
    assert refused.code == 2 and "base.toml: not valid TOML" in refused.line
    assert file.read_text() == "kept as it is"
    away = tidemill("facts", "refresh", "op-mainnet", "--rpc", op_chain.http, "--write", tmp_path / "base.toml" / "x")
    assert away.code == 2 and "cannot be written" in away.err.splitlines()[-1]
    assert [path.name for path in tmp_path.iterdir()] == ["base.toml"]


@NEEDS_ANVIL
@pytest.mark.chain
def test_what_is_not_answered_is_said(tmp_path: Path) -> None:
    with Anvil(AnvilOptions(network="optimism", hardfork="isthmus", base_fee=1_234, chain_id=10)) as anvil:
        said = tidemill("facts", "refresh", "op-mainnet", "--rpc", anvil.http)
        assert said.code == 0 and f"no contract stands at {L1_BLOCK}" in said.err and "1,234" in said.out
        anvil.set_code(L1_BLOCK, b"\0")
        assert "has never been told of Ethereum" in tidemill("facts", "refresh", "op-mainnet", "--rpc", anvil.http).err


@NEEDS_ANVIL
@pytest.mark.chain
def test_ethereum_says_its_blob_fee() -> None:
    with Anvil(AnvilOptions(base_fee=9, chain_id=1, hardfork="prague")) as anvil:
        told = json.loads(tidemill("facts", "refresh", "ethereum", "--rpc", anvil.http, "--json").out)
        found = {row["name"]: row["new"] for row in told["changes"]}
        assert found == {"base_fee": 9, "blob_base_fee": int(anvil.rpc.request("eth_blobBaseFee"), 16)}


@NEEDS_ANVIL
@pytest.mark.chain
def test_arbitrum_says_its_prices(monkeypatch: pytest.MonkeyPatch) -> None:
    """A contract that answers 42 to everything stands where ArbGasInfo does; the chain is a local one."""
    chain = replace(networks.get("ethereum"), family="arbitrum")
    monkeypatch.setattr(networks, "get", lambda _name: chain)
    with Anvil(AnvilOptions(base_fee=9, chain_id=1)) as anvil:
        without = tidemill("facts", "refresh", "any", "--rpc", anvil.http)
        assert without.code == 0 and "not answered: ArbGasInfo.getMinimumGasPrice" in without.err
        anvil.set_code("0x" + "0" * 38 + "6c", bytes.fromhex("602a60005260206000f3"))
        told = json.loads(tidemill("facts", "refresh", "any", "--rpc", anvil.http, "--json").out)
        found = {row["name"]: row["new"] for row in told["changes"]}
        assert found == {"base_fee": 9, "price_per_unit": 42, "min_base_fee": 42}
