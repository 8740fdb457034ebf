"""What the logs of a transaction say that an account staked, took out and was paid at a chef."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.venues.minichef.client import ChefClient, moved
from tidemill.venues.minichef.client_abi import CHEF, NOBODY, REWARDER, ChefDeployment
from tidemill.venues.shared.client_parts import ask, ask_many
from tidemill.venues.shared.history import Asset, History, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Reader, Standing, client_ahead, named, readers_of, topic
from tidemill.venues.shared.told import Told, add

__all__ = ["histories", "told"]

_WHOSE = {"Deposit": "to", "Withdraw": "user", "EmergencyWithdraw": "user", "Harvest": "user"}
_VERBS = {"Deposit": "deposit", "Withdraw": "withdraw", "EmergencyWithdraw": "emergency_withdraw", "Harvest": "harvest"}


def told(client: ChefClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account.

    A stake is its who it was made for, whoever paid. What a rewarder sends belongs to the event behind it. An emergency
    withdrawal loses the SUSHI that was due, as much as could be claimed then.
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
                out += _of_event(client, event.name, event.args, sent, log)
    return out


def _of_event(
    client: ChefClient, name: str, args: Mapping[str, Any], bonus: Mapping[str, int], log: Mapping[str, Any]
) -> list[Told]:
    amount, place, sushi = int(args["amount"]), f"{client.venue}#{args['pid']}", _name(client, client.deployment.sushi)
    legs = dict(bonus)
    if name == "Harvest":
        add(legs, sushi, amount)
        return [Told("harvest", place, legs, 0, {"reward": amount, "bonus": sum(bonus.values())})]
    staked = amount if name == "Deposit" else -amount
    add(legs, client.read("lpToken", args["pid"]), -staked)
    due = _due(client, place, sushi, log) if name == "EmergencyWithdraw" else 0
    out = [Told(_VERBS[name], place, legs, staked, {"amount": amount, "bonus": sum(bonus.values())})]
    return [*out, Told("forfeited", place, {}, 0, {}, {sushi: -due})] if due else out


def _due(client: ChefClient, place: str, sushi: str, log: Mapping[str, Any]) -> int:
    """Return what could be claimed ahead of a block, nothing if it was paid or given up before in the same block."""
    kinds, where = tuple(topic(CHEF, name) for name in ("Harvest", "EmergencyWithdraw")), str(log["blockHash"])
    topics = [kinds, *log["topics"][1:3]]  # user and pool
    same = client.rpc.logs(address=client.deployment.chef, topics=topics, block_hash=where)
    if any(int(one["logIndex"], 16) < int(log["logIndex"], 16) for one in same):
        return 0
    block = int(log["blockNumber"], 16)
    held = (client_ahead(client, block) or client).positions(client.account, block - 1)
    return next((position.claimable.get(sushi, 0) for position in held if position.id == place), 0)


def _name(client: ChefClient, address: str) -> str:
    return client.deployment.tokens.get(address, address)


def histories(past: Past) -> Sequence[History]:
    """Return the readers of chefs, each for the pools in which the account has or had a stake; see ``Kind.history``."""
    views = CHEF, ("SUSHI", "poolLength", "sushiPerSecond", "totalAllocPoint")
    marks = _queries("", past.account)
    return readers_of(past, "minichef", lambda chef: _readers(past, chef), views, name="chef", marks=marks)


def _queries(chef: str, account: str) -> list[LogQuery]:
    who = topic_of(account or 0)
    taken = tuple(topic(CHEF, name) for name in ("Withdraw", "EmergencyWithdraw", "Harvest"))
    return [LogQuery(chef, (taken, who)), LogQuery(chef, (topic(CHEF, "Deposit"), None, None, who))]


def _readers(past: Past, chef: str) -> Sequence[History]:
    queries = _queries(chef, past.account)
    pids = {int(log["topics"][2], 16) for query in queries for log in past.logs(query)} | _staked_at_first(past, chef)
    if not pids:
        return ()
    place, assets = _place(past, chef, sorted(pids))
    client = ChefClient(past.rpc, place, venue=named("minichef", assets[0].id, chef), account=past.account)
    mine = sorted(pids)
    return (
        Reader(
            past, client, chef, told, queries, assets,
            positions=lambda one, block: one.positions(past.account, block, pids=mine),
            others=[LogQuery(address) for address in (chef, *place.rewarders.values())],
        ),
    )  # fmt: skip


def _staked_at_first(past: Past, chef: str) -> set[int]:
    if not Standing(past.rpc).at(chef, past.first):
        return set()
    (count,) = ask(past.rpc, chef, CHEF, "poolLength", (), past.first)
    asked = [("userInfo", (pid, past.account)) for pid in range(count)]
    return {pid for pid, (staked, _) in enumerate(ask_many(past.rpc, chef, CHEF, asked, past.first)) if staked}


def _place(past: Past, chef: str, pids: Sequence[int]) -> tuple[ChefDeployment, list[Asset]]:
    """Ask where everything stands; SUSHI is the first token."""
    rpc, last = past.rpc, past.last
    sushi = ChefDeployment.sushi_of(rpc, chef)
    assets = [past.asset(sushi)]
    rewarders: dict[str, str] = {}
    for pid in pids:
        (token,), (rewarder,) = ask_many(rpc, chef, CHEF, [("lpToken", (pid,)), ("rewarder", (pid,))], last)
        assets.append(past.asset(token))
        if rewarder != NOBODY:
            rewarders[f"rewarder {len(rewarders) + 1}"] = rewarder
            tokens, _ = ask(rpc, rewarder, REWARDER, "pendingTokens", (pid, past.account, 0), last)
            assets += [past.asset(one) for one in tokens]
    tokens = {asset.address: asset.id for asset in assets}
    return ChefDeployment(chef, sushi, tokens, rewarders), list({asset.id: asset for asset in assets}.values())
