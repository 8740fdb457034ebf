"""Inference on the real day: every determinable swap to the wei, and honest about the rest."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import numpy as np
import polars as pl
import pytest

from tidemill.errors import BadData
from tidemill.market import Dataset, import_rawlogs
from tidemill.market.importing import dataset_of_events
from tidemill.market.infer import infer
from tidemill.market.limbs import from_limbs, to_limbs
from tidemill.market.schema import Kind

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)


def test_the_real_day_reproduces_to_the_wei(day):
    account = day.replay.account
    assert account.swaps == 6046
    assert (account.in_cell, account.cell_changing) == (5372, 627)
    assert account.reproduced == 5999
    assert len(account.undeterminable) == 46
    assert len(account.no_state) == 1
    assert account.mismatched == ()
    assert account.positions == 54 + 69
    assert (account.exact_in, account.exact_out, account.price_limited) == (5196, 613, 190)
    assert account.undeterminable_later == 36
    assert "5999 of 6046" in account.model_error


def test_the_030_pool_reproduces_too():
    dataset = import_rawlogs(shared.real("eth_usdc_weth_030_20240105_rawlogs"), shared.POOL_030)
    account = dataset.replay.account
    assert (account.swaps, account.reproduced, len(account.undeterminable), len(account.no_state)) == (267, 262, 4, 1)
    assert account.mismatched == ()
    assert account.undeterminable_later == 4


def tape_fees_by_event(dataset: Dataset) -> dict[int, int]:
    tape = dataset.tape()
    sums: dict[int, int] = {}
    for event, fee in zip(tape.event.tolist(), from_limbs(tape.fee), strict=True):
        sums[event] = sums.get(event, 0) + fee
    return sums


@pytest.mark.parametrize("source", ["day", "market"])
def test_the_tape_is_a_continuous_path_whose_parts_sum_to_the_record(source, request):
    dataset = request.getfixturevalue(source)
    tape, flow = dataset.tape(), dataset.flow()
    spacing = dataset.pool.tick_spacing
    assert (np.diff(tape.time) >= 0).all() and (np.diff(tape.block) >= 0).all() and (np.diff(tape.event) >= 0).all()
    assert np.abs(np.diff(tape.cell)).max() == 1  # no step over a cell: any range may begin or end there
    ends_inside = tape.cell == tape.tick // spacing
    at_edge = (tape.tick == tape.cell * spacing - 1) | (tape.tick == (tape.cell + 1) * spacing)
    assert (ends_inside | at_edge).all()
    assert not (at_edge & ends_inside).any()
    # an event ends at its recorded price and tick
    last = np.flatnonzero(np.diff(tape.event, append=-1) != 0)
    swaps = flow.kind[tape.event[last]] == Kind.SWAP
    assert swaps.all()
    assert np.array_equal(tape.sqrt_price[last], flow.sqrt_price[tape.event[last]])
    recorded = dataset.events["tick"].to_numpy()
    assert (tape.tick[last] == recorded[tape.event[last]]).all()
    # fees: what went in less what moved the price, about fee millionths of the input, rounded up
    sums = tape_fees_by_event(dataset)
    ins = [
        max(a, b)
        for a, b in zip(from_limbs(flow.amount0, signed=True), from_limbs(flow.amount1, signed=True), strict=True)
    ]
    fee = dataset.pool.fee
    for event, total in sums.items():
        steps = int((tape.event == event).sum()) if abs(total * 10**6 - ins[event] * fee) > 10**6 else 1
        assert 0 <= total * 10**6 - ins[event] * fee + 10**6 * steps <= 2 * 10**6 * steps + 10**6, event


def test_flow_says_how_each_swap_was_called(market):
    """The generator knows; inference must not contradict it where the answer differs."""
    blind = market.events.with_columns(pl.lit(None, pl.UInt8).alias("swap_type"))
    found = infer(blind, market.pool)
    told = market.events["swap_type"].fill_null(0).to_numpy()
    swaps = market.events["kind"].to_numpy() == Kind.SWAP
    names = list(zip(market.events["block"].to_list(), market.events["log_index"].to_list(), strict=True))
    unsure = {*found.account.undeterminable, *found.account.no_state}
    sure = swaps & np.array([name not in unsure for name in names])
    agree = found.flow.swap_type[sure] == told[sure]
    assert sure.sum() > 1000
    assert agree.mean() > 0.995  # equal outcomes are told apart by nobody: exact in is then assumed
    assert found.account.mismatched == ()


def test_inferred_steps_equal_exact_steps_where_determinable(market):
    blind = dataset_of_events(market.events, market.pool, source="blind")
    found, exact = blind.replay, market.replay
    unsure = np.isin(
        found.tape.event,
        [
            k
            for k, n in enumerate(zip(market.events["block"], market.events["log_index"], strict=True))
            if n in {*found.account.undeterminable, *found.account.no_state}
        ],
    )
    keep_exact = np.isin(exact.tape.event, np.unique(found.tape.event[~unsure]))
    for name in ("cell", "tick", "sqrt_price", "liquidity", "fee", "zero_for_one"):
        assert np.array_equal(getattr(found.tape, name)[~unsure], getattr(exact.tape, name)[keep_exact]), name
    assert keep_exact.mean() > 0.9


@pytest.mark.parametrize("change", [{"fee": 3000}, {"fee": 100}])
def test_a_wrong_fee_is_refused(day, change):
    from msgspec.structs import replace

    with pytest.raises(BadData, match="contradict earlier ones, first at block 18937382, log index 250"):
        infer(day.events, replace(day.pool, **change))


def test_a_wrong_spacing_is_refused(day):
    from msgspec.structs import replace

    with pytest.raises(BadData, match="contradict earlier"):
        infer(day.events, replace(day.pool, tick_spacing=60))


def test_missing_mints_are_noticed_not_guessed(market):
    without = market.events.filter(pl.col("kind") != Kind.MINT)
    try:
        account = infer(without, market.pool).account
    except BadData:
        return
    assert account.mismatched


@pytest.mark.parametrize(
    ("column", "by"), [("amount0", 2), ("amount1", 1), ("sqrt_price_x96", 10**18), ("liquidity", 1)]
)
def test_a_wrong_value_is_a_mismatch(day, column, by):
    """A single wrong value in a determinable swap is seen.

    One unit more of an exact input can be all fee, since what is spent is rounded down: two units cannot. A price one
    off can be a price limit, as USDC's unit is coarser than the price's.
    """
    row = 2000
    while day.events["kind"][row] != Kind.SWAP:
        row += 1
    values = day.events[column].to_numpy().copy()
    signed = column.startswith("amount")
    values[row] = to_limbs([from_limbs(values[row : row + 1], signed=signed)[0] + by], values.shape[1], signed=signed)[
        0
    ]
    changed = day.events.with_columns(pl.Series(column, values, dtype=day.events[column].dtype))
    name = (day.events["block"][row], day.events["log_index"][row])
    assert name in infer(changed, day.pool).account.mismatched


def test_liquidity_is_learnt_from_earlier_events_only(day):
    """Cutting the file after any swap changes nothing about the swaps before the cut."""
    whole = day.replay.account
    for cut in (500, 1500, 4000):
        part = infer(day.events[:cut], day.pool).account
        names = set(zip(day.events["block"][:cut].to_list(), day.events["log_index"][:cut].to_list(), strict=True))
        assert part.undeterminable == tuple(n for n in whole.undeterminable if n in names)
