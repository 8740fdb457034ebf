"""An oracle that follows a recorded pool: late and in steps, as a feed does, and never ahead of it."""

from __future__ import annotations

import re
from functools import cache
from pathlib import Path
from typing import Any

import pytest
from msgspec import structs

from kit import small_market
from tidemill.errors import BadInput
from tidemill.market import PoolInfo, Token
from tidemill.studies.market_data import MarketData
from tidemill.studies.prepare import Prepared, prepare
from tidemill.studies.study import load_study

EXAMPLE = Path(__file__).parents[3] / "examples" / "hedged_lp.toml"
TURNED = PoolInfo(10, "op-mainnet", "0x" + "06" * 20, Token("WETH", 18), Token("USDC", 6), 500, 10)
DEVIATION = 50


@cache
def market(turned: bool) -> MarketData:
    if turned:
        return MarketData(small_market(pool=TURNED, start_tick=-195_000, trade_size=5 * 10**17))
    return MarketData(small_market())


def placed(*, turned: bool = False, **params: Any) -> Prepared:
    study = load_study(EXAMPLE)
    aave = study.venues["aave"]
    venues = {**study.venues, "aave": structs.replace(aave, params={**aave.params, **params})}
    changed = structs.replace(study, start=None, end=None, venues=venues, tokens={**study.tokens, "USDT": 6})
    return prepare(changed, {"pool": market(turned)})


def shown(turned: bool) -> list[tuple[int, float]]:
    """(time, whole USDC for a whole WETH) after every swap."""
    table = market(turned).dataset.tables["events"].select("time", "tick").drop_nulls().sort("time")
    return [(time, 1e12 * 1.0001 ** (tick if turned else -tick)) for time, tick in table.iter_rows()]


@pytest.mark.parametrize("turned", [False, True])
def test_it_answers_what_the_pool_showed_as_a_feed_does(turned: bool) -> None:
    prepared = placed(turned=turned)
    (oracle,) = prepared.oracles()
    path = shown(turned)
    assert len(oracle.updates) > 20
    for time, answer in oracle.updates:
        before = [price for at, price in path if at <= max(time, path[0][0])]
        assert abs(answer / 1e8 / before[-1] - 1) < 2e-4  # a tick is a price to 0.01 %
    hours = range(prepared.start, prepared.end, 3_600)
    for hour in hours:  # asked each hour, the answer is no further off than the deviation
        price = [price for at, price in path if at <= max(hour, path[0][0])][-1]
        assert abs(oracle.reading(hour).answer / 1e8 / price - 1) < DEVIATION / 10_000 + 3e-4


def test_the_market_begins_at_the_pool_s_price_and_others_can_borrow_at_it() -> None:
    prepared = placed()
    (aave,) = (stage for stage in prepared.stages() if stage.id == "aave")
    price = aave.read("getAssetPrice", "WETH@op-mainnet") / 1e8
    assert abs(price / shown(False)[0][1] - 1) < 2e-4
    assert 2_000 < price < 6_000


@pytest.mark.parametrize(
    ("params", "says"),
    [
        ({"price_of": "poll"}, "venues.aave.params.price_of: unknown venue with a recorded market 'poll'; did you mean 'pool'?"),
        ({"price_path": "1:3000"}, "venues.aave.params.price_of: the price follows price_of or price_path, not both"),
        ({"collateral": "USDT"}, "venues.aave.params.price_of: pool trades USDC and WETH, not USDT for USDC"),
    ],
)  # fmt: skip
def test_what_cannot_be_followed_is_named(params: dict[str, str], says: str) -> None:
    with pytest.raises(BadInput, match=re.escape(says)):
        placed(**params)
