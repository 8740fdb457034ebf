"""What a plan tells beside its lines: the others and why not, what can go wrong, how soon it can be had, what is assumed."""

from __future__ import annotations

import math
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any

import numpy as np

from tidemill.studies.plan.allocate import THE_EXCHANGE, THE_TAIL, Allocation
from tidemill.studies.plan.asked import BPS, MICRO, TAIL, Asked, caps_of, told
from tidemill.studies.plan.document import Candidate, Held, Reached, Threat
from tidemill.studies.plan.doubts import Doubt, Rules
from tidemill.studies.plan.exits import DAY
from tidemill.studies.plan.expect import YEAR
from tidemill.studies.plan.fares import ETHER_DOLLARS
from tidemill.studies.plan.likes import DECAY
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.tokens import said
from tidemill.studies.plan.weighed import COSTS, SHARE, Weighed
from tidemill.studies.plan.worth import exchanged, reach
from tidemill.venues.kinds import kind

__all__ = ["assumptions", "candidates", "money", "proof_of", "quantiles", "reached", "smallest", "threats"]

MOST_SHOWN = 25
QUANTILES = (5, 25, 50, 75, 95)
RUNGS = (0, 1, 7, 30)
"""Days that the exit ladder shows beside those asked for."""


def candidates(weighed: Weighed, found: Allocation, capital: int, asked: Asked) -> list[Candidate]:
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
                proof=proof_of(row),
                amount=math.floor(amounts[i] * MICRO),
                net=math.floor(nets[i] * MICRO),
                quantiles=quantiles(outcome),
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


def _why_not(weighed: Weighed, at: int, net: float, least: float, found: Allocation, capital: int) -> str:
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


def _lacking(weighed: Weighed, at: int) -> str:
    """Return a family of tokens that a place is made of and of which there is nothing, where nothing may be exchanged."""
    prices = weighed.prices
    missing = np.flatnonzero((prices.weights[at] > 0) & (prices.have <= 0))
    return prices.families[missing[0]] if len(missing) and not weighed.exchange else ""


def smallest(
    weighed: Weighed, most: float, capital: int, binding: Sequence[str], doubts: Sequence[Doubt]
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


def _unbelieved(doubts: Sequence[Doubt]) -> str:
    """Say why no offer is left of tidemill's own, and what would change that."""
    ages = [doubt.opportunity.as_of for doubt in doubts if doubt.rule == "stale"]
    old = f" ({len(ages)} rates of its own are too old, the oldest of {min(ages)}: --max-age)" if ages else ""
    return f"tidemill knows no rate that it believes today{old}; give rates by --offer, --list or --from"


def threats(weighed: Weighed, amounts: Any, asked: Asked) -> list[Threat]:
    """Return what can go wrong with what is held, by what it rests on, the most expected loss first."""
    part = asked.days / YEAR
    taken: Counter[str] = Counter()
    hits: dict[str, list[str]] = {}
    shocks = {}
    for i, one in enumerate(weighed.expected):
        for shock in one.shocks if amounts[i] * MICRO >= 1 else ():
            shocks[shock.factor] = shock
            taken[shock.factor] += money(shock.part.usual, float(amounts[i]))
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


def reached(held: Sequence[Held], idle: int, capital: int, asked: Asked) -> list[Reached]:
    """Return how much can be had how soon, by the days shown and those asked for."""
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


def assumptions(asked: Asked, rules: Rules) -> list[str]:
    """Return what a plan takes for granted, each in a line."""
    general, special = caps_of(asked)
    caps = ", ".join(f"{name} {part * 100:g} %" for name, part in general.items())
    caps += "".join(f", {group} {name} {part * 100:g} %" for (group, name), part in special.items())
    costs: Mapping[str, int] = {**COSTS, **asked.costs}
    said = ", ".join(f"{name or 'elsewhere'} {cost / MICRO:g} USD" for name, cost in costs.items())
    where = "on Ethereum, by the network's own way out" if asked.reach == "ethereum" else "on its own network"
    ether = "" if "ETH" in asked.prices else f", ether at {ETHER_DOLLARS} USD"
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


def quantiles(outcome: Any) -> dict[str, int]:
    """Return the quantiles of money, by percent, in micro-dollars rounded down."""
    return {f"{q}": math.floor(np.quantile(outcome, q / 100) * MICRO) for q in QUANTILES}


def proof_of(row: Opportunity) -> str:
    """Return how far the model of an opportunity's place is proven."""
    return kind(row.kind).proof if row.kind else "unproven"


def money(part: float, amount: float) -> int:
    """Return a part of an amount in micro-dollars, rounded down."""
    return math.floor(part * amount * MICRO)
