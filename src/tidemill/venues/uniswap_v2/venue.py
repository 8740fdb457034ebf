"""A pair as a study places it: others provide liquidity already, and a seeded flow of swaps moves it."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage
from tidemill.units import BPS, parse_amount
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.venues.uniswap_v2.bars import BARS
from tidemill.venues.uniswap_v2.flow import FlowSpec, swaps
from tidemill.venues.uniswap_v2.model import ExchangeModel
from tidemill.venues.uniswap_v2.price import LP_DECIMALS, sqrt_price_x96_down

__all__ = ["VENUE"]

MINUTE, DAY = 60, 86_400


def place(setup: Setup) -> Placed:
    """Make the pair and its script.

    Raises
    ------
    BadInput : a token's decimals or the price are not known, or nobody is in the pair.
    """
    params, model = setup.params, ExchangeModel()
    symbols = str(params["token0"]), str(params["token1"])
    for symbol in symbols:
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if len({*symbols, str(params["lp"])}) < 3:
        raise BadInput("token0, token1 and lp must differ", field=f"venues.{setup.id}.params")
    lp, account, script = str(params["lp"]), f"{setup.id}:pair", _script(setup, symbols)
    token0, token1 = (f"{symbol}@{setup.network}" for symbol in symbols)
    state: dict[str, Any] = {
        "pairs": [(account, token0, token1, f"{lp}@{setup.network}")],
        "fee_to": f"{setup.id}:fee_to" if int(params["protocol_fee"]) else "",
    }

    def make() -> Stage:
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    def notes() -> tuple[str, ...]:
        return (f"{setup.id}: {len(script) - 1:,} swaps of others, sized for the pair without your liquidity",)

    start = _reserves(setup, symbols)
    return Placed(
        make,
        {symbols[0]: setup.decimals[symbols[0]], symbols[1]: setup.decimals[symbols[1]], lp: LP_DECIMALS},
        pair=lambda stage: (token0, token1, _price(stage, start)),
        shares=(lp,),
        notes=notes,
    )


def _price(stage: Any, start: tuple[int, int]) -> int:
    """The pair's price; ahead of the first block of the script, that at which it will start."""
    reserve0, reserve1, _ = stage.read("getReserves")
    return sqrt_price_x96_down(*((reserve0, reserve1) if reserve0 else start))


def _reserves(setup: Setup, symbols: tuple[str, str]) -> tuple[int, int]:
    """Return what others bring: so much of token1, and as much of token0 as that is worth."""
    places = setup.decimals[symbols[0]], setup.decimals[symbols[1]]
    field = f"venues.{setup.id}.params"
    try:
        price = parse_amount(str(setup.params["price"]), 18)
    except (BadInput, ValueError) as error:
        raise BadInput(str(error), field=f"{field}.price") from None
    amount1 = int(setup.params["liquidity"]) * 10 ** places[1]
    amount0 = int(setup.params["liquidity"]) * 10 ** (places[0] + 18) // price if price else 0
    if not (amount0 and amount1):
        raise BadInput("others must bring something: liquidity and price are above 0", field=f"{field}.liquidity")
    if max(amount0, amount1) >> 104:
        raise BadInput("more than a pair can hold (2^112 raw units)", field=f"{field}.liquidity")
    return amount0, amount1


def _script(setup: Setup, symbols: tuple[str, str]) -> list[Scripted]:
    params, start = setup.params, _reserves(setup, symbols)
    every = int(params["every_minutes"]) * MINUTE
    if not every:
        raise BadInput(
            "the flow takes at least a minute between steps", field=f"venues.{setup.id}.params.every_minutes"
        )
    unit1 = 10 ** setup.decimals[symbols[1]]
    spec = FlowSpec(
        start,
        int(params["volatility_bps"]),
        int(params["noise_per_day"]) * unit1,
        every,
        int(params["drift_bps"]),
        _shock(setup),
    )
    desired = {"amount0_desired": start[0], "amount1_desired": start[1]}
    script = [Scripted(setup.first_from(setup.start), "others", Action("add_liquidity", desired))]
    tokens = [f"{symbol}@{setup.network}" for symbol in symbols]
    for time, zero_for_one, amount in swaps(spec, setup.random("flow"), setup.start, setup.end):
        args: dict[str, int | str] = {"token_in": tokens[0 if zero_for_one else 1], "amount_in": amount}
        action = Action("swap_exact_in", args, {"amount_out_min": 0})
        script.append(Scripted(setup.first_from(time), "others", action))
    return script


def _shock(setup: Setup) -> tuple[int, int, int]:
    """Return the fall of the outside price that a study asks for: basis points, from when, until when."""
    fall, day, days = (int(setup.params[name]) for name in ("shock_bps", "shock_day", "shock_days"))
    if fall >= BPS:
        raise BadInput(f"{fall}: a price falls by less than all of it", field=f"venues.{setup.id}.params.shock_bps")
    since = setup.start + day * DAY
    return fall, since, since + days * DAY if days else max(setup.end, since)


VENUE = Kind(
    "uniswap_v2",
    "amm",
    "bytecode-equal",
    "A constant-product pair: its shares earn 0.3 % of every swap (Uniswap v2, SushiSwap).",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "token0": (None, "symbol of the pair's first token"),
        "token1": (None, "symbol of the pair's second token, in which price and amounts are told"),
        "lp": (None, "symbol of the pair's share"),
        "price": (None, 'whole token1 per whole token0 at the start, as text ("3000")'),
        "liquidity": (1_000_000, "whole token1 that others hold in it at the start, and as much worth of token0"),
        "volatility_bps": (7_000, "volatility of the outside price in a year, in basis points"),
        "noise_per_day": (100_000, "whole token1 that noise traders trade a day"),
        "drift_bps": (0, "growth of the outside price in a year, in basis points"),
        "shock_bps": (
            0,
            "a stress: fall of the outside price, in basis points (a depeg, where the pair is of like assets)",
        ),
        "shock_day": (0, "day of the study from which on it has fallen"),
        "shock_days": (0, "days after which it is back; 0: it stays"),
        "every_minutes": (15, "minutes between steps of the outside price"),
        "protocol_fee": (0, "1: the protocol takes a sixth of the fees, 0: it does not"),
    },
    income="Traders leave 0.3 % of what they pay in the pair, so each share stands for more of both tokens.",
    risks=(
        "divergence: the pair sells what rises and buys what falls",
        "shares added next to yours take part of the same fees; a sixth of them may go to the protocol",
        "the price inside follows the market only as fast as somebody trades it there",
    ),
    limits={
        "liquidity": (0, 10**12),
        "volatility_bps": (0, 10**5),
        "noise_per_day": (0, 10**12),
        "every_minutes": (0, 10**5),
        "protocol_fee": (0, 1),
        "shock_bps": (0, 9_999),
        "shock_day": (0, 10**5),
        "shock_days": (0, 10**5),
    },
    verbs={"enter": "add_liquidity", "leave": "remove_liquidity"},
    bars=BARS,
    history=read_back("tidemill.venues.uniswap_v2.history"),
)
