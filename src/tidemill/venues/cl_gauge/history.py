"""What the logs of a transaction say that an account staked, took out and was paid at a v3 staker, and what it is owed.

The position tokens themselves are told by their own family (``uniswap_v3``): handed in, they stay where they are.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.chain.rpc import Rpc
from tidemill.errors import BadData
from tidemill.interfaces import Event, Position
from tidemill.venues.cl_gauge.client import id_of
from tidemill.venues.cl_gauge.client_abi import NOBODY, STAKER
from tidemill.venues.cl_gauge.state import Key
from tidemill.venues.shared.client_parts import ask, ask_many, decode_log
from tidemill.venues.shared.history import Deed, History, LogQuery, Past, Transaction, topic_of
from tidemill.venues.shared.kept import KEPT, kept_at_first, kept_logs
from tidemill.venues.shared.reader import TRANSFER, Reader, Standing, named, readers_of, topic
from tidemill.venues.shared.told import Told

__all__ = ["Staked", "histories", "told"]

_MOVERS = ("TokenUnstaked", "IncentiveCreated", "IncentiveEnded")
"""What others do that moves what a stake would be paid within a block."""


class Staked:
    """A staker as one account used it: a client for reading alone, of all incentives.

    ``keys`` are incentives by the hash they are filed under, ``stakes`` the (token, hash) that were ever the account's,
    ``tokens`` ids of reward tokens by address, ``sizes`` by how much the log of (block, index) changed a stake.
    """

    def __init__(self, rpc: Rpc, staker: str, venue: str, account: str) -> None:
        self.rpc, self.staker, self.venue, self.account = rpc, staker, venue, account
        self.keys: dict[str, Key] = {}
        self.stakes: list[tuple[int, str]] = []
        self.tokens: dict[str, str] = {}
        self.sizes: dict[tuple[int, int], int] = {}

    def event(self, log: Mapping[str, Any]) -> Event | None:
        """Decode a log of the staker; ``None`` for any other."""
        mine = str(log["address"]).lower() == self.staker
        return decode_log(log, STAKER, venue="the v3 staker", may_be_unknown=True) if mine else None

    def ask(self, asked: Sequence[tuple[str, tuple[Any, ...]]], block: int) -> list[tuple[Any, ...]]:
        """Ask many views of the staker at the end of ``block``."""
        return ask_many(self.rpc, self.staker, STAKER, asked, block)

    def positions(self, owner: str, block: int) -> Sequence[Position]:
        """Return a position for each token that is staked, with what it would be paid, and one of rewards credited."""
        owners = self.ask([("deposits", (number,)) for number, _ in self.stakes], block)
        mine = [stake for stake, (whose, *_) in zip(self.stakes, owners, strict=True) if whose == owner]
        kept = self.ask([("stakes", (number, bytes.fromhex(filed[2:]))) for number, filed in mine], block)
        live = [(*stake, liquidity) for stake, (_, liquidity) in zip(mine, kept, strict=True) if liquidity]
        due = self.ask([("getRewardInfo", (self.keys[filed], number)) for number, filed, _ in live], block)
        sizes, dues = dict[int, int](), dict[int, dict[str, int]]()
        for (number, filed, liquidity), (reward, _) in zip(live, due, strict=True):
            sizes[number] = sizes.get(number, 0) + liquidity
            one = dues.setdefault(number, {})
            one[self.tokens[self.keys[filed].reward]] = one.get(self.tokens[self.keys[filed].reward], 0) + reward
        credited = self.ask([("rewards", (token, owner)) for token in self.tokens], block)
        owed = {token: n for token, (n,) in zip(self.tokens.values(), credited, strict=True) if n}
        return (
            self._position("rewards", 0, owed),
            *(self._position(str(number), size, dues[number]) for number, size in sizes.items()),
        )

    def _position(self, name: str, staked: int, due: Mapping[str, int]) -> Position:
        claimable = {token: amount for token, amount in due.items() if amount}
        return Position(f"{self.venue}#{name}", self.venue, "gauge", {"staked": staked}, {}, claimable)


def told(client: Staked, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account; what a stake was due is credited when it is taken back."""
    out: list[Told] = []
    rewards, sent = f"{client.venue}#rewards", ""
    for log in logs:
        if log["topics"][0] == TRANSFER:
            sent = client.tokens.get(str(log["address"]).lower(), "")
        event = client.event(log)
        if event is None:
            continue
        args = event.args
        if event.name == "RewardClaimed" and args["to"] == client.account:
            reward = int(args["reward"])
            out.append(Told("claim", rewards, {sent: reward} if reward else {}, 0, {"reward": reward}))
        elif event.name == "DepositTransferred" and NOBODY in (args["oldOwner"], args["newOwner"]):
            if client.account in (args["oldOwner"], args["newOwner"]):
                out.append(Told("deposit" if args["oldOwner"] == NOBODY else "withdraw", rewards))
        elif size := client.sizes.get((int(log["blockNumber"], 16), int(log["logIndex"], 16)), 0):
            verb, place = "stake" if size > 0 else "unstake", f"{client.venue}#{args['tokenId']}"
            out.append(Told(verb, place, {}, size, {"liquidity": abs(size)}))
            out += [Told("credited", rewards)] if size < 0 else []
    return out


