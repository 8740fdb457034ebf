"""A plan on a terminal: what to hold, what it should leave and may lose, how to get out, what was left out and why."""

from __future__ import annotations

import shlex
from typing import TYPE_CHECKING

from tidemill.app.statement import money, percent
from tidemill.app.tables import plain, table

if TYPE_CHECKING:
    from pathlib import Path

    from rich.console import Console

    from tidemill.studies.plan.document import PlanDocument

__all__ = ["print_plan"]

SHOWN = 8


def print_plan(document: PlanDocument, console: Console, out: Path | None = None) -> None:
    """Print everything that a plan says, the answer first; ``out`` is the folder that its studies were written to."""
    _head(document, console)
    if document.held:
        _waterfall(document, console)
        _outcomes(document, console)
    _threats(document, console)
    _exits(document, console)
    _others(document, console)
    _unjudged(document, console)
    _rest(document, console, out)


def _head(document: PlanDocument, console: Console) -> None:
    capital = document.capital
    console.print(
        f"[bold]{money(capital, sign=False)} USD for {document.days} days at {document.risk} risk[/bold] · "
        f"{document.offered:,} on offer, {document.believed:,} believed · {document.on}"
    )
    console.print(f"list: {plain(document.source)}") if document.source else None
    console.print()
    rows = [
        [
            plain(line.name),
            money(line.amount, sign=False),
            _part(line.part_bps),
            percent(line.displayed_bps),
            percent(line.believed_bps),
            money(line.net),
            _time(line.exit_seconds),
            line.proof,
        ]
        for line in document.held
    ]
    rows.append(["stays in the wallet", money(document.idle, sign=False), _part(document.idle * 10_000 // capital)])
    rows[-1] += [""] * 5
    heads = ["hold", "USD>", "part>", "displayed a year>", "believed>", "leaves>", "way out, usual>", "model"]
    console.print(table("", heads, rows))
    if not document.held:
        why = "nothing pays its own costs with this capital" if document.smallest else "nothing is held"
        console.print(f"[bold]{why}[/bold]: {plain(document.smallest_note)}")


def _waterfall(document: PlanDocument, console: Console) -> None:
    streams = document.held if len(document.held) > 1 else []
    steps = {
        "as displayed": [line.displayed for line in document.held],
        "not believed": [line.earned + line.rewards - line.displayed for line in document.held],
        "divergence": [line.divergence for line in document.held],
        "expected losses": [line.losses for line in document.held],
        "moving in and out": [line.moving for line in document.held],
        "network fees": [-line.costs for line in document.held],
        "what you should keep": [line.net for line in document.held],
    }
    heads = ["", "in total>", *(f"{number}>" for number in range(1, len(streams) + 1))]
    rows = [
        [name, money(sum(values)), *(money(value) for value in values if streams)] for name, values in steps.items()
    ]
    console.print()
    console.print(table("Over the horizon, USD (columns: the lines above, in order)", heads, rows))


def _outcomes(document: PlanDocument, console: Console) -> None:
    spread = ", ".join(f"{q} % {money(value)}" for q, value in document.quantiles.items())
    console.print()
    console.print(f"in so many of a hundred futures less than: {spread}")
    gap = f"solved to {document.gap_bps / 100:.2f} % of the best"
    if document.stopped:
        gap = f"the time was over: the best so far, at most {document.gap_bps / 100:.2f} % from the best possible"
    console.print(
        f"a loss in {_share(document.loss_bps)} of {document.scenarios:,} futures; the worst twentieth "
        f"{money(document.cvar)} on average; {gap}"
    )
    if document.changed:
        from tidemill.studies.plan.tokens import said  # noqa: PLC0415

        told = ", ".join(
            f"{plain(said(one.family))} {money(one.have, sign=False)} to {money(one.planned, sign=False)}"
            for one in document.changed
        )
        console.print(
            f"it exchanges what you have, USD: {told}; what prices do then is in the futures, nothing is expected of it"
        )
    if document.binding:
        console.print(f"more would be possible without: {plain('; '.join(document.binding))}")


def _threats(document: PlanDocument, console: Console) -> None:
    if not document.threats:
        return
    rows = [
        [
            plain(one.factor),
            f"{one.usual_bps / 100:.2f} %",
            f"{one.low_bps / 100:.2f} to {one.high_bps / 100:.2f} %",
            money(-one.taken),
            str(len(one.hits)),
        ]
        for one in document.threats[:SHOWN]
    ]
    heads = ["", f"chance in {document.days} d>", "between>", "takes, USD>", "lines>"]
    console.print()
    console.print(table("What can go wrong with it", heads, rows))
    unknown = list(dict.fromkeys(word for one in document.threats for word in one.unknown))
    if unknown:
        console.print(f"not known: {plain('; '.join(unknown[:3]))}")


def _exits(document: PlanDocument, console: Console) -> None:
    where = "on Ethereum" if document.reach == "ethereum" else "in the wallet on its network"
    rows = [
        [
            "at once" if one.days == 0 else f"{one.days} d",
            money(one.amount, sign=False),
            _part(one.part_bps),
            _part(one.asked_bps) if one.asked_bps else "",
        ]
        for one in document.reached
    ]
    console.print()
    console.print(table(f"How soon it can be had {where}", ["within", "USD>", "part>", "asked for>"], rows))
    from tidemill.studies.plan.leaving import told_of_ways  # noqa: PLC0415 - commands that only import this need no networks

    if home := told_of_ways(document):
        console.print(plain(home))


def _others(document: PlanDocument, console: Console) -> None:
    others = [one for one in document.candidates if not one.chosen][:SHOWN]
    if not others:
        return
    rows = [
        [
            plain(one.name),
            money(one.amount, sign=False),
            money(one.net),
            f"{money(one.quantiles['5'])} … {money(one.quantiles['95'])}",
            _share(one.loss_bps),
            plain(one.why_not),
        ]
        for one in others
    ]
    heads = ["", "at most, USD>", "leaves>", "5 to 95 of 100 futures>", "loses in>", "why not"]
    console.print()
    console.print(table("Not chosen, each alone with this capital", heads, rows))


def _unjudged(document: PlanDocument, console: Console) -> None:
    if not document.unjudged:
        return
    rows = [
        [", ".join(one.kinds) or "–", plain(", ".join(one.networks) or "–"), plain(one.why), plain(one.how)]
        for one in document.unjudged
    ]
    console.print()
    console.print(table("Not judged: no dated rate", ["", "networks", "why", "give one by"], rows))


def _rest(document: PlanDocument, console: Console, out: Path | None) -> None:
    console.print()
    left = "; ".join(
        f"{plain(field)}: {', '.join(f'{count:,} {rule}' for rule, count in rules.items())}"
        for field, rules in document.left_out_fields.items()
    )
    total = sum(document.left_out.values())
    console.print(f"left out: {total:,} by field of the list and rule: {left}" if left else "left out: nothing")
    for name, rule, why in document.doubts[:5]:
        console.print(f"  {plain(name)}: {rule} ({plain(why)})")
    for line in document.held:
        if line.source:
            console.print(f"rate: {plain(line.name)}: as of {line.as_of}, {line.confidence}, {plain(line.source)}")
        for text in line.notes:
            console.print(f"note: {plain(line.name)}: {plain(text)}")
    for assumed in document.assumptions:
        console.print(f"assumed: {plain(assumed)}")
    for name in document.studies:
        file = shlex.quote(str(out / name if out else name))  # as it can be typed from where one stands
        console.print(f"play it: tidemill backtest {plain(file)} (then stress, rehearse)", soft_wrap=True)
    for one in document.unplayed:
        console.print(f"in no study: {plain(one.name)}: {plain(one.why)}")
    console.print("an estimate, not advice")
    console.print(f"result {document.result_hash}")


def _share(bps: int) -> str:
    """Write a part of futures; one that is not 0 is not shown as 0."""
    return f"{bps / 100:.0f} %" if bps >= 100 or not bps else f"{bps / 100:.2f} %"


def _part(bps: int) -> str:
    return f"{bps / 100:.2f} %"


def _time(seconds: int | None) -> str:
    if seconds is None:
        return "unknown"
    if seconds == 0:
        return "–"
    return f"{seconds / 86_400:.1f} d" if seconds >= 86_400 else f"{seconds / 3_600:.1f} h"
