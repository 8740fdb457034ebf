"""A plan as study files that `backtest` and `rehearse` take unchanged: a portfolio of all lines that can be played together."""

from __future__ import annotations

import datetime as dt
import json
import re
from collections.abc import Mapping, Sequence
from decimal import Decimal
from typing import Any

from msgspec import Struct, structs

from tidemill.studies.plan.fares import levels_of
from tidemill.studies.plan.streams import PLACE, Line, Stream, stream_of, text_of

__all__ = ["Unplayed", "Written", "studies_of"]

MOST_STREAMS = 32


class Written(Struct, frozen=True):
    """A study file: its name, its text, and what of the plan it plays (ids of lines)."""

    name: str
    text: str
    lines: tuple[str, ...]


class Unplayed(Struct, frozen=True):
    """A line that no study can play, and why."""

    id: str
    name: str
    why: str


def studies_of(
    lines: Sequence[Line], prices: Mapping[str, str], on: dt.date, days: int
) -> tuple[list[Written], list[Unplayed]]:
    """Return the study files of a plan, and what of it no study can play.

    All that may choose its period is one study, a portfolio with a stream for each line; what is played over recorded
    events has a study of its own, with their period.
    """
    streams: list[Stream] = []
    unplayed: list[Unplayed] = []
    for line in lines:
        found = stream_of(line, prices)
        if not isinstance(found, str) and levels_of(line.network) is None:
            found = f"no fee levels of {line.network} are known here; see docs/study.md, [fees.NETWORK]"
        if isinstance(found, str):
            unplayed.append(Unplayed(line.id, line.name, found))
        else:
            streams.append(found)
    together = [one for one in streams if one.dated][:MOST_STREAMS]
    apart = [one for one in streams if one not in together]
    written = []
    if len(together) > 1:
        ids = tuple(one.line.id for one in together)
        written.append(Written("plan.toml", _portfolio(together, on, days, unplayed), ids))
    elif together:
        apart.insert(0, together[0])
    written += [
        Written(f"{number}-{_slug(one.line.name)}.toml", _alone(one, on, days, unplayed), (one.line.id,))
        for number, one in enumerate(apart, 1)
    ]
    return written, unplayed


def _slug(name: str) -> str:
    return re.sub(r"[^a-z0-9]+", "-", name.lower()).strip("-")[:60]


def _alone(stream: Stream, on: dt.date, days: int, unplayed: Sequence[Unplayed]) -> str:
    line = stream.line
    head = [
        f"# A line of a plan of {on}: {_plain(line.name)}, {line.amount / 1e6:,.2f} USD for {days} days.",
        *_assumed([stream], unplayed),
    ]
    top = {
        "title": f"Plan: {_plain(line.name)}"[:200],
        "network": stream.network,
        "strategy": stream.strategy,
        "home": stream.home,
    }
    body = [*_keys(top), *_period(stream, on, days)]
    body += ["", "[capital]", *_keys({stream.home: stream.amount, stream.native: stream.gas})]
    body += _tokens([stream]) if stream.dated else []
    body += _venue(PLACE, stream.venue, "")
    body += ["", "[parameters]", *_keys(stream.parameters)] if stream.parameters else []
    return "\n".join([*head, *body, *_fees([stream.network]), ""])


def _portfolio(streams: Sequence[Stream], on: dt.date, days: int, unplayed: Sequence[Unplayed]) -> str:
    """Write several lines as streams of one study: the largest line's network and asset are the study's."""
    first, total = streams[0], sum(one.line.amount for one in streams)
    named = {f"{one.line.kind}_{number}": _renamed(one, number) for number, one in enumerate(streams, 1)}
    head = [f"# The part of a plan of {on} that can be played together: {total / 1e6:,.2f} USD for {days} days."]
    head += [f"# {name}: {_plain(one.line.name)}, {one.line.amount / 1e6:,.2f} USD" for name, one in named.items()]
    top = {"title": f"Plan of {on}", "network": first.network, "strategy": "portfolio", "home": first.home}
    capital: dict[str, Decimal] = {}
    gas: dict[str, str] = {}
    body: list[str] = []
    for name, one in named.items():
        held = _held(one.home, one.network, first.network)
        capital[held] = capital.get(held, Decimal(0)) + Decimal(one.amount)
        gas[_held(one.native, one.network, first.network)] = one.gas
        parameters = {key: name if value == PLACE else value for key, value in one.parameters.items()}
        body += ["", f"[streams.{name}]", *_keys({"strategy": one.strategy})]
        body += [f"capital = {{ {_key(held)} = {json.dumps(one.amount)} }}"]
        body += ["", f"[streams.{name}.parameters]", *_keys(parameters)]
        body += _venue(name, one.venue, one.network if one.network != first.network else "")
    brought = {held: f"{amount + Decimal(gas.pop(held, '0')):f}" for held, amount in capital.items()}
    start = [*_keys(top), *_period(first, on, days), "", "[capital]", *_keys({**brought, **gas})]
    used = list(dict.fromkeys(one.network for one in streams))
    every = list(named.values())
    return "\n".join([*head, *_assumed(every, unplayed), *start, *_tokens(every), *body, *_fees(used), ""])


