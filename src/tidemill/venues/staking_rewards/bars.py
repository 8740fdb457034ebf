"""A farm followed by a table of its reward rate and of what is staked: own stakes share the stream with those of others."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

from tidemill.interfaces import Action, Context, Result, Stage, Transfer
from tidemill.units import format_amount
from tidemill.venues.kinds import Bars, Placed, Setup
from tidemill.venues.shared.following import streamed
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.venues.staking_rewards.model import FarmModel, FarmState

__all__ = ["BARS", "FollowedFarm"]

_OTHERS = "others"


class FollowedFarm(FarmModel):
    """`FarmModel` with one verb more: ``bar`` says the stream (raw units a second, until ``until``) and others' stake."""

    def apply(self, state: FarmState, action: Action, ctx: Context) -> Result:
        """Do one verb."""
        if action.verb != "bar":
            return super().apply(state, action, ctx)
        now, staked = ctx.block.time, int(action.args["staked"])
        self._touch(state, _OTHERS, now)
        change = staked - state.staked.get(_OTHERS, 0)
        state.staked[_OTHERS], state.total_staked = staked, state.total_staked + change
        state.reward_rate, state.period_finish = int(action.args["rate"]), int(action.args["until"])
        state.last_update = now
        ends = (_OTHERS, state.account) if change > 0 else (state.account, _OTHERS)
        return Result(transfers=(Transfer(state.staking_token, *ends, abs(change)),) if change else ())


def place(setup: Setup) -> Placed:
    """Make the farm; its script is the table. All rewards lie there from the start."""
    params, path = setup.params, setup.market
    staking, reward = str(params["staking"]), str(params["reward"])
    places = setup.places(staking, reward)
    account = f"{setup.id}:farm"
    state: dict[str, Any] = {
        "account": account,
        "staking_token": f"{staking}@{setup.network}",
        "reward_token": f"{reward}@{setup.network}",
        "distributor": "distributor",
    }
    table, until = streamed(setup, *places), path.time[-1]
    script = [
        Scripted(row.block, _OTHERS, Action("bar", {"rate": row.rate, "staked": row.staked, "until": until}))
        for row in table.rows
    ]
    model = FollowedFarm()

    def make() -> Stage:
        stage = ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)
        stage.holdings.move((Transfer(state["reward_token"], "distributor", account, table.paid),))
        return stage

    return Placed(make, {reward: places[1]})


def sample(stage: Any, now: int, decimals: Mapping[str, int]) -> Mapping[str, str]:
    """Say what a table of an exact farm would: the stream of a second, and what is staked."""
    state = stage.state
    rate = state.reward_rate if now < state.period_finish else 0
    tokens = {"reward_rate": (rate, state.reward_token), "total_staked": (state.total_staked, state.staking_token)}
    return {name: format_amount(value, decimals[token]) for name, (value, token) in tokens.items()}


BARS = Bars(
    place,
    params={"staking": (None, "symbol of the token staked"), "reward": (None, "symbol of the token paid")},
    mode="diluted",
    error=(
        "farm over a table: income against the exact venue, stays of a week and more, median: "
        "hourly rows 0.03 %, at most 0.06 %; daily rows 0.93 %, at most 3.01 %; your part is counted"
    ),
    sample=sample,
)
