"""The four modes of own liquidity, each against what it claims to be exact to.

``small`` and ``diluted``: plain integer sums over the tape. ``impact``: the real pool in pyrevm with the same swaps and
oneself in it. ``anchored``: the recorded price after every recorded swap, and the real pool again.
"""

from __future__ import annotations

import random
from collections.abc import Iterator
from typing import Any

import pytest

from harness.day import LAST, ME, NET, Wallet, block_of, market, pool_stage, replay_stage
from tidemill.chain import artefacts
from tidemill.interfaces import Action, Block, Claimable, EventCount, Revert, TickLeaves
from tidemill.market.index import FeeIndex
from tidemill.market.limbs import from_limbs
from tidemill.venues.uniswap_v3.model_state import ManagerState, UniswapV3State
from tidemill.venues.uniswap_v3.pool_stage import OTHERS


def open_ranges(stage: Any, seed: int, count: int) -> list[tuple[str, int, int, int]]:
    """Open ranges around the price, some the same; returns (position, lower, upper, liquidity)."""
    rng = random.Random(seed)
    out = []
    tick = stage.read("slot0")[1]
    for _ in range(count):
        width = rng.choice([10, 40, 200, 1_000])
        lower = (tick - rng.randrange(0, width + 1)) // 10 * 10
        args = {
            "tick_lower": lower,
            "tick_upper": lower + width,
            "amount0_desired": 10**10,
            "amount1_desired": 5 * 10**18,
        }
        result = stage.apply(Action("mint", args), Wallet(stage.at))
        out.append((result.position, lower, lower + width, result.amounts["liquidity"]))
    return out


def steps_by_hand(lower: int, upper: int, start: int, stop: int) -> Iterator[tuple[int, int, int]]:
    """(token, fee, liquidity) of every step in the range, as plain integers."""
    tape = market().tape()
    fees, active = from_limbs(tape.fee[start:stop]), from_limbs(tape.liquidity[start:stop])
    for k in range(start, stop):
        if lower <= int(tape.cell[k]) * 10 < upper:
            yield (0 if tape.zero_for_one[k] else 1), fees[k - start], active[k - start]


