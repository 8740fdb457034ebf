"""Human decimal amounts to exact integers and back; no float is ever involved."""

from __future__ import annotations

import re

from tidemill.errors import BadInput

__all__ = ["format_amount", "parse_amount"]

_AMOUNT = re.compile(
    r"(?P<sign>[+-]?)(?P<whole>\d{1,3}(?:[_,]?\d{3})*|\d*)(?:\.(?P<part>\d*))?(?:[eE](?P<power>[+-]?\d{1,3}))?",
    re.ASCII,
)


def parse_amount(text: str, decimals: int) -> int:
    """Return a decimal amount in the smallest unit, exactly.

    Parameters
    ----------
    text : such as ``"1.5"``, ``"1_000"``, ``"-0.25"`` or ``"1e18"``.
    decimals : number of decimals of the unit, 0 to 255.

    Raises
    ------
    BadInput : not a number, or with more decimals than the unit has.

    >>> parse_amount("1.5", 6)
    1500000
    """
    match = _AMOUNT.fullmatch(text.strip()) if isinstance(text, str) else None
    digits = (match["whole"] + (match["part"] or "")) if match else ""
    if match is None or not digits:
        raise BadInput(f'{text!r} is not a decimal amount; write it like "1234.5", in quotes')
    fraction = match["part"] or ""
    power = int(match["power"] or 0) - len(fraction) + decimals
    value = int(re.sub("[_,]", "", digits))
    if power < 0:
        value, lost = divmod(value, 10**-power)
        if lost:
            raise BadInput(f"{text!r} has more than the {decimals} decimals of its unit")
    else:
        value *= int(10**power)
    return -value if match["sign"] == "-" else value


def format_amount(value: int, decimals: int, places: int | None = None) -> str:
    """Return an integer amount as a decimal string, exact unless `places` cuts it (toward zero).

    Trailing zeros are dropped, unless `places` asks for a fixed number of decimals.

    Raises
    ------
    BadInput : `decimals` or `places` is negative.

    >>> format_amount(1500000, 6)
    '1.5'
    >>> format_amount(-1999999, 6, places=2)
    '-1.99'
    """
    if decimals < 0 or (places is not None and places < 0):
        raise BadInput(f"decimals {decimals}, places {places}: neither can be negative")
    whole, part = divmod(abs(value), 10**decimals)
    digits = f"{part:0{decimals}d}" if decimals else ""
    digits = digits.rstrip("0") if places is None else digits[:places].ljust(places, "0")
    sign = "-" if value < 0 else ""
    return f"{sign}{whole}.{digits}" if digits else f"{sign}{whole}"
