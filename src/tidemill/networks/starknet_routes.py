"""Ways in and out of Starknet and of its staking, and who earns there."""

from __future__ import annotations

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import deposit, in_and_out, role, stage

__all__ = ["roles", "routes"]


def routes(network: DatedNetwork) -> tuple[Route, ...]:
    """Return the bridge in both directions, and the way out of a stake."""
    facts = network.facts
    proven, lock = (facts.integer(name) for name in ("withdrawal_usual", "unstake_lock"))
    into = deposit(network, "deposit", "handle_deposit")
    withdraw = (
        stage(network, "initiate_withdraw", network.name),
        stage(
            network,
            "updateState",
            "ethereum",
            (0, proven, None),
            "withdrawal_usual",
            by="operator",
            about="the proof of the block must be accepted on Ethereum",
        ),
        stage(network, "withdraw", "ethereum", about="consume the message on Ethereum"),
    )
    unstake = (
        stage(network, "unstake_intent", network.name, about="it earns nothing from here on"),
        stage(network, "unstake_action", network.name, (lock, lock, lock), "unstake_lock"),
    )
    way = Route("starknet-unstaking", network.name, network.name, "canonical", unstake)
    return (*in_and_out(network, into, withdraw, "hours as told; not measured: plan for more"), way)


def roles(network: DatedNetwork) -> tuple[Role, ...]:
    """Return the sequencer, validators and delegators; all staking is paid in new STRK."""
    sequencer = role(
        network,
        "sequencer",
        "STRK",
        "fees",
        "permissioned",
        "takes all fees, none is burned; nodes are not yet made to charge by the formula",
    )
    validator = role(
        network,
        "validator",
        "STRK",
        "inflation",
        "anyone",
        "paid in new STRK by the minting curve, for each epoch attested in full; gross of the dilution that pays it",
        "validator_minimum",
        "mint_coefficient",
        "bitcoin_part_bps",
        "epoch_seconds",
    )
    delegator = role(
        network,
        "delegator",
        "STRK",
        "inflation",
        "anyone",
        "a validator's reward less its commission; the real yield is what is left after inflation",
        "unstake_lock",
        "bitcoin_part_bps",
    )
    return sequencer, validator, delegator
