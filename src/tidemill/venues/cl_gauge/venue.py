"""A gauge as a study places it: one incentive over a pool of the study, brought by others."""

from __future__ import annotations

from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.venues.cl_gauge.model import GaugeModel
from tidemill.venues.cl_gauge.stage import GaugeStage
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.shared.scripted import Scripted

__all__ = ["LEAD", "LONGEST", "VENUE"]

DAY, HOUR = 86_400, 3_600
LEAD, LONGEST = 30 * DAY, 2 * 365 * DAY
"""How far ahead an incentive may start and how long it may last, as on Uniswap's own deployments."""


def place(setup: Setup) -> Placed:
    """Make the staker and its script: the incentive in the first block, and its end once it is over."""
    params, symbol = setup.params, str(setup.params["reward"])
    if symbol not in setup.decimals:
        raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    first = setup.first_from(setup.start)
    begins = first.time + int(params["begins_after_hours"]) * HOUR
    ends = begins + int(params["days"]) * DAY if int(params["days"]) else max(setup.end, begins + HOUR)
    field = f"venues.{setup.id}.params"
    if begins - first.time > LEAD:
        raise BadInput("an incentive may start 30 days ahead at most", field=f"{field}.begins_after_hours")
    if ends - begins > LONGEST:
        raise BadInput("an incentive may last two years at most", field=f"{field}.days")
    if not int(params["amount"]):
        raise BadInput("an incentive of nothing is refused; give 1 or more", field=f"{field}.amount")
    account = f"{setup.id}:staker"
    token = f"{symbol}@{setup.network}"
    state = {"account": account, "own": (token, str(params["pool"]), begins, ends, "others"), "lead": LEAD}
    amount = int(params["amount"]) * 10 ** setup.decimals[symbol]
    script = [Scripted(first, "others", Action("create_incentive", {"amount": amount}))]
    if ends < setup.end:
        script.append(Scripted(setup.first_from(ends), "others", Action("end_incentive")))

    def make() -> Stage:
        model = GaugeModel()
        made = model.init({**state, "longest": LONGEST})
        return GaugeStage(setup.id, setup.network, account, model, made, script, setup.first_from)

    return Placed(make, {symbol: setup.decimals[symbol]})


VENUE = Kind(
    "cl_gauge",
    "farm",
    "bytecode-equal",
    "Uniswap's v3 staker: position tokens staked, rewards by the seconds their liquidity is in range.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "pool": (None, "the study's name of the pool whose positions are staked (kind uniswap_v3)"),
        "reward": (None, "symbol of the token paid"),
        "amount": (None, "whole reward tokens of the incentive"),
        "begins_after_hours": (1, "hours from the study's start to the incentive's"),
        "days": (0, "how long it lasts; 0: to the study's end"),
    },
    income="An incentive of a fixed sum is shared by seconds: of each second, a stake gets the part that its liquidity is of "
    "all the pool's liquidity in range, staked or not. Its fees go on beside it.",
    risks=(
        "out of range it earns nothing, and what nobody staked for is paid back to whoever brought the incentive",
        "rewards are credited by unstaking only; after the end late seconds count as well, and dilute who is out of range",
        "while it is staked the token lies at the contract: closing or collecting takes unstaking and withdrawing first",
    ),
    verbs={"enter": "stake", "harvest": "harvest", "leave": "exit"},
    history=read_back("tidemill.venues.cl_gauge.history"),
)
