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
    at, out = client.deployment, []
    for event in client.events(logs):
        if event.name not in _VERBS or event.args["user"] != client.account:
            continue
        if event.name == "RewardPaid":
            reward = int(event.args["reward"])
            out.append(Told("claim", {at.reward_id: reward}, {}, {"reward": reward}))
            continue
        amount = int(event.args["amount"])
        staked = amount if event.name == "Staked" else -amount
        sizes = {f"{client.venue}#{client.name}": staked}
        out.append(Told(_VERBS[event.name], {at.staking_id: -staked}, sizes, {"amount": amount}))
    return out
