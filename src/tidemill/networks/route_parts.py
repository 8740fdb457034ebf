"""Words to say routes and roles in, over a network's own facts."""

from __future__ import annotations

from typing import Literal

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.roles import Role

__all__ = ["deposit", "in_and_out", "role", "stage"]

Sender = Literal["you", "relayer", "operator"]


def stage(
    network: DatedNetwork,
    verb: str,
    on: str,
    wait: tuple[int, int, int | None] = (0, 0, 0),
    *facts: str,
    by: Sender = "you",
    about: str = "",
) -> RouteStage:
    """Return a step sent on ``on`` after ``wait`` (least, usual and most seconds), with the named facts behind it."""
    return RouteStage(verb, on, Wait(*wait), by=by, about=about, facts=tuple(network.facts.fact(f) for f in facts))


def deposit(network: DatedNetwork, send: str, arrive: str, by: Sender = "operator") -> tuple[RouteStage, ...]:
    """Return the way in over a bridge on Ethereum: its two verbs, and the file's ``deposit_usual`` between them."""
    usual = network.facts.integer("deposit_usual")
    return (
        stage(network, send, "ethereum", about="send to the bridge on Ethereum"),
        stage(network, arrive, network.name, (0, usual, None), "deposit_usual", by=by),
    )


def in_and_out(
    network: DatedNetwork, into: tuple[RouteStage, ...], out: tuple[RouteStage, ...], *warnings: str
) -> tuple[Route, ...]:
    """Return the canonical routes from Ethereum into the network and back; ``warnings`` are those of the way out."""
    name, base = network.name, "ethereum"
    return (
        Route(f"{base}-{name}", base, name, "canonical", into),
        Route(f"{name}-{base}", name, base, "canonical", out, warnings=warnings),
    )


def role(
    network: DatedNetwork,
    of: Literal["sequencer", "validator", "delegator", "prover", "relayer", "staker", "challenger", "bidder"],
    token: str,
    pays: Literal["fees", "inflation", "subsidy", "nothing"],
    open_to: Literal["anyone", "permissioned", "nobody"],
    about: str,
    *facts: str,
) -> Role:
    """Return a role with the named facts behind it."""
    return Role(of, token, pays, open_to, about, tuple(network.facts.fact(name) for name in facts))
