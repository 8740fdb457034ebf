"""The side of those who supply, and collateral, which earns nothing and carries a debt."""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.morpho_blue.accrual import accrue, cast, within
from tidemill.venues.morpho_blue.rules import assets_down, assets_up, shares_down, shares_up
from tidemill.venues.morpho_blue.state import MarketState, MorphoState
from tidemill.venues.shared.effects import Effects

__all__ = ["allowed", "not_zero", "one_of", "supply", "supply_collateral", "withdraw", "withdraw_collateral"]


def one_of(assets: int, shares: int) -> None:
    """Raise ``Revert`` unless exactly one of both is given."""
    if (assets == 0) == (shares == 0):
        raise Revert("inconsistent input")


def not_zero(who: str) -> None:
    """Raise ``Revert`` for the zero address."""
    if who == "zero":
        raise Revert("zero address")


def allowed(state: MorphoState, owner: str, sender: str) -> None:
    """Raise ``Revert`` unless ``sender`` may take from ``owner``."""
    if sender != owner and (owner, sender) not in state.authorized:
        raise Revert("unauthorized")


def supply(
    state: MorphoState, market: MarketState, effects: Effects, assets: int, shares: int, owner: str
) -> tuple[int, int]:
    """Lend to a market for ``owner``; returns raw units and shares."""
    one_of(assets, shares)
    not_zero(owner)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    if assets:
        shares = shares_down(assets, market.supply_assets, market.supply_shares)
    else:
        effects.count("by_shares")
        assets = assets_up(shares, market.supply_assets, market.supply_shares)
    account = market.of(owner)
    market.accounts[owner] = account._replace(supply_shares=account.supply_shares + shares)
    market.supply_shares = within(market.supply_shares + cast(shares))
    market.supply_assets = within(market.supply_assets + cast(assets))
    me = effects.ctx.sender
    effects.log("Supply", id=market.name, caller=me, onBehalf=owner, assets=assets, shares=shares)
    effects.move(market.loan, me, state.account, assets, "transferFrom reverted")
    return assets, shares


def withdraw(
    state: MorphoState, market: MarketState, effects: Effects, assets: int, shares: int, owner: str, to: str
) -> tuple[int, int]:
    """Take back what ``owner`` lent, as far as it is not lent out; returns raw units and shares."""
    one_of(assets, shares)
    not_zero(to)
    me = effects.ctx.sender
    allowed(state, owner, me)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    if assets:
        shares = shares_up(assets, market.supply_assets, market.supply_shares)
    else:
        assets = assets_down(shares, market.supply_assets, market.supply_shares)
    account = market.of(owner)
    market.accounts[owner] = account._replace(supply_shares=within(account.supply_shares - shares))
    market.supply_shares = within(market.supply_shares - cast(shares))
    market.supply_assets = within(market.supply_assets - cast(assets))
    if market.borrow_assets > market.supply_assets:
        raise Revert("insufficient liquidity")
    effects.log("Withdraw", id=market.name, caller=me, onBehalf=owner, receiver=to, assets=assets, shares=shares)
    effects.move(market.loan, state.account, to, assets, "transfer reverted")
    return assets, shares


def supply_collateral(state: MorphoState, market: MarketState, effects: Effects, assets: int, owner: str) -> None:
    """Put collateral behind ``owner``'s debt; interest is not touched, which saves gas."""
    if assets == 0:
        raise Revert("zero assets")
    not_zero(owner)
    account = market.of(owner)
    market.accounts[owner] = account._replace(collateral=within(account.collateral + cast(assets)))
    me = effects.ctx.sender
    effects.log("SupplyCollateral", id=market.name, caller=me, onBehalf=owner, assets=assets)
    effects.move(market.collateral, me, state.account, assets, "transferFrom reverted")


def withdraw_collateral(
    state: MorphoState, market: MarketState, effects: Effects, assets: int, owner: str, to: str
) -> None:
    """Take collateral back, as far as the debt does not need it."""
    if assets == 0:
        raise Revert("zero assets")
    not_zero(to)
    me = effects.ctx.sender
    allowed(state, owner, me)
    accrue(market, effects.ctx.block.time, state.fee_recipient, effects)
    account = market.of(owner)
    left = account._replace(collateral=within(account.collateral - cast(assets)))
    market.accounts[owner] = left
    if left.borrow_shares:
        effects.count("health_checks")
        if not market.healthy(left):
            raise Revert("insufficient collateral")
    effects.log("WithdrawCollateral", id=market.name, caller=me, onBehalf=owner, receiver=to, assets=assets)
    effects.move(market.collateral, state.account, to, assets, "transfer reverted")
