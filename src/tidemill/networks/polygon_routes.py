"""Ways in and out of Polygon PoS and of its staking, and who earns there."""

from __future__ import annotations

from tidemill.networks.dated import DatedNetwork
from tidemill.networks.exits import Route
from tidemill.networks.roles import Role
from tidemill.networks.route_parts import deposit, in_and_out, role, stage

__all__ = ["roles", "routes"]


def routes(network: DatedNetwork) -> tuple[Route, ...]:
    """Return the bridge in both directions, and the way out of a stake on Ethereum."""
    facts = network.facts
    checkpoint = facts.integer("checkpoint_blocks") * facts.integer("block_time_ms") // 1_000
    into = deposit(network, "depositFor", "state sync")
    withdraw = (
        stage(network, "burn", network.name),
        stage(
            network,
            "checkpoint",
            "ethereum",
            (0, checkpoint, None),
            "checkpoint_blocks",
            "block_time_ms",
            by="operator",
            about="validators put a root on Ethereum; a burn just before one waits little, one just after waits all",
        ),
        stage(network, "exit", "ethereum", about="prove the burn against the checkpoint"),
    )
    least, usual, most = (facts.integer(f"unbonding_{word}") for word in ("least", "usual", "most"))
    unbond = (
        stage(network, "sellVoucher", "ethereum", about="give the stake back; it earns nothing from here on"),
        stage(
            network,
            "unstakeClaim",
            "ethereum",
            (least, usual, most),
            "unbonding_checkpoints",
            "unbonding_usual",
            about="counted in checkpoints, so it takes longer while they are late",
        ),
    )
    way = Route(
        "polygon-pos-unbonding",
        "ethereum",
        "ethereum",
        "canonical",
        unbond,
        warnings=("staked POL lies on Ethereum, not on Polygon: both steps cost Ethereum's gas",),
    )
    return (*in_and_out(network, into, withdraw), way)


def roles(network: DatedNetwork) -> tuple[Role, ...]:
    """Return validators and delegators (paid in new POL on Ethereum), and the producers who keep tips."""
    validator = role(
        network,
        "validator",
        "POL",
        "inflation",
        "permissioned",
        "reward per checkpoint by signed stake, and a commission on delegators' part; stakes on Ethereum, a fixed number "
        "of seats; part of the tips by PIP-65; new POL is gross of the dilution that pays it",
        "validators",
        "validator_minimum",
        "emission_bps",
    )
    delegator = role(
        network,
        "delegator",
        "POL",
        "inflation",
        "anyone",
        "a validator's reward less its commission, in new POL: gross of the dilution that pays it; a part "
        "of the tips by PIP-85",
        "delegator_minimum",
        "emission_bps",
        "tip_stakers_bps",
    )
    producer = role(
        network,
        "sequencer",
        "POL",
        "fees",
        "permissioned",
        "tips go to producers less the validators' pool; the base fee is burned",
        "tip_commission_bps",
    )
    return validator, delegator, producer
