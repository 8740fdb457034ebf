"""Aave v3.0.2 against real bytecode: a whole market from the package, driven at random and at its edges.

After every action every storage word of pool, aTokens and debt tokens that moves, every balance, every account's sum and
the views that move with time must be equal, or both must have refused for the same reason; see `aave_v3_twin.py`.
"""

from __future__ import annotations

from typing import Any

import pytest

from harness import Tally
from tidemill.chain import artefacts

if not artefacts.available(
    "Pool", "PoolConfigurator", "AToken", "WadRayMathWrapper", "FlashBorrower", "AaveTaylor", "TestToken"
):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.aave_v3_edges import EDGES
from twins.aave_v3_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

VERBS = 12
REASONS_TO_HIT = {
    "supply": {"26", "28", "29", "51", "balance"},
    "withdraw": {"", "26", "29", "32", "35", "57", "Panic(0x11)"},
    "borrow": {"", "26", "28", "29", "30", "34", "35", "36", "50", "53", "58", "60", "Panic(0x11)"},
    "repay": {"26", "29", "39", "40"},
    "repay_with_supply": {"26", "29", "39", "Panic(0x11)"},
    "set_collateral": {"", "29", "35", "43", "62"},
    "set_emode": {"", "35", "58"},
    "liquidate": {"", "25", "29", "45", "46", "47", "Panic(0x11)", "balance"},
    "flash_loan_simple": {"", "13", "29", "91", "balance"},
}
"""What random lives meet; the edges meet all others (24, 25, 27, 89, 57 of every kind, casts that do not fit)."""


def play(setups: list[Any], actions: int) -> Tally:
    tally = Tally()
    for listings, categories, seed in setups:
        twins = Twins(listings, categories, seed)
        tally.add(twins.driver.run(actions, after=twins.compare))
    tally.enough(actions * len(setups), VERBS)
    return tally


def test_model_equals_bytecode_after_every_action() -> None:
    tally = play(SETUPS, 3_000)
    hit: dict[str, set[str]] = {}
    for verb, reason in tally.reasons:
        hit.setdefault(verb, set()).add(reason)
    assert hit == REASONS_TO_HIT


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_edge(edge: Any) -> None:
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int) -> None:
    listings, categories, _ = SETUPS[seed % 2]
    play([(listings, categories, 100 + seed)], 10_000)
