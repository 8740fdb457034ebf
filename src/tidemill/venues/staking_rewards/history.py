"""What the logs of a transaction say that an account staked, took out and was paid at a farm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.venues.shared.history import History, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Reader, named, readers_of, topic
from tidemill.venues.shared.told import Told
from tidemill.venues.staking_rewards.client import FARM, FarmClient, FarmDeployment

__all__ = ["histories", "told"]

_VERBS = {"Staked": "stake", "Withdrawn": "withdraw", "RewardPaid": "claim"}


def told(client: FarmClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account; an exit is a withdrawal and a claim."""
    at, place, out = client.deployment, f"{client.venue}#{client.name}", []
    for event in client.events(logs):
        if event.name not in _VERBS or event.args["user"] != client.account:
            continue
        if event.name == "RewardPaid":
            reward = int(event.args["reward"])
            out.append(Told("claim", place, {at.reward_id: reward}, 0, {"reward": reward}))
            continue
        amount = int(event.args["amount"])
        staked = amount if event.name == "Staked" else -amount
        out.append(Told(_VERBS[event.name], place, {at.staking_id: -staked}, staked, {"amount": amount}))
    return out


def histories(past: Past) -> Sequence[History]:
    """Return the readers of farms in which the account has or had a stake; found by its events. See ``Kind.history``."""
    views = FARM, ("stakingToken", "rewardsToken", "rewardRate", "rewardPerTokenStored")
    return readers_of(
        past, "staking_rewards", lambda farm: _readers(past, farm), views, marks=_queries("", past.account)
    )


def _queries(farm: str, account: str) -> list[LogQuery]:
    return [LogQuery(farm, (tuple(topic(FARM, name) for name in _VERBS), topic_of(account or 0)))]


def _readers(past: Past, farm: str) -> Sequence[History]:
    place = FarmDeployment.of_farm(past.rpc, farm, staking_id="", reward_id="")
    staked, reward = past.asset(place.staking_token), past.asset(place.reward_token)
    place = structs.replace(place, staking_id=staked.id, reward_id=reward.id)
    client = FarmClient(past.rpc, place, venue=named("staking_rewards", staked.id, farm), account=past.account)
    queries = _queries(farm, past.account)
    reader = Reader(past, client, farm, told, queries, (staked, reward), others=[LogQuery(farm)])
    return (reader,) if reader.concerns() else ()
