"""The start of a window without a chain: what is made up fits what is known, and what is known is not made up."""

from __future__ import annotations

import copy
from types import SimpleNamespace
from typing import Any

import pytest
from msgspec import structs

from rehearse.played import shortened
from tidemill.errors import BadInput
from tidemill.interfaces import Block
from tidemill.market.data import data_root
from tidemill.studies.backtest import Backtest
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.rehearsal.unrest import unrest
from tidemill.studies.rehearsal.window import choose_window
from tidemill.venues.shared.ground import Others
from tidemill.venues.uniswap_v3.local import stage_at
from tidemill.venues.uniswap_v3.local_start import start_of
from tidemill.venues.uniswap_v3.pool_stage import OTHERS, PoolStage, executed_state, recorded_actions

LAST = Block(time=2**60, number=2**60)


def some_time_in(prepared: Prepared, hours: int) -> Block:
    return prepared.blocks.last_until(prepared.start + hours * 3_600)


def test_an_exact_start_is_the_pool_that_execution_gives() -> None:
    prepared = prepare(shortened("range_reset"))
    market = prepared.markets["pool"]
    at = some_time_in(prepared, 30)
    start = start_of(market, at, LAST)
    setup: Any = SimpleNamespace(market=market, network="op-mainnet", id="pool")
    executed = PoolStage("pool", "op-mainnet", executed_state(setup), recorded_actions(market.flow()), anchored=False)
    executed.advance(at)
    fresh = stage_at("pool", "op-mainnet", market.pool, start, at)
    old, new = executed.state.pool, fresh.state.pool
    assert not start.made_up and len(start.ranges) > 3
    assert (new.sqrt_price_x96, new.tick, new.liquidity) == (old.sqrt_price_x96, old.tick, old.liquidity)
    held = {key[1:]: position.liquidity for key, position in old.positions.items() if position.liquidity}
    made = {key[1:]: position.liquidity for key, position in new.positions.items() if key[0] == OTHERS}
    assert made == held
    ticks = {tick: info.liquidity_net for tick, info in old.ticks.items()}
    far = sorted(new.ticks)[:2]  # the one raw unit that the manager has met the pool with
    assert {t: i.liquidity_net for t, i in new.ticks.items() if t not in far} == ticks
    # From there on, the recorded market goes the same way on both.
    until = some_time_in(prepared, 36)
    executed.advance(until)
    fresh.advance(until)
    assert fresh.played > 100
    assert (new.sqrt_price_x96, new.tick, new.liquidity) == (old.sqrt_price_x96, old.tick, old.liquidity)


def test_an_inferred_start_has_the_known_liquidity_in_every_cell() -> None:
    if data_root() is None:
        pytest.skip("no market data: set TIDEMILL_DATA")
    prepared = prepare(shortened("real_day"))
    market = prepared.markets["pool"]
    at = some_time_in(prepared, 6)
    start = start_of(market, at, prepared.blocks.last_until(prepared.end))
    assert start.made_up and start.added > 0 and all(liquidity > 0 for *_, liquidity in start.ranges)
    tape, flow = market.tape(), market.flow()
    cells = market.path_liquidity().known(int((tape.block <= at.number).sum()), int((flow.block <= at.number).sum()))
    assert len(cells) > 10
    spacing = market.pool.tick_spacing
    for cell, known in cells.items():
        assert sum(n for low, high, n in start.ranges if low <= cell * spacing < high) == known
    # Everything burnt later can be burnt.
    stage = stage_at("pool", "ethereum", market.pool, start, at)
    stage.advance(prepared.blocks.last_until(prepared.end))
    burns = sum(action.verb == "pool_burn" for _, action, _ in start.actions)
    assert burns > 10 and stage.refused < burns // 4


def test_the_window_holds_no_more_than_asked_and_the_most_steps() -> None:
    prepared = prepare(shortened("range_reset", actions=400))
    outcomes = Backtest(prepared).play().outcomes
    window = choose_window(prepared, outcomes)
    assert 300 < window.actions <= 400 and window.start < window.end <= prepared.end
    assert 0 < window.own <= window.own_of
    tight = copy.copy(prepared)
    tight.study = structs.replace(tight.study, rehearse=structs.replace(tight.study.rehearse, actions=1))
    with pytest.raises(BadInput, match=r"rehearse\.actions"):
        choose_window(tight, outcomes)


def test_unrest_keeps_everything_and_changes_the_order() -> None:
    prepared = prepare(shortened("range_reset"))
    start = start_of(prepared.markets["pool"], some_time_in(prepared, 30), some_time_in(prepared, 40))
    items = [Others(block, OTHERS, action) for block, action, _ in start.actions]
    one, again, two = unrest("a")(items), unrest("a")(items), unrest("b")(items)
    assert one == again != two
    assert [item.block for item in one] == sorted(item.block for item in one)
    actions = [item.action for item in one]
    assert all(item.action in actions for item in items) and len(one) > len(items)
    assert one != items
    middle = items[len(items) // 2].block.number
    calm = [item for item in items if item.block.number <= middle]
    late = unrest("a", middle)(items)
    assert late[: len(calm)] == calm and late != items
