"""Liquidation, and flash loans."""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import Revert
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_account import (
    isolation,
    owed,
    set_borrowed,
    set_collateral_bit,
    supplied,
    take_up_collateral,
    terms,
    uses,
    valued,
)
from tidemill.venues.aave_v3.model_borrow import free_isolated
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, burn, income_index, move, update_rates
from tidemill.venues.aave_v3.rules import (
    add_to_index,
    flash_premium_half_up,
    ray_div_half_up,
    ray_mul_half_up,
)
from tidemill.venues.aave_v3.rules_risk import HEALTHY, liquidatable_debt, liquidation_amounts
from tidemill.venues.aave_v3.rules_v36 import percent_mul_up, ray_div_down
from tidemill.venues.aave_v3.state import MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, balance

__all__ = ["Seizure", "check_unsafe", "flash_loan", "liquidate", "told"]


class Seizure(NamedTuple):
    """What a liquidation moved, raw units: debt paid, collateral to the liquidator, collateral to the treasury."""

    debt: int
    collateral: int
    fee: int


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
    accrue(debt, acting)
    health = valued(state, user, acting).health
    owing = owed(debt, user, acting.now)
    cover = min(cover, liquidatable_debt(owing, health))
    _check_liquidation(state, collateral, debt, user, health, owing)
    held = supplied(collateral, user, acting.now)
    taken, covered, fee = liquidation_amounts(
        cover, held, *_terms(state, collateral, debt, user), collateral.config.liquidation_fee
    )
    if owing == covered:
        set_borrowed(state, acting, user, debt, on=False)
    if taken + fee == held:
        set_collateral_bit(state, acting, user, collateral, on=False)
    burn(debt, acting, user, covered, debt=True)
    update_rates(debt, acting, added=covered)
    free_isolated(acting, isolation(state, user), debt, covered)
    acting.count("received_supply", int(receive_supply))
    if receive_supply:
        first = supplied(collateral, acting.sender, acting.now) == 0
        move(collateral, acting, user, acting.sender, taken)
        if first:
            take_up_collateral(state, acting, acting.sender, collateral)
    else:
        accrue(collateral, acting)
        update_rates(collateral, acting, taken=taken)
        burn(collateral, acting, user, taken, debt=False)
        acting.move(collateral.asset, collateral.account, acting.sender, taken, "balance")
    if fee:
        fee = _pay_fee(state, collateral, acting, user, fee)
    acting.move(debt.asset, acting.sender, debt.account, covered, "balance")
    return told(acting, collateral, debt, user, Seizure(covered, taken, fee), receive_supply=receive_supply)


def _check_liquidation(
    state: MarketState, collateral: ReserveState, debt: ReserveState, user: str, health: int, owing: int
) -> None:
    if not (collateral.config.active and debt.config.active):
        raise Revert(Code.INACTIVE)
    if collateral.config.paused or debt.config.paused:
        raise Revert(Code.PAUSED)
    check_unsafe(state, collateral, user, health, owing)


def check_unsafe(state: MarketState, collateral: ReserveState, user: str, health: int, owing: int) -> None:
    """Raise ``Revert`` unless ``user`` owes too much on this collateral; the order of reasons is the contract's."""
    if health >= HEALTHY:
        raise Revert(Code.HEALTHY)
    if not (terms(state, user, collateral).threshold and uses(state, user, collateral)):
        raise Revert(Code.NOT_COLLATERAL)
    if owing == 0:
        raise Revert(Code.NOT_BORROWED)


def told(
    acting: Acting, collateral: ReserveState, debt: ReserveState, user: str, seized: Seizure, *, receive_supply: bool
) -> Seizure:
    """Log a liquidation, and return it."""
    acting.log(
        "LiquidationCall",
        collateralAsset=collateral.asset,
        debtAsset=debt.asset,
        user=user,
        debtToCover=seized.debt,
        liquidatedCollateralAmount=seized.collateral,
        liquidator=acting.sender,
        receiveAToken=receive_supply,
    )
    return seized


def _terms(
    state: MarketState, collateral: ReserveState, debt: ReserveState, user: str
) -> tuple[int, int, int, int, int]:
    """Price and unit of the debt, of the collateral, and the bonus; the user's e-mode may change prices and bonus."""
    bonus, of_collateral, of_debt = collateral.config.bonus, collateral.asset, debt.asset
    if chosen := state.emode.get(user, 0):
        category = state.categories[chosen]
        of_debt = category.source or of_debt
        if collateral.config.category == chosen:
            bonus, of_collateral = category.bonus, category.source or of_collateral
    collateral_price = state.price(of_collateral)
    return state.price(of_debt), debt.unit, collateral_price, collateral.unit, bonus


def _pay_fee(state: MarketState, collateral: ReserveState, acting: Acting, user: str, fee: int) -> int:
    """Move the treasury's part, or what is left where rounding left less."""
    index, left = income_index(collateral, acting.now), collateral.supplied.get(user, 0)
    if ray_div_half_up(fee, index) > left:
        fee = ray_mul_half_up(left, index)
    move(collateral, acting, user, state.treasury, fee)
    return fee


def flash_loan(
    state: MarketState, reserve: ReserveState, acting: Acting, receiver: str, amount: int, *, accepted: bool
) -> int:
    """Lend within one transaction: suppliers and treasury share the premium. Returns it in raw units.

    What the receiver does in between is its own affair, and must leave it with loan and premium; ``accepted`` is what
    it answers.
    """
    config = reserve.config
    if config.paused:
        raise Revert(Code.PAUSED)
    if not config.active:
        raise Revert(Code.INACTIVE)
    if not config.flash_loans:
        raise Revert(Code.FLASH_LOAN_OFF)
    if state.version == V30:
        premium, to_treasury = flash_premium_half_up(amount, state.flash_premium, state.flash_to_protocol)
    else:
        if amount > balance(reserve, reserve.total_supplied, income_index(reserve, acting.now), debt=False):
            raise Revert(Code.AMOUNT_ZERO)
        if amount > reserve.virtual:
            raise Revert(Code.ARITHMETIC)
        premium = to_treasury = percent_mul_up(amount, state.flash_premium)
    acting.move(reserve.asset, reserve.account, receiver, amount, "balance")
    if not accepted:
        raise Revert(Code.FLASH_LOAN_REFUSED)
    accrue(reserve, acting)
    _share_premium(reserve, acting, premium, to_treasury)
    update_rates(reserve, acting, added=amount + premium if state.version == V30 else premium)
    acting.move(reserve.asset, receiver, reserve.account, amount + premium, "balance")
    acting.log(
        "FlashLoan",
        target=receiver,
        initiator=acting.sender,
        asset=reserve.asset,
        amount=amount,
        interestRateMode=0,
        premium=premium,
        referralCode=0,
    )
    return premium


def _share_premium(reserve: ReserveState, acting: Acting, premium: int, to_treasury: int) -> None:
    """Give suppliers and treasury their parts; since v3.4 all of it is the treasury's."""
    index = reserve.liquidity_index
    if reserve.version != V30:
        acting.set(reserve, accrued=reserve.accrued + ray_div_down(to_treasury, index))
        return
    total = ray_mul_half_up(reserve.total_supplied, index) + ray_mul_half_up(reserve.accrued, index)
    acting.set(reserve, liquidity_index=add_to_index(index, premium - to_treasury, total))
    claim = ray_div_half_up(to_treasury, reserve.liquidity_index)
    acting.set(reserve, accrued=reserve.accrued + claim)
