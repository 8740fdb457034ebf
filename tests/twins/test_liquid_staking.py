"""Liquid staking against our contract's bytecode: after every action every total, balance, request and view must be equal.

Or both must have refused for the same reason; see `liquid_staking_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "LiquidStaking", "BridgedRate"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.liquid_staking_edges import EDGES
from twins.liquid_staking_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

BOSS = "not the reporter"
REASONS = {
    *(("stake", reason) for reason in ("", "nothing to stake", "balance", "too little for a share")),
    ("transfer", "balance"),
    *(("request_withdrawal", reason) for reason in ("balance", "request too small", "request too large")),
    *(("claim", reason) for reason in ("no such request", "not the owner", "not finalized", "already claimed")),
    *(("report_rewards", reason) for reason in ("", BOSS, "nothing is staked", "balance")),
    *(("report_slashing", reason) for reason in (BOSS, "more than is staked")),
    *(("finalize", reason) for reason in (BOSS, "nothing to finalize")),
}
LIFE = 250


def play(setups: list[tuple[tuple[int, int, int], int]], actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""

    def make(life: int) -> Twins:
        terms, seed = setups[life % len(setups)]
        return Twins(terms, f"{seed} {life}")

    return live_often(make, actions, LIFE)


def test_model_equals_bytecode_after_every_action():
    judge(play(SETUPS, 8_000), 8_000, 7, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    setups = [(terms, 100 + 10 * seed + number) for terms, number in SETUPS]
    judge(play(setups, 10_000), 10_000, 7, REASONS)
