"""``scan`` and ``plan`` on the command line: tables, JSON, and one line where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit import NEEDS_PAGE, tidemill

POOL: dict[str, Any] = {
    "project": "aave-v3",
    "symbol": "USDC",
    "tvlUsd": 5e7,
    "apyBase": 5.0,
    "apy": 5.0,
    "apyMean30d": 5.5,
    "stablecoin": True,
    "ilRisk": "no",
    "count": 400,
}
ROWS = [
    {**POOL, "chain": "Base", "pool": "a"},
    {**POOL, "chain": "Optimism", "pool": "b", "apy": 4.0, "project": "[other]"},
    {**POOL, "chain": "Base", "pool": "c", "apy": 5_000.0},
]


@pytest.fixture
def listed(tmp_path: Path) -> Path:
    (tmp_path / "pools.json").write_text(json.dumps({"data": ROWS}))
    return tmp_path / "pools.json"


def test_scan_shows_what_is_believed_and_what_is_not(listed: Path) -> None:
    said = tidemill("scan", "--list", listed)
    assert said.code == 0, said.err
    assert "Believed: 2 of 3" in said.out and "[other] USDC on op-mainnet" in said.out and "absurd" in said.out
    document = json.loads(tidemill("scan", "--list", listed, "--json").out)
    assert [row["rule"] for row in document["left_out"]] == ["absurd"]


def test_plan_shows_and_writes(listed: Path, tmp_path: Path) -> None:
    asked = ("plan", "--have", "10000 USDC, 1 ETH", "--price", "ETH=3000", "--list", listed, "--on", "2026-11-21")
    said = tidemill(*asked, "-o", tmp_path / "plan")
    assert said.code == 0, said.err
    assert "13,000.00 USD for 180 days at moderate risk" in said.out and "what you should keep" in said.out
    assert "apy: 1 absurd" in said.out and "an estimate, not advice" in said.out
    document = json.loads((tmp_path / "plan" / "plan.json").read_text())
    assert f"result {document['result_hash']}" in said.out
    assert json.loads(tidemill(*asked, "-o", tmp_path / "plan", "--json").out)["net"] == document["net"]


def test_a_plan_leaves_no_study_of_an_earlier_one(listed: Path, tmp_path: Path) -> None:
    out = tmp_path / "plan"
    asked = ("plan", "--list", listed, "--on", "2026-11-21", "-o", out)
    assert tidemill(*asked, "--have", "13000 USDC").code == 0
    (out / "mine.toml").write_text("a file of one's own")
    written = {file.name for file in out.glob("*.toml")}
    assert len(written) > 1
    said = tidemill(*asked, "--have", "13 USDC", "--cost", "base=50", "op-mainnet=50")
    assert said.code == 0 and "nothing pays its own costs" in said.out
    assert [file.name for file in out.glob("*.toml")] == ["mine.toml"]


def test_names_in_a_list_do_not_steer_the_terminal(tmp_path: Path) -> None:
    (tmp_path / "pools.json").write_text(json.dumps([{**POOL, "chain": "Base", "symbol": "A\x1b[31m\u202eB"}]))
    said = tidemill("scan", "--list", tmp_path / "pools.json")
    assert said.code == 0 and "A\ufffd[31m\ufffdB" in said.out and "\x1b" not in said.out


OFFERS = Path(__file__).parents[2] / "examples" / "offers.json"


@NEEDS_PAGE
def test_the_shipped_list_is_walked_from_plan_to_statement(tmp_path: Path) -> None:
    asked = ("--have", "10000 USDC, 3 ETH", "--price", "ETH=3000", "--horizon", "30d", "--on", "2026-11-21")
    said = tidemill("plan", *asked, "--list", OFFERS, "--liquid", "20%:1d", "--cap", "network=40%", "-o", tmp_path)
    assert said.code == 0, said.err
    for part in ("What can go wrong with it", "How soon it can be had on Ethereum", "Not chosen", "tidemill backtest"):
        assert part in said.out
    document = json.loads((tmp_path / "plan.json").read_text())
    assert document["left_out_fields"]["apy"] == {"absurd": 1, "no rate": 1}
    assert next(one["part_bps"] for one in document["reached"] if one["days"] == 1) >= 2_000
    assert document["studies"] and {one["name"] for one in document["unplayed"]} < {
        one["name"] for one in document["held"]
    }
    for name in document["studies"]:
        if "uniswap-v3" in name:
            continue  # two months of swaps: played as an example already
        said = tidemill("backtest", tmp_path / name, "-o", tmp_path / "out")
        assert said.code == 0 and said.out.startswith("Plan"), said.err


@pytest.mark.parametrize(
    ("options", "line"),
    [
        (("--list", OFFERS, "--from", "https://x"), "list: which list?"),
        (("--from", "http://example.org/x"), "from: http://example.org/…: anybody on the way"),
        (("--list", OFFERS, "--liquid", "20%"), "liquid: '20%' is no rung"),
        (("--list", OFFERS, "--cap", "everything=5%"), "cap: no caps are on 'everything'"),
        (("--list", OFFERS, "--least", "101%"), "least: '101%' is no part"),
        (
            ("--list", OFFERS, "--least", "100%", "--cap", "network=5%", "issuer=100%"),
            "least: 100 % cannot be put to work",
        ),
        (("--list", OFFERS, "--time-limit", "0"), "time-limit: 0 is not between"),
        (
            ("--list", OFFERS, "--cap", "venue:aave_v3=5%"),
            "cap: nothing on offer has the project 'aave_v3'; did you mean 'aave-v3'",
        ),
        (("--list", OFFERS, "--cap", "one=5%", "one=50%"), "cap: one is given twice"),
        (("--list", OFFERS, "--price", "ETH=1"), "price: ETH is given twice"),
        (("--list", OFFERS, "--price", "OP=³"), "price: 'OP=³' is not NAME=NUMBER"),
        (("--list", OFFERS, "--price", "USDC=0"), "price: USDC at 0 is worth nothing"),
        (("--list", OFFERS, "--on", "9999-12-31"), "on: 9999-12-31 is not between"),
        (("--list", OFFERS, "--stale", "-1"), "stale: -1 is not between"),
        (("--list", OFFERS, "--horizon", "1d", "--networks", "base"), "list: nothing of 20 rows is believed"),
    ],
)
def test_plan_refuses_limits_in_one_line(options: tuple[object, ...], line: str, tmp_path: Path) -> None:
    said = tidemill("plan", "--have", "1000 USDC", "--price", "ETH=3000", "-o", tmp_path, *options)
    assert said.code == 2 and said.err.splitlines()[-1].startswith(f"tidemill: {line}"), said.err


def test_a_plan_without_anything_given_says_what_it_knows_and_what_it_lacks(tmp_path: Path) -> None:
    asked = ("plan", "--have", "10000 USDC", "--on", "2026-11-22", "-o", tmp_path)
    said = tidemill(*asked)
    assert said.code == 0, said.err
    for part in ("stays in the wallet", "tidemill knows no rate that it believes today", "Not judged: no dated rate"):
        assert part in said.out
    assert (
        "own facts: 26 stale" in said.out and "liquid_staking@NETWORK:TOKENS" in said.out and "0 believed" in said.out
    )
    document = json.loads(tidemill(*asked, "--json").out)
    assert document["held"] == [] and document["idle"] == document["capital"] == 10_000_000_000
    assert all(one["why"] for one in document["unjudged"])
    believed = json.loads(tidemill(*asked, "--max-age", "100", "--json").out)
    assert believed["held"] and all(one["as_of"] and one["source"] and one["confidence"] for one in believed["held"])


def test_offers_by_hand_are_planned_with_scanned_and_refused_by_field(listed: Path, tmp_path: Path) -> None:
    offer = ("--offer", "aave_v3@op-mainnet:USDT=6%,tvl=90M", "none/other@base:USDC=5%,source=seen today")
    said = tidemill("plan", "--have", "10000 USDC", "--list", listed, *offer, "--on", "2026-11-22", "-o", tmp_path)
    assert said.code == 0, said.err
    assert "5 on offer, 4 believed" in said.out and "rate: aave-v3 USDT on op-mainnet: as of 2026-11-22" in said.out
    assert "seen today" in said.out and (tmp_path / "plan.toml").is_file()
    assert "Believed: 2 of 2" in tidemill("scan", *offer).out
    for wrong, line in (
        (("--offer", "aave_v3@base:USDC"), "offer: 'aave_v3@base:USDC' is no offer; write KIND@NETWORK:TOKENS=APY%"),
        (("--offer", "aave_v3@base:USDC=4%,tvl=lots"), "offer: tvl 'lots' is no sum of dollars"),
        (("--offer", "aave_v3@base:USDC=400%"), "offer: nothing of 1 offers is believed (1 absurd)"),
        (("--max-age", "-1"), "max-age: -1 is not between 0 and 1,000,000"),
        (("--cap", "exchanged:ETH=5%"), "cap: exchanged has no names; write exchanged="),
    ):
        said = tidemill("plan", "--have", "10000 USDC", *wrong, "-o", tmp_path / "not")
        assert said.code == 2 and said.err.splitlines()[-1].startswith(f"tidemill: {line}"), said.err
        assert not (tmp_path / "not").exists()
    assert tidemill("scan").line.startswith("tidemill: list: which list? give --list FILE")


@pytest.mark.parametrize(
    ("changes", "line"),
    [
        ({"--have": "lots"}, "have: 'lots' is no amount of a token"),
        ({"--horizon": "soon"}, "horizon: 'soon' is no time"),
        ({"--price": "ETH"}, "price: 'ETH' is not NAME=NUMBER"),
        ({"--cost": "base=x"}, "cost: 'base=x' is not NAME=NUMBER"),
        ({"--networks": "bass"}, "networks: unknown network 'bass'; did you mean 'base'"),
        ({"--on": "today"}, "on: 'today': expected a day"),
        ({"--most": "-5"}, "most: -5 is not between"),
        ({"--min-tvl": "nan"}, "min-tvl: 'nan' is not a decimal amount"),
        ({"--min-tvl": "-1"}, "min-tvl: '-1': expected USD from 0 up"),
        ({"--cost": "ethreum=9"}, "cost: unknown network 'ethreum'; did you mean 'ethereum'"),
        ({"--cost": "base=0.0000001"}, "cost: '0.0000001' has more than the 6 decimals"),
        ({"--list": "nowhere.json"}, "nowhere.json: cannot be read"),
    ],
)
def test_plan_refuses_in_one_line(listed: Path, changes: dict[str, str], line: str) -> None:
    options = {"--have": "100 USDC", "--list": str(listed), **changes}
    said = tidemill("plan", *(word for option in options.items() for word in option))
    assert said.code == 2
    assert said.line.startswith(f"tidemill: {line}")
