"""Sealed-bid second-price auctions, as Arbitrum holds them each minute for its express lane (Timeboost).

Source: Arbitrum's documentation of Timeboost: rounds of 60 s, the highest bid at or above the reserve price wins and pays
the second highest, a single bidder pays the reserve; 97 % go to the DAO's treasury and 3 % to a developers' guild. Amounts
are wei.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.units import BPS, mul_div_down

__all__ = ["DAO_BPS", "ROUND_SECONDS", "Sold", "sell", "split_down"]

ROUND_SECONDS = 60
DAO_BPS = 9_700


class Sold(Struct, frozen=True):
    """Who got the round and what for. ``tied`` says that the highest bid was made more than once."""

    winner: str
    price: int
    tied: bool = False


def sell(bids: Mapping[str, int], reserve: int) -> Sold | None:
    """Return the outcome of a round, ``None`` where nobody bids the reserve price.

    The contract breaks ties by a hash of the bid; here the first in order wins, at the same price.

    >>> sell({"a": 7, "b": 9, "c": 3}, 2)
    Sold(winner='b', price=7, tied=False)
    >>> sell({"a": 7}, 2).price
    2
    """
    valid = [(bid, name) for name, bid in bids.items() if bid >= reserve]
    if not valid:
        return None
    ranked = sorted(valid, key=lambda pair: -pair[0])  # stable: among equals the first stays first
    second = ranked[1][0] if len(ranked) > 1 else reserve
    return Sold(ranked[0][1], second, tied=len(ranked) > 1 and second == ranked[0][0])


def split_down(price: int) -> tuple[int, int]:
    """Return (treasury, guild) of a price: the treasury's part rounded down, the rest the guild's."""
    treasury = mul_div_down(price, DAO_BPS, BPS)
    return treasury, price - treasury
