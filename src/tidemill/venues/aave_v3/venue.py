"""An Aave v3 market as a study places it: others lend and borrow already, and what they do moves the rates by seed."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Stage
from tidemill.units import BPS, RAY, mul_div_down
from tidemill.venues.aave_v3.bars import BARS
from tidemill.venues.aave_v3.model import MarketModel
from tidemill.venues.aave_v3.others import PRICE, opening, oracle_of, script_of
from tidemill.venues.aave_v3.versions import V30, V36, VERSIONS
from tidemill.venues.kinds import Kind, Placed, Setup, read_back, signs_of
from tidemill.venues.shared.loans import LoanStage

__all__ = ["VENUE"]

_OPTIMAL_36 = 100, 9_900
_MOST_36 = 100_000
"""Basis points within which the curve of v3.6 can be set."""


def place(setup: Setup) -> Placed:
    """Make a market of two reserves: the asset that is lent and borrowed, and what others borrow it against."""
    params = setup.params
    symbols = str(params["asset"]), str(params["collateral"])
    for symbol in symbols:
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if symbols[0] == symbols[1]:
        raise BadInput("asset and collateral are the same token", field=f"venues.{setup.id}.params.collateral")
    ids = [f"{symbol}@{setup.network}" for symbol in symbols]
    accounts = [f"{setup.id}:a{symbol}" for symbol in symbols]
    reserves = [
        {
            "asset": token,
            "account": account,
            "decimals": setup.decimals[symbol],
            "config": _config(setup, of_asset=token == ids[0]),
            "curve": _curve(setup),
        }
        for token, account, symbol in zip(ids, accounts, symbols, strict=True)
    ]
    prices = {ids[0]: int(params["asset_price"]) * PRICE, ids[1]: opening(setup)}
    version = _version(setup)
    state: dict[str, Any] = {"treasury": "treasury", "reserves": reserves, "prices": prices, "version": version}
    model, oracle = MarketModel(), oracle_of(setup, symbols[1])
    script = script_of(setup, ids, oracle)

    def make() -> Stage:
        return LoanStage(
            setup.id,
            setup.network,
            accounts[0],
            model,
            model.init(state),
            script,
            setup.first_from,
            beside=accounts[1:],
        )

    tokens = {symbol: setup.decimals[symbol] for symbol in symbols}
    gas = "" if version == V30 else str(Path(__file__).with_name("gas36.toml"))
    return Placed(make, tokens, oracles=(oracle,) if oracle is not None else (), gas=gas)


def _version(setup: Setup) -> int:
    """Return which contracts are meant; the curve of v3.6 has limits that v3.0's has not."""
    params, where = setup.params, f"venues.{setup.id}.params"
    if (named := str(params["version"])) not in VERSIONS:
        raise UnknownName("version of Aave v3", named, VERSIONS, field=f"{where}.version")
    if VERSIONS[named] == V36:
        base, slope1, slope2 = (int(params[name]) for name in ("base_bps", "slope1_bps", "slope2_bps"))
        if not _OPTIMAL_36[0] <= int(params["optimal_bps"]) <= _OPTIMAL_36[1]:
            raise BadInput("v3.6 takes an optimal usage from 100 to 9900", field=f"{where}.optimal_bps")
        if slope2 < slope1:
            raise BadInput(f"v3.6 takes no slope below slope1_bps, {slope1}", field=f"{where}.slope2_bps")
        if base + slope1 + slope2 > _MOST_36:
            raise BadInput(
                f"v3.6 takes no rate above {_MOST_36}, base and slopes together", field=f"{where}.slope2_bps"
            )
    return VERSIONS[named]


def _config(setup: Setup, *, of_asset: bool) -> dict[str, int]:
    params = setup.params
    return {
        "ltv": int(params["ltv_bps"]),
        "threshold": int(params["threshold_bps"]),
        "bonus": BPS + int(params["bonus_bps"]),
        "reserve_factor": int(params["reserve_factor_bps"]),
        "supply_cap": int(params["supply_cap"]) if of_asset else 0,
    }


