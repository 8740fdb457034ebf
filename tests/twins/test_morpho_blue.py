"""Morpho Blue against real bytecode, its rate also by our contract of the adaptive curve.

After every action the market, every position and balance, every event and the storage words counted must be equal, or
both must have refused for the same reason; see `morpho_blue_twin.py`.
"""

from __future__ import annotations

import pytest

from harness import Tally
from tidemill.chain import artefacts

if not artefacts.available("TestToken", "Morpho", "IrmMock", "OracleMock", "AdaptiveCurveRate", "FlashTaker"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.morpho_blue_edges import EDGES
from twins.morpho_blue_twin import SETUPS, Twins

pytestmark = pytest.mark.chain

_UNKNOWN, _ADDRESS, _WORD, _CAST = "market not created", "zero address", "Panic(0x11)", "max uint128 exceeded"
REASONS_TO_HIT = {
    "accrue": {_UNKNOWN},
    "borrow": {
        _UNKNOWN, "inconsistent input", _ADDRESS, "unauthorized", "insufficient collateral", "insufficient liquidity",
        _WORD, _CAST,
    },
    "flash_loan": {"zero assets", "transfer reverted"},
    "govern": {
        "not owner", "already set", "max LLTV exceeded", "LLTV not enabled", "market already created",
    },
    "liquidate": {_UNKNOWN, "inconsistent input", "position is healthy", _WORD, "Panic(0x12)", _CAST},
    "repay": {_UNKNOWN, "inconsistent input", _ADDRESS, _WORD, _CAST},
    "set_fee": {_UNKNOWN, "not owner", "already set", "max fee exceeded"},
    "supply": {_UNKNOWN, "inconsistent input", _ADDRESS, _WORD, _CAST},
    "supply_collateral": {_UNKNOWN, "zero assets", _ADDRESS, "transferFrom reverted", _CAST},
    "withdraw": {
        _UNKNOWN, "inconsistent input", _ADDRESS, "unauthorized", "insufficient liquidity", _WORD,
    },
    "withdraw_collateral": {
        _UNKNOWN, "zero assets", _ADDRESS, "unauthorized", "insufficient collateral", _WORD, _CAST,
    },
}  # fmt: skip
"""What random lives meet. The edges insist on the rest by name: "IRM not enabled", and those who cannot pay."""

SELDOM = {
    "supply": {"transferFrom reverted"},
    "repay": {"transferFrom reverted"},
    "liquidate": {"transferFrom reverted"},
}


def play(decimals: tuple[int, int, int], seed: int | str, actions: int) -> Tally:
    twins = Twins(decimals, seed)
    tally = twins.driver.run(actions, after=twins.compare)
    tally.enough(actions, 12)
    return tally


def reasons(tally: Tally) -> dict[str, set[str]]:
    hit: dict[str, set[str]] = {}
    for verb, reason in tally.reasons:
        hit.setdefault(verb, set()).add(reason)
    return hit


def test_model_equals_bytecode_after_every_action():
    """Three setups of 2,000 actions; together they meet every reason to refuse, and no other."""
    whole = Tally()
    for decimals, seed in SETUPS:
        whole.add(play(decimals, seed, 2_000))
    assert reasons(whole) == REASONS_TO_HIT


@pytest.mark.parametrize("edge", EDGES, ids=lambda edge: edge.__name__)
def test_model_equals_bytecode_at_the_edges(edge):
    edge()


@pytest.mark.long
@pytest.mark.parametrize("seed", range(10))
def test_model_equals_bytecode_at_length(seed: int):
    decimals, _ = SETUPS[seed % 3]
    hit = reasons(play(decimals, 100 + seed, 10_000))
    assert all(hit[verb] <= REASONS_TO_HIT[verb] | SELDOM.get(verb, set()) for verb in hit)