def _renamed(stream: Stream, number: int) -> Stream:
    """Return a stream whose receipt token no other stream's can be taken for."""
    old, new = stream.share, f"{stream.share}{number}"
    if not old:
        return stream
    told = {old: new, f"{old}@{stream.network}": f"{new}@{stream.network}"}
    params = {key: told.get(value, value) for key, value in stream.venue["params"].items()}
    parameters = {key: told.get(value, value) for key, value in stream.parameters.items()}
    return structs.replace(stream, share=new, venue={**stream.venue, "params": params}, parameters=parameters)


def _held(token: str, network: str, home: str) -> str:
    return token if network == home else f"{token}@{network}"


def _assumed(streams: Sequence[Stream], unplayed: Sequence[Unplayed]) -> list[str]:
    lines = [
        "# What the list says is a rate and a size; all the rest is assumed, so that each place pays what is believed of it:",
        *dict.fromkeys(f"# * {_plain(one.line.kind)}: {_plain(note)}" for one in streams for note in one.notes),
        "# * what pays gas is brought beside the plan's money",
    ]
    return lines + [f"# Not in any study: {_plain(one.name)}: {_plain(one.why)}" for one in unplayed]


def _period(stream: Stream, on: dt.date, days: int) -> list[str]:
    if not stream.dated:
        return []
    return [f"start = {on}T00:00:00Z", f"end = {on + dt.timedelta(days=days)}T00:00:00Z"]


def _tokens(streams: Sequence[Stream]) -> list[str]:
    """Return decimals and prices: in the first one's home, of all that no venue quotes."""
    home = streams[0].home
    decimals = {token: places for one in streams for token, places in one.tokens.items()}
    dollars = {token: price for one in streams for token, price in one.dollars.items()}
    quoted = {token for one in streams for token in one.quoted} | {home}
    # a pool's price of the wrapped native token is one of the native token
    wanted = [token for token in dollars if token not in quoted and f"W{token}" not in quoted]
    prices = {token: text_of(dollars[token] / dollars[home], 6) for token in wanted}
    return ["", "[tokens]", *_keys(decimals), *(["", "[prices]", *_keys(prices)] if prices else [])]


def _venue(name: str, venue: Mapping[str, Any], network: str) -> list[str]:
    params = venue.get("params", {})
    plain = {key: value for key, value in venue.items() if key != "params"}
    lines = ["", f"[venues.{name}]", *_keys({**plain, **({"network": network} if network else {})})]
    return [*lines, "", f"[venues.{name}.params]", *_keys(params)] if params else lines


def _fees(used: Sequence[str]) -> list[str]:
    lines: list[str] = []
    for network in used:
        levels = dict(levels_of(network) or {})
        own = levels.pop("own", {})
        lines += ["", f"[fees.{network}]", *_keys(levels)]
        lines += ["", f"[fees.{network}.own]", *_keys(own)] if own else []
    return lines


def _keys(table: Mapping[str, Any]) -> list[str]:
    """Write plain values as TOML: JSON's text and whole numbers are TOML's."""
    return [f"{_key(key)} = {json.dumps(value, ensure_ascii=False)}" for key, value in table.items()]


def _key(key: str) -> str:
    return key if re.fullmatch("[A-Za-z0-9_-]+", key) else json.dumps(key)


def _plain(text: str) -> str:
    """Return text that cannot leave its comment."""
    return " ".join("".join(char if char.isprintable() else " " for char in text).split())
