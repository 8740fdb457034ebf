"""Gas of own actions on a recorded path, against the same actions in the executed pool at the same points.

The executed pool counts storage words of the very pool (its ticks, its oracle); the recorded path only knows a part.
"""

from __future__ import annotations

import random
import statistics
from collections import defaultdict
from pathlib import Path

import pytest

import tidemill.venues.uniswap_v3 as venue
from harness.day import ME, NET, Wallet, block_of, pool_stage, replay_stage
from tidemill.interfaces import Action, Block
from tidemill.networks.gas import load_gas

TABLE = load_gas(Path(venue.__file__).with_name("gas.toml"))


def gas(verb: str, features: dict[str, int]) -> int:
    return sum(shape.gas_used for shape in TABLE.shapes(verb, features))


@pytest.fixture(scope="module")
def errors() -> dict[str, list[float]]:
    """Relative error of gas by verb, over random own actions at many points of a day."""
    rng = random.Random(7)
    replayed, executed = replay_stage(diluted=False), pool_stage(anchored=True)
    found: dict[str, list[float]] = defaultdict(list)
    for step in range(40, 1_500, 11):
        for stage in (replayed, executed):
            stage.advance(block_of(step))
        verbs = ["mint", "mint", "swap_exact_in", "increase", "harvest", "close"]
        verb = rng.choice(verbs if len(replayed.positions(ME)) > 1 else ["mint"])
        mine = [p.id for p in replayed.positions(ME)]
        tick = replayed.read("slot0")[1] // 10 * 10
        width = rng.choice([50, 200, 1_000])
        both = {"amount0_desired": 10**10, "amount1_desired": 5 * 10**18}
        args = {
            "mint": {"tick_lower": tick - width, "tick_upper": tick + width, **both},
            "swap_exact_in": {"token_in": f"USDC@{NET}", "amount_in": 10 ** rng.randrange(7, 11)},
            "increase": {"position": rng.choice(mine or [""]), **both},
            "harvest": {"position": rng.choice(mine or [""])},
            "close": {"position": rng.choice(mine or [""])},
        }[verb]
        # In the block after, as own transactions land: the pool has not written this second's observation yet.
        wallet = Wallet(Block(time=replayed.at.time + 2, number=replayed.at.number + 1))
        ours = replayed.apply(Action(verb, args), wallet)
        mark = executed.snapshot()
        truth = executed.apply(Action(verb, args), wallet)
        if verb == "swap_exact_in":
            executed.restore(mark)  # the recorded path does not keep own swaps
        assert "slots_set" in ours.features, "the shadow counted nothing"
        real = gas(verb, dict(truth.features))
        found[verb].append(abs(gas(verb, dict(ours.features)) - real) / real)
    return found


@pytest.mark.parametrize("verb", ["mint", "swap_exact_in", "increase", "harvest", "close"])
def test_gas_on_a_recorded_path_is_close_to_the_executed_pool(errors: dict[str, list[float]], verb: str):
    assert len(errors[verb]) >= 8
    # Measured: see docs/rooms/networks.md. What is left is the others' ticks crossed before the data begin.
    assert statistics.median(errors[verb]) <= 0.02
    assert sorted(errors[verb])[len(errors[verb]) * 9 // 10 - 1] <= 0.02
    assert max(errors[verb]) <= 0.10
