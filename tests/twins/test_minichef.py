"""MiniChefV2 with its rewarders against real bytecode: after every action storage, views and balances must be equal.

Or both must have refused for the same reason; see `minichef_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "MiniChefV2", "ComplexRewarderTime", "RewarderMock"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.minichef_edges import EDGES
from twins.minichef_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

OWNER, HALT = "Ownable: caller is not the owner", "halt InvalidFEOpcode"
SHORT, UNDER = "BoringERC20: Transfer failed", "BoringMath: Underflow"
WIDE, NARROW = "BoringMath: Add Overflow", "BoringMath: uint64 Overflow"
STAKERS = ("deposit", "withdraw", "harvest", "withdraw_and_harvest", "emergency_withdraw")

REASONS = {
    *((verb, HALT) for verb in (*STAKERS, "set_pool", "update_pool")),
    *((verb, SHORT) for verb in STAKERS),
    ("deposit", "BoringERC20: TransferFrom failed"),
    *((verb, UNDER) for verb in ("withdraw", "withdraw_and_harvest")),
    *((verb, "Integer < 0") for verb in ("harvest", "withdraw_and_harvest")),
    *((verb, OWNER) for verb in ("add_pool", "set_pool", "set_sushi_per_second")),
    *((verb, OWNER) for verb in ("rewarder_add", "rewarder_set", "rewarder_rate")),
    *((verb, NARROW) for verb in ("add_pool", "set_pool", "rewarder_add", "rewarder_set")),
    *((verb, WIDE) for verb in ("set_pool", "rewarder_set")),
    ("rewarder_add", "Pool already exists"),
    ("update_rewarder", ""),
}
RARE = {
    # A rewarder that divides by zero under the chef's call, or directly; a withdrawal ahead of a harvest that fails.
    *((verb, "") for verb in STAKERS),
    ("update_rewarder", HALT),
    ("harvest", UNDER),
}
"""Met in long lives and by the edges."""
LIFE = 250
"""Actions of one chef: pools are added all the time, and each is compared after each action."""


def play(decimals: tuple[int, int, int], seed: int, actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""

    def make(life: int) -> Twins:
        twins = Twins(decimals, f"{seed} {life}")
        twins.begin()
        return twins

    return live_often(make, actions, LIFE)


def test_model_equals_bytecode_after_every_action():
    tally = Tally()
    for decimals, seed in SETUPS:
        tally.add(play(decimals, seed, 2_000))
    judge(tally, 6_000, 14, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    judge(play(SETUPS[seed % 3][0], 100 + seed, 10_000), 10_000, 14, REASONS, RARE)
