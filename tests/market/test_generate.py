"""Generated markets: the same everywhere, shaped as told, calibrated from what they are given."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import pytest

from tidemill.errors import BadInput
from tidemill.market.draws import ONE_SIGMA, Draws
from tidemill.market.flow_spec import Provider
from tidemill.market.generate import generate
from tidemill.market.manifest import PoolInfo, Token
from tidemill.market.sample import SAMPLE
from tidemill.market.schema import Kind

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)


PROVIDERS = (Provider(10**17, 887_200), Provider(10**18, 2000, moves_per_day=300))


def test_the_same_specification_gives_the_same_market(market):
    again = generate(shared.small_spec())
    assert again.content_hash == market.content_hash
    assert generate(shared.small_spec(seed="other")).content_hash != market.content_hash
    assert generate(shared.small_spec(trades_per_day=999)).content_hash != market.content_hash


def test_the_market_of_this_specification_never_changes():
    """A machine, library or code change that alters generated markets must be seen: their hashes are published."""
    assert (
        generate(shared.small_spec(days=1)).content_hash
        == "46922b874a588989877956a56bf0713fd8bff0ce1c67a8a2221994c535a190d9"
    )


def test_it_is_labelled_and_exact(market):
    manifest = market.manifest
    assert manifest.synthetic and "(synthetic)" in manifest.title
    assert "synthetic" in manifest.notes
    assert manifest.fidelity == "exact"
    assert market.state is not None
    assert SAMPLE.pool.network == "op-mainnet" and SAMPLE.blocks_per_step * SAMPLE.seconds_per_block == 12


def test_blocks_are_two_seconds_and_logs_unique(market):
    events = market.events
    spec = shared.small_spec()
    assert (events["time"] - spec.start_time == 2 * (events["block"] - spec.start_block)).all()
    assert events.select("block", "log_index").is_unique().all()
    assert events["block"].is_sorted()


def test_the_arbitrageur_keeps_the_pool_within_its_band(market):
    """After each of its swaps the pool stands at the edge: at most fee and margin, and the price's rounding, away."""
    tape = market.tape()
    prices = market.prices.filter(market.prices["token"] == "WETH")
    spec = shared.small_spec()
    for time, micro in prices.select("time", "price_micro").iter_rows():
        row = int(np.searchsorted(tape.time, time + spec.seconds_per_step, side="right")) - 1
        if row < 0:
            continue
        outside = -np.log(micro / 1e6 / 1e12) / np.log(1.0001)
        assert abs(outside - tape.tick[row]) <= 5 + spec.margin / 1000 + 3


def test_every_kind_of_swap_and_provider_occurs(market):
    kinds = set(market.events["kind"].to_list())
    assert kinds == {Kind.SWAP, Kind.MINT, Kind.BURN, Kind.COLLECT}
    swaps = market.events.filter(market.events["kind"] == Kind.SWAP)
    assert set(swaps["swap_type"].to_list()) == {0, 1, 2}


@pytest.mark.parametrize(
    "pool",
    [
        PoolInfo(10, "op-mainnet", "0x01", Token("WETH", 18), Token("USDC", 6), 3000, 60),
        PoolInfo(8453, "base", "0x02", Token("WBTC", 8), Token("WETH", 18), 500, 10),
        PoolInfo(10, "op-mainnet", "0x03", Token("USDC", 6), Token("USDT", 6), 100, 1),
        PoolInfo(10, "op-mainnet", "0x04", Token("A", 18), Token("B", 2), 10_000, 200),
    ],
)
def test_other_pools_generate_and_replay(pool):
    tick = {"WETH": -195_000, "WBTC": 257_000, "USDC": 0, "A": -300_000}[pool.token0.symbol]
    size = {"WETH": 10**17, "WBTC": 10**6, "USDC": 10**9, "A": 10**18}[pool.token0.symbol]
    spec = shared.small_spec(pool=pool, start_tick=tick, trade_size=size, days=1, providers=PROVIDERS)
    dataset = generate(spec)
    assert dataset.replay.account.reproduced == dataset.replay.account.swaps > 500


def test_draws_have_the_moments_they_claim():
    draws = Draws("moments")
    normal = draws.normal("n", 200_000) / ONE_SIGMA
    assert abs(normal.mean()) < 0.01
    assert abs(normal.std() - 1) < 0.01
    assert abs((normal**3).mean()) < 0.03
    uniform = draws.uniform("u", 200_000, 1000)
    assert uniform.min() == 0 and uniform.max() == 999
    assert abs(uniform.mean() - 499.5) < 3
    assert (Draws("moments").words("n", 5) == draws.words("n", 5)).all()
    assert (draws.words("n", 50) != draws.words("m", 50)).any()


@pytest.mark.parametrize(
    "change",
    [{"days": 0}, {"providers": ()}, {"volume_memory": 100}, {"exact_out": 90, "limited": 20}, {"blocks_per_step": 0}],
)
def test_absurd_specifications_are_refused(change):
    with pytest.raises(BadInput):
        shared.small_spec(**change)
