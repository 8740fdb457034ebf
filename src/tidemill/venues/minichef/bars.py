"""A MiniChef pool followed by a table of its stream and of what is staked: others come and go as the table says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tidemill.errors import BadData
from tidemill.interfaces import Action, Stage
from tidemill.units import format_amount, mul_div_down
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.shared.following import Streamed, streamed
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["BARS"]

_OWNER = "chef-owner"


def place(setup: Setup) -> Placed:
    """Make the chef with one pool, and its rewarder if a bonus is named; the rewards lie there from the start."""
    staking, reward, bonus = (str(setup.params[name]) for name in ("staking", "reward", "bonus"))
    symbols = [staking, reward, *([bonus] if bonus else [])]
    places = setup.places(*symbols)
    if bonus and "bonus_rate" not in setup.market.figures:
        raise BadData(
            f"{setup.market.file}: no bonus_rate or bonus_per_day, and {bonus} is to be streamed beside {reward}"
        )
    account, tokens = f"{setup.id}:chef", [f"{symbol}@{setup.network}" for symbol in symbols]
    state: dict[str, Any] = {"account": account, "sushi": tokens[1], "owner": _OWNER}
    rewarder = f"{setup.id}:rewarder" if bonus else ""
    if bonus:
        one = {"account": rewarder, "token": tokens[2], "owner": _OWNER, "streams": True, "rate": 0}
        state["rewarders"] = [one]
    script, model = list(_script(setup, streamed(setup, *places), tokens, rewarder)), ChefModel()

    def make() -> Stage:
        beside = (rewarder,) if bonus else ()
        return ScriptedStage(
            setup.id, setup.network, account, model, model.init(state), script, setup.first_from, beside=beside
        )

    return Placed(make, dict(zip(symbols[1:], places[1:], strict=True)), notes=lambda: _notes(setup, bonus))


def _script(setup: Setup, table: Streamed, tokens: list[str], rewarder: str) -> Iterator[Scripted]:
    """Yield each row: the pool brought up to date at the old streams, then the new ones and the others' new stake."""
    first, staked = setup.first_from(setup.start), 0

    def owner(block: Any, verb: str, **args: Any) -> Scripted:
        return Scripted(block, _OWNER, Action(verb, args))

    yield owner(first, "add_pool", points=1, token=tokens[0], rewarder=rewarder)
    yield owner(first, "fund", token=tokens[1], amount=table.paid)
    if rewarder:
        yield owner(first, "rewarder_add", rewarder=rewarder, points=1, pid=0)
        yield owner(first, "fund", token=tokens[2], amount=table.bonus_paid, rewarder=rewarder)
    for row in table.rows:
        yield owner(row.block, "update_pool", pid=0)
        yield owner(row.block, "set_sushi_per_second", rate=row.rate)
        if rewarder:
            yield owner(row.block, "update_rewarder", rewarder=rewarder, pid=0)
            yield owner(row.block, "rewarder_rate", rewarder=rewarder, rate=row.bonus)
        if row.staked != staked:
            verb = "deposit" if row.staked > staked else "withdraw"
            yield Scripted(row.block, "others", Action(verb, {"pid": 0, "amount": abs(row.staked - staked)}))
        staked = row.staked


def _notes(setup: Setup, bonus: str) -> tuple[str, ...]:
    if bonus or "bonus_rate" not in setup.market.figures:
        return ()
    return (f"{setup.id}: the table has a bonus that is not followed; name its token with params.bonus",)


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact chef's first pool would: its part of the stream of a second, and what is staked."""
    state = stage.state
    pool = state.pools[0]
    rate = mul_div_down(state.rate, pool.share.points, state.total_points)
    staked = sum(stake for stake, _ in pool.share.stakes.values())
    told = {
        "reward_rate": format_amount(rate, decimals[state.sushi]),
        "total_staked": format_amount(staked, decimals[pool.token]),
    }
    rewarder = state.rewarders.get(pool.rewarder)
    if rewarder is not None and rewarder.streams:
        part = mul_div_down(rewarder.rate, rewarder.pools[0].points, rewarder.total_points)
        told["bonus_rate"] = format_amount(part, decimals[rewarder.token])
    return told


BARS = Bars(
    place,
    params={
        "staking": (None, "symbol of the token staked"),
        "reward": (None, "symbol of the token streamed (SUSHI)"),
        "bonus": ("", "symbol of the token that the pool's rewarder streams beside it; empty: none"),
    },
    mode="diluted",
    error=(
        "MiniChef pool over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.04 %, at most 0.08 %; daily rows 0.70 %, at most 2.60 %; "
        "its bonus: hourly rows 0.01 %, at most 0.05 %; daily rows 0.62 %, at most 3.16 %; your part is counted"
    ),
    sample=sample,
)
