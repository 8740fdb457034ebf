"""Calibration finds again what a market was made of, and takes a real day."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import pytest

from tidemill.errors import BadData
from tidemill.market.calibrate import calibrate
from tidemill.market.generate import generate
from tidemill.market.importing import dataset_of_events
from tidemill.market.limbs import from_limbs
from tidemill.market.schema import Kind

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)


def test_it_finds_what_a_market_was_made_of():
    told = shared.small_spec(days=10, jumps_per_day=0, volume_spread=0, sigma=3_000)
    found = calibrate(generate(told))
    assert found.pool == told.pool
    assert (found.seconds_per_block, found.blocks_per_step) == (2, 6)
    assert found.sigma == pytest.approx(told.sigma, rel=0.1)
    assert found.exact_out <= told.exact_out
    assert sum(p.liquidity for p in found.providers) <= sum(p.liquidity for p in told.providers)


def test_what_it_makes_is_traded_as_much():
    """Arbitrage by itself is most of the volume here: only what is left is others' (a factor of 2.3 without)."""
    history = generate(shared.small_spec(days=10))
    made = generate(calibrate(history, days=10, seed="again"))
    assert volume(made) == pytest.approx(volume(history), rel=0.15)


def volume(dataset):
    swaps = dataset.events.filter(dataset.events["kind"] == int(Kind.SWAP))
    return sum(abs(amount) for amount in from_limbs(swaps["amount0"].to_numpy(), signed=True))


def test_more_volatile_and_busier_markets_are_told_apart():
    base, wild, busy = (
        calibrate(generate(shared.small_spec(days=4, **change)))
        for change in ({}, {"sigma": 7_400}, {"trades_per_day": 4_000})
    )
    assert wild.sigma > 1.6 * base.sigma
    assert busy.trades_per_day > 1.5 * base.trades_per_day


def test_a_real_day_calibrates_and_what_it_makes_is_exact(day):
    spec = calibrate(day, days=1, seed="like the day")
    assert 3_000 < spec.trades_per_day < 7_000
    # about 2.6 % a day in those hours: between 30 % and 90 % a year
    assert 0.3 < spec.sigma / 1e7 * (365.25 * 86_400 / spec.seconds_per_step) ** 0.5 < 0.9
    assert spec.seconds_per_block == 12
    made = generate(spec)
    assert made.replay.account.reproduced == made.replay.account.swaps > 1000
    assert calibrate(day, days=1, seed="like the day") == spec


def test_too_little_is_refused(market):
    short = dataset_of_events(market.events[:50], market.pool, source="short")
    with pytest.raises(BadData, match="calibration needs 6 h and 100"):
        calibrate(short)
