"""What a person has and wants of a plan, and how its words are read."""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Mapping, Sequence
from itertools import pairwise
from typing import Literal

from msgspec import Struct, field

from tidemill import networks
from tidemill.errors import BadInput, UnknownName, nearest
from tidemill.units import parse_amount

__all__ = [
    "BPS",
    "CAPS",
    "GROUPS",
    "MICRO",
    "TAIL",
    "Asked",
    "Cap",
    "Reach",
    "Risk",
    "Rung",
    "capital_of",
    "caps_of",
    "parse_cap",
    "parse_have",
    "parse_horizon",
    "parse_ladder",
    "parse_percent",
    "prices_of",
    "told",
]

MICRO, MICRO_DIGITS = 10**6, 6
BPS = 10_000
Risk = Literal["low", "moderate", "high"]
Reach = Literal["ethereum", "network"]
"""Where money counts as reached: on Ethereum by the network's own way out, or in the wallet on its own network."""
TAIL: dict[Risk, float] = {"low": 0.02, "moderate": 0.06, "high": 0.15}
"""Part of the capital that the worst twentieth of futures may lose on average."""
CAPS: dict[Risk, dict[str, float]] = {
    "low": {"one": 0.25, "network": 0.5, "project": 0.3, "issuer": 0.6, "asset": 1.0, "locked": 0.25, "exchanged": 0.0},
    "moderate": {
        "one": 0.4,
        "network": 0.6,
        "project": 0.45,
        "issuer": 0.8,
        "asset": 1.0,
        "locked": 0.5,
        "exchanged": 0.0,
    },
    "high": {"one": 0.6, "network": 0.8, "project": 0.7, "issuer": 1.0, "asset": 1.0, "locked": 1.0, "exchanged": 0.0},
}
"""Largest part of the capital in one opportunity, network, project, issuer, asset, behind a lock of a day or more, and exchanged
for others than one has (dollars among themselves are the same; so are ether, bitcoin, euros): judgements, to be seen and
changed (``--cap``)."""
GROUPS = ("network", "project", "issuer", "asset", "locked")
MOST_CAPITAL = 10**13 * MICRO
"""Micro-dollars from which an amount is a slip of the pen."""
_HAVE = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s+([A-Za-z][A-Za-z0-9.]*)")
_HORIZON = re.compile(r"(\d+)\s*(d|w|m|y)")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}
_PERCENT = re.compile(r"(\d{1,3})(?:\.(\d{1,2}))?\s*%?")


class Cap(Struct, frozen=True):
    """The largest part of the capital in a group: all values of ``group``, or ``name`` alone."""

    group: str
    name: str
    bps: int


class Rung(Struct, frozen=True):
    """At least ``bps`` of the capital can be reached within ``days``."""

    bps: int
    days: int


class Asked(Struct, frozen=True):
    """What a person has and wants. ``have`` raw decimals by token, ``prices`` in dollars; costs in micro-dollars by network.

    ``liquid`` is a ladder of what must be reachable when, ``least_bps`` how much must be put to work; ``seconds`` is how
    long the solver may take.
    """

    have: dict[str, str]
    days: int
    risk: Risk
    on: dt.date
    prices: dict[str, str]
    costs: dict[str, int]
    move_bps: int = 10
    count: int = 2_000
    seed: int = 0
    caps: tuple[Cap, ...] = ()
    liquid: tuple[Rung, ...] = ()
    reach: Reach = "ethereum"
    least_bps: int = 0
    seconds: float = field(default=10.0)


def parse_have(text: str) -> dict[str, str]:
    """Return amounts by token of ``"10000 USDC, 3 ETH"``; raises ``BadInput`` naming the part that is none."""
    found: dict[str, str] = {}
    for part in text.split(","):
        known = _HAVE.fullmatch(part.strip())
        if not known:
            raise BadInput(f'{part.strip()!r} is no amount of a token; write e.g. "10000 USDC, 3 ETH"', field="have")
        token = known[2].upper()
        if token in found:
            raise BadInput(f"{token} is given twice", field="have")
        found[token] = known[1].replace("_", "")
    return found


def parse_horizon(text: str, what: str = "horizon") -> int:
    """Return the days of ``180d``, ``26w``, ``6m`` or ``1y``; raises ``BadInput``."""
    known = _HORIZON.fullmatch(text.strip())
    days = int(known[1]) * _DAYS[known[2]] if known else 0
    if not 1 <= days <= 3_650:
        raise BadInput(f"{text!r} is no time between a day and ten years; write 180d, 26w, 6m or 1y", field=what)
    return days


