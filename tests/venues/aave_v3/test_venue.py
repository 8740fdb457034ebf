"""A lending market in a study: what it asks for, what lending there earns, and when it waits."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Recorded
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import prepare
from tidemill.studies.study import load_study
from tidemill.venues.aave_v3.versions import VERSIONS

STUDY = """
title = "Lending"
network = "op-mainnet"
strategy = "lend"
home = "USDC"
exit = "{exit}"
start = 2025-01-01T00:00:00Z
end = 2025-01-11T00:00:00Z
[capital]
USDC = "1000"
ETH = "0.01"
[tokens]
{tokens}
[prices]
ETH = "3000"
[venues.aave]
kind = "aave_v3"
[venues.aave.params]
asset = "USDC"
collateral = "{collateral}"
{params}
[fees.op-mainnet]
base_fee_gwei = "0.002"
l1_base_fee_gwei = "5"
blob_base_fee_gwei = "1"
"""
WHOLE = {"exit": "close", "tokens": "USDC = 6\nWETH = 18", "collateral": "WETH", "params": "flow_bps = 0"}


def played(tmp_path: Path, **changed: str):
    path = tmp_path / "study.toml"
    path.write_text(STUDY.format(**{**WHOLE, **changed}))
    run = Backtest(prepare(load_study(path)))
    document, outcomes = run.main_run()
    steps = [r for r in outcomes.record if isinstance(r, Recorded)]
    return {row.key: row.value for row in document.waterfall}, [step.verb for step in steps], outcomes


@pytest.mark.parametrize("version", VERSIONS)
def test_what_others_borrow_is_what_one_earns(tmp_path: Path, version: str) -> None:
    rows, verbs, _ = played(tmp_path, params=f'flow_bps = 0\nversion = "{version}"')
    assert verbs == ["supply", "withdraw"]
    # 70 % of ten million are borrowed: 70/90 of 5.5 % on it, a tenth for the treasury, ten days of it on 1,000.
    expected = 1_000 * 10**6 * 7_000 // 10_000 * 550 * 7_000 // 9_000 // 10_000 * 9 // 10 * 10 // 365
    assert abs(rows["interest"] - expected) < expected // 500


def test_each_version_has_gas_of_its_own(tmp_path: Path) -> None:
    used = []
    for version in VERSIONS:
        _, _, outcomes = played(tmp_path, params=f'flow_bps = 0\nversion = "{version}"')
        used.append([step.costs.gas_used for step in outcomes.record if isinstance(step, Recorded)])
    (supply, withdraw), (newer_supply, newer_withdraw) = used
    assert newer_supply < supply and newer_withdraw < withdraw  # v3.6 has no stable rates to look after


def test_a_market_at_its_cap_is_not_entered(tmp_path: Path) -> None:
    rows, verbs, _ = played(tmp_path, params="flow_bps = 0\nsupply_cap = 10_000_000")
    assert verbs == []
    assert rows.get("interest", 0) == 0


def test_what_is_left_standing_is_valued(tmp_path: Path) -> None:
    rows, verbs, outcomes = played(tmp_path, exit="mark")
    assert verbs == ["supply"]
    assert rows["interest"] > 0
    (supply,) = outcomes.marks[-1].positions
    assert (supply.id, supply.kind) == ("aave#supply", "supply")


@pytest.mark.parametrize(
    ("changed", "words"),
    [
        ({"tokens": "USDC = 6"}, "decimals of WETH are not known"),
        ({"collateral": "USDC"}, "asset and collateral are the same token"),
        ({"params": "suplied = 1"}, "did you mean 'supplied'"),
        (
            {"params": 'version = "3.06"'},
            r"venues.aave.params.version: unknown version of Aave v3 '3.06'; did you mean",
        ),
        (
            {"params": 'version = "3.6"\noptimal_bps = 10_000'},
            "optimal_bps: v3.6 takes an optimal usage from 100 to 9900",
        ),
        ({"params": 'version = "3.6"\nslope2_bps = 549'}, "slope2_bps: v3.6 takes no slope below slope1_bps, 550"),
        ({"params": 'version = "3.6"\nslope2_bps = 99_451'}, "slope2_bps: v3.6 takes no rate above 100000"),
    ],
)
def test_bad_parameters_are_named(tmp_path: Path, changed: dict[str, str], words: str) -> None:
    with pytest.raises(BadInput, match=words):
        played(tmp_path, **changed)
