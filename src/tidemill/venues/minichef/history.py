"""What the logs of a transaction say that an account staked, took out and was paid at a chef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.minichef.client import ChefClient, moved
from tidemill.venues.shared.told import Told, add

__all__ = ["told"]

_WHOSE = {"Deposit": "to", "Withdraw": "user", "EmergencyWithdraw": "user", "Harvest": "user"}
_VERBS = {"Deposit": "deposit", "Withdraw": "withdraw", "EmergencyWithdraw": "emergency_withdraw", "Harvest": "harvest"}


def told(client: ChefClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account.

    A stake is its who it was made for, whoever paid. What a rewarder sends belongs to the event behind it. An emergency
    withdrawal gives up the SUSHI that was due: it is said to be paid and lost, as much as could be claimed at the end of
    the block before.
    """
    out: list[Told] = []
    bonus: dict[str, int] = {}
    for log in logs:
        source, _, amount = moved(log)
        if source in client.deployment.rewarders.values():
            add(bonus, _name(client, str(log["address"]).lower()), amount)
        for event in client.events([log]):
            if event.name not in _WHOSE or "at" in event.args:
                continue
            sent, bonus = bonus, {}
            if event.args[_WHOSE[event.name]] == client.name:
                out += _of_event(client, event.name, event.args, sent, int(log["blockNumber"], 16))
    return out


def _of_event(
    client: ChefClient, name: str, args: Mapping[str, Any], bonus: Mapping[str, int], block: int
) -> list[Told]:
    amount, place, sushi = int(args["amount"]), f"{client.venue}#{args['pid']}", _name(client, client.deployment.sushi)
    legs = dict(bonus)
    if name == "Harvest":
        add(legs, sushi, amount)
        return [Told("harvest", place, legs, 0, {"reward": amount, "bonus": sum(bonus.values())})] if legs else []
    staked = amount if name == "Deposit" else -amount
    add(legs, client.read("lpToken", args["pid"]), -staked)
    due = _due(client, place, sushi, block) if name == "EmergencyWithdraw" else 0
    add(legs, sushi, due)
    out = [Told(_VERBS[name], place, legs, staked, {"amount": amount, "bonus": sum(bonus.values())})]
    return [*out, Told("forfeited", place, {}, 0, {}, {sushi: -due})] if due else out


def _due(client: ChefClient, place: str, sushi: str, block: int) -> int:
    held = client.positions(client.account, block - 1)
    return next((position.claimable.get(sushi, 0) for position in held if position.id == place), 0)


def _name(client: ChefClient, address: str) -> str:
    return client.deployment.tokens.get(address, address)
