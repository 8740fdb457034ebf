"""Plan: what to do with this capital, for this long, at this much risk — and what was left out, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tidemill import __version__
from tidemill.errors import BadInput, nearest
from tidemill.studies.canonical import result_hash
from tidemill.studies.plan.allocate import Allocation, Problem, allocate, group_caps
from tidemill.studies.plan.as_study import Written, studies_of
from tidemill.studies.plan.asked import BPS, MICRO, TAIL, Asked, capital_of, caps_of
from tidemill.studies.plan.catalogue import Unjudged
from tidemill.studies.plan.document import SCHEMA, Held, PlanDocument
from tidemill.studies.plan.doubts import Doubt, Rules, sift
from tidemill.studies.plan.exits import DAY, exit_of, too_slow
from tidemill.studies.plan.likes import calmed
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.outcome import (
    assumptions,
    candidates,
    money,
    proof_of,
    quantiles,
    reached,
    smallest,
    threats,
)
from tidemill.studies.plan.streams import Line
from tidemill.studies.plan.weighed import Weighed, groups_of, ladder, weigh
from tidemill.studies.plan.worth import Changed, Prices, exchanged

__all__ = ["Planned", "plan"]

MOST_CANDIDATES = 500
UNKNOWN_SIZE = 100
"""How many times one's own part a place is taken to hold in a study, where nobody says."""


class Planned(Struct, frozen=True):
    """A plan: its document, and study files that play it."""

    document: PlanDocument
    studies: list[Written]


def plan(
    rows: Sequence[Opportunity], asked: Asked, rules: Rules, source: str = "", unjudged: Sequence[Unjudged] = ()
) -> Planned:
    """Doubt what is on offer, expect, and allocate. Where nothing of tidemill's own facts is believed, all stays as it is.

    Parameters
    ----------
    source : where the list is from. unjudged : places of which no rate is known.

    Raises
    ------
    BadInput : a token without a price, no capital, nothing of a list or of given offers believed, or bounds that nothing
        meets; names the field.
    """
    if not 2015 <= asked.on.year <= 2200:
        raise BadInput(f"{asked.on} is not between 2015 and 2200", field="on")
    capital = capital_of(asked)
    kept, doubts = sift(rows, rules)
    kept = calmed(kept, asked.days)
    pairs = [(one, exit_of(one, asked.on)) for one in kept]
    slow = too_slow(pairs, asked.days, asked.reach)
    late = {id(doubt.opportunity) for doubt in slow}
    pairs = [pair for pair in pairs if id(pair[0].opportunity) not in late]
    doubts += slow
    given = [row.origin for row in rows if row.origin != "facts"]
    if not pairs and given:
        rules_met = Counter(doubt.rule for doubt in doubts if doubt.opportunity.origin != "facts")
        most = ", ".join(f"{count} {rule}" for rule, count in rules_met.most_common(3))
        what, field = ("rows", "list") if "list" in given else ("offers", "offer")
        raise BadInput(f"nothing of {len(given):,} {what} is believed ({most}); loosen a rule", field=field)
    doubts += [
        Doubt(one.opportunity, "beyond the best", f"{MOST_CANDIDATES} others are believed to pay more", "apy")
        for one, _ in pairs[MOST_CANDIDATES:]
    ]
    pairs = pairs[:MOST_CANDIDATES]
    general, special = caps_of(asked)
    weighed = weigh(pairs, asked)
    groups = groups_of(weighed)
    _check_named(special, groups, rows)
    weighed = replace(
        weighed,
        most=general["one"],
        exchange=general["exchanged"],
        caps=group_caps(groups, general, special) + ladder(weighed.exits, asked),
    )
    if not pairs and asked.least_bps:
        raise BadInput("nothing believed is on offer to put it in; give --offer, --list or --from", field="least")
    found = (
        _nothing()
        if not pairs
        else allocate(
            Problem(
                capital=capital / MICRO,
                gain=weighed.gain,
                returns=weighed.returns + weighed.prices.moves @ weighed.prices.weights.T,
                start=weighed.prices.have[weighed.prices.held] / capital * MICRO,
                idle=weighed.prices.moves[:, weighed.prices.held],
                made_of=weighed.prices.weights[:, weighed.prices.held],
                exchange=general["exchanged"],
                cost=weighed.costs,
                most=general["one"],
                room=weighed.room,
                groups=weighed.caps,
                tail=TAIL[asked.risk],
                least=asked.least_bps / BPS,
                seconds=asked.seconds,
            )
        )
    )
    planned = _document(asked, rules, capital, len(rows), len(pairs), doubts, weighed, found, source)
    document = replace(planned.document, unjudged=list(unjudged))
    return Planned(replace(document, result_hash=result_hash(document)), planned.studies)


