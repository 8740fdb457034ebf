"""A sequencer as a study places it: users' transactions each tick, priced by the network's own formula, and a purse."""

from __future__ import annotations

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.networks import TxShape
from tidemill.units import BPS, format_amount, mul_div_down, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.sequencer.model import SequencerModel
from tidemill.venues.sequencer.prices import HOUR
from tidemill.venues.sequencer.rules import BLOB_BYTES, Packing, batches_up, posting_wei
from tidemill.venues.sequencer.stream import blobs_from, fees_of, ticks
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.wording import rfc3339

__all__ = ["VENUE"]

GWEI_DECIMALS = 9
_SYNTHETIC = (
    "transactions, gas prices and others' use of blobs are seeded draws about the stated levels; fees are the network's own "
    "formula and dated parameters, blob prices Ethereum's own rule"
)
_ONE_PURSE = "one purse on both sides of the bridge: moving ETH between the rollup and Ethereum is not counted"


def place(setup: Setup) -> Placed:
    """Make the vaults and the stream.

    Raises
    ------
    BadInput : a price or word that cannot be, or a network whose formula needs more than the study tells.
    """
    where, params = f"venues.{setup.id}.params", setup.params
    token = networks.get(setup.network).native_token
    if params["share"] not in ("none", "superchain"):
        raise BadInput(f"{params['share']!r}: a share is none or superchain", field=f"{where}.share")
    packing = Packing(
        blob_bytes=int(params["blob_bytes"]),
        blobs_per_tx=int(params["blobs_per_tx"]),
        tx_gas=int(params["batch_gas"]),
        calldata_tx_gas=int(params["batch_gas"]),
    )
    state: dict[str, Any] = {
        "venue": setup.id,
        "account": f"{setup.id}:vaults",
        "token": f"{token}@{setup.network}",
        "operator": "me",
        "packing": packing,
        "blobs_from": blobs_from(setup.network),
        "proof_seconds": int(params["proof_hours"]) * HOUR,
        "proof_gas": int(params["proof_gas"]),
        "proving_wei": _gwei(setup, "proving_gwei_per_tx"),
        "shares": params["share"] == "superchain",
        "proven_at": setup.start,
        "posted_at": setup.start,
    }
    model, script = SequencerModel(), _script(setup)
    eras = _eras(script, packing, int(state["blobs_from"]))

    def make() -> Stage:
        account = f"{setup.id}:vaults"
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    notes = tuple(f"{setup.id}: {note}" for note in (_SYNTHETIC, _ONE_PURSE, *eras))
    return Placed(make, {}, notes=lambda: notes)


def _script(setup: Setup) -> list[Scripted]:
    params = setup.params
    tx = TxShape(*(int(params[name]) for name in ("tx_gas", "tx_fastlz", "tx_zero_bytes", "tx_nonzero_bytes")))
    lines = [(_gwei(setup, name), _gwei(setup, f"{name}_end")) for name in ("l1_gas_gwei", "base_fee_gwei")]
    tip, script = _gwei(setup, "priority_fee_gwei"), []
    for tick in ticks(params, lines[0], lines[1], setup.random("stream"), setup.start, setup.end):
        each = fees_of(setup.network, tx, tick, tip)
        served = {
            "count": tick.count,
            "size": tick.count * int(params["batch_bytes_per_tx"]),
            "execution": tick.count * each.l2_execution,
            "l1_data": tick.count * each.l1_data,
            "operator": tick.count * each.operator,
            "gas_price": tick.gas_price,
            "blob_base_fee": tick.blob_base_fee,
        }
        script.append(Scripted(setup.first_from(tick.time), "users", Action("serve", served)))
    return script


def _eras(script: Sequence[Scripted], packing: Packing, blobs_since: int) -> list[str]:
    """Say what users paid and what their data cost before there were blobs and since, every tick posted in full batches."""
    told = []
    for blobs, named in ((False, "as calldata"), (True, "as blobs")):
        items = [one for one in script if (one.block.time >= blobs_since) is blobs]
        fees = sum(int(one.action.args[name]) for one in items for name in ("execution", "l1_data", "operator"))
        data = 0
        for args in (one.action.args for one in items):
            batches = batches_up(int(args["size"]), packing, blobs=blobs)
            data += posting_wei(batches, packing, int(args["gas_price"]), int(args["blob_base_fee"]))
        if fees:
            first, last = (rfc3339(items[place].block.time)[:10] for place in (0, -1))
            kept = mul_div_down(max(fees - data, 0), BPS, fees)
            told.append(
                f"{first} to {last}, data {named}: users paid {format_amount(fees, 18, 2)}, full batches cost "
                f"{format_amount(data, 18, 2)}; {format_amount(kept, 2)} % of the fees are left"
            )
    return told


