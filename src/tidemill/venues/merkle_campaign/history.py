"""What the logs of a transaction say that a distributor of campaigns paid an account, and what a known tree lets it claim."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import structs

from tidemill.errors import BadData
from tidemill.interfaces import Position
from tidemill.venues.merkle_campaign.client import CampaignClient
from tidemill.venues.merkle_campaign.client_abi import DISTRIBUTOR, CampaignDeployment
from tidemill.venues.merkle_campaign.merkle import Tree, leaf_of
from tidemill.venues.merkle_campaign.state import CampaignState, Earned
from tidemill.venues.shared.client_parts import ask_many
from tidemill.venues.shared.history import Asset, History, Holding, LogQuery, Past, topic_of
from tidemill.venues.shared.reader import Reader, Standing, named, readers_of, topic
from tidemill.venues.shared.told import Told, add

__all__ = ["histories", "told"]


def told(client: CampaignClient, logs: Sequence[Mapping[str, Any]]) -> list[Told]:
    """Read one transaction's logs for the client's account, whoever brought the proof."""
    names = {address: token for token, address in client.deployment.tokens.items()}
    out = []
    for event in client.events(logs):
        if event.name == "Claimed" and event.args["account"] == client.account:
            token, amount = names[str(event.args["token"]).lower()], int(event.args["amount"])
            out.append(Told("claim", f"{client.venue}#claims", {token: amount}, amount, {"reward": amount}))
    return out


def histories(past: Past) -> Sequence[History]:
    """Return the readers of distributors that paid the account, or whose tree has it; see ``Kind.history``."""
    views = DISTRIBUTOR, ("root", "activeAt", "delay", "bond")
    marks = [_query("", past.account)]
    return readers_of(past, "merkle_campaign", lambda at: _readers(past, at), views, name="distributor", marks=marks)


def _query(distributor: str, account: str) -> LogQuery:
    return LogQuery(distributor, (topic(DISTRIBUTOR, "Claimed"), topic_of(account or 0)))


class _Claims(Reader):
    """``History`` of one distributor: one position, of which nothing was put in and ``share`` counts what has been paid."""

    def __init__(self, past: Past, client: CampaignClient, assets: Sequence[Asset], notes: Sequence[str]) -> None:
        at = client.deployment.distributor
        query = _query(at, past.account)
        super().__init__(past, client, at, told, [query], assets, positions=self._claims, notes=notes)

    def paid(self, block: int) -> dict[str, int]:
        """Return raw units by token that had been paid by the end of ``block``."""
        at = self.client.deployment
        if not self._standing.at(at.distributor, block):
            return dict.fromkeys(at.tokens, 0)
        asked = [("claimed", (self._past.account, address)) for address in at.tokens.values()]
        answers = ask_many(self._past.rpc, at.distributor, DISTRIBUTOR, asked, block)
        return {token: amount for token, (amount,) in zip(at.tokens, answers, strict=True)}

    def ahead(self, block: int) -> Holding | None:
        """See ``History``: what is due at the block's end, and what was paid in it: a claim changes nothing else."""
        if not self._standing.at(self._contract, block - 1):
            return None
        (after,), before, behind = self._claims(self.client, block), self.paid(block - 1), self.paid(block)
        due = dict(after.claimable)
        for token, amount in behind.items():
            add(due, token, amount - before[token])
        was = structs.replace(after, data={"share": sum(before.values())}, claimable=due)
        return structs.replace(self.holding(block - 1), positions=(was,))

    def _claims(self, client: CampaignClient, block: int) -> tuple[Position]:
        known = client.positions(self._past.account, block)
        due = known[0].claimable if known else {}
        data = {"share": sum(self.paid(block).values())}
        return (Position(f"{client.venue}#claims", client.venue, "campaign", data, {}, due),)


def _readers(past: Past, distributor: str) -> Sequence[History]:
    logs = past.logs(_query(distributor, past.account))
    paid: dict[str, int] = {}
    for log in logs:
        token = "0x" + str(log["topics"][2])[-40:].lower()
        paid[token] = paid.get(token, 0) + int(str(log["data"]), 16)
    own = [{token: n for who, token, n in tree if who == past.account} for tree in past.trees]
    addresses = dict.fromkeys([*paid, *(token for entries in own for token in entries)])
    if not addresses:
        return ()
    assets = [past.asset(address) for address in addresses]
    tokens = {asset.id: asset.address for asset in assets}
    names = {address: token for token, address in tokens.items()}
    archive = CampaignState(distributor, "", assets[0].id, 0, "", 0, tokens=tokens)
    for number, (tree, entries) in enumerate(zip(past.trees, own, strict=True)):
        archive.epochs.append(Earned({(past.account, names[token]): amount for token, amount in entries.items()}))
        archive.roots[Tree(leaf_of(*entry) for entry in tree).root] = number
    venue = named("merkle_campaign", assets[0].id, distributor)
    place = CampaignDeployment(distributor, tokens, archive)
    client = CampaignClient(past.rpc, place, venue=venue, account=past.account, name=past.account)
    reader = _Claims(past, client, assets, _notes(past, client))
    first, last = reader.paid(past.first), reader.paid(past.last)
    for token, address in tokens.items():
        if last[token] - first[token] != paid.get(address, 0):
            raise BadData(
                f"{venue}: was paid {last[token] - first[token]} {token}, its logs tell of {paid.get(address, 0)}; the "
                "endpoint left out a log, or the contract is not what it is taken for"
            )
    return (reader,)


def _notes(past: Past, client: CampaignClient) -> tuple[str, ...]:
    if not Standing(past.rpc).at(client.deployment.distributor, past.last):
        return ()
    root = client.read("root", block=past.last)
    if not root or root in client.deployment.archive.roots:
        return ()
    return (
        f"{client.venue}: what could still be claimed is not read; give the tree behind root {root:#066x} with --tree",
    )
