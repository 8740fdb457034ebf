"""Liquid staking as a study places it: reports of what validators earn, perhaps a loss, and a queue; or its bridged form."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, WAD, mul_div_down, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.liquid_staking.model import StakingModel
from tidemill.venues.liquid_staking.model_bridged import BridgedModel
from tidemill.venues.liquid_staking.stage import StakingStage
from tidemill.venues.shared.scripted import Scripted

__all__ = ["VENUE"]

HOUR = 3_600
DAY = 24 * HOUR
YEAR = 365 * DAY
REPORTER = "reporter"
_OWN_RULE = (
    "the contract is ours, written from the public rule (rule-checked): that a deployed one answers the same to the wei is not "
    "proven"
)
_AT_ITS_RATE = (
    "held tokens are valued at the rate; what a market pays for them (a depeg) counts where they are sold, so close the position "
    "there to see it in the headline"
)


def place(setup: Setup) -> Placed:
    """Make the contract, or the bridged token's rate, with its script.

    Raises
    ------
    BadInput : a token's decimals are not known, or a parameter has no meaning.
    """
    _check(setup)
    asset, share = (str(setup.params[name]) for name in ("asset", "share"))
    bridged = setup.params["form"] == "bridged"
    make = _bridged(setup) if bridged else lambda: _staking(setup, _script(setup))
    decimals = setup.decimals[asset]
    said = f"{setup.id}: rewards are seeded draws about the stated rate, sized for what others have staked"
    notes = (said, f"{setup.id}: {_OWN_RULE}", f"{setup.id}: {_AT_ITS_RATE}")
    return Placed(make, {asset: decimals, share: decimals}, shares=(share,), notes=lambda: notes)


def _check(setup: Setup) -> None:
    params, where = setup.params, f"venues.{setup.id}.params"
    asset = str(params["asset"])
    if asset not in setup.decimals:
        raise BadInput(f"decimals of {asset} are not known; add {asset} = … under [tokens]", field="tokens")
    if asset == str(params["share"]):
        raise BadInput("asset and share must differ", field=f"{where}.share")
    if params["form"] not in ("staking", "bridged"):
        raise BadInput(f"{params['form']!r}: a form is staking or bridged", field=f"{where}.form")
    within = {"fee_bps": (0, BPS - 1), "slash_bps": (0, BPS - 1), "report_every_hours": (1, 10_000),
              "heartbeat_hours": (1, 10_000), "staked": (1, 10**15), "max_request": (1, 10**15)}  # fmt: skip
    for name, (low, high) in within.items():
        if not low <= int(params[name]) <= high:
            raise BadInput(f"{params[name]}: must be {low} to {high}", field=f"{where}.{name}")
    _rate(setup)


def _rate(setup: Setup) -> int:
    """Return the rate at the start, a wad; 1 or more, as it has grown since the contract was made."""
    try:
        rate = parse_amount(str(setup.params["rate"]), 18)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=f"venues.{setup.id}.params.rate") from None
    if not WAD <= rate <= 1_000 * WAD:
        raise BadInput(f"{setup.params['rate']}: a rate begins at 1 and grows", field=f"venues.{setup.id}.params.rate")
    return rate


def _staking(setup: Setup, script: list[Scripted]) -> StakingStage:
    params, account = setup.params, f"{setup.id}:staking"
    every, model = int(params["report_every_hours"]) * HOUR, StakingModel()
    asset, share = (str(params[name]) for name in ("asset", "share"))
    state: dict[str, Any] = {
        "venue": setup.id,
        "account": account,
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "reporter": REPORTER,
        "treasury": f"{setup.id}:treasury",
        "fee_bps": int(params["fee_bps"]),
        "max_request": int(params["max_request"]) * 10 ** setup.decimals[asset],
        "expected": (setup.start + every, every, int(params["queue_days"]) * DAY),
    }
    return StakingStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)


def _script(setup: Setup) -> list[Scripted]:
    """Others stake in the first block; a report every few hours; in the report of its day, a loss instead of rewards.

    Reports go on behind the end for as long as a request made then waits.
    """
    params, draws = setup.params, setup.random("rewards")
    unit, every = 10 ** setup.decimals[str(params["asset"])], int(params["report_every_hours"]) * HOUR
    first, age = setup.first_from(setup.start), int(params["queue_days"]) * DAY
    shares = int(params["staked"]) * unit * WAD // _rate(setup)
    total = int(params["staked"]) * unit
    # Holders keep all of a report but the fee, so it must be so much larger to bring them to the rate.
    grown = mul_div_down(total - shares, BPS, BPS - int(params["fee_bps"]))
    script = [Scripted(first, "others", Action("stake", {"amount": shares}))]
    if grown:
        script.append(Scripted(first, REPORTER, Action("report_rewards", {"amount": grown})))
    total = shares + grown
    mean = mul_div_down(total * int(params["apr_bps"]), every, BPS * YEAR)
    slashed_at = setup.start + int(params["slash_day"]) * DAY if int(params["slash_bps"]) else setup.start
    for time in range(setup.start + every, setup.end + age + 3 * every + DAY, every):
        at = setup.first_from(time)
        amount = mul_div_down(mean, draws.randrange(BPS // 2, BPS + BPS // 2 + 1), BPS)
        if time - every < slashed_at <= time and slashed_at > setup.start:
            lost = mul_div_down(total, int(params["slash_bps"]), BPS)
            script.append(Scripted(at, REPORTER, Action("report_slashing", {"amount": lost})))
        elif amount:
            script.append(Scripted(at, REPORTER, Action("report_rewards", {"amount": amount})))
        script.append(Scripted(at, REPORTER, Action("finalize", {"until": time - age})))
    return script


def _bridged(setup: Setup) -> Any:
    """Return what makes the bridged form: the contract's rate, brought over at each heartbeat."""
    pushes = list(_pushes(setup))
    account, model, feeder = f"{setup.id}:rate", BridgedModel(), "feeder"
    tokens = {name: f"{setup.params[name]}@{setup.network}" for name in ("asset", "share")}
    state: dict[str, Any] = {"account": account, "feeder": feeder, "rate": _rate(setup), **tokens}
    script = [Scripted(setup.first_from(time), feeder, Action("push", {"rate": rate})) for time, rate in pushes]

    def make() -> Stage:
        return StakingStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    return make