def _gwei(setup: Setup, name: str) -> int:
    try:
        amount = parse_amount(str(setup.params[name]), GWEI_DECIMALS)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=f"venues.{setup.id}.params.{name}") from None
    if not 0 <= amount <= 10**6 * 10**GWEI_DECIMALS:
        raise BadInput(
            f"{setup.params[name]}: not between 0 and a million gwei", field=f"venues.{setup.id}.params.{name}"
        )
    return amount


VENUE = Kind(
    "sequencer",
    "operator",
    "unproven",
    "Running a rollup: what users pay by its fee formula, less data on Ethereum, proofs and the share of its federation.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "tx_per_day": (400_000, "transactions of users a day at the start"),
        "tx_per_day_end": (400_000, "… and at the end"),
        "tx_gas": (120_000, "gas of a mean transaction"),
        "tx_fastlz": (330, "its signed bytes after FastLZ"),
        "tx_zero_bytes": (260, "zero bytes in it"),
        "tx_nonzero_bytes": (240, "other bytes in it"),
        "batch_bytes_per_tx": (230, "bytes that it adds to a compressed batch"),
        "base_fee_gwei": ("0.1", "the rollup's own base fee at the start, gwei as text"),
        "base_fee_gwei_end": ("0.1", "… and at the end"),
        "priority_fee_gwei": ("0", "tips, gwei as text"),
        "l1_gas_gwei": ("30", "Ethereum's gas price at the start, gwei as text"),
        "l1_gas_gwei_end": ("30", "… and at the end"),
        "swing_bps": (1_000, "how far a tick's transactions and gas price may be off, by seed"),
        "blob_use_bps": (7_000, "blobs that all rollups post, in basis points of Ethereum's target"),
        "blob_use_later_bps": (7_000, "… from blob_later_day on"),
        "blob_later_day": (0, "day of the study from which that is so; 0: never"),
        "every_hours": (24, "hours of a tick"),
        "batch_gas": (21_000, "gas of a posting transaction beside its data"),
        "blobs_per_tx": (6, "blobs that one transaction carries at most"),
        "blob_bytes": (BLOB_BYTES, "bytes of data in a blob"),
        "proof_hours": (1, "hours between state roots (or proofs) sent to Ethereum; 0: none"),
        "proof_gas": (90_000, "gas of each"),
        "proving_gwei_per_tx": ("0", "computing a proof, for each transaction, gwei as text"),
        "share": ("none", "what is given away: none, or superchain (the larger of 2.5 % gross and 15 % less L1 fees)"),
    },
    limits={
        "tx_per_day": (0, 10**9),
        "tx_per_day_end": (0, 10**9),
        "tx_gas": (21_000, 10**8),
        "tx_fastlz": (0, 10**6),
        "tx_zero_bytes": (0, 10**6),
        "tx_nonzero_bytes": (0, 10**6),
        "batch_bytes_per_tx": (1, 10**6),
        "swing_bps": (0, 10_000),
        "blob_use_bps": (0, 20_000),
        "blob_use_later_bps": (0, 20_000),
        "blob_later_day": (0, 10_000),
        "every_hours": (1, 168),
        "batch_gas": (21_000, 10**7),
        "blobs_per_tx": (1, 6),
        "blob_bytes": (1, 131_072),
        "proof_hours": (0, 10_000),
        "proof_gas": (0, 10**8),
    },
    income="Users pay execution, data and operator fees; of these come data and proofs on Ethereum, and a share is given away.",
    risks=(
        "the role is not open: whoever runs the rollup appoints its one sequencer, and a token of it does not pay its holders",
        "data are paid at Ethereum's prices of the day of posting, fees came in at those of the day of use",
        "a rollup without users earns nothing and still sends its state roots",
    ),
    verbs={"harvest": "collect"},
)
