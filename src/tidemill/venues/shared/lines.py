"""A level that goes in a straight line from the start of a study to its end."""

from __future__ import annotations

from tidemill.units import mul_div_down

__all__ = ["between_down"]


def between_down(first: int, last: int, done: int, whole: int) -> int:
    """Return the point of the line after ``done`` of ``whole``, rounded towards the start.

    >>> between_down(10, 20, 1, 3), between_down(20, 10, 1, 3)
    (13, 17)
    """
    if last >= first:
        return first + mul_div_down(last - first, done, whole)
    return first - mul_div_down(first - last, done, whole)
