"""Delegation against our contract's bytecode: after every action every total, balance, debt and unbonding must be equal.

Or both must have refused for the same reason; see `delegation_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "DelegatedStake"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.delegation_edges import EDGES
from twins.delegation_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

REASONS = {
    *(("delegate", reason) for reason in ("too little to delegate", "balance")),
    ("undelegate", "not delegated so much"),
    ("claim", "nothing to claim"),
    ("restake", "too little to restake"),
    *(
        ("claim_unbonded", reason)
        for reason in ("no such unbonding", "not the owner", "already claimed", "still unbonding")
    ),
}
LIFE = 250


def play(setups: list, actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""

    def make(life: int) -> Twins:
        terms, seed = setups[life % len(setups)]
        return Twins(terms, f"{seed} {life}")

    return live_often(make, actions, LIFE)


def test_model_equals_bytecode_after_every_action():
    judge(play(SETUPS, 5_000), 5_000, 6, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    setups = [(terms, 100 + 10 * seed + number) for terms, number in SETUPS]
    judge(play(setups, 10_000), 10_000, 6, REASONS)
