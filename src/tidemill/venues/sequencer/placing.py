"""Placing a sequencer: users' transactions each tick, seeded or from a table, priced by the network's own formula."""

from __future__ import annotations

from collections.abc import Iterable, Sequence
from typing import Any

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.networks import TxShape
from tidemill.units import BPS, format_amount, mul_div_down, parse_amount
from tidemill.venues.kinds import Placed, Setup
from tidemill.venues.sequencer.model import SequencerModel
from tidemill.venues.sequencer.prices import HOUR
from tidemill.venues.sequencer.rules import Packing, batches_up, posting_wei
from tidemill.venues.sequencer.stream import Tick, blobs_from, fees_of, ticks, told
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.wording import rfc3339

__all__ = ["place", "place_table"]

GWEI_DECIMALS = 9
_SYNTHETIC = "transactions, gas prices and others' use of blobs are seeded draws about the stated levels"
_FORMULA = (
    "fees are the network's own formula and dated parameters; what a mean transaction looks like is an assumption"
)
_ONE_PURSE = "one purse on both sides of the bridge: moving ETH between the rollup and Ethereum is not counted"


def place(setup: Setup) -> Placed:
    """Make the vaults and a seeded stream.

    Raises
    ------
    BadInput : a price or word that cannot be, or a network whose formula needs more than the study tells.
    """
    lines = [(_gwei(setup, name), _gwei(setup, f"{name}_end")) for name in ("l1_gas_gwei", "base_fee_gwei")]
    stream = ticks(setup.params, lines[0], lines[1], setup.random("stream"), setup.start, setup.end)
    return _place(setup, stream, _SYNTHETIC)


def place_table(setup: Setup) -> Placed:
    """Make the vaults, and a stream by a table (``Setup.market`` is its path). Raises as ``place``."""
    levels = {name: _gwei(setup, name) for name in ("l1_gas_gwei", "base_fee_gwei", "blob_gas_gwei")}
    assumed = [name for name in levels if name not in setup.market.figures]
    note = (
        f"transactions are the table's; {', '.join(assumed)} stay as the study says"
        if assumed
        else "prices are the table's"
    )
    return _place(setup, told(setup.market, levels, setup.start, setup.end), note)


def _place(setup: Setup, stream: Iterable[Tick], source: str) -> Placed:
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
    model, script = SequencerModel(), _script(setup, stream)
    eras = _eras(script, packing, int(state["blobs_from"]))

    def make() -> Stage:
        account = f"{setup.id}:vaults"
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    notes = tuple(f"{setup.id}: {note}" for note in (source, _FORMULA, _ONE_PURSE, *eras))
    return Placed(make, {}, notes=lambda: notes)


def _script(setup: Setup, stream: Iterable[Tick]) -> list[Scripted]:
    params = setup.params
    tx = TxShape(*(int(params[name]) for name in ("tx_gas", "tx_fastlz", "tx_zero_bytes", "tx_nonzero_bytes")))
    tip, script = _gwei(setup, "priority_fee_gwei"), []
    for tick in stream:
        try:
            each = fees_of(setup.network, tx, tick, tip)
        except BadInput as error:
            needs = f"{setup.network}'s fees need more than this stream tells: {error.message}"
            raise BadInput(needs, field=f"venues.{setup.id}.kind") from None
        served = {
            "count": tick.count,
            "size": tick.count * int(params["batch_bytes_per_tx"]),
            "execution": tick.count * each.l2_execution,
            "l1_data": tick.count * each.l1_data,
            "operator": tick.count * each.operator,
            "base_fee": tick.base_fee,
            "gas_price": tick.gas_price,
            "blob_base_fee": tick.blob_base_fee,
        }
        script.append(Scripted(setup.first_from(tick.time), "users", Action("serve", served)))
    return script


def _eras(script: Sequence[Scripted], packing: Packing, blobs_since: int) -> list[str]:
    """Say what users paid and what their data cost before there were blobs and since, every tick posted in full batches."""
    said = []
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
            said.append(
                f"{first} to {last}, data {named}: users paid {format_amount(fees, 18, 2)}, full batches cost "
                f"{format_amount(data, 18, 2)}; {format_amount(kept, 2)} % of the fees are left"
            )
    return said


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
