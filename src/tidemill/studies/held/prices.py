"""Prices at a mark of a real portfolio: from what its own venues quote at that block, in the home asset."""

from __future__ import annotations

from collections.abc import Iterable, Mapping

from tidemill.interfaces import Price
from tidemill.ledger.prices import MICRO
from tidemill.venues.shared.history import Quote

__all__ = ["USD", "prices"]

USD = "USD"
"""What oracles quote in; its unit is 1e-8."""

_Q192 = 1 << 192


def prices(quotes: Iterable[Quote], home: Mapping[str, Price], native: str) -> dict[str, Price]:
    """Return a price for every token that a chain of quotes leads to from what is known already.

    Parameters
    ----------
    quotes : of one moment; the first that prices a token counts.
    home : the home asset's price, and prices given by the user.
    native : id of the native token, which is worth what its wrapped form is (``ETH@op``, ``WETH@op``).

    Every price but those given is rounded down to a multiple of 2^-192 micro-units per raw unit of what it is quoted
    in, so that all prices of a token share a denominator. A pool's price of its first token is exact all the same.
    """
    known, left = dict(home), list(quotes)
    wrapped = f"W{native}"
    while True:
        for one, other in ((native, wrapped), (wrapped, native)):
            if one in known:
                known.setdefault(other, known[one])
        found = len(known)
        for quote in left:
            if quote.quote in known and quote.base not in known:
                known[quote.base] = _ratio_down(quote.num, quote.den, known[quote.quote])
            elif quote.base in known and quote.quote not in known and quote.num:
                known[quote.quote] = _ratio_down(quote.den, quote.num, known[quote.base])
        if len(known) == found:
            known.pop(USD, None)
            return known


def _ratio_down(num: int, den: int, of: Price) -> Price:
    return Price(num * of.num * _Q192 // den, _Q192 * of.den)


def price_of_usd() -> Price:
    """Return the price of ``USD`` where the home asset is the dollar itself.

    >>> price_of_usd()
    Price(num=1000000, den=100000000)
    """
    return Price(MICRO, 10**8)
