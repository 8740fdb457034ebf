"""Ways in and out of networks known by their facts alone, read from them; and who earns there.

A file describes a way by facts that begin with ``entry_`` or ``exit_``: ``peer`` (the other network), ``verb``, ``on`` (where
you act, if not where the money is); ``least``, ``usual``, ``most`` seconds; ``blocked`` where nobody can take it; ``warning``
for what to know before.
"""

from __future__ import annotations

from typing import Literal

from tidemill.facts import Status
from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route, RouteStage
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import role, stage

__all__ = ["roles", "routes"]

_OPEN = (Status.LIVE, Status.SCHEDULED)


def routes(network: DatedNetwork, time: int) -> tuple[Route, ...]:
    """Return what the file describes, blocked at ``time`` where the network takes no money or lets none out."""
    ways: tuple[Literal["entry", "exit"], ...] = ("entry", "exit")
    return tuple(_route(network, way, time) for way in ways if f"{way}_peer" in network.facts.facts)


def _text(network: DatedNetwork, name: str) -> str:
    fact = network.facts.facts.get(name)
    return "" if fact is None else str(fact.value)


def _route(network: DatedNetwork, way: Literal["entry", "exit"], time: int) -> Route:
    peer = network.facts.text(f"{way}_peer")
    ends = (peer, network.name) if way == "entry" else (network.name, peer)
    now = network.standing(time).fact
    closed = "" if way == "exit" or now.status in _OPEN else f"{network.name} takes no new money: {now.value}"
    warnings = tuple(str(fact.value) for name, fact in network.facts.facts.items() if name.startswith(f"{way}_warning"))
    return Route(
        "-".join(ends),
        *ends,
        "canonical",
        _stages(network, way, ends),
        closed or _text(network, f"{way}_blocked"),
        warnings,
    )


def _stages(network: DatedNetwork, way: str, ends: tuple[str, str]) -> tuple[RouteStage, ...]:
    if f"{way}_usual" not in network.facts.facts:
        return (stage(network, "withdraw", ends[0]),)  # nothing is known of it: such a file says why it is blocked
    least, usual = (network.facts.integer(f"{way}_{word}") for word in ("least", "usual"))
    most = network.facts.integer(f"{way}_most") if f"{way}_most" in network.facts.facts else None
    facts = tuple(name for name in network.facts.facts if name.startswith(f"{way}_") and name != f"{way}_peer")
    return (
        stage(network, network.facts.text(f"{way}_verb"), _text(network, f"{way}_on") or ends[0]),
        stage(network, "arrive", ends[1], (least, usual, most), *facts, by="operator"),
    )


def roles(network: DatedNetwork, time: int) -> tuple[Role, ...]:
    """Return who earns: what stands in the table below, and nobody where the network has ended."""
    if network.standing(time).fact.status is Status.ENDED:
        return tuple(role(network, *row) for row in _SAID_TO_PAY.get(network.name, ()))
    return tuple(role(network, *row) for row in (*_PAYS.get(network.name, ()), *_SAID_TO_PAY.get(network.name, ())))


Row = tuple[
    Literal["sequencer", "validator", "delegator", "prover", "relayer", "staker", "challenger", "bidder"],
    str,
    Literal["fees", "inflation", "subsidy", "nothing"],
    Literal["anyone", "permissioned", "nobody"],
    str,
]
_PAYS: dict[str, tuple[Row, ...]] = {
    "rootstock": (
        (
            "validator",
            "RBTC",
            "fees",
            "anyone",
            "miners who merge-mine: a tenth of the reward pool a block, after maturity; developer and federation take theirs",
        ),
        ("relayer", "RBTC", "fees", "permissioned", "listed providers advance peg-ins and peg-outs and earn a fee"),
    ),
    "stacks": (
        (
            "staker",
            "STX",
            "fees",
            "anyone",
            "paid in sBTC: STX alone for 1 to 96 cycles, or bitcoin locked beside STX for 12, of which the STX earn nothing",
        ),
    ),
    "liquid": (
        ("validator", "LBTC", "fees", "permissioned", "functionaries of the federation; holders earn nothing"),
        ("relayer", "LBTC", "fees", "permissioned", "those who may peg out do so for others at a fee"),
    ),
    "citrea": (("sequencer", "cBTC", "fees", "permissioned", "one sequencer; nobody else is paid by the network"),),
}
_SAID_TO_PAY: dict[str, tuple[Row, ...]] = {
    "loopring": (("staker", "LRC", "nothing", "nobody", "staking and pool rewards of LRC have ended"),),
    "dydx-v3": (("staker", "DYDX", "nothing", "nobody", "nothing is paid on this network any more"),),
    "immutable-x": (("staker", "IMX", "nothing", "nobody", "nothing is paid on this network any more"),),
    "liquid": (("staker", "LBTC", "nothing", "nobody", "there is no native yield"),),
}
