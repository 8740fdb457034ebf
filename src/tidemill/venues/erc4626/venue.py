"""An ERC-4626 vault as a study places it: others hold it already, and its yield arrives as seeded transfers."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, mul_div_down
from tidemill.venues.erc4626.bars import BARS
from tidemill.venues.erc4626.model import VaultModel
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["VENUE"]

HOUR = 3_600
YEAR = 365 * 86_400


def place(setup: Setup) -> Placed:
    """Make the vault and its script: one large holder, and a transfer of yield every few hours, each ±50 % by seed."""
    params = setup.params
    asset, share, offset = str(params["asset"]), str(params["share"]), int(params["decimals_offset"])
    if asset not in setup.decimals:
        raise BadInput(f"decimals of {asset} are not known; add {asset} = … under [tokens]", field="tokens")
    if asset == share:
        raise BadInput(
            f"{share} is the asset already; a share is a token of its own", field=f"venues.{setup.id}.params.share"
        )
    decimals = setup.decimals[asset]
    tvl = int(params["tvl"]) * 10**decimals
    state: dict[str, Any] = {
        "account": f"{setup.id}:vault",
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "decimals_offset": offset,
    }
    model, script = VaultModel(), _script(setup, tvl)

    def make() -> Stage:
        return ScriptedStage(
            setup.id, setup.network, state["account"], model, model.init(state), script, setup.first_from
        )

    return Placed(make, {asset: decimals, share: decimals + offset}, shares=(share,))


def _script(setup: Setup, tvl: int) -> list[Scripted]:
    draws = setup.random("yield")
    every = int(setup.params["yield_every_hours"]) * HOUR
    script = [Scripted(setup.first_from(setup.start), "others", Action("deposit", {"assets": tvl}))]
    for time in range(setup.start + every, setup.end, every):
        mean = mul_div_down(tvl * int(setup.params["yield_bps"]), every, BPS * YEAR)
        amount = mul_div_down(mean, draws.randrange(5_000, 15_001), BPS)
        if amount:
            script.append(Scripted(setup.first_from(time), "others", Action("donate", {"assets": amount})))
    return script


VENUE = Kind(
    "erc4626",
    "vault",
    "bytecode-equal",
    "A share of a pot that grows by what is transferred into it.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of the asset"),
        "share": (None, "symbol of the vault's share"),
        "decimals_offset": (0, "the vault's decimals offset"),
        "tvl": (1_000_000, "whole assets that others hold in it at the start"),
        "yield_bps": (500, "yield of a year on that, in basis points"),
        "yield_every_hours": (6, "hours between transfers of yield"),
    },
    income="Assets are transferred into the vault by whoever runs its strategy, so each share stands for more of them.",
    risks=(
        "the strategy behind the vault loses assets: a share then stands for less, without any step of yours",
        "an empty vault's first shares can be made dear by a gift (a decimals offset makes that costly)",
        "assets lent on or locked by the strategy may not be there when you withdraw",
    ),
    limits={
        "decimals_offset": (0, 12),
        "tvl": (0, 10**12),
        "yield_bps": (0, 10**6),
        "yield_every_hours": (1, 10_000),
    },
    verbs={"enter": "deposit", "leave": "redeem"},
    bars=BARS,
    history=read_back("tidemill.venues.erc4626.history"),
)
