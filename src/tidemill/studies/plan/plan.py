"""Plan: what to do with this capital, for this long, at this much risk — and what was left out, and why."""

from __future__ import annotations

import datetime as dt
import math
import re
from collections import Counter
from collections.abc import Mapping, Sequence
from typing import Any, Literal

import msgspec
import numpy as np
from msgspec import Struct

from tidemill import __version__, networks
from tidemill.errors import BadInput
from tidemill.studies.canonical import result_hash
from tidemill.studies.network_facts import usual_exit
from tidemill.studies.plan.allocate import Allocation, Problem, allocate, group_caps
from tidemill.studies.plan.doubts import Believed, Doubt, Rules, sift
from tidemill.studies.plan.expect import Expected, expect, scenarios
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.units import parse_amount

__all__ = ["SCHEMA", "Asked", "Held", "PlanDocument", "parse_have", "parse_horizon", "plan"]

SCHEMA = "tidemill.plan/1"
MICRO, MICRO_DIGITS = 10**6, 6
BPS = 10_000
MOST_CANDIDATES = 500
Risk = Literal["low", "moderate", "high"]
TAIL: dict[Risk, float] = {"low": 0.02, "moderate": 0.06, "high": 0.15}
"""Part of the capital that the worst twentieth of futures may lose on average."""
CAPS: dict[Risk, dict[str, float]] = {
    "low": {"one": 0.25, "network": 0.5, "project": 0.3, "issuer": 0.6},
    "moderate": {"one": 0.4, "network": 0.6, "project": 0.45, "issuer": 0.8},
    "high": {"one": 0.6, "network": 0.8, "project": 0.7, "issuer": 1.0},
}
"""Largest part of the capital in one opportunity, network, project and issuer: judgements, to be seen and changed."""
SHARE = 0.1
"""Largest part of what is in an opportunity that is put in: a judgement; nothing here models one's own weight in a rate."""
MOST_CAPITAL = 10**13 * MICRO
"""Micro-dollars from which an amount is a slip of the pen."""
COSTS = {"ethereum": 20 * MICRO, "": MICRO // 2}
"""What coming and going costs, micro-dollars: an assumption where nobody says more; the empty name is every other network."""
_HAVE = re.compile(r"(\d[\d_]*(?:\.\d+)?)\s+([A-Za-z][A-Za-z0-9.]*)")
_HORIZON = re.compile(r"(\d+)\s*(d|w|m|y)")
_DAYS = {"d": 1, "w": 7, "m": 30, "y": 365}


class Asked(Struct, frozen=True):
    """What a person has and wants. ``have`` raw decimals by token, ``prices`` in dollars; costs in micro-dollars by network."""

    have: dict[str, str]
    days: int
    risk: Risk
    on: dt.date
    prices: dict[str, str]
    costs: dict[str, int]
    move_bps: int = 10
    count: int = 2_000
    seed: int = 0


class Held(Struct, frozen=True):
    """One line of the plan: money in micro-dollars over the horizon; rates in basis points a year."""

    id: str
    name: str
    network: str
    project: str
    kind: str
    amount: int
    part_bps: int
    displayed_bps: int
    believed_bps: int
    earned: int
    rewards: int
    divergence: int
    losses: int
    moving: int
    costs: int
    net: int
    exit_seconds: int | None
    notes: list[str]


class PlanDocument(Struct, frozen=True):
    """The versioned plan. Money in micro-dollars over the horizon, parts in basis points.

    ``idle`` is what stays in the wallet. ``quantiles`` of the net outcome over ``scenarios`` by percent; ``cvar`` is the mean
    of the worst twentieth. ``gap_bps`` is how far from the best possible the solver may have stopped. ``left_out`` counts by
    rule; ``doubts`` tells of the largest promises among them.
    """

    schema: str
    tool_version: str
    on: str
    days: int
    risk: Risk
    capital: int
    held: list[Held]
    idle: int
    displayed: int
    net: int
    quantiles: dict[str, int]
    cvar: int
    loss_bps: int
    scenarios: int
    gap_bps: int
    binding: list[str]
    offered: int
    believed: int
    left_out: dict[str, int]
    doubts: list[list[str]]
    assumptions: list[str]
    result_hash: str = ""


def parse_have(text: str) -> dict[str, str]:
    """Return amounts by token of ``"10000 USDC, 3 ETH"``; raises ``BadInput`` naming the part that is none."""
    found: dict[str, str] = {}
    for part in text.split(","):
        known = _HAVE.fullmatch(part.strip())
        if not known:
            raise BadInput(f'{part.strip()!r} is no amount of a token; write e.g. "10000 USDC, 3 ETH"', field="have")
        token = known[2].upper()
        if token in found:
            raise BadInput(f"{token} is given twice", field="have")
        found[token] = known[1].replace("_", "")
    return found


def parse_horizon(text: str) -> int:
    """Return the days of ``180d``, ``26w``, ``6m`` or ``1y``; raises ``BadInput``."""
    known = _HORIZON.fullmatch(text.strip())
    days = int(known[1]) * _DAYS[known[2]] if known else 0
    if not 1 <= days <= 3_650:
        raise BadInput(f"{text!r} is no time between a day and ten years; write 180d, 26w, 6m or 1y", field="horizon")
    return days


def plan(rows: Sequence[Opportunity], asked: Asked, rules: Rules) -> PlanDocument:
    """Doubt a list, expect, and allocate.

    Raises
    ------
    BadInput : a token without a price, no capital, nothing believed, or bounds that nothing meets; names the field.
    """
    capital = _capital(asked)
    kept, doubts = sift(rows, rules)
    if not kept:
        most = ", ".join(f"{count} {rule}" for rule, count in Counter(d.rule for d in doubts).most_common(3))
        raise BadInput(f"nothing of {len(rows):,} rows is believed ({most}); loosen a rule", field="list")
    expected = [expect(one, asked.days, asked.on) for one in kept[:MOST_CANDIDATES]]
    costs = np.array([_cost(one, asked) / MICRO for one in expected])
    moving = 2 * asked.move_bps / BPS
    returns = scenarios(expected, asked.days, asked.count, asked.seed)
    returns = returns - moving
    gain = np.array([one.net - moving for one in expected])
    limits = CAPS[asked.risk]
    found = allocate(
        Problem(
            capital=capital / MICRO,
            gain=gain,
            returns=returns,
            cost=costs,
            most=limits["one"],
            room=np.array([(one.believed.opportunity.tvl or 0) / MICRO * SHARE for one in expected]),
            groups=group_caps(_groups(expected), limits),
            tail=TAIL[asked.risk],
        )
    )
    return _document(asked, rules, capital, rows, kept, doubts, expected, found, returns, costs)


def _capital(asked: Asked) -> int:
    total = 0
    for token, amount in asked.have.items():
        if token not in asked.prices:
            raise BadInput(f"no price of {token}; give --price {token}=…", field="price")
        total += _micro(amount, "have") * _micro(asked.prices[token], "price") // MICRO
    if total <= 0:
        raise BadInput("nothing to plan with", field="have")
    if total >= MOST_CAPITAL:
        raise BadInput(f"{total // MICRO:,} USD is absurdly much", field="have")
    return total


def _micro(text: str, field: str) -> int:
    try:
        return parse_amount(text, MICRO_DIGITS)
    except BadInput as error:
        raise BadInput(error.message, field=field) from None


def _cost(one: Expected, asked: Asked) -> int:
    network = one.believed.opportunity.network
    return asked.costs.get(network, COSTS.get(network, COSTS[""]))


def _groups(expected: Sequence[Expected]) -> dict[str, list[str]]:
    rows = [one.believed.opportunity for one in expected]
    issuers = [[s.factor.partition(":")[2] for s in one.shocks if s.factor.startswith("issuer:")] for one in expected]
    return {
        "network": [row.network for row in rows],
        "project": [row.project for row in rows],
        "issuer": [found[0] if found else "" for found in issuers],
    }


def _money(part: float, amount: float) -> int:
    return math.floor(part * amount * MICRO)


def _document(
    asked: Asked,
    rules: Rules,
    capital: int,
    rows: Sequence[Opportunity],
    kept: Sequence[Believed],
    doubts: Sequence[Doubt],
    expected: Sequence[Expected],
    found: Allocation,
    returns: Any,
    costs: Any,
) -> PlanDocument:
    held = [
        _held(one, float(found.amounts[i]), round(float(costs[i]) * MICRO), capital, asked)
        for i, one in enumerate(expected)
        if found.amounts[i] * MICRO >= 1
    ]
    held.sort(key=lambda line: -line.amount)
    outcome = np.sort(returns @ found.amounts) - sum(line.costs for line in held) / MICRO
    tail = max(len(outcome) // 20, 1)
    largest = sorted(doubts, key=lambda d: -(d.opportunity.apy_bps or 0))[:10]
    document = PlanDocument(
        schema=SCHEMA,
        tool_version=__version__,
        on=asked.on.isoformat(),
        days=asked.days,
        risk=asked.risk,
        capital=capital,
        held=held,
        idle=capital - sum(line.amount for line in held),
        displayed=sum(line.displayed_bps * line.amount * asked.days // (BPS * 365) for line in held),
        net=sum(line.net for line in held),
        quantiles={f"{q}": math.floor(np.quantile(outcome, q / 100) * MICRO) for q in (5, 25, 50, 75, 95)},
        cvar=math.floor(outcome[:tail].mean() * MICRO),
        loss_bps=int((outcome < 0).mean() * BPS),
        scenarios=len(outcome),
        gap_bps=math.ceil(found.gap * BPS),
        binding=list(found.binding),
        offered=len(rows),
        believed=len(kept),
        left_out=dict(Counter(doubt.rule for doubt in doubts).most_common()),
        doubts=[[doubt.opportunity.name, doubt.rule, doubt.why] for doubt in largest],
        assumptions=_assumptions(asked, rules),
    )
    return msgspec.structs.replace(document, result_hash=result_hash(document))


def _held(one: Expected, amount: float, cost: int, capital: int, asked: Asked) -> Held:
    row = one.believed.opportunity
    moving = -_money(2 * asked.move_bps / BPS, amount)
    parts = [_money(part, amount) for part in (one.base, one.reward, one.divergence, one.loss)]
    return Held(
        id=row.id,
        name=row.name,
        network=row.network,
        project=row.project,
        kind=row.kind,
        amount=round(amount * MICRO),
        part_bps=round(amount * MICRO * BPS / capital),
        displayed_bps=row.apy_bps or row.base_bps or 0,
        believed_bps=one.believed.bps,
        earned=parts[0],
        rewards=parts[1],
        divergence=parts[2],
        losses=parts[3],
        moving=moving,
        costs=cost,
        net=sum(parts) + moving - cost,
        exit_seconds=_exit(row.network, asked.on),
        notes=[*one.believed.notes, *(() if row.kind else ("no model of it here: nothing of it can be rehearsed",))],
    )


def _exit(network: str, on: dt.date) -> int | None:
    """Return how long the network's own way out usually takes, seconds; 0 on Ethereum, ``None`` where nobody says."""
    if network == "ethereum":
        return 0
    return usual_exit(networks.get(network), int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp()))


def _assumptions(asked: Asked, rules: Rules) -> list[str]:
    caps = ", ".join(f"{name} {part * 100:g} %" for name, part in CAPS[asked.risk].items())
    costs: Mapping[str, int] = {**COSTS, **asked.costs}
    told = ", ".join(f"{name or 'elsewhere'} {cost / MICRO:g} USD" for name, cost in costs.items())
    return [
        f"coming and going costs, whatever the amount: {told}",
        f"moving in and out, swaps and bridges together: {asked.move_bps / 100:g} % each way",
        f"rewards in tokens are believed by {rules.reward_bps / 100:g} %",
        "a volatile token moves by 70 % a year, a rate by 80 %, a reward token by 100 %",
        "price moves of what you hold are not in it: figures are against holding the same tokens",
        "chances of losses are those of `tidemill risk`, estimates from dated facts and published base rates",
        f"no more than {SHARE * 100:g} % of what is in an opportunity: beyond, your own money would lower its rate",
        f"caps at risk {asked.risk}: {caps}; the worst twentieth of futures may lose {TAIL[asked.risk] * 100:g} %",
    ]
