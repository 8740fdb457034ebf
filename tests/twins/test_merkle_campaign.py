"""The distributor against our contract of the public rule: after every action storage, views and balances must be equal.

Or both must have refused for the same reason; see `merkle_campaign_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "CumulativeDistributor"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.merkle_campaign_edges import EDGES
from twins.merkle_campaign_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

VERBS = 6
REASONS = {
    ("claim", "balance"),
    ("claim", "nothing to claim"),
    ("claim", "proof"),
    ("dispute", "balance"),
    ("dispute", "disputed"),
    ("dispute", "nothing to dispute"),
    ("fund", "balance"),
    ("recover", "balance"),
    ("recover", "not the owner"),
    ("resolve", "balance"),
    ("resolve", "no dispute"),
    ("resolve", "not the owner"),
    ("submit", "a root is pending"),
    ("submit", "disputed"),
    ("submit", "not the owner"),
}
LIFE = 250
"""Actions of one distributor: trees are published all the time."""


def play(decimals: tuple[int, int, int], seed: str, actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""
    return live_often(lambda life: Twins(decimals, f"{seed} {life}"), actions, LIFE)


def test_model_equals_the_contract_after_every_action():
    tally = Tally()
    for decimals, seed in SETUPS:
        tally.add(play(decimals, str(seed), 2_000))
    judge(tally, 6_000, VERBS, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_the_contract_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_the_contract_at_length(seed: int):
    judge(play(SETUPS[seed % 3][0], f"long {seed}", 10_000), 10_000, VERBS, REASONS)
