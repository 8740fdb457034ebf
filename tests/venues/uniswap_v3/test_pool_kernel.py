"""The executed pool with and without compiled stretches: the same states, wakes, claims and results, own actions between."""

from __future__ import annotations

import random
from types import SimpleNamespace
from typing import Any

import pytest

from harness.day import ME, NET, Wallet, market
from tidemill.errors import Revert
from tidemill.interfaces import Action, Block, Claimable, EventCount, TickLeaves
from tidemill.venues.uniswap_v3.pool_stage import OTHERS, PoolStage, executed_state, recorded_actions

TOKENS = (f"USDC@{NET}", f"WETH@{NET}")


def pair(*, anchored: bool) -> list[PoolStage]:
    """The model alone, and the same with compiled stretches."""
    setup = SimpleNamespace(market=market(), network=NET, id="pool")
    flow = market().flow()
    actions = recorded_actions(flow)
    return [PoolStage("pool", NET, executed_state(setup), actions, anchored=anchored, flow=f) for f in (None, flow)]


def seen(stage: PoolStage) -> Any:
    """All a stage's state but what others' own positions are owed."""
    pool, manager = stage.state.pool, stage.state.manager
    fields = {name: getattr(pool, name) for name in pool.__slots__ if name not in {"positions", "journal"}}
    held = {k: (p.liquidity if k[0] == OTHERS else p) for k, p in pool.positions.items()}
    return fields, held, manager, stage.played, stage.refused, stage.at, stage.positions(ME)


def own_action(rng: random.Random, stage: PoolStage) -> Action:
    tick = stage.state.pool.tick // 10 * 10
    held = stage.positions(ME)
    choice = rng.random()
    if not held or (choice < 0.3 and len(held) < 6):
        lower = tick - 10 * rng.randrange(0, 30)
        size = 10 ** rng.randrange(6, 12)
        return Action("mint", {"tick_lower": lower, "tick_upper": lower + 10 * rng.randrange(1, 60),
                               "amount0_desired": size, "amount1_desired": size * 10**9})  # fmt: skip
    if choice < 0.55:
        return Action("close", {"position": rng.choice(held).id})
    if choice < 0.75:
        return Action("harvest", {"position": rng.choice(held).id})
    side = rng.randrange(2)
    amount = 10 ** rng.randrange(6, 12) * (10**9 if side else 1)
    return Action("swap_exact_in", {"token_in": TOKENS[side], "amount_in": amount})


def conditions(rng: random.Random, stage: PoolStage) -> list[Any]:
    tick, held = stage.state.pool.tick, stage.positions(ME)
    out: list[Any] = []
    if rng.random() < 0.6:
        out.append(TickLeaves("pool", tick - rng.randrange(0, 12), tick + rng.randrange(1, 12)))
    if held and rng.random() < 0.6:
        position, token = rng.choice(held), rng.choice(TOKENS)
        more = rng.randrange(1, 10**6) * (10**8 if token == TOKENS[1] else 1)
        out.append(Claimable("pool", position.id, token, position.claimable[token] + more))
    if not out or rng.random() < 0.3:
        out.append(EventCount("pool", rng.randrange(1, 40)))
    return out


@pytest.mark.parametrize("anchored", [False, True])
def test_compiled_stretches_change_nothing(anchored: bool):
    rng = random.Random(f"stretches {anchored}")
    plain, quick = stages = pair(anchored=anchored)
    end = plain.actions[-1][0]
    wakes = done = 0
    while plain.played < len(plain.actions):
        asked = conditions(rng, plain)
        number = min(end.number, plain.at.number + rng.randrange(20, 900) if plain.at.number else end.number)
        until = Block(time=0, number=number)
        first, second = (stage.next_wake(asked, until) for stage in stages)
        assert first == second, asked
        wakes += first is not None
        to = first if first is not None and first.number > plain.at.number else until
        for stage in stages:
            stage.advance(to)
        assert seen(plain) == seen(quick)
        if rng.random() < 0.8:
            action = own_action(rng, plain)
            results = []
            for stage in stages:
                mark = stage.snapshot()
                try:
                    results.append(stage.apply(action, Wallet(to)))
                except Revert as revert:
                    results.append(revert.reason)
                if wakes % 5 == 0:
                    stage.restore(mark)
            assert results[0] == results[1]
            done += not isinstance(results[0], str)
            assert seen(plain) == seen(quick)
    assert quick._stretch is not None
    assert wakes > 100
    assert done > 100
