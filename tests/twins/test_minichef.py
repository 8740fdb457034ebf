"""MiniChefV2 with its rewarders against real bytecode: after every action storage, views and balances must be equal.

Or both must have refused for the same reason; see `minichef_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "MiniChefV2", "ComplexRewarderTime", "RewarderMock"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.minichef_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

REASONS: set[tuple[str, str]] = set()
LIFE = 250
"""Actions of one chef: pools are added all the time, and each is compared after each action."""


def play(setup: tuple[tuple[int, int, int], int], actions: int) -> Tally:
    decimals, seed = setup
    tally = Tally()
    for life in range(actions // LIFE):
        twins = Twins(decimals, f"{seed} {life}")
        twins.begin()
        tally.add(twins.driver.run(LIFE, after=twins.compare))
    print(tally)
    assert tally.total == actions
    assert tally.done.total() / tally.total >= 0.6
    for verb in tally.done:
        assert tally.share(verb) >= 0.05, f"{verb} hardly ever succeeds"
    assert len(tally.done) == 14
    assert set(tally.reasons) == REASONS
    return tally


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_model_equals_bytecode_after_every_action(setup: tuple[tuple[int, int, int], int]):
    play(setup, 1_750)
