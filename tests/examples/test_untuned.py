"""Studies nobody tuned for: other fee tier, reversed tokens, eight decimals, other chains, a strategy of one's own."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest

import tidemill
from kit import STUDY, small_market, to_toml
from tidemill.errors import BadInput
from tidemill.market import PoolInfo, Token, missing_reason, write_dataset
from tidemill.market.flow_spec import Provider
from tidemill.studies.schema import ResultDocument

USDC, WETH = Token("USDC", 6), Token("WETH", 18)
ASSUMED = {"base_fee_gwei": "0.005", "priority_fee_gwei": "0.001", "l1_base_fee_gwei": "5", "blob_base_fee_gwei": "0.1"}


def run(folder: Path, **changes: Any) -> ResultDocument:
    """Run the small study with top-level keys changed; check what holds for every liquidity study."""
    (folder / "study.toml").write_text(to_toml(STUDY | changes))
    document = tidemill.load(folder / "study.toml").run().document
    rows = {row.key: row.value for row in document.waterfall}
    assert rows["fees"] > 0
    assert rows["l2"] < 0
    assert rows["keep"] == document.headline.keep
    assert abs(document.unexplained) <= document.unexplained_bound
    assert {"mint", "close"} <= {cost.verb for cost in document.costs}
    # nothing absurd, which a wrong scale of a token would be: two days earn or lose less than a fifth
    assert abs(document.headline.keep) * 5 < document.headline.capital_value
    assert not any(position.closed is None for position in document.positions)
    return document


@pytest.fixture(scope="module")
def usdc_weth(tmp_path_factory: pytest.TempPathFactory) -> Path:
    root = tmp_path_factory.mktemp("usdc_weth")
    write_dataset(small_market(), root / "small")
    return root


@pytest.fixture(scope="module")
def weth_usdc(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same sort of market with the tokens in the other order."""
    root = tmp_path_factory.mktemp("weth_usdc")
    pool = PoolInfo(10, "op-mainnet", "0x" + "06" * 20, WETH, USDC, 500, 10)
    write_dataset(small_market(pool=pool, start_tick=-195_000, trade_size=5 * 10**17), root / "small")
    return root


def test_the_pool_of_another_fee_tier(tmp_path: Path):
    name = "uniswap_v3/eth_usdc_weth_030_20240105_rawlogs.parquet"
    if reason := missing_reason(name):
        pytest.skip(reason)
    pool = {
        "address": "0x8ad599c3a0ff1de082011efddc58f1908eb6e6d8", "token0": "USDC", "decimals0": 6, "token1": "WETH",
        "decimals1": 18, "fee": 3000, "tick_spacing": 60,
    }  # fmt: skip
    document = run(
        tmp_path,
        network="ethereum",
        capital={"USDC": "100000", "ETH": "1"},
        venues={"pool": {"kind": "uniswap_v3", "dataset": name, "pool": pool}},
        parameters={"width": 300, "trigger": 60, "cooldown": 7200},
        fees={"ethereum": {"base_fee_gwei": "20", "priority_fee_gwei": "0.1"}},
    )
    assert document.fidelity.data == "inferred"
    assert not document.study.synthetic
    assert all(position.tick_lower % 60 == position.tick_upper % 60 == 0 for position in document.positions)


def test_reversed_token_order(weth_usdc: Path):
    document = run(weth_usdc)
    (first, *_) = document.positions
    assert 2_000 < first.price_lower < first.price_upper < 6_000  # shown in USDC per WETH, whatever the order


def test_both_orders_of_the_same_prices_agree_in_what_holding_keeps(usdc_weth: Path, weth_usdc: Path):
    """The seed is another, so only the scale can be compared: both hold 1,000 USDC and 0.1 ETH."""
    values = [run(folder).headline.capital_value for folder in (usdc_weth, weth_usdc)]
    assert abs(values[0] - values[1]) * 50 < values[0]


def test_a_token_of_eight_decimals(tmp_path: Path):
    pool = PoolInfo(10, "op-mainnet", "0x" + "07" * 20, Token("WBTC", 8), USDC, 500, 10)
    providers = (Provider(3 * 10**12, 887_270), Provider(20 * 10**12, 800, moves_per_day=300))
    market = small_market(pool=pool, providers=providers, start_tick=63_970, trade_size=3 * 10**6)
    write_dataset(market, tmp_path / "small")
    document = run(tmp_path, prices={"ETH": "3000"})
    assert {token.symbol: token.decimals for token in document.tokens} == {"WBTC": 8, "USDC": 6, "ETH": 18}
    assert 50_000 < document.positions[0].price_lower < 70_000


@pytest.mark.parametrize("network", ["base", "unichain"])
def test_another_chain_of_the_family(usdc_weth: Path, network: str):
    document = run(usdc_weth, network=network, fees={network: ASSUMED})
    assert document.study.networks == [network]
    levels = ("base_fee", "priority_fee", "l1_base_fee", "blob_base_fee")
    assert {a.key for a in document.assumptions} == {f"{network}:{level}" for level in levels}
    half_and_double = [
        (a.keep_at_half, a.keep_at_double) for a in document.assumptions if a.key == f"{network}:base_fee"
    ]
    assert all(half > document.headline.keep > double for half, double in half_and_double)


def test_a_chain_whose_facts_end_is_refused_with_what_is_missing(usdc_weth: Path):
    with pytest.raises(BadInput, match=r"study.toml: .*mode needs base_fee_scalar and has no dated value for it"):
        run(usdc_weth, network="mode", fees={"mode": ASSUMED})


OWN = '''
from msgspec import Struct
from tidemill.interfaces import Decision, TickLeaves
from tidemill.strategies.liquidity import LpMemo, PoolView, enter, leave
from tidemill.strategies.ratio import usable_range

class OneShot(Struct, frozen=True):
    """Enter once; leave for good when the price leaves the range."""

    venue: str
    home: str
    width: int
    Memo = LpMemo

    def decide(self, view, memo, news):
        if view.in_flight:
            return Decision(memo=memo)
        pool = PoolView.of(view, self.venue)
        lower, upper = usable_range(pool.tick - self.width, pool.tick + self.width, pool.spacing)
        if view.why == "start":
            return Decision((enter(view, self.venue, lower, upper, 50),), memo=LpMemo(entered_at=1))
        held = [p for p in view.positions if p.venue == self.venue]
        if view.why == "end" or not held or not held[0].data["tick_lower"] <= pool.tick < held[0].data["tick_upper"]:
            return leave(view, self.venue, self.home, 50, memo)
        return Decision(wake=(TickLeaves(self.venue, held[0].data["tick_lower"], held[0].data["tick_upper"]),), memo=memo)
'''


@pytest.mark.parametrize("market", ["usdc_weth", "weth_usdc"])
def test_a_strategy_of_ones_own(market: str, request: pytest.FixtureRequest):
    folder = request.getfixturevalue(market)
    (folder / "own.py").write_text(OWN)
    document = run(folder, strategy="own.py:OneShot", parameters={"width": 150})
    (position,) = document.positions
    assert position.closed < document.study.end  # the price left 1.5 % within two days
    assert len(document.study.strategy_hash) == 64


def test_kept_in_the_other_token(usdc_weth: Path):
    document = run(usdc_weth, home="WETH")
    assert document.study.home == "WETH"
    assert document.headline.capital_value < 10**6  # millionths of a WETH: 1,000 USDC and 0.1 ETH are less than one
