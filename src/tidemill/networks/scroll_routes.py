"""Ways in and out of Scroll, and who earns there."""

from __future__ import annotations

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import deposit, in_and_out, role, stage

__all__ = ["roles", "routes"]


def routes(network: DatedNetwork) -> tuple[Route, ...]:
    """Return the canonical bridge in both directions; a withdrawal waits for the proof of its bundle."""
    proven = network.facts.integer("finalization_usual")
    period = network.facts.integer("finalization_period")
    into = deposit(network, "depositETH", "relayMessage")
    withdraw = (
        stage(network, "withdrawETH", network.name),
        stage(
            network,
            "finalizeBundle",
            "ethereum",
            (period, period + proven, None),
            "finalization_period",
            "finalization_usual",
            by="operator",
            about="no waiting period by rule, but the proof must be there",
        ),
        stage(network, "relayMessageWithProof", "ethereum", about="claim with a proof against the finalized root"),
    )
    return in_and_out(network, into, withdraw, "how long proving takes was not measured here")


def roles(network: DatedNetwork) -> tuple[Role, ...]:
    """Return the operator, and what the token does not pay."""
    operator = role(network, "sequencer", "ETH", "fees", "permissioned", "all fees go to the operator's vault")
    staker = role(network, "staker", "SCR", "nothing", "nobody", "the token pays nothing by itself")
    return operator, staker
