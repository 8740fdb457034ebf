"""Edges that random markets hardly ever reach, each on both twins (they compare as they go)."""

from __future__ import annotations

from collections.abc import Callable

import pytest

from tidemill.chain import artefacts

if not artefacts.available("UniswapV3Pool", "NonfungiblePositionManager", "SwapRouter", "PoolCallee", "TestToken"):
    pytest.skip("contract artefacts are not in the cache: run `tidemill contracts fetch`", allow_module_level=True)

from twins.uniswap_v3_accrual import ACCRUAL
from twins.uniswap_v3_edges import EDGES, first_in
from twins.uniswap_v3_views import VIEWS
from twins.uniswap_v3_words import WORDS_WRITTEN

pytestmark = pytest.mark.chain


@pytest.mark.parametrize("edge", EDGES + VIEWS + ACCRUAL + WORDS_WRITTEN, ids=lambda edge: edge.__name__)
def test_edge(edge: Callable[[], None]) -> None:
    edge()


@pytest.mark.parametrize(("a", "m"), [(7, 101), (50, 101), (95, 101), (1, 2), (12_345, 1_000_003)])
def test_first_in_is_the_least(a: int, m: int) -> None:
    for low in range(1, min(m, 40)):
        for high in range(low, min(m, low + 3)):
            x = first_in(a, m, low, high)
            assert low <= a * x % m <= high
            assert all(not low <= a * y % m <= high for y in range(x))
