"""What borrowers pay: the package's mock (utilisation a year), and the adaptive curve from its specification.

Source: Morpho's public documentation of the AdaptiveCurveIRM. A rate *at target* moves up or down exponentially, the
faster the further utilisation is from 90 %, and the rate is a curve of steepness 4 through it. Everything is a wad;
rates are per second. Signed divisions round toward zero.
"""

from __future__ import annotations

from tidemill.units import (
    WAD,
    Int,
    Uint,
    div_down,
    div_toward_zero,
    maximum,
    minimum,
    rule,
    to_index,
    to_int,
    to_uint,
    wide,
)
from tidemill.venues.morpho_blue.rules import utilisation_down

__all__ = [
    "INITIAL_AT_TARGET",
    "MAX_AT_TARGET",
    "MIN_AT_TARGET",
    "TARGET",
    "YEAR",
    "adapted_down",
    "average_down",
    "curve_rate",
    "distance",
    "exponential",
    "growth",
    "mock_rate_down",
]

YEAR = 365 * 86_400
TARGET = 9 * 10**17
INITIAL_AT_TARGET = 4 * 10**16 // YEAR
MIN_AT_TARGET = wide(10**15 // YEAR)
MAX_AT_TARGET = wide(2 * 10**18 // YEAR)

_ONE = 10**18
_ABOVE = 10**17
_SPEED = 50 * 10**18 // YEAR
_STEEPER = 3 * 10**18  # steepness 4, less 1: above the target
_FLATTER = 75 * 10**16  # 1 less a steepness'th: below it
_LN2 = 693_147_180_559_945_309
_HALF_LN2 = 346_573_590_279_972_654
_FAR = wide(93 * 10**18)  # beyond this the bounds of the rate decide whatever the exponential is


@rule
def mock_rate_down(total_supply: Uint, total_borrow: Uint) -> Uint:
    """A rate of the utilisation in a year: what the package's own test instrument answers."""
    return div_down(utilisation_down(total_supply, total_borrow), YEAR)


@rule
def distance(total_supply: Uint, total_borrow: Uint) -> Int:
    """How far utilisation is from its target: -1.0 at 0 %, 0 at 90 %, 1.0 at 100 % (wads)."""
    away = to_int(utilisation_down(total_supply, total_borrow)) - TARGET
    if away > 0:
        return div_toward_zero(away * _ONE, _ABOVE)
    return div_toward_zero(away * _ONE, TARGET)


@rule
def growth(error: Int, seconds: Uint) -> Int:
    """The exponent by which the rate at target moves in ``seconds`` at a distance of ``error``: 50 a year at 1.0."""
    return div_toward_zero(error * _SPEED, _ONE) * to_int(seconds)


@rule
def exponential(x: Int) -> Uint:
    """``e**x`` as 2**q times the second-order series of what is left, |that| ≤ ln(2) / 2; x within ±93.

    >>> exponential(10**18)
    2707864291678420188
    """
    far = to_int(_FAR)
    bounded = x
    if x > far:
        bounded = far
    if x < -far:
        bounded = -far
    if bounded < 0:
        q = to_index(div_toward_zero(bounded - _HALF_LN2, _LN2))
    else:
        q = to_index(div_toward_zero(bounded + _HALF_LN2, _LN2))
    rest = bounded - to_int(q) * _LN2
    series = to_uint(rest + _ONE + div_toward_zero(div_toward_zero(rest * rest, _ONE), 2))
    if q >= 0:
        return series << q
    return series >> -q


@rule
def adapted_down(at_target: Uint, exponent: Int) -> Uint:
    """The rate at target after it moved by ``exponent``, within 0.1 % and 200 % a year."""
    moved = div_down(at_target * exponential(exponent), WAD)
    return maximum(MIN_AT_TARGET, minimum(MAX_AT_TARGET, moved))


@rule
def average_down(start: Uint, middle: Uint, end: Uint) -> Uint:
    """The mean rate at target over a time, by the trapezium rule on its two halves."""
    return div_down(start + end + middle * 2, 4)


@rule
def curve_rate(at_target: Uint, error: Int) -> Uint:
    """The rate at a distance of ``error`` from the target: a quarter of it at 0 %, four times it at 100 %."""
    factor = div_toward_zero(error * _STEEPER, _ONE) + _ONE
    if error < 0:
        factor = div_toward_zero(error * _FLATTER, _ONE) + _ONE
    return to_uint(div_toward_zero(factor * to_int(at_target), _ONE))
