"""Liquidation as v3.6 has it: how much may be covered, no dust left, and bad debt written off as the reserve's deficit.

Source: Aave's public notes on v3.3 to v3.6, and what the bytecode of v3.6 answers.
"""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_account import (
    Account,
    isolation,
    owed,
    set_borrowed,
    set_collateral_bit,
    supplied,
    terms,
    valued,
)
from tidemill.venues.aave_v3.model_borrow import free_isolated
from tidemill.venues.aave_v3.model_liquidate import Seizure, check_unsafe, told
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, burn, income_index, move, update_rates
from tidemill.venues.aave_v3.model_supply import check_open
from tidemill.venues.aave_v3.rules_risk import value_down
from tidemill.venues.aave_v3.rules_v36 import (
    leaves_dust,
    liquidatable_debt_down,
    liquidation_amounts_v36,
    ray_div_up,
    ray_mul_down,
)
from tidemill.venues.aave_v3.state import MarketState, ReserveState

__all__ = ["liquidate"]


def liquidate(
    state: MarketState,
    collateral: ReserveState,
    debt: ReserveState,
    acting: Acting,
    user: str,
    cover: int,
    *,
    receive_supply: bool,
) -> Seizure:
    """Pay for somebody whose health factor is below one, and take collateral with a bonus."""
    _accrue_both(collateral, debt, acting)
    seen = valued(state, user, acting)
    owing, held = owed(debt, user, acting.now), supplied(collateral, user, acting.now)
    _check(state, collateral, debt, acting, user, seen, owing)
    price, worth = state.price(debt.asset), state.price(collateral.asset)
    most = liquidatable_debt_down(
        owing, price, debt.unit, value_down(held, worth, collateral.unit), seen.debt, seen.health
    )
    taken, covered, fee = liquidation_amounts_v36(
        min(cover, most),
        held,
        price,
        debt.unit,
        worth,
        collateral.unit,
        terms(state, user, collateral).bonus,
        collateral.config.liquidation_fee,
    )
    rest, left = owing - covered, held - taken - fee
    if rest and left and (leaves_dust(rest, price, debt.unit) or leaves_dust(left, worth, collateral.unit)):
        raise Revert(Code.DUST)
    isolated = isolation(state, user)
    bare = seen.collateral == value_down(taken + fee, worth, collateral.unit)
    if not left:
        set_collateral_bit(state, acting, user, collateral, on=False)
    _clear(state, debt, acting, user, owing if bare else covered, covered)
    free_isolated(acting, isolated, debt, covered)  # what is written off still counts
    acting.count("received_supply", int(receive_supply))
    if receive_supply:
        move(collateral, acting, user, acting.sender, taken)
    else:
        update_rates(collateral, acting, taken=taken)
        burn(collateral, acting, user, taken, debt=False)
        acting.move(collateral.asset, collateral.account, acting.sender, taken, "balance")
    if fee:
        fee = _pay_fee(state, collateral, acting, user, fee)
    if bare:
        _write_off(state, acting, user)
    acting.move(debt.asset, acting.sender, debt.account, covered, "balance")
    return told(acting, collateral, debt, user, Seizure(covered, taken, fee), receive_supply=receive_supply)


def _check(
    state: MarketState,
    collateral: ReserveState,
    debt: ReserveState,
    acting: Acting,
    user: str,
    seen: Account,
    owing: int,
) -> None:
    if user == acting.sender:
        raise Revert(Code.SELF_LIQUIDATION)
    check_open(collateral.config)
    check_open(debt.config)
    check_unsafe(state, collateral, user, seen.health, owing)


def _accrue_both(collateral: ReserveState, debt: ReserveState, acting: Acting) -> None:
    """Bring both up to now. Where they are one, the contract adds the treasury's part twice."""
    accrued = debt.accrued
    accrue(debt, acting)
    if collateral is debt:
        acting.set(debt, accrued=2 * debt.accrued - accrued)
    else:
        accrue(collateral, acting)


def _clear(state: MarketState, debt: ReserveState, acting: Acting, user: str, gone: int, covered: int) -> None:
    """Take ``gone`` off what is owed; what nobody covered is the reserve's deficit."""
    whole = gone == owed(debt, user, acting.now)
    burn(debt, acting, user, gone, debt=True)
    if whole:
        set_borrowed(state, acting, user, debt, on=False)
    if gone > covered:
        acting.set(debt, deficit=debt.deficit + gone - covered)
        acting.log("DeficitCreated", user=user, debtAsset=debt.asset, amountCreated=gone - covered)
    update_rates(debt, acting, added=covered)


def _write_off(state: MarketState, acting: Acting, user: str) -> None:
    """Nothing is left that could pay for the other debts."""
    for reserve in state.reserves.values():
        if state.borrowed.get(user, 0) >> reserve.id & 1:
            accrue(reserve, acting)
            _clear(state, reserve, acting, user, owed(reserve, user, acting.now), 0)


def _pay_fee(state: MarketState, collateral: ReserveState, acting: Acting, user: str, fee: int) -> int:
    """Move the treasury's part, or what is left where rounding left less."""
    index, left = income_index(collateral, acting.now), collateral.supplied.get(user, 0)
    if ray_div_up(fee, index) > left:
        fee = ray_mul_down(left, index)
    move(collateral, acting, user, state.treasury, fee)
    return fee
