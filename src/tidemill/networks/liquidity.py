"""A liquidity bridge as a rule: a pool advances the money on the other side and asks a fee for lending it.

The fee follows how much of the pool is already out (utilisation): an annual rate rises along a gentle slope up to a kink
and along a steep one above it. A transfer is charged the mean rate over the utilisation that it itself uses up, for as
long as the pool waits to get the money back, compounded. That is the public description of Across' rate model (UMIP-136
and the calculator in its Python package); this is written from the description, rule-checked, and no proof of any
deployed bridge.
"""

from __future__ import annotations

from itertools import pairwise

from msgspec import Struct

from tidemill.errors import BadInput
from tidemill.units import WAD, mul_div_down, mul_div_up

__all__ = ["FillTimes", "Pool", "RateModel", "mean_rate_up", "pool_fee_up", "rate_at_down", "term_rate_up"]


BPS = 10_000


class RateModel(Struct, frozen=True):
    """Two slopes over utilisation, annual, in wad: ``base`` at 0, ``slope1`` more at ``kink``, ``slope2`` more at 1."""

    kink: int
    base: int
    slope1: int
    slope2: int


class Pool(Struct, frozen=True):
    """What lies in the pool and what is lent out, raw units of one token; ``terms`` is how often a loan fits into a year."""

    liquid: int
    lent: int
    terms: int = 52


def rate_at_down(model: RateModel, utilisation: int, whole: int = WAD) -> int:
    """Return the annual rate at a utilisation, each slope rounded down; all in parts of ``whole`` (wad, basis points …).

    >>> rate_at_down(RateModel(65 * 10**16, 0, 8 * 10**16, 10**18), 10**18)
    1080000000000000000
    """
    low = min(utilisation, model.kink)
    rate = model.base + mul_div_down(low, model.slope1, model.kink)
    if utilisation > model.kink:
        rate += mul_div_down(utilisation - model.kink, model.slope2, whole - model.kink)
    return rate


def mean_rate_up(model: RateModel, before: int, after: int) -> int:
    """Return the mean annual rate (wad) between two utilisations (wad), rounded up; at one point the rate there.

    The area under the two slopes is exact; only its division by the width rounds.

    Raises
    ------
    BadInput : the kink is not between 0 and 1, or a utilisation is not within, or they fall.
    """
    if not 0 < model.kink < WAD or not 0 <= before <= after <= WAD:
        raise BadInput(f"utilisation {before} to {after}, kink {model.kink}: each must lie within 0 and {WAD}, rising")
    if before == after:
        return rate_at_down(model, before)
    kink, width = model.kink, after - before
    # Twice the area times kink * (WAD - kink), so that nothing is divided before the end.
    low, high = min(before, kink), min(after, kink)
    below = model.slope1 * (high * high - low * low)
    low, high = max(before, kink) - kink, max(after, kink) - kink
    above = model.slope2 * (high * high - low * low)
    whole = model.base * width + model.slope1 * (high - low)
    left, right = kink, WAD - kink
    twice = 2 * whole * left * right + below * right + above * left
    return -(-twice // (2 * width * left * right))


def term_rate_up(annual: int, terms: int) -> int:
    """Return what an annual rate (wad) asks for one of ``terms`` equal parts of a year, compounded, rounded up.

    The least ``r`` with ``(1 + r)**terms >= 1 + annual``, all in wad.

    >>> term_rate_up(615384615384600, 52)
    11830749673499
    """
    if annual < 0 or terms < 1:
        raise BadInput(f"an annual rate of {annual} over {terms} terms has no meaning")
    goal = (WAD + annual) * WAD ** (terms - 1)
    low, high = WAD, WAD + annual
    while low < high:
        middle = (low + high) // 2
        if middle**terms >= goal:
            high = middle
        else:
            low = middle + 1
    return low - WAD


def pool_fee_up(pool: Pool, model: RateModel, amount: int) -> int:
    """Return what the pool asks for advancing ``amount`` raw units, rounded up.

    Raises
    ------
    BadInput : the amount is not above 0, or the pool does not have that much left.
    """
    whole = pool.liquid + pool.lent
    if amount <= 0 or amount > pool.liquid:
        raise BadInput(f"the pool has {pool.liquid} raw units left and cannot advance {amount}", field="amount")
    before, after = mul_div_down(pool.lent, WAD, whole), mul_div_down(pool.lent + amount, WAD, whole)
    return mul_div_up(amount, term_rate_up(mean_rate_up(model, before, after), pool.terms), WAD)


class FillTimes(Struct, frozen=True):
    """How soon transfers are filled: ``points`` of (share of all in basis points, seconds), both rising.

    What is told is only that so many are filled within so long; a transfer between two points is taken to need the longer
    time, and one beyond the last is taken not to be filled at all, so everything derived is an upper bound.

    Raises
    ------
    BadInput : no point, a share outside 1 to 10,000, or points that do not rise.
    """

    points: tuple[tuple[int, int], ...]

    def __post_init__(self) -> None:
        shares, seconds = [share for share, _ in self.points], [time for _, time in self.points]
        rises = all(a < b for a, b in pairwise(shares)) and all(a <= b for a, b in pairwise(seconds))
        if not shares or not rises or not 0 < shares[0] <= shares[-1] <= BPS or seconds[0] < 0:
            raise BadInput("shares must rise within 0 and 100 %, and the times with them", field="filled")

    def within_up(self, share: int) -> int | None:
        """Return the seconds within which ``share`` (basis points) of all are filled, ``None`` where nobody has told.

        >>> FillTimes(((5_000, 2), (9_900, 60))).within_up(7_500)
        60
        """
        return next((time for told, time in self.points if told >= share), None)

    def unfilled_up(self, deadline: int) -> int:
        """Return the share, basis points, that is not told to be filled by the deadline (seconds)."""
        return BPS - max((share for share, time in self.points if time <= deadline), default=0)

    def mean_up(self, deadline: int, back: int) -> int:
        """Return the mean seconds until the money is yours again; what is not filled comes ``back`` after so many."""
        total, before = 0, 0
        for share, time in self.points:
            if time <= deadline:
                total, before = total + (share - before) * time, share
        return -(-(total + (BPS - before) * back) // BPS)
