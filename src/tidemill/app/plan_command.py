"""``tidemill scan`` and ``tidemill plan``: what is on offer and believed, and what to hold of it."""

from __future__ import annotations

import datetime as dt
import json
import re
import time
from collections.abc import Sequence
from functools import partial
from pathlib import Path
from typing import TYPE_CHECKING, Any

import msgspec
from msgspec import Struct

from tidemill.app.commands import progress, show
from tidemill.app.console import emit_json, stdout
from tidemill.app.moments import day_of, end_of_day
from tidemill.app.plan_shown import print_plan
from tidemill.app.reports import reported
from tidemill.app.statement import percent
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.studies.pages.write import Format
    from tidemill.studies.plan.asked import Asked
    from tidemill.studies.plan.doubts import Believed, Doubt, Rules
    from tidemill.studies.plan.fetched import Listed
    from tidemill.studies.plan.opportunities import Opportunity

__all__ = ["Listing", "Wanted", "plan", "scan"]

SHOWN = 25
OWN = "tidemill's own dated facts and what was given by hand"
_NUMBER = re.compile(r"[0-9]+(\.[0-9]*)?|\.[0-9]+")


class Listing(Struct, frozen=True):
    """Which list, and what it has to meet, as the command's options give it."""

    listed: Path | None
    address: str
    networks: Sequence[str]
    min_tvl: str
    min_days: int
    most: int
    proof: str
    stale: int
    max_age: int
    offers: Sequence[str] = ()


class Wanted(Struct, frozen=True):
    """What a plan is for, as the command's options give it."""

    have: str
    horizon: str
    risk: Any
    price: Sequence[str]
    cost: Sequence[str]
    cap: Sequence[str]
    liquid: str
    reach: Any
    least: str
    time_limit: int
    on: str


def scan(listing: Listing, *, as_json: bool) -> int:
    """Show what of a list is believed, and what is not."""
    from tidemill.studies.plan.doubts import sift  # noqa: PLC0415
    from tidemill.studies.plan.fetched import Listed  # noqa: PLC0415

    rules = _rules(listing)
    with progress("reading the list …"):
        listed = _listed(listing)
    if listed is None and not listing.offers:
        raise BadInput(
            "which list? give --list FILE, --from https://… or --offer KIND@NETWORK:TOKENS=APY%", field="list"
        )
    rows = [*_by_hand(listing, day_of("")), *(listed.rows if listed else ())]
    listed = listed or Listed([], "offers given by hand")
    kept, doubts = sift(rows, rules)
    if as_json:
        emit_json({"source": listed.source, "note": listed.note, "believed": kept, "left_out": doubts})
        return 0
    _print_scan(kept, doubts, stdout())
    _print_source(listed, stdout())
    return 0


def plan(listing: Listing, wanted: Wanted, out: Path, formats: Sequence[Format], *, as_json: bool) -> int:
    """Make a plan, write it with the studies that play it, show it."""
    started = time.perf_counter()
    from tidemill.studies.load import check_writable, write_together  # noqa: PLC0415
    from tidemill.studies.pages.plan import plan_page  # noqa: PLC0415
    from tidemill.studies.pages.write import check_formats  # noqa: PLC0415
    from tidemill.studies.plan.catalogue import catalogue, unless_given  # noqa: PLC0415
    from tidemill.studies.plan.plan import plan as run  # noqa: PLC0415

    check_writable(out)
    check_formats(formats)
    asked = _asked(wanted)
    rules = _rules(listing, wanted.on)
    with progress("reading what is on offer …") as tell:
        listed = _listed(listing)
        given = [*_by_hand(listing, asked.on), *(listed.rows if listed else ())]
        known = catalogue(asked.on, asked.prices, tuple(asked.have), listing.networks, markets=listed is None)
        rows = [*given, *unless_given(known.rows, given)]
        tell(f"weighing {len(rows):,} offers …")
        source = " · ".join(part for part in (listed.source, listed.note) if part) if listed else OWN
        planned = run(rows, asked, rules, source, known.unjudged)
    document = planned.document
    files = {one.name: one.text.encode() for one in planned.studies}
    earlier = _studies_of(out / "plan.json") - set(files)
    write_together(out, {**files, "plan.json": msgspec.json.format(msgspec.json.encode(document), indent=2)})
    for name in earlier:  # they would play a plan that is no longer this one
        (out / name).unlink(missing_ok=True)
    several = f" and {len(files)} {'study' if len(files) == 1 else 'studies'}" if files else ""
    report = reported(lambda: plan_page(document), out, formats)
    done = f"wrote {out}/plan.json{report}{several} in {time.perf_counter() - started:.1f} s"
    return show(document, partial(print_plan, out=out), done, as_json=as_json)


def _studies_of(file: Path) -> set[str]:
    """Return the study files that an earlier plan wrote beside its own; none where there is no such plan."""
    try:
        names = json.loads(file.read_bytes())["studies"]
    except (OSError, ValueError, KeyError, TypeError):
        return set()
    named = {one for one in names if isinstance(one, str)} if isinstance(names, list) else set()
    return {one for one in named if one.endswith(".toml") and Path(one).name == one}


