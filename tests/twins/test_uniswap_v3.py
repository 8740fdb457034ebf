"""The Uniswap v3 model against the bytecode: random markets, compared after every action.

Amounts, events, price, tick, liquidity, fee growth, protocol fees and all balances are compared each time; ticks,
words, observations, positions and position tokens whenever the model touches them, and all of them each 20th time.
"""

from __future__ import annotations

import copy
import random

import pytest
from hypothesis import HealthCheck, given, settings
from hypothesis import strategies as st

from tidemill.chain import artefacts

if not artefacts.available("UniswapV3Pool", "NonfungiblePositionManager", "SwapRouter", "PoolCallee", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.interfaces import Action, Revert
from twins.uniswap_v3_market import CASES, VERBS, Market
from twins.uniswap_v3_twin import _integers
from twins.uniswap_v3_views import log_read_back

pytestmark = pytest.mark.chain


def _run(name: str, seed: str, actions: int) -> Market:
    market = CASES[name].market(f"{name} {seed}")
    tally = market.run(actions)
    print(f"{name}: {market.twin.crossed} ticks crossed\n{tally}")
    assert tally.total == actions
    assert tally.done.total() >= 0.6 * actions
    assert {verb for verb in VERBS if tally.share(verb) < 0.05} == set(), str(tally)
    assert market.twin.crossed >= 0.25 * actions
    return market


@pytest.mark.parametrize("name", CASES)
def test_random_market(name: str) -> None:
    """31,500 actions and more than 7,800 tick crossings in all; the three fee tiers alone 20,000 and 5,000."""
    _run(name, "short", CASES[name].actions)


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
@pytest.mark.parametrize("name", CASES)
def test_random_market_long(name: str, seed: int) -> None:
    """90 runs of 6,000 actions: 540,000."""
    _run(name, f"long {seed}", 6000)


@settings(max_examples=25, deadline=None, derandomize=True, database=None, suppress_health_check=list(HealthCheck))
@given(st.sampled_from(sorted(CASES)), st.randoms(use_true_random=False), st.integers(1, 12))
def test_short_markets_that_shrink(name: str, rng: random.Random, actions: int) -> None:
    """The same market with every choice made by Hypothesis, so that a failure shrinks to a few actions."""
    CASES[name].market(rng, mischief=0.3).run(actions)


def test_a_revert_leaves_no_trace_and_marks_undo() -> None:
    market = CASES["030-18-18"].market("no trace", mischief=0.7)
    twin, act = market.twin, market.twin.act
    undone = 0

    def watched(verb: str, who: str, **args):
        nonlocal undone
        before = copy.deepcopy(twin.state)
        held = dict(twin.book.held)
        try:
            out = act(verb, who, **args)
        except Revert:
            assert twin.state == before
            assert twin.book.held == held
            undone += 1
            raise
        assert len(twin.state.journal) == 0
        return out

    twin.act = watched
    market.run(400)
    assert undone > 80
    before, mark = copy.deepcopy(twin.state), twin.state.journal.mark()
    twin.book.sender = twin.actors[0]
    for zero_for_one in (True, False, True):
        action = Action("pool_swap", {"zero_for_one": zero_for_one, "amount_specified": 10**20})
        twin.model.apply(twin.state, action, twin.book)
    tokens = {"amount0_desired": 10**18, "amount1_desired": 10**18}
    twin.model.apply(twin.state, Action("mint", {"tick_lower": -60, "tick_upper": 60, **tokens}), twin.book)
    assert twin.state != before
    twin.state.journal.rollback(mark)
    assert twin.state == before


@pytest.mark.parametrize("told", [True, False])
def test_recorded_events_replay(told: bool) -> None:
    log_read_back(told, 1500)


def test_integers_of_events_are_compared() -> None:
    assert _integers({"sender": "0x0", "amount": 5}) == {"amount": 5}
