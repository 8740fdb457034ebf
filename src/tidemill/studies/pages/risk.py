"""The page of a risk assessment: the letter, and the tree of why."""

from __future__ import annotations

from tidemill import __version__
from tidemill.execution.ids import content_hash
from tidemill.facts import Fact
from tidemill.studies.pages.page import (
    PAGE,
    Bar,
    Bars,
    Column,
    Figure,
    Node,
    Notes,
    Page,
    Say,
    Section,
    Table,
    Tree,
    Value,
)
from tidemill.studies.risk import Assessment, Estimate
from tidemill.studies.risk.estimates import Reason, Shock
from tidemill.studies.risk.grades import bands

__all__ = ["SCHEMA", "risk_page", "share"]

SCHEMA = "tidemill.risk/1"
BPS = 10_000


def risk_page(found: Assessment, amount: str = "", money: tuple[str, str, str] | None = None) -> Page:
    """Return the page of ``found``; ``amount`` and ``money`` (low, usual, high) are as a person wrote the sum at risk."""
    chance = "unknown: too many causes to count through" if found.chance is None else share(found.chance)
    return Page(
        schema=PAGE,
        kind="risk",
        tool_version=__version__,
        title=f"{found.subject}: {found.capped}",
        subtitle=f"What a year may take. {found.label[:1].upper()}{found.label[1:]}.",
        chips=[f"on {found.on}", f"{len(found.shocks)} causes", f"{found.unknown} unknown or doubtful"],
        synthetic=False,
        home="",
        says=_says(found, amount, money),
        figures=[
            Figure("Letter by the number", found.grade, "text", "before flags"),
            Figure("At best", share(found.loss.low), "text", "of the money, a year"),
            Figure("At worst", share(found.loss.high), "text", "of the money, a year"),
            Figure("Losing over 1%", chance, "text", "chance in a year"),
        ],
        warnings=[f"{flag.words}: no letter better than {flag.cap}" for flag in found.flags],
        sections=[
            section for section in (_why(found), _causes(found), _flags(found), _missing(found)) if section.blocks
        ],
        source=SCHEMA,
        result_hash=content_hash(
            [found.subject, str(found.on), found.capped, share(found.loss.usual), share(found.loss.high)]
        ),
        again={"subject": found.subject, "day": str(found.on)},
    )


def share(part: float) -> str:
    """Return a part in per cent, two figures that count, never 0 for what is not."""
    if part == 0.0:
        return "0%"
    return f"{max(part, 0.000001):.{2 if part >= 0.001 else 4}%}"


def _between(one: Estimate) -> str:
    return f"{share(one.low)} to {share(one.high)}"


def _says(found: Assessment, amount: str, money: tuple[str, str, str] | None) -> list[Say]:
    kept = f"of {amount}, {money[1]} is expected to be lost in a year, from {money[0]} to {money[2]}." if money else ""
    worst = max(found.shocks, key=lambda shock: shock.loss.usual, default=None)
    heaviest = (
        f"Most of it is {_named(worst)}: a chance of {share(worst.chance.usual)} a year, {share(worst.part.usual)} lost if so."
        if worst
        else "No cause is known."
    )
    return [
        Say(
            "keep",
            "The letter",
            f"for {found.subject}; {kept or f'a year is expected to take {share(found.loss.usual)} of the money.'} "
            + (
                "A flag holds the letter down."
                if found.capped != found.grade
                else "By the number, no flag holds it down."
            ),
            found.capped,
        ),
        Say(
            "risk",
            "What you risk in a year",
            f"is usual, anything from {_between(found.loss)} possible. {heaviest}",
            share(found.loss.usual),
        ),
        Say("next", "What to do next", _next(found)),
        Say("change", "What would change this", _change(found)),
    ]


def _named(shock: Shock) -> str:
    kind, _, name = shock.factor.partition(":")
    return f"the {kind} {name}" if name else shock.factor


