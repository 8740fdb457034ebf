"""The side of those who owe: borrowing against collateral, repaying, and being liquidated."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.morpho_blue.accrual import accrue, cast, within
from tidemill.venues.morpho_blue.model_supply import allowed, not_zero, one_of
from tidemill.venues.morpho_blue.rules import (
    assets_down,
    assets_up,
    incentive_down,
    less_or_zero,
    repaid_shares_up,
    seized_down,
    shares_down,
    shares_up,
)
from tidemill.venues.morpho_blue.state import MarketState, MorphoState
from tidemill.venues.shared.effects import Effects

__all__ = ["borrow", "liquidate", "repay"]


def borrow(
    state: MorphoState, market: MarketState, effects: Effects, assets: int, shares: int, owner: str, to: str
) -> tuple[int, int]:
    """Take a loan on ``owner``'s collateral; returns raw units and debt shares."""
    one_of(assets, shares)
    not_zero(to)
    me = effects.ctx.sender
    allowed(state, owner, me)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    if assets:
        shares = shares_up(assets, market.borrow_assets, market.borrow_shares)
    else:
        assets = assets_down(shares, market.borrow_assets, market.borrow_shares)
    account = market.of(owner)
    owing = account._replace(borrow_shares=within(account.borrow_shares + cast(shares)))
    market.accounts[owner] = owing
    market.borrow_shares = within(market.borrow_shares + shares)
    market.borrow_assets = within(market.borrow_assets + cast(assets))
    effects.count("health_checks")
    if not market.healthy(owing):
        raise Revert("insufficient collateral")
    if market.borrow_assets > market.supply_assets:
        raise Revert("insufficient liquidity")
    effects.log("Borrow", id=market.name, caller=me, onBehalf=owner, receiver=to, assets=assets, shares=shares)
    effects.move(market.loan, state.account, to, assets, "transfer reverted")
    return assets, shares


def repay(
    state: MorphoState, market: MarketState, effects: Effects, assets: int, shares: int, owner: str
) -> tuple[int, int]:
    """Pay back what ``owner`` owes, never more; returns raw units and debt shares."""
    one_of(assets, shares)
    not_zero(owner)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    if assets:
        shares = shares_down(assets, market.borrow_assets, market.borrow_shares)
    else:
        effects.count("by_shares")
        assets = assets_up(shares, market.borrow_assets, market.borrow_shares)
    _settle(market, owner, assets, shares)
    me = effects.ctx.sender
    effects.log("Repay", id=market.name, caller=me, onBehalf=owner, assets=assets, shares=shares)
    effects.move(market.loan, me, state.account, assets, "transferFrom reverted")
    return assets, shares


def liquidate(
    state: MorphoState, market: MarketState, effects: Effects, borrower: str, seized: int, repaid_shares: int
) -> dict[str, int]:
    """Repay somebody's debt for collateral at a discount; what no collateral is left for is lost by all who supply.

    Returns raw units seized and repaid, shares repaid, and raw units and shares of bad debt.
    """
    one_of(seized, repaid_shares)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    effects.count("health_checks")
    if market.healthy(market.of(borrower)):
        raise Revert("position is healthy")
    incentive = incentive_down(market.lltv)
    totals = market.borrow_assets, market.borrow_shares
    if seized:
        repaid_shares = repaid_shares_up(seized, market.price, incentive, *totals)
    else:
        seized = seized_down(repaid_shares, market.price, incentive, *totals)
    repaid = assets_up(repaid_shares, *totals)
    _settle(market, borrower, repaid, repaid_shares)
    account = market.of(borrower)
    left = account._replace(collateral=within(account.collateral - cast(seized)))
    market.accounts[borrower] = left
    bad, bad_shares = 0, 0
    if left.collateral == 0 and left.borrow_shares:
        bad, bad_shares = _write_off(market, borrower)
        effects.count("bad_debts")
    me = effects.ctx.sender
    effects.move(market.collateral, state.account, me, seized, "transfer reverted")
    effects.log(
        "Liquidate",
        id=market.name,
        caller=me,
        borrower=borrower,
        repaidAssets=repaid,
        repaidShares=repaid_shares,
        seizedAssets=seized,
        badDebtAssets=bad,
        badDebtShares=bad_shares,
    )
    effects.move(market.loan, me, state.account, repaid, "transferFrom reverted")
    return {
        "seized": seized,
        "repaid": repaid,
        "repaid_shares": repaid_shares,
        "bad_debt": bad,
        "bad_debt_shares": bad_shares,
    }


def _settle(market: MarketState, owner: str, assets: int, shares: int) -> None:
    """Take a repayment off a debt and off the market's; rounding may make it a unit more than all that is owed."""
    account = market.of(owner)
    market.accounts[owner] = account._replace(borrow_shares=within(account.borrow_shares - cast(shares)))
    market.borrow_shares = within(market.borrow_shares - shares)
    market.borrow_assets = cast(less_or_zero(market.borrow_assets, assets))


def _write_off(market: MarketState, borrower: str) -> tuple[int, int]:
    """Take a debt without collateral off what everybody lent; returns raw units and shares of it."""
    account = market.of(borrower)
    shares = account.borrow_shares
    assets = min(market.borrow_assets, assets_up(shares, market.borrow_assets, market.borrow_shares))
    market.borrow_assets -= assets
    market.supply_assets = within(market.supply_assets - assets)
    market.borrow_shares -= shares
    market.accounts[borrower] = account._replace(borrow_shares=0)
    return assets, shares
