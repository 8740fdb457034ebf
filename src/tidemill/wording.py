"""A person's words for what a type checker says of a value, and for moments."""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping
from typing import Any, Literal, get_args, get_origin

import msgspec

__all__ = ["ADDRESS", "DECIMAL", "HELD", "NAME", "choices", "complaint", "inner", "moment", "place", "rfc3339"]

DECIMAL = r"^[0-9]{1,30}(\.[0-9]{1,30})?\Z"
NAME = r"^[A-Za-z][A-Za-z0-9_-]{0,63}\Z"
HELD = r"^[A-Za-z][A-Za-z0-9_-]{0,63}(@[a-z][a-z0-9-]{0,63})?\Z"
ADDRESS = r"^0x[0-9a-fA-F]{40}\Z"
_SHOWN = 60
"""Characters of a wrong value that a line shows."""

_NUMBER = 'expected a decimal number in quotes, such as "10000.5"'
_DATE = "expected a date and time such as 2024-01-05T00:00:00Z"
_WORDS = (
    ("Object missing required field", "missing key"),
    ("Expected `object`", "expected a table"),
    (f"Expected `str` matching regex {DECIMAL!r}", _NUMBER),
    (f"Expected `str` matching regex {NAME!r}", "expected a short name of letters, digits, - and _"),
    (
        f"Expected `str` matching regex {HELD!r}",
        "expected a short name such as USDC, or USDC@NETWORK for what is held there",
    ),
    (f"Expected `str` matching regex {ADDRESS!r}", "expected an address, 0x and 40 hexadecimal digits"),
    ("Expected `datetime | null`", _DATE),
    ("Invalid RFC3339 encoded datetime", f"{_DATE}, without quotes"),
    ("Expected `int | str`", "expected a whole number or text in quotes"),
    ("Expected `str | null`", "expected text in quotes"),
    ("Expected `str`", "expected text in quotes"),
    ("Expected `int | null`", "expected a whole number"),
    ("Expected `int`", "expected a whole number"),
    ("Expected `bool`", "expected true or false"),
    ("Expected `array`", "expected a list"),
    ("Expected `float`", "expected a number"),
    ("Invalid enum value", "not a valid choice:"),
    ("got `object`", "got a table"),
    ("got `array`", "got a list"),
    ("got `str`", "got text"),
    ("got `int`", "got a whole number"),
    ("got `float`", "got a number with a point"),
    ("got `bool`", "got true or false"),
    ("got `date`", "got a date"),
    ("got `time`", "got a time of day"),
    ("got `datetime`", "got a date and time"),
)


def moment(time: int, *, seconds: bool = False) -> str:
    """Return seconds since 1970 as a person reads them, UTC: ``2024-01-05 00:00``, with ``seconds`` ``…:59``."""
    return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%d %H:%M:%S" if seconds else "%Y-%m-%d %H:%M")


def rfc3339(time: int) -> str:
    """Return seconds since 1970 as a study file writes them: ``2024-01-05T00:00:00Z``; the number where no year holds it."""
    try:
        return dt.datetime.fromtimestamp(time, dt.UTC).strftime("%Y-%m-%dT%H:%M:%SZ")
    except (OverflowError, OSError, ValueError):
        return f"second {time}"


def place(error: msgspec.ValidationError) -> tuple[str, str]:
    """Split a checker's sentence into what is wrong and the place, dots between tables and ``""`` for the whole."""
    message, _, where = str(error).partition(" - at ")
    where = where.removeprefix("`key` in ")
    return message, where.strip("`").removeprefix("$").removeprefix(".")


def complaint(message: str, data: Any, at: str, kind: Any = None) -> str:
    """Say what is wrong, what would be right and what stands there.

    Parameters
    ----------
    message, at : of ``place``.
    data : what was checked; the value at ``at`` is shown where it can be found.
    kind : the type it was checked against, to name the valid choices.
    """
    for old, new in _WORDS:
        message = message.replace(old, new)
    message = message[:1].lower() + message[1:]
    if message.startswith("not a valid choice"):
        valid = choices(kind, at)
        return f"{message}; valid: {', '.join(valid)}" if valid else message
    return f"{message}{_got(data, at)}"


def choices(kind: Any, at: str) -> list[str]:
    """Return the choices that a type allows at a place, none where it is no choice."""
    for part in at.split(".") if at else ():
        kind = inner(kind, part)
    kind = _bare(kind)
    return [str(choice) for choice in get_args(kind)] if get_origin(kind) is Literal else []


def _bare(kind: Any) -> Any:
    while hasattr(kind, "__metadata__"):
        kind = get_args(kind)[0]
    options = [option for option in get_args(kind) if option is not type(None)]
    return _bare(options[0]) if type(None) in get_args(kind) and len(options) == 1 else kind


def inner(kind: Any, part: str) -> Any:
    """Return the type of a struct's field or of a table's entries, ``None`` where there is none such."""
    kind = _bare(kind)
    if isinstance(kind, type) and issubclass(kind, msgspec.Struct):
        return next((info.type for info in msgspec.structs.fields(kind) if info.name == part), None)
    return get_args(kind)[1] if get_origin(kind) is dict else None


def _got(data: Any, at: str) -> str:
    value = data
    for part in at.split(".") if at else ():
        if not isinstance(value, Mapping) or part not in value:
            return ""
        value = value[part]
    if isinstance(value, Mapping):
        return ""
    text = str(value) if not isinstance(value, str | list) else repr(value)
    text = {"True": "true", "False": "false"}.get(text, text)
    return f" (here: {text if len(text) <= _SHOWN else text[: _SHOWN - 3] + '…'})"
