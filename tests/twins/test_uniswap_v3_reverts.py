"""Every refusal on both twins, for the same reason and with nothing changed; and what just passes."""

from __future__ import annotations

import copy

import pytest

from tidemill.chain import artefacts

if not artefacts.available("UniswapV3Pool", "NonfungiblePositionManager", "SwapRouter", "PoolCallee", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.uniswap_v3_reverts import ALLOWED, TABLE, Refused, attempt, prepared

pytestmark = pytest.mark.chain

REASONS = {
    *("AI", "R", "LOK", "", "LO", "LS", "TLU", "TLM", "TUM", "NP", "AS", "SPL", "IIA", "M0", "M1", "L", "F0", "F1"),
    *("TF", "T", "STF", "balance", "Transaction too old", "Price slippage check", "Not approved", "Not cleared"),
    *("ERC721: operator query for nonexistent token", "Too little received", "Too much requested"),
}


def _ids(case: Refused) -> str:
    return f"{case.verb}-{case.reason or 'empty'}"


@pytest.mark.parametrize("case", TABLE, ids=_ids)
def test_refused_alike_and_undone(case: Refused) -> None:
    twin = prepared(case.pool)
    before = copy.deepcopy(twin.state)
    assert attempt(twin, case) == case.reason
    assert twin.state == before


@pytest.mark.parametrize("case", ALLOWED, ids=_ids)
def test_just_inside_the_bounds_passes(case: Refused) -> None:
    assert attempt(prepared(case.pool), case) is None


def test_the_table_names_every_reason_there_is() -> None:
    assert {case.reason for case in TABLE} == REASONS
