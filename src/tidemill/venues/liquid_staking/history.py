"""What the logs of a transaction say that an account staked, asked back and was paid, and what it lost by slashing.

Requests are positions until they are claimed. A loss is told by its own event; how much of it fell on the account follows
from the events of its block ahead of it, to the wei. Of the bridged form a rate that falls is all that its chain says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.errors import BadInput
from tidemill.interfaces import Rate
from tidemill.venues.liquid_staking.client import BRIDGED, STAKING, BridgedClient, StakingClient, StakingDeployment
from tidemill.venues.liquid_staking.rules import paid_down, rate_down
from tidemill.venues.shared.client_parts import ask, decode_log
from tidemill.venues.shared.history import History, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import NOBODY, Reader, Standing, handed, named, readers_of, topic
from tidemill.venues.shared.told import Told
from tidemill.venues.shared.vault_client import VAULT

__all__ = ["histories", "told", "told_bridged"]

_VERBS = {"Staked": "stake", "WithdrawalRequested": "request_withdrawal", "WithdrawalClaimed": "claim"}
_WAD = 10**18


def told(client: StakingClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account; a loss falls on its shares and on each request that waits."""
    out: list[Told] = []
    for log in logs:
        for event in client.events([log]):
            if event.name == "Slashed":
                out += _slashed(client, log, int(event.args["assets"]))
            elif event.name in _VERBS and event.args["owner"] == client.account:
                out.append(_of_event(client, event.name, event.args, int(str(log["blockNumber"]), 16)))
    return out


def _of_event(client: StakingClient, name: str, args: Mapping[str, Any], block: int) -> Told:
    at, assets = client.deployment, int(args["assets"])
    if name == "Staked":
        legs = {at.asset_id: -assets, at.share_id: int(args["shares"])}
        return Told("stake", f"{client.venue}#shares", legs, 0, {"assets": assets, "shares": int(args["shares"])})
    place = f"{client.venue}#{args['id']}"
    if name == "WithdrawalRequested":
        shares = int(args["shares"])
        return Told(_VERBS[name], place, {at.share_id: -shares}, shares, {"assets": assets, "shares": shares})
    shares = int(client.read("request", int(args["id"]), block=block)[2])
    return Told(_VERBS[name], place, {at.asset_id: assets}, -shares, {"assets": assets})


def _slashed(client: StakingClient, log: Mapping[str, Any], lost: int) -> list[Told]:
    """Return what a share stood for ahead of a loss and behind it, and what each of the account's requests lost."""
    before, asset = int(str(log["blockNumber"]), 16) - 1, client.deployment.asset_id
    pool = _Pool(client, before)
    for one in _ahead(client, client.deployment.contract, log):
        pool.take_in(one)
    old, new = (pool.assets, pool.shares), (pool.assets - lost, pool.shares)
    was, now = (Rate(client.venue, {asset: total}, shares) for total, shares in (old, new))
    out = [Told("slashed", f"{client.venue}#shares", fell={client.deployment.share_id: (was, now)})]
    for number, (assets, shares) in pool.waiting.items():
        fell = paid_down(assets, shares, rate_down(*new)) - paid_down(assets, shares, rate_down(*old))
        out += [Told("slashed", f"{client.venue}#{number}", losses={asset: fell})] if fell else []
    return out


class _Pool:
    """The contract's totals and the account's requests that wait, followed through the logs of a block."""

    def __init__(self, client: StakingClient, block: int) -> None:
        self.client, me = client, client.account
        self.assets, self.shares = (int(client.read(name, block=block)) for name in ("totalAssets", "totalSupply"))
        paid = int(client.read("lastFinalized", block=block))
        numbers = [int(one.id.rpartition("#")[2]) for one in client.positions(me, block)]
        asked = {number: client.read("request", number, block=block) for number in numbers if number > paid}
        self.waiting = {number: (int(one[1]), int(one[2])) for number, one in asked.items()}

    def take_in(self, log: Mapping[str, Any]) -> None:
        """Take in one log of the contract."""
        moved = decode_log(log, VAULT, venue="liquid staking", may_be_unknown=True)
        if moved is not None and moved.name == "Transfer":
            made = (moved.args["from"] == NOBODY) - (moved.args["to"] == NOBODY)
            self.shares += made * int(moved.args["value"])
        for event in self.client.events([log]):
            if event.name in ("Staked", "Rewarded"):
                self.assets += int(event.args["assets"])
            elif event.name in ("Slashed", "WithdrawalFinalized"):
                self.assets -= int(event.args["assets"])
                self.waiting.pop(int(event.args.get("id", 0)), None)
            elif event.name == "WithdrawalRequested" and event.args["owner"] == self.client.account:
                self.waiting[int(event.args["id"])] = int(event.args["assets"]), int(event.args["shares"])


