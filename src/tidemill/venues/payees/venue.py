"""Payees as a study places them: a token and the names of those who are paid."""

from __future__ import annotations

import re
from pathlib import Path

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.venues.kinds import Kind, Placed, Setup
from tidemill.venues.payees.model import PayeesModel
from tidemill.venues.shared.scripted import ScriptedStage

__all__ = ["VENUE"]

_NAMES = re.compile(r"[A-Za-z][A-Za-z0-9_]{0,30}")


def place(setup: Setup) -> Placed:
    """Name the payees. Raises ``BadInput`` for a token without decimals, no names, or a name twice."""
    token = str(setup.params["token"])
    setup.places(token)
    names = tuple(name.strip() for name in str(setup.params["names"]).split(","))
    field = f"venues.{setup.id}.params.names"
    for name in names:
        if not _NAMES.fullmatch(name):
            raise BadInput(f"{name!r} is no name; write them with commas between: 'rent, partner'", field=field)
    if len({*names}) < len(names):
        raise BadInput("somebody is named twice", field=field)
    model, account = PayeesModel(), f"{setup.id}:payees"
    state = {"token": f"{token}@{setup.network}", "names": names}

    def make() -> Stage:
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), [], setup.first_from)

    return Placed(make, {})


VENUE = Kind(
    "payees",
    "payments",
    "rule-checked",
    "Accounts that are paid a token by plain transfer: the owner's money going out, not a loss.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token": (None, "symbol of the token that is paid"),
        "names": (None, "who is paid, with commas between"),
    },
    income="Nothing: what is paid is gone, and counts as taken out by its owner.",
    risks=(
        "a transfer cannot be taken back: an address with one wrong letter is lost money",
        "an exchange's address may want a memo, or the token on another network only",
    ),
    verbs={"leave": "pay"},
)
