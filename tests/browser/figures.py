"""How figures must read, written a second time: with ``decimal``, apart from the page's own code."""

from __future__ import annotations

from decimal import ROUND_HALF_UP, Context, Decimal, localcontext

NBSP = "\u00a0"
WIDE = Context(prec=200)
SIGNS = {"USD": "$", "EUR": "€", "GBP": "£", "JPY": "¥"}
CENTS = {*SIGNS, "CHF", "USDC", "USDT", "DAI"}
RAISED = str.maketrans("-0123456789", "⁻⁰¹²³⁴⁵⁶⁷⁸⁹")


def money(micro: int, home: str, *, signed: bool = False) -> str:
    """What the page must show for home micro-units."""
    symbol = home.partition("@")[0]
    size = WIDE.divide(Decimal(abs(micro)), Decimal(10**6))
    if size >= 10**15:
        figure = scientific(size)
    else:
        if symbol in CENTS:
            places = 2 if size >= 1 or size == 0 else 4 if size >= Decimal("0.0001") else 6
        else:
            places = 2 if size >= 1000 or size == 0 else 4 if size >= 1 else 6
        figure = rounded(size, places)
    return sign(micro, signed) + (SIGNS[symbol] + figure if symbol in SIGNS else f"{figure} {symbol}")


def token(raw: int, decimals: int, *, signed: bool = False) -> str:
    """What the page must show for raw token units, without the symbol."""
    size = WIDE.divide(Decimal(abs(raw)), Decimal(10**decimals))
    if size == 0:
        return "0"
    if size >= 10**15 or size < Decimal("1e-9"):
        return sign(raw, signed) + scientific(size)
    places = max(2, 6 - len(str(int(size)))) if size >= 1 else 3 - size.adjusted()
    figure = rounded(size, min(decimals, places))
    if "." in figure:
        whole, fraction = figure.split(".")
        fraction = fraction.rstrip("0")
        if fraction and size >= 1:
            fraction = fraction.ljust(2, "0")
        figure = f"{whole}.{fraction}" if fraction else whole
    return sign(raw, signed) + figure


def percent(bps: int, *, signed: bool = False) -> str:
    """What the page must show for basis points."""
    size = WIDE.divide(Decimal(abs(bps)), Decimal(100))
    return sign(bps, signed) + (scientific(size) if size >= 10**7 else rounded(size, 2)) + "%"


def rounded(size: Decimal, places: int) -> str:
    with localcontext(WIDE):
        return f"{size.quantize(Decimal(1).scaleb(-places), rounding=ROUND_HALF_UP):,f}"


def scientific(size: Decimal) -> str:
    with localcontext(WIDE):
        exponent = size.adjusted()
        mantissa = size.scaleb(-exponent).quantize(Decimal("0.01"), rounding=ROUND_HALF_UP)
    if mantissa == 10:
        mantissa, exponent = Decimal("1.00"), exponent + 1
    return f"{mantissa} × 10{str(exponent).translate(RAISED)}"


def sign(value: int, signed: bool) -> str:
    return "\u2212" if value < 0 else "+" if signed and value > 0 else ""
