"""The versioned plan: what to hold, what it should leave, what can go wrong, how to get out, what was left out and why."""

from __future__ import annotations

from msgspec import Struct, field

from tidemill.studies.plan.as_study import Unplayed
from tidemill.studies.plan.asked import Risk
from tidemill.studies.plan.catalogue import Unjudged
from tidemill.studies.plan.worth import Changed

__all__ = ["SCHEMA", "Candidate", "Held", "PlanDocument", "Reached", "Threat"]

SCHEMA = "tidemill.plan/2"


class Held(Struct, frozen=True):
    """One line of the plan: money in micro-dollars over the horizon; rates in basis points a year.

    ``earned`` and ``rewards`` are what is believed; ``lock_seconds`` what leaving the place takes, ``exit_seconds`` that and
    the network's own way to Ethereum (``None``: nobody says how long). ``days`` is how long the list has followed it.
    ``costs`` of coming and going are given, measured or assumed. The displayed rate is of ``as_of`` (ISO date, empty: nobody
    says), by ``source`` (empty: the list) and known with ``confidence``.
    """

    id: str
    name: str
    network: str
    project: str
    kind: str
    proof: str
    tokens: list[str]
    stable: bool
    tvl: int
    days: int | None
    amount: int
    part_bps: int
    displayed_bps: int
    believed_bps: int
    reward_bps: int
    displayed: int
    earned: int
    rewards: int
    divergence: int
    losses: int
    moving: int
    costs: int
    costs_are: str
    net: int
    lock_seconds: int
    exit_seconds: int | None
    notes: list[str]
    as_of: str = ""
    source: str = ""
    confidence: str = ""


class Candidate(Struct, frozen=True):
    """What an opportunity would leave of this capital alone: ``amount`` is the most that one may take, micro-dollars.

    ``net`` is expected, costs of coming and going off; ``quantiles`` by percent; ``loss_bps`` the part of futures that lose.
    """

    id: str
    name: str
    proof: str
    amount: int
    net: int
    quantiles: dict[str, int]
    loss_bps: int
    exit_seconds: int | None
    chosen: bool
    why_not: str
    as_of: str = ""
    source: str = ""
    confidence: str = ""


class Threat(Struct, frozen=True):
    """One thing that can go wrong with what is held: its chance over the horizon, and what it would take, micro-dollars.

    ``low_bps`` to ``high_bps`` is the interval of the chance; ``taken`` is what is lost if it happens, as usual; ``hits``
    are the lines that it hits; ``unknown`` what is not known of it.
    """

    cause: str
    factor: str
    low_bps: int
    usual_bps: int
    high_bps: int
    taken: int
    hits: list[str]
    unknown: list[str]


class Reached(Struct, frozen=True):
    """How much of the capital can be had within so many days, micro-dollars; ``asked_bps`` is what was asked, 0 nothing."""

    days: int
    amount: int
    part_bps: int
    asked_bps: int = 0


class PlanDocument(Struct, frozen=True):
    """The versioned plan. Money in micro-dollars over the horizon, parts in basis points.

    ``idle`` is what stays in the wallet. ``quantiles`` of the net outcome over ``scenarios`` by percent; ``cvar`` is the mean
    of the worst twentieth. ``gap_bps`` is how far from the best possible the solver may have stopped; ``stopped``: its time
    was over. ``left_out`` counts by rule, ``left_out_fields`` by the list's field and rule; ``doubts`` tells of the largest
    promises among them. ``smallest`` is the least capital with which anything pays, where nothing does with this one.
    ``unjudged`` are places of which no dated rate is known; ``changed`` are families of tokens of which the plan has more or
    less than one has.
    """

    schema: str
    tool_version: str
    on: str
    days: int
    risk: Risk
    reach: str
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
    stopped: bool
    binding: list[str]
    offered: int
    believed: int
    left_out: dict[str, int]
    left_out_fields: dict[str, dict[str, int]]
    doubts: list[list[str]]
    candidates: list[Candidate]
    threats: list[Threat]
    reached: list[Reached]
    smallest: int | None
    smallest_note: str
    source: str
    unplayed: list[Unplayed]
    assumptions: list[str]
    studies: list[str] = field(default_factory=list)
    unjudged: list[Unjudged] = field(default_factory=list)
    changed: list[Changed] = field(default_factory=list)
    result_hash: str = ""
