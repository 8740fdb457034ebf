"""What is known of networks, gathered for a person: a row of each, and everything of one."""

from __future__ import annotations

import datetime as dt
from collections.abc import Callable, Mapping
from typing import TypeVar

from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput, TidemillError, UnknownName, nearest
from tidemill.facts import Fact, Facts, Status
from tidemill.networks import Known, Network, risk_facts
from tidemill.networks.bridges import own_routes
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.staking import StakeYield, staking
from tidemill.networks.types import COMMON

__all__ = [
    "ABSURD",
    "NONE_AT_0",
    "Everything",
    "NetworkRow",
    "check_levels",
    "endings",
    "everything",
    "levels_about",
    "levels_of",
    "rows",
    "standing",
    "usual_exit",
]

T = TypeVar("T")
_FOREVER = dt.date.max
_OVER = (Status.ENDED, Status.WITHDRAW_ONLY, Status.SCHEDULED)
"""Of a network or a deployment: it ended, takes no new money, or will end."""


ABSURD = 10**30
"""No fee level is as much, in any of its units: 10^12 ETH for a gas."""
NONE_AT_0 = ("chain_id", "block_time")
"""Facts whose 0 says that there is none: no EIP-155 number, no even spacing of blocks."""


class NetworkRow(Struct, frozen=True):
    """A network in a line; ``None`` or empty is unknown. ``exit_seconds`` is what leaving usually takes.

    ``status`` is ``unknown`` at a time before what its file knows of it. A chain id or block time of 0 in a file says that
    there is none: here ``None``.
    """

    name: str
    family: str
    status: str
    chain_id: int | None
    block_time: int | None
    native_token: str
    proof: str
    stage: str
    exit_seconds: int | None


class Everything(Struct, frozen=True):
    """All that is known of a network at a moment; ``risk`` are the facts of its risk file, by name."""

    row: NetworkRow
    facts: Mapping[str, Fact]
    timelines: Mapping[str, tuple[tuple[int, str, Fact], ...]]
    routes: tuple[Route, ...]
    roles: tuple[Role, ...]
    staking: tuple[StakeYield, ...]
    risk: Mapping[str, Fact]
    unknown: tuple[str, ...]
    incidents: tuple[tuple[str, Fact], ...]


def rows(time: int, family: str = "") -> list[NetworkRow]:
    """Return a row for each network, of one family if it is named; raises ``BadInput`` for a family that none has."""
    found = [_row(networks.get(name), time) for name in networks.names()]
    families = {row.family for row in found}
    if family and family not in families:
        raise BadInput(f"no network has {family!r}{nearest(family, families)}", field="family")
    return [row for row in found if family in ("", row.family)]


def everything(name: str, time: int) -> Everything:
    """Return all that is known of a network; raises ``UnknownName``."""
    network = networks.get(name)
    risk = risk_facts.get(name)
    lines = {
        key: tuple((entry.since, line.axis, entry.fact) for entry in line.entries)
        for key, line in network.facts.timelines.items()
    }
    return Everything(
        _row(network, time),
        network.facts.facts,
        lines,
        _known(lambda: own_routes(network, time), ()),
        _known(lambda: network.roles(time), ()),
        _known(lambda: staking(name, network.facts, time), ()),
        risk.facts.facts,
        tuple(axis for axis, level in risk.levels().items() if level is None),
        tuple((str(one.date), one.fact) for one in risk.incidents(_FOREVER)),
    )


def usual_exit(network: Network, time: int) -> int | None:
    """Return the seconds that leaving by the network's own bridge usually takes, ``None`` where nobody has said."""
    routes: tuple[Route, ...] = _known(lambda: network.routes(time), ())
    out = [
        route for route in routes if route.source == network.name and route.kind == "canonical" and not route.blocked
    ]
    return sum(stage.wait.seconds[1] for stage in out[0].stages) if out and out[0].stages else None


def standing(network: Network, time: int) -> Fact:
    """Return the fact that says how a network stood at ``time``, or when it began if that is later."""
    return network.standing(max(time, network.begins)).fact


def endings(network: Network) -> tuple[tuple[dt.date | None, Fact], ...]:
    """Return when a network closed to new money, ended, or will: days (``None``: not known) with the facts that say so.

    Its ``standing`` is the only place where that is kept; the calendar, the risk and the refusal of studies all read it.
    """
    line, fact = network.facts.timelines.get("standing"), network.facts.facts.get("standing")
    if line is None:
        return () if fact is None or fact.status not in _OVER else ((None, fact),)
    over = (entry for entry in line.entries if entry.fact.status in _OVER)
    return tuple((dt.datetime.fromtimestamp(entry.since, dt.UTC).date(), entry.fact) for entry in over)


def levels_about(name: str) -> str:
    """Return what a file of a network's fee levels says it is about."""
    return f"Fee levels of {name}"


def check_levels(facts: Facts, name: str) -> Facts:
    """Return a file of fee levels; raises ``BadInput`` where it is of another network or of something else."""
    if facts.about != levels_about(name):
        raise BadInput(f"{facts.about!r}: expected {levels_about(name)!r}", file=facts.file, field="about")
    return facts


def levels_of(facts: Facts, name: str) -> dict[str, Known]:
    """Return the whole numbers of a file of levels by name, as ``tidemill facts refresh --write`` makes it.

    Raises ``BadInput`` where the file is of another network, or a level is no whole number that a fee can be made of;
    ``UnknownName`` for one that nothing of the network reads.
    """
    network = networks.get(name)
    valid = {*COMMON, *network.levels(), *network.facts.timelines}
    for key in check_levels(facts, name).facts:
        field = f"facts.{key}"
        if key not in valid:
            raise UnknownName("level", key, valid, file=facts.file, field=field)
        value = facts.integer(key)
        if not 0 <= value < ABSURD:
            raise BadInput(
                f"{value}: expected a number from 0 up, and not absurdly large", file=facts.file, field=field
            )
    return {
        key: Known(int(fact.value), "fact", f"{fact.source}, as of {fact.as_of}") for key, fact in facts.facts.items()
    }


def _row(network: Network, time: int) -> NetworkRow:
    facts = network.facts.facts
    stage = risk_facts.get(network.name).fact("stage")
    return NetworkRow(
        network.name,
        network.family,
        _known(lambda: network.standing(time).fact.status.value, "unknown"),
        _known(lambda: network.chain_id or None, None),
        _known(lambda: network.block_time or None, None),
        _known(lambda: network.native_token, ""),
        str(facts["proof"].value) if "proof" in facts else "",
        _stage(stage) if stage else "",
        usual_exit(network, time),
    )


def _stage(fact: Fact) -> str:
    since = "" if fact.status is Status.LIVE else f", {fact.status.value}"
    return f"{fact.value} ({fact.as_of:%Y-%m}{since})"


def _known(ask: Callable[[], T], otherwise: T) -> T:
    """Return the answer, or ``otherwise`` where the network's file does not have it or it had not begun."""
    try:
        return ask()
    except TidemillError:
        return otherwise
