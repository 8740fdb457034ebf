"""Borrowing at the variable rate, and repaying."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_account import (
    check_healthy,
    isolation,
    owed,
    set_borrowed,
    set_collateral_bit,
    supplied,
    uses,
    valued,
)
from tidemill.venues.aave_v3.model_emode import lends_in
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, burn, issue, update_rates
from tidemill.venues.aave_v3.model_supply import ALL, check_open
from tidemill.venues.aave_v3.rules_risk import HEALTHY, collateral_needed, isolated_units_down, value_down
from tidemill.venues.aave_v3.rules_v36 import percent_mul_down
from tidemill.venues.aave_v3.state import MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, balance, shares

__all__ = ["borrow", "free_isolated", "repay"]

_VARIABLE = 2


def borrow(state: MarketState, reserve: ReserveState, acting: Acting, amount: int) -> int:
    """Borrow at the variable rate against what is used as collateral."""
    me = acting.sender
    accrue(reserve, acting)
    isolated = isolation(state, me)
    _check_lent(state, reserve, me, amount)
    if state.version == V30:
        _check_isolated(reserve, amount, isolated)
        _check_value(state, reserve, acting, amount)
        _check_siloed(state, reserve, me)
    else:
        _check_siloed(state, reserve, me)
        _check_isolated(reserve, amount, isolated)
    if issue(reserve, acting, me, amount, debt=True):
        set_borrowed(state, acting, me, reserve, on=True)
    if isolated is not None:
        debt = isolated.isolated_debt + isolated_units_down(amount, reserve.unit)
        acting.set(isolated, isolated_debt=debt)
        acting.log("IsolationModeTotalDebtUpdated", asset=isolated.asset, totalDebt=debt)
    update_rates(reserve, acting, taken=amount)
    acting.move(reserve.asset, reserve.account, me, amount, "balance")
    if state.version != V30:
        _check_carried(state, me, acting)
    acting.log(
        "Borrow",
        reserve=reserve.asset,
        user=me,
        onBehalfOf=me,
        amount=amount,
        interestRateMode=_VARIABLE,
        borrowRate=reserve.variable_rate,
        referralCode=0,
    )
    return amount


def _check_carried(state: MarketState, me: str, acting: Acting) -> None:
    """Since v3.4 a loan is made first; then the account must carry it."""
    seen = valued(state, me, acting)
    if seen.ltv == 0:
        raise Revert(Code.LTV_ZERO)
    if seen.health < HEALTHY:
        raise Revert(Code.UNHEALTHY)
    if percent_mul_down(seen.collateral, seen.ltv) < seen.debt:
        raise Revert(Code.COLLATERAL_TOO_SMALL)


def _check_lent(state: MarketState, reserve: ReserveState, me: str, amount: int) -> None:
    """Refuse what the reserve itself does not lend, or not in the e-mode of ``me``."""
    config = reserve.config
    if amount == 0:
        raise Revert(Code.AMOUNT_ZERO)
    check_open(config)
    if config.frozen:
        raise Revert(Code.FROZEN)
    category = 0 if state.version == V30 else state.emode.get(me, 0)
    if not lends_in(state, category, reserve):
        raise Revert(Code.NOT_BORROWABLE if category else Code.BORROWING_OFF)
    if state.version != V30:
        index = reserve.variable_index
        made = balance(reserve, shares(reserve, amount, index, debt=True, burnt=False), index, debt=True)
        if made > balance(reserve, reserve.total_supplied, reserve.liquidity_index, debt=False):
            raise Revert(Code.AMOUNT_ZERO)  # for more than all suppliers have; more than lies there is arithmetic's
    if config.borrow_cap and _owed_with(reserve, amount) > config.borrow_cap * reserve.unit:
        raise Revert(Code.BORROW_CAP)


def _owed_with(reserve: ReserveState, amount: int) -> int:
    """Raw units that all owe with a loan of ``amount``: since v3.5 as its rounded shares make them."""
    index = reserve.variable_index
    if reserve.version == V30:
        return balance(reserve, reserve.total_owed, index, debt=True) + amount
    made = shares(reserve, amount, index, debt=True, burnt=False)
    return balance(reserve, reserve.total_owed + made, index, debt=True)


def _check_isolated(reserve: ReserveState, amount: int, isolated: ReserveState | None) -> None:
    """Refuse what an account that borrows in isolation may not borrow, or not so much of."""
    if isolated is None:
        return
    if not reserve.config.isolated_borrowing:
        raise Revert(Code.NOT_FOR_ISOLATION)
    if isolated.isolated_debt + isolated_units_down(amount, reserve.unit) > isolated.config.debt_ceiling:
        raise Revert(Code.DEBT_CEILING)


def _check_value(state: MarketState, reserve: ReserveState, acting: Acting, amount: int) -> None:
    me, asset = acting.sender, reserve.asset
    if chosen := state.emode.get(me, 0):
        if reserve.config.category != chosen:
            raise Revert(Code.WRONG_CATEGORY)
        asset = state.categories[chosen].source or asset
    seen = valued(state, me, acting)
    if seen.collateral == 0:
        raise Revert(Code.NO_COLLATERAL)
    if seen.ltv == 0:
        raise Revert(Code.LTV_ZERO)
    if seen.health <= HEALTHY:
        raise Revert(Code.UNHEALTHY)
    value = value_down(amount, state.price(asset), reserve.unit)
    if collateral_needed(seen.debt, value, seen.ltv) > seen.collateral:
        raise Revert(Code.COLLATERAL_TOO_SMALL)


def _check_siloed(state: MarketState, reserve: ReserveState, me: str) -> None:
    """Who owes in a siloed reserve may owe in no other."""
    owing = state.borrowed.get(me, 0)
    if not owing:
        return
    only = state.sole(owing)
    if only is not None and only.config.siloed:
        if only is not reserve:
            raise Revert(Code.SILOED)
    elif reserve.config.siloed:
        raise Revert(Code.SILOED)


def repay(
    state: MarketState, reserve: ReserveState, acting: Acting, amount: int, on_behalf_of: str, *, by_supply: bool
) -> int:
    """Pay back; ``ALL`` pays everything, ``by_supply`` pays with what the sender supplies. Returns raw units."""
    me = acting.sender
    accrue(reserve, acting)
    debt = owed(reserve, on_behalf_of, acting.now)
    if amount == 0:
        raise Revert(Code.AMOUNT_ZERO)
    if amount == ALL and on_behalf_of != me:
        raise Revert(Code.NO_AMOUNT_FOR_ANOTHER)
    check_open(reserve.config)
    if debt == 0:
        raise Revert(Code.NO_DEBT)
    if by_supply and amount == ALL:
        amount = supplied(reserve, me, acting.now)
    paid = min(amount, debt)
    burn(reserve, acting, on_behalf_of, paid, debt=True)
    update_rates(reserve, acting, added=0 if by_supply else paid)
    if paid == debt:
        set_borrowed(state, acting, on_behalf_of, reserve, on=False)
    free_isolated(acting, isolation(state, on_behalf_of), reserve, paid)
    if by_supply:
        burn(reserve, acting, me, paid, debt=False)
        if state.version != V30 and uses(state, me, reserve):
            if not reserve.supplied.get(me, 0):
                set_collateral_bit(state, acting, me, reserve, on=False)
            if state.borrowed.get(me, 0):
                check_healthy(state, me, acting)
    else:
        acting.move(reserve.asset, me, reserve.account, paid, "balance")
    acting.log("Repay", reserve=reserve.asset, user=on_behalf_of, repayer=me, amount=paid, useATokens=by_supply)
    return paid


def free_isolated(acting: Acting, isolated: ReserveState | None, reserve: ReserveState, paid: int) -> None:
    """Take what is paid in ``reserve`` off the debt that the ``isolated`` collateral carries; it stops at nothing."""
    if isolated is None:
        return
    freed = isolated_units_down(paid, reserve.unit)
    debt = max(isolated.isolated_debt - freed, 0)
    acting.set(isolated, isolated_debt=debt)
    acting.log("IsolationModeTotalDebtUpdated", asset=isolated.asset, totalDebt=debt)
