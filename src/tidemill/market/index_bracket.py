"""A rigorous bracket of ``diluted`` fees from four moments, answered by the index.

With own liquidity ``l`` a step pays ``fee * l / (L + l)``. Write ``a = fee / L`` and ``u = L_min / L`` for each step:
the sum is ``l * sum(a * f(u))`` with ``f(u) = 1 / (1 + lam * u)``, ``lam = l / L_min``, ``u`` in (0, 1]. ``f`` has
derivatives of alternating sign, so (Markov; Krein and Nudelman, chapter III):

* a cubic that touches ``f`` at any two points lies below it: ``f'''' > 0``;
* a cubic through both ends of the interval of ``u`` that touches ``f`` at any point between lies above it;
* so does a quadratic through the lower end that touches ``f`` at any point: its third derivative is below 0.

The interval is that of the cells of the range, over the whole tape. The sum of a cubic needs the moments
``sum(a * u**j)``, j = 0 to 3, only. Points are those of the Gauss, Lobatto and Radau rules of the moments, the best
possible; but any would be valid, so errors in placing them cost width, never truth. What does matter is the error of
the moments themselves: j = 0 is the exact growth, the others are 64-bit fixed point, rounded down, and the slack is
added to both sides. Floats are used for this bound only; ``FeeIndex.diluted_fees`` is exact.
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

_NIL = 1e-13
"""Spreads below this are nil in float arithmetic."""


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
        self._least = float(depth.min())
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
        self._low = int(tape.cell.min())
        self._ends = _extremes(tape.cell - self._low, ratio)

    @property
    def nbytes(self) -> int:
        """Bytes held beside the fee index."""
        return self._prefix.nbytes + self._records.nbytes + sum(level.nbytes for level in self._ends)

    def bracket_many(
        self, lower: ArrayLike, upper: ArrayLike, start: ArrayLike, stop: ArrayLike, liquidity: int | Floats
    ) -> Bracket:
        """Bounds of what ``liquidity`` (one for all, or one each) earns in ``[lower, upper)`` over steps ``[start, stop)``
        when it dilutes.
        """
        growth = self.index.growth_many(lower, upper, start, stop)
        sums = (self._before(lower, upper, stop) - self._before(lower, upper, start)).astype(np.float64) / self._scale
        steps = np.asarray(stop, np.float64) - np.asarray(start, np.float64)
        lam = liquidity / self._least
        ends = self._range_ends(np.asarray(lower, np.int64), np.asarray(upper, np.int64))
        sides = []
        for token in range(2):
            whole = _to_float(growth[:, 3 * token : 3 * token + 3]) / 2.0**128
            moments = np.column_stack([whole, sums[:, 3 * token : 3 * token + 3]])
            error = steps[:, None] / self._scale[3 * token : 3 * token + 3]
            sides.append(_bounds(moments, lam, ends, error))
        low, high = (np.column_stack([side[k] * liquidity for side in sides]) for k in range(2))
        # the exact result is rounded down once a position and, by less than that, once a step
        return Bracket(np.maximum(np.floor(low) - 1, 0), np.ceil(high))

    def _range_ends(self, lower: NDArray[np.int64], upper: NDArray[np.int64]) -> Floats:
        """Least and greatest ``u`` of the cells of each range: two overlapping powers of two."""
        cells = len(self._ends[0])
        low, up = np.clip(lower - self._low, 0, cells - 1), np.clip(upper - self._low, 1, cells)
        up = np.maximum(up, low + 1)
        level = np.log2((up - low).astype(np.float64)).astype(np.int64)
        out = np.empty((len(low), 2))
        for k in np.unique(level):
            mine = level == k
            left, right = self._ends[k][low[mine]], self._ends[k][up[mine] - (1 << k)]
            out[mine, 0] = np.minimum(left[:, 0], right[:, 0])
            out[mine, 1] = np.maximum(left[:, 1], right[:, 1])
        out[:, 0] *= 1 - _FLOAT_SLACK
        out[:, 1] *= 1 + _FLOAT_SLACK
        # a range of no visited cell earns nothing; any interval will do
        return np.clip(np.where(np.isfinite(out), out, 1.0), 0.0, 1.0)

    def _before(self, lower: ArrayLike, upper: ArrayLike, at: ArrayLike) -> Limbs:
        where = self.index.locate_many(lower, upper, at)
        inside: Limbs = self._records[where[:, 1]] - self._records[where[:, 0]]
        inside += self._prefix[np.asarray(at, np.int64)] * where[:, 2:].astype(np.uint64)
        return inside


def _extremes(cell: NDArray[np.int32], ratio: Floats) -> list[Floats]:
    """Least and greatest ratio of every run of ``2**k`` cells, k = 0, 1 and so on."""
    one = np.empty((int(cell.max()) + 1, 2))
    one[:, 0], one[:, 1] = np.inf, -np.inf
    np.minimum.at(one[:, 0], cell, ratio)
    np.maximum.at(one[:, 1], cell, ratio)
    levels = [one]
    while (half := 1 << (len(levels) - 1)) * 2 <= len(one):
        last = levels[-1]
        left, right = last[: len(last) - half], last[half:]
        levels.append(np.column_stack([np.minimum(left[:, 0], right[:, 0]), np.maximum(left[:, 1], right[:, 1])]))
    return levels


def _to_float(limbs: Limbs) -> Floats:
    value: Floats = limbs[:, -1].astype(np.float64)
    for k in range(limbs.shape[1] - 2, -1, -1):
        value = value * 2.0**64 + limbs[:, k].astype(np.float64)
    return value


def _bounds(moments: Floats, lam: float | Floats, ends: Floats, error: Floats) -> tuple[Floats, Floats]:
    """Bounds of ``sum(a / (1 + lam * u))`` for u within ``ends`` (m, 2).

    ``moments`` (m, 4) are ``sum(a * u**j)``; those of j = 1 to 3 may lack up to ``error`` (m, 3).
    """
    mass, some = moments[:, 0], moments[:, 0] > 0
    norm = np.divide(moments[:, 1:], mass[:, None], out=np.repeat(ends[:, :1], 3, axis=1), where=some[:, None])
    mean = np.clip(norm[:, 0], ends[:, 0], ends[:, 1])
    var = np.maximum(norm[:, 1] - 2 * mean * norm[:, 0] + mean * mean, 0.0)
    third = norm[:, 2] - 3 * mean * norm[:, 1] + 3 * mean * mean * norm[:, 0] - mean**3
    spread = _Spread(mean, norm[:, 0] - mean, var, third)
    low, low_slack = _expect(spread, lam, _gauss(spread, ends), error)
    high, high_slack = _expect(spread, lam, _lobatto(spread, ends), error)
    radau, radau_slack = _expect(spread, lam, _radau(spread, ends), error)
    above = np.minimum(
        mass * np.minimum(high, 1.0) * (1 + _FLOAT_SLACK) + high_slack,
        mass * np.minimum(radau, 1.0) * (1 + _FLOAT_SLACK) + radau_slack,
    )
    return mass * low * (1 - _FLOAT_SLACK) - low_slack, above


class _Spread(NamedTuple):
    """Mean of u and the expectations of u - mean, its square and its cube."""

    mean: Floats
    first: Floats
    var: Floats
    third: Floats


def _expect(spread: _Spread, lam: float | Floats, nodes: list[Floats], error: Floats) -> tuple[Floats, Floats]:
    """Expectation of the polynomial that meets f at ``nodes`` (a node given twice: it touches), and its slack.

    Newton's form: the divided differences of 1 / (1 + lam u) are products of its values. Nodes lie in [0, 1], so the
    polynomial's coefficients are at most sums of the differences times binomials.
    """
    values = [1 / (1 + lam * node) for node in nodes]
    weights = [values[0]]
    for k, value in enumerate(values[1:], 1):
        weights.append(weights[k - 1] * -lam * value)
    d = [spread.mean - node for node in nodes[:3]]
    powers = (
        np.ones_like(spread.mean),
        spread.first + d[0],
        spread.var + (d[0] + d[1]) * spread.first + d[0] * d[1],
        spread.third
        + (d[0] + d[1] + d[2]) * spread.var
        + (d[0] * d[1] + d[0] * d[2] + d[1] * d[2]) * spread.first
        + d[0] * d[1] * d[2],
    )
    mean: Floats = np.zeros_like(spread.mean)
    for weight, power in zip(weights, powers, strict=False):
        mean += weight * power
    size = [np.abs(weight) for weight in weights] + [np.zeros_like(spread.mean)] * (4 - len(weights))
    slack: Floats = (size[1] + 2 * size[2] + 3 * size[3]) * error[:, 0]
    slack += (size[2] + 3 * size[3]) * error[:, 1] + size[3] * error[:, 2]
    return mean, slack


def _gauss(spread: _Spread, ends: Floats) -> list[Floats]:
    """Both Gauss points, twice each; both at the mean where the spread is nil."""
    skew = np.divide(spread.third, spread.var, out=np.zeros_like(spread.var), where=spread.var > _NIL)
    root = np.sqrt(skew * skew / 4 + spread.var)
    x, y = (np.clip(spread.mean + skew / 2 + way * root, ends[:, 0], ends[:, 1]) for way in (-1, 1))
    return [x, x, y, y]


def _lobatto(spread: _Spread, ends: Floats) -> list[Floats]:
    """Both ends and the Lobatto point between, twice."""
    a, b = ends[:, 0] - spread.mean, ends[:, 1] - spread.mean
    mass = -spread.var + (a + b) * spread.first - a * b  # of the weight (u - a)(b - u)
    lever = -spread.third + (a + b) * spread.var - a * b * spread.first
    touch = np.divide(lever, mass, out=np.zeros_like(mass), where=mass > _NIL)
    t = np.clip(spread.mean + touch, ends[:, 0], ends[:, 1])
    return [ends[:, 0], t, t, ends[:, 1]]


def _radau(spread: _Spread, ends: Floats) -> list[Floats]:
    """The lower end and the Radau point, twice: better than Lobatto's where the upper end is far."""
    a = ends[:, 0] - spread.mean
    mass = spread.first - a
    touch = np.divide(spread.var - a * spread.first, mass, out=np.zeros_like(mass), where=mass > _NIL)
    t = np.clip(spread.mean + touch, ends[:, 0], ends[:, 1])
    return [ends[:, 0], t, t]
