"""A vault, or any token that stands for more and more of another, followed by a table of its share price or APY."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import RAY, div_down, format_amount
from tidemill.venues.erc4626.model import VaultModel, VaultState
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.shared.following import Follow, FollowingStage, hold
from tidemill.venues.shared.scripted import Holdings, Scripted

__all__ = ["BARS"]

_RAY = int(RAY)
_RAY_DIGITS = 27


def place(setup: Setup) -> Placed:
    """Make the vault; others hold it already, and what lies in it follows the price of a share."""
    params = setup.params
    asset, share, offset = str(params["asset"]), str(params["share"]), int(params["decimals_offset"])
    (decimals,) = setup.places(asset)
    if asset == share:
        raise BadInput(
            f"{share} is the asset already; a share is a token of its own", field=f"venues.{setup.id}.params.share"
        )
    state: dict[str, Any] = {
        "account": f"{setup.id}:vault",
        "asset": f"{asset}@{setup.network}",
        "share": f"{share}@{setup.network}",
        "decimals_offset": offset,
    }
    deposit = Action("deposit", {"assets": int(params["tvl"]) * 10**decimals})
    script = [Scripted(setup.first_from(setup.start), "others", deposit)]
    model, follow = VaultModel(), _follow(setup.market)

    def make() -> Stage:
        return FollowingStage(
            setup.id, setup.network, state["account"], model, model.init(state), script, setup.first_from, follow=follow
        )

    return Placed(make, {asset: decimals, share: decimals + offset}, shares=(share,))


def _follow(path: Any) -> Follow[VaultState]:
    def follow(state: VaultState, holdings: Holdings, now: int) -> None:
        price, shares = path.between("share_price", now), state.total_shares + state.offset_unit
        # One asset more than lies there, for the vault's virtual shares: so its own quotes give the price told.
        hold(holdings, state.asset, state.account, max(div_down(shares * price, _RAY * state.offset_unit) - 1, 0))

    return follow


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact vault would: what a whole share stands for."""
    (rate,) = stage.rates().values()
    (assets,) = rate.assets.values()
    price = div_down(assets * _RAY * stage.state.offset_unit, rate.shares)
    return {"share_price": format_amount(price, _RAY_DIGITS)}


BARS = Bars(
    place,
    params={
        "asset": (None, "symbol of the asset"),
        "share": (None, "symbol of the vault's share"),
        "decimals_offset": (0, "the vault's decimals offset"),
        "tvl": (1_000_000, "whole assets that others hold in it at the start"),
    },
    limits={"decimals_offset": (0, 12), "tvl": (1, 10**12)},
    mode="small",
    error=(
        "vault over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.02 %, at most 0.13 %; daily rows 0.21 %, at most 1.75 %; "
        "your part is not counted: with a hundredth of what others hold 0.84 % too much"
    ),
    sample=sample,
)
