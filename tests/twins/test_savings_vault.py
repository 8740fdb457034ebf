"""A savings vault against our contract's bytecode: after every action every number, balance and preview must be equal.

Or both must have refused for the same reason; see `savings_vault_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "SavingsVault"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.savings_vault_edges import EDGES
from twins.savings_vault_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

REASONS = {
    *((verb, reason) for verb in ("deposit", "mint") for reason in ("", "balance")),
    *((verb, reason) for verb in ("withdraw", "redeem") for reason in ("", "insufficient balance")),
    ("set_rate", "not the governor"),
    ("set_rate", "rate below one"),
}


def play(seed: int, terms: tuple[int, int], actions: int) -> Tally:
    twins = Twins(terms, seed)
    return twins.driver.run(actions, after=twins.compare)


def test_model_equals_bytecode_after_every_action():
    tally = Tally()
    for terms, seed in SETUPS:
        tally.add(play(seed, terms, 1_500))
    judge(tally, 6_000, 6, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    judge(play(100 + seed, SETUPS[seed % 4][0], 10_000), 10_000, 6, REASONS)
