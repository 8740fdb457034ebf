"""``tidemill scan`` and ``tidemill plan``: what is on offer and believed, and what to hold of it."""

from __future__ import annotations

import time
from collections.abc import Sequence
from pathlib import Path
from typing import TYPE_CHECKING

import msgspec

from tidemill.app.commands import progress, show
from tidemill.app.console import emit_json, stdout
from tidemill.app.moments import day_of
from tidemill.app.statement import money, percent
from tidemill.app.tables import plain, table
from tidemill.errors import BadInput

if TYPE_CHECKING:
    from rich.console import Console

    from tidemill.studies.plan.doubts import Believed, Doubt, Rules
    from tidemill.studies.plan.plan import PlanDocument, Risk

__all__ = ["plan", "print_plan", "scan"]

SHOWN = 25


def scan(listed: Path, networks: Sequence[str], min_tvl: str, min_days: int, most: int, *, as_json: bool) -> int:
    """Show what of a list is believed, and what is not."""
    from tidemill.studies.plan.doubts import sift  # noqa: PLC0415
    from tidemill.studies.plan.opportunities import read_list  # noqa: PLC0415

    kept, doubts = sift(read_list(listed), _rules(networks, min_tvl, min_days, most))
    if as_json:
        emit_json({"believed": kept, "left_out": doubts})
        return 0
    _print_scan(kept, doubts, stdout())
    return 0


def plan(
    have: str,
    horizon: str,
    risk: Risk,
    listed: Path,
    price: Sequence[str],
    cost: Sequence[str],
    networks: Sequence[str],
    min_tvl: str,
    min_days: int,
    most: int,
    on: str,
    out: Path,
    *,
    as_json: bool,
) -> int:
    """Make a plan, write it, show it."""
    started = time.perf_counter()
    from tidemill.studies.load import check_writable, write_together  # noqa: PLC0415
    from tidemill.studies.plan.opportunities import read_list  # noqa: PLC0415
    from tidemill.studies.plan.plan import Asked, parse_have, parse_horizon  # noqa: PLC0415
    from tidemill.studies.plan.plan import plan as run  # noqa: PLC0415

    check_writable(out)
    asked = Asked(
        have=parse_have(have),
        days=parse_horizon(horizon),
        risk=risk,
        on=day_of(on),
        prices={"USDC": "1", "USDT": "1", "DAI": "1", **_pairs(price, "price")},
        costs=_costs(cost),
    )
    rules = _rules(networks, min_tvl, min_days, most)
    with progress("reading the list …") as tell:
        rows = read_list(listed)
        tell(f"weighing {len(rows):,} rows …")
        document = run(rows, asked, rules)
    write_together(out, {"plan.json": msgspec.json.format(msgspec.json.encode(document), indent=2)})
    done = f"wrote {out}/plan.json in {time.perf_counter() - started:.1f} s"
    return show(document, print_plan, done, as_json=as_json)


def _rules(networks: Sequence[str], min_tvl: str, min_days: int, most: int) -> Rules:
    from tidemill import networks as known  # noqa: PLC0415
    from tidemill.errors import UnknownName  # noqa: PLC0415
    from tidemill.studies.plan.doubts import Rules as Made  # noqa: PLC0415

    for name in networks:
        if name not in known.names():
            raise UnknownName("network", name, known.names(), field="networks")
    for field, number in (("min-days", min_days), ("most", most)):
        if not 0 <= number <= 1_000_000:
            raise BadInput(f"{number} is not between 0 and 1,000,000", field=field)
    tvl = _dollars(min_tvl, "min-tvl")
    if tvl < 0:
        raise BadInput(f"{min_tvl!r}: expected USD from 0 up", field="min-tvl")
    return Made(min_tvl=tvl, min_days=min_days, most_bps=most * 100, networks=tuple(networks))


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
        if not equals or not name or not value.replace(".", "", 1).isdigit():
            raise BadInput(f"{word!r} is not NAME=NUMBER", field=field)
        found[name.upper() if upper else name] = value
    return found


def _print_scan(kept: Sequence[Believed], doubts: Sequence[Doubt], console: Console) -> None:
    from collections import Counter  # noqa: PLC0415

    rows = [
        [
            plain(one.opportunity.name),
            one.opportunity.kind or "–",
            f"{(one.opportunity.tvl or 0) / 1e12:,.1f} M",
            percent(one.opportunity.apy_bps or one.opportunity.base_bps),
            percent(one.bps),
            plain("; ".join(one.notes)),
        ]
        for one in kept[:SHOWN]
    ]
    heads = ["", "model", "in it, USD>", "displayed>", "believed>", ""]
    console.print(table(f"Believed: {len(kept):,} of {len(kept) + len(doubts):,}", heads, rows))
    if len(kept) > SHOWN:
        console.print(f"… and {len(kept) - SHOWN:,} more (--json shows all)")
    counted = Counter(doubt.rule for doubt in doubts)
    console.print(table("Left out", ["rule", "rows>"], [[rule, f"{n:,}"] for rule, n in counted.most_common()]))


def print_plan(document: PlanDocument, console: Console) -> None:
    """Print what to hold, what it should leave and may lose, how to get out, what was left out and assumed."""
    capital = document.capital
    console.print(
        f"[bold]{money(capital, sign=False)} USD for {document.days} days at {document.risk} risk[/bold] · "
        f"{document.offered:,} on offer, {document.believed:,} believed · {document.on}"
    )
    console.print()
    rows = [
        [
            plain(line.name),
            money(line.amount, sign=False),
            percent(line.part_bps),
            percent(line.displayed_bps),
            percent(line.believed_bps),
            money(line.net),
            _time(line.exit_seconds),
        ]
        for line in document.held
    ]
    rows.append(["stays in the wallet", money(document.idle, sign=False), percent(document.idle * 10_000 // capital)])
    rows[-1] += [""] * 4
    heads = ["hold", "USD>", "part>", "displayed a year>", "believed>", "leaves>", "way out, usual>"]
    console.print(table("", heads, rows))
    total = {
        "as displayed": document.displayed,
        "not believed": sum(line.earned + line.rewards for line in document.held) - document.displayed,
        "divergence": sum(line.divergence for line in document.held),
        "expected losses": sum(line.losses for line in document.held),
        "moving in and out": sum(line.moving for line in document.held),
        "network fees": -sum(line.costs for line in document.held),
        "what you should keep": document.net,
    }
    console.print(table("Over the horizon, USD", ["", ">"], [[name, money(value)] for name, value in total.items()]))
    spread = ", ".join(f"{q} % {money(value)}" for q, value in document.quantiles.items())
    console.print(f"in so many of a hundred futures less than: {spread}")
    console.print(
        f"a loss in {document.loss_bps / 100:.0f} % of {document.scenarios:,} futures; the worst twentieth "
        f"{money(document.cvar)} on average; solved to {document.gap_bps / 100:.2f} % of the best"
    )
    if document.binding:
        console.print(f"more would be possible without: {plain('; '.join(document.binding))}")
    left = ", ".join(f"{count:,} {rule}" for rule, count in document.left_out.items())
    console.print(f"left out: {left or 'nothing'}")
    for name, rule, why in document.doubts[:5]:
        console.print(f"  {plain(name)}: {rule} ({plain(why)})")
    for line in document.assumptions:
        console.print(f"assumed: {plain(line)}")
    console.print("an estimate, not advice")
    console.print(f"result {document.result_hash}")


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds == 0:
        return "–"
    return f"{seconds / 86_400:.1f} d" if seconds >= 86_400 else f"{seconds / 3_600:.1f} h"
