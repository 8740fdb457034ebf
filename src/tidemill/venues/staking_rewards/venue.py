"""StakingRewards as a study places it: others stake already, and rewards are notified period by period."""

from __future__ import annotations

from pathlib import Path
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Action, Stage, Transfer
from tidemill.venues.kinds import Kind, Placed, Setup, read_back
from tidemill.venues.shared.scripted import Scripted, ScriptedStage
from tidemill.venues.staking_rewards.bars import BARS
from tidemill.venues.staking_rewards.model import FarmModel

__all__ = ["VENUE"]

DAY = 86_400


def place(setup: Setup) -> Placed:
    """Make the farm and its script: one large stake of others, and a reward notified every period."""
    params = setup.params
    staking, reward = str(params["staking"]), str(params["reward"])
    for symbol in (staking, reward):
        if symbol not in setup.decimals:
            raise BadInput(f"decimals of {symbol} are not known; add {symbol} = … under [tokens]", field="tokens")
    if not params["duration_days"]:
        raise BadInput(
            "0 days: a reward is paid out over at least 1 day; leave it out for the contract's 60",
            field=f"venues.{setup.id}.params.duration_days",
        )
    account, duration = f"{setup.id}:farm", int(params["duration_days"]) * DAY
    state: dict[str, Any] = {
        "account": account,
        "staking_token": f"{staking}@{setup.network}",
        "reward_token": f"{reward}@{setup.network}",
        "duration": duration,
        "distributor": "distributor",
    }
    staked = int(params["staked"]) * 10 ** setup.decimals[staking]
    per_period = int(params["reward_per_period"]) * 10 ** setup.decimals[reward]
    first = setup.first_from(setup.start)
    script = [Scripted(first, "others", Action("stake", {"amount": staked}))] if staked else []
    periods = range(setup.start, setup.end, duration)
    script += [
        Scripted(setup.first_from(time), "distributor", Action("notify_reward", {"reward": per_period}))
        for time in periods
    ]
    model = FarmModel()

    def make() -> Stage:
        stage = ScriptedStage(setup.id, setup.network, account, model, model.init(state), script, setup.first_from)
        # All rewards of the script lie at the farm from the start: when they arrive moves no reward.
        stage.holdings.move((Transfer(state["reward_token"], "distributor", account, per_period * len(periods)),))
        return stage

    return Placed(make, {reward: setup.decimals[reward]})


VENUE = Kind(
    "staking_rewards",
    "farm",
    "bytecode-equal",
    "A fixed stream of a reward token, shared by stake.",
    dataset=False,
    place=place,
    gas=str(Path(__file__).with_name("gas.toml")),
    params={
        "staking": (None, "symbol of the token staked"),
        "reward": (None, "symbol of the token paid"),
        "duration_days": (60, "days over which a notified reward is paid out (the contract's constructor says 60)"),
        "staked": (1_000_000, "whole tokens that others stake"),
        "reward_per_period": (10_000, "whole reward tokens notified at the start of each period"),
    },
    income="A distributor sends reward tokens and starts a stream of so many a second, shared by all that is staked.",
    risks=(
        "the stream ends with its period, and nothing says that there will be another",
        "whoever stakes beside you takes part of the same stream: your share falls as stakes grow",
        "rewards are income in their own token, whose price moves until you sell",
    ),
    limits={"duration_days": (0, 10_000), "staked": (0, 10**12), "reward_per_period": (0, 10**12)},
    verbs={"enter": "stake", "harvest": "claim", "leave": "exit"},
    bars=BARS,
    history=read_back("tidemill.venues.staking_rewards.history"),
)
