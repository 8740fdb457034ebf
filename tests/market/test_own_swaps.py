"""Own swaps on a recorded path: what they say of the tick is what the contract would store."""

from __future__ import annotations

import pytest

from tidemill.market import Dataset
from tidemill.market.limbs import from_limbs
from tidemill.market.own_swaps import PathLiquidity
from tidemill.market.walk import bound, price_at

FAR = 10**24


@pytest.fixture(scope="module", params=["exact", "inferred"])
def known(request, market: Dataset) -> tuple[Dataset, PathLiquidity]:
    """The same market with its state known, and without."""
    import msgspec

    lesser = Dataset(msgspec.structs.replace(market.manifest, fidelity="inferred"), market.tables)
    data = market if request.param == "exact" else lesser
    return data, PathLiquidity.of(data)


@pytest.mark.parametrize("down", [True, False])
def test_the_tick_changes_only_where_the_price_leaves_it(known, down):
    data, liquidity = known
    tape, seen = data.tape(), 0
    for steps in range(200, 3_000, 200):
        tick, price = int(tape.tick[steps - 1]), from_limbs(tape.sqrt_price[steps - 1 : steps])[0]
        low, high = price_at(tick), price_at(tick + 1)
        if not low + 1 < price < high - 1:
            continue
        events = int(tape.event[steps - 1]) + 1

        def changed(amount: int, limit: int, at: tuple[int, int] = (steps, events)) -> bool:
            fill = liquidity.swap(*at, zero_for_one=down, exact_in=True, amount=amount, sqrt_price_limit_x96=limit)
            assert fill.amount_in > 0
            return fill.tick_changed

        assert not changed(1_000, bound(down))  # next to nothing: the price stays in its tick
        assert not changed(FAR, low if down else high - 1)  # up to the last price of the tick
        assert changed(FAR, low - 1 if down else high)  # and one beyond
        seen += 1
    assert seen > 5
