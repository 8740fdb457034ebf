"""A Morpho Blue market followed by a table of its indices or rates: own supplies and debts meet the exact rules.

The market's totals are set so that a share of supply, and one of debt, is worth what the table's index says.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadData, BadInput
from tidemill.interfaces import Stage
from tidemill.units import BPS, RAY, WAD, div_down, format_amount, mul_div_down
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.morpho_blue.accrual import rate_of
from tidemill.venues.morpho_blue.model import MorphoModel
from tidemill.venues.morpho_blue.others import oracle_price
from tidemill.venues.morpho_blue.rules import VIRTUAL_ASSETS, VIRTUAL_SHARES, utilisation_down
from tidemill.venues.morpho_blue.state import FREE, Account, MarketState, MorphoState
from tidemill.venues.shared.following import Follow, FollowingStage, hold
from tidemill.venues.shared.scripted import Holdings

__all__ = ["BARS"]

_RAY = int(RAY)
_RAY_DIGITS = 27
_YEAR = 365 * 86_400
_LENT = 100
"""One part in so many of what others supply is borrowed at the start: enough for a share of debt to have a price."""


def place(setup: Setup) -> Placed:
    """Make the market, in which others lend and borrow already; it has no rate of its own."""
    params, path = setup.params, setup.market
    symbols = [str(params[name]) for name in ("loan", "collateral") if params[name]]
    places = setup.places(*symbols)
    if len(set(symbols)) < len(symbols):
        raise BadInput("loan and collateral are the same token", field=f"venues.{setup.id}.params.collateral")
    loan, *carries = (f"{symbol}@{setup.network}" for symbol in symbols)
    borrows = bool(carries) and "borrow_index" in path.figures
    price = oracle_price(setup, places[0], places[1]) if carries else 0
    lltv = (
        mul_div_down(int(params["lltv_bps"]), WAD, BPS) if borrows else 0
    )  # nothing is lent on what counts for nothing
    account, model = f"{setup.id}:morpho", MorphoModel()
    supplied, owed = int(params["supplied"]) * 10 ** places[0], int(params["supplied"]) * 10 ** places[0] // _LENT

    def make() -> Stage:
        market = MarketState(setup.id, loan, "".join(carries), FREE, lltv, price, last_update=setup.start)
        market.supply_shares = _shares(supplied, path.between("supply_index", setup.start))
        market.borrow_shares = _shares(owed, path.between("borrow_index", setup.start) if borrows else _RAY)
        market.accounts = {"lenders": Account(market.supply_shares), "borrowers": Account(0, market.borrow_shares)}
        state = MorphoState(account, "owner", markets={setup.id: market})
        return FollowingStage(
            setup.id, setup.network, account, model, state, [], setup.first_from, follow=_follow(path, borrows=borrows)
        )

    return Placed(make, dict(zip(symbols, places, strict=True)), notes=lambda: _notes(setup, borrows=borrows))


def _shares(assets: int, index: int) -> int:
    return div_down(assets * VIRTUAL_SHARES * _RAY, index)


def _assets(shares: int, index: int) -> int:
    """Return the total at which the contract's own quotes give the price told: its virtual asset is one of it."""
    return max(div_down((shares + VIRTUAL_SHARES) * index, VIRTUAL_SHARES * _RAY) - VIRTUAL_ASSETS, 0)


def _follow(path: Any, *, borrows: bool) -> Follow[MorphoState]:
    def follow(state: MorphoState, holdings: Holdings, now: int) -> None:
        (market,) = state.markets.values()
        market.supply_assets = _assets(market.supply_shares, path.between("supply_index", now))
        market.borrow_assets = _assets(market.borrow_shares, path.between("borrow_index", now) if borrows else _RAY)
        hold(holdings, market.loan, state.account, max(market.supply_assets - market.borrow_assets, 0))
        mine = market.of("me")
        if mine.borrow_shares and not market.healthy(mine):
            raise BadData(
                f"{path.file}: at {now} the debt is under water: a liquidator would come, whom no table of rates tells "
                "of; borrow less"
            )

    return follow


def _notes(setup: Setup, *, borrows: bool) -> tuple[str, ...]:
    said = ["rates as in the table whatever you lend or borrow", "the oracle's price stands still"]
    if not borrows:
        lacks = "the table has no rate of debt" if setup.params["collateral"] else "no collateral is named"
        said.append(f"borrowing is refused: {lacks}")
    if setup.params["collateral"]:
        said.append("the collateral earns nothing")
    return (f"{setup.id}: {'; '.join(said)}",)


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact market would: what a share of supply and one of debt is worth, beside the first ones;
    and what a dashboard shows: the yearly rate of debt, how much is lent out, the protocol's part.
    """
    (market,) = stage.state.markets.values()
    ahead = stage.model.at(stage.state, market, now)
    totals = {
        "supply_index": (ahead.supply_assets, ahead.supply_shares),
        "borrow_index": (ahead.borrow_assets, ahead.borrow_shares),
    }
    rate = rate_of(ahead, now)[0] * _YEAR if ahead.irm else 0
    shown = {
        "borrow_rate": rate,
        "utilisation": utilisation_down(ahead.supply_assets, ahead.borrow_assets),
        "reserve_factor": ahead.fee,
    }
    indices = {
        name: format_amount(
            mul_div_down(assets + VIRTUAL_ASSETS, VIRTUAL_SHARES * _RAY, shares + VIRTUAL_SHARES), _RAY_DIGITS
        )
        for name, (assets, shares) in totals.items()
    }
    return indices | {name: format_amount(value, 18) for name, value in shown.items()}


BARS = Bars(
    place,
    params={
        "loan": (None, "symbol of the token lent"),
        "collateral": ("", "symbol of a token to borrow against; empty: none"),
        "price": ("3000", "what the oracle says one collateral is worth in the loan token"),
        "lltv_bps": (8_600, "liquidation loan-to-value, basis points (1 to 9999)"),
        "supplied": (10_000_000, "whole loan tokens that others lend"),
    },
    limits={"lltv_bps": (1, 9_999), "supplied": (1, 10**12)},
    mode="small",
    error=(
        "a Morpho market over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.04 %, at most 0.07 %; daily rows 0.27 %, at most 1.53 %; from rates of debt and usage "
        "hourly rows 0.01 %, at most 0.02 %; daily rows 3.09 %, at most 8.77 %; "
        "your part is not counted: with a hundredth of what others hold 25.64 % too much, "
        "as the rate falls steeply from where nearly all is lent"
    ),
    sample=sample,
)
