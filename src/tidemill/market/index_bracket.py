"""A rigorous bracket of ``diluted`` fees from four moments, answered by the index.

With own liquidity ``l`` a step pays ``fee * l / (L + l)``. Write ``a = fee / L`` and ``u = L_min / L`` for each step:
the sum is ``l * sum(a * f(u))`` with ``f(u) = 1 / (1 + lam * u)``, ``lam = l / L_min``, ``u`` in [u_min, 1]. ``f`` has
derivatives of alternating sign, so (Markov; Krein and Nudelman, chapter III):

* a cubic that touches ``f`` at any two points lies below it: ``f'''' > 0``;
* a cubic through both ends of [u_min, 1] that touches ``f`` at any point between lies above it.

The sum of a cubic needs the moments ``sum(a * u**j)``, j = 0 … 3, only. Points are those of the Gauss and the Lobatto
rule of the moments, the best possible; but any would be valid, so errors in placing them cost width, never truth. What
does matter is the error of the moments themselves: j = 0 is the exact growth, the others are 64-bit fixed point, rounded
down, and the slack is added to both sides. Floats are used for this bound only; ``FeeIndex.diluted_fees`` is exact.
"""

from __future__ import annotations

from typing import NamedTuple

import numpy as np
from numpy.typing import ArrayLike, NDArray

from tidemill.market.index import FeeIndex
from tidemill.market.limbs import Limbs
from tidemill.venues.uniswap_v3.tape import Tape

__all__ = ["Bracket", "BracketIndex"]

Floats = NDArray[np.float64]

_FLOAT_SLACK = 1e-12
"""Relative error allowed for float arithmetic: some dozens of operations of 1e-16."""


class Bracket(NamedTuple):
    """Bounds of diluted fees, raw units: arrays ``(m, 2)`` of token0 and token1."""

    low: Floats
    high: Floats

    @property
    def width(self) -> Floats:
        """Width relative to the upper bound, 0 where nothing was earned."""
        return np.divide(self.high - self.low, self.high, out=np.zeros_like(self.high), where=self.high > 1)


class BracketIndex:
    """A fee index with moment columns; about 48 bytes a step and 48 a crossing more.

    Parameters
    ----------
    tape : steps with liquidity.
    index : the index of the same tape, if it is already built.
    """

    def __init__(self, tape: Tape, index: FeeIndex | None = None) -> None:
        self.index = index or FeeIndex(tape)
        depth = _to_float(tape.liquidity)
        self._least, self._u_min = float(depth.min()), float(depth.min() / depth.max())
        weight = _to_float(tape.fee) / depth
        ratio = self._least / depth
        columns, self._scale = [], np.empty(6)
        for token, mine in enumerate((tape.zero_for_one == 1, tape.zero_for_one == 0)):
            part = np.where(mine, weight, 0.0)
            for j in range(3):
                part = part * ratio
                sum_ = float(part.sum())
                self._scale[3 * token + j] = 2.0**62 / sum_ if sum_ else 1.0
                columns.append((part * self._scale[3 * token + j]).astype(np.uint64))
        self._prefix = np.zeros((len(depth) + 1, 6), np.uint64)
        np.cumsum(np.column_stack(columns), axis=0, out=self._prefix[1:])
        self._records = self.index.records(self._prefix)

    @property
    def nbytes(self) -> int:
        """Bytes held beside the fee index."""
        return self._prefix.nbytes + self._records.nbytes

    def bracket_many(
        self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike, stop: ArrayLike, liquidity: int
    ) -> Bracket:
        """Bounds of what ``liquidity`` earns in ``[lower, upper)`` over steps ``[start, stop)`` when it dilutes."""
        growth = self.index.growth_many(lower, upper, start, stop)
        sums = (self._before(lower, upper, stop) - self._before(lower, upper, start)).astype(np.float64) / self._scale
        steps = np.asarray(stop, np.float64) - np.asarray(start, np.float64)
        lam = liquidity / self._least
        sides = []
        for token in range(2):
            whole = _to_float(growth[:, 3 * token : 3 * token + 3]) / 2.0**128
            moments = np.column_stack([whole, sums[:, 3 * token : 3 * token + 3]])
            error = (steps[:, None] / self._scale[3 * token : 3 * token + 3]).sum(axis=1)
            sides.append(_bounds(moments, lam, self._u_min, error))
        low = np.column_stack([side[0] for side in sides]) * liquidity
        high = np.column_stack([side[1] for side in sides]) * liquidity
        # the exact result is rounded down once a position and, by less than that, once a step
        return Bracket(np.maximum(np.floor(low) - 1, 0), np.ceil(high))

    def _before(self, lower: ArrayLike, upper: ArrayLike, at: ArrayLike) -> Limbs:
        where = self.index.locate_many(lower, upper, at)
        inside: Limbs = self._records[where[:, 1]] - self._records[where[:, 0]]
        inside += self._prefix[np.asarray(at, np.int64)] * where[:, 2:].astype(np.uint64)
        return inside


