"""A deployed market read into the model's own state: what governance set, every reserve, and some accounts."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.errors import BadInput
from tidemill.venues.aave_v3.client_abi import CURVE, CURVE_36, ORACLE, POOL, POOL_36, RECEIPT
from tidemill.venues.aave_v3.state import Category, Config, Curve, MarketState, ReserveState
from tidemill.venues.aave_v3.versions import V30, V36, check_modelled
from tidemill.venues.shared.client_parts import ask, ask_many

__all__ = ["config_of", "market_at", "rounding_at", "version_at"]

_REVISIONS = {1: V30, 2: V30, 3: V30, 10: V36}
"""What a pool says of itself. The package of v3.0.2 says 1, governance's own deployments of v3.0 count on to 3."""

_ROUNDS_36 = 9
"""Revision of v3.5."""

_NUMBERS = {
    "ltv": (0, 16),
    "threshold": (16, 16),
    "bonus": (32, 16),
    "reserve_factor": (64, 16),
    "borrow_cap": (80, 36),
    "supply_cap": (116, 36),
    "liquidation_fee": (152, 16),
    "category": (168, 8),
    "debt_ceiling": (212, 40),
}
_FLAGS = {"active": 56, "frozen": 57, "borrowing": 58, "paused": 60, "isolated_borrowing": 61, "siloed": 62}
_FLAGS |= {"flash_loans": 63}
_DECIMALS = (48, 8)
"""First bit and width in the word that the pool keeps of a reserve's settings (Aave's public reference of it)."""

_MEMBERS = {"collaterals": "CollateralBitmap", "borrowables": "BorrowableBitmap", "zero_ltv": "LtvzeroBitmap"}
_MOST_CATEGORIES, _FREE = 255, 5

_NOBODY = "0x" + "00" * 20


def config_of(word: int) -> Config:
    """Return what governance set for a reserve, from the pool's word of it."""
    fields: dict[str, Any] = {name: _bits(word, *place) for name, place in _NUMBERS.items()}
    return Config(**fields | {name: bool(_bits(word, bit, 1)) for name, bit in _FLAGS.items()})


def version_at(rpc: Rpc, pool: str, block: BlockId) -> int:
    """Return which version a pool is, 30 or 36; raises ``BadInput`` for one between or beyond them."""
    (revision,) = ask(rpc, pool, POOL, "POOL_REVISION", (), block)
    if revision not in _REVISIONS:
        raise BadInput(
            f"the pool {pool} is of revision {revision}; v3.0 (revisions 1 to 3) and v3.6 (10) are modelled",
            field="address",
        )
    return _REVISIONS[revision]


def rounding_at(rpc: Rpc, pool: str, block: BlockId) -> int:
    """Return the version, 30 or 36, that rounds balances as a pool does: since v3.5 in the pool's favour."""
    (revision,) = ask(rpc, pool, POOL, "POOL_REVISION", (), block)
    return V36 if revision >= _ROUNDS_36 else V30


def market_at(
    rpc: Rpc, pool: str, oracle: str, reserves: Mapping[str, Any], block: BlockId, accounts: Sequence[str]
) -> MarketState:
    """Read these reserves (``ReserveAt`` by token id) and accounts, the treasury's included, at ``block``.

    Raises ``BadInput`` for a version that is not modelled, and for settings and debts that the model would not heed.
    """
    seen = rpc.block(block).number
    version = version_at(rpc, pool, seen)
    (treasury,) = ask(rpc, next(iter(reserves.values())).supply, RECEIPT, "RESERVE_TREASURY_ADDRESS", (), seen)
    premiums = ("FLASHLOAN_PREMIUM_TOTAL", "FLASHLOAN_PREMIUM_TO_PROTOCOL")
    (premium,), (to_protocol,) = ask_many(rpc, pool, POOL, [(name, ()) for name in premiums], seen)
    state = MarketState(treasury, version, flash_premium=premium)
    if version == V30:
        state.flash_to_protocol = to_protocol  # all of it since v3.4
    who = list(dict.fromkeys((*accounts, treasury)))
    for asset, at in reserves.items():
        state.reserves[asset] = _reserve(rpc, pool, asset, at, seen, version)
        _holders(rpc, at, state.reserves[asset], who, seen)
    prices = ask_many(rpc, oracle, ORACLE, [("getAssetPrice", (at.token,)) for at in reserves.values()], seen)
    state.prices = {asset: price for asset, (price,) in zip(reserves, prices, strict=True)}
    _accounts(rpc, pool, state, who, seen)
    if version == V30:
        _categories(rpc, pool, oracle, state, {at.token: asset for asset, at in reserves.items()}, seen)
    else:
        _categories_v36(rpc, pool, state, seen)
    check_modelled(state)
    return state


