"""A prover as a study places it: transactions to prove each tick, seeded, and what a proof takes."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill import networks
from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, format_amount, mul_div_down, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.prover.model import ProverModel
from tidemill.venues.prover.rules import break_even_fee_up, proof_cost
from tidemill.venues.shared.lines import between_down
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

HOUR, DAY = 3_600, 86_400
_GWEI = 9
_ASSUMED = (
    "how many transactions are given to this prover, what each pays and what computing costs are assumptions, counts seeded; "
    "no collateral and no penalty for a late proof: no fact here tells one"
)


def place(setup: Setup) -> Placed:
    """Make the prover and the stream of what is to be proven. Raises ``BadInput`` for a price that cannot be."""
    params = setup.params
    token = f"{networks.get(setup.network).native_token}@{setup.network}"
    account = f"{setup.id}:fees"
    state: dict[str, Any] = {
        "venue": setup.id,
        "account": account,
        "token": token,
        "operator": "me",
        "most": int(params["tx_per_proof"]),
        "proof_wei": _gwei(setup, "proof_gwei"),
        "tx_wei": _gwei(setup, "computing_gwei_per_tx"),
        "verify_gas": int(params["verify_gas"]),
        "proven_at": setup.start,
    }
    model, script = ProverModel(), _script(setup)

    def make() -> Stage:
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    most = int(state["most"])
    full = break_even_fee_up(proof_cost(int(state["proof_wei"]) + most * int(state["tx_wei"]), 0, 0), most)
    even = (
        f"a full proof of {most:,} transactions takes {format_amount(full, _GWEI)} gwei of computing for each, and "
        f"{int(state['verify_gas']):,} gas in all"
    )
    notes = (f"{setup.id}: {even}", f"{setup.id}: {_ASSUMED}")
    return Placed(make, {}, notes=lambda: notes)


def _script(setup: Setup) -> list[Scripted]:
    params, draws = setup.params, setup.random("stream")
    fee = _gwei(setup, "fee_gwei_per_tx"), _gwei(setup, "fee_gwei_per_tx_end")
    daily = int(params["tx_per_day"]), int(params["tx_per_day_end"])
    step, swing, whole = int(params["every_hours"]) * HOUR, int(params["swing_bps"]), setup.end - setup.start
    script = []
    for time in range(setup.start + step, setup.end, step):
        done = time - setup.start
        asked = mul_div_down(between_down(*daily, done, whole), step, DAY)
        asked = mul_div_down(asked, BPS - swing + draws.randrange(2 * swing + 1), BPS)
        count = mul_div_down(asked, int(params["won_bps"]), BPS)
        served = {"count": count, "fees": count * between_down(*fee, done, whole)}
        script.append(Scripted(setup.first_from(time), "users", Action("serve", served)))
    return script


def _gwei(setup: Setup, name: str) -> int:
    where = f"venues.{setup.id}.params.{name}"
    try:
        amount = parse_amount(str(setup.params[name]), _GWEI)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=where) from None
    if not 0 <= amount <= 10**9 * 10**_GWEI:
        raise BadInput(f"{setup.params[name]}: not between 0 and a thousand million gwei", field=where)
    return amount


VENUE = Kind(
    "prover",
    "operator",
    "unproven",
    "Proving a zk rollup's batches: a fee for each transaction, less computing and the gas by which Ethereum checks a proof.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "tx_per_day": (300_000, "transactions to be proven a day at the start"),
        "tx_per_day_end": (300_000, "… and at the end"),
        "won_bps": (10_000, "the part of them that this prover is given"),
        "fee_gwei_per_tx": ("250", "what a transaction pays its prover at the start, gwei as text"),
        "fee_gwei_per_tx_end": ("250", "… and at the end"),
        "tx_per_proof": (50_000, "transactions that one proof holds at most"),
        "proof_gwei": ("1000000", "computing of a proof, however full it is, gwei as text"),
        "computing_gwei_per_tx": ("100", "computing for each transaction in it, gwei as text"),
        "verify_gas": (400_000, "gas by which a proof is checked"),
        "swing_bps": (1_000, "how far a tick's transactions may be off, by seed"),
        "every_hours": (6, "hours of a tick"),
    },
    limits={
        "tx_per_day": (0, 10**9),
        "tx_per_day_end": (0, 10**9),
        "won_bps": (0, 10_000),
        "tx_per_proof": (1, 10**9),
        "verify_gas": (0, 10**8),
        "swing_bps": (0, 10_000),
        "every_hours": (1, 168),
    },
    income="Transactions pay a fee to be proven; of it come computing and the gas by which each proof is checked on Ethereum.",
    risks=(
        "most rollups name their one prover, and who is given the work is theirs to decide; a market of provers bids fees down",
        "computing is paid when it is done, whatever gas and ether cost then; fees are those of the day of use",
        "a proof that a bug makes wrong or late stops withdrawals of everybody, and may cost collateral, which is not counted",
    ),
    verbs={"harvest": "collect"},
)
