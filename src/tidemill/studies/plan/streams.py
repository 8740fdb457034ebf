"""A line of a plan as something that can be played: a venue of a kind that tidemill models, a strategy and its capital.

A list says of a place its rate, its size and its tokens, nothing else. What a study needs beside that is set so that the
venue pays what the plan believes, and is said (``Stream.notes``); what cannot be played at all is a reason, in words.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from decimal import ROUND_DOWN, Decimal
from typing import Any

from msgspec import Struct

from tidemill import networks
from tidemill.studies.plan.tokens import ETHER

__all__ = ["GAS", "PLACE", "Line", "Stream", "stream_of", "text_of"]

MICRO = 10**6
PLACE = "place"
"""What the venue of a line is called, alone in its study."""
DECIMALS = {"USDC": 6, "USDT": 6, "USDC.E": 6, "USDBC": 6, "PYUSD": 6, "EURC": 6, "WBTC": 8, "CBBTC": 8, "TBTC": 18}
"""Decimals of well-known tokens; others have 18."""
GAS = {"ethereum": "0.3", "": "0.02"}
"""Ether brought beside the capital for gas, by network; the empty name is every other network that pays in ether."""
USAGE, OPTIMAL, RESERVE = 7_500, 9_000, 1_000
"""A lending market's usage, bend and treasury's part, basis points: assumptions; the slope is set by the rate."""
POOL_FEE_BPS = 30
UNDONE_PCT = 55
"""Of the volume that pays the believed rate, what noise traders do: arbitrage undoes most of each step of theirs, and pays fees
too (measured at 4 hours a step: 1.79 to 1.84 of theirs in all)."""


class Line(Struct, frozen=True):
    """What of a plan's line a study is made of: micro-dollars, basis points a year, symbols in capitals. ``sized``: ``tvl`` is
    known, not assumed.
    """

    id: str
    name: str
    network: str
    kind: str
    tokens: tuple[str, ...]
    amount: int
    rate_bps: int
    reward_bps: int
    tvl: int
    stable: bool
    sized: bool = True


class Stream(Struct, frozen=True):
    """A line that can be played.

    ``venue`` is a venue's table of a study, ``parameters`` the strategy's, in which ``PLACE`` stands for that venue's name.
    ``home`` is what is brought in (``amount``) and counted in; ``native`` pays gas (``gas``). ``tokens`` are decimals and
    ``dollars`` prices by symbol; those ``quoted`` are priced by the venue itself, and ``share`` is its receipt token.
    ``dated`` says whether the study may choose its period: one over recorded events has theirs. ``notes`` are assumptions.
    """

    line: Line
    network: str
    home: str
    amount: str
    native: str
    gas: str
    strategy: str
    parameters: Mapping[str, Any]
    venue: Mapping[str, Any]
    tokens: Mapping[str, int]
    dollars: Mapping[str, Decimal]
    quoted: tuple[str, ...] = ()
    share: str = ""
    dated: bool = True
    notes: tuple[str, ...] = ()


class _Place(Struct):
    """The part of a stream that differs by kind."""

    home: str
    strategy: str
    parameters: dict[str, Any]
    venue: dict[str, Any]
    tokens: tuple[str, ...]
    share: str = ""
    quoted: tuple[str, ...] = ()
    dated: bool = True
    notes: tuple[str, ...] = ()


class _Priced:
    """Prices in dollars by symbol, as a person gave them, with the stand-ins that are said."""

    def __init__(self, line: Line, prices: Mapping[str, str]) -> None:
        self._prices = prices
        self._dollars = line.tokens if line.stable else ()

    def of(self, token: str) -> Decimal | None:
        """Return what one is worth, ``None`` where nobody says."""
        if token in self._prices:
            return Decimal(self._prices[token])
        if token in ETHER and "ETH" in self._prices:
            return Decimal(self._prices["ETH"])
        return Decimal(1) if token in self._dollars or f"S{token}" in self._dollars else None


def stream_of(line: Line, prices: Mapping[str, str]) -> Stream | str:
    """Return how a line is played, or in words why it cannot be.

    Parameters
    ----------
    prices : dollars by symbol, as decimal text.
    """
    if line.kind not in _PLACES:
        return "no model of its venue here" if not line.kind else f"a list does not say enough for a {line.kind}"
    priced = _Priced(line, prices)
    for token in line.tokens:
        if not priced.of(token):
            return f"no price of {token}; give --price {token}=…"
    native = networks.get(line.network).native_token
    gas_price = priced.of(native) if native != "ETH" else Decimal(prices.get("ETH", "3000"))
    if gas_price is None:
        return f"no price of {native}, which pays gas there; give --price {native}=…"
    place = _PLACES[line.kind](line, priced)
    if isinstance(place, str):
        return place
    unit = priced.of(place.home)
    assert unit, "a line's home is one of its tokens"
    decimals = {token: DECIMALS.get(token, 18) for token in {place.home, *place.tokens}}
    amount = text_of(Decimal(line.amount) / MICRO / unit, decimals[place.home])
    gas = GAS.get(line.network, GAS[""]) if native == "ETH" else text_of(Decimal(60) / gas_price, 6)
    dollars = {token: worth for token in place.tokens if (worth := priced.of(token))}
    notes = list(place.notes)
    if line.reward_bps:
        notes.append(
            f"{line.reward_bps / 100:.2f} % of its rate are rewards in tokens, played as if paid in {place.home}"
        )
    if not line.sized:
        notes.append(f"nobody says what is in it: {line.tvl // MICRO:,} USD are assumed")
    if native == "ETH" and "ETH" not in prices:
        notes.append("ether is taken at 3000 dollars, as nobody gave its price")
    return Stream(
        line,
        line.network,
        place.home,
        amount,
        native,
        gas,
        place.strategy,
        {key: value if value == PLACE else f"{value}@{line.network}" for key, value in place.parameters.items()},
        place.venue,
        decimals,
        {**dollars, place.home: unit, native: gas_price},
        place.quoted,
        place.share,
        place.dated,
        tuple(notes),
    )


def text_of(value: Decimal, places: int) -> str:
    """Write a decimal, rounded down, without an exponent."""
    return f"{value.quantize(Decimal(1).scaleb(-places), rounding=ROUND_DOWN):f}"


def _whole(line: Line, price: Decimal | None) -> int:
    """Return what is in a place in whole tokens, at least one."""
    return max(int(Decimal(line.tvl) / MICRO / (price or 1)), 1)


def _wrapped(symbol: str) -> str:
    """Return the token that pools hold where a list names the native one."""
    return {"ETH": "WETH"}.get(symbol, symbol)


def _lending(line: Line, priced: _Priced) -> _Place | str:
    asset = _wrapped(line.tokens[0])
    other = "WETH" if asset not in ETHER else "USDC"
    price = priced.of(asset) or Decimal(1)
    # supply rate = slope × usage/optimal × usage × (1 − treasury's part)
    slope = line.rate_bps * OPTIMAL * 10_000 * 10_000 // (USAGE * USAGE * (10_000 - RESERVE))
    venue = {
        "kind": "aave_v3",
        "params": {
            "asset": asset,
            "collateral": other,
            "asset_price": max(int(price), 1),
            "collateral_price": 1 if other == "USDC" else max(int(priced.of("ETH") or 3000), 1),
            "supplied": _whole(line, price),
            "usage_bps": USAGE,
            "optimal_bps": OPTIMAL,
            "slope1_bps": slope,
            "slope2_bps": 4_000,
            "reserve_factor_bps": RESERVE,
            "flow_bps": 10,
        },
    }
    note = f"usage {USAGE / 100:g} %, of which the slope of the rate follows that pays what is believed; others by seed"
    return _Place(asset, "lend", {"lending": PLACE, "asset": asset}, venue, (asset, other), notes=(note,))


def _vault(line: Line, _priced: _Priced) -> _Place | str:
    asset = _wrapped(line.tokens[0])
    share = f"v{asset}"
    venue = {
        "kind": "erc4626",
        "params": {
            "asset": asset,
            "share": share,
            "tvl": _whole(line, _priced.of(asset)),
            "yield_bps": line.rate_bps,
        },
    }
    note = "played as a plain vault that grows at the believed rate: a list does not say what a vault lends to"
    return _deposited(asset, share, venue, note)


def _deposited(asset: str, share: str, venue: dict[str, Any], note: str) -> _Place:
    parameters = {"vault": PLACE, "asset": asset, "share": share}
    return _Place(asset, "deposit_and_harvest", parameters, venue, (asset,), share, notes=(note,))


def _savings(line: Line, priced: _Priced) -> _Place | str:
    asset = line.tokens[0].removeprefix("S") if line.tokens[0] in ("SUSDS", "SDAI") else line.tokens[0]
    venue = {
        "kind": "savings_vault",
        "params": {
            "asset": asset,
            "share": f"s{asset}",
            "apy_bps": line.rate_bps,
            "tvl": _whole(line, priced.of(asset)),
        },
    }
    note = "the issuer does not change its rate"
    return _deposited(asset, f"s{asset}", venue, note)


def _staking(line: Line, priced: _Priced) -> _Place | str:
    if line.network != "ethereum":
        return "a staking token bridged to a Layer 2 must be bought at a pool that the list does not name"
    if line.tokens[0] not in ETHER:
        return f"{line.tokens[0]} is no staked ether, which is what the model is of"
    asset, share = "WETH", line.tokens[0].lower() + "Token" if line.tokens[0] in ("ETH", "WETH") else line.tokens[0]
    venue = {
        "kind": "liquid_staking",
        "params": {
            "asset": asset,
            "share": share,
            "rate": "1",
            "staked": _whole(line, priced.of("ETH")),
            "apr_bps": line.rate_bps * 10_000 // 9_000,
            "fee_bps": 1_000,
            "queue_days": 3,
        },
    }
    parameters = {"staking": PLACE, "asset": asset, "token": share}
    return _Place(asset, "hold_staked", parameters, venue, (asset,), share, notes=("left by its queue, in three days",))


def _delegation(line: Line, _priced: _Priced) -> _Place | str:
    if line.tokens != ("POL",) or line.network != "ethereum":
        return "only POL, which is staked on Ethereum, has a study of staking here"
    facts, own = networks.get("polygon-pos").facts, {"own": 1_000_000, "others": 20_000_000}
    yearly = facts.timeline("validator_emission").entries[-1].fact.value
    commission = 5
    assert isinstance(yearly, int), "an emission is whole tokens"
    # what pays the rate: a year's new tokens, less the commission, over all that is staked
    staked = yearly * (100 - commission) * 100 // max(line.rate_bps, 1)
    elsewhere = staked - sum(own.values())
    if not 0 < elsewhere < facts.integer("supply") - sum(own.values()):
        return f"{line.rate_bps / 100:.2f} % a year would need {staked:,} POL staked, which there cannot be"
    venue = {
        "kind": "delegation",
        "params": {
            "token": "POL",
            "commission_pct": commission,
            **own,
            "elsewhere": elsewhere,
            "yearly": yearly,
            "supply": facts.integer("supply"),
            "unbonding_hours": -(-facts.integer("unbonding_most") // 3_600),
        },
    }
    note = (
        f"{staked:,} POL staked in all, so that a year's {yearly:,} new ones pay what is believed after {commission} %"
    )
    return _Place("POL", "delegate", {"staking": PLACE, "asset": "POL"}, venue, ("POL",), notes=(note,))


def _pair(line: Line, priced: _Priced) -> _Place | str:
    if len(line.tokens) != 2:
        return f"a pair of two tokens is played, not {'-'.join(line.tokens)}"
    token0, token1 = line.tokens
    if token0 == "USDC" or (priced.of(token0) == 1 and priced.of(token1) != 1):
        token0, token1 = token1, token0
    token0, token1 = (_wrapped(symbol) for symbol in (token0, token1))
    worth0, worth1 = priced.of(token0), priced.of(token1)
    if not worth0 or not worth1:
        return f"no price of {token0} or {token1}"
    side = max(int(Decimal(line.tvl) / 2 / MICRO / worth1), 1)
    # fees of a year = noise × 0.3 % × 365, on two sides
    noise = side * 2 * line.rate_bps * UNDONE_PCT // (POOL_FEE_BPS * 365 * 100)
    venue = {
        "kind": "uniswap_v2",
        "params": {
            "token0": token0,
            "token1": token1,
            "lp": "LP",
            "price": text_of(worth0 / worth1, 12).rstrip("0").rstrip("."),
            "liquidity": side,
            "volatility_bps": 100 if line.stable else 7_000,
            "noise_per_day": max(noise, 1),
            "every_minutes": 240,
        },
    }
    move = "1 %" if line.stable else "70 %"
    note = f"noise trades that pay the believed rate, an outside price that moves by {move} a year, arbitrage on top"
    parameters = {"venue": PLACE, "home": token1, "share": "LP"}
    return _Place(token1, "hold_lp", parameters, venue, (token0, token1), "LP", (token0, token1), notes=(note,))


def _range(line: Line, _priced: _Priced) -> _Place | str:
    tokens = {_wrapped(symbol) for symbol in line.tokens}
    if tokens != {"USDC", "WETH"}:
        return f"there are no recorded swaps of {'-'.join(line.tokens)} here; give a dataset (docs/study.md)"
    venue = {"kind": "uniswap_v3", "dataset": "sample", "mode": "diluted"}
    note = "over the synthetic sample's 60 days, at its prices and fees: not the plan's time, nor its believed rate"
    return _Place("USDC", "full_range", {}, venue, ("USDC", "WETH"), dated=False, notes=(note,))


_PLACES: Mapping[str, Callable[[Line, _Priced], _Place | str]] = {
    "aave_v3": _lending,
    "morpho_blue": _vault,
    "erc4626": _vault,
    "savings_vault": _savings,
    "liquid_staking": _staking,
    "delegation": _delegation,
    "uniswap_v2": _pair,
    "uniswap_v3": _range,
}
