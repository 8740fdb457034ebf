"""The numbers behind the estimate, from dated facts: base rates and bands, what venues and tokens rest on."""

from __future__ import annotations

from functools import cache
from importlib import resources

from tidemill.errors import BadInput
from tidemill.facts import Fact, Facts, parse_facts

__all__ = ["assets", "days", "fact", "number", "rates", "spelled", "venues"]


@cache
def _load(file: str) -> Facts:
    text = resources.files("tidemill.studies.risk").joinpath(file).read_text(encoding="utf-8")
    return parse_facts(text, file)


def rates() -> Facts:
    """Return base rates, bands and judgements."""
    return _load("rates.toml")


def venues() -> Facts:
    """Return what kinds of venue rest on: ``KIND.upgrade``, ``KIND.oracle``, ``KIND.income``."""
    return _load("venues.toml")


def assets() -> Facts:
    """Return what tokens rest on: ``SYMBOL.class``, ``SYMBOL.issuer``, and incidents."""
    return _load("assets.toml")


def spelled(symbol: str) -> str:
    """Return a token's symbol as its facts spell it, whatever the letters' case: lists write SUSDE. As it is if unknown.

    >>> spelled("SUSDE")
    'sUSDe'
    """
    return _spellings().get(symbol.casefold(), symbol)


@cache
def _spellings() -> dict[str, str]:
    return {name.partition(".")[0].casefold(): name.partition(".")[0] for name in assets().facts}


def fact(name: str) -> Fact:
    """Return a base rate or a judgement with its source; raises ``UnknownName``."""
    return rates().fact(name)


def number(name: str) -> float:
    """Return a base rate as a number from 0 up; raises ``BadInput`` where it is none."""
    value = fact(name).value
    try:
        found = float(value)
    except ValueError:
        found = -1.0
    if isinstance(value, bool) or not 0.0 <= found < float("inf"):
        raise BadInput(f"{value!r}: expected a number from 0 up", file="rates.toml", field=f"facts.{name}.value")
    return found


def days(name: str) -> int:
    """Return a number of days among the judgements."""
    return rates().integer(name)
