"""An account over all reserves: its value, its health, and what it may use as collateral."""

from __future__ import annotations

from typing import NamedTuple

from tidemill.errors import Revert
from tidemill.units import MAX_UINT256
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_reserve import Acting, debt_index, income_index
from tidemill.venues.aave_v3.rules_risk import HEALTHY, average_down, health_factor_half_up, value_down
from tidemill.venues.aave_v3.rules_v36 import value_up, weighted_health_factor
from tidemill.venues.aave_v3.state import MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, balance

__all__ = [
    "Account",
    "account",
    "check_healthy",
    "check_healthy_after",
    "isolation",
    "may_be_collateral",
    "owed",
    "set_borrowed",
    "set_collateral_bit",
    "supplied",
    "take_up_collateral",
    "terms",
    "uses",
    "valued",
]


class Terms(NamedTuple):
    """What an account may borrow on a reserve, when it is liquidated and at which bonus: basis points."""

    ltv: int
    threshold: int
    bonus: int


class Account(NamedTuple):
    """Values in the base currency, averages in basis points, health in wads.

    ``zero_ltv`` says whether some collateral lends nothing: it must then leave first.
    """

    collateral: int
    debt: int
    ltv: int
    threshold: int
    health: int
    zero_ltv: bool


def supplied(reserve: ReserveState, who: str, now: int) -> int:
    """Return raw units that ``who`` supplies, interest included."""
    return balance(reserve, reserve.supplied.get(who, 0), income_index(reserve, now), debt=False)


def owed(reserve: ReserveState, who: str, now: int) -> int:
    """Return raw units that ``who`` owes, interest included."""
    return balance(reserve, reserve.owed.get(who, 0), debt_index(reserve, now), debt=True)


def terms(state: MarketState, who: str, reserve: ReserveState) -> Terms:
    """Return what a reserve counts for as collateral of ``who``: its own terms, or those of the account's e-mode."""
    config, chosen = reserve.config, state.emode.get(who, 0)
    category = state.categories.get(chosen)
    if category is None:
        return Terms(config.ltv, config.threshold, config.bonus)
    if state.version == V30:
        if config.category != chosen or not config.threshold:
            return Terms(config.ltv, config.threshold, config.bonus)
        return Terms(category.ltv if config.ltv else 0, category.threshold, category.bonus)
    if not category.collaterals >> reserve.id & 1:
        return Terms(config.ltv, config.threshold, config.bonus)
    return Terms(0 if category.zero_ltv >> reserve.id & 1 else category.ltv, category.threshold, category.bonus)


def account(state: MarketState, who: str, now: int) -> Account:
    """Return what an account holds and owes."""
    using, owing = state.collateral.get(who, 0), state.borrowed.get(who, 0)
    if not (using or owing):
        return Account(0, 0, 0, 0, int(MAX_UINT256), False)
    chosen = state.emode.get(who, 0)
    emode = state.categories.get(chosen)
    common = state.price(emode.source) if emode and emode.source else 0
    collateral = debt = lent = weighted = 0
    zero_ltv = False
    for reserve in state.reserves.values():
        bit, config = 1 << reserve.id, reserve.config
        if not (using | owing) & bit:
            continue
        price = common if common and config.category == chosen else state.price(reserve.asset)
        of = terms(state, who, reserve)
        if of.threshold and using & bit:
            value = value_down(supplied(reserve, who, now), price, reserve.unit)
            collateral += value
            lent += value * of.ltv
            zero_ltv |= of.ltv == 0
            weighted += value * of.threshold
        if owing & bit:
            worth = value_down if reserve.version == V30 else value_up
            debt += worth(owed(reserve, who, now), price, reserve.unit)
    threshold = average_down(weighted, collateral)
    health = health_factor_half_up(collateral, threshold, debt)
    if state.version != V30:
        health = weighted_health_factor(weighted, debt)
    return Account(collateral, debt, average_down(lent, collateral), threshold, health, zero_ltv)


def valued(state: MarketState, who: str, acting: Acting) -> Account:
    """Return what an account holds and owes, and count what that reads and reckons: each costs gas."""
    using, owing = state.collateral.get(who, 0), state.borrowed.get(who, 0)
    stale = sum(1 << reserve.id for reserve in state.reserves.values() if reserve.updated != acting.now)
    acting.count("collateral_valued", using.bit_count())
    acting.count("debt_valued", owing.bit_count())
    acting.count("reserves_valued", (using | owing).bit_count())
    acting.count("reserves_stale", ((using | owing) & stale).bit_count())
    return account(state, who, acting.now)


def check_healthy(state: MarketState, who: str, acting: Acting) -> Account:
    """Refuse where the account could be liquidated; returns it."""
    seen = valued(state, who, acting)
    if seen.health < HEALTHY:
        raise Revert(Code.UNHEALTHY)
    return seen


def check_healthy_after(state: MarketState, who: str, acting: Acting, leaving: ReserveState) -> None:
    """Refuse where the account could be liquidated once ``leaving`` collateral is gone, or other must leave first."""
    if check_healthy(state, who, acting).zero_ltv and terms(state, who, leaving).ltv:
        raise Revert(Code.LTV_ZERO)


def isolation(state: MarketState, who: str) -> ReserveState | None:
    """Return the reserve in whose isolation an account borrows, ``None`` where it does not."""
    only = state.sole(state.collateral.get(who, 0))
    return only if only is not None and only.config.debt_ceiling else None


def may_be_collateral(state: MarketState, who: str, reserve: ReserveState) -> bool:
    """Say whether an account may use a reserve as collateral beside what it uses already."""
    if terms(state, who, reserve).ltv == 0:
        return False
    if not state.collateral.get(who, 0):
        return True
    return isolation(state, who) is None and reserve.config.debt_ceiling == 0


def take_up_collateral(state: MarketState, acting: Acting, who: str, reserve: ReserveState) -> None:
    """Use a first supply as collateral where that is allowed; one with a debt ceiling is only so on request."""
    if reserve.config.debt_ceiling == 0 and may_be_collateral(state, who, reserve):
        set_collateral_bit(state, acting, who, reserve, on=True)


def uses(state: MarketState, who: str, reserve: ReserveState) -> bool:
    """Say whether an account uses a reserve as collateral."""
    return bool(state.collateral.get(who, 0) >> reserve.id & 1)


def set_collateral_bit(state: MarketState, acting: Acting, who: str, reserve: ReserveState, *, on: bool) -> None:
    """Note the use as collateral and log it."""
    _set_bit(state.collateral, acting, who, reserve, on=on)
    name = "ReserveUsedAsCollateralEnabled" if on else "ReserveUsedAsCollateralDisabled"
    acting.log(name, reserve=reserve.asset, user=who)


def set_borrowed(state: MarketState, acting: Acting, who: str, reserve: ReserveState, *, on: bool) -> None:
    """Note that an account owes in a reserve, or no longer."""
    _set_bit(state.borrowed, acting, who, reserve, on=on)


def _set_bit(bits: dict[str, int], acting: Acting, who: str, reserve: ReserveState, *, on: bool) -> None:
    now, bit = bits.get(who, 0), 1 << reserve.id
    acting.put(bits, who, now | bit if on else now & ~bit)
