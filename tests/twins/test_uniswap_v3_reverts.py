"""Every refusal on both twins, for the same reason and with nothing changed; and what just passes."""

from __future__ import annotations

import copy

import pytest

from tidemill.chain import artefacts

if not artefacts.available("UniswapV3Pool", "NonfungiblePositionManager", "SwapRouter", "PoolCallee", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from tidemill.interfaces import Revert
from twins.uniswap_v3_reverts import ALLOWED, BELOW, E18, TABLE, Refused, attempt, prepared

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


def test_views_refuse_alike() -> None:
    fresh, twin = prepared("fresh"), prepared()
    for world, query, args, reason in (
        (fresh, "observe", ([0],), "I"),
        (twin, "observe", ([1],), "OLD"),
        (twin, "snapshotCumulativesInside", (-60, 60), ""),
        (twin, "snapshotCumulativesInside", (60, 60), "TLU"),
    ):
        with pytest.raises(Revert) as caught:
            world.view(query, *args, now=True)
        assert caught.value.reason == reason
    for query, reason in (("positions", "Invalid token ID"), ("ownerOf", "ERC721: owner query for nonexistent token")):
        for ask in (lambda q: twin.real.manager.view(q, 77), lambda q: twin.model.read(twin.state, q, 77)):
            with pytest.raises(Revert) as caught:
                ask(query)
            assert caught.value.reason == reason


def test_views_answer_alike() -> None:
    twin = prepared()
    alice = twin.actors[0]
    twin.act("pool_increase_observations", alice, observation_cardinality_next=4)
    for seconds, zero_for_one in ((10, True), (20, False), (1, True), (7, False), (30, True)):
        twin.evm.advance(seconds)
        twin.act("pool_swap", alice, zero_for_one=zero_for_one, amount_specified=10**19)
    twin.evm.advance(5)
    twin.act("pool_mint", alice, **BELOW, liquidity=E18)
    twin.evm.advance(9)
    for query in ("slot0", "liquidity", "feeGrowthGlobal0X128", "feeGrowthGlobal1X128", "protocolFees"):
        twin.view(query)
    for query in ("maxLiquidityPerTick", "tickSpacing", "fee"):
        twin.view(query)
    for tick in (-600, 600, 60):
        twin.view("ticks", tick)
    for index in range(5):
        twin.view("observations", index)
    for word in (-1, 0, 1):
        twin.view("tickBitmap", word)
    twin.view("observe", [0, 1, 9, 10, 14, 15, 40, 44], now=True)
    for lower, upper in ((-600, 600), (-1200, -600), (-1200, 600)):
        twin.view("snapshotCumulativesInside", lower, upper, now=True)
    real = twin.real.manager.view("positions", 1)
    mine = twin.model.read(twin.state, "positions", 1)
    assert tuple(real[4:]) == mine[2:]
    assert twin.real.manager.view("ownerOf", 1) == twin.model.read(twin.state, "ownerOf", 1) == alice


def test_claimable_and_principal_are_what_closing_pays() -> None:
    twin = prepared()
    alice = twin.actors[0]
    for zero_for_one in (True, False):
        twin.act("pool_swap", alice, zero_for_one=zero_for_one, amount_specified=10**19)
    claimable = twin.model.read(twin.state, "claimable", 1)
    principal = twin.model.read(twin.state, "principal", 1)
    assert min(*claimable, *principal) > 0
    paid = twin.act("close", alice, token_id=1)
    assert (paid["amount0"], paid["amount1"]) == tuple(a + b for a, b in zip(claimable, principal, strict=True))
