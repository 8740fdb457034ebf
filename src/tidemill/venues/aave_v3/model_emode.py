"""E-mode: an account chooses a category, within which assets of one kind have terms of their own.

Source: the Aave v3 technical paper (January 2022), Aave's public notes on v3.2 (liquid e-modes) and v3.6, and what the bytecode
of both versions answers.
"""

from __future__ import annotations

from tidemill.errors import Revert
from tidemill.venues.aave_v3.codes import Code
from tidemill.venues.aave_v3.model_account import check_healthy, terms
from tidemill.venues.aave_v3.model_reserve import Acting
from tidemill.venues.aave_v3.state import Category, MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30

__all__ = ["configure_category", "freeze_in_categories", "lends_in", "set_emode"]

_MEMBERS = {"collaterals", "borrowables", "zero_ltv"}


def lends_in(state: MarketState, category: int, reserve: ReserveState) -> bool:
    """Say whether a reserve of v3.6 may be borrowed in a category, or outside all of them (0)."""
    if category == 0:
        return reserve.config.borrowing
    return bool(state.categories[category].borrowables >> reserve.id & 1)


def set_emode(state: MarketState, acting: Acting, category: int) -> None:
    """Enter an e-mode category, or leave with 0."""
    me = acting.sender
    before = state.emode.get(me, 0)
    if state.version != V30 and category == before:
        return
    if category and category not in state.categories:
        raise Revert(Code.WRONG_CATEGORY)
    if state.version == V30:
        _check_v30(state, me, category)
    acting.put(state.emode, me, category)
    if state.version != V30:
        _check_v36(state, me, category)
    if before or state.version != V30:
        check_healthy(state, me, acting)
    acting.log("UserEModeSet", user=me, categoryId=category)


def _check_v30(state: MarketState, me: str, category: int) -> None:
    """Refuse where something owed is not of the category."""
    owing = state.borrowed.get(me, 0)
    for reserve in state.reserves.values():
        if category and owing >> reserve.id & 1 and reserve.config.category != category:
            raise Revert(Code.WRONG_CATEGORY)


def _check_v36(state: MarketState, me: str, category: int) -> None:
    """Refuse where something owed may not be borrowed there, or something used lends nothing there."""
    owing, using = state.borrowed.get(me, 0), state.collateral.get(me, 0)
    for reserve in state.reserves.values():
        if owing >> reserve.id & 1 and not lends_in(state, category, reserve):
            raise Revert(f"InvalidDebtInEmode({reserve.asset}, {category})")
        if using >> reserve.id & 1 and not terms(state, me, reserve).ltv:
            raise Revert(f"InvalidCollateralInEmode({reserve.asset}, {category})")


def configure_category(state: MarketState, acting: Acting, number: int, field: str, reserve: int, *, on: bool) -> None:
    """Say of v3.6 whether a reserve (its id) is one of a category's ``collaterals``, ``borrowables`` or ``zero_ltv``."""
    if field not in _MEMBERS:
        raise Revert(f"{field} of a category is not modelled")
    category = state.categories[number]
    _set_member(acting, category, field, reserve, on=on)
    if field == "collaterals" and not on:
        _set_member(acting, category, "zero_ltv", reserve, on=False)


def freeze_in_categories(state: MarketState, acting: Acting, reserve: int) -> None:
    """A frozen reserve lends nothing in any category; thawing does not bring that back."""
    for category in state.categories.values():
        if category.collaterals >> reserve & 1:
            _set_member(acting, category, "zero_ltv", reserve, on=True)


def _set_member(acting: Acting, category: Category, field: str, reserve: int, *, on: bool) -> None:
    members, bit = getattr(category, field), 1 << reserve
    acting.set(category, **{field: members | bit if on else members & ~bit})
