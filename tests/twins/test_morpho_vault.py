"""A vault over lending markets against our contract of it and Morpho's bytecode: after every act everything must be equal.

Or both must have refused for the same reason; see `morpho_vault_twin.py`.
"""

from __future__ import annotations

import pytest

from harness.driver import Tally, judge, live_often
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "Morpho", "IrmMock", "OracleMock", "AdaptiveCurveRate", "LendingVault"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.morpho_vault_edges import EDGES
from twins.morpho_vault_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

OWNERS = ("set_cap", "set_supply_queue", "set_withdraw_queue", "reallocate", "set_fee")
DRY = "insufficient liquidity"

REASONS = {
    *((verb, "not owner") for verb in OWNERS),
    *((verb, "no such market") for verb in OWNERS if verb != "set_fee"),
    *((verb, "") for verb in ("deposit", "mint", "withdraw", "redeem")),
    *((verb, "balance") for verb in ("deposit", "mint", "withdraw", "redeem")),
    *((verb, "all caps reached") for verb in ("deposit", "mint")),
    *((verb, "not enough liquidity") for verb in ("withdraw", "redeem")),
    *((verb, "twice") for verb in ("set_withdraw_queue",)),
    ("set_supply_queue", "no cap"),
    ("set_withdraw_queue", "still capped"),
    ("set_withdraw_queue", "still supplied"),
    ("set_fee", "fee too high"),
    ("set_fee", "no recipient"),
    ("reallocate", "cap exceeded"),
    ("reallocate", "inconsistent input"),
    ("reallocate", "Panic(0x11)"),
    ("borrow", DRY),
}
RARE = {
    ("reallocate", DRY),
    ("repay", DRY),
    ("default", DRY),
    ("borrow", "insufficient collateral"),
    ("default", "Panic(0x11)"),
    ("default", "position is healthy"),
}
"""The markets' own refusals, which their own twins hold equal; the first is met by the edges."""
LIFE = 250


def play(setup: tuple[tuple[int, int], int, int], seed: int, actions: int) -> Tally:
    """Live several lives, and compare the whole after each action."""

    def make(life: int) -> Twins:
        twins = Twins(setup[0], setup[1], f"{seed} {life}")
        twins.begin()
        return twins

    return live_often(make, actions, LIFE)


def test_model_equals_the_contracts_after_every_action():
    tally = Tally()
    for setup in SETUPS:
        tally.add(play(setup, setup[2], 1_500))
    judge(tally, 6_000, 13, REASONS, RARE)


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_the_contracts_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_the_contracts_at_length(seed: int):
    judge(play(SETUPS[seed % 4], 100 + seed, 10_000), 10_000, 13, REASONS, RARE)
