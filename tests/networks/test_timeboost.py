"""The express lane's auction: second price, reserve, and who gets the money."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.networks.timeboost import Sale, auction, divided


def test_the_second_price_is_paid() -> None:
    assert auction({"a": 10, "b": 30, "c": 20}, 5) == Sale("b", 20)
    assert auction({"a": 10, "b": 30, "c": 20}, 25) == Sale("b", 25), "a single bid left pays the reserve"
    assert auction({"a": 10, "b": 30}, 30) == Sale("b", 30)
    assert auction({"a": 10, "b": 30}, 31) == Sale(None, 0)
    assert auction({"a": 7, "b": 7}, 1) == Sale("a", 7, tied=True)
    assert auction({}, 0) == Sale(None, 0)
    with pytest.raises(BadInput, match="bids: a bid or reserve is negative"):
        auction({"a": -1}, 0)
    with pytest.raises(BadInput, match="bids: a bid or reserve is negative"):
        auction({"a": 1}, -1)


@given(st.dictionaries(st.sampled_from("abcdef"), st.integers(0, 100), min_size=1), st.integers(0, 100))
def test_no_winner_pays_more_than_the_bid_or_less_than_reserve_and_rivals(bids: dict[str, int], reserve: int) -> None:
    sale = auction(bids, reserve)
    if sale.winner is None:
        assert max(bids.values()) < reserve
        return
    assert reserve <= sale.price <= bids[sale.winner] == max(bids.values())
    assert all(bid <= sale.price for bidder, bid in bids.items() if bidder != sale.winner)


def test_the_dao_gets_97_of_a_hundred() -> None:
    share = networks.get("arbitrum-one").facts.integer("timeboost_dao_share")
    assert divided(2_491 * 10**6, share) == (2_416_270_000, 74_730_000)
    assert divided(10, share) == (9, 1)
