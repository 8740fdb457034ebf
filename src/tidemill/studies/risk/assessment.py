"""Assess a network, a kind of venue on it, or a study: causes, expected yearly loss, letter, flags."""

from __future__ import annotations

import datetime as dt
from collections.abc import Iterable, Mapping, Sequence
from pathlib import Path

from msgspec import Struct

from tidemill import networks
from tidemill.errors import BadInput, UnknownName
from tidemill.networks import risk_facts
from tidemill.studies.network_costs import stands
from tidemill.studies.risk import causes, grades
from tidemill.studies.risk.estimates import (
    CAUSES,
    Cause,
    Estimate,
    Position,
    Shock,
    chance_of_loss,
    expected,
    expected_of_all,
    merged,
)
from tidemill.studies.study import Study, load_study
from tidemill.venues.kinds import Kind, kind, kinds
from tidemill.wording import rfc3339

__all__ = ["Assessment", "assess", "assess_all", "assess_network", "assess_study", "assess_venue"]

_MONEY = ("asset", "collateral", "loan", "token", "token0", "token1")
"""Parameters of venues that name a token one's money is in, or is owed in."""
_BORROWERS = ("hedged_lp", "leveraged_staking")
"""Strategies that carry debt."""
LABEL = "an estimate from dated facts and published base rates, not a promise"


class Assessment(Struct, frozen=True):
    """What a year may take, as far as facts go. All numbers are estimates: chances and parts, never money.

    ``causes`` is the expected loss by cause; ``chance`` is that of losing more than 1 % (``None``: too many shocks to
    count); ``grade`` is the letter of ``loss``, ``capped`` the one after flags.
    """

    subject: str
    on: dt.date
    loss: Estimate
    causes: Mapping[Cause, Estimate]
    chance: float | None
    grade: str
    capped: str
    flags: tuple[grades.Flag, ...]
    shocks: tuple[Shock, ...]
    none: tuple[str, ...] = ()
    label: str = LABEL

    @property
    def unknown(self) -> int:
        """How many things are unknown; each widens the interval."""
        return sum(len(shock.unknown) for shock in self.shocks)

    @property
    def learn(self) -> str:
        """What would narrow the interval most if it were known: of the shock with the highest end its first unknown."""
        open_ = [shock for shock in self.shocks if shock.unknown]
        worst = max(open_, key=lambda shock: shock.loss.high, default=None)
        return f"{worst.factor}: {worst.unknown[0]}" if worst else ""


def assess(subject: str, on: dt.date) -> Assessment:
    """Assess a network (``op-mainnet``), a kind of venue on one (``aave_v3@base``), or a study file.

    Raises ``UnknownName``, ``BadInput`` for a day before a network was known, and what a study file raises.
    """
    if subject.endswith(".toml"):
        return assess_study(load_study(subject), on)
    if not subject.strip():
        raise BadInput("an empty name; name a network, KIND@NETWORK or a study file", field="id")
    name, at, network = subject.partition("@")
    if at:
        return assess_venue(name, network, on)
    if name in kinds():
        raise BadInput(f"{name} stands on several networks; say which: {name}@op-mainnet", field="id")
    if Path(name).exists():
        raise BadInput(f"{name}: expected a study file (.toml)", field="id")
    return assess_network(name, on)


def assess_network(name: str, on: dt.date) -> Assessment:
    """Assess a network by itself; raises ``UnknownName``."""
    risk = risk_facts.get(name)
    return _assessment(name, on, [causes.network_shock(risk, on)], _network_flags(name, on))


def assess_venue(name: str, network: str, on: dt.date) -> Assessment:
    """Assess a kind of venue on a network, as one who provides or lends there; raises ``UnknownName``."""
    found, risk = kind(name), risk_facts.get(network)
    shocks = [causes.network_shock(risk, on), causes.venue_shock(found, on)]
    position = causes.position_shock(found, f"{name}@{network}", borrows=False)
    none = ["asset: say by a study file which tokens"]
    listed = stands(network, name)
    if listed and network not in listed:
        none.append(f"place: {name} is not known to stand on {network} (listed on {', '.join(listed)})")
    flags = [*_network_flags(network, on), *grades.venue_flags(found)]
    if position is None:
        none.append(f"position: nothing that is priced here ({found.family})")
    return _assessment(f"{name}@{network}", on, [*shocks, *([position] if position else [])], flags, none)


