"""Arbitrum's auction of the express lane: the highest bid wins and pays the second; pure integer functions.

Source: Arbitrum's documentation of Timeboost. A round's lane shortens its owner's delay by 200 ms; what that is worth
depends on the owner's trading alone.
"""

from __future__ import annotations

from collections.abc import Mapping

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["Sale", "auction", "divided"]

_BIPS = 10_000


class Sale(Struct, frozen=True):
    """Who controls a round's lane, and what was paid for it (wei); nobody where no bid met the reserve.

    ``tied`` says that the highest bid was made more than once.
    """

    winner: str | None
    price: int
    tied: bool = False


def auction(bids: Mapping[str, int], reserve: int) -> Sale:
    """Return the outcome of sealed ``bids`` (one per bidder, wei): the second price, or the reserve for a single bid.

    Bids below the reserve do not count. Equal highest bids pay what both bid; here the first given wins, on the chain a
    hash decides.

    Raises
    ------
    BadInput : a negative bid or reserve.

    >>> auction({"a": 5, "b": 9, "c": 7}, 2)
    Sale(winner='b', price=7, tied=False)
    """
    if reserve < 0 or any(bid < 0 for bid in bids.values()):
        raise BadInput("a bid or reserve is negative", field="bids")
    counted = {bidder: bid for bidder, bid in bids.items() if bid >= reserve}
    if not counted:
        return Sale(None, 0)
    winner = max(counted, key=lambda bidder: counted[bidder])
    rivals = [bid for bidder, bid in counted.items() if bidder != winner]
    return Sale(winner, max(rivals, default=reserve), tied=counted[winner] in rivals)


def divided(price: int, dao_bips: int) -> tuple[int, int]:
    """Return what the DAO gets of a sale, rounded down, and what is left for the guild."""
    dao = price * dao_bips // _BIPS
    return dao, price - dao
