"""A manager as a study places it: clients by seed, what their money earns each day, who comes and goes, periods of fees."""

from __future__ import annotations

from pathlib import Path
from random import Random
from typing import Any

from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, div_down, format_amount, mul_div_down
from tidemill.venues.custodian.model import CustodianModel
from tidemill.venues.custodian.rules import YEAR, Client, asset_fee_down, profit_fee_down
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

DAY, MONTH = 86_400, 30
_IN_BPS = 10**5
"""Billionths in a basis point."""
_ASSUMED = (
    "clients, what their money earns and who comes and goes are seeded draws about the stated levels; fees hang on them. People, "
    "servers, audits, insurance and licences are not counted"
)


def place(setup: Setup) -> Placed:
    """Make the book of clients. Raises ``BadInput`` for a token without decimals."""
    params = setup.params
    token, account = str(params["token"]), f"{setup.id}:fees"
    (decimals,) = setup.places(token)
    book = _book(setup, 10**decimals)
    state: dict[str, Any] = {
        "venue": setup.id,
        "account": account,
        "token": f"{token}@{setup.network}",
        "operator": "me",
        "asset_bps": int(params["asset_fee_bps"]),
        "profit_bps": int(params["profit_fee_bps"]),
    }
    model, script = CustodianModel(), _script(setup)

    def make() -> Stage:
        made = model.init({**state, "book": dict(book), "since": dict.fromkeys(book, setup.start)})
        return ScriptedStage(setup.id, setup.network, account, model, made, script, setup.first_from)

    notes = (f"{setup.id}: {_says(setup, 10**decimals, decimals)}", f"{setup.id}: {_ASSUMED}")
    return Placed(make, {}, notes=lambda: notes)


def _book(setup: Setup, unit: int) -> dict[int, Client]:
    """Share the assets at the start among clients by drawn weights of 1 to 100; the last one takes what rounding leaves."""
    draws, count, whole = setup.random("clients"), int(setup.params["clients"]), int(setup.params["assets"]) * unit
    weights = [1 + draws.randrange(100) for _ in range(count)]
    values = [mul_div_down(whole, weight, sum(weights)) for weight in weights]
    values[-1] += whole - sum(values)
    return {name: Client(value, value) for name, value in enumerate(values)}


def _script(setup: Setup) -> list[Scripted]:
    params, draws = setup.params, setup.random("days")
    names, script = int(params["clients"]), []
    for number, time in enumerate(range(setup.start + DAY, setup.end, DAY), 1):
        block = setup.first_from(time)
        script.append(Scripted(block, "clients", Action("day", _drawn(params, draws, number, names))))
        if number % int(params["period_days"]) == 0:
            script.append(Scripted(block, "clients", Action("charge")))
    return script


def _drawn(params: Any, draws: Random, number: int, names: int) -> dict[str, int]:
    """Draw a day: a result, and on a third of all days each somebody who leaves with money and somebody who brings some."""
    drift, swing = int(params["result_bps"]), int(params["swing_bps"])
    billionths = div_down(drift * _IN_BPS, 365) - swing * _IN_BPS + draws.randrange(2 * swing * _IN_BPS + 1)
    leaves, comes = draws.randrange(3) == 0, draws.randrange(3) == 0
    return {
        "result_ppb": max(billionths, -BPS * _IN_BPS),
        "client": draws.randrange(names),
        "new": draws.randrange(names),
        "out_bps": div_down(int(params["out_bps_month"]) * 3, MONTH) if leaves else 0,
        "in_bps": div_down(int(params["in_bps_month"]) * 3, MONTH) if comes else 0,
        "run_bps": int(params["run_bps"]) if number == int(params["run_day"]) else 0,
    }


def _says(setup: Setup, unit: int, decimals: int) -> str:
    """Say what a year would pay if the book stayed as it is, the drift came without swings and nobody moved."""
    params = setup.params
    whole = int(params["assets"]) * unit
    grown = max(mul_div_down(whole, BPS + int(params["result_bps"]), BPS), 0)
    on_assets = asset_fee_down(whole, int(params["asset_fee_bps"]), YEAR)
    on_profit = profit_fee_down(max(grown - on_assets, 0), whole, int(params["profit_fee_bps"]))
    gains = format_amount(int(params["result_bps"]), 2)
    shown = " and ".join(format_amount(amount, decimals, 0) for amount in (on_assets, on_profit))
    return (
        f"a still book of {params['assets']:,} {params['token']} that gains {gains} % would pay "
        f"{shown} a year on assets and on profit; swings add to the second, as losses are not paid back"
    )


VENUE = Kind(
    "custodian",
    "operator",
    "unproven",
    "Managing for others: fees on assets and on profit above each client's high-water mark, over a book that comes and goes.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the token that clients' money is in"),
        "clients": (40, "clients at the start"),
        "assets": (5_000_000, "whole tokens that they have in all"),
        "asset_fee_bps": (100, "a year on assets"),
        "profit_fee_bps": (1_000, "of profit above a client's mark"),
        "period_days": (90, "days from one charge to the next; who leaves before is charged then"),
        "result_bps": (400, "what clients' money earns a year, before fees"),
        "swing_bps": (50, "how far a day's result may be off, by seed"),
        "in_bps_month": (200, "brought in a month, of all that is managed"),
        "out_bps_month": (200, "taken out a month, of all that is managed"),
        "run_day": (0, "day of the study on which all take out a part at once; 0: never"),
        "run_bps": (0, "which part"),
    },
    limits={
        "clients": (1, 2_000),
        "assets": (1, 10**10),
        "asset_fee_bps": (0, 2_000),
        "profit_fee_bps": (0, 5_000),
        "period_days": (1, 365),
        "result_bps": (0, 10_000),
        "swing_bps": (0, 2_000),
        "in_bps_month": (0, 5_000),
        "out_bps_month": (0, 5_000),
        "run_day": (0, 10_000),
        "run_bps": (0, 10_000),
    },
    income="Clients pay a part of what they have, by time, and a part of what they gained since they were last above water.",
    risks=(
        "managing others' money is licensed work nearly everywhere; no contract and no page of tidemill makes it otherwise",
        "clients leave when it goes badly: then assets, and fees on them, fall twice, and marks stand above what is left",
        "fees on profit are paid for luck as well, and nobody pays back what a later loss takes",
        "what is held for others can be lost for others, and they ask for it back",
    ),
    verbs={"harvest": "collect"},
)