class _Stakes(Reader):
    """``History`` of one staker: a token passed on while it is staked takes with it what it is due."""

    def deeds(self, tx: Transaction) -> Sequence[Deed]:
        """See ``History``."""
        out = list(super().deeds(tx))
        staked = {str(number) for number, _ in self.client.stakes}
        for log in tx.receipt.logs:
            event = self.client.event(log)
            if event is None or event.name != "DepositTransferred" or str(event.args["tokenId"]) not in staked:
                continue
            source, target, account = event.args["oldOwner"], event.args["newOwner"], self.client.account
            if NOBODY not in (source, target) and (source == account) != (target == account):
                kind, verb = ("went", "sent") if source == account else ("came", "received")
                out.append(Deed(self.venue, f"{self.venue}#{event.args['tokenId']}", kind, verb))  # type: ignore[arg-type]
        return out


def histories(past: Past) -> Sequence[History]:
    """Return the readers of stakers at which the account had tokens, named by the user; see ``Kind.history``."""
    views = STAKER, ("factory", "nonfungiblePositionManager", "maxIncentiveDuration")
    return readers_of(past, "cl_gauge", lambda staker: _readers(past, staker), views)


def _readers(past: Past, staker: str) -> Sequence[History]:
    past = structs.replace(past, keepers=(staker,))
    client = Staked(past.rpc, staker, named("cl_gauge", "staker", staker), past.account)
    first = _at_first(past, staker)
    passed = kept_logs(past)
    numbers = sorted({*first, *(int(log["topics"][1], 16) for log in passed)})
    who, kinds = topic_of(past.account), (topic(STAKER, "TokenStaked"), topic(STAKER, "TokenUnstaked"))
    queries = [
        LogQuery(staker, (topic(STAKER, "RewardClaimed"), who)),
        LogQuery(staker, (KEPT, None, who)),
        LogQuery(staker, (KEPT, None, None, who)),
    ]
    claims = past.logs(queries[0])
    if not numbers and not claims:
        return ()
    queries += [LogQuery(staker, (kinds, tuple(map(topic_of, numbers))))] if numbers else []
    client.keys = _incentives(past, staker)
    _follow(past, client, first, [*passed, *(log for query in queries[3:] for log in past.logs(query))])
    assets = [past.asset(token) for token in _rewards(past, client, claims)]
    client.tokens = {asset.address: asset.id for asset in assets}
    others = [LogQuery(staker, (tuple(topic(STAKER, name) for name in _MOVERS),))]
    return (_Stakes(past, client, staker, told, queries, assets, others=others),)


def _at_first(past: Past, staker: str) -> list[int]:
    if not Standing(past.rpc).at(staker, past.first):
        return []
    (manager,) = ask(past.rpc, staker, STAKER, "nonfungiblePositionManager", (), past.first)
    return kept_at_first(past, manager)


def _incentives(past: Past, staker: str) -> dict[str, Key]:
    """Return all incentives by what they are filed under: of before the period too, as stakes of then may last."""
    created = topic(STAKER, "IncentiveCreated")
    logs = list(past.logs(LogQuery(staker, (created,))))
    if Standing(past.rpc).at(staker, past.first):
        logs += past.rpc.logs(address=staker, topics=[created], from_block=0, to_block=past.first)
    out = {}
    for log in logs:
        told_of = decode_log(log, STAKER, venue="the v3 staker")
        assert told_of is not None
        args: Mapping[str, Any] = told_of.args
        key = Key(args["rewardToken"], args["pool"], args["startTime"], args["endTime"], args["refundee"])
        out["0x" + id_of(key).hex()] = key
    return out


def _follow(past: Past, client: Staked, first: Sequence[int], logs: Sequence[Mapping[str, Any]]) -> None:
    """Follow stakes log by log: an event of taking back does not say how much it was."""
    whose, live = dict.fromkeys(first, past.account), dict[tuple[int, str], int]()
    asked = [(number, filed) for number in first for filed in client.keys]
    kept = client.ask([("stakes", (number, bytes.fromhex(filed[2:]))) for number, filed in asked], past.first)
    live |= {stake: liquidity for stake, (_, liquidity) in zip(asked, kept, strict=True) if liquidity}
    ever = dict.fromkeys(live)
    placed = {(int(log["blockNumber"], 16), int(log["logIndex"], 16)): log for log in logs}
    for place, log in sorted(placed.items()):
        number = int(log["topics"][1], 16)
        event = client.event(log)
        assert event is not None
        if event.name == "DepositTransferred":
            whose[number] = str(event.args["newOwner"])
            continue
        stake = number, str(log["topics"][2]).lower()
        ever[stake] = None
        if event.name == "TokenStaked":
            live[stake] = size = int(event.args["liquidity"])
        else:
            size = -live.pop(stake, 0)
        if whose.get(number) == past.account:
            client.sizes[place] = size
    client.stakes = sorted(ever)
    for _, filed in client.stakes:
        if filed not in client.keys:
            raise BadData(f"{client.venue}: no log tells of the incentive {filed}; the endpoint left one out")


def _rewards(past: Past, client: Staked, claims: Sequence[Mapping[str, Any]]) -> list[str]:
    """Return the tokens of all incentives that were the account's, and of what it claimed."""
    found = dict.fromkeys(client.keys[filed].reward for _, filed in client.stakes)
    receipts = past.rpc.receipts(list(dict.fromkeys(str(log["transactionHash"]) for log in claims)))
    for log in (log for receipt in receipts if receipt for log in receipt.logs):
        if log["topics"][0] == TRANSFER and len(log["topics"]) == 3:
            source, target = ("0x" + str(one)[-40:].lower() for one in log["topics"][1:])
            if source == client.staker and target == client.account:
                found[str(log["address"]).lower()] = None
    return list(found)