def test_small_is_the_plain_sum_and_the_index():
    stage = replay_stage(diluted=False)
    stage.advance(block_of(100))
    start = stage.steps
    opened = open_ranges(stage, 1, 6)
    stage.advance(LAST)
    index = FeeIndex(market().tape())
    earned = {p.id: p.claimable for p in stage.positions(ME)}
    positive = 0
    for position, lower, upper, liquidity in opened:
        growth = [0, 0]
        for token, fee, active in steps_by_hand(lower, upper, start, stage.steps):
            growth[token] += (fee << 128) // active
        expected = tuple(liquidity * g >> 128 for g in growth)
        assert tuple(earned[position].values()) == expected
        assert index.fees(lower // 10, upper // 10, start, stage.steps, liquidity=liquidity) == expected
        positive += min(expected) > 0
    assert positive == len(opened)


def test_diluted_shares_each_step_with_all_own_liquidity():
    stage = replay_stage(diluted=True)
    stage.advance(block_of(100))
    start = stage.steps
    opened = open_ranges(stage, 2, 6)
    stage.advance(LAST)
    tape = market().tape()
    earned = {p.id: p.claimable for p in stage.positions(ME)}
    fees, active = from_limbs(tape.fee[start : stage.steps]), from_limbs(tape.liquidity[start : stage.steps])
    growth = {position: [0, 0] for position, *_ in opened}
    for k, (fee, recorded) in enumerate(zip(fees, active, strict=True), start):
        tick = int(tape.cell[k]) * 10
        inside = [o for o in opened if o[1] <= tick < o[2]]
        shared = recorded + sum(o[3] for o in inside)
        for position, *_ in inside:
            growth[position][0 if tape.zero_for_one[k] else 1] += (fee << 128) // shared
    less = 0
    small = FeeIndex(tape)
    for position, lower, upper, liquidity in opened:
        expected = tuple(liquidity * g >> 128 for g in growth[position])
        assert tuple(earned[position].values()) == expected
        less += expected < small.fees(lower // 10, upper // 10, start, stage.steps, liquidity=liquidity)
    assert less == len(opened)


@pytest.mark.parametrize("anchored", [False, True])
def test_executed_modes_equal_the_real_pool(anchored: bool):
    if not artefacts.available("UniswapV3Pool", "NonfungiblePositionManager", "PoolCallee", "TestToken"):
        pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`")
    from harness import V3, Evm
    from harness.v3_storage import read_globals

    stage = pool_stage(anchored=anchored)
    first = stage.actions[0][0]
    evm = Evm(number=first.number - 1, time=first.time - 2)
    real = V3(evm, fee=500, decimals=(6, 18), sqrt_price_x96=stage.sqrt_price_x96, actors=("me", "others"))
    me, others = real.actors["me"], real.actors["others"]
    for (_, lower, upper), held in stage.state.pool.positions.items():
        if held.liquidity:
            real.act("pool_mint", others, tick_lower=lower, tick_upper=upper, liquidity=held.liquidity)
    # The model starts as the fresh pool does: the same liquidity, no fees yet.
    pool = stage.state.pool
    pool.fee_growth_global_0_x128 = pool.fee_growth_global_1_x128 = 0
    pool.ticks = {
        t: i._replace(fee_growth_outside_0_x128=0, fee_growth_outside_1_x128=0) for t, i in pool.ticks.items()
    }
    pool.positions = {
        k: h._replace(fee_growth_inside_0_last_x128=0, fee_growth_inside_1_last_x128=0)
        for k, h in pool.positions.items()
    }
    assert real.pool.view("liquidity") == pool.liquidity
    width = {"tick_lower": pool.tick // 10 * 10 - 200, "tick_upper": pool.tick // 10 * 10 + 200}
    size = {"amount0_desired": 10**11, "amount1_desired": 50 * 10**18}
    minted = stage.apply(Action("mint", {**width, **size}), Wallet(stage.at))
    assert real.act("mint", me, **width, **size) == {"token_id": 1, **minted.amounts}
    done = refused = at_recorded = 0
    for block, action, price in stage.actions[:600]:
        evm.at(block.number, block.time)
        args = dict(action.args)
        before = stage.refused
        stage._play(stage.played)
        stage.played += 1
        try:
            real.act(action.verb, others, **args)
            done += 1
            assert stage.refused == before
        except Revert:
            refused += 1
            assert stage.refused == before + 1
        here = real.pool.view("slot0")[0]
        if anchored and action.verb == "pool_swap" and here != price:
            real.act(
                "pool_swap",
                others,
                zero_for_one=price < here,
                amount_specified=(1 << 255) - 1,
                sqrt_price_limit_x96=price,
            )
        at_recorded += stage.sqrt_price_x96 == price
        state = read_globals(evm, real.pool.address)
        assert (state["sqrt_price_x96"], state["tick"], state["liquidity"]) == (
            pool.sqrt_price_x96,
            pool.tick,
            pool.liquidity,
        )
        assert state["fee_growth_global_0_x128"] == pool.fee_growth_global_0_x128
        assert state["fee_growth_global_1_x128"] == pool.fee_growth_global_1_x128
    assert done > 500
    assert at_recorded == len(stage.actions[:600]) if anchored else 0 < at_recorded < 600
    held = real.balances(me)
    owed = stage.positions(ME)[0]
    closed = stage.apply(Action("close", {"position": "pool#2"}), Wallet(stage.at))
    liquidity = real.manager_position(1)["liquidity"]
    real.act("decrease", me, token_id=1, liquidity=liquidity)
    got = real.act("collect", me, token_id=1)
    assert got == {"amount0": closed.amounts["amount0"], "amount1": closed.amounts["amount1"]}
    assert real.balances(me) == (held[0] + got["amount0"], held[1] + got["amount1"])
    fees = {k: closed.amounts[f"amount{i}"] - closed.amounts[f"principal{i}"] for i, k in enumerate(owed.claimable)}
    assert fees == dict(owed.claimable)
    assert min(fees.values()) > 0


@pytest.mark.parametrize("make", [lambda: replay_stage(diluted=True), lambda: pool_stage(anchored=True)])
def test_a_wake_is_the_first_block_where_it_holds(make: Any):
    stage = make()
    stage.advance(block_of(50))
    (position, lower, upper, _), *_ = open_ranges(stage, 3, 1)
    tape = market().tape()
    until = block_of(len(tape.block) - 1)
    before = stage.read("slot0"), stage.positions(ME)
    leaves = stage.next_wake([TickLeaves("pool", lower, upper)], until)
    some = stage.next_wake([Claimable("pool", position, f"WETH@{NET}", 10**12)], until)
    count = stage.next_wake([EventCount("pool", 25)], until)
    assert (stage.read("slot0"), stage.positions(ME)) == before
    assert leaves
    assert some
    assert count
    seen = {"leaves": None, "some": None}
    for number in sorted(set(tape.block.tolist())):
        if number <= stage.at.number:
            continue
        stage.advance(Block(time=0, number=number))
        tick = stage.read("slot0")[1]
        if seen["leaves"] is None and not lower <= tick < upper:
            seen["leaves"] = number
        if seen["some"] is None and stage.positions(ME)[0].claimable[f"WETH@{NET}"] >= 10**12:
            seen["some"] = number
        if None not in seen.values():
            break
    assert seen["some"] == some.number
    # A path may leave and come back within one block: then the wake comes with that block, and the end of it is inside.
    assert leaves.number <= seen["leaves"]


def test_a_reverted_action_leaves_no_trace():
    for stage in (replay_stage(diluted=True), pool_stage(anchored=False)):
        stage.advance(block_of(200))
        open_ranges(stage, 4, 2)
        before = stage.positions(ME)
        for action, reason in (
            (Action("close", {"position": "pool#2"}, {"amount0_min": 1 << 100}), "Price slippage check"),
            (Action("close", {"position": "pool#9"}), "ERC721: operator query for nonexistent token"),
            (Action("burn", {"position": "pool#2"}), "Not cleared"),
            (
                Action("swap_exact_in", {"token_in": f"USDC@{NET}", "amount_in": 10**9}, {"amount_out_min": 1 << 90}),
                "Too little received",
            ),
            (
                Action(
                    "mint", {"tick_lower": 100, "tick_upper": 0, "amount0_desired": 10**9, "amount1_desired": 10**18}
                ),
                "TLU",
            ),
        ):
            with pytest.raises(Revert) as caught:
                stage.apply(action, Wallet(stage.at))
            assert caught.value.reason == reason
        assert stage.positions(ME) == before


def test_own_swaps_fill_alike_in_replay_and_execution():
    """At the same point of the path, both kinds of stage see the same pool: own swaps fill to the wei alike."""
    replayed, executed = replay_stage(diluted=False), pool_stage(anchored=False)
    filled = 0
    for step in (60, 500, 1_500):
        replayed.advance(block_of(step))
        executed.advance(block_of(step))
        for token, amount in ((f"USDC@{NET}", 3 * 10**9), (f"WETH@{NET}", 40 * 10**18), (f"USDC@{NET}", 10**12)):
            action = Action("swap_exact_in", {"token_in": token, "amount_in": amount})
            mark = executed.snapshot()
            assert (
                replayed.apply(action, Wallet(replayed.at)).amounts
                == executed.apply(action, Wallet(executed.at)).amounts
            )
            executed.restore(mark)
            filled += 1
    assert filled == 9


def test_manager_state_is_separate():
    stage = pool_stage(anchored=False)
    assert isinstance(stage.state, UniswapV3State)
    assert stage.state.manager == ManagerState("pool:manager", next_id=2)
    assert {owner for owner, *_ in stage.state.pool.positions} == {OTHERS}
