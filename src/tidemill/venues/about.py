"""What a kind of venue is, where it stands, and what it costs to go in, harvest and leave: for people to read."""

from __future__ import annotations

from collections.abc import Mapping
from pathlib import Path

from msgspec import Struct

from tidemill.errors import BadInput, nearest
from tidemill.facts import Fact, load_facts
from tidemill.networks.gas import load_gas
from tidemill.venues.kinds import Kind, kind, kinds

__all__ = ["About", "Cost", "about", "catalogue", "deployments", "deployments_file"]


class Cost(Struct, frozen=True):
    """What a verb takes when nothing special is met: transactions (approvals included), gas, and how far the table is
    off by median (basis points of gas), ``None`` where gas was not measured.
    """

    verb: str
    transactions: int
    gas: int
    median_bps: int | None

    @property
    def off(self) -> str:
        """How far off, for people; an estimate that nobody has measured says so."""
        return "not measured" if self.median_bps is None else f"{self.median_bps / 100:.2f} %"  # not money: an error


class About(Struct, frozen=True):
    """A kind of venue. ``deployments`` are dated facts (addresses, lower case) by network and name; none where nobody
    has listed any. ``costs`` are keyed ``enter``, ``harvest``, ``leave``; ``measured`` says on what.
    """

    kind: Kind
    deployments: Mapping[str, Mapping[str, Fact]]
    costs: Mapping[str, Cost]
    measured: str

    @property
    def networks(self) -> tuple[str, ...]:
        """Networks on which it is known to stand."""
        return tuple(self.deployments)


def about(name: str) -> About:
    """Describe a kind of venue by name; raises ``UnknownName``, which names the nearest."""
    found = kind(name)
    table = load_gas(found.gas)
    costs: dict[str, Cost] = {}
    for purpose, verb in found.verbs.items():
        calls = table.shapes(verb, {})
        gas = sum(shape.gas_used for shape in calls)
        fit = table.verb(verb).plain
        costs[purpose] = Cost(verb, len(calls), gas, fit.median_bps if fit.samples else None)
    origin = table.provenance
    return About(found, deployments(found), costs, f"{origin.chain}, {origin.as_of}")


def catalogue(*, family: str = "", network: str = "", proof: str = "") -> list[About]:
    """Describe all kinds, those added by other packages included, that fit.

    Raises ``BadInput`` for a family, network or proof level that no venue has, naming the nearest.
    """
    every = [about(name) for name in kinds()]
    _known("family", family, {one.kind.family for one in every})
    _known("network", network, {at for one in every for at in one.networks})
    _known("proof", proof, {"bytecode-equal", "fork-equal", "rule-checked", "unproven"})
    return [
        one
        for one in every
        if family in ("", one.kind.family) and proof in ("", one.kind.proof) and network in ("", *one.networks)
    ]


def _known(field: str, given: str, valid: set[str]) -> None:
    if given and given not in valid:
        raise BadInput(f"no venue has {given!r}{nearest(given, valid)}", field=field)


def deployments_file(found: Kind) -> Path:
    """Return where a kind's deployments are listed; there need not be such a file."""
    return Path(found.gas).with_name("deployments.toml")


def deployments(found: Kind) -> dict[str, dict[str, Fact]]:
    """Return what is known of where a kind stands: dated facts by network and name."""
    path = deployments_file(found)
    if not path.is_file():
        return {}
    known: dict[str, dict[str, Fact]] = {}
    for name, fact in load_facts(path).facts.items():
        network, _, what = name.partition(".")
        known.setdefault(network, {})[what] = fact
    return known
