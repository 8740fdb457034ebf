"""Ways in and out of a chain of the ZK Stack, and who earns there."""

from __future__ import annotations

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import deposit, in_and_out, role, stage

__all__ = ["roles", "routes"]


def routes(network: DatedNetwork, time: int) -> tuple[Route, ...]:
    """Return the canonical bridge in both directions; a withdrawal waits for commit, prove and execute.

    The delay before execution counts from the commit, at which a time lock notes the second, not from the proof (its
    interface says so: @matterlabs/zksync-contracts 29.0.0, IValidatorTimelock); proving goes on meanwhile.
    """
    proven = network.facts.integer("batch_usual")
    delay = network.parameter("execution_delay", time)
    into = deposit(network, "requestL2Transaction", "relay")
    withdraw = (
        stage(network, "withdraw", network.name),
        stage(network, "commitBatches", "ethereum", (0, 0, None), by="operator", about="the batch is published"),
        stage(
            network,
            "executeBatches",
            "ethereum",
            (delay, max(delay, proven), None),
            "batch_usual",
            by="operator",
            about="once it is proven (proveBatches), and no sooner than a fixed delay after it was committed",
        ),
        stage(network, "finalizeWithdrawal", "ethereum", about="claim what the executed batch says is yours"),
    )
    warning = "how long committing and proving take is the operator's; only the delay from commit to execution is fixed"
    return in_and_out(network, into, withdraw, warning)


def roles(network: DatedNetwork) -> tuple[Role, ...]:
    """Return the operator, and the pilot for holders who delegate."""
    operator = role(
        network,
        "sequencer",
        "ETH",
        "fees",
        "permissioned",
        "keeps all fees, pays Ethereum for data and proofs, and proving itself",
    )
    staker = role(
        network,
        "staker",
        "ZK",
        "subsidy",
        "anyone",
        "a pilot of fixed size pays holders who delegate to an active delegate: a subsidy that ends with its cap after about "
        "six months, not income of the network; check that it still runs",
        "pilot_cap",
        "pilot_rate_bps",
    )
    return operator, staker