def _reserve(rpc: Rpc, pool: str, asset: str, at: Any, block: BlockId, version: int) -> ReserveState:
    (word, income, income_rate, debt, rate, stable, updated, number, _a, stable_token, _v, curve, *rest) = ask(
        rpc, pool, POOL, "getReserveData", (at.token,), block
    )
    accrued, unbacked, isolated = rest
    if unbacked or (stable_token != _NOBODY and ask(rpc, stable_token, RECEIPT, "totalSupply", (), block)[0]):
        raise BadInput(f"{asset}: unbacked aTokens and debt at a stable rate are not modelled", field="address")
    totals = [ask(rpc, token, RECEIPT, "scaledTotalSupply", (), block)[0] for token in (at.supply, at.debt)]
    reserve = ReserveState(
        number,
        asset,
        at.supply,
        _bits(word, *_DECIMALS),
        config_of(word),
        _curve(rpc, curve, at.token, block, version),
        liquidity_index=income,
        variable_index=debt,
        liquidity_rate=income_rate,
        variable_rate=rate,
        stable_rate=stable,
        updated=updated,
        accrued=accrued,
        isolated_debt=isolated,
        version=version,
        total_supplied=totals[0],
        total_owed=totals[1],
    )
    if version == V36:
        own = [(name, (at.token,)) for name in ("getVirtualUnderlyingBalance", "getReserveDeficit")]
        (reserve.virtual,), (reserve.deficit,) = ask_many(rpc, pool, POOL_36, own, block)
    return reserve


def _curve(rpc: Rpc, curve: str, token: str, block: BlockId, version: int) -> Curve:
    if version == V36:
        return Curve(*ask(rpc, curve, CURVE_36, "getInterestRateData", (token,), block))
    names = ("OPTIMAL_USAGE_RATIO", "getBaseVariableBorrowRate", "getVariableRateSlope1", "getVariableRateSlope2")
    return Curve(*(number for (number,) in ask_many(rpc, curve, CURVE, [(name, ()) for name in names], block)))


def _holders(rpc: Rpc, at: Any, reserve: ReserveState, who: Sequence[str], block: BlockId) -> None:
    """What accounts supply and owe, scaled, and the index at which each was last touched."""
    sides = (
        (at.supply, reserve.supplied, reserve.supplied_index),
        (at.debt, reserve.owed, reserve.owed_index),
    )
    for token, scaled, touched in sides:
        for name, kept in (("scaledBalanceOf", scaled), ("getPreviousIndex", touched)):
            found = ask_many(rpc, token, RECEIPT, [(name, (one,)) for one in who], block)
            kept.update({one: value for one, (value,) in zip(who, found, strict=True) if value})


def _accounts(rpc: Rpc, pool: str, state: MarketState, who: Sequence[str], block: BlockId) -> None:
    """Which reserves accounts use and owe in, as far as they are read, and their e-mode."""
    for one in who:
        (bits,), (emode,) = ask_many(
            rpc, pool, POOL, [("getUserConfiguration", (one,)), ("getUserEMode", (one,))], block
        )
        for reserve in state.reserves.values():
            for place, kept in enumerate((state.borrowed, state.collateral)):
                if bits >> 2 * reserve.id + place & 1:
                    kept[one] = kept.get(one, 0) | 1 << reserve.id
        if emode:
            state.emode[one] = emode


def _categories(rpc: Rpc, pool: str, oracle: str, state: MarketState, names: Mapping[str, str], block: BlockId) -> None:
    """The e-mode categories that a reserve or an account is in; the asset whose price one takes may be none of them."""
    used = {reserve.config.category for reserve in state.reserves.values()} | set(state.emode.values())
    for number in sorted(used - {0}):
        ((ltv, threshold, bonus, source, _label),) = ask(rpc, pool, POOL, "getEModeCategoryData", (number,), block)
        named = "" if source == _NOBODY else names.get(source, source)
        if named and named not in state.prices:
            (state.prices[named],) = ask(rpc, oracle, ORACLE, "getAssetPrice", (source,), block)
        state.categories[number] = Category(ltv, threshold, bonus, named)


def _categories_v36(rpc: Rpc, pool: str, state: MarketState, block: BlockId) -> None:
    """All that a pool of v3.6 has been told of, up to the first few numbers that are free, and those that accounts are in."""
    number, free, last = 0, 0, max(state.emode.values(), default=0)
    while number < _MOST_CATEGORIES and (free < _FREE or number < last):
        number += 1
        names = ("CollateralConfig", *_MEMBERS.values())
        terms, *members = ask_many(
            rpc, pool, POOL_36, [(f"getEModeCategory{name}", (number,)) for name in names], block
        )
        free = 0 if terms[1] else free + 1
        if terms[1]:
            bitmaps = dict(zip(_MEMBERS, (bits for (bits,) in members), strict=True))
            state.categories[number] = Category(*terms, **bitmaps)


def _bits(word: int, first: int, width: int) -> int:
    return word >> first & (1 << width) - 1
