"""Figures as text, for sentences and for Markdown: written as the front end writes the same kinds (``web/src/format``)."""

from __future__ import annotations

from tidemill.studies.pages.page import Kind, Value
from tidemill.wording import moment

__all__ = ["money", "shown", "span"]

MICRO = 10**6
MINUS, NARROW = "\u2212", "\u00a0"
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
CENTS = {*SIGNS, "CHF", "USDC", "USDC.E", "USDT", "DAI", "USDS", "EURC", "FRAX", "LUSD"}
"""Assets of about the worth of a currency unit: two decimals say enough from one unit on."""


def shown(value: Value, kind: Kind, home: str = "") -> str:
    r"""Return a value as a person reads it; without ``home`` money has no unit.

    >>> shown(1_500_000, "change", "USDC"), shown(-250, "rate"), shown(None, "count"), shown(1234, "count")
    ('+1.50\xa0USDC', '−2.50%', 'unknown', '1,234')
    """
    if value is None:
        return "unknown"
    if isinstance(value, str):
        return value
    if kind in ("money", "change"):
        return money(int(value), home, signed=kind == "change")
    if kind in ("rate", "share"):
        return f"{_sign(value, signed=kind == 'rate')}{abs(value) / 100:,.2f}%"
    if kind == "moment":
        return f"{moment(int(value))} UTC"
    if kind == "span":
        return span(int(value))
    return f"{_sign(value)}{abs(value):,}" if kind == "count" else f"{_sign(value)}{abs(value):,.3f}"


def money(micro: int, home: str = "", *, signed: bool = False) -> str:
    """Return micro-units of ``home`` with as many decimals as say something; what is not zero is never shown as zero."""
    symbol, size = home.partition("@")[0], abs(micro)
    # without a unit a figure stands beside others that name theirs
    cents = not symbol or symbol.upper() in CENTS
    if cents:
        digits = 2 if size == 0 or size >= MICRO else 4 if size >= 100 else 6
    else:
        digits = 2 if size == 0 or size >= 1_000 * MICRO else 4 if size >= MICRO else 6
    unit = 10 ** (6 - digits)
    whole, rest = divmod((size + unit // 2) // unit, 10**digits)
    figure = f"{whole:,}.{rest:0{digits}d}"
    if symbol.upper() in SIGNS:
        return f"{_sign(micro, signed=signed)}{SIGNS[symbol.upper()]}{figure}"
    return f"{_sign(micro, signed=signed)}{figure}{NARROW if symbol else ''}{symbol}"


def _sign(value: float, *, signed: bool = False) -> str:
    return MINUS if value < 0 else "+" if signed and value > 0 else ""


def span(seconds: int) -> str:
    """Return a length of time in the unit that reads best: ``3.5 days``, ``13 hours``, ``5 minutes``, ``0``."""
    for unit, name in ((86_400, "days"), (3_600, "hours"), (60, "minutes"), (1, "seconds")):
        if seconds >= 2 * unit:
            return f"{round(seconds / unit, 1 if seconds < 10 * unit else None):g} {name}"
    return "1 second" if seconds == 1 else "0"