def _pushes(setup: Setup) -> Iterator[tuple[int, int]]:
    """Yield (time, rate) of each heartbeat, by playing the contract at home."""
    home = _staking(setup, _script(setup))
    beat = int(setup.params["heartbeat_hours"]) * HOUR
    for time in range(setup.start + beat, setup.end, beat):
        home.advance(setup.first_from(time))
        yield time, int(home.read("getRate"))


VENUE = Kind(
    "liquid_staking",
    "vault",
    "rule-checked",
    "A staking token whose exchange rate grows (wstETH, rETH, weETH), with its queue of withdrawals, or bridged.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of what is staked"),
        "share": (None, "symbol of the staking token"),
        "form": (
            "staking",
            "staking (stake, and leave by the queue), or bridged (a rate alone; trade the token at a pool)",
        ),
        "rate": ("1.2", 'assets for one token at the start, as text ("1.2")'),
        "staked": (1_000_000, "whole assets that others have staked"),
        "apr_bps": (300, "what validators earn in a year on that, in basis points, before the fee"),
        "fee_bps": (1_000, "the protocol's part of it (0 to 9999)"),
        "report_every_hours": (24, "hours between reports, each ±50 % by seed"),
        "queue_days": (3, "days that a request must be old to be finalised by a report"),
        "max_request": (1_000, "whole assets that one request may ask for"),
        "slash_bps": (0, "part of everything staked that is lost once"),
        "slash_day": (30, "day of the study on which that is reported"),
        "heartbeat_hours": (24, "bridged: hours between updates of the rate"),
    },
    income="Validators earn for what is staked; a report adds it to what every token stands for, less the protocol's part.",
    risks=(
        "slashing: what validators lose every token loses, and requests that wait in the queue lose it too",
        "leaving takes days, and earns nothing meanwhile; a market may pay less than the rate (a depeg)",
        "where the token is bridged it cannot be redeemed at all, and its rate there is as old as the last update",
    ),
    verbs={"enter": "stake", "leave": "request_withdrawal"},
    history=read_back("tidemill.venues.liquid_staking.history"),
)
