"""What the logs of a transaction say that an account staked, took out and was paid at a chef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.interfaces import Position
from tidemill.venues.minichef.client import ChefClient, moved
from tidemill.venues.minichef.client_abi import REWARDER
from tidemill.venues.shared.client_parts import decode_log
from tidemill.venues.shared.told import Told, add

__all__ = ["told"]


def told(client: ChefClient, logs: Sequence[Mapping[str, Any]], before: Sequence[Position] = ()) -> list[Told]:
    """Read one transaction's logs for the client's account; ``before`` is what it held ahead of the transaction.

    A stake is its who it was made for, whoever paid. An emergency withdrawal gives up the SUSHI that was due: it is
    said as a payment that was lost again, of what was claimable before.
    """
    at, me, out = client.deployment, client.name, []
    for event in client.events(logs):
        args: Any = event.args
        if "at" in args:
            continue
        name = {"Deposit": "to", "Withdraw": "user", "EmergencyWithdraw": "user", "Harvest": "user"}.get(event.name)
        if name is None or args[name] != me:
            continue
        amount, place = int(args["amount"]), f"{client.venue}#{args['pid']}"
        if event.name == "Harvest":
            if amount:
                out.append(Told("harvest", {at.tokens.get(at.sushi, at.sushi): amount}, {}, {"reward": amount}))
            continue
        staked = amount if event.name == "Deposit" else -amount
        token = client.read("lpToken", args["pid"])
        verb = {"Deposit": "deposit", "Withdraw": "withdraw"}.get(event.name, "emergency_withdraw")
        out.append(Told(verb, {token: -staked}, {place: staked}, {"amount": amount}))
        if verb == "emergency_withdraw":
            out += _given_up(client, place, before)
    bonus = _bonus(client, logs)
    return [*out, Told("harvest", bonus, {}, {"bonus": sum(bonus.values())})] if bonus else out


def _given_up(client: ChefClient, place: str, before: Sequence[Position]) -> list[Told]:
    sushi = client.deployment.tokens.get(client.deployment.sushi, client.deployment.sushi)
    due = {p.id: p.claimable.get(sushi, 0) for p in before}.get(place, 0)
    return [Told("forfeit", {sushi: due}, {}, {}, {place: {sushi: -due}}, "forfeited")] if due else []


def _bonus(client: ChefClient, logs: Sequence[Mapping[str, Any]]) -> dict[str, int]:
    """What rewarders sent to the account, or to whom it named when it was rewarded."""
    at, sums = client.deployment, dict[str, int]()
    receivers = {client.account}
    for log in logs:
        if at.name_of(str(log["address"]).lower()):
            event = decode_log(log, REWARDER, venue="a rewarder", may_be_unknown=True)
            if event is not None and event.name == "LogOnReward" and event.args["user"] == client.account:
                receivers.add(str(event.args["to"]))
    for log in logs:
        source, target, amount = moved(log)
        if source in at.rewarders.values() and target in receivers:
            address = str(log["address"]).lower()
            add(sums, at.tokens.get(address, address), amount)
    return sums
