"""An Aave v3 reserve followed by a table of its indices or rates: own supplies and debts meet the exact rules."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadData, BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, RAY, WAD, format_amount
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.model_account import account
from tidemill.venues.aave_v3.state import MarketState
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.shared.following import Follow, FollowingStage
from tidemill.venues.shared.scripted import Holdings, Scripted

__all__ = ["BARS"]

_PRICE = 10**8
_RAY_DIGITS = 27


def place(setup: Setup) -> Placed:
    """Make a market of the asset, and of a collateral that earns nothing where one is named; others lend the asset."""
    params = setup.params
    symbols = [str(params[name]) for name in ("asset", "collateral") if params[name]]
    places = setup.places(*symbols)
    if len(set(symbols)) < len(symbols):
        raise BadInput("asset and collateral are the same token", field=f"venues.{setup.id}.params.collateral")
    ids, path = [f"{symbol}@{setup.network}" for symbol in symbols], setup.market
    accounts = [f"{setup.id}:a{symbol}" for symbol in symbols]
    told = [int(params["asset_price"]), int(params["collateral_price"])]
    state: dict[str, Any] = {
        "treasury": "treasury",
        "reserves": [
            {
                "asset": token,
                "account": account,
                "decimals": digits,
                "config": _config(setup, borrowing=token == ids[0] and "borrow_index" in path.figures),
                "curve": {"optimal": int(RAY), "base": 0, "slope1": 0, "slope2": 0},
            }
            for token, account, digits in zip(ids, accounts, places, strict=True)
        ],
        "prices": {token: price * _PRICE for token, price in zip(ids, told, strict=False)},
    }
    lent = int(params["supplied"]) * 10 ** places[0]
    supply = Action("supply", {"asset": ids[0], "amount": lent})
    first = [Scripted(setup.first_from(setup.start), "lenders", supply)] if lent else []
    model, follow = MarketModel(), _follow(path, ids[0])

    def make() -> Stage:
        return FollowingStage(
            setup.id, setup.network, accounts[0], model, model.init(state), first, setup.first_from,
            beside=accounts[1:], follow=follow,
        )  # fmt: skip

    return Placed(make, dict(zip(symbols, places, strict=True)), notes=lambda: _notes(setup))


def _config(setup: Setup, *, borrowing: bool) -> dict[str, int]:
    params = setup.params
    return {
        "ltv": int(params["ltv_bps"]),
        "threshold": int(params["threshold_bps"]),
        "bonus": int(BPS) + int(params["bonus_bps"]),
        "supply_cap": int(params["supply_cap"]),
        "borrowing": borrowing,
    }


def _follow(path: Any, asset: str) -> Follow[MarketState]:
    def follow(state: MarketState, _: Holdings, now: int) -> None:
        reserve = state.reserves[asset]
        reserve.liquidity_index = path.between("supply_index", now)
        reserve.liquidity_rate = path.slope("supply_index", now)
        if "borrow_index" in path.figures:
            reserve.variable_index = path.between("borrow_index", now)
            reserve.variable_rate = path.slope("borrow_index", now)
        reserve.config.frozen, reserve.config.paused = path.flag("frozen", now), path.flag("paused", now)
        for one in state.reserves.values():
            one.updated = now
        if state.borrowed.get("me") and (health := account(state, "me", now).health) < WAD:
            raise BadData(
                f"{path.file}: at {now} the debt is under water (health factor {format_amount(health, 18, 4)}): a liquidator "
                "would come, whom no table of rates tells of; borrow less"
            )

    return follow


def _notes(setup: Setup) -> tuple[str, ...]:
    said = ["rates as in the table whatever you lend or borrow", "the oracle's prices stand still"]
    if "borrow_index" not in setup.market.figures:
        said.append("borrowing is refused: the table has no rate of debt")
    if setup.params["collateral"]:
        said.append("the collateral earns nothing")
    return (f"{setup.id}: {'; '.join(said)}",)


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact market's first reserve would: both indices at ``now``."""
    asset = next(iter(stage.state.reserves))
    views = {"supply_index": "getReserveNormalizedIncome", "borrow_index": "getReserveNormalizedVariableDebt"}
    return {name: format_amount(stage.read(view, asset, now), _RAY_DIGITS) for name, view in views.items()}


BARS = Bars(
    place,
    params={
        "asset": (None, "symbol of the token lent and borrowed"),
        "collateral": ("", "symbol of a token to borrow against; empty: none"),
        "supplied": (10_000_000, "whole tokens that others have lent and that lie ready"),
        "asset_price": (1, "price of the asset in the oracle's base currency, whole"),
        "collateral_price": (3_000, "price of the collateral in the oracle's base currency, whole"),
        "ltv_bps": (7_500, "most that collateral lends"),
        "threshold_bps": (8_000, "debt per collateral at which it is liquidated"),
        "bonus_bps": (500, "what a liquidator gains"),
        "supply_cap": (0, "most whole tokens that may be lent, 0 for no cap"),
    },
    limits={
        "supplied": (0, 10**12),
        "asset_price": (1, 10**9),
        "collateral_price": (1, 10**9),
        "ltv_bps": (1, 10_000),
        "threshold_bps": (1, 10_000),
        "bonus_bps": (0, 10_000),
        "supply_cap": (0, 2**36 - 1),
    },
    mode="small",
    error=(
        "lending over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.02 %, at most 0.03 %; daily rows 0.02 %, at most 0.06 %; "
        "your part is not counted: with a hundredth of what others hold 1.76 % too much"
    ),
    sample=sample,
)