def _nothing() -> Allocation:
    return Allocation(np.zeros(0), 0.0, 0.0, 0.0, ())


def _check_named(
    special: Mapping[tuple[str, str], float],
    groups: Mapping[str, Sequence[str | tuple[str, ...]]],
    rows: Sequence[Opportunity],
) -> None:
    """Refuse a cap on a name that nothing has: a slip of the pen would leave it without effect."""
    for group, name in special:
        names = {one for value in groups[group] for one in ((value,) if isinstance(value, str) else value)}
        names |= {row.project for row in rows} if group == "project" else set()
        names |= {token for row in rows for token in row.tokens} if group == "asset" else set()
        if group != "network" and name not in names:
            known = sorted(one for one in names if one)
            raise BadInput(f"nothing on offer has the {group} {name!r}{nearest(name, known)}", field="cap")


def _document(
    asked: Asked,
    rules: Rules,
    capital: int,
    offered: int,
    believed: int,
    doubts: Sequence[Doubt],
    weighed: Weighed,
    found: Allocation,
    source: str,
) -> Planned:
    expected, amounts = weighed.expected, found.amounts
    chosen = [i for i in range(len(expected)) if amounts[i] * MICRO >= 1]
    held = [_held(weighed, i, float(amounts[i]), capital, asked) for i in chosen]
    held.sort(key=lambda line: -line.amount)
    over = max(sum(line.amount for line in held) - capital, 0)  # of rounding: nobody puts in more than there is
    held = [replace(line, amount=line.amount - over * (at == 0)) for at, line in enumerate(held)]
    change = _change(weighed, found, TAIL[asked.risk] * capital / MICRO)
    outcome = (
        np.sort(weighed.returns @ amounts + weighed.prices.moves @ change) - sum(line.costs for line in held) / MICRO
    )
    tail = max(len(outcome) // 20, 1)
    largest = sorted(doubts, key=lambda d: -(d.opportunity.displayed_bps or 0))[:10]
    idle = capital - sum(line.amount for line in held)
    least, note = (None, "") if held else smallest(weighed, caps_of(asked)[0]["one"], capital, found.binding, doubts)
    studies, unplayed = studies_of([_line(line) for line in held], asked.prices, asked.on, asked.days)
    document = PlanDocument(
        schema=SCHEMA,
        tool_version=__version__,
        on=asked.on.isoformat(),
        days=asked.days,
        risk=asked.risk,
        reach=asked.reach,
        capital=capital,
        held=held,
        idle=idle,
        displayed=sum(line.displayed for line in held),
        net=sum(line.net for line in held),
        quantiles=quantiles(outcome),
        cvar=math.floor(outcome[:tail].mean() * MICRO),
        loss_bps=int((outcome < 0).mean() * BPS),
        scenarios=len(outcome),
        gap_bps=math.ceil(found.gap * BPS - 1e-6),
        stopped=found.stopped,
        binding=list(found.binding),
        offered=offered,
        believed=believed,
        left_out=dict(Counter(doubt.rule for doubt in doubts).most_common()),
        left_out_fields=by_field(doubts),
        doubts=[[doubt.opportunity.name, doubt.rule, doubt.why] for doubt in largest],
        candidates=candidates(weighed, found, capital, asked),
        threats=threats(weighed, amounts, asked),
        reached=reached(held, idle, capital, asked),
        smallest=least,
        smallest_note=note,
        source=source,
        unplayed=unplayed,
        changed=_changed(weighed.prices, change),
        assumptions=assumptions(asked, rules),
        studies=[one.name for one in studies],
    )
    return Planned(document, studies)


def by_field(doubts: Sequence[Doubt]) -> dict[str, dict[str, int]]:
    """Count what was left out by the field of the list and the rule."""
    out: dict[str, dict[str, int]] = {}
    for (name, rule), count in Counter((doubt.field, doubt.rule) for doubt in doubts).most_common():
        out.setdefault(name, {})[rule] = count
    return out


def _change(weighed: Weighed, found: Allocation, most: float) -> Any:
    """Return how much more money is in each family of tokens than one has: as little exchanged as keeps the bound on the
    worst twentieth, which is kept in any case by what the solver exchanges.
    """
    prices, amounts = weighed.prices, found.amounts
    least = exchanged(prices, amounts)
    cost = weighed.costs[amounts > 0].sum()
    worst = np.sort(weighed.returns @ amounts + prices.moves @ least)[: max(len(weighed.returns) // 20, 1)]
    if found.idle is None or cost - worst.mean() <= most:
        return least
    change = amounts @ prices.weights - prices.have
    change[prices.held] += found.idle
    return change


def _changed(prices: Prices, change: Any) -> list[Changed]:
    return [
        Changed(name, round(float(have) * MICRO), max(round(float(have + more) * MICRO), 0))
        for name, have, more in zip(prices.families, prices.have, change, strict=True)
        if round(float(more) * MICRO)
    ]


def _line(held: Held) -> Line:
    return Line(
        held.id,
        held.name,
        held.network,
        held.kind,
        tuple(held.tokens),
        held.amount,
        held.believed_bps,
        held.reward_bps,
        held.tvl or held.amount * UNKNOWN_SIZE,
        held.stable,
        sized=bool(held.tvl),
    )


def _held(weighed: Weighed, at: int, amount: float, capital: int, asked: Asked) -> Held:
    one, way = weighed.expected[at], weighed.exits[at]
    row = one.believed.opportunity
    moving = -money(2 * asked.move_bps / BPS, amount)
    parts = [money(part, amount) for part in (one.base, one.reward, one.divergence, one.loss)]
    cost = round(float(weighed.costs[at]) * MICRO)
    notes = [*one.believed.notes]
    notes += [] if row.kind else ["no model of it here: nothing of it can be rehearsed"]
    notes += [f"{way.lock / DAY:.1f} d to be out of it: {way.why}"] if way.lock else []
    notes += [] if way.way is not None else [f"how long the way out of {row.network} takes is not known"]
    return Held(
        id=row.id,
        name=row.name,
        network=row.network,
        project=row.project,
        kind=row.kind,
        proof=proof_of(row),
        tokens=list(row.tokens),
        stable=row.stable,
        tvl=row.tvl or 0,
        days=row.days,
        amount=round(amount * MICRO),
        part_bps=round(amount * MICRO * BPS / capital),
        displayed_bps=row.displayed_bps or 0,
        believed_bps=one.believed.bps,
        reward_bps=one.believed.reward_bps,
        displayed=money(one.displayed, amount),
        earned=parts[0],
        rewards=parts[1],
        divergence=parts[2],
        losses=parts[3],
        moving=moving,
        costs=cost,
        costs_are=weighed.bases[at],
        net=sum(parts) + moving - cost,
        lock_seconds=way.lock,
        exit_seconds=way.seconds("ethereum"),
        notes=notes,
        as_of=row.as_of,
        source=row.source,
        confidence=row.confidence,
    )
