"""Uniswap v2 against its real bytecode: factory, pairs and Router02, and a reader who sees only the logs.

After every action all reserves, shares, accumulators, balances, events, quotes and what a share is worth must be equal,
or both must have refused for the same reason; see `uniswap_v2_twin.py`.
"""

from __future__ import annotations

import pytest

from tidemill.chain import artefacts

if not artefacts.available("TestToken", "UniswapV2Factory", "UniswapV2Pair", "UniswapV2Router02", "WETH9"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from harness.driver import Tally
from twins.uniswap_v2_edges import EDGES
from twins.uniswap_v2_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

_PAIR, _LIBRARY, _ROUTER = "UniswapV2: ", "UniswapV2Library: ", "UniswapV2Router: "

REASONS_TO_HIT = {
    ("add_liquidity", _PAIR + "INSUFFICIENT_LIQUIDITY_MINTED"),
    ("add_liquidity", _LIBRARY + "INSUFFICIENT_AMOUNT"),
    ("add_liquidity", _ROUTER + "EXPIRED"),
    ("add_liquidity", _ROUTER + "INSUFFICIENT_A_AMOUNT"),
    ("add_liquidity", _ROUTER + "INSUFFICIENT_B_AMOUNT"),
    ("pair_burn", _PAIR + "INSUFFICIENT_LIQUIDITY_BURNED"),
    ("pair_mint", _PAIR + "INSUFFICIENT_LIQUIDITY_MINTED"),
    ("pair_swap", _PAIR + "INSUFFICIENT_INPUT_AMOUNT"),
    ("pair_swap", _PAIR + "INSUFFICIENT_LIQUIDITY"),
    ("pair_swap", _PAIR + "INSUFFICIENT_OUTPUT_AMOUNT"),
    ("pair_swap", _PAIR + "K"),
    ("remove_liquidity", _PAIR + "INSUFFICIENT_LIQUIDITY_BURNED"),
    ("remove_liquidity", _ROUTER + "INSUFFICIENT_A_AMOUNT"),
    ("remove_liquidity", _ROUTER + "INSUFFICIENT_B_AMOUNT"),
    ("remove_liquidity", "ds-math-sub-underflow"),
    ("swap_exact_in", _PAIR + "INSUFFICIENT_INPUT_AMOUNT"),
    ("swap_exact_in", _PAIR + "INSUFFICIENT_OUTPUT_AMOUNT"),
    ("swap_exact_in", _LIBRARY + "INSUFFICIENT_INPUT_AMOUNT"),
    ("swap_exact_in", _LIBRARY + "INVALID_PATH"),
    ("swap_exact_in", _ROUTER + "EXPIRED"),
    ("swap_exact_in", _ROUTER + "INSUFFICIENT_OUTPUT_AMOUNT"),
    ("swap_exact_out", _PAIR + "INSUFFICIENT_INPUT_AMOUNT"),
    ("swap_exact_out", _LIBRARY + "INSUFFICIENT_OUTPUT_AMOUNT"),
    ("swap_exact_out", _LIBRARY + "INVALID_PATH"),
    ("swap_exact_out", _ROUTER + "EXCESSIVE_INPUT_AMOUNT"),
    ("swap_exact_out", _ROUTER + "EXPIRED"),
    ("swap_exact_out", "ds-math-sub-underflow"),
}

ON_EMPTY_PAIRS = {
    ("add_liquidity", _LIBRARY + "INSUFFICIENT_LIQUIDITY"),
    ("add_liquidity", "ds-math-sub-underflow"),
    ("pair_burn", "halt InvalidFEOpcode"),
    ("pair_mint", "ds-math-sub-underflow"),
    ("remove_liquidity", ""),
    ("swap_exact_in", _LIBRARY + "INSUFFICIENT_LIQUIDITY"),
    ("swap_exact_out", _LIBRARY + "INSUFFICIENT_LIQUIDITY"),
}
"""Met only until a pair has its first shares: by luck in a long life, each by name in an edge."""

OUT_OF_TOKENS = {
    (verb, "TransferHelper: TRANSFER_FROM_FAILED") for verb in ("add_liquidity", "swap_exact_in", "swap_exact_out")
}
"""Met only late in a long life, by an actor who has spent what there was."""

ON_FULL_PAIRS = {
    (verb, _PAIR + "OVERFLOW")
    for verb in (
        *("add_liquidity", "remove_liquidity", "swap_exact_in", "swap_exact_out"),
        *("pair_mint", "pair_burn", "pair_swap", "sync"),
    )
} | {
    ("swap_exact_in", _PAIR + "K"),
    ("swap_exact_out", _PAIR + "K"),
    ("swap_exact_out", "halt InvalidFEOpcode"),
    *OUT_OF_TOKENS,
}
"""Met only near the end of a number's range or by a path that uses a pair twice: each by name in an edge."""


def play(setup: tuple[tuple[int, int, int], int], actions: int) -> Tally:
    twins = Twins(*setup)
    tally = twins.driver.run(actions, after=twins.compare)
    tally.enough(actions, 11)
    return tally


@pytest.mark.parametrize("setup", SETUPS, ids=str)
def test_model_equals_bytecode_after_every_action(setup: tuple[tuple[int, int, int], int]):
    tally = play(setup, 2_000)
    assert set(tally.reasons) - ON_EMPTY_PAIRS - ON_FULL_PAIRS == REASONS_TO_HIT


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    tally = play((SETUPS[seed % 3][0], 100 + seed), 10_000)
    assert set(tally.reasons) - ON_EMPTY_PAIRS - ON_FULL_PAIRS == REASONS_TO_HIT
