"""A vote escrow with its dividends against real bytecode: after every action storage, views and balances must be equal.

Or both must have refused for the same reason; see `vote_escrow_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "VotingEscrow", "WeeklyDividends"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.vote_escrow_edges import EDGES
from twins.vote_escrow_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

SHUT, NO_LOCK = "Smart contract depositors not allowed", "No existing lock found"
OVER, LONG = "Cannot add to expired lock. Withdraw", "Voting lock can be 1 year max"

REASONS = {
    *((verb, "") for verb in ("create_lock", "increase_amount", "deposit_for", "commit_checker", "apply_checker")),
    *((verb, "balance") for verb in ("create_lock", "increase_amount", "deposit_for", "fund")),
    *((verb, SHUT) for verb in ("create_lock", "increase_amount", "increase_unlock_time")),
    *((verb, NO_LOCK) for verb in ("increase_amount", "deposit_for")),
    *((verb, OVER) for verb in ("increase_amount", "deposit_for")),
    *((verb, LONG) for verb in ("create_lock", "increase_unlock_time")),
    ("create_lock", "Withdraw old tokens first"),
    ("create_lock", "Can only lock until time in the future"),
    ("increase_unlock_time", "Lock expired"),
    ("increase_unlock_time", "Can only increase lock duration"),
    ("withdraw", "The lock didn't expire"),
}
LIFE = 125
"""Actions of one escrow: its points become ever more, and the state is kept before each action."""


def play(decimals: tuple[int, int], seed: int, actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""
    return live_often(lambda life: Twins(decimals, f"{seed} {life}"), actions, LIFE)


def test_model_equals_bytecode_after_every_action():
    tally = Tally()
    for decimals, seed in SETUPS:
        tally.add(play(decimals, seed, 1_250))
    judge(tally, 5_000, 11, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    judge(play(SETUPS[seed % 4][0], 100 + seed, 10_000), 10_000, 11, REASONS)
