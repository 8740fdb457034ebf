"""Chances that are themselves uncertain: the beta distribution, and how a base rate and one's own record meet in it.

A base rate ``m`` that weighs as much as ``w`` events is Beta(w, w·(1 − m)/m): its mean is ``m``. A record of ``k`` bad
years in ``n`` turns it into Beta(w + k, w·(1 − m)/m + n − k), whose mean lies between ``m`` and ``k / n`` (shrinkage).
"""

from __future__ import annotations

from math import exp, lgamma, log, log1p

from msgspec import Struct

from tidemill.errors import BadInput

__all__ = ["Beta", "shrunk"]

_STEPS = 200
_TINY = 1e-300
_CLOSE = 1e-15


class Beta(Struct, frozen=True):
    """A distribution of a probability; both parameters are above 0."""

    a: float
    b: float

    @property
    def mean(self) -> float:
        """The expected probability."""
        return self.a / (self.a + self.b)

    def below(self, x: float) -> float:
        """Return the chance that the probability is at most ``x`` (the regularised incomplete beta function)."""
        if x <= 0.0:
            return 0.0
        if x >= 1.0:
            return 1.0
        front = lgamma(self.a + self.b) - lgamma(self.a) - lgamma(self.b) + self.a * log(x) + self.b * log1p(-x)
        if x < (self.a + 1) / (self.a + self.b + 2):  # where the fraction converges fast
            return exp(front) * _fraction(self.a, self.b, x) / self.a
        return 1.0 - exp(front) * _fraction(self.b, self.a, 1.0 - x) / self.b

    def quantile(self, share: float) -> float:
        """Return the probability that ``share`` of the distribution lies below, by halving an interval."""
        if not 0.0 < share < 1.0:
            raise BadInput(f"{share} is no share between 0 and 1")
        low, high = 0.0, 1.0
        for _ in range(_STEPS):
            middle = (low + high) / 2
            low, high = (middle, high) if self.below(middle) < share else (low, middle)
        return (low + high) / 2


def shrunk(rate: float, weight: float, events: float = 0.0, years: float = 0.0) -> Beta:
    """Return what is believed of a yearly chance.

    Parameters
    ----------
    rate : the base rate, between 0 and 1, both left out.
    weight : how many events it weighs, above 0.
    events, years : of one's own record; where the years are fewer than the events, each event is a year.

    Raises ``BadInput`` for values outside.
    """
    if not 0.0 < rate < 1.0 or weight <= 0.0 or events < 0.0 or years < 0.0:
        raise BadInput(f"rate {rate}, weight {weight}, {events} events in {years} years: no record")
    return Beta(weight + events, weight * (1.0 - rate) / rate + max(years - events, 0.0))


def _fraction(a: float, b: float, x: float) -> float:
    """Return the continued fraction of the incomplete beta function, by Lentz's method."""
    c, d = 1.0, 1.0 / _away(1.0 - (a + b) * x / (a + 1.0))
    value = d
    for m in range(1, _STEPS + 1):
        for top in (
            m * (b - m) * x / ((a + 2 * m - 1) * (a + 2 * m)),
            -(a + m) * (a + b + m) * x / ((a + 2 * m) * (a + 2 * m + 1)),
        ):
            d = 1.0 / _away(1.0 + top * d)
            c = _away(1.0 + top / c)
            value *= c * d
        if abs(c * d - 1.0) < _CLOSE:
            break
    return value


def _away(value: float) -> float:
    return value if abs(value) > _TINY else _TINY
