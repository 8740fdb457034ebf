"""Ways in and out of Linea, and who earns there."""

from __future__ import annotations

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import deposit, in_and_out, role, stage

__all__ = ["roles", "routes"]


def routes(network: DatedNetwork) -> tuple[Route, ...]:
    """Return the canonical bridge in both directions; a withdrawal waits for finalization, and may meet a limit."""
    target = network.facts.integer("finalization_target")
    into = deposit(network, "sendMessage", "claimMessage", by="relayer")
    withdraw = (
        stage(network, "sendMessage", network.name),
        stage(
            network,
            "finalizeBlocks",
            "ethereum",
            (0, target, None),
            "finalization_target",
            by="operator",
            about="a target: it is put off while Ethereum is dear, less and less the longer it lasts",
        ),
        stage(network, "claimMessageWithProof", "ethereum", about="refused while the rate limit of the day is used up"),
    )
    limit, fallback, staked = (str(network.facts.fact(n).value) for n in ("rate_limit", "fallback", "yield_manager"))
    return in_and_out(network, into, withdraw, limit, fallback, staked)


def roles(network: DatedNetwork) -> tuple[Role, ...]:
    """Return the operator with what happens to the surplus, and what the token does not pay."""
    operator = role(
        network,
        "sequencer",
        "ETH",
        "fees",
        "permissioned",
        "operators' invoices are paid first; of what is left a part is burned and the rest buys LINEA, which is burned too",
        "surplus_burned_percent",
    )
    staker = role(
        network,
        "staker",
        "LINEA",
        "nothing",
        "nobody",
        "there is no staking; burning may move the price, it pays nobody",
        "surplus_burned_percent",
    )
    return operator, staker