def parse_percent(text: str, what: str) -> int:
    """Return ``20%``, ``20`` or ``12.5`` in basis points; raises ``BadInput`` for what is not between 0 and 100 %."""
    known = _PERCENT.fullmatch(text.strip())
    bps = int(known[1]) * 100 + int((known[2] or "").ljust(2, "0")) if known else -1
    if not 0 <= bps <= BPS:
        raise BadInput(f"{text!r} is no part between 0 and 100 %; write e.g. 20%", field=what)
    return bps


def parse_ladder(text: str) -> tuple[Rung, ...]:
    """Return the rungs of ``20%:1d,50%:7d``, soonest first; raises ``BadInput`` naming the part that is none.

    A part that must be reachable sooner is reachable later as well, so parts must grow with time.
    """
    rungs = []
    for part in text.split(",") if text.strip() else []:
        share, colon, time = part.partition(":")
        if not colon:
            raise BadInput(f"{part.strip()!r} is no rung; write e.g. 20%:1d,50%:7d", field="liquid")
        days = 0 if time.strip() == "0d" else parse_horizon(time, "liquid")
        rungs.append(Rung(parse_percent(share, "liquid"), days))
    rungs.sort(key=lambda rung: rung.days)
    for sooner, later in pairwise(rungs):
        if later.bps <= sooner.bps or later.days == sooner.days:
            raise BadInput(
                f"{later.bps / 100:g} % within {later.days} d says nothing beside {sooner.bps / 100:g} % within "
                f"{sooner.days} d; leave one out",
                field="liquid",
            )
    return tuple(rungs)


def parse_cap(text: str) -> Cap:
    """Return the cap of ``network=50%`` or ``network:base=30%``; raises ``BadInput``."""
    left, equals, share = text.partition("=")
    group, _, name = left.strip().partition(":")
    group = "project" if group == "venue" else group
    if not equals:
        raise BadInput(f"{text!r} is no cap; write network=50% or network:base=30%", field="cap")
    if group not in ("one", "exchanged", *GROUPS):
        raise BadInput(f"no caps are on {group!r}{nearest(group, ('one', 'exchanged', *GROUPS))}", field="cap")
    if name and group in ("one", "locked", "exchanged"):
        raise BadInput(f"{group} has no names; write {group}={share}", field="cap")
    if group == "network" and name and name not in networks.names():
        raise UnknownName("network", name, networks.names(), field="cap")
    return Cap(group, name.upper() if group == "asset" else name, parse_percent(share, "cap"))


def caps_of(asked: Asked) -> tuple[dict[str, float], dict[tuple[str, str], float]]:
    """Return the caps in force: by group, and by (group, name) of one value. Raises ``BadInput`` for one given twice."""
    general = dict(CAPS[asked.risk])
    special = {}
    for at, cap in enumerate(asked.caps):
        if any((cap.group, cap.name) == (other.group, other.name) for other in asked.caps[:at]):
            raise BadInput(f"{cap.group}{':' if cap.name else ''}{cap.name} is given twice", field="cap")
        if cap.name:
            special[cap.group, cap.name] = cap.bps / BPS
        else:
            general[cap.group] = cap.bps / BPS
    return general, special


def capital_of(asked: Asked) -> int:
    """Return what a person has in micro-dollars, rounded down token by token; raises ``BadInput`` naming the field."""
    total = 0
    for token, amount in asked.have.items():
        if token not in asked.prices:
            raise BadInput(f"no price of {token}; give --price {token}=…", field="price")
        price = _micro(asked.prices[token], "price")
        if price <= 0:
            raise BadInput(
                f"{token} at {asked.prices[token]} is worth nothing; leave it out of what you have", field="price"
            )
        total += _micro(amount, "have") * price // MICRO
    if total <= 0:
        raise BadInput("nothing to plan with", field="have")
    if total >= MOST_CAPITAL:
        raise BadInput(f"{total // MICRO:,} USD is absurdly much", field="have")
    return total


def prices_of(given: Mapping[str, str]) -> dict[str, str]:
    """Return prices in dollars with those that a person need not give: the large dollar tokens, at 1."""
    return {"USDC": "1", "USDT": "1", "DAI": "1", **given}


def told(rungs: Sequence[Rung]) -> str:
    """Say a ladder in words."""
    return ", ".join(f"{rung.bps / 100:g} % within {rung.days} d" for rung in rungs)


def _micro(text: str, what: str) -> int:
    try:
        return parse_amount(text, MICRO_DIGITS)
    except BadInput as error:
        raise BadInput(error.message, field=what) from None
