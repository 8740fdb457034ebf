"""Where the versions of a reserve part: how balances are rounded, and how debt grows."""

from __future__ import annotations

from tidemill.errors import BadInput
from tidemill.venues.aave_v3.rules import (
    binomial_interest_down,
    ray_div_half_up,
    ray_mul_half_up,
    taylor_interest_half_up,
)
from tidemill.venues.aave_v3.rules_v36 import ray_div_down, ray_div_up, ray_mul_down, ray_mul_up
from tidemill.venues.aave_v3.state import Config, MarketState, ReserveState

__all__ = ["MODELLED_V36", "V30", "V36", "VERSIONS", "balance", "check_modelled", "debt_growth", "shares"]

V30, V36 = 30, 36
"""Versions by `ReserveState.version`."""
VERSIONS = {"3.0": V30, "3.6": V36}
"""By the name that a study gives them."""
MODELLED_V36 = {
    "ltv",
    "threshold",
    "bonus",
    "reserve_factor",
    "supply_cap",
    "borrow_cap",
    "frozen",
    "paused",
    "borrowing",
    "flash_loans",
    "liquidation_fee",
    "debt_ceiling",
    "isolated_borrowing",
    "siloed",
}
"""Settings of a reserve that v3.6 plays here; another must stay at what `Config` has by itself."""


def check_modelled(state: MarketState) -> None:
    """Refuse a version that there is not, and settings which the model of v3.6 would not heed.

    Raises ``BadInput`` and names the setting.
    """
    if state.version not in (V30, V36):
        raise BadInput(f"no version {state.version}; choose {V30} or {V36}", field="version")
    if state.version == V30:
        return
    plain = vars(Config())
    for reserve in state.reserves.values():
        for field, value in vars(reserve.config).items():
            if field not in MODELLED_V36 and value != plain[field]:
                raise BadInput(
                    f"{value} is not modelled in v3.6; leave it at {plain[field]}, or take version {V30}",
                    field=f"{reserve.asset}: {field}",
                )
    if state.flash_to_protocol:
        raise BadInput(f"not modelled in v3.6; leave it out, or take version {V30}", field="flash_to_protocol")
    for number, category in state.categories.items():
        if category.source:
            raise BadInput(f"v3.6 has no price of a category; take version {V30}", field=f"categories.{number}.source")


def balance(reserve: ReserveState, scaled: int, index: int, *, debt: bool) -> int:
    """Return the raw units that scaled shares stand for."""
    if reserve.version == V30:
        return ray_mul_half_up(scaled, index)
    return ray_mul_up(scaled, index) if debt else ray_mul_down(scaled, index)


def shares(reserve: ReserveState, amount: int, index: int, *, debt: bool, burnt: bool) -> int:
    """Return the scaled shares that raw units make, or burn: since v3.5 never to the pool's loss."""
    if reserve.version == V30:
        return ray_div_half_up(amount, index)
    return ray_div_up(amount, index) if debt != burnt else ray_div_down(amount, index)


def debt_growth(reserve: ReserveState, seconds: int) -> int:
    """Return the growth of debt over ``seconds``, in rays."""
    grown = binomial_interest_down if reserve.version == V30 else taylor_interest_half_up
    return grown(reserve.variable_rate, seconds)
