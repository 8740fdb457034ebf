"""Views of a market by the contracts' own names, and holdings as the books see them."""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from tidemill.interfaces import Position
from tidemill.venues.aave_v3.model_account import account, owed, supplied
from tidemill.venues.aave_v3.model_reserve import debt_index, income_index
from tidemill.venues.aave_v3.rules_risk import available_borrows
from tidemill.venues.aave_v3.rules_v36 import available_borrows_down
from tidemill.venues.aave_v3.state import MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, balance

__all__ = ["positions", "read"]


def read(state: MarketState, query: str, *args: Any) -> Any:
    """Answer a view. Those of a reserve take its token id first; those that move with time take seconds last.

    Of the pool: getUserAccountData, getReserveData, getReserveNormalizedIncome, getReserveNormalizedVariableDebt,
    getReserveDeficit and getVirtualUnderlyingBalance (both of v3.6), getUserConfiguration, getUserEMode. Of the oracle:
    getAssetPrice. Of the two tokens of a reserve: aToken.balanceOf, aToken.scaledBalanceOf, aToken.totalSupply,
    aToken.scaledTotalSupply, and the same of variableDebtToken.

    Raises ``KeyError`` for an unknown view or reserve.
    """
    if query == "getUserAccountData":
        seen = account(state, args[0], args[1])
        may = available_borrows if state.version == V30 else available_borrows_down
        free = may(seen.collateral, seen.debt, seen.ltv)
        return seen.collateral, seen.debt, free, seen.threshold, seen.ltv, seen.health
    if query == "getUserConfiguration":
        return _configuration(state, args[0])
    if query == "getUserEMode":
        return state.emode.get(args[0], 0)
    if query == "getAssetPrice":
        return state.price(args[0])
    reserve = state.reserves[args[0]]
    token, _, view = query.partition(".")
    if view:
        return _token(reserve, view, *args[1:], debt={"aToken": False, "variableDebtToken": True}[token])
    if query == "getReserveNormalizedIncome":
        return income_index(reserve, args[1])
    if query == "getReserveNormalizedVariableDebt":
        return debt_index(reserve, args[1])
    if query == "getReserveDeficit":
        return reserve.deficit
    if query == "getVirtualUnderlyingBalance":
        return reserve.virtual
    if query == "getReserveData":
        return {
            "liquidityIndex": reserve.liquidity_index,
            "currentLiquidityRate": reserve.liquidity_rate,
            "variableBorrowIndex": reserve.variable_index,
            "currentVariableBorrowRate": reserve.variable_rate,
            "currentStableBorrowRate": reserve.stable_rate,
            "lastUpdateTimestamp": reserve.updated,
            "id": reserve.id,
            "accruedToTreasury": reserve.accrued,
            "isolationModeTotalDebt": reserve.isolated_debt,
        }
    raise KeyError(query)


def positions(state: MarketState, venue: str, owner: str, now: int) -> Sequence[Position]:
    """Return what ``owner`` supplies and owes at ``now``: two positions, each with all reserves, where there is any.

    ``size`` is the sum of scaled balances: it moves with what is put in and taken out, not with time.
    """
    out = []
    for name, sign in (("supply", 1), ("debt", -1)):
        amounts, size = {}, 0
        for reserve in state.reserves.values():
            scaled = (reserve.supplied if sign > 0 else reserve.owed).get(owner, 0)
            size += scaled
            if amount := (supplied if sign > 0 else owed)(reserve, owner, now):
                amounts[reserve.asset] = sign * amount
        if size:
            out.append(Position(f"{venue}#{name}", venue, name, {"size": size}, amounts, {}))
    return out


def _token(reserve: ReserveState, view: str, *args: Any, debt: bool) -> int:
    balances, total = (reserve.owed, reserve.total_owed) if debt else (reserve.supplied, reserve.total_supplied)
    if view == "scaledTotalSupply":
        return total
    if view == "scaledBalanceOf":
        return balances.get(args[0], 0)
    if view == "getPreviousIndex":
        return (reserve.owed_index if debt else reserve.supplied_index).get(args[0], 0)
    index = (debt_index if debt else income_index)(reserve, args[-1])
    if view == "totalSupply":
        return balance(reserve, total, index, debt=debt)
    if view == "balanceOf":
        return balance(reserve, balances.get(args[0], 0), index, debt=debt)
    raise KeyError(view)


def _configuration(state: MarketState, who: str) -> int:
    """The contract's word: for each reserve a bit for owing and one for use as collateral."""
    out = 0
    for reserve in state.reserves.values():
        out |= (state.borrowed.get(who, 0) >> reserve.id & 1) << 2 * reserve.id
        out |= (state.collateral.get(who, 0) >> reserve.id & 1) << 2 * reserve.id + 1
    return out
