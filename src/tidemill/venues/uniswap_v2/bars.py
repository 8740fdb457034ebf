"""A classic pool followed by a table of its reserves and shares, or of price, volume and depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.units import RAY, format_amount, mul_div_down
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.shared.following import Follow, FollowingStage, hold
from tidemill.venues.shared.scripted import Holdings
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.model_pair import protocol_share_down
from tidemill.venues.uniswap_v2.price import LP_DECIMALS, sqrt_price_x96_down
from tidemill.venues.uniswap_v2.state import ExchangeState

__all__ = ["BARS"]

_RAY = int(RAY)


def place(setup: Setup) -> Placed:
    """Make the pair; others hold its shares already, and reserves and shares are those of the last bar."""
    params, path, model = setup.params, setup.market, ExchangeModel()
    symbols = str(params["token0"]), str(params["token1"])
    for symbol in symbols:
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if len({*symbols, str(params["lp"])}) < 3:
        raise BadInput("token0, token1 and lp must differ", field=f"venues.{setup.id}.params")
    lp, account = str(params["lp"]), f"{setup.id}:pair"
    token0, token1, share = (f"{symbol}@{setup.network}" for symbol in (*symbols, lp))
    state: dict[str, Any] = {"pairs": [(account, token0, token1, share)], "fee_to": ""}
    places = {symbol: setup.decimals[symbol] for symbol in symbols} | {lp: LP_DECIMALS}
    follow = _follow(path, tuple(places.values()))

    def make() -> Stage:
        stage = FollowingStage(
            setup.id, setup.network, account, model, model.init(state), (), setup.first_from, follow=follow
        )
        follow(stage.state, stage.holdings, setup.start)
        return stage

    def notes() -> tuple[str, ...]:
        return (f"{setup.id}: fees as if your liquidity were not there; own swaps pay their impact, and leave none",)

    return Placed(
        make,
        places,
        pair=lambda stage: (token0, token1, sqrt_price_x96_down(*stage.read("getReserves")[:2])),
        shares=(lp,),
        notes=notes,
    )


def _follow(path: Any, places: tuple[int, ...]) -> Follow[ExchangeState]:
    def follow(state: ExchangeState, holdings: Holdings, now: int) -> None:
        (pair,) = state.pairs.values()
        names = ("reserve0", "reserve1", "total_supply")
        *reserves, others = (
            mul_div_down(path.held(name, now), 10**digits, _RAY) for name, digits in zip(names, places, strict=True)
        )
        mine = holdings.held.get((pair.lp, "me"), 0)
        pair.total_supply = others + mine
        pair.reserve0, pair.reserve1 = (mul_div_down(reserve, pair.total_supply, others) for reserve in reserves)
        pair.updated = now % (1 << 32)
        hold(holdings, pair.token0, pair.account, pair.reserve0)
        hold(holdings, pair.token1, pair.account, pair.reserve1)

    return follow


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact pair would: reserves, and shares, those that the protocol is due among them."""
    (pair,) = stage.state.pairs.values()
    shares = pair.total_supply + protocol_share_down(
        stage.state, pair, pair.reserve0 * pair.reserve1, pair.total_supply
    )
    found = {
        "reserve0": (pair.reserve0, decimals[pair.token0]),
        "reserve1": (pair.reserve1, decimals[pair.token1]),
        "total_supply": (shares, LP_DECIMALS),
    }
    return {name: format_amount(*value) for name, value in found.items()}


BARS = Bars(
    place,
    params={
        "token0": (None, "symbol of the pair's first token"),
        "token1": (None, "symbol of the pair's second token, in which price and amounts are told"),
        "lp": (None, "symbol of the pair's share"),
        "protocol_fee": (0, "1: the protocol takes a sixth of the fees (asked where the table has volume), 0: not"),
    },
    mode="small",
    error="classic pool followed by bars: not measured yet",
    sample=sample,
)
