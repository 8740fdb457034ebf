"""What others do at a placed market: they lend and borrow, its oracle answers, and a liquidator tries one's own debt."""

from __future__ import annotations

from collections.abc import Callable, Iterator, Sequence
from itertools import pairwise
from math import gcd

from tidemill.errors import BadInput
from tidemill.interfaces import Action
from tidemill.units import BPS, RAY, mul_div_down, parse_amount
from tidemill.venues.kinds import Setup
from tidemill.venues.shared.oracle import Feed, Oracle, updates_from_prices
from tidemill.venues.shared.quoted import quoted
from tidemill.venues.shared.scripted import Scripted

__all__ = ["HOUR", "PRICE", "opening", "oracle_of", "script_of"]

HOUR, DAY = 3_600, 86_400
PRICE = 10**8
"""The oracle's base currency has 8 decimals."""
_COVER = 4
"""Others bring four times in collateral what they borrow: the flow as such never ends in a liquidation."""


def script_of(setup: Setup, ids: Sequence[str], oracle: Oracle | None) -> list[Scripted]:
    """Return everything others do, in order; in one block the oracle answers first and the liquidator comes last."""
    params, (asset, collateral) = setup.params, ids
    units = [10 ** setup.decimals[token.partition("@")[0]] for token in ids]
    supplied = int(params["supplied"]) * units[0]
    borrowed = mul_div_down(supplied, int(params["usage_bps"]), BPS)
    value = mul_div_down(borrowed * _COVER * int(params["asset_price"]) * PRICE, units[1], units[0] * opening(setup))
    timed = [
        (setup.start, "lenders", Action("supply", {"asset": asset, "amount": supplied})),
        (setup.start, "borrowers", Action("supply", {"asset": collateral, "amount": value})),
        (setup.start, "borrowers", Action("borrow", {"asset": asset, "amount": borrowed})),
    ]
    if back := mul_div_down(value, int(params["collateral_usage_bps"]), BPS):
        timed.append((setup.start, "lenders", Action("borrow", {"asset": collateral, "amount": back})))
    answers = oracle.updates if oracle is not None else ()
    moves = [(time, Action("set_price", {"asset": collateral, "price": price})) for time, price in answers]
    timed += [(time, "oracle", move) for time, move in moves if setup.start < time < setup.end]
    timed += list(_flow(setup, asset, supplied))
    if cover := int(params["liquidation_cover"]) * units[0]:
        of: dict[str, int | str | bool] = {"collateral": collateral, "debt": asset, "user": "me", "cover": cover}
        strike = Action("liquidate", {**of, "receive_supply": False})
        timed += [(time, "liquidator", strike) for time in sorted({time for time, *_ in timed if time > setup.start})]
    timed.sort(key=lambda one: (one[0], _RANK.get(one[1], 1)))
    acting = ((time, actor, action) for time, actor, action in timed if action.args.get("amount", 1))
    return [Scripted(setup.first_from(time), actor, action) for time, actor, action in acting]


_RANK = {"oracle": 0, "liquidator": 2}


def _flow(setup: Setup, asset: str, supplied: int) -> Iterator[tuple[int, str, Action]]:
    """Every few hours somebody lends, takes back, borrows or repays, each ±50 % about the mean."""
    draws, mean = setup.random("flow"), mul_div_down(supplied, int(setup.params["flow_bps"]), BPS)
    for time in _steps(setup):
        amount = mul_div_down(mean, draws.randrange(5_000, 15_001), BPS)
        actor, verb = draws.choice(
            (("lenders", "supply"), ("lenders", "withdraw"), ("borrowers", "borrow"), ("borrowers", "repay"))
        )
        yield time, actor, Action(verb, {"asset": asset, "amount": amount})


def _steps(setup: Setup) -> range:
    every = int(setup.params["flow_every_hours"]) * HOUR
    return range(setup.start + every, setup.end, every)


def oracle_of(setup: Setup, symbol: str) -> Oracle | None:
    """Return the feed of the collateral's price, ``None`` where the price is to stand still.

    The market behind it is the recorded one that ``price_of`` names, or goes from point to point of ``price_path`` in
    straight lines; times a seeded walk of ``oracle_move_bps`` a step. The feed answers it late and in steps, as its
    parameters say.
    """
    params = setup.params
    most = int(params["oracle_move_bps"])
    if not (params["price_of"] or params["price_path"] or most):
        return None
    if (heartbeat := int(params["oracle_heartbeat_s"])) % 60 or not heartbeat:
        raise BadInput(
            f"{heartbeat}: whole minutes, at least one", field=f"venues.{setup.id}.params.oracle_heartbeat_s"
        )
    feed = Feed(
        heartbeat=heartbeat,
        deviation_bps=int(params["oracle_deviation_bps"]),
        lag=int(params["oracle_lag_s"]),
    )
    answers = updates_from_prices(_market(setup, feed, most), feed)
    return Oracle(f"{setup.id}:{symbol}", setup.network, feed, answers)


def opening(setup: Setup) -> int:
    """Return the collateral's price at the start, in the oracle's own scale."""
    return _outside(setup)(setup.start)


def _market(setup: Setup, feed: Feed, most: int) -> Iterator[tuple[int, int]]:
    """The market's price every hour, or as often as the feed's heartbeat asks for.

    It begins before the start, so that an answer stands there.
    """
    draws, steps, factor, price = setup.random("oracle"), _steps(setup), int(RAY), _outside(setup)
    every = gcd(HOUR, feed.heartbeat)
    ahead = (feed.lag // every + 2) * every
    for time in range(setup.start - ahead, setup.end, every):
        if most and time in steps:
            factor = mul_div_down(factor, BPS + draws.randint(-most, most), BPS)
        yield time, max(mul_div_down(price(time), factor, RAY), 1)


def _outside(setup: Setup) -> Callable[[int], int]:
    """Return the price outside at a time (seconds), in the oracle's own scale."""
    params = setup.params
    if not params["price_of"]:
        path = _path(setup)
        return lambda time: _on_path(path, time - setup.start)
    if params["price_path"]:
        raise BadInput("the price follows price_of or price_path, not both", field=f"venues.{setup.id}.params.price_of")
    asset, unit = str(params["asset"]), 10 ** setup.decimals[str(params["asset"])]
    worth = quoted(setup, "price_of", str(params["collateral"]), asset)
    return lambda time: max(mul_div_down(worth(time) * int(params["asset_price"]), PRICE, unit), 1)


def _on_path(path: list[tuple[int, int]], elapsed: int) -> int:
    if elapsed < 0:
        return path[0][1]
    for (since, low), (until, high) in pairwise(path):
        if elapsed < until:
            return low + (high - low) * (elapsed - since) // (until - since)
    return path[-1][1]


def _path(setup: Setup) -> list[tuple[int, int]]:
    """Points (seconds from the start, price) in order; the first is the price at the start."""
    path = [(0, int(setup.params["collateral_price"]) * PRICE)]
    field = f"venues.{setup.id}.params.price_path"
    for point in str(setup.params["price_path"]).split():
        day, _, price = point.partition(":")
        try:
            at, worth = int(day) * DAY, parse_amount(price, 8)
        except (ValueError, BadInput):
            raise BadInput(f"{point!r}: a point is DAY:PRICE, e.g. 20:1800.50", field=field) from None
        if at <= path[-1][0] or worth <= 0:
            raise BadInput(f"{point!r}: days rise from 1 and a price is above 0", field=field)
        path.append((at, worth))
    return path