def _to_float(limbs: Limbs) -> Floats:
    value: Floats = limbs[:, -1].astype(np.float64)
    for k in range(limbs.shape[1] - 2, -1, -1):
        value = value * 2.0**64 + limbs[:, k].astype(np.float64)
    return value


def _bounds(moments: Floats, lam: float, u_min: float, error: Floats) -> tuple[Floats, Floats]:
    """Bounds of ``sum(a / (1 + lam * u))`` from moments (m, 4); ``error`` bounds each moment's lack beyond the first."""
    mass = moments[:, 0]
    some = mass > 0
    norm = np.divide(moments[:, 1:], mass[:, None], out=np.full((len(mass), 3), u_min), where=some[:, None])
    mean = np.clip(norm[:, 0], u_min, 1.0)
    var = np.maximum(norm[:, 1] - 2 * mean * norm[:, 0] + mean * mean, 0.0)
    third = norm[:, 2] - 3 * mean * norm[:, 1] + 3 * mean * mean * norm[:, 0] - mean**3
    first = norm[:, 0] - mean
    centred = np.column_stack([np.ones_like(mean), first, var, third])
    low = _below(centred, mean, lam)
    high = _above(centred, mean, lam, u_min)
    # a cubic's coefficients are at most 8 * max(1, lam**3): divided differences of f on [0, 1] are below lam**k
    slack = 8 * max(1.0, lam**3) * error
    return mass * low * (1 - _FLOAT_SLACK) - slack, mass * np.minimum(high, 1.0) * (1 + _FLOAT_SLACK) + slack


def _below(centred: Floats, mean: Floats, lam: float) -> Floats:
    """Expectation of the cubic touching f at the two Gauss points (both at the mean where the spread is nil)."""
    _, first, var, third = centred.T
    skew = np.divide(third, var, out=np.zeros_like(var), where=var > 1e-13)
    root = np.sqrt(skew * skew / 4 + var)
    x, y = mean + skew / 2 - root, mean + skew / 2 + root
    x, y = np.clip(x, 0.0, 1.0), np.clip(y, 0.0, 1.0)
    # Newton form with nodes x, x, y, y; divided differences of 1 / (1 + lam u) are products
    f, g = 1 / (1 + lam * x), 1 / (1 + lam * y)
    c = (f, -lam * f * f, lam**2 * f * f * g, -(lam**3) * f * f * g * g)
    dx, dy = mean - x, mean - y
    one = first + dx
    two = var + 2 * dx * first + dx * dx
    # (u-x)^2 (u-y) with u = mean + e
    three = third + (2 * dx + dy) * var + (dx * dx + 2 * dx * dy) * first + dx * dx * dy
    bound: Floats = c[0] + c[1] * one + c[2] * two + c[3] * three
    return bound


def _above(centred: Floats, mean: Floats, lam: float, u_min: float) -> Floats:
    """Expectation of the cubic through both ends that touches f at the Lobatto point."""
    _, first, var, third = centred.T
    a, b = u_min - mean, 1.0 - mean
    # weight (u - a)(b - u): its first two moments place the touching point
    mass = -var + (a + b) * first - a * b
    lever = -third + (a + b) * var - a * b * first
    touch = np.divide(lever, mass, out=np.zeros_like(mass), where=mass > 1e-13)
    t = np.clip(mean + touch, u_min, 1.0)
    f, g, h = 1 / (1 + lam * u_min), 1 / (1 + lam * t), 1 / (1 + lam)
    # Newton form with nodes u_min, t, t, 1
    c = (f, -lam * f * g, lam**2 * f * g * g, -(lam**3) * f * g * g * h)
    da, dt = mean - u_min, mean - t
    one = first + da
    two = var + (da + dt) * first + da * dt
    three = third + (da + 2 * dt) * var + (dt * dt + 2 * da * dt) * first + da * dt * dt
    bound: Floats = c[0] + c[1] * one + c[2] * two + c[3] * three
    return bound
