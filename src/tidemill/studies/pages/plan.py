"""The page of a plan: what to hold, what it should leave, what it rests on, how to get out, what was left out and why."""

from __future__ import annotations

import datetime as dt
from collections import defaultdict
from collections.abc import Mapping
from typing import TYPE_CHECKING

from tidemill import networks
from tidemill.errors import TidemillError
from tidemill.studies.pages.figures import shown, span
from tidemill.studies.pages.page import (
    PAGE,
    Bar,
    Bars,
    Block,
    Column,
    Figure,
    Ladder,
    Node,
    Notes,
    Page,
    Rung,
    Say,
    Section,
    Spread,
    Step,
    Steps,
    Table,
    Tree,
    Value,
)
from tidemill.studies.plan.leaving import told_of_ways, ways_home
from tidemill.studies.plan.tokens import said
from tidemill.studies.risk.causes import asset_shock

if TYPE_CHECKING:
    from tidemill.studies.plan.document import Held, PlanDocument

__all__ = ["plan_page"]

HOME = "USD"
BPS = 10_000
CENT = 10_000
"""Micro-dollars."""
L1 = "ethereum"


def plan_page(document: PlanDocument) -> Page:
    """Return the page of ``document``."""
    sections = [
        _hold_section(document),
        *(
            [_waterfall_section(document), _outcome_section(document), _exposure_section(document)]
            if document.held
            else []
        ),
        _exit_section(document),
        _candidate_section(document),
        _excluded_section(document),
        _unjudged_section(document),
        Section(
            "assumed", "What is assumed", "Change one and the plan may change.", [Notes(list(document.assumptions))]
        ),
    ]
    return Page(
        schema=PAGE,
        kind="plan",
        tool_version=document.tool_version,
        title=f"{shown(document.capital, 'money', HOME)} for {document.days} days at {document.risk} risk",
        subtitle="What to hold of what is on offer. An estimate from dated facts and stated assumptions, not advice.",
        chips=[f"on {document.on}", f"{document.offered:,} on offer", f"{document.believed:,} believed"],
        synthetic=False,
        home=HOME,
        says=_says(document),
        figures=_figures(document),
        warnings=_warnings(document),
        sections=[section for section in sections if section.blocks],
        source=document.schema,
        result_hash=document.result_hash,
        again={
            "day": document.on,
            "horizon": f"{document.days} days",
            "risk": document.risk,
            **({"list": document.source} if document.source else {}),
        },
    )


