"""Interest: brought up to date by whatever touches a market, shared by all who supply, less the protocol's fee."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.morpho_blue.rules import compounded_down, fee_shares_down, wad_mul_down
from tidemill.venues.morpho_blue.rules_rate import (
    INITIAL_AT_TARGET,
    adapted_down,
    average_down,
    curve_rate,
    distance,
    growth,
    mock_rate_down,
)
from tidemill.venues.morpho_blue.state import ADAPTIVE, FREE, MOCK, MarketState
from tidemill.venues.shared.effects import Effects

__all__ = ["accrue", "accrued", "cast", "half_toward_zero", "rate_of", "within"]

_UINT128 = 1 << 128


def rate_of(market: MarketState, now: int) -> tuple[int, int]:
    """Return the rate per second (wad) since the last accrual, and the adaptive curve's rate at target at ``now``."""
    if market.irm == MOCK:
        return mock_rate_down(market.supply_assets, market.borrow_assets), market.at_target
    error = distance(market.supply_assets, market.borrow_assets)
    start = market.at_target
    if start == 0:
        return curve_rate(INITIAL_AT_TARGET, error), INITIAL_AT_TARGET
    exponent = growth(error, now - market.last_update)
    if exponent == 0:
        return curve_rate(start, error), start
    middle, end = adapted_down(start, half_toward_zero(exponent)), adapted_down(start, exponent)
    return curve_rate(average_down(start, middle, end), error), end


def half_toward_zero(number: int) -> int:
    """Return half of a signed number."""
    return number // 2 if number >= 0 else -(-number // 2)


def accrued(market: MarketState, now: int) -> tuple[int, int, int, int]:
    """Return rate per second, interest since the last accrual, its fee in shares, and the rate at target at ``now``."""
    rate, at_target = rate_of(market, now)
    interest = wad_mul_down(market.borrow_assets, compounded_down(rate, now - market.last_update))
    shares = 0
    if market.fee:
        total = market.supply_assets + interest
        shares = fee_shares_down(interest, market.fee, total, market.supply_shares)
    return rate, interest, shares, at_target


def accrue(market: MarketState, now: int, fee_recipient: str, effects: Effects | None) -> None:
    """Bring a market up to ``now`` (seconds); nothing happens twice in one block."""
    if now == market.last_update:
        return
    if market.irm != FREE:
        rate, interest, shares, at_target = accrued(market, now)
        cast(interest)
        market.borrow_assets = within(market.borrow_assets + interest)
        market.supply_assets = within(market.supply_assets + interest)
        if market.fee:
            account = market.of(fee_recipient)
            market.accounts[fee_recipient] = account._replace(supply_shares=account.supply_shares + shares)
            market.supply_shares = within(market.supply_shares + cast(shares))
        if market.irm == ADAPTIVE:
            market.at_target = at_target
        if effects is not None:
            effects.log("AccrueInterest", id=market.name, prevBorrowRate=rate, interest=interest, feeShares=shares)
            effects.count("accruals")
            if market.fee:
                effects.count("fees_taken")
    market.last_update = now


def cast(value: int) -> int:
    """Return a number that must fit into 128 bits; raises ``Revert`` with the contract's words."""
    if value >= _UINT128:
        raise Revert("max uint128 exceeded")
    return value


def within(total: int) -> int:
    """Return a sum or difference kept in 128 bits; raises ``Revert`` where it leaves them."""
    if not 0 <= total < _UINT128:
        raise Revert("Panic(0x11)")
    return total
