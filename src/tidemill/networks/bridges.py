"""Every way from one network to another: canonical, forced, out and in again through Ethereum, and a liquidity bridge."""

from __future__ import annotations

from collections.abc import Mapping
from functools import cache
from importlib import resources

from msgspec.structs import replace

from tidemill.errors import BadInput, UnknownName
from tidemill.facts import Fact, Facts, Status, parse_facts
from tidemill.networks.catalogue import get, names
from tidemill.networks.exit_plan import L1, ExitPlan, Levels, chained, plan_route
from tidemill.networks.exits import Route, RouteStage, Wait
from tidemill.networks.liquidity import FillTimes, Pool, RateModel, pool_fee_up
from tidemill.networks.types import Network
from tidemill.units import WAD, mul_div_up

__all__ = ["BPS", "bridge_facts", "exit_plans", "gas_facts", "liquidity_routes", "own_routes", "ways"]

BPS = 10_000
_CLOSED = {Status.ENDED: "has ended", Status.WITHDRAW_ONLY: "only lets money out"}
_OP_BRIDGES = ("op_stack", "base")
"""Families that have the OP Stack's bridge."""


@cache
def bridge_facts() -> Facts:
    """Return what is published of liquidity bridges."""
    return _read("liquidity_bridge.toml")


@cache
def gas_facts() -> Facts:
    """Return the gas of bridges' steps, by ``FAMILY.VERB``, where it has been measured."""
    return _read("bridge_gas.toml")


def _read(name: str) -> Facts:
    text = resources.files("tidemill.networks").joinpath(name).read_text(encoding="utf-8")
    return parse_facts(text, name)


def ways(source: str, target: str, time: int) -> tuple[Route, ...]:
    """Return the routes that the networks themselves have from ``source`` to ``target`` at ``time``.

    The direct ones first, then those out to Ethereum and in again. From a network to itself there are those that set free
    what is staked there. Where nothing does, an unknown name and a time before a network began raise ``BadInput``.
    """
    routes = _routes(source, time, "from")
    if source == target and not any((route.source, route.target) == (source, source) for route in routes):
        raise BadInput(f"{source} is where the money is already", field="to")
    if target in names() and target != source:
        routes += _routes(target, time, "to")
    elif target not in {route.target for route in routes}:
        raise UnknownName("network", target, {*names(), *(route.target for route in routes)}, field="to")
    direct = [route for route in routes if (route.source, route.target) == (source, target)]
    out = [route for route in routes if (route.source, route.target) == (source, L1)]
    into = [route for route in routes if (route.source, route.target) == (L1, target)]
    found = (
        direct if L1 in (source, target) or source == target else direct + [chained(a, b) for a in out for b in into]
    )
    return tuple(_closed(route, time) for route in dict.fromkeys(found))


def liquidity_routes(source: str, target: str, time: int) -> tuple[Route, Route]:
    """Return a liquidity bridge's way, and what happens where nobody fills: the money comes back to ``source``.

    That such a bridge serves both networks is assumed; how soon it fills is its own word.
    """
    facts = bridge_facts().facts
    usual, deadline = bridge_facts().integer("fill_usual"), bridge_facts().integer("fill_deadline")
    bundle, dispute = bridge_facts().integer("bundle_interval"), bridge_facts().integer("challenge_period")
    deposit = RouteStage(
        "deposit with the bridge",
        source,
        Wait(0, 0, 0),
        gas=bridge_facts().integer("deposit_gas"),
        about="the money is escrowed here until it is filled or comes back",
        facts=(facts["deposit_gas"],),
    )
    filled = RouteStage(
        "fill",
        target,
        Wait(0, usual),
        by="relayer",
        about="a relayer pays you out of its own money, if it wants to",
        facts=(facts["fill_usual"], facts["fill_deadline"]),
    )
    refund = RouteStage(
        "refund",
        source,
        Wait(deadline + dispute, deadline + bundle + dispute),
        by="operator",
        about="after the deadline, with the next settlement that nobody disputes, over the canonical bridge",
        facts=tuple(facts[name] for name in ("fill_deadline", "bundle_interval", "challenge_period")),
    )
    told = (
        "that a liquidity bridge serves both networks and this token is assumed; ask it before",
        "what it says of its speed is not measured here; a transfer that nobody fills comes back after the deadline",
    )
    way = Route("liquidity bridge", source, target, "liquidity", (deposit, filled), warnings=told)
    back = Route("liquidity bridge, not filled", source, source, "liquidity", (deposit, refund))
    return _closed(way, time), back


