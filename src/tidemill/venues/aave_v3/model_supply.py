"""Supplying and withdrawing, and what is used as collateral."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_account import (
    check_healthy_after,
    may_be_collateral,
    set_collateral_bit,
    supplied,
    take_up_collateral,
    uses,
)
from tidemill.venues.aave_v3.model_reserve import Acting, accrue, burn, income_index, issue, update_rates
from tidemill.venues.aave_v3.state import Config, MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, balance, shares

__all__ = ["ALL", "check_open", "mint_to_treasury", "set_collateral", "supply", "withdraw"]

ALL = (1 << 256) - 1
"""An amount that stands for everything."""


def check_open(config: Config) -> None:
    """Refuse where the reserve is not active, or paused."""
    if not config.active:
        raise Revert(Code.INACTIVE)
    if config.paused:
        raise Revert(Code.PAUSED)


def supply(state: MarketState, reserve: ReserveState, acting: Acting, amount: int, on_behalf_of: str) -> int:
    """Lend to the pool; a first supply becomes collateral by itself."""
    accrue(reserve, acting)
    if amount == 0:
        raise Revert(Code.AMOUNT_ZERO)
    made = shares(reserve, amount, reserve.liquidity_index, debt=False, burnt=False)
    if made == 0 and state.version != V30:
        raise Revert(Code.AMOUNT_ZERO)
    config = reserve.config
    check_open(config)
    if config.frozen:
        raise Revert(Code.FROZEN)
    if config.supply_cap:
        standing, index = reserve.total_supplied + reserve.accrued, reserve.liquidity_index
        if state.version == V30:
            whole = balance(reserve, standing, index, debt=False) + amount
        else:
            whole = balance(reserve, standing + made, index, debt=False)
        if whole > config.supply_cap * reserve.unit:
            raise Revert(Code.SUPPLY_CAP)
    update_rates(reserve, acting, added=amount)
    acting.move(reserve.asset, acting.sender, reserve.account, amount, "balance")
    if issue(reserve, acting, on_behalf_of, amount, debt=False):
        take_up_collateral(state, acting, on_behalf_of, reserve)
    acting.log(
        "Supply", reserve=reserve.asset, user=acting.sender, onBehalfOf=on_behalf_of, amount=amount, referralCode=0
    )
    return amount


def withdraw(state: MarketState, reserve: ReserveState, acting: Acting, amount: int) -> int:
    """Take back; ``ALL`` takes everything. Returns raw units."""
    me = acting.sender
    accrue(reserve, acting)
    held = supplied(reserve, me, acting.now)
    amount = held if amount == ALL else amount
    if amount == 0:
        raise Revert(Code.AMOUNT_ZERO)
    if amount > held:
        raise Revert(Code.BALANCE_TOO_SMALL)
    check_open(reserve.config)
    update_rates(reserve, acting, taken=amount)
    used = uses(state, me, reserve)
    if used and amount == held:
        set_collateral_bit(state, acting, me, reserve, on=False)
    burn(reserve, acting, me, amount, debt=False)
    acting.move(reserve.asset, reserve.account, me, amount, "balance")
    if used and state.borrowed.get(me, 0):
        check_healthy_after(state, me, acting, reserve)
    acting.log("Withdraw", reserve=reserve.asset, user=me, to=me, amount=amount)
    return amount


def set_collateral(state: MarketState, reserve: ReserveState, acting: Acting, *, on: bool) -> None:
    """Use a reserve as collateral, or no longer."""
    me = acting.sender
    empty, same = supplied(reserve, me, acting.now) == 0, on == uses(state, me, reserve)
    if empty and state.version == V30:
        raise Revert(Code.NOTHING_SUPPLIED)
    check_open(reserve.config)
    if same:
        return
    if empty:
        raise Revert(Code.NOTHING_SUPPLIED)
    if on and not may_be_collateral(state, me, reserve):
        raise Revert(Code.ISOLATED_OR_LTV_ZERO)
    if state.version != V30:
        acting.count("isolation_sought", int(on and state.sole(state.collateral.get(me, 0)) is not None))
    set_collateral_bit(state, acting, me, reserve, on=on)
    acting.count("switched_on", int(on))
    if not on:
        check_healthy_after(state, me, acting, reserve)


def mint_to_treasury(state: MarketState, reserve: ReserveState, acting: Acting) -> int:
    """Turn the treasury's claim into a supply of its own; returns raw units."""
    if not reserve.config.active or not reserve.accrued:
        return 0
    index = income_index(reserve, acting.now)
    amount, claim = balance(reserve, reserve.accrued, index, debt=False), reserve.accrued
    acting.set(reserve, accrued=0)
    # Since v3.5 the treasury gets the very shares it has a claim to, not those of an amount rounded in between.
    scaled = 0 if reserve.version == V30 else claim
    issue(reserve, acting, state.treasury, amount, debt=False, index=index, scaled=scaled)
    acting.log("MintedToTreasury", reserve=reserve.asset, amountMinted=amount)
    return amount