def _asked(wanted: Wanted) -> Asked:
    from tidemill.studies.plan.asked import (  # noqa: PLC0415
        Asked,
        parse_cap,
        parse_have,
        parse_horizon,
        parse_ladder,
        parse_percent,
        prices_of,
    )

    if not 1 <= wanted.time_limit <= 3_600:
        raise BadInput(f"{wanted.time_limit} is not between 1 and 3,600 seconds", field="time-limit")
    return Asked(
        have=parse_have(wanted.have),
        days=parse_horizon(wanted.horizon),
        risk=wanted.risk,
        on=day_of(wanted.on),
        prices=prices_of(_pairs(wanted.price, "price")),
        costs=_costs(wanted.cost),
        caps=tuple(parse_cap(text) for text in wanted.cap),
        liquid=parse_ladder(wanted.liquid),
        reach=wanted.reach,
        least_bps=parse_percent(wanted.least, "least"),
        seconds=float(wanted.time_limit),
    )


def _by_hand(listing: Listing, on: dt.date) -> list[Opportunity]:
    if not listing.offers:
        return []
    from tidemill.studies.plan.by_hand import parse_offers  # noqa: PLC0415

    return parse_offers(listing.offers, on)


def _listed(listing: Listing) -> Listed | None:
    """Return the list that is asked for, ``None`` where none is."""
    from tidemill.studies.plan.fetched import Listed, fetch_list  # noqa: PLC0415
    from tidemill.studies.plan.opportunities import read_list  # noqa: PLC0415

    if listing.listed is not None and listing.address:
        raise BadInput("which list? give either --list FILE or --from https://…", field="list")
    if not 0 <= listing.stale <= 24 * 365:
        raise BadInput(f"{listing.stale} is not between 0 and 8,760 hours", field="stale")
    if listing.listed is not None:
        return Listed(read_list(listing.listed), str(listing.listed.name))
    if not listing.address:
        return None
    return fetch_list(listing.address, stale_hours=listing.stale)


def _rules(listing: Listing, on: str = "") -> Rules:
    from tidemill import networks as known  # noqa: PLC0415
    from tidemill.errors import UnknownName  # noqa: PLC0415
    from tidemill.studies.plan.doubts import Rules as Made  # noqa: PLC0415

    for name in listing.networks:
        if name not in known.names():
            raise UnknownName("network", name, known.names(), field="networks")
    for field, number in (("min-days", listing.min_days), ("most", listing.most), ("max-age", listing.max_age)):
        if not 0 <= number <= 1_000_000:
            raise BadInput(f"{number} is not between 0 and 1,000,000", field=field)
    tvl = _dollars(listing.min_tvl, "min-tvl")
    if tvl < 0:
        raise BadInput(f"{listing.min_tvl!r}: expected USD from 0 up", field="min-tvl")
    return Made(
        min_tvl=tvl,
        min_days=listing.min_days,
        most_bps=listing.most * 100,
        networks=tuple(listing.networks),
        proof=listing.proof,
        now=end_of_day(day_of(on)),
        stale_days=listing.max_age,
    )


def _costs(words: Sequence[str]) -> dict[str, int]:
    from tidemill import networks as known  # noqa: PLC0415
    from tidemill.errors import UnknownName  # noqa: PLC0415

    found = {}
    for name, text in _pairs(words, "cost", upper=False).items():
        if name not in known.names():
            raise UnknownName("network", name, known.names(), field="cost")
        found[name] = _dollars(text, "cost")
    return found


def _dollars(text: str, field: str) -> int:
    from tidemill.units import parse_amount  # noqa: PLC0415

    try:
        return parse_amount(text, 6)
    except BadInput as error:
        raise BadInput(error.message, field=field) from None


def _pairs(words: Sequence[str], field: str, *, upper: bool = True) -> dict[str, str]:
    found = {}
    for word in words:
        name, equals, value = word.partition("=")
        if not equals or not name or not _NUMBER.fullmatch(value):
            raise BadInput(f"{word!r} is not NAME=NUMBER", field=field)
        name = name.upper() if upper else name
        if name in found:
            raise BadInput(f"{name} is given twice", field=field)
        found[name] = value
    return found


def _print_scan(kept: Sequence[Believed], doubts: Sequence[Doubt], console: Console) -> None:
    from collections import Counter  # noqa: PLC0415

    rows = [
        [
            plain(one.opportunity.name),
            one.opportunity.kind or "–",
            f"{(one.opportunity.tvl or 0) / 1e12:,.1f} M",
            percent(one.opportunity.displayed_bps),
            percent(one.bps),
            plain("; ".join(one.notes)),
        ]
        for one in kept[:SHOWN]
    ]
    heads = ["", "model", "in it, USD>", "displayed>", "believed>", ""]
    console.print(table(f"Believed: {len(kept):,} of {len(kept) + len(doubts):,}", heads, rows))
    if len(kept) > SHOWN:
        console.print(f"… and {len(kept) - SHOWN:,} more (--json shows all)")
    counted = Counter((doubt.rule, doubt.field) for doubt in doubts)
    left = [[rule, plain(field), f"{n:,}"] for (rule, field), n in counted.most_common()]
    console.print(table("Left out", ["rule", "by", "rows>"], left))


def _print_source(listed: Listed, console: Console) -> None:
    console.print(f"list: {plain(listed.source)}" + (f" ({plain(listed.note)})" if listed.note else ""))
