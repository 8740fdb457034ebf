"""Two pools in one study, on one chain with one ledger: each with contracts of its own, tokens shared."""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path

import pytest

from tidemill.errors import BadInput
from tidemill.interfaces import Filled, Recorded
from tidemill.market.flow_spec import FlowSpec, Provider
from tidemill.market.generate import generate
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.store import write_dataset
from tidemill.studies.load import load
from tidemill.studies.rehearsal.run import Comparison

pytestmark = pytest.mark.chain

USDC, WETH, WBTC = Token("USDC", 6), Token("WETH", 18), Token("WBTC", 8)

SPLIT = '''
from msgspec import Struct
from tidemill.interfaces import All, At, Decision, Intent, Limits, Of, Plan


class Memo(Struct, frozen=True):
    entered: bool = False


class Split(Struct, frozen=True):
    """Buys the other token in one pool, puts a range into each of two pools, and leaves both at the end."""

    home: str
    one: str = "low"
    two: str = "high"
    Memo = Memo

    def decide(self, view, memo, news):
        if view.in_flight:
            return Decision(memo=memo)
        if view.why == "end":
            return self._leave(view, memo)
        if memo.entered:
            return Decision(memo=memo)
        other = "WETH@" + self.home.partition("@")[2]
        spend = view.balances[self.home] // 2
        buy = {"token_in": self.home, "amount_in": spend}
        out = view.quote(Intent(self.one, "swap_exact_in", buy)).amounts["amount_out"]
        steps = [Intent(self.one, "swap_exact_in", buy, Limits(amounts={"amount_out_min": out * 95 // 100}))]
        for venue, spacing in ((self.one, 10), (self.two, 60)):
            tick = view.read(venue, "slot0")[1] // spacing * spacing
            args = {"tick_lower": tick - 20 * spacing, "tick_upper": tick + 20 * spacing,
                    "amount0_desired": spend // 2, "amount1_desired": out * 45 // 100}
            limits = Limits(amounts={"amount0_min": 0, "amount1_min": 0})
            steps.append(Intent(venue, "mint", args, limits))
        return Decision((Plan(tuple(steps)),), memo=Memo(True))

    def _leave(self, view, memo):
        if view.positions:
            floor = Limits(amounts={"amount0_min": 0, "amount1_min": 0})
            plans = tuple(Plan((Intent(p.venue, "close", {"position": p.id}, floor),)) for p in view.positions)
            return Decision(plans, memo=memo)
        other = "WETH@" + self.home.partition("@")[2]
        held = view.balances.get(other, 0)
        if not held:
            return Decision(memo=memo)
        sell = {"token_in": other, "amount_in": held}
        out = view.quote(Intent(self.two, "swap_exact_in", sell)).amounts["amount_out"]
        limits = Limits(amounts={"amount_out_min": out * 9 // 10})
        return Decision((Plan((Intent(self.two, "swap_exact_in", sell, limits),)),), memo=memo)
'''

STUDY = """
title = "One position in each of two pools"
network = "op-mainnet"
strategy = "split.py:Split"
home = "USDC"
[capital]
USDC = "20000"
ETH = "0.05"
[rehearse]
actions = 240
seconds = 5
[venues.low]
kind = "uniswap_v3"
dataset = "low"
[venues.high]
kind = "uniswap_v3"
dataset = "high"
[fees.op-mainnet]
base_fee_gwei = "0.004"
priority_fee_gwei = "0.001"
l1_base_fee_gwei = "6"
blob_base_fee_gwei = "0.2"
"""


def pool(token0: Token, token1: Token, fee: int, spacing: int, tick: int, address: str) -> FlowSpec:
    return FlowSpec(
        pool=PoolInfo(10, "op-mainnet", "0x" + address * 20, token0, token1, fee, spacing),
        providers=(
            Provider(liquidity=30_000_000_000_000_000, width=800_000 // spacing * spacing),
            Provider(liquidity=120_000_000_000_000_000, width=120 * spacing, moves_per_day=200),
        ),
        seed=f"two pools {fee} {token0.symbol}",
        days=1,
        trades_per_day=700,
        start_tick=tick,
    )


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    folder = tmp_path_factory.mktemp("two")
    write_dataset(generate(pool(USDC, WETH, 500, 10, 195_000, "0a")), folder / "low")
    write_dataset(generate(pool(USDC, WETH, 3_000, 60, 195_020, "0b")), folder / "high")
    write_dataset(generate(pool(WETH, USDC, 3_000, 60, -195_020, "0c")), folder / "reversed")
    (folder / "split.py").write_text(SPLIT)
    return folder


@pytest.fixture(scope="module")
def played(folder: Path) -> Callable[..., Comparison]:
    done: dict[tuple[str, str], Comparison] = {}

    def rehearse(mode: str, gas: str = "measured") -> Comparison:
        if (mode, gas) not in done:
            (folder / "study.toml").write_text(STUDY)
            done[mode, gas] = load(folder / "study.toml").rehearse(mode, gas)  # type: ignore[arg-type]
        return done[mode, gas]

    return rehearse


@pytest.mark.parametrize("mode", ["locked", "live-like"])
def test_two_pools_agree_to_the_wei(played: Callable[..., Comparison], mode: str) -> None:
    comparison = played(mode)
    document = comparison.document
    assert document.agrees, document.differences
    assert {row.difference for row in document.balances} == {0}
    assert document.verdict.startswith("0 wei difference") == (mode == "locked")
    done = {(step.venue, step.verb) for step in comparison.chain.record
            if isinstance(step, Recorded) and isinstance(step.status, Filled)}  # fmt: skip
    assert done >= {("low", "mint"), ("high", "mint"), ("low", "close"), ("high", "close"), ("low", "swap_exact_in")}
    assert {row.venue for row in document.state} == {"low", "high"}
    accounts = {(row.account, row.token.partition("@")[0]) for row in document.balances if row.chain}
    assert accounts >= {(f"{name}:pool", token) for name in ("low", "high") for token in ("USDC", "WETH")}
    # One account of others at both pools, one book of it.
    assert sum(row.account == "others" for row in document.balances) == 2


def test_both_pools_see_their_own_market(played: Callable[..., Comparison]) -> None:
    comparison = played("locked")
    prices = {row.venue: row.values for row in comparison.document.state if row.name == "slot0"}
    assert prices["low"] != prices["high"]
    twins = {row.venue: row.values for row in comparison.document.state if row.name.startswith("feeGrowthGlobal0")}
    assert len(set(twins.values())) == 2 and "0" not in twins.values()
    assert 150 < comparison.document.transactions.others <= 240


def test_pools_that_order_their_tokens_differently_are_refused(folder: Path, tmp_path: Path) -> None:
    text = STUDY.replace('dataset = "high"', f'dataset = "{folder / "reversed"}"')
    (tmp_path / "study.toml").write_text(text.replace('dataset = "low"', f'dataset = "{folder / "low"}"'))
    (tmp_path / "split.py").write_text(SPLIT)
    with pytest.raises(BadInput, match=r"study\.toml: venues: pools of the study have .*USDC.* contradict each other"):
        load(tmp_path / "study.toml").rehearse()
