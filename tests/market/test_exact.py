"""Exact replay: full book and model agree with the record, and the first wrong event is named."""

from __future__ import annotations

import importlib.util
from pathlib import Path

import polars as pl
import pytest
from msgspec.structs import replace

from tidemill.errors import BadData, ReplayMismatch
from tidemill.market import load_dataset, write_dataset
from tidemill.market.exact import replay_model
from tidemill.market.generate import generate
from tidemill.market.limbs import from_limbs, to_limbs
from tidemill.market.replay import SwapType
from tidemill.market.schema import Kind
from tidemill.market.state import decode_state, encode_state
from tidemill.market.store import Dataset

_spec = importlib.util.spec_from_file_location("market_conftest", Path(__file__).with_name("conftest.py"))
shared = importlib.util.module_from_spec(_spec)
_spec.loader.exec_module(shared)


def test_every_swap_and_position_change_reproduces(market):
    account = market.replay.account
    kinds = market.events["kind"].to_numpy()
    assert account.fidelity == "exact"
    assert account.reproduced == account.swaps == int((kinds == Kind.SWAP).sum()) > 2000
    assert account.positions == int(((kinds == Kind.MINT) | (kinds == Kind.BURN)).sum()) >= 10
    assert min(account.exact_in, account.exact_out, account.price_limited) > 20


@pytest.mark.parametrize("protocol", [(0, 0), (4, 7)])
def test_the_model_agrees_collects_included(market, protocol):
    """Every event through the venue's model; its price, tick and liquidity at the end are the last recorded ones."""
    if any(protocol):
        pool = replace(market.pool, fee_protocol0=protocol[0], fee_protocol1=protocol[1])
        market = generate(shared.small_spec(pool=pool, days=1))
    state = replay_model(market)
    swaps = market.events.filter(pl.col("kind") == Kind.SWAP)
    assert state.sqrt_price_x96 == from_limbs(swaps["sqrt_price_x96"].to_numpy()[-1:])[0]
    assert state.tick == swaps["tick"][-1]
    # fees of the tape over the liquidity of each step are the model's global fee growth
    tape = market.tape()
    growth = [0, 0]
    for down, fee, depth in zip(
        tape.zero_for_one.tolist(), from_limbs(tape.fee), from_limbs(tape.liquidity), strict=True
    ):
        growth[0 if down else 1] += (fee << 128) // depth
    parts = len(tape.cell)
    for mine, model in zip(growth, (state.fee_growth_global_0_x128, state.fee_growth_global_1_x128), strict=True):
        # splitting a step at a cell's edge rounds each part down once more: at most one unit of 2**-128 a part
        assert 0 <= model - mine <= parts


def change(dataset, row, column, by):
    values = dataset.events[column].to_numpy().copy()
    signed = column.startswith("amount")
    values[row] = to_limbs([from_limbs(values[row : row + 1], signed=signed)[0] + by], values.shape[1], signed=signed)[
        0
    ]
    events = dataset.events.with_columns(pl.Series(column, values, dtype=dataset.events[column].dtype))
    return Dataset(dataset.manifest, {"events": events}, dataset.state)


@pytest.mark.parametrize("kind", [Kind.SWAP, Kind.MINT, Kind.BURN])
@pytest.mark.parametrize("column", ["amount0", "amount1", "liquidity"])
def test_the_first_wrong_event_is_named(market, kind, column):
    rows = [r for r, k in enumerate(market.events["kind"]) if k == kind]
    row = rows[len(rows) // 2]
    by = 1 if kind == Kind.SWAP or column != "liquidity" else 10**12
    broken = change(market, row, column, by)
    where = f"at block {market.events['block'][row]}, log index {market.events['log_index'][row]}"
    with pytest.raises(
        ReplayMismatch, match=f"{kind.name.lower()} {where} does not reproduce: .*in the record.*in the model"
    ):
        _ = broken.replay
    with pytest.raises(ReplayMismatch, match=where.removeprefix("at ")):
        replay_model(broken)


def test_a_collect_of_more_than_is_owed_is_named(market):
    row = market.events["kind"].to_list().index(Kind.COLLECT)
    with pytest.raises(ReplayMismatch, match=f"block {market.events['block'][row]}"):
        replay_model(change(market, row, "amount0", 10**30))


def test_a_missing_event_is_named_at_the_next_that_depends_on_it(market):
    row = market.events["kind"].to_list().index(Kind.SWAP) + 50
    rest = [r for r in range(market.events.height) if r != row]
    with pytest.raises(ReplayMismatch):
        _ = Dataset(market.manifest, {"events": market.events[rest]}, market.state).replay


def test_a_wrong_swap_type_is_a_mismatch(market):
    types = market.events["swap_type"].to_list()
    row = next(r for r, t in enumerate(types) if t == SwapType.EXACT_OUT)
    types[row] = int(SwapType.PRICE_LIMITED) if types[row] != SwapType.PRICE_LIMITED else 0
    limited = next(r for r, t in enumerate(types) if t == SwapType.PRICE_LIMITED and r != row)
    types[limited] = int(SwapType.EXACT_OUT)
    events = market.events.with_columns(pl.Series("swap_type", types, dtype=pl.UInt8))
    try:
        _ = Dataset(market.manifest, {"events": events}, market.state).replay
    except ReplayMismatch:
        return
    pytest.fail("neither swap contradicts its type")


def test_without_a_state_exact_is_refused(market):
    with pytest.raises(BadData, match="needs state.json"):
        _ = Dataset(market.manifest, {"events": market.events}).replay


def test_a_state_survives_its_file(market):
    state = market.initial_state()
    assert decode_state(encode_state(state), market.pool) == state
    assert encode_state(state) == market.state


def test_a_kept_replay_is_the_replay_and_stale_ones_go(market, tmp_path, monkeypatch):
    import numpy as np

    from tidemill.market import kept

    stored = write_dataset(market, tmp_path / "pool")
    first = stored.replay
    assert len(list(stored.folder.glob("replay-*.npz"))) == 1
    monkeypatch.setattr("tidemill.market.replay.replay", lambda _: pytest.fail("replayed again"))
    again = load_dataset(stored.folder).replay
    monkeypatch.undo()
    for a, b in zip((*first.tape, *first.flow), (*again.tape, *again.flow), strict=True):
        assert np.array_equal(a, b) and a.dtype == b.dtype
    assert again.account == first.account
    # damaged: made again, not used
    (path,) = stored.folder.glob("replay-*.npz")
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert kept.kept_replay(stored.folder, stored.replay_key, "exact") is None
    raw[len(raw) // 2] ^= 1
    path.write_bytes(raw)
    assert kept.kept_replay(stored.folder, stored.replay_key, "exact") is not None
    # other code: another name
    monkeypatch.setattr(kept, "_code", lambda: "other")
    assert kept.kept_replay(stored.folder, stored.replay_key, "exact") is None
    _ = load_dataset(stored.folder).replay
    assert len(list(stored.folder.glob("replay-*.npz"))) == 1
