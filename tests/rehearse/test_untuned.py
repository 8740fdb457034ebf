"""Rehearsals nobody tuned for: other pools, other tokens, a strategy whose transactions fail on the chain."""

from __future__ import annotations

from pathlib import Path

import pytest

from tidemill.interfaces import Recorded, Reverted
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.store import write_dataset
from tidemill.studies.load import load

pytestmark = pytest.mark.chain

FEES = """
[fees.{network}]
base_fee_gwei = "0.004"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "6"
blob_base_fee_gwei = "0.2"
"""

STUDY = """
title = "Nobody tuned for this"
network = "{network}"
strategy = "{strategy}"
home = "USDC"
[capital]
USDC = "8000"
ETH = "0.05"
[prices]
{prices}
[rehearse]
actions = 150
[world]
placement = "{placement}"
[venues.pool]
kind = "uniswap_v3"
dataset = "{dataset}"
[parameters]
{parameters}
"""

POOLS = {
    "reversed order, 0.3 %": (Token("WETH", 18), Token("USDC", 6), 3_000, 60, -196_260, 10**18, 30 * 10**14),
    "8 decimals": (Token("WBTC", 8), Token("USDC", 6), 500, 10, 63_970, 4 * 10**6, 6 * 10**12),
    "a tier of its own": (Token("USDC", 6), Token("WETH", 18), 100, 1, 195_000, 10**9, 30 * 10**15),
}


def spec_of(name: str) -> FlowSpec:
    token0, token1, fee, spacing, tick, size, liquidity = POOLS[name]
    return FlowSpec(
        pool=PoolInfo(8453, "base", "0x" + "5e" * 20, token0, token1, fee, spacing),
        providers=(
            Provider(liquidity=liquidity, width=800_000 // spacing * spacing),
            Provider(liquidity=5 * liquidity, width=60 * spacing * 2, moves_per_day=200),
        ),
        seed=f"untuned {name}",
        days=1,
        trades_per_day=900,
        trade_size=size,
        start_tick=tick,
    )


@pytest.mark.parametrize("name", POOLS)
def test_any_pool_rehearses_to_the_wei(name: str, tmp_path: Path) -> None:
    write_dataset(generate(spec_of(name)), tmp_path / "data")
    token0 = POOLS[name][0].symbol
    text = STUDY.format(
        network="base",
        strategy="range_reset",
        prices='ETH = "3000"' if token0 == "WBTC" else "",
        placement="last",
        dataset="data",
        parameters="width = 120\ntrigger = 20\ncooldown = 600",
    )
    (tmp_path / "study.toml").write_text(text + FEES.format(network="base"))
    document = load(tmp_path / "study.toml").rehearse(gas="measured").document
    assert document.agrees, document.differences
    assert document.verdict.startswith("0 wei") and document.transactions.others > 80
    assert {"mint", "close"} <= {row.verb for row in document.fees}


MIXED = """
title = "A vault's share, staked for WETH that is sold in a pool"
network = "op-mainnet"
strategy = "deposit_and_harvest"
home = "USDC"
end = 2025-01-02T00:00:00Z
[capital]
USDC = "20000"
ETH = "0.05"
[rehearse]
actions = 400
seconds = 6
[venues.pool]
kind = "uniswap_v3"
dataset = "sample"
[venues.vault]
kind = "erc4626"
[venues.vault.params]
asset = "USDC"
share = "vUSDC"
yield_every_hours = 1
[venues.farm]
kind = "staking_rewards"
[venues.farm.params]
staking = "vUSDC"
reward = "WETH"
staked = 10_000
reward_per_period = 400
[parameters]
market = "pool"
claim_at = 30_000_000_000_000_000
"""


@pytest.mark.parametrize("mode", ["locked", "live-like"])
def test_a_study_over_three_venues_rehearses_on_one_chain(mode: str, tmp_path: Path) -> None:
    (tmp_path / "study.toml").write_text(MIXED + FEES.format(network="op-mainnet"))
    comparison = load(tmp_path / "study.toml").rehearse(mode, "measured")  # type: ignore[arg-type]
    document = comparison.document
    assert document.agrees, document.differences
    done = {step.verb for step in comparison.chain.record if isinstance(step, Recorded)}
    assert {"deposit", "stake", "claim", "swap_exact_in", "exit", "redeem"} <= done
    assert {row.account for row in document.balances} >= {"me", "others", "pool:pool", "vault:vault", "farm:farm"}
    assert {row.difference for row in document.balances} == {0}


GREEDY = '''
from msgspec import Struct
from tidemill.interfaces import Decision, Every, Intent, Limits, Plan


class Greedy(Struct, frozen=True):
    """Swaps a little every five minutes and asks for exactly what the swap would give now."""

    venue: str
    home: str

    def decide(self, view, memo, news):
        if view.in_flight or view.why == "end":
            return Decision(wake=(Every(300),))
        args = {"token_in": self.home, "amount_in": 5_000_000}
        out = view.quote(Intent(self.venue, "swap_exact_in", args)).amounts["amount_out"]
        swap = Intent(self.venue, "swap_exact_in", args, Limits(amounts={"amount_out_min": out}))
        return Decision((Plan((swap,)),), wake=(Every(300),))
'''


def test_what_fails_on_the_chain_fails_in_the_model_and_is_paid_for(tmp_path: Path) -> None:
    (tmp_path / "greedy.py").write_text(GREEDY)
    text = STUDY.format(
        network="op-mainnet",
        strategy="greedy.py:Greedy",
        prices="",
        placement="last",
        dataset="sample",
        parameters="",
    ).replace("actions = 150", "actions = 200")
    text = text.replace('home = "USDC"', 'home = "USDC"\nexit = "mark"\nend = 2025-01-01T05:00:00Z')
    text = text.replace("[world]", "[world]\ndelay_blocks = 40")
    (tmp_path / "study.toml").write_text(text + FEES.format(network="op-mainnet"))
    comparison = load(tmp_path / "study.toml").rehearse(gas="measured")
    document = comparison.document
    assert document.agrees, document.differences
    failed = [s for s in comparison.chain.record if isinstance(s, Recorded) and isinstance(s.status, Reverted)]
    filled = [s for s in comparison.chain.record if isinstance(s, Recorded) and not isinstance(s.status, Reverted)]
    assert len(failed) >= 2 and filled
    assert {step.status.reason for step in failed} == {"Too little received"}  # type: ignore[union-attr]
    assert all(step.costs.total > 0 for step in failed)
    assert document.transactions.own_failed == len(failed)
    assert sum(row.state == "failed" for row in document.journal) == len(failed)
