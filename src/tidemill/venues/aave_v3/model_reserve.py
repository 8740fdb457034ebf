"""One reserve while an action runs: accrue, rates, and scaled balances of suppliers and borrowers."""

from __future__ import annotations

from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Context
from tidemill.units import MAX_UINT128
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.rules import (
    grow_half_up,
    linear_interest_down,
    liquidity_rate_half_up,
    plain_liquidity_rate_half_up,
    ray_div_half_up,
    ray_mul_half_up,
    treasury_shares_half_up,
    usage_ratio_half_up,
    variable_rate_half_up,
)
from tidemill.venues.aave_v3.rules_v36 import ray_div_up, ray_mul_up, treasury_shares_down
from tidemill.venues.aave_v3.state import ReserveState
from tidemill.venues.aave_v3.versions import V30, balance, debt_growth, shares
from tidemill.venues.shared.effects import Effects
from tidemill.venues.shared.journal import Journal

__all__ = ["Acting", "accrue", "as_word", "burn", "debt_index", "income_index", "issue", "move", "update_rates"]


class Acting(Effects):
    """What an action does: effects, and the changes of state, noted so that they can be undone."""

    __slots__ = ("journal", "now", "sender")

    def __init__(self, ctx: Context) -> None:
        super().__init__(ctx)
        self.journal, self.now, self.sender = Journal(), ctx.block.time, ctx.sender

    def set(self, target: Any, **values: int) -> None:
        """Change fields."""
        for name, value in values.items():
            self.journal.set(target, name, value)

    def put(self, mapping: dict[str, int], key: str, value: int) -> None:
        """Change an entry; nothing is not kept."""
        if value:
            self.journal.put(mapping, key, value)
        elif key in mapping:
            self.journal.drop(mapping, key)


def as_word(value: int) -> int:
    """Return a number that must fit 128 bits; raises ``Revert`` as the contract's cast does."""
    if value > MAX_UINT128:
        raise Revert(Code.TOO_WIDE)
    return value


def income_index(reserve: ReserveState, now: int) -> int:
    """Return the liquidity index as it is at ``now``, stored or not."""
    if reserve.updated == now:
        return reserve.liquidity_index
    growth = linear_interest_down(reserve.liquidity_rate, now - reserve.updated)
    return ray_mul_half_up(growth, reserve.liquidity_index)


def debt_index(reserve: ReserveState, now: int) -> int:
    """Return the index of variable debt as it is at ``now``, stored or not."""
    if reserve.updated == now:
        return reserve.variable_index
    return ray_mul_half_up(debt_growth(reserve, now - reserve.updated), reserve.variable_index)


def accrue(reserve: ReserveState, acting: Acting) -> None:
    """Bring both indices and the treasury's claim up to now."""
    elapsed = acting.now - reserve.updated
    if elapsed == 0:
        return
    income, debt, before = reserve.liquidity_index, reserve.variable_index, reserve.variable_index
    if reserve.liquidity_rate:
        income = grow_half_up(income, linear_interest_down(reserve.liquidity_rate, elapsed))
    if reserve.total_owed:
        debt = grow_half_up(debt, debt_growth(reserve, elapsed))
    factor, accrued = reserve.config.reserve_factor, reserve.accrued
    if factor:
        part = treasury_shares_half_up if reserve.version == V30 else treasury_shares_down
        accrued += part(reserve.total_owed, before, debt, factor, income)
    acting.set(reserve, liquidity_index=income, variable_index=debt, accrued=accrued, updated=acting.now)


def update_rates(reserve: ReserveState, acting: Acting, added: int = 0, taken: int = 0) -> None:
    """Set rates for what will lie there once ``added`` and ``taken`` raw units have moved."""
    if reserve.version != V30:
        _update_rates_v36(reserve, acting, added, taken)
        return
    debt = ray_mul_half_up(reserve.total_owed, reserve.variable_index)
    available = 0
    if debt:
        available = acting.balance(reserve.asset, reserve.account) + added - taken
        if available < 0:
            raise Revert(Code.ARITHMETIC)
    usage, curve = usage_ratio_half_up(debt, available), reserve.curve
    variable = variable_rate_half_up(usage, curve.optimal, curve.base, curve.slope1, curve.slope2)
    income = liquidity_rate_half_up(debt, variable, usage, reserve.config.reserve_factor)
    _set_rates(reserve, acting, income, variable, curve.slope1)


def _update_rates_v36(reserve: ReserveState, acting: Acting, added: int, taken: int) -> None:
    """The same by what the pool counts itself, and without stable rates."""
    debt = ray_mul_up(reserve.total_owed, reserve.variable_index)
    available = reserve.virtual + added - taken
    if available < 0:
        raise Revert(Code.ARITHMETIC)
    usage, curve, factor = usage_ratio_half_up(debt, available), reserve.curve, reserve.config.reserve_factor
    variable = variable_rate_half_up(usage, curve.optimal, curve.base, curve.slope1, curve.slope2)
    income = plain_liquidity_rate_half_up(debt, available, reserve.deficit, variable, factor) if debt else 0
    acting.set(reserve, virtual=available)
    _set_rates(reserve, acting, income, variable, 0)


