"""A canonical bridge as a study places it: one half on the study's rollup, the other on Ethereum."""

from __future__ import annotations

from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.networks import get
from tidemill.venues.canonical_bridge.model import BridgeModel
from tidemill.venues.canonical_bridge.stage import BridgeStage
from tidemill.venues.kinds import Kind, Placed, Setup

__all__ = ["VENUE"]


def place(setup: Setup) -> Placed:
    """Make both halves.

    Raises
    ------
    BadInput : the token's decimals are not known, it pays for gas, or the bridge would lead where it begins.
    """
    token, where = str(setup.params["token"]), f"venues.{setup.id}.params"
    (decimals,) = setup.places(token)
    to, source = setup.other_network(), get(setup.network)
    steps = next((way.stages for way in source.routes(setup.start) if way.kind == "canonical" and way.target == to), ())
    if [step.verb for step in steps] != ["initiate", "prove", "finalize"]:
        own = f"its own goes by {', '.join(step.verb for step in steps)}" if steps else f"none of its own leads to {to}"
        raise BadInput(
            f"{setup.network} has no OP Stack bridge to {to} ({own}); `tidemill exits --from {setup.network}` plans its ways",
            field=f"venues.{setup.id}.kind",
        )
    if token in (source.native_token, get(to).native_token):
        raise BadInput(
            f"{token} pays for gas; the model and its gas are those of an ERC-20 token", field=f"{where}.token"
        )

    def make() -> Stage:
        model, first = BridgeModel(), setup.first_from(setup.start)
        state = model.init(
            {
                "venue": setup.id,
                "l1": to,
                "l2": setup.network,
                "l1_token": f"{token}@{to}",
                "l2_token": f"{token}@{setup.network}",
                "escrow": f"{setup.network}:bridge",  # one contract holds every token of the two networks
                "minter": "zero",
                "first": first.number,
                "first_time": first.time,
                "block_seconds": source.block_time,
                "proposal_blocks": int(setup.params["proposal_blocks"]),
                "lag": int(setup.params["proposer_seconds"]),
                "maturity": int(setup.params["maturity_seconds"]),
                "game": int(setup.params["game_seconds"]),
                "deposit_seconds": int(setup.params["deposit_seconds"]),
                "locked": int(setup.params["deposits"]) * 10**decimals,
            }
        )
        return BridgeStage(setup.id, setup.network, state.minter, state, setup.first_from)

    notes = (
        f"{setup.id}: outputs are taken to be named on time and never disputed; nobody but you proves or finalises",
        f"{setup.id}: blocks are counted from the study's first; where outputs really fall within an hour is not known here",
        *_differs(setup, steps[-1].wait.usual - 1),
    )
    return Placed(make, {token: decimals}, notes=lambda: notes, networks=(to,))


def _differs(setup: Setup, told: int) -> tuple[str, ...]:
    """Say where the network's own facts have another wait between proof and payment than the study."""
    taken = max(int(setup.params["maturity_seconds"]), int(setup.params["game_seconds"]))
    if taken == told:
        return ()
    return (f"{setup.id}: a proof is taken to wait {taken:,} s; facts of {setup.network} say {told:,} s at the start",)


VENUE = Kind(
    "canonical_bridge",
    "bridge",
    "bytecode-equal",
    "An OP Stack chain's own bridge: out in three steps on two networks, in with one.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the ERC-20 token that is moved"),
        "to": ("ethereum", "the network below"),
        "proposal_blocks": (1_800, "blocks of the rollup between two outputs named on Ethereum"),
        "proposer_seconds": (600, "seconds after such a block until its output stands there"),
        "maturity_seconds": (604_800, "seconds that must be over since a withdrawal was proven"),
        "game_seconds": (
            0,
            "seconds of a dispute game's clock and of the air gap after it, half each; 0 where outputs are no games",
        ),
        "deposit_seconds": (180, "seconds until a deposit arrives"),
        "deposits": (1_000_000_000, "whole tokens that lie in the bridge's escrow at the start, others' and yours"),
    },
    income="Nothing: money on its way earns nothing, and what arrives is what was sent.",
    risks=(
        "the first step is one of three: without ether on Ethereum for the other two the money stays where it is",
        "proving again, after an output was withdrawn, starts the week anew",
        "whoever may upgrade or pause the bridge can hold what is in flight",
        "a token issued on the rollup itself does not go through this bridge: only what once came through it does",
    ),
    limits={
        "proposal_blocks": (1, 10**6),
        "proposer_seconds": (0, 10**6),
        "maturity_seconds": (0, 10**8),
        "game_seconds": (0, 10**8),
        "deposit_seconds": (0, 10**6),
        "deposits": (0, 10**12),
    },
    verbs={"enter": "deposit", "leave": "send"},
)
