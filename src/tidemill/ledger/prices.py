"""Exact prices and sums of values: no value is rounded before the line it is printed on.

A :class:`~tidemill.interfaces.Price` turns raw units of a token into micro-units (1e-6) of the home asset by an integer
ratio. A row of a statement adds up thousands of values; :class:`Total` keeps the sum as an exact rational number and
rounds once.
"""

from __future__ import annotations

import math
from fractions import Fraction

from tidemill.errors import BadInput
from tidemill.interfaces import Price

__all__ = ["MICRO", "Total", "price_of_home", "price_of_micro", "price_of_sqrt_down", "value_down", "value_toward_zero"]

MICRO = 10**6
"""Micro-units in one whole unit of the home asset."""

_Q192 = 1 << 192


def price_of_home(decimals: int) -> Price:
    """Return the price of the home asset itself: ``10**6`` micro-units per ``10**decimals`` raw units.

    >>> price_of_home(6)
    Price(num=1000000, den=1000000)
    """
    return Price(MICRO, 10**decimals)


def price_of_micro(micro: int, decimals: int) -> Price:
    """Return the price of a token from a price table: ``micro`` micro-units per whole token of ``decimals``.

    >>> price_of_micro(2_000_000_000, 18)  # 2,000 home units for one token
    Price(num=2000000000, den=1000000000000000000)
    """
    if micro < 0:
        raise BadInput(f"price {micro} is negative; a price is 0 or more micro-units per whole token")
    return Price(micro, 10**decimals)


def price_of_sqrt_down(sqrt_price_x96: int, *, of_token0: bool, quote: Price) -> Price:
    """Return the price of one token of a pool from its Q64.96 square-root price and the price of the other token.

    Parameters
    ----------
    sqrt_price_x96 : ``sqrt(raw token1 per raw token0) * 2**96``, as ``slot0`` gives it.
    of_token0 : true for the price of token0 (``quote`` is then token1's), false for token1's.
    quote : price of the other token, in the same home asset.

    Raises ``BadInput`` for a price that is not positive. Token0's price is exact. Token1's is its inverse, rounded down
    to a multiple of 2^-192 micro-units per raw unit: a price is one number, used everywhere alike, so that this
    changes no identity, and all prices of a token share one denominator, so that sums stay small.
    """
    if sqrt_price_x96 <= 0:
        raise BadInput(f"sqrt_price_x96 is {sqrt_price_x96}; an initialised pool has a positive one")
    square = sqrt_price_x96 * sqrt_price_x96
    if of_token0:
        return Price(square * quote.num, _Q192 * quote.den)
    return Price(_Q192 * _Q192 * quote.num // square, _Q192 * quote.den)


def value_down(amount: int, price: Price) -> int:
    """Return ``amount`` raw units in micro-units, rounded down (towards minus infinity, never flattering)."""
    return amount * price.num // price.den


def value_toward_zero(amount: int, price: Price) -> int:
    """Return ``amount`` raw units in micro-units, rounded towards zero, so that two sides of one flow cancel."""
    return value_down(amount, price) if amount >= 0 else -value_down(-amount, price)


class Total:
    """An exact running sum of values.

    Denominators differ between tokens, not between times; the sum is kept per denominator and joined when asked for.
    """

    __slots__ = ("_parts",)

    def __init__(self) -> None:
        self._parts: dict[int, int] = {}

    def add(self, amount: int, price: Price) -> None:
        """Add the value of ``amount`` raw units at ``price``."""
        self._parts[price.den] = self._parts.get(price.den, 0) + amount * price.num

    def add_move(self, amount: int, old: Price, new: Price) -> None:
        """Add what holding ``amount`` raw units from ``old`` to ``new`` gained."""
        self.add(amount, new)
        self.add(-amount, old)

    def exact(self) -> Fraction:
        """Return the sum in micro-units, exact."""
        return Fraction(*self._joined())

    def down(self) -> int:
        """Return the sum in micro-units, rounded down once."""
        num, den = self._joined()
        return num // den

    def _joined(self) -> tuple[int, int]:
        """Numerator and denominator of the sum, unreduced."""
        den = math.lcm(*self._parts)
        return sum(num * (den // each) for each, num in self._parts.items()), den
