"""Plan: what to do with this capital, for this long, at this much risk — and what was left out, and why."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np
from msgspec import Struct
from msgspec.structs import replace

from tidemill import __version__, networks
from tidemill.errors import BadInput, nearest
from tidemill.studies.canonical import result_hash
from tidemill.studies.plan.allocate import THE_EXCHANGE, THE_TAIL, Allocation, Problem, allocate, group_caps
from tidemill.studies.plan.as_study import Written, studies_of
from tidemill.studies.plan.asked import BPS, MICRO, TAIL, Asked, capital_of, caps_of, told
from tidemill.studies.plan.catalogue import Unjudged
from tidemill.studies.plan.document import SCHEMA, Candidate, Held, PlanDocument, Reached, Threat
from tidemill.studies.plan.doubts import Believed, Doubt, Rules, sift
from tidemill.studies.plan.exits import DAY, Exit, exit_of, too_slow, within
from tidemill.studies.plan.expect import YEAR, Expected, expect, scenarios
from tidemill.studies.plan.fares import fare
from tidemill.studies.plan.likes import DECAY, calmed
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.streams import Line
from tidemill.studies.plan.tokens import said
from tidemill.studies.plan.worth import Changed, Prices, exchanged, prices_of_plan, reach
from tidemill.venues.kinds import kind

__all__ = ["Planned", "plan"]

MOST_CANDIDATES = 500
MOST_SHOWN = 25
SHARE = 0.1
"""Largest part of what is in an opportunity that is put in: a judgement; nothing here models one's own weight in a rate."""
UNKNOWN_SIZE = 100
"""How many times one's own part a place is taken to hold in a study, where nobody says."""
COSTS = {"ethereum": 20 * MICRO, "": MICRO // 2}
"""What coming and going costs, micro-dollars, where neither a person says nor a model measures it; the empty name is every
other network."""
ETHER = "3000"
"""Dollars for an ether where nobody gives its price, for fees alone."""
QUANTILES = (5, 25, 50, 75, 95)
RUNGS = (0, 1, 7, 30)
"""Days that the exit ladder shows beside those asked for."""


class Planned(Struct, frozen=True):
    """A plan: its document, and study files that play it."""

    document: PlanDocument
    studies: list[Written]


class _Weighed(Struct, frozen=True):
    """Everything that is weighed: what is expected of each opportunity, its exit, its cost (money,
    and where it is known from), its futures but for prices, and prices.

    ``most`` is the largest part of the capital in one, ``exchange`` what may be exchanged; ``caps`` are those of groups and of
    the ladder: name, members, and the largest part in them.
    """

    expected: list[Expected]
    exits: list[Exit]
    costs: Any
    bases: list[str]
    returns: Any
    gain: Any
    room: Any
    prices: Prices
    most: float = 1.0
    exchange: float = 1.0
    caps: tuple[tuple[str, tuple[int, ...], float], ...] = ()


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
    weighed = _weighed(pairs, asked)
    groups = _groups(weighed)
    _check_named(special, groups, rows)
    weighed = replace(
        weighed,
        most=general["one"],
        exchange=general["exchanged"],
        caps=group_caps(groups, general, special) + _ladder(weighed.exits, asked),
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


def _weighed(pairs: Sequence[tuple[Believed, Exit]], asked: Asked) -> _Weighed:
    expected = [expect(one, asked.days, asked.on) for one, _ in pairs]
    fares = [_cost(one, asked) for one in expected]
    moving = 2 * asked.move_bps / BPS
    return _Weighed(
        expected,
        [found for _, found in pairs],
        np.array([cost / MICRO for cost, _ in fares]),
        [basis for _, basis in fares],
        scenarios(expected, asked.days, asked.count, asked.seed) - moving,
        np.array([one.net - moving for one in expected]),
        np.array([_room(one.believed.opportunity) for one in expected]),
        prices_of_plan([one.believed.opportunity for one in expected], asked),
    )


def _room(row: Opportunity) -> float:
    return math.inf if row.tvl is None else row.tvl / MICRO * SHARE


def _cost(one: Expected, asked: Asked) -> tuple[int, str]:
    """Return what coming and going costs, micro-dollars, and whether that is given, measured or assumed."""
    row = one.believed.opportunity
    if row.network in asked.costs:
        return asked.costs[row.network], "given"
    native = networks.get(row.network).native_token
    price = asked.prices.get(native, ETHER if native == "ETH" else "")
    measured = fare(row.kind, row.network, asked.on, price) if row.kind and price else None
    return (measured, "measured") if measured is not None else (COSTS.get(row.network, COSTS[""]), "assumed")


def _groups(weighed: _Weighed) -> dict[str, list[str | tuple[str, ...]]]:
    rows = [one.believed.opportunity for one in weighed.expected]
    issuers = [
        tuple(s.factor.partition(":")[2] for s in one.shocks if s.factor.startswith("issuer:"))
        for one in weighed.expected
    ]
    return {
        "network": [row.network for row in rows],
        "project": [row.project for row in rows],
        "issuer": [found[:1] for found in issuers],
        "asset": [row.tokens for row in rows],
        "locked": ["for a day or more" if one.lock >= DAY else "" for one in weighed.exits],
    }


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


def _ladder(exits: Sequence[Exit], asked: Asked) -> tuple[tuple[str, tuple[int, ...], float], ...]:
    """Return the ladder as caps: of what cannot be reached in time no more than the rest."""
    out = []
    for rung in asked.liquid:
        slow = tuple(i for i, soon in enumerate(within(exits, rung.days, asked.reach)) if not soon)
        if slow:
            name = f"{rung.bps / 100:g} % to be reachable within {rung.days} d"
            out.append((name, slow, 1.0 - rung.bps / BPS))
    return tuple(out)


def _money(part: float, amount: float) -> int:
    return math.floor(part * amount * MICRO)


def _document(
    asked: Asked,
    rules: Rules,
    capital: int,
    offered: int,
    believed: int,
    doubts: Sequence[Doubt],
    weighed: _Weighed,
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
    smallest, note = (
        (None, "") if held else _smallest(weighed, caps_of(asked)[0]["one"], capital, found.binding, doubts)
    )
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
        quantiles=_quantiles(outcome),
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
        candidates=_candidates(weighed, found, capital, asked),
        threats=_threats(weighed, amounts, asked),
        reached=_reached(held, idle, capital, asked),
        smallest=smallest,
        smallest_note=note,
        source=source,
        unplayed=unplayed,
        changed=_changed(weighed.prices, change),
        assumptions=_assumptions(asked, rules),
        studies=[one.name for one in studies],
    )
    return Planned(document, studies)


def by_field(doubts: Sequence[Doubt]) -> dict[str, dict[str, int]]:
    """Count what was left out by the field of the list and the rule."""
    out: dict[str, dict[str, int]] = {}
    for (name, rule), count in Counter((doubt.field, doubt.rule) for doubt in doubts).most_common():
        out.setdefault(name, {})[rule] = count
    return out


def _change(weighed: _Weighed, found: Allocation, most: float) -> Any:
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


def _held(weighed: _Weighed, at: int, amount: float, capital: int, asked: Asked) -> Held:
    one, way = weighed.expected[at], weighed.exits[at]
    row = one.believed.opportunity
    moving = -_money(2 * asked.move_bps / BPS, amount)
    parts = [_money(part, amount) for part in (one.base, one.reward, one.divergence, one.loss)]
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
        proof=_proof(row),
        tokens=list(row.tokens),
        stable=row.stable,
        tvl=row.tvl or 0,
        days=row.days,
        amount=round(amount * MICRO),
        part_bps=round(amount * MICRO * BPS / capital),
        displayed_bps=row.displayed_bps or 0,
        believed_bps=one.believed.bps,
        reward_bps=one.believed.reward_bps,
        displayed=_money(one.displayed, amount),
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


def _proof(row: Opportunity) -> str:
    return kind(row.kind).proof if row.kind else "unproven"


def _quantiles(outcome: Any) -> dict[str, int]:
    return {f"{q}": math.floor(np.quantile(outcome, q / 100) * MICRO) for q in QUANTILES}


def _candidates(weighed: _Weighed, found: Allocation, capital: int, asked: Asked) -> list[Candidate]:
    """Return what each of the best would leave alone, of the most of this capital that one may take."""
    most = caps_of(asked)[0]["one"] * capital / MICRO
    amounts = np.minimum(np.minimum(most, weighed.room), reach(weighed.prices, weighed.exchange * capital / MICRO))
    nets = weighed.gain * amounts - weighed.costs
    order = sorted(range(len(nets)), key=lambda i: (found.amounts[i] <= 0, -nets[i], i))[:MOST_SHOWN]
    least = min((nets[i] for i in range(len(nets)) if found.amounts[i] > 0), default=0.0)
    out = []
    for i in order:
        row, alone = weighed.expected[i].believed.opportunity, np.where(np.arange(len(amounts)) == i, amounts, 0.0)
        moved = weighed.prices.moves @ exchanged(weighed.prices, alone)
        outcome = weighed.returns[:, i] * amounts[i] - weighed.costs[i] + moved
        out.append(
            Candidate(
                id=row.id,
                name=row.name,
                proof=_proof(row),
                amount=math.floor(amounts[i] * MICRO),
                net=math.floor(nets[i] * MICRO),
                quantiles=_quantiles(outcome),
                loss_bps=int((outcome < 0).mean() * BPS),
                exit_seconds=weighed.exits[i].seconds("ethereum"),
                chosen=bool(found.amounts[i] > 0),
                why_not=""
                if found.amounts[i] > 0
                else _why_not(weighed, i, float(nets[i]), float(least), found, capital),
                as_of=row.as_of,
                source=row.source,
                confidence=row.confidence,
            )
        )
    return out


def _why_not(weighed: _Weighed, at: int, net: float, least: float, found: Allocation, capital: int) -> str:
    """Say why nothing is in an opportunity of what there is (``capital``, micro-dollars)."""
    if weighed.gain[at] <= 0:
        return "it is expected to lose more than it earns"
    if net <= 0:
        return f"what it earns does not pay {weighed.costs[at]:.2f} USD of coming and going"
    if lacking := _lacking(weighed, at):
        return f"you have no {said(lacking)}; --cap exchanged=… allows for buying some"
    parts = found.amounts * MICRO / capital
    part = min(weighed.most, weighed.room[at] * MICRO / capital)
    left = {name: cap - parts[list(members)].sum() for name, members, cap in weighed.caps if at in members}
    full = sorted((name for name in left if left[name] < part - 1e-9), key=lambda name: left[name])
    full += [name for name in (THE_TAIL, THE_EXCHANGE) if name in found.binding]
    if net < least or not full:
        return "it leaves less than what is held"
    return f"no room: {'; '.join(full[:2])}"


def _unbelieved(doubts: Sequence[Doubt]) -> str:
    """Say why no offer is left of tidemill's own, and what would change that."""
    ages = [doubt.opportunity.as_of for doubt in doubts if doubt.rule == "stale"]
    old = f" ({len(ages)} rates of its own are too old, the oldest of {min(ages)}: --max-age)" if ages else ""
    return f"tidemill knows no rate that it believes today{old}; give rates by --offer, --list or --from"


def _lacking(weighed: _Weighed, at: int) -> str:
    """Return a family of tokens that a place is made of and of which there is nothing, where nothing may be exchanged."""
    prices = weighed.prices
    missing = np.flatnonzero((prices.weights[at] > 0) & (prices.have <= 0))
    return prices.families[missing[0]] if len(missing) and not weighed.exchange else ""


def _smallest(
    weighed: _Weighed, most: float, capital: int, binding: Sequence[str], doubts: Sequence[Doubt]
) -> tuple[int | None, str]:
    """Return the least capital with which the best single opportunity pays its own costs, and words for it; none where
    it is caps that leave no room.
    """
    if not len(weighed.gain):
        return None, _unbelieved(doubts)
    pays = [i for i in range(len(weighed.gain)) if weighed.gain[i] > 0]
    if not pays:
        return None, "no capital is large enough: nothing believed is expected to earn more than it loses"
    pays = [i for i in pays if not _lacking(weighed, i)]
    if not pays:
        old = f"; {_unbelieved(doubts)}" if any(one.opportunity.origin == "facts" for one in doubts) else ""
        return None, f"what pays is of other tokens than you have; --cap exchanged=… allows for buying some{old}"
    room = np.minimum(weighed.room, reach(weighed.prices, weighed.exchange * capital / MICRO))
    room = np.where(room < capital / MICRO, room, math.inf)  # more capital would be more of the same tokens
    pays = [i for i in pays if weighed.gain[i] * room[i] > weighed.costs[i]]
    if not pays:
        return None, "what is believed takes too little of what you have to pay its own coming and going"
    needed = {i: float(weighed.costs[i] / weighed.gain[i]) for i in pays}
    best = min(pays, key=lambda i: needed[i])
    name = weighed.expected[best].believed.opportunity.name
    if not most or needed[best] / most * MICRO <= capital:
        return None, f"caps leave no room: {'; '.join(binding) or 'the cap on one opportunity'}"
    least = math.ceil(needed[best] / most * MICRO)
    return least, (
        f"from {least / MICRO:,.2f} USD on {name} pays its {weighed.costs[best]:.2f} USD of coming and going "
        f"with {most * 100:g} % of it; a longer horizon lowers that"
    )


def _threats(weighed: _Weighed, amounts: Any, asked: Asked) -> list[Threat]:
    """Return what can go wrong with what is held, by what it rests on, the most expected loss first."""
    part = asked.days / YEAR
    taken: Counter[str] = Counter()
    hits: dict[str, list[str]] = {}
    shocks = {}
    for i, one in enumerate(weighed.expected):
        for shock in one.shocks if amounts[i] * MICRO >= 1 else ():
            shocks[shock.factor] = shock
            taken[shock.factor] += _money(shock.part.usual, float(amounts[i]))
            hits.setdefault(shock.factor, []).append(one.believed.opportunity.name)

    def chance(year: float) -> int:
        happens: float = 1 - (1 - year) ** part
        return round(happens * BPS)

    found = [
        Threat(
            cause=shock.cause,
            factor=name,
            low_bps=chance(shock.chance.low),
            usual_bps=chance(shock.chance.usual),
            high_bps=chance(shock.chance.high),
            taken=taken[name],
            hits=hits[name],
            unknown=list(shock.unknown),
        )
        for name, shock in shocks.items()
    ]
    return sorted(found, key=lambda one: -one.usual_bps * one.taken)


def _reached(held: Sequence[Held], idle: int, capital: int, asked: Asked) -> list[Reached]:
    wanted = {rung.days: rung.bps for rung in asked.liquid}
    out = []
    for days in sorted({*RUNGS, *wanted, asked.days}):
        soon = idle + sum(
            line.amount
            for line in held
            if (seconds := line.lock_seconds if asked.reach == "network" else line.exit_seconds) is not None
            and seconds <= days * DAY
        )
        out.append(Reached(days, soon, soon * BPS // capital, wanted.get(days, 0)))
    return out


def _assumptions(asked: Asked, rules: Rules) -> list[str]:
    general, special = caps_of(asked)
    caps = ", ".join(f"{name} {part * 100:g} %" for name, part in general.items())
    caps += "".join(f", {group} {name} {part * 100:g} %" for (group, name), part in special.items())
    costs: Mapping[str, int] = {**COSTS, **asked.costs}
    said = ", ".join(f"{name or 'elsewhere'} {cost / MICRO:g} USD" for name, cost in costs.items())
    where = "on Ethereum, by the network's own way out" if asked.reach == "ethereum" else "on its own network"
    ether = "" if "ETH" in asked.prices else f", ether at {ETHER} USD"
    return [
        f"coming and going costs, whatever the amount, a model's measured gas at assumed fee levels{ether}; without one {said}",
        f"moving in and out, swaps and bridges together: {asked.move_bps / 100:g} % each way",
        f"rewards in tokens are believed by {rules.reward_bps / 100:g} %",
        f"what a rate is above the usual of its like, among ten and more, halves in {math.log(2) / DECAY:.0f} days",
        "a volatile token moves by 70 % a year, a rate by 80 %, a reward token by 100 %",
        "figures are against holding the same tokens; what is exchanged for others moves in the futures, without a drift",
        "chances of losses are those of `tidemill risk`, estimates from dated facts and published base rates",
        f"no more than {SHARE * 100:g} % of what is in an opportunity: beyond, your own money would lower its rate",
        f"caps at risk {asked.risk}: {caps}; the worst twentieth of futures may lose {TAIL[asked.risk] * 100:g} %",
        f"money is reached {where}; what stays in the wallet is reached at once",
        *((f"asked for: {told(asked.liquid)}",) if asked.liquid else ()),
    ]
