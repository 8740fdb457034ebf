"""Tokens that are said to pay those who stake them, and do not: told wherever one of them is held or staked."""

from __future__ import annotations

from collections.abc import Iterable
from functools import cache
from pathlib import Path

from tidemill.facts import Confidence, Facts, load_facts

__all__ = ["claims", "unpaid"]

_FACTS = {"OP": "op_staking_yield", "ARB": "arb_staking_yield", "LINEA": "linea_staking", "LRC": "lrc_staking_ended"}


@cache
def claims() -> Facts:
    """Return the facts behind the page of myths."""
    return load_facts(Path(__file__).with_name("claims.toml"))


def unpaid(symbols: Iterable[str]) -> list[str]:
    """Return a line for each symbol whose token has no native staking yield, with date and source.

    >>> unpaid(["ETH", "OP"])[0].partition(" (")[0]
    'OP itself pays nothing: no native staking yield'
    """
    lines = []
    for symbol in sorted(set(symbols) & set(_FACTS)):
        fact = claims().fact(_FACTS[symbol])
        sure = "uncertain; " if fact.confidence is Confidence.UNCERTAIN else ""
        lines.append(f"{symbol} itself pays nothing: no native staking yield ({sure}as of {fact.as_of}, {fact.source})")
    return lines