def assess_study(study: Study, on: dt.date) -> Assessment:
    """Assess a study: all its money is taken to rest on all its venues, networks and tokens, each counted once."""
    shocks: list[Shock] = []
    flags: list[grades.Flag] = []
    none: list[str] = []
    for network in _networks_of(study):
        shocks.append(causes.network_shock(risk_facts.get(network), on))
        flags += _network_flags(network, on)
    for name, spec in study.venues.items():
        found = kind(spec.kind)
        if causes.counted_with(found):
            none.append(f"protocol {found.name}: counted with its {causes.counted_with(found)}")
        else:
            shocks.append(causes.venue_shock(found, on))
        flags += grades.venue_flags(found)
        position = causes.position_shock(found, name, borrows=_borrows(study, found))
        shocks += [position] if position else []
    for symbol in _tokens_of(study):
        token = causes.asset_shock(symbol, on)
        flags += grades.asset_flags(symbol, on)
        if token is None:
            none.append(f"asset {symbol}: nobody stands behind it who could fail")
        else:
            shocks.append(token)
    return _assessment(study.title, on, shocks, flags, none)


def assess_all(subjects: Sequence[str], on: dt.date, parts: Sequence[int] = ()) -> Assessment:
    """Assess several subjects as one portfolio: a shock that they share is drawn once for all.

    Parameters
    ----------
    parts : how the money is parted among them, whole numbers; equal without it.

    Raises ``BadInput`` where there is no subject, or not a part for each.
    """
    if parts and len(parts) != len(subjects):
        raise BadInput(f"{len(parts)} parts for {len(subjects)} subjects: give one for each", field="parts")
    each = [assess(subject, on) for subject in subjects]
    if len(each) == 1:
        return each[0]
    if not each:
        raise BadInput("name a network, KIND@NETWORK or a study file", field="id")
    weights = list(parts) or [1] * len(each)
    positions = [Position(weight, one.shocks) for weight, one in zip(weights, each, strict=True)]
    loss = expected_of_all(positions)
    by_cause = {
        cause: expected_of_all([Position(p.weight, tuple(s for s in p.shocks if s.cause == cause)) for p in positions])
        for cause in CAUSES
    }
    flags = tuple(dict.fromkeys(flag for one in each for flag in one.flags))
    letter = grades.grade(loss.usual)
    named = (f"{weight} {one.subject}" for weight, one in zip(weights, each, strict=True))
    title = f"a portfolio in parts of {', '.join(named)}"
    shocks = merged(shock for one in each for shock in one.shocks)
    none = tuple(dict.fromkeys(line for one in each for line in one.none))
    chance = chance_of_loss(positions)
    return Assessment(title, on, loss, by_cause, chance, letter, grades.capped(letter, flags), flags, shocks, none)


def _assessment(
    subject: str, on: dt.date, found: Iterable[Shock], flags: Iterable[grades.Flag], none: Iterable[str] = ()
) -> Assessment:
    shocks, raised = merged(found), tuple(dict.fromkeys(flags))
    loss = expected(shocks)
    letter = grades.grade(loss.usual)
    by_cause = {cause: expected(s for s in shocks if s.cause == cause) for cause in CAUSES}
    chance = chance_of_loss([Position(1, shocks)])
    capped = grades.capped(letter, raised)
    return Assessment(subject, on, loss, by_cause, chance, letter, capped, raised, shocks, tuple(none))


def _network_flags(name: str, on: dt.date) -> list[grades.Flag]:
    known = networks.get(name) if name in networks.names() else None
    first = known.first_known if known is not None else None
    if first is not None and on < dt.datetime.fromtimestamp(first.since, dt.UTC).date():
        raise BadInput(f"{name} is known from {rfc3339(first.since)} on", field="on")
    return grades.network_flags(risk_facts.get(name), on, known)


def _networks_of(study: Study) -> list[str]:
    """Return the study's networks, those of single venues included where they name one."""
    elsewhere = [key.partition("@")[2] for key in study.capital if "@" in key]
    named = [
        study.network,
        *elsewhere,
        *(getattr(spec, "network", "") or study.network for spec in study.venues.values()),
    ]
    for name in named:
        if name not in networks.names():
            raise UnknownName("network", name, networks.names(), file=study.path or None, field="network")
    return list(dict.fromkeys(named))


def _tokens_of(study: Study) -> list[str]:
    found = [key.partition("@")[0] for key in study.capital] + [study.home]
    for spec in study.venues.values():
        found += [str(spec.params[key]) for key in _MONEY if key in spec.params]
        found += [spec.pool.token0, spec.pool.token1] if spec.pool else []
    return list(dict.fromkeys(found))


def _borrows(study: Study, found: Kind) -> bool | None:
    """Tell whether a study carries debt at a venue; nobody knows of code of one's own."""
    if found.family != "lending":
        return False
    return None if ":" in study.strategy or study.strategy in _BORROWERS else False
