"""A classic pool followed by a table of its reserves and shares, or of price, volume and depth."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Stage
from tidemill.units import RAY, div_down, format_amount, isqrt_down, mul_div_down
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
    """Make the pair; others hold its shares already. Reserves are those of the last row; fees come evenly until the next."""
    params, path, model = setup.params, setup.market, ExchangeModel()
    symbols = str(params["token0"]), str(params["token1"])
    known = setup.places(*symbols)
    if len({*symbols, str(params["lp"])}) < 3:
        raise BadInput("token0, token1 and lp must differ", field=f"venues.{setup.id}.params")
    lp, account = str(params["lp"]), f"{setup.id}:pair"
    token0, token1, share = (f"{symbol}@{setup.network}" for symbol in (*symbols, lp))
    state: dict[str, Any] = {"pairs": [(account, token0, token1, share)], "fee_to": ""}
    places = dict(zip((*symbols, lp), (*known, LP_DECIMALS), strict=True))
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
        rays = path.held("reserve0", now), path.held("reserve1", now)
        shares = div_down(isqrt_down(rays[0] * rays[1]) * _RAY, path.between("root_per_share", now))
        *reserves, others = (
            mul_div_down(ray, 10**digits, _RAY) for ray, digits in zip((*rays, shares), places, strict=True)
        )
        pair.total_supply = others + holdings.held.get((pair.lp, "me"), 0)
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
    limits={"protocol_fee": (0, 1)},
    mode="small",
    error=(
        "classic pool over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.25 %, at most 0.56 %; daily rows 0.44 %, at most 1.49 %; "
        "your part is not counted: with a hundredth of what others hold 1.35 % too much"
    ),
    sample=sample,
)