def _curve(setup: Setup) -> dict[str, int]:
    names = {"optimal": "optimal_bps", "base": "base_bps", "slope1": "slope1_bps", "slope2": "slope2_bps"}
    return {name: mul_div_down(int(setup.params[given]), RAY, BPS) for name, given in names.items()}


VENUE = Kind(
    "aave_v3",
    "lending",
    "bytecode-equal",
    "Aave v3.0 or v3.6: lend, borrow at the variable rate, be liquidated.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "asset": (None, "symbol of the token lent and borrowed"),
        "collateral": (None, "symbol of the token that others borrow against"),
        "version": ("3.0", "which contracts: 3.0 or 3.6"),
        "supplied": (10_000_000, "whole tokens that others lend"),
        "usage_bps": (7_000, "how much of it others borrow at the start"),
        "collateral_usage_bps": (0, "how much of the collateral the lenders borrow"),
        "asset_price": (1, "price of the asset in the oracle's base currency, whole"),
        "collateral_price": (3_000, "price of the collateral in the oracle's base currency, whole"),
        "optimal_bps": (9_000, "usage at which the rate bends"),
        "base_bps": (0, "rate of debt at no usage, per year"),
        "slope1_bps": (550, "what the rate gains up to the optimal usage"),
        "slope2_bps": (4_000, "what it gains from there to full usage"),
        "reserve_factor_bps": (1_000, "the treasury's part of the interest"),
        "ltv_bps": (7_500, "most that collateral lends"),
        "threshold_bps": (8_000, "debt per collateral at which it is liquidated"),
        "bonus_bps": (500, "what a liquidator gains"),
        "supply_cap": (0, "most whole tokens that may be lent, 0 for no cap"),
        "flow_every_hours": (6, "hours between two steps of others"),
        "flow_bps": (100, "mean size of a step, of what is lent at the start"),
        "price_path": (
            "",
            'where the market takes the collateral\'s price: "DAY:PRICE DAY:PRICE", straight in between',
        ),
        "price_of": ("", "venue whose recorded price the collateral's follows, from the start on; empty: none"),
        "oracle_move_bps": (0, "most that it moves with each step, up or down, by seed"),
        "oracle_deviation_bps": (50, "move of the market at which the oracle answers"),
        "oracle_heartbeat_s": (86_400, "seconds after which it answers even so"),
        "oracle_lag_s": (0, "seconds until its answer stands on the chain"),
        "liquidation_cover": (0, "whole tokens of your debt that a liquidator tries to pay at each step, 0: none"),
    },
    income="Borrowers pay a variable rate that rises with usage; suppliers share it, less the treasury's part.",
    risks=(
        "when nearly all is borrowed, a withdrawal waits until somebody repays or supplies",
        "a debt beside collateral is liquidated, at a loss, once its health factor falls below 1",
        "caps, freezes and pauses are the governance's: an entry can be refused, and so can an exit while paused",
        "collateral that falls faster than liquidators act leaves bad debt with the market",
    ),
    limits={
        "supplied": (1, 10**12),
        "usage_bps": (0, 10_000),
        "asset_price": (1, 10**9),
        "collateral_price": (1, 10**9),
        "optimal_bps": (1, 10_000),
        "base_bps": (0, 10**6),
        "slope1_bps": (0, 10**6),
        "slope2_bps": (0, 10**6),
        "reserve_factor_bps": (0, 10_000),
        "ltv_bps": (1, 10_000),
        "threshold_bps": (1, 10_000),
        "bonus_bps": (0, 10_000),
        "supply_cap": (0, 2**36 - 1),
        "flow_every_hours": (1, 10_000),
        "flow_bps": (0, 10_000),
        "collateral_usage_bps": (0, 10_000),
        "oracle_move_bps": (0, 10_000),
        "oracle_deviation_bps": (0, 10_000),
        "oracle_heartbeat_s": (0, 10**8),
        "oracle_lag_s": (0, 10**8),
        "liquidation_cover": (0, 10**12),
    },
    verbs={"enter": "supply", "leave": "withdraw"},
    bars=BARS,
    reasons=MarketModel.reasons,
    history=read_back("tidemill.venues.aave_v3.history"),
    signs=signs_of("tidemill.venues.aave_v3.signs"),
)
