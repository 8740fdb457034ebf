"""What the logs of a transaction say that an account staked, took out and was paid at a farm."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.shared.told import Told
from tidemill.venues.staking_rewards.client import FarmClient

__all__ = ["told"]

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
