"""What tidemill itself knows to be on offer: rates among its own dated facts, and places of which it knows no rate.

Three sources: ``rates.toml`` beside a kind's deployments (rates that were measured, each of its day), what staking a network's
token pays by the network's own rules (``networks.staking``), and the kinds that take money at all. A rate is never made up:
where no dated fact gives one, the place is named as not judged, with how a person gives the rate.
"""

from __future__ import annotations

import datetime as dt
from collections.abc import Mapping, Sequence
from decimal import Decimal
from functools import cache
from pathlib import Path

from msgspec import Struct
from msgspec.structs import replace

from tidemill import networks
from tidemill.errors import BadInput, TidemillError
from tidemill.facts import Fact, Status, load_facts
from tidemill.networks.staking import StakeYield, staking
from tidemill.networks.unpaid import unpaid
from tidemill.studies.plan.opportunities import Opportunity
from tidemill.studies.plan.tokens import DOLLARS
from tidemill.venues.about import deployments
from tidemill.venues.kinds import kind, kinds

__all__ = ["Catalogue", "Unjudged", "catalogue", "takes_money", "unless_given"]

BPS = 10_000
STAKE = "delegation"
HOMES = {"POL": "ethereum"}
"""Where a network's token is staked, if not on the network itself."""
DELAYS = {"POL": ("unbonding_most", 86_400), "STRK": ("unstake_lock", 86_400)}
"""The fact that says how long a stake takes to come back, and the seconds of a day."""
IDLE = ("canonical_bridge", "payees")
"""Kinds that take money in and pay nothing for it."""


class Unjudged(Struct, frozen=True):
    """Places of which no dated rate is known: of which ``kinds``, the networks on which they are known to stand, why, and how
    a person gives the rate (empty: nothing is paid at all).
    """

    kinds: list[str]
    networks: list[str]
    why: str
    how: str


class Catalogue(Struct, frozen=True):
    """Offers of which a dated rate is known, and places of which none is."""

    rows: list[Opportunity]
    unjudged: list[Unjudged]


def catalogue(
    on: dt.date, prices: Mapping[str, str], have: Sequence[str], only: Sequence[str] = (), *, markets: bool = True
) -> Catalogue:
    """Return what is known to be on offer on a day.

    Parameters
    ----------
    prices : dollars by symbol, as decimal text. have : tokens that one has. only : networks looked at, all where empty.
    markets : markets' rates and places without one too, not only what staking pays.
    """
    rows, unjudged = _staked(on, prices, have)
    rows = (_measured() if markets else []) + rows
    wanted = [row for row in rows if not only or row.network in only]
    unjudged = (_silent(only, {(row.kind, row.network) for row in wanted}) if markets else []) + unjudged
    return Catalogue(
        [replace(row, row=number) for number, row in enumerate(wanted, 1)],
        [one for one in unjudged if not only or not one.networks or set(one.networks) & set(only)],
    )


def unless_given(known: Sequence[Opportunity], given: Sequence[Opportunity]) -> list[Opportunity]:
    """Return what is known but for what a person or a list says of the same place: theirs is the later word."""
    said = {(row.kind, row.network, row.tokens) for row in given}
    return [row for row in known if (row.kind, row.network, row.tokens) not in said]


def takes_money(name: str) -> bool:
    """Say whether a kind is a place that money is brought to for income: not an operator's seat, not a way."""
    found = kind(name)
    return "enter" in found.verbs and name not in IDLE and (found.family != "operator" or name == STAKE)


def _measured() -> list[Opportunity]:
    return [row for name in kinds() if takes_money(name) for row in _of_kind(name)]


@cache
def _of_kind(name: str) -> tuple[Opportunity, ...]:
    path = Path(kind(name).gas).with_name("rates.toml")
    if not path.is_file():
        return ()
    return tuple(_market(name, key, fact, str(path)) for key, fact in load_facts(path).facts.items())


def _market(name: str, key: str, fact: Fact, file: str) -> Opportunity:
    network, _, token = key.partition(".")
    if network not in networks.names() or not token or isinstance(fact.value, bool) or not isinstance(fact.value, int):
        raise BadInput("expected NETWORK.TOKEN = a whole number of basis points", file=file, field=f"facts.{key}")
    return _row(name, name.replace("_", "-"), network, token.upper(), fact, fact.value, note=fact.note)


