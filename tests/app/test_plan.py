"""``scan`` and ``plan`` on the command line: tables, JSON, and one line where something is wrong."""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

import pytest

from kit import tidemill

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