def _next(found: Assessment) -> str:
    names = {flag.name for flag in found.flags}
    if {"sunset", "recent_incident"} & names:
        return "Put no new money here, and look at the way out now: tidemill exits."
    if names:
        return f"Keep here only what you can bear to lose while this holds: {found.flags[0].words}."
    return "Compare it with others by the same rules before putting money in: tidemill risk A B, tidemill plan."


def _change(found: Assessment) -> str:
    said = []
    if found.flags:
        flag = found.flags[0]
        said.append(f"Without the flag “{flag.words}” the letter could be {found.grade}.")
    if found.learn:
        said.append(f"To know this would narrow it most: {found.learn}.")
    return (
        " ".join(said) or "An incident, or a fact that turns out otherwise: every one of them is below, with its date."
    )


def _why(found: Assessment) -> Section:
    order = sorted(found.shocks, key=lambda shock: -shock.loss.usual)
    whole = found.loss.usual or 1.0
    nodes = [
        Node(
            _named(shock),
            share(shock.loss.usual),
            "text",
            min(round(shock.loss.usual / whole * BPS), BPS),
            f"a chance of {share(shock.chance.usual)} a year ({_between(shock.chance)}), {share(shock.part.usual)} lost if so "
            f"({_between(shock.part)})",
            [*(_reason(reason) for reason in shock.reasons), *(Node(f"not known: {one}") for one in shock.unknown)],
        )
        for shock in order
    ]
    top = Node(f"{found.capped}: a year is expected to take", share(found.loss.usual), "text", inner=nodes)
    lead = "Each branch is a cause, its bar its part of the whole; inside are the facts behind the number, with date and source."
    return Section("why", "Why this letter", lead, [Tree("Why this letter", [top])])


def _reason(reason: Reason) -> Node:
    return Node(reason.words, note=_source(reason.fact) if reason.fact else "")


def _source(fact: Fact) -> str:
    said = f"{fact.confidence.value}, as of {fact.as_of}: {fact.source}"
    return f"{said}. {fact.note}" if fact.note else said


def _causes(found: Assessment) -> Section:
    shown = {cause: one for cause, one in found.causes.items() if one.high > 0.0}
    # a thousandth of a basis point still has a bar: the figures beside the bars are the rounded ones
    bars = Bars(
        "Expected loss in a year, usual",
        "share",
        [Bar(cause, round(one.usual * BPS), f"{share(one.usual)}, {_between(one)}") for cause, one in shown.items()],
    )
    rows: list[list[Value]] = [
        [cause, share(one.low), share(one.usual), share(one.high)] for cause, one in shown.items()
    ]
    rows.append(["together", share(found.loss.low), share(found.loss.usual), share(found.loss.high)])
    columns = [Column("cause"), Column("low"), Column("usual"), Column("high")]
    table = Table("Expected loss in a year", columns, rows, marked=[len(rows) - 1])
    scale = ", ".join(f"{letter} to {share(most)}" for letter, most in bands())
    return Section("causes", "By cause", f"Letters by the expected loss of a year: {scale}; then D.", [bars, table])


def _flags(found: Assessment) -> Section:
    rows: list[list[Value]] = [[flag.words, flag.cap, str(flag.fact.as_of), flag.fact.source] for flag in found.flags]
    columns = [Column("flag"), Column("at best"), Column("as of"), Column("source")]
    lead = "What no number excuses: a flag caps the letter."
    return Section("flags", "Flags", lead, [Table("Flags", columns, rows, empty="None is raised.")])


def _missing(found: Assessment) -> Section:
    lines = [f"Not counted: {line}" for line in found.none]
    lines += [f"Not known of {_named(shock)}: {', '.join(shock.unknown)}" for shock in found.shocks if shock.unknown]
    lead = "What nobody has said spans its whole range: the unknown widens the interval, and is never nothing."
    return Section("missing", "What is not known", lead, [Notes(lines)] if lines else [])
