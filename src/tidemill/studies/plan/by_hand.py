"""Offers that a person adds: ``KIND@NETWORK:TOKENS=APY%`` with more behind commas. See ``docs/plan.md``.

::

    aave_v3@base:USDC=4.2%
    morpho_blue/steakhouse@base:USDC=6.1%,reward=0.9%,tvl=95M,since=2025-01-10
    none/fluid@arbitrum-one:USDT=5%,tvl=40M,source=its own page of today
"""

from __future__ import annotations

import datetime as dt
import re
from collections.abc import Callable, Sequence
from decimal import Decimal
from typing import Any

from tidemill import networks
from tidemill.errors import BadInput, UnknownName, nearest
from tidemill.studies.plan.catalogue import takes_money
from tidemill.studies.plan.opportunities import CHAINS, PROJECTS, Opportunity
from tidemill.studies.plan.tokens import DOLLARS, unlike
from tidemill.venues.kinds import kinds

__all__ = ["GRAMMAR", "parse_offers"]

FIELD = "offer"
GRAMMAR = "KIND@NETWORK:TOKENS=APY%, e.g. aave_v3@base:USDC=4.2%,tvl=90M,since=2025-06-01"
NO_MODEL = "none"
MOST_RATE = Decimal(10**9)
_SHAPE = re.compile(r"(?P<kind>[^@:=,]+)@(?P<network>[^@:=,]+):(?P<tokens>[^@:=,]+)=(?P<rate>[^,=]+)(?P<rest>(,.*)?)")
_NUMBER = re.compile(r"[0-9]+(\.[0-9]+)?")
_MONEY = re.compile(r"([0-9]+(?:\.[0-9]+)?)([kKmMbB]?)")
_TIMES = {"": 1, "k": 10**3, "m": 10**6, "b": 10**9}
_TOKEN = re.compile(r"[A-Za-z][A-Za-z0-9.]{0,19}")
_NAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9._ -]{0,59}")
_DAYS = re.compile(r"([0-9]{1,4})d?")


def parse_offers(words: Sequence[str], on: dt.date) -> list[Opportunity]:
    """Read offers that a person gives; each counts as looked at on the day of the plan unless it says ``as_of=``.

    Raises
    ------
    BadInput, UnknownName : names the part that is wrong, of which offer, and how it is written.
    """
    found: dict[str, Opportunity] = {}
    for number, word in enumerate(words, 1):
        row = _offer(word, number, on)
        if row.id in found:
            raise BadInput(f"{row.id} is given twice; give one of them a name: KIND/NAME@…", field=FIELD)
        found[row.id] = row
    return list(found.values())


def _offer(word: str, number: int, on: dt.date) -> Opportunity:
    shape = _SHAPE.fullmatch(word.strip())
    if not shape:
        raise BadInput(f"{word!r} is no offer; write {GRAMMAR}", field=FIELD)
    kind, _, project = shape["kind"].strip().partition("/")
    kind, project = _place(kind, project, word)
    network = _network(shape["network"].strip())
    tokens = tuple(_token(part, word) for part in shape["tokens"].split("-"))
    if len(set(tokens)) < len(tokens):
        raise BadInput(f"{shape['tokens']!r} names a token twice, in {word!r}", field=FIELD)
    rate = _percent(shape["rate"], "the rate", word)
    more = _more(shape["rest"], on, word)
    reward = more.get("reward", 0)
    if reward > rate:
        raise BadInput(
            f"reward={reward / 100:g}% is more than the whole rate of {rate / 100:g} %, in {word!r}", field=FIELD
        )
    stable = all(token in DOLLARS for token in tokens)
    place = f"{project} {'-'.join(tokens)} on {network}"
    return Opportunity(
        id=place,
        chain=network,
        network=network,
        project=project,
        kind=kind,
        symbol="-".join(tokens),
        tokens=tokens,
        tvl=more.get("tvl"),
        base_bps=rate - reward,
        reward_bps=reward,
        apy_bps=rate,
        mean_bps=more.get("mean"),
        stable=stable,
        diverges=unlike(tokens),
        rewarded=bool(reward),
        outlier=False,
        days=None if "since" not in more else (on - more["since"]).days,
        row=number,
        lock_days=more.get("lock", 0),
        updated=_moment(more.get("as_of", on)),
        origin="hand",
        source=more.get("source", "given by hand"),
        confidence="uncertain",
    )


