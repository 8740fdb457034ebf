"""The day that a command speaks of: the one given, or today by the host's clock."""

from __future__ import annotations

import datetime as dt
import re

from tidemill.errors import BadInput

__all__ = ["day_of", "days_of", "end_of_day"]

_DAYS = re.compile(r"(\d{1,5})d?")


def day_of(text: str, field: str = "on") -> dt.date:
    """Return the day that ``text`` names, today (UTC) where it is empty; raises ``BadInput``."""
    if not text:
        from tidemill.engine.clock import wall_seconds  # noqa: PLC0415 - the one place that knows the time

        return dt.datetime.fromtimestamp(wall_seconds(), dt.UTC).date()
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{text!r}: expected a day such as 2026-11-21", field=field) from None


def days_of(text: str, field: str) -> int:
    """Return the number of days that ``text`` (``90d`` or ``90``) names; raises ``BadInput``."""
    match = _DAYS.fullmatch(text)
    if match is None:
        raise BadInput(f"{text!r}: expected days such as 90d", field=field)
    return int(match[1])


def end_of_day(day: dt.date) -> int:
    """Return the last second of a day, UTC, in seconds since 1970: what is dated that day then holds."""
    return int(dt.datetime(day.year, day.month, day.day, 23, 59, 59, tzinfo=dt.UTC).timestamp())
