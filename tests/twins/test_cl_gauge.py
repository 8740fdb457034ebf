"""The v3 staker against real bytecode: after every action storage, views and balances must be equal.

Or both must have refused for the same reason; see `cl_gauge_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "PoolCallee", "UniswapV3Pool", "UniswapV3Staker"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.cl_gauge_edges import EDGES
from twins.cl_gauge_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

SAID = "UniswapV3Staker::"
VERBS = 10
REASONS = {
    ("create_incentive", "STF"),
    *(
        ("create_incentive", f"{SAID}createIncentive: {why}")
        for why in (
            "reward must be positive",
            "start time must be now or in the future",
            "start time too far into future",
            "start time must be before end time",
            "incentive duration is too long",
        )
    ),
    *(
        ("end_incentive", f"{SAID}endIncentive: {why}")
        for why in (
            "cannot end incentive before end time",
            "cannot end incentive while deposits are staked",
            "no refund available",
        )
    ),
    *((verb, "ERC721: operator query for nonexistent token") for verb in ("deposit", "stake")),
    *((verb, "ERC721: transfer caller is not owner nor approved") for verb in ("deposit", "stake")),
    *(
        ("stake", f"{SAID}stakeToken: {why}")
        for why in (
            "only owner can stake token",
            "incentive not started",
            "incentive ended",
            "non-existent incentive",
            "token already staked",
            "token pool is not the incentive pool",
            "cannot stake token with 0 liquidity",
        )
    ),
    *(
        (verb, f"{SAID}unstakeToken: only owner can withdraw token before incentive end time")
        for verb in ("unstake", "harvest", "exit")
    ),
    ("unstake", f"{SAID}unstakeToken: stake does not exist"),
    ("harvest", f"{SAID}stakeToken: incentive ended"),
    ("harvest", f"{SAID}stakeToken: only owner can stake token"),
    ("withdraw", "ERC721: transfer to the zero address"),
    *(
        ("withdraw", f"{SAID}withdrawToken: {why}")
        for why in (
            "cannot withdraw to staker",
            "cannot withdraw token while staked",
            "only owner can withdraw token",
        )
    ),
    ("exit", f"{SAID}withdrawToken: cannot withdraw token while staked"),
    ("exit", f"{SAID}withdrawToken: only owner can withdraw token"),
    *(
        ("transfer_deposit", f"{SAID}transferDeposit: {why}")
        for why in ("invalid transfer recipient", "can only be called by deposit owner")
    ),
}
RARE = {
    # Its own unstaking leaves nothing to share.
    ("harvest", f"{SAID}stakeToken: non-existent incentive"),
}
"""Met in long lives and by the edges."""
LIFE = 400
"""Actions of one staker: incentives and tokens are added all the time."""


def play(setup: tuple, seed: str, actions: int) -> Tally:
    """Live many short lives, and compare the whole after each action."""

    def make(life: int) -> Twins:
        twins = Twins(*setup[:3], f"{seed} {life}")
        twins.begin(f"{seed} {life}")
        return twins

    return live_often(make, actions, LIFE)


def test_model_equals_bytecode_after_every_action():
    tally = Tally()
    for setup in SETUPS:
        tally.add(play(setup, str(setup[3]), 2_000))
    judge(tally, 6_000, VERBS, REASONS)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    judge(play(SETUPS[seed % 3], f"long {seed}", 10_000), 10_000, VERBS, REASONS, RARE)