def _place(kind: str, project: str, word: str) -> tuple[str, str]:
    """Return a kind's id (empty: none) and a project's name."""
    kind, project = kind.strip(), project.strip()
    if project and not _NAME.fullmatch(project):
        raise BadInput(f"{project!r} is no name, in {word!r}", field=FIELD)
    if kind == NO_MODEL:
        if not project:
            raise BadInput(f"a place without a model has a name: none/NAME@…, in {word!r}", field=FIELD)
        return "", project
    if kind in kinds():
        if not takes_money(kind):
            raise BadInput(f"nothing is earned by bringing money to a {kind}, in {word!r}", field=FIELD)
        return kind, project or kind.replace("_", "-")
    if kind.lower() in PROJECTS and not project:
        return PROJECTS[kind.lower()], kind.lower()
    known = (*kinds(), *PROJECTS)
    raise BadInput(
        f"unknown kind of venue {kind!r}{nearest(kind, known)}; without a model: none/{kind}@…, in {word!r}",
        field=FIELD,
    )


def _network(name: str) -> str:
    found = CHAINS.get(name.lower(), name)
    if found not in networks.names():
        raise UnknownName("network", name, networks.names(), field=FIELD)
    return found


def _token(text: str, word: str) -> str:
    if not _TOKEN.fullmatch(text.strip()):
        raise BadInput(f"{text!r} is no token's symbol, in {word!r}", field=FIELD)
    return text.strip().upper()


def _percent(text: str, what: str, word: str) -> int:
    """Return a percentage in basis points, rounded down."""
    number = text.strip().removesuffix("%").strip()
    if not _NUMBER.fullmatch(number) or Decimal(number) > MOST_RATE:
        raise BadInput(f"{what} {text.strip()!r} is no percentage from 0 up, in {word!r}", field=FIELD)
    return int(Decimal(number) * 100)


def _more(text: str, on: dt.date, word: str) -> dict[str, Any]:
    """Return what stands behind the rate, by name; the words of ``source`` run to the end."""
    found: dict[str, Any] = {}
    rest = text.removeprefix(",")
    while rest:
        name, equals, value = rest.partition("=")
        name = name.strip()
        if not equals or name not in _READ:
            raise BadInput(f"{name!r} is none of {', '.join(_READ)}{nearest(name, _READ)}, in {word!r}", field=FIELD)
        if name in found:
            raise BadInput(f"{name} is given twice, in {word!r}", field=FIELD)
        value, rest = (value, "") if name == "source" else _cut(value)
        found[name] = _READ[name](value.strip(), name, word)
    for name in ("since", "as_of"):
        if name in found and found[name] > on:
            raise BadInput(f"{name}={found[name]} is after the day of the plan, {on}, in {word!r}", field=FIELD)
    return found


def _cut(value: str) -> tuple[str, str]:
    head, _, tail = value.partition(",")
    return head, tail


def _money(text: str, name: str, word: str) -> int:
    shape = _MONEY.fullmatch(text)
    if not shape or len(shape[1]) > 20:
        raise BadInput(f"{name} {text!r} is no sum of dollars; write 90000000, 90M or 1.2B, in {word!r}", field=FIELD)
    return int(Decimal(shape[1]) * _TIMES[shape[2].lower()] * 10**6)


def _day(text: str, name: str, word: str) -> dt.date:
    try:
        return dt.date.fromisoformat(text)
    except ValueError:
        raise BadInput(f"{name} {text!r} is no day such as 2026-11-21, in {word!r}", field=FIELD) from None


def _wait(text: str, name: str, word: str) -> int:
    shape = _DAYS.fullmatch(text)
    if not shape or int(shape[1]) > 3_650:
        raise BadInput(f"{name} {text!r} is no number of days up to 3650, such as 7d, in {word!r}", field=FIELD)
    return int(shape[1])


def _words(text: str, name: str, word: str) -> str:
    if not text or len(text) > 200 or not text.isprintable():
        raise BadInput(f"{name} is no text of 1 to 200 printable characters, in {word!r}", field=FIELD)
    return text


_READ: dict[str, Callable[[str, str, str], Any]] = {
    "reward": _percent,
    "mean": _percent,
    "tvl": _money,
    "since": _day,
    "as_of": _day,
    "lock": _wait,
    "source": _words,
}


def _moment(day: dt.date) -> int:
    return int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp())