def _row(
    name: str,
    project: str,
    network: str,
    token: str,
    fact: Fact,
    rate: int,
    *,
    low: int | None = None,
    tvl: int | None = None,
    lock_days: int = 0,
    note: str = "",
    lasting: bool = False,
) -> Opportunity:
    day = fact.as_of
    return Opportunity(
        id=f"{project} {token} on {network}",
        chain=network,
        network=network,
        project=project,
        kind=name,
        symbol=token,
        tokens=(token,),
        tvl=tvl,
        base_bps=rate,
        reward_bps=None,
        apy_bps=rate,
        mean_bps=None,
        stable=token in DOLLARS,
        diverges=False,
        rewarded=False,
        outlier=False,
        days=None,
        row=0,
        lock_days=lock_days,
        updated=int(dt.datetime(day.year, day.month, day.day, tzinfo=dt.UTC).timestamp()),
        origin="facts",
        source=fact.source,
        confidence=fact.confidence.value,
        low_bps=low,
        lasting=lasting,
        note=note,
    )


def _staked(on: dt.date, prices: Mapping[str, str], have: Sequence[str]) -> tuple[list[Opportunity], list[Unjudged]]:
    """Return what staking a network's token pays by its rules, and what cannot be told of it."""
    rows: list[Opportunity] = []
    unjudged: list[Unjudged] = []
    time = int(dt.datetime(on.year, on.month, on.day, tzinfo=dt.UTC).timestamp())
    for name in networks.names():
        network = networks.get(name)
        try:
            cases = staking(name, network.facts, time)
        except TidemillError as error:  # a day before anything is known
            unjudged.append(Unjudged([STAKE], [name], f"staking there: {error}", ""))
            continue
        if not cases:
            continue
        token, home = cases[0].token, HOMES.get(cases[0].token, name)
        open_end = [case for case in cases if case.staked is None]
        if open_end:
            why = f"{token} staked on {name}: {open_end[0].case}; whether it still runs is not known here"
            unjudged.append(Unjudged([STAKE], [home], why, f"--offer {STAKE}@{home}:{token}=…%"))
        elif token not in prices:
            held = "its price is not given" if token in have else f"you have none, and no price of {token} is given"
            why = f"{token} staked on {home}, by {name}'s rules {_span(cases)} a year: {held}"
            unjudged.append(Unjudged([STAKE], [home], why, f"--price {token}=…"))
        else:
            rows.append(_stake(name, home, cases, prices[token]))
    unjudged += [Unjudged([], [], line, "") for line in unpaid(have)]
    return rows, unjudged


def _span(cases: Sequence[StakeYield]) -> str:
    rates = [case.gross for case in cases]
    return f"{min(rates) / 100:.2f} to {max(rates) / 100:.2f} %"


def _stake(name: str, home: str, cases: Sequence[StakeYield], price: str) -> Opportunity:
    """Return staking as an offer: the most that facts allow for is displayed, the least is believed, less a commission."""
    token = cases[0].token
    facts = networks.get(name).facts
    commission = kind(STAKE).params["commission_pct"][0]
    assert isinstance(commission, int), "a commission has a default"
    kept = [case.gross * (100 - commission) // 100 for case in cases]
    least = min(cases, key=lambda case: case.gross)
    oldest = min((fact for case in cases for fact in case.facts.values()), key=lambda fact: fact.as_of)
    wait, day = DELAYS[token]
    grows = "" if least.inflation is None else f"; the supply grows by {least.inflation / 100:.2f} % meanwhile"
    # the least that may be staked: nothing is believed to have more room than that
    part = min(case.staked for case in cases if case.staked is not None)
    tvl = None
    if "supply" in facts.facts:
        tvl = int(Decimal(facts.integer("supply") * part) * Decimal(price) / BPS * 10**6)
    return _row(
        STAKE,
        f"{name} staking",
        home,
        token,
        oldest,
        max(kept),
        low=min(kept),
        tvl=tvl,
        lock_days=-(-facts.integer(wait) // day),
        note=f"new {token}, by how much is staked, which no fact tells; less a commission of {commission} %, assumed{grows}",
        lasting=True,
    )


def _silent(only: Sequence[str], told: set[tuple[str, str]]) -> list[Unjudged]:
    """Return the kinds that take money and of which no dated rate is known, those that stand alike together."""
    found: dict[tuple[str, ...], list[str]] = {}
    for name in kinds():
        if not takes_money(name) or name == STAKE:
            continue
        stands = [
            network
            for network, facts in deployments(kind(name)).items()
            if any(fact.status is Status.LIVE for fact in facts.values())
        ]
        where = tuple(at for at in stands if (not only or at in only) and (name, at) not in told)
        if where or not stands:
            found.setdefault(where, []).append(name)
    out = []
    for where, names in sorted(found.items(), key=lambda one: (not one[0], one)):
        why = "no dated rate is known" + ("" if where else ", nor where they stand")
        place = f"{names[0] if len(names) == 1 else 'KIND'}@{where[0] if len(where) == 1 else 'NETWORK'}"
        out.append(Unjudged(names, list(where), why, f"--offer {place}:TOKENS=…%"))
    return out