def _ahead(client: StakingClient | BridgedClient, address: str, log: Mapping[str, Any]) -> list[Mapping[str, Any]]:
    """Return the logs of a contract in the block of ``log`` that come before it."""
    same = client.rpc.logs(address=address, topics=(), block_hash=str(log["blockHash"]))
    return [one for one in same if int(str(one["logIndex"]), 16) < int(str(log["logIndex"]), 16)]


def told_bridged(client: BridgedClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account: a rate that falls is a loss, nothing else is told here."""
    at, out = client.deployment, []
    for log in logs:
        for event in client.events([log]):
            before = int(str(log["blockNumber"]), 16) - 1
            earlier = client.events(_ahead(client, at.contract, log))
            old = int(earlier[-1].args["rate"]) if earlier else int(client.read("getRate", block=before))
            if int(event.args["rate"]) >= old:
                continue
            was, now = (Rate(client.venue, {at.asset_id: rate}, _WAD) for rate in (old, int(event.args["rate"])))
            out.append(Told("slashed", f"{client.venue}#shares", fell={at.share_id: (was, now)}))
    return out


def histories(past: Past) -> Sequence[History]:
    """Return the readers of contracts that the account staked with, found by its events; see ``Kind.history``.

    The bridged form is named whole: its rate provider, and with it ``share`` (the token) and ``asset`` (what it stands
    for), for a provider knows neither. Raises ``BadInput`` where one of them is missing.
    """
    if past.contracts.keys() & {"share", "asset"}:
        return _bridged(past)
    views = STAKING, ("asset", "totalAssets", "totalSupply", "lastFinalized", "requestCount", "getRate")
    marks = _queries("", past.account)
    return readers_of(past, "liquid_staking", lambda one: _readers(past, one), views, marks=marks)


def _queries(contract: str, account: str) -> list[LogQuery]:
    who = topic_of(account or 0)
    asked = tuple(topic(STAKING, name) for name in ("WithdrawalRequested", "WithdrawalClaimed"))
    return [LogQuery(contract, (topic(STAKING, "Staked"), who)), LogQuery(contract, (asked, None, who))]


def _readers(past: Past, contract: str) -> Sequence[History]:
    (token,) = ask(past.rpc, contract, STAKING, "asset", (), past.last)
    asset, share = past.asset(token), past.asset(contract)
    place = StakingDeployment(contract, asset.address, asset.id, share.id)
    client = StakingClient(past.rpc, place, venue=named("liquid_staking", share.id, contract), account=past.account)
    queries = _queries(contract, past.account)
    numbers = {int(str(log["topics"][1]), 16) for log in past.logs(queries[1])}
    if Standing(past.rpc).at(contract, past.first):
        numbers |= {int(one.id.rpartition("#")[2]) for one in client.positions(past.account, past.first)}
    mine = sorted(numbers)

    def reader(*more: LogQuery) -> Reader:
        asked = [*queries, *handed(contract, past.account), *more]
        return Reader(
            past, client, contract, told, asked, (asset, share), share=share,
            positions=lambda one, block: one.positions(past.account, block, numbers=mine),
            others=[LogQuery(contract)],
        )  # fmt: skip

    return (reader(LogQuery(contract, (topic(STAKING, "Slashed"),))),) if reader().concerns() else ()


def _bridged(past: Past) -> Sequence[History]:
    missing = [name for name in ("address", "share", "asset") if not past.contracts.get(name)]
    if missing:
        raise BadInput(
            f"{missing[0]} is missing: a bridged token is --at liquid_staking=0xPROVIDER,share=0x…,asset=0x…",
            field="at",
        )
    provider, token, asset = past.contracts["address"], past.contracts["share"], past.asset(past.contracts["asset"])
    share = past.asset(token)
    place = StakingDeployment(provider, asset.address, asset.id, share.id, token)
    client = BridgedClient(past.rpc, place, venue=named("liquid_staking", share.id, token), account=past.account)

    def reader(*more: LogQuery) -> Reader:
        asked = [*handed(token, past.account), *more]
        return Reader(past, client, token, told_bridged, asked, (asset, share), share=share, issued=False)

    return (reader(LogQuery(provider, (topic(BRIDGED, "RateUpdated"),))),) if reader().concerns() else ()
