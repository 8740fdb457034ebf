"""Portfolio studies: streams and transfers checked and made, and what each stream earned, row by row."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from msgspec import structs

from tidemill.engine.run import Outcomes
from tidemill.errors import BadInput, UnknownName
from tidemill.execution.ids import content_hash
from tidemill.interfaces import COMMON
from tidemill.ledger.posting import post
from tidemill.ledger.purses import parts
from tidemill.ledger.waterfall import waterfall
from tidemill.strategies.portfolio import Portfolio, Stream, Transfer
from tidemill.studies.prepare import Prepared
from tidemill.studies.schema import StreamRow
from tidemill.studies.study import StreamSpec
from tidemill.units import format_amount
from tidemill.venues.kinds import kind

__all__ = ["COMMON_NAME", "Made", "portfolio", "stream_rows"]

BPS = 10_000
DAY = 86_400
COMMON_NAME = "common"
"""What the purse is called that holds what no stream has."""

Made = Mapping[str, tuple[Any, str]]
"""By stream: its strategy and the digest of the code."""


def portfolio(prepared: Prepared, made: Made) -> Portfolio:
    """Return the portfolio of a study.

    Raises
    ------
    BadInput : shares over the whole, a stream with nothing or without gas, a transfer between what is not there, two
        streams at a venue that keeps one account for both; names the field.
    """
    study = prepared.study
    gas = study.parameters.get("gas", "common")
    if set(study.parameters) - {"gas"} or gas not in ("common", "own"):
        raise _bad(prepared, "parameters", "a portfolio has one parameter of its own, gas: 'common' or 'own'")
    natives = {prepared.engine_network(name).native for name in prepared.networks}
    shared = prepared.funds().items()
    openings = {
        name: _opening(prepared, name, spec, {t: n for t, n in shared if gas == "own" or t not in natives})
        for name, spec in study.streams.items()
    }
    _check_openings(prepared, openings)
    _check_venues(prepared, made)
    transfers = tuple(_transfers(prepared, made))
    _check_gas(prepared, openings, made, transfers, gas == "own")
    streams = tuple(Stream(name, made[name][0], openings[name], made[name][1]) for name in study.streams)
    return Portfolio(streams, transfers, gas)


def stream_rows(outcomes: Outcomes) -> list[StreamRow]:
    """State what each purse of a run earned; without any but the common one there is nothing to state.

    Rows add up to those of the whole, but for one micro-unit of rounding each; raises ``InvariantBroken`` as the ledger.
    """
    if not outcomes.moved:
        return []
    found = []
    for name, part in parts(outcomes.record, outcomes.marks, outcomes.moved).items():
        fall = waterfall(post(part.record, part.marks))
        rows = {line.key: line.value for line in fall.lines}
        shown = name or COMMON_NAME
        found.append(
            StreamRow(shown, fall.start_value, fall.brought, fall.end_value, fall.keep, rows, fall.unexplained)
        )
    return found


def _opening(prepared: Prepared, name: str, spec: StreamSpec, shared: Mapping[str, int]) -> dict[str, int]:
    """Return what a stream starts with: its share of what is shared, and what is said by token instead."""
    opening = {token: amount * spec.share_bps // BPS for token, amount in shared.items()}  # down: the rest is common
    for key, text in spec.capital.items():
        field = f"streams.{name}.capital.{key}"
        symbol, _, network = key.partition("@")
        if symbol not in prepared.decimals:
            raise UnknownName("token", symbol, prepared.decimals, file=prepared.study.path or None, field=field)
        if network and network not in prepared.networks:
            raise UnknownName("network", network, prepared.networks, file=prepared.study.path or None, field=field)
        opening[prepared.token(key)] = prepared.amount(text, prepared.decimals[symbol], field)
    return {token: amount for token, amount in opening.items() if amount}


def _check_openings(prepared: Prepared, openings: Mapping[str, Mapping[str, int]]) -> None:
    streams = prepared.study.streams
    together = sum(spec.share_bps for spec in streams.values())
    if together > BPS:
        raise _bad(prepared, "streams", f"shares are {together} bps together, more than the 10000 of the whole capital")
    for token, amount in prepared.funds().items():
        asked = {name: opening[token] for name, opening in openings.items() if token in opening}
        if sum(asked.values()) > amount:
            places = prepared.decimals[token.partition("@")[0]]
            taken, has = (format_amount(n, places) for n in (sum(asked.values()), amount))
            raise _bad(prepared, "streams", f"{', '.join(asked)} take {taken} {token}; the capital has {has}")
    for name, opening in openings.items():
        for token in opening.keys() - prepared.funds().keys():
            raise _bad(prepared, f"streams.{name}.capital", f"the capital has no {token}")
        fed = any(transfer.target == name for transfer in prepared.study.transfers)
        if not opening and not fed:
            raise _bad(prepared, f"streams.{name}", "starts with nothing and no transfer feeds it; give it a share_bps")


def _check_venues(prepared: Prepared, made: Made) -> None:
    """Refuse two streams at a venue that knows accounts and not positions: the chain has one account for both."""
    users: dict[str, str] = {}
    for name, (strategy, _) in made.items():
        for venue in sorted(_venues(prepared, strategy)):
            found = kind(prepared.study.venues[venue].kind)
            if found.name == "campaign":
                raise _bad(prepared, f"streams.{name}", f"{venue} pays the account as a whole, not one of its streams")
            if found.family != "amm" and users.setdefault(venue, name) != name:
                raise _bad(
                    prepared,
                    f"streams.{name}",
                    f"{venue} is stream {users[venue]}'s; it keeps one position for the account. Place the venue twice",
                )


def _check_gas(
    prepared: Prepared,
    openings: Mapping[str, Mapping[str, int]],
    made: Made,
    transfers: tuple[Transfer, ...],
    own: bool,
) -> None:
    """Refuse what can never pay a fee: a stream where each pays its own, the common purse where that pays all."""
    for name, (strategy, _) in made.items():
        for network in sorted({prepared.network_of(venue) for venue in _venues(prepared, strategy)}):
            native = prepared.engine_network(network).native
            whole = prepared.funds().get(native, 0)
            left = openings[name].get(native, 0) if own else whole - sum(o.get(native, 0) for o in openings.values())
            payer = name if own else COMMON
            if not left and not any(t.target == payer and t.token == native for t in transfers):
                where = f"streams.{name}.capital" if own else "streams"
                said = "the stream has" if own else "the streams leave"
                fix = "give it some" if own else 'leave some, or let each pay its own (parameters.gas = "own")'
                raise _bad(prepared, where, f"{said} no {native} to pay network fees with; {fix}")


def _transfers(prepared: Prepared, made: Made) -> Iterator[Transfer]:
    study, known = prepared.study, [*prepared.study.streams, COMMON_NAME]
    for place, spec in enumerate(study.transfers):
        at = f"transfers.{place}"
        for key, name in (("source", spec.source), ("target", spec.target)):
            if name not in known:
                raise UnknownName("stream", name, known, file=study.path or None, field=f"{at}.{key}")
        if spec.source == spec.target:
            raise _bad(prepared, f"{at}.target", f"{spec.target} is the source as well")
        symbol = spec.token.partition("@")[0]
        if symbol not in prepared.decimals:
            raise UnknownName("token", symbol, prepared.decimals, file=study.path or None, field=f"{at}.token")
        least = prepared.amount(spec.least, prepared.decimals[symbol], f"{at}.least")
        if not spec.every_days and not least:
            raise _bad(prepared, at, "say every_days, or the least that moves")
        if spec.of == "income" and not spec.every_days:
            raise _bad(prepared, f"{at}.every_days", "income is told from one time to the next; say how many days")
        if spec.of == "income" and (why := _no_income(prepared, made, spec.source)):
            raise _bad(prepared, f"{at}.of", why)
        source, target = ("" if name == COMMON_NAME else name for name in (spec.source, spec.target))
        token = prepared.token(spec.token)
        yield Transfer(source, target, token, spec.bps, spec.of, spec.every_days * DAY, max(least, 1))
    _check_cycles(prepared)


def _no_income(prepared: Prepared, made: Made, source: str) -> str:
    """Say why the income of a stream cannot be told in one token: its positions turn one into another."""
    if source == COMMON_NAME:
        return "the common purse earns nothing; take of its idle balance"
    for venue in sorted(_venues(prepared, made[source][0])):
        if kind(prepared.study.venues[venue].kind).family == "amm":
            return f"at {venue} one token turns into another, which is no income; take of the idle balance"
    return ""


def _check_cycles(prepared: Prepared) -> None:
    """Refuse a circle of transfers without a cadence: it would turn at every block."""
    for token in {spec.token for spec in prepared.study.transfers}:
        ahead: dict[str, list[str]] = {}
        for spec in prepared.study.transfers:
            if spec.token == token and not spec.every_days:
                ahead.setdefault(spec.source, []).append(spec.target)
        for start in ahead:
            seen, front = set[str](), [start]
            while front:
                for there in ahead.get(front.pop(), []):
                    if there == start:
                        raise _bad(prepared, "transfers", f"{token} would go in a circle from {start}; say every_days")
                    if there not in seen:
                        seen.add(there)
                        front.append(there)


def _venues(prepared: Prepared, strategy: Any) -> set[str]:
    """Return the venues that a strategy's parameters name."""
    found: set[str] = set()
    for value in structs.asdict(strategy).values():
        names = value if isinstance(value, tuple | list) else (value,)
        found |= {name.partition("@")[0] for name in names if isinstance(name, str)} & prepared.study.venues.keys()
    return found


def digest(made: Made) -> str:
    """Return one digest of all streams' code."""
    return content_hash({name: told for name, (_, told) in made.items()})


def told(study_streams: Mapping[str, StreamSpec], whole: Portfolio) -> dict[str, Any]:
    """Return the parameters as a report shows them, each under its stream's name."""
    shown: dict[str, Any] = {"gas": whole.gas}
    for stream in whole.streams:
        shown[f"{stream.name}.strategy"] = study_streams[stream.name].strategy
        shown |= {f"{stream.name}.{key}": value for key, value in structs.asdict(stream.strategy).items()}
    return shown


def _bad(prepared: Prepared, field: str, message: str) -> BadInput:
    return BadInput(message, file=prepared.study.path or None, field=field)
