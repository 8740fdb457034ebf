"""What a run is worth over time, when it breaks even, and how much capital it needs to make sense."""

from __future__ import annotations

import math
from collections.abc import Sequence

from msgspec import Struct

from tidemill.ledger.books import Books
from tidemill.ledger.measures import Measures
from tidemill.ledger.prices import Total
from tidemill.ledger.waterfall import Waterfall

__all__ = [
    "YEAR",
    "Curves",
    "Scaling",
    "break_even",
    "curves",
    "money_weighted_bps_down",
    "per_year_bps_down",
    "scaling",
]

YEAR = 31_536_000
"""Seconds in a year of 365 days."""

BPS = 10_000


class Curves(Struct, frozen=True):
    """Micro-units of the home asset at each moment (one for each time, the last mark of it): the value of everything,
    the value of holding (the same tokens, in and out at the same moments), income so far at the prices when it
    accrued, network fees and own swap costs so far. ``held`` is what holding gained in all.
    """

    time: tuple[int, ...]
    value: tuple[int, ...]
    hold: tuple[int, ...]
    income: tuple[int, ...]
    costs: tuple[int, ...]
    marks: tuple[int, ...]
    held: int


def curves(books: Books) -> Curves:
    """Draw the run through its marks; every point is rounded down on its own, so that errors do not add up."""
    measures, marks = Measures(books), books.marks
    receipts, holding = books.receipts(), measures.held()
    income, costs = Total(), Total()
    entries = iter(sorted(books.entries, key=lambda entry: entry.seq))
    entry = next(entries, None)
    rows: dict[int, tuple[int, int, int, int, int]] = {}
    for number, mark in enumerate(marks):
        while entry is not None and entry.seq <= mark.seq:
            prices = marks[entry.mark].prices
            for account, token, amount in entry.postings:
                if account.startswith("income:"):
                    income.add(-amount, prices[token])
                elif account.startswith(("network:", "swaps:", "costs:")) and token not in receipts:
                    costs.add(amount, prices[token])
            entry = next(entries, None)
        worth, held = (each.numerator // each.denominator for each in (measures.worth(number), holding[number]))
        rows[mark.time] = (worth, held, income.down(), costs.down(), number)
    value, hold_values, earned, paid, numbers = zip(*rows.values(), strict=True)
    last = holding[-1] - measures.brought().value
    gained = last.numerator // last.denominator - hold_values[0]
    return Curves(tuple(rows), value, hold_values, earned, paid, numbers, gained)


def break_even(time: Sequence[int], gain: Sequence[int], need: Sequence[int]) -> int | None:
    """Return the first time from which on, until the end, ``gain`` is at least ``need``; ``None`` if it ends below.

    >>> break_even([0, 10, 20, 30], [5, 1, 4, 9], [5, 5, 3, 3])
    20
    """
    found: int | None = None
    for at, have, want in zip(reversed(time), reversed(gain), reversed(need), strict=True):
        if have < want:
            break
        found = at
    return found


class Scaling(Struct, frozen=True):
    """How a result splits by size, micro-units: ``proportional`` grows with capital (income, divergence, own swaps;
    the market's own price move left out), ``fixed`` does not (network fees, failed and closing ones too; positive).

    Linear: at constant slippage in percent and constant share of the pool. It flatters the very large, who move both.
    """

    capital: int
    proportional: int
    fixed: int

    @property
    def minimum_up(self) -> int | None:
        """Capital at which what scales just pays what does not: ``capital x fixed / proportional``, rounded up.

        ``None`` where no capital does.
        """
        if self.fixed <= 0:
            return 0
        if self.proportional <= 0:
            return None
        return -(-self.capital * self.fixed // self.proportional)


def scaling(books: Books, fall: Waterfall) -> Scaling:
    """Split a waterfall by what grows with capital."""
    measures = Measures(books)
    leaving = measures.flow("swaps:", phase="exit").value
    fixed = -measures.flow("network:").value
    proportional = fall.value("income", "proportional") + leaving.numerator // leaving.denominator
    return Scaling(fall.capital, proportional, fixed.numerator // fixed.denominator)


def money_weighted_bps_down(flows: Sequence[tuple[int, int]], end_value: int, end: int) -> int | None:
    """Return the yearly rate in basis points, rounded down, at which ``flows`` become ``end_value``: a statistic.

    ``flows`` are (seconds, micro-units in, negative for out); a rate is compounded over years of 365 days. ``None``
    where none between -99.99 % and 100,000 % does.

    >>> money_weighted_bps_down([(0, 1_000), (YEAR, 1_000)], 3_320, 2 * YEAR)
    3898
    """

    def grown(bps: int) -> float:  # not money: compared with money, never booked
        years = ((amount, (end - time) / YEAR) for time, amount in flows)  # not money: spans of a statistic
        return math.fsum(amount * math.pow(1 + bps / BPS, span) for amount, span in years)  # not money: a rate

    low, high = -BPS + 1, 1_000 * BPS
    if not flows or not grown(low) <= end_value < grown(high):
        return None
    while high - low > 1:
        middle = (low + high) // 2
        low, high = (middle, high) if grown(middle) <= end_value else (low, middle)
    return low


def per_year_bps_down(value: int, capital: int, seconds: int) -> int | None:
    """Return ``value`` over ``capital`` in basis points of a year, simple, rounded down; ``None`` if undefined."""
    if capital <= 0 or seconds <= 0:
        return None
    return value * BPS * YEAR // (capital * seconds)


def per_year_bps_toward_zero(value: int, capital: int, seconds: int) -> int | None:
    """As `per_year_bps_down`, but a row of next to nothing is nothing, whatever its sign."""
    size = per_year_bps_down(abs(value), capital, seconds)
    return size if size is None or value >= 0 else -size