def _set_rates(reserve: ReserveState, acting: Acting, income: int, variable: int, stable: int) -> None:
    acting.set(
        reserve,
        liquidity_rate=as_word(income),
        variable_rate=as_word(variable),
        stable_rate=stable,
    )
    acting.log(
        "ReserveDataUpdated",
        reserve=reserve.asset,
        liquidityRate=income,
        stableBorrowRate=stable,
        variableBorrowRate=variable,
        liquidityIndex=reserve.liquidity_index,
        variableBorrowIndex=reserve.variable_index,
    )


def issue(
    reserve: ReserveState, acting: Acting, who: str, amount: int, *, debt: bool, index: int = 0, scaled: int = 0
) -> bool:
    """Add ``amount`` raw units to what ``who`` supplies or owes; returns whether there was nothing before.

    ``index`` and ``scaled`` shares follow from the reserve and the amount unless given.
    """
    index = index or (reserve.variable_index if debt else reserve.liquidity_index)
    scaled = scaled or shares(reserve, amount, index, debt=debt, burnt=False)
    if scaled == 0:
        raise Revert(Code.MINT_TOO_SMALL)
    before, grown = _touch(reserve, acting, who, index, debt=debt)
    if before + as_word(scaled) > MAX_UINT128:
        raise Revert(Code.ARITHMETIC)
    _put(reserve, acting, who, before + scaled, debt=debt)
    value = grown + _moved(reserve, before, before + scaled, index, amount, debt=debt)
    acting.log("Mint", token=_token(reserve, debt), onBehalfOf=who, value=value, balanceIncrease=grown, index=index)
    return before == 0


def burn(reserve: ReserveState, acting: Acting, who: str, amount: int, *, debt: bool) -> None:
    """Take ``amount`` raw units off what ``who`` supplies or owes."""
    index = reserve.variable_index if debt else reserve.liquidity_index
    scaled = shares(reserve, amount, index, debt=debt, burnt=True)
    if scaled == 0:
        raise Revert(Code.BURN_TOO_SMALL)
    before, grown = _touch(reserve, acting, who, index, debt=debt)
    if before < as_word(scaled):
        raise Revert(Code.ARITHMETIC)
    _put(reserve, acting, who, before - scaled, debt=debt)
    # What grew since the last touch may be more than what is taken: the contract then logs the difference as minted.
    amount = _moved(reserve, before - scaled, before, index, amount, debt=debt)
    name, value = ("Mint", grown - amount) if grown > amount else ("Burn", amount - grown)
    acting.log(name, token=_token(reserve, debt), holder=who, value=value, balanceIncrease=grown, index=index)


def _moved(reserve: ReserveState, low: int, high: int, index: int, amount: int, *, debt: bool) -> int:
    """Raw units that an event tells: what was asked for or, since v3.5, what it made of the balance."""
    if reserve.version == V30:
        return amount
    return balance(reserve, high, index, debt=debt) - balance(reserve, low, index, debt=debt)


def move(reserve: ReserveState, acting: Acting, source: str, target: str, amount: int) -> None:
    """Move ``amount`` raw units of what ``source`` supplies to ``target`` (a liquidation's transfer: nothing is checked)."""
    index = income_index(reserve, acting.now)
    scaled = ray_div_half_up(amount, index) if reserve.version == V30 else ray_div_up(amount, index)
    before, grown = _touch(reserve, acting, source, index, debt=False)
    _, grown_there = _touch(reserve, acting, target, index, debt=False)
    if before < scaled:
        raise Revert(Code.ARITHMETIC)
    acting.put(reserve.supplied, source, before - scaled)
    acting.put(reserve.supplied, target, reserve.supplied.get(target, 0) + scaled)
    token = _token(reserve, debt=False)
    for who, value in ((source, grown), (target, grown_there)):
        if value:
            acting.log("Mint", token=token, onBehalfOf=who, value=value, balanceIncrease=value, index=index)
    acting.log("BalanceTransfer", token=token, **{"from": source}, to=target, value=scaled, index=index)


def _touch(reserve: ReserveState, acting: Acting, who: str, index: int, *, debt: bool) -> tuple[int, int]:
    """Note the index for ``who``; returns the scaled balance and what it grew by since the last time."""
    balances = reserve.owed if debt else reserve.supplied
    touched = reserve.owed_index if debt else reserve.supplied_index
    scaled = balances.get(who, 0)
    before = balance(reserve, scaled, touched.get(who, 0), debt=debt)
    grown = balance(reserve, scaled, index, debt=debt) - before
    acting.put(touched, who, index)
    return scaled, grown


def _put(reserve: ReserveState, acting: Acting, who: str, scaled: int, *, debt: bool) -> None:
    balances = reserve.owed if debt else reserve.supplied
    change = scaled - balances.get(who, 0)
    acting.put(balances, who, scaled)
    if debt:
        acting.set(reserve, total_owed=reserve.total_owed + change)
    else:
        acting.set(reserve, total_supplied=reserve.total_supplied + change)


def _token(reserve: ReserveState, debt: bool) -> str:
    return f"{'debt' if debt else 'supply'} {reserve.asset}"
