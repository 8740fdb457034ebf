"""A savings vault as a study places it: others save already, somebody touches it daily, its governor may change the rate."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.savings_vault.model import ONE, SavingsModel
from tidemill.venues.savings_vault.rules import ray_pow_half_up
from tidemill.venues.savings_vault.stage import SavingsStage
from tidemill.venues.shared.scripted import Scripted

__all__ = ["VENUE", "per_second_up"]

DAY = 86_400
YEAR = 365 * DAY
MOST_BPS = 100_000
_OWN_RULE = (
    "the contract is ours, written from the public rule (rule-checked): that a deployed one answers the same to the wei is not "
    "proven"
)


def per_second_up(apy_bps: int) -> int:
    """Return the least rate per second, a ray, that compounds to so much in a year of 365 days.

    >>> per_second_up(500)
    1000000001547125957863212450
    """
    target, low, high = ONE + ONE * apy_bps // BPS, ONE, ONE + ONE * apy_bps // BPS // YEAR + 1
    while low < high:
        middle = (low + high) // 2
        if ray_pow_half_up(middle, YEAR) >= target:
            high = middle
        else:
            low = middle + 1
    return low


def place(setup: Setup) -> Placed:
    """Make the vault and its script.

    Raises
    ------
    BadInput : the asset's decimals are not known, or a rate is beyond ten times a year.
    """
    params, account = setup.params, f"{setup.id}:vault"
    asset, share = (str(params[name]) for name in ("asset", "share"))
    if asset not in setup.decimals:
        raise BadInput(f"decimals of {asset} are not known; add {asset} = … under [tokens]", field="tokens")
    for name in ("apy_bps", "later_bps"):
        if int(params[name]) > MOST_BPS:
            raise BadInput(f"{params[name]}: at most {MOST_BPS}", field=f"venues.{setup.id}.params.{name}")
    state: dict[str, Any] = {
        "account": account,
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "governor": "governor",
        "rate": per_second_up(int(params["apy_bps"])),
        "rho": setup.start - 1,
    }
    model, script = SavingsModel(), _script(setup, asset)

    def make() -> Stage:
        return SavingsStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    decimals = setup.decimals[asset]
    notes = (f"{setup.id}: {_OWN_RULE}",)
    return Placed(make, {asset: decimals, share: decimals}, shares=(share,), notes=lambda: notes)


def _script(setup: Setup, asset: str) -> list[Scripted]:
    params, first = setup.params, setup.first_from(setup.start)
    script = [
        Scripted(first, "others", Action("deposit", {"assets": int(params["tvl"]) * 10 ** setup.decimals[asset]}))
    ]
    changes = setup.start + int(params["later_day"]) * DAY if int(params["later_day"]) else 0
    for time in range(setup.start + DAY, setup.end, DAY):
        if time == changes:
            rate = per_second_up(int(params["later_bps"]))
            script.append(Scripted(setup.first_from(time), "governor", Action("set_rate", {"rate": rate})))
        script.append(Scripted(setup.first_from(time), "others", Action("drip")))
    return script


VENUE = Kind(
    "savings_vault",
    "vault",
    "rule-checked",
    "A share that grows by a rate per second, set by its issuer (sDAI, sUSDS).",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of the asset"),
        "share": (None, "symbol of the vault's share"),
        "apy_bps": (500, "what a year compounds to, in basis points (0 to 100000)"),
        "later_day": (0, "day of the study on which the issuer changes that; 0: never"),
        "later_bps": (0, "what a year compounds to from then on"),
        "tvl": (1_000_000, "whole assets that others save in it; they touch it once a day"),
    },
    income="The issuer mints interest at a rate that it sets, from what it earns elsewhere; it compounds every second.",
    risks=(
        "the rate is the issuer's to change, from one block to the next and down to nothing",
        "the asset is a claim on the issuer: if what stands behind it is lost, so is its price",
    ),
    verbs={"enter": "deposit", "leave": "redeem"},
    history=read_back("tidemill.venues.savings_vault.history"),
)
