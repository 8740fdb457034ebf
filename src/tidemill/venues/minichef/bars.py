"""A MiniChef pool followed by a table of its stream and of what is staked: others come and go as the table says."""

from __future__ import annotations

from collections.abc import Iterator, Mapping
from typing import Any

from tidemill.interfaces import Action, Stage
from tidemill.units import format_amount, mul_div_down
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.minichef.model import ChefModel
from tidemill.venues.shared.following import Streamed, streamed
from tidemill.venues.shared.scripted import Scripted, ScriptedStage

__all__ = ["BARS"]

_OWNER = "chef-owner"


def place(setup: Setup) -> Placed:
    """Make the chef with one pool; its rewards lie there from the start."""
    staking, reward = str(setup.params["staking"]), str(setup.params["reward"])
    places = setup.places(staking, reward)
    account, (token, sushi) = f"{setup.id}:chef", (f"{symbol}@{setup.network}" for symbol in (staking, reward))
    state: dict[str, Any] = {"account": account, "sushi": sushi, "owner": _OWNER}
    script, model = list(_script(setup, streamed(setup, *places), token, sushi)), ChefModel()

    def make() -> Stage:
        return ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)

    return Placed(make, {reward: places[1]})


def _script(setup: Setup, table: Streamed, token: str, sushi: str) -> Iterator[Scripted]:
    """Yield each row: the pool brought up to date at the old stream, then the new one and the others' new stake."""
    first, staked = setup.first_from(setup.start), 0

    def owner(block: Any, verb: str, **args: Any) -> Scripted:
        return Scripted(block, _OWNER, Action(verb, args))

    yield owner(first, "add_pool", points=1, token=token)
    yield owner(first, "fund", token=sushi, amount=table.paid)
    for block, rate, stake in table.rows:
        yield owner(block, "update_pool", pid=0)
        yield owner(block, "set_sushi_per_second", rate=rate)
        if stake != staked:
            verb = "deposit" if stake > staked else "withdraw"
            yield Scripted(block, "others", Action(verb, {"pid": 0, "amount": abs(stake - staked)}))
        staked = stake


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:  # noqa: ARG001 - all are asked alike
    """Say what a table of an exact chef's first pool would: its part of the stream of a second, and what is staked."""
    state = stage.state
    pool = state.pools[0]
    rate = mul_div_down(state.rate, pool.share.points, state.total_points)
    staked = sum(stake for stake, _ in pool.share.stakes.values())
    return {
        "reward_rate": format_amount(rate, decimals[state.sushi]),
        "total_staked": format_amount(staked, decimals[pool.token]),
    }


BARS = Bars(
    place,
    params={"staking": (None, "symbol of the token staked"), "reward": (None, "symbol of the token streamed (SUSHI)")},
    mode="diluted",
    error=(
        "MiniChef pool over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.04 %, at most 0.08 %; daily rows 0.70 %, at most 2.60 %; your part is counted"
    ),
    sample=sample,
)