def _says(document: PlanDocument) -> list[Say]:
    low, high = (shown(document.quantiles[q], "change", HOME) for q in ("5", "95"))
    part = shown(document.net * BPS // document.capital, "rate")
    losing = f"{document.loss_bps / 100:g} of 100"
    return [
        Say(
            "keep",
            "What you should keep",
            f"in {document.days} days: {part} of the capital, against holding the same tokens; nine in ten futures lie between "
            f"{low} and {high}.",
            document.net,
            "change",
        ),
        Say(
            "risk",
            "What you risk",
            f"on average in the worst twentieth of {document.scenarios:,} futures; {losing} lose money.{_worst_threat(document)}",
            document.cvar,
            "change",
        ),
        Say("next", "What to do next", _next(document)),
        Say("change", "What would change this", _change(document)),
    ]


def _worst_threat(document: PlanDocument) -> str:
    if not document.threats:
        return ""
    first = document.threats[0]
    return (
        f" What weighs most: {_factor(first.factor)} ({shown(first.usual_bps, 'share')} likely), which would take "
        f"{shown(first.taken, 'money', HOME)}."
    )


def _factor(name: str) -> str:
    """Return ``network:base`` as a person says it: ``the network base``."""
    kind, _, which = name.partition(":")
    return f"the {kind} {which}" if which else name


def _next(document: PlanDocument) -> str:
    if not document.held:
        why = document.smallest_note or "nothing on offer pays its own costs at this size"
        return f"Leave it in the wallet: {why}."
    lines = [f"{shown(line.amount, 'money', HOME)} into {line.name}" for line in document.held[:3]]
    rest = len(document.held) - len(lines)
    said = f"Put {'; '.join(lines)}{f'; and {rest} more below' if rest else ''}."
    if document.idle * BPS // document.capital >= 1:
        said += f" Leave {shown(document.idle, 'money', HOME)} in the wallet."
    return f"{said} First: tidemill backtest {document.studies[0]}." if document.studies else said


def _change(document: PlanDocument) -> str:
    earned = sum(line.earned + line.rewards for line in document.held)
    said = []
    if earned > 0:
        half = document.net - earned // 2
        verdict = "still above holding" if half > 0 else "less than holding: it would stay in the wallet"
        said.append(
            f"Were the believed rates half, the same plan would leave {shown(half, 'change', HOME)}, {verdict}."
        )
    if document.binding:
        said.append(f"More would be possible without {'; '.join(document.binding[:2])}.")
    if not document.candidates:
        return "A rate of today: tidemill plan --offer KIND@NETWORK:TOKENS=APY%, or a list (--list, --from)."
    return " ".join(said) or "A larger capital, a longer time, or better rates: nothing offered pays at this size."


def _figures(document: PlanDocument) -> list[Figure]:
    return [
        Figure("As displayed", document.displayed, "change", "what the offers promise over the time"),
        Figure("Places", len(document.held), "count", "in which money is put"),
        Figure("Stays in the wallet", _idle(document), "money"),
        Figure("A loss", document.loss_bps, "share", f"of {document.scenarios:,} futures"),
        Figure("Off the best possible", document.gap_bps, "share", "at most, by the solver"),
    ]


def _warnings(document: PlanDocument) -> list[str]:
    found = [f"{line.name}: {note}" for line in document.held for note in line.notes if "no model" in note]
    if _dear(document):
        found.append(told_of_ways(document))
    if document.stopped:
        found.append("the solver's time was over: this is the best plan found so far")
    return found


def _idle(document: PlanDocument) -> int:
    """Return what stays in the wallet; less than a cent is what rounding to micro-dollars left, and no decision."""
    return document.idle if document.idle >= CENT else 0


def _wait(seconds: int | None) -> Value:
    return "at once" if seconds == 0 else seconds


def _dear(document: PlanDocument) -> bool:
    """Say whether the ways home, as far as known, cost a tenth or more of what should be kept."""
    known = [one.dollars for one in ways_home(document) if one.dollars is not None]
    return bool(known) and 10 * sum(known) >= document.net


def _hold_section(document: PlanDocument) -> Section:
    bars = Bars(
        "How much where",
        "money",
        [
            *(Bar(line.name, line.amount, shown(line.part_bps, "share"), own=True) for line in document.held),
            Bar("stays in the wallet", _idle(document), shown(document.idle * BPS // document.capital, "share")),
        ],
    )
    rows: list[list[Value]] = [
        [
            line.name,
            line.amount,
            line.displayed_bps,
            line.believed_bps,
            line.net,
            _wait(line.exit_seconds),
            f"{line.kind}, {line.proof}" if line.kind else "no model",
            "; ".join([*_said(line), *line.notes]),
        ]
        for line in document.held
    ]
    columns = [
        Column("hold"),
        Column("put in", "money"),
        Column("displayed a year", "rate"),
        Column("believed", "rate"),
        Column("leaves", "change"),
        Column("way out, usual", "span"),
        Column("model"),
        Column("note"),
    ]
    table = Table("What to hold", columns, rows, empty="Nothing: all stays in the wallet.")
    played = [f"Play it: tidemill backtest {name}" for name in document.studies]
    played += [f"In no study: {one.name}: {one.why}" for one in document.unplayed]
    blocks: list[Block] = [bars, table]
    blocks += [Notes(played)] if played else []
    return Section("hold", "What to hold", "", blocks)


def _said(line: Held) -> list[str]:
    return [f"rate as of {line.as_of}, {line.confidence}: {line.source}"] if line.source else []


def _waterfall_section(document: PlanDocument) -> Section:
    held = document.held
    rows = [
        Step("As displayed", "flow", document.displayed),
        Step("Not believed", "flow", sum(line.earned + line.rewards for line in held) - document.displayed),
        Step("Divergence", "flow", sum(line.divergence for line in held), note="pools whose tokens part in price"),
        Step("Expected losses", "flow", sum(line.losses for line in held), note="chance times part lost, by cause"),
        Step("Moving in and out", "flow", sum(line.moving for line in held)),
        Step("Network fees", "flow", -sum(line.costs for line in held)),
        Step("What you should keep", "total", document.net, document.quantiles["5"], document.quantiles["95"]),
    ]
    blocks: list[Block] = [Steps("From what is displayed to what you should keep, USD", rows)]
    if len(held) > 1:
        heads = ["earned", "rewards", "divergence", "losses", "moving", "fees", "leaves"]
        each: list[list[Value]] = [
            [line.name, line.earned, line.rewards, line.divergence, line.losses, line.moving, -line.costs, line.net]
            for line in held
        ]
        blocks.append(Table("The same for each", [Column(""), *(Column(head, "change") for head in heads)], each))
    lead = (
        "A displayed rate is a claim. What is taken off it, in total and for each; the whisker is nine futures in ten."
    )
    return Section("waterfall", "From displayed to kept", lead, blocks)


def _outcome_section(document: PlanDocument) -> Section:
    quantiles = sorted((int(q), value) for q, value in document.quantiles.items())
    spread = Spread(
        f"What is kept over {document.scenarios:,} futures, USD",
        [q for q, _ in quantiles],
        [v for _, v in quantiles],
        "change",
    )
    blocks: list[Block] = [spread]
    if document.threats:
        rows: list[list[Value]] = [
            [
                _factor(one.factor),
                one.usual_bps,
                f"{shown(one.low_bps, 'share')} to {shown(one.high_bps, 'share')}",
                -one.taken,
                ", ".join(one.hits),
                ", ".join(one.unknown) or "",
            ]
            for one in document.threats
        ]
        columns = [
            Column("what"),
            Column("chance", "share"),
            Column("may be"),
            Column("would take", "change"),
            Column("hits"),
            Column("not known of it"),
        ]
        blocks.append(Table("What can go wrong", columns, rows))
    if document.changed:
        swaps: list[list[Value]] = [[said(one.family), one.have, one.planned] for one in document.changed]
        heads = [Column("tokens that stand for"), Column("you have", "money"), Column("the plan has", "money")]
        blocks.append(Table("What it exchanges: its price moves in these futures", heads, swaps))
    lead = "Two thousand futures draw together what the offers share, so that two places on one network fall together."
    return Section("outcome", "What can go wrong, and how likely", lead, blocks)


def _exposure_section(document: PlanDocument) -> Section:
    """Return what the money rests on: each tree is the whole of it, by who could take it."""
    by: dict[str, dict[str, dict[str, int]]] = {
        kind: defaultdict(dict) for kind in ("issuer of a token", "network", "bridge to Ethereum", "project")
    }
    for line in document.held:
        places = {"network": [line.network], "project": [line.project], "issuer of a token": _issuers(document, line)}
        places["bridge to Ethereum"] = ["none needed"] if line.network == L1 else [f"{line.network}'s own bridge"]
        for kind, names in places.items():
            for name in names:
                by[kind][name][line.name] = line.amount
    nodes = [Node(f"By {kind}", inner=_branches(found, document.capital)) for kind, found in by.items() if found]
    lead = (
        "If one of these fails, this much money rests on it. One place may rest on two issuers: these may add up to more than "
        "all."
    )
    return Section(
        "exposure", "What it rests on", lead, [Tree("Exposure by issuer, network, bridge and project", nodes)]
    )


def _branches(found: Mapping[str, Mapping[str, int]], capital: int) -> list[Node]:
    totals = {name: sum(lines.values()) for name, lines in found.items()}
    order = sorted(found, key=lambda name: (-totals[name], name))
    return [
        Node(
            name,
            totals[name],
            "money",
            totals[name] * BPS // capital,
            inner=[Node(line, amount, "money") for line, amount in found[name].items()],
        )
        for name in order
    ]


def _issuers(document: PlanDocument, line: Held) -> list[str]:
    """Return who stands behind a line's tokens, as far as facts name them; nobody for ether."""
    shocks = [asset_shock(symbol, dt.date.fromisoformat(document.on)) for symbol in line.tokens]
    found = ["nobody (native)" if shock is None else shock.factor.partition(":")[2] for shock in shocks]
    return list(dict.fromkeys(found))


def _exit_section(document: PlanDocument) -> Section:
    start = int(dt.datetime.fromisoformat(document.on).replace(tzinfo=dt.UTC).timestamp())
    rungs, unknown = [], []
    for line in document.held:
        way = _way(line.network, start)
        lock = line.lock_seconds
        amount = shown(line.amount, "money", HOME)
        if way is None:
            unknown.append(f"{line.name}: how long the way out of {line.network} takes is not known.")
            continue
        least, usual, most = way
        note = f"{span(lock)} to be out of it first" if lock else ""
        worst = None if most is None else start + lock + most
        rungs.append(Rung(f"{amount} from {line.name}", note, start + lock + least, start + lock + usual, worst))
    rungs.sort(key=lambda rung: rung.usual)
    blocks: list[Block] = [Ladder(f"Back on Ethereum, if you leave on {document.on}", start, rungs)] if rungs else []
    if document.reached:
        rows: list[list[Value]] = [
            ["at once" if not one.days else f"{one.days} days", one.amount, one.part_bps, one.asked_bps or ""]
            for one in document.reached
        ]
        columns = [
            Column("within"),
            Column("can be had", "money"),
            Column("of the capital", "share"),
            Column("asked", "share"),
        ]
        blocks.append(Table("How much can be had, and when", columns, rows))
    home = told_of_ways(document)
    unknown += [f"{home[:1].upper()}{home[1:]}."] if home else []
    blocks += [Notes(unknown)] if unknown else []
    lead = "By each network's own way, the one that nobody has to agree to; a liquidity bridge may be faster: tidemill exits."
    return Section("exits", "How to get out", lead, blocks)


def _way(name: str, time: int) -> tuple[int, int, int | None] | None:
    """Return what leaving by a network's own bridge takes, seconds: least, usual and most; ``None`` where nobody says."""
    if name == L1:
        return 0, 0, 0
    try:
        routes = networks.get(name).routes(time)
    except TidemillError:
        return None
    out = [one for one in routes if one.source == name and one.kind == "canonical" and not one.blocked and one.stages]
    if not out:
        return None
    waits = [stage.wait.seconds for stage in out[0].stages]
    most = [wait[2] for wait in waits]
    bound = None if None in most else sum(one for one in most if one is not None)
    return sum(wait[0] for wait in waits), sum(wait[1] for wait in waits), bound


def _candidate_section(document: PlanDocument) -> Section:
    candidates = document.candidates
    rows: list[list[Value]] = [
        [
            one.name,
            one.net,
            one.quantiles.get("5"),
            one.loss_bps,
            _wait(one.exit_seconds),
            "chosen" if one.chosen else one.why_not,
        ]
        for one in candidates
    ]
    columns = [
        Column("offer"),
        Column("would leave", "change"),
        Column("5th of 100", "change"),
        Column("loses in", "share"),
        Column("way out", "span"),
        Column("why, or why not"),
    ]
    chosen = [at for at, one in enumerate(candidates) if one.chosen]
    table: list[Block] = [Table("What each would leave alone", columns, rows, marked=chosen)] if rows else []
    return Section("candidates", "What else was believed", "What each would leave of this capital, by itself.", table)


def _excluded_section(document: PlanDocument) -> Section:
    total = sum(document.left_out.values())
    counts: list[list[Value]] = [[rule, count, _RULES.get(rule, "")] for rule, count in document.left_out.items()]
    blocks: list[Block] = [
        Table(
            "Left out, by rule", [Column("rule"), Column("offers", "count"), Column("met by")], counts, empty="Nothing."
        ),
    ]
    if document.doubts:
        rows: list[list[Value]] = [[name, rule, why] for name, rule, why in document.doubts]
        blocks.append(Table("The largest promises among them", [Column("offer"), Column("rule"), Column("why")], rows))
    lead = f"{total:,} of {document.offered:,} offers were left out by stated rules; each by the first that it meets."
    return Section("excluded", "What was left out, and why", lead, blocks)


def _unjudged_section(document: PlanDocument) -> Section:
    rows: list[list[Value]] = [
        [", ".join(one.kinds), ", ".join(one.networks), one.why, one.how] for one in document.unjudged
    ]
    columns = [Column("kind"), Column("networks"), Column("why"), Column("give one by")]
    table: list[Block] = [Table("No dated rate is known", columns, rows)] if rows else []
    return Section(
        "unjudged", "What was not judged", "Places that may pay, of which tidemill knows no dated rate.", table
    )


_RULES = {
    "unreadable": "no chain, project or symbol",
    "contradiction": "the same id twice with other figures, or parts that do not come to the whole",
    "no rate": "no number, or one below 0",
    "unknown tvl": "what is in it is not given",
    "small": "less in it than asked for",
    "no network": "no facts about its network, or not among those asked for",
    "ended": "its network has ended, only lets money out, or has an open incident",
    "points only": "nothing is paid that has a rate",
    "outlier": "the list itself calls it one",
    "absurd": "promises more than anything pays for long",
    "young": "followed for too few days",
    "absurd tvl": "more in it than there is money",
    "unproven": "its model is proven less than asked for, or there is none",
    "repeated": "the same row again",
    "stale": "last looked at too long ago",
    "later": "of a day after the plan's",
    "beyond the best": "others are believed to pay more",
    "exit too slow": "cannot be left within the time asked for",
}