def exit_plans(
    source: str,
    target: str,
    token: str,
    amount: int,
    start: int,
    levels: Levels,
    bridge_fee_bps: int | None = None,
    gas: Mapping[str, int] | None = None,
    *,
    pool: Pool | None = None,
    fills: FillTimes | None = None,
) -> tuple[ExitPlan, ...]:
    """Plan every way from ``source`` to ``target``: the networks' own, then a liquidity bridge.

    Parameters
    ----------
    amount : raw units of ``token``. start : unix seconds. levels : fee levels by network.
    bridge_fee_bps : what a liquidity bridge quotes, basis points of the amount (rounded up); ``None``: not known.
    gas : of your own steps, by verb: instead of what has been measured, or where nothing has been.
    pool : a liquidity bridge's, for its fee by the rule, where it has quoted none. fills : how soon it fills, where known.

    Raises
    ------
    BadInput : a name, a moment or an amount that leads nowhere, or gas of a step that no way has.
    """
    found = ways(source, target, start)
    steps = {stage.verb for route in found for stage in route.stages if stage.by == "you"}
    steps |= {
        stage.verb for route in liquidity_routes(source, target, start) for stage in route.stages if stage.by == "you"
    }
    for verb in gas or {}:
        if verb not in steps:
            raise UnknownName("step", verb, steps, field="gas")
    plans = [plan_route(_with_gas(route, gas or {}), token, amount, start, levels) for route in found]
    if source != target and all(_settles(name, start) for name in (source, target)):
        way, back = (_with_gas(route, gas or {}) for route in liquidity_routes(source, target, start))
        if pool is not None and amount > pool.liquid:
            way = replace(way, blocked="the pool does not have that much left")
        fee, note = _fee(amount, bridge_fee_bps, pool)
        fast = plan_route(_timed(way, fills), token, amount, start, levels, fee=fee, fee_note=note)
        plans.append(_failing(fast, plan_route(back, token, amount, start, levels), fills))
    return tuple(plans)


def _fee(amount: int, bps: int | None, pool: Pool | None) -> tuple[int | None, str]:
    """Return what a liquidity bridge asks, as quoted or by the rule of its pool, and how that is known."""
    if bps is not None:
        return mul_div_up(amount, bps, BPS), f"{bps} bps as given"
    if pool is None:
        return None, "not known: it is quoted when asked; give --bridge-fee-bps, or --bridge-pool for the rule"
    if amount > pool.liquid:
        return None, "the pool does not have that much left"
    told = ("rate_kink", "rate_base", "rate_slope1", "rate_slope2")
    model = RateModel(*(bridge_facts().integer(name) * WAD // BPS for name in told))
    whole, percent = divmod(BPS * pool.lent // (pool.liquid + pool.lent), 100)
    note = f"by the rule of its pool, {whole}.{percent:02} % of it out before; the rates are a published example"
    return pool_fee_up(replace(pool, terms=bridge_facts().integer("loan_terms")), model, amount), note


def _timed(route: Route, fills: FillTimes | None) -> Route:
    """Give the fill the median that somebody has told as its usual time."""
    median = fills.within_up(BPS // 2) if fills else None
    if median is None:
        return route
    *before, fill = route.stages
    return replace(route, stages=(*before, replace(fill, wait=Wait(0, median))))


def _failing(fast: ExitPlan, back: ExitPlan, fills: FillTimes | None) -> ExitPlan:
    """Say what happens where nobody fills, and how often that is where somebody has told."""
    if fills is None:
        return replace(fast, otherwise=back)
    deadline = bridge_facts().integer("fill_deadline")
    mean = fills.mean_up(deadline, back.usual - back.start)
    return replace(fast, otherwise=back, fills=fills.points, fails_bps=fills.unfilled_up(deadline), mean_s=mean)


def _settles(name: str, time: int) -> bool:
    """Tell whether a liquidity bridge may serve a network: it makes blocks, and money comes and goes from Ethereum."""
    if name not in names() or get(name).standing(time).fact.status in _CLOSED:
        return False
    routes = get(name).routes(time)
    return not routes or any(L1 in (route.source, route.target) for route in routes)


def _routes(name: str, time: int, field: str) -> list[Route]:
    if name not in names():
        raise UnknownName("network", name, names(), field=field)
    network = get(name)
    try:
        network.fork(time)
    except BadInput as error:
        raise BadInput(f"{name}: {error.message}", field="on") from None
    return list(own_routes(network, time))


def own_routes(network: Network, time: int) -> tuple[Route, ...]:
    """Return the ways that a network itself describes, with the gas of your own steps where it has been measured."""
    family = "op_stack" if network.family in _OP_BRIDGES else network.family
    known = {name.partition(".")[2]: fact for name, fact in gas_facts().facts.items() if name.startswith(f"{family}.")}
    return tuple(_measured(route, known) for route in network.routes(time))


def _measured(route: Route, known: Mapping[str, Fact]) -> Route:
    """Give each of your own steps the gas that has been measured of it, where its network's file has none."""
    stages = [
        replace(stage, gas=int(known[stage.verb].value), facts=(*stage.facts, known[stage.verb]))
        if stage.gas is None and stage.by == "you" and stage.verb in known
        else stage
        for stage in route.stages
    ]
    return replace(route, stages=tuple(stages))


def _with_gas(route: Route, gas: Mapping[str, int]) -> Route:
    stages = [
        replace(stage, gas=gas[stage.verb]) if stage.by == "you" and stage.verb in gas else stage
        for stage in route.stages
    ]
    return replace(route, stages=tuple(stages))


def _closed(route: Route, time: int) -> Route:
    """Block a route into a network that takes no new money."""
    if route.blocked or route.target not in names():
        return route
    word = _CLOSED.get(get(route.target).standing(time).fact.status)
    return replace(route, blocked=f"{route.target} {word} and takes no new money") if word else route
