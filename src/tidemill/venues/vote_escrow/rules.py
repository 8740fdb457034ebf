"""Votes that fall in a straight line to nothing at the end of a lock, summed over all locks; dividends by week.

A lock of ``amount`` until ``end`` has ``slope * (end - now)`` votes. The sum over all locks is one such line whose slope
changes only where locks end, which is at the beginning of a week: so the sum is followed week by week.

Source: the public description of vote-escrowed CRV (Curve DAO's paper and documentation), Balancer's documentation of
its own (at most one year), and the observed behaviour of the bytecode that `@balancer-labs/v2-deployments` ships. The
dividends are the public rule of fee distributors: by week, by the votes at its start.
"""

from __future__ import annotations

from tidemill.units import Uint, div_down, maximum, rule, wide

__all__ = [
    "LONGEST",
    "WEEK",
    "block_rate_down",
    "changed",
    "decayed",
    "dividend_down",
    "later_block_down",
    "slope_down",
    "spread_down",
    "time_of_down",
    "votes",
    "week_down",
    "week_up",
]

WEEK = 7 * 86_400
LONGEST = 365 * 86_400
"""Seconds that a lock may last."""
_PRECISION = wide(10**18)


@rule
def week_down(time: Uint) -> Uint:
    """Start of the week that ``time`` (seconds) lies in; weeks begin on Thursdays.

    >>> week_down(1_700_000_000)
    1699488000
    """
    return div_down(time, WEEK) * WEEK


@rule
def week_up(time: Uint) -> Uint:
    """First start of a week at or after ``time`` (seconds)."""
    return div_down(time + (WEEK - 1), WEEK) * WEEK


@rule
def slope_down(amount: Uint) -> Uint:
    """Votes that a lock of ``amount`` raw units loses a second."""
    return div_down(amount, LONGEST)


@rule
def votes(slope: Uint, end: Uint, now: Uint) -> Uint:
    """Votes of a lock until ``end``, which must not lie before ``now``."""
    return slope * (end - now)


@rule
def decayed(bias: Uint, slope: Uint, seconds: Uint) -> Uint:
    """Votes left of ``bias`` after so many seconds, never below nothing.

    >>> decayed(1_000, 3, 100), decayed(1_000, 3, 400)
    (700, 0)
    """
    lost = slope * seconds
    return maximum(bias, lost) - lost


@rule
def changed(whole: Uint, more: Uint, less: Uint) -> Uint:
    """A sum after one part of it became ``more`` instead of ``less``, never below nothing.

    >>> changed(10, 5, 3), changed(1, 0, 3)
    (12, 0)
    """
    return maximum(whole + more, less) - less


@rule
def block_rate_down(blocks: Uint, seconds: Uint) -> Uint:
    """Blocks a second, scaled by 1e18; none where no time has passed."""
    if seconds == 0:
        return seconds
    return div_down(_PRECISION * blocks, seconds)


@rule
def later_block_down(block: Uint, rate: Uint, seconds: Uint) -> Uint:
    """Number that the block ``seconds`` after ``block`` is taken to have had."""
    return block + div_down(rate * seconds, _PRECISION)


@rule
def time_of_down(block: Uint, first: Uint, last: Uint, since: Uint, until: Uint) -> Uint:
    """Time at which ``block`` is taken to have been, of blocks ``first`` at ``since`` to ``last`` at ``until``."""
    if last == first:
        return since
    return since + div_down((until - since) * (block - first), last - first)


@rule
def spread_down(arrived: Uint, seconds: Uint, since: Uint) -> Uint:
    """Part of what ``arrived`` in ``since`` seconds that falls to ``seconds`` of them; all of it where none passed."""
    if since == 0:
        return arrived
    return div_down(arrived * seconds, since)


@rule
def dividend_down(held: Uint, tokens: Uint, supply: Uint) -> Uint:
    """What a week's ``tokens`` pay on ``held`` of ``supply`` votes."""
    return div_down(held * tokens, supply)
