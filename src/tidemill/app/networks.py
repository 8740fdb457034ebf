"""What `tidemill networks` prints: the list, one network, and what verbs cost."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

import msgspec

from tidemill import networks
from tidemill.app.console import emit_json, note, stdout
from tidemill.app.moments import day_of, end_of_day
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Fact, load_facts
from tidemill.networks import Known, Network, assumed
from tidemill.networks.exits import Route, Wait
from tidemill.networks.staking import StakeYield
from tidemill.networks.types import COMMON
from tidemill.studies import network_costs, network_facts
from tidemill.units import format_amount, parse_amount
from tidemill.wording import moment, rfc3339

__all__ = ["fact_row", "list_networks", "show_costs", "show_network", "show_revenue", "span"]

_GWEI = 9
_MINUTE = 60
_MICRO = 6
_NATIVE = 18
_PERCENT = 2
_DIGITS = 30
"""Of a level: more are a slip of the pen."""
FACT_HEAD = ("", "value", "as of", "source", "known by", "status", "note")


def span(seconds: int | None) -> str:
    """Return a span of time as a person says it: ``7 d 12 h``, ``16 h``, ``12 min``, ``2 s``; a dash for unknown."""
    if seconds is None:
        return "–"
    parts = []
    for size, unit in ((86_400, "d"), (3_600, "h"), (60, "min"), (1, "s")):
        count, seconds = divmod(seconds, size)
        if count:
            parts.append(f"{count} {unit}")
    return " ".join(parts[:2]) or "0 s"


def fact_row(name: str, fact: Fact) -> list[str]:
    """Return a fact as a row under ``FACT_HEAD``; a 0 that says that there is none is said in words."""
    if name in network_facts.NONE_AT_0 and fact.value == 0:
        return [plain(name), "none", str(fact.as_of), plain(fact.source), *_how(fact), plain(fact.note)]
    value = f"{fact.value:,}" if isinstance(fact.value, int) else str(fact.value)
    if isinstance(fact.value, bool):
        value = "yes" if fact.value else "no"
    shown = f"{value} {fact.unit}".strip()
    if fact.unit == "s" and isinstance(fact.value, int) and fact.value >= _MINUTE:
        shown += f" ({span(fact.value)})"
    return [plain(name), plain(shown), str(fact.as_of), plain(fact.source), *_how(fact), plain(fact.note)]


def _how(fact: Fact) -> tuple[str, str]:
    return fact.confidence.value, fact.status.value


def list_networks(family: str, on: str, *, as_json: bool) -> int:
    """Print the networks in a table."""
    found = network_facts.rows(end_of_day(day_of(on)), family)
    if as_json:
        emit_json(found)
        return 0
    cells = [
        [
            row.name,
            row.family,
            row.status,
            span(row.block_time or None),
            row.proof or "–",
            row.stage or "–",
            "no wait" if row.exit_seconds == 0 else span(row.exit_seconds),
        ]
        for row in found
    ]
    head = ["network", "family", "status", "block>", "fee proof", "stage (as of)", "leaving usually takes>"]
    stdout().print(table("", head, cells))
    return 0


def show_network(name: str, on: str, *, as_json: bool) -> int:
    """Print all of a network."""
    time = end_of_day(day_of(on))
    found = network_facts.everything(name, time)
    if as_json:
        told = msgspec.to_builtins(found)
        for key in network_facts.NONE_AT_0:
            told["facts"][key]["value"] = told["facts"][key]["value"] or None
        emit_json(told)
        return 0
    say, row = stdout().print, found.row
    say(f"[bold]{plain(row.name)}[/bold] · {plain(row.family)} · {row.status}")
    say(table("Facts", FACT_HEAD, [fact_row(key, fact) for key, fact in found.facts.items()]))
    lines = [
        [plain(key if at == 0 else ""), moment(since) if axis == "time" else f"{since:,}", *fact_row("", fact)[1:]]
        for key, entries in found.timelines.items()
        for at, (since, axis, fact) in enumerate(entries)
    ]
    say("")
    say(table("How they changed", ("", "since", *FACT_HEAD[1:]), lines))
    _show_routes(found.routes)
    if found.roles:
        cells = [[r.id, plain(r.token), r.pays, r.open, plain(r.about)] for r in found.roles]
        say("")
        say(table("Who earns from the network itself", ("role", "token", "paid from", "open to", ""), cells))
    if found.staking:
        say("")
        rates = [[plain(each.token), plain(each.case), *_rates(each)] for each in found.staking]
        head = ("token", "paid", "of supply staked>", "gross>", "supply grows>", "net>")
        say(table("What staking pays a year, before a validator's commission", head, rates))
    _show_risk(found)
    return 0


def _rates(each: StakeYield) -> list[str]:
    shown = (each.staked, each.gross, each.inflation, each.net)
    return [
        f"{format_amount(bps, _PERCENT)} %" if bps is not None else "–" if name == "staked" else "unknown"
        for name, bps in zip(("staked", "gross", "inflation", "net"), shown, strict=True)
    ]


def _show_routes(routes: Sequence[Route]) -> None:
    say = stdout().print
    say("")
    if not routes:
        say("ways in and out: not described")
        return
    cells = [
        [
            plain(route.id if at == 0 else ""),
            plain(f"{route.source} → {route.target}" if at == 0 else ""),
            plain(stage.verb),
            plain(stage.network),
            stage.by,
            *_waits(stage.wait),
            f"{stage.gas:,}" if stage.gas is not None else "–",
        ]
        for route in routes
        for at, stage in enumerate(route.stages)
    ]
    head = ("way", "", "step", "on", "by", "at least>", "usually>", "at most>", "gas>")
    say(table("Ways in and out", head, cells))
    for route in routes:
        for word in (*([f"blocked: {route.blocked}"] if route.blocked else []), *route.warnings):
            say(plain(f"{route.id}: {word}"))


def _waits(wait: Wait) -> tuple[str, str, str]:
    least, usual, most = wait.seconds
    return span(least), span(usual), span(most)


def _show_risk(found: network_facts.Everything) -> None:
    say = stdout().print
    say("")
    if found.risk:
        say(table("Risk", FACT_HEAD, [fact_row(key, fact) for key, fact in found.risk.items()]))
    if found.unknown:
        say(f"unknown: {', '.join(found.unknown)}")
    if found.incidents:
        cells = [fact_row(date, fact) for date, fact in found.incidents]
        say(table("Incidents", ("day", "loss", *FACT_HEAD[2:]), cells))
    say(f"expected annual loss: tidemill risk {plain(found.row.name)} --why")


def show_costs(
    name: str,
    action: str,
    gwei: Mapping[str, str],
    others: Sequence[str],
    file: str,
    rpc: str,
    price_native: str,
    on: str,
    *,
    as_json: bool,
) -> int:
    """Print what verbs cost; 2 where a level is missing for all of them."""
    network = networks.get(name)
    time = end_of_day(day_of(on))
    levels = {**_read(name, file, rpc), **_given(network, gwei, others)}
    if time < network.begins:
        raise BadInput(f"{name} is known from {rfc3339(network.begins)} on", field="on")
    actions = network_costs.actions_of(action, name)
    env = network_costs.environment(network, time, levels)
    price = _amount(price_native, _MICRO, "price-native") if price_native else None
    if price == 0:
        raise BadInput(f"{price_native!r}: 0 is no price; leave it out where you do not know it", field="price-native")
    found = network_costs.costs(network, actions, env, price)
    if all(row.parts is None for row in found):
        raise BadInput(found[0].missing if found else f"no venue is known on {name}", field=None if found else "action")
    if as_json:
        used = _used(network, env)
        emit_json({"network": name, "native_token": network.native_token, "levels": used, "costs": found})
        return 0
    status = network_facts.standing(network, time).status.value
    _print_costs(network, env, found, status, priced=price is not None)
    return 0


def _elsewhere(name: str, found: Sequence[network_costs.VerbCost]) -> list[str]:
    """Return a line for each kind among the rows that is not known to stand on the network ``name``."""
    kinds = dict.fromkeys((row.venue, row.stands) for row in found if not row.known_on(name))
    lines = [
        f"{venue} is not known to stand on {name} (listed on {', '.join(stands)}): this is what it would cost there"
        for venue, stands in kinds
        if stands
    ]
    unlisted = [venue for venue, stands in kinds if not stands]
    if unlisted:
        lines.append(f"nobody lists where these stand, so not known to stand on {name}: {', '.join(unlisted)}")
    return lines


def _read(name: str, file: str, rpc: str) -> dict[str, Known]:
    """Return the levels of a file, or of an endpoint."""
    if file and rpc:
        raise BadInput("give --levels or --rpc, not both", field="rpc")
    if rpc:
        from tidemill.studies.refresh import refresh  # noqa: PLC0415 - it needs the extra `chain`

        answer = refresh(name, rpc)
        for line in answer.unanswered:
            note(f"not answered: {line}")
        return network_facts.levels_of(answer.facts, name)
    return network_facts.levels_of(load_facts(file), name) if file else {}


def _given(network: Network, gwei: Mapping[str, str], others: Sequence[str]) -> dict[str, Known]:
    found = {
        name: assumed(_amount(text, _GWEI, name.replace("_", "-") + "-gwei"), "given")
        for name, text in gwei.items()
        if text
    }
    for other in others:
        name, _, text = other.partition("=")
        if not name.isidentifier() or not (text.isascii() and text.isdecimal()):
            raise BadInput(f"{other!r}: expected NAME=WHOLE_NUMBER, e.g. base_fee_scalar=5227", field="level")
        valid = (*COMMON, *network.levels())
        if name not in valid:
            raise UnknownName("level", name, valid, field="level")
        if len(text) > _DIGITS:
            raise BadInput(f"{name}={text[:_DIGITS]}…: absurdly large", field="level")
        if name in found:
            raise BadInput(f"{name} is given twice", field="level")
        found[name] = assumed(int(text), "given")
    return found


def _amount(text: str, decimals: int, field: str) -> int:
    try:
        value = parse_amount(text, decimals)
    except BadInput as error:
        raise BadInput(error.message, field=field) from None
    if value < 0 or value >= 10**30:
        raise BadInput(f"{text!r}: expected a number from 0 up, and not absurdly large", field=field)
    return value


def _used(network: Any, env: Any) -> dict[str, Known]:
    """Return the levels that the formula reads, those from the facts included, as far as they can be had."""
    return dict(network.resolve(env).known())


def _print_costs(network: Any, env: Any, found: Sequence[network_costs.VerbCost], status: str, *, priced: bool) -> None:
    say = stdout().print
    token = network.native_token
    cells = []
    for row in found:
        parts = row.parts
        money = (parts.total, parts.l2_execution, parts.l1_data, parts.operator) if parts else ()
        amounts = [format_amount(wei, _NATIVE) for wei in money] or ["–", "", "", ""]
        extra = [format_amount(row.priced, _MICRO) if row.priced is not None else "–"] if priced else []
        cells.append([f"{row.venue}.{row.verb}", str(row.transactions), f"{row.gas:,}", *amounts, *extra])
    head = ["action", "transactions>", "gas>", f"{token}>", "execution>", "data>", "operator>"]
    say(table(f"What a verb costs on {plain(network.name)}", head + (["in money>"] if priced else []), cells))
    for line in _elsewhere(network.name, found):
        say(plain(line))
    for key, known in _used(network, env).items():
        say(plain(f"{key}: {known.value:,} ({known.origin}{': ' + known.note if known.note else ''})"))
    for missing in sorted({row.missing for row in found if row.missing}):
        note(f"no price for {sum(row.missing == missing for row in found)} of them: {missing}")
    if status in ("ended", "withdraw-only", "incident"):
        note(f"{network.name}: {status}; put in no new money")


def show_revenue(name: str, *, as_json: bool) -> int:
    """Print operators' revenues, model beside published."""
    from tidemill.studies.revenues import cells, input_fact, revenues  # noqa: PLC0415 - it reads the venues

    found = revenues(name)
    if as_json:
        used = {key: input_fact(key) for row in found for key in row.inputs}
        rows = [{"verdict": row.verdict, **msgspec.structs.asdict(row)} for row in found]
        emit_json({"rows": rows, "inputs": used})
        return 0
    say = stdout().print
    head = ("network, period", "what", "model>", "published>", "the published one")
    say(table("What operators took in", head, [[plain(cell) for cell in cells(row)] for row in found]))
    for row in found:
        source = f" ({row.source})" if row.source else ""
        say(plain(f"{row.network}, {row.period}, {row.what}: {row.why}{source}"))
    say("inputs with date and source: --json")
    return 0
