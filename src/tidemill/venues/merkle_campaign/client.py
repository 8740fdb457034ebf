"""The distributor on a chain: intents to calls, receipts to what they mean, views. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.merkle_campaign.client_abi import DISTRIBUTOR, NOBODY, PAID, CampaignDeployment
from tidemill.venues.merkle_campaign.model import VERBS, Args, claim_of, claims_of, root_of
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log, with_approvals

__all__ = ["CampaignClient"]

_ROOTS = ("root", "lastRoot", "nextRoot")
_PLAIN = ("activeAt", "delay", "bond")


class CampaignClient:
    """One distributor as ``account`` (an address) uses it, whose name in the trees is ``name``."""

    def __init__(self, rpc: Rpc, deployment: CampaignDeployment, *, venue: str, account: str, name: str = "me") -> None:
        self.rpc, self.deployment, self.venue = rpc, deployment, venue
        self.account, self.name = account.lower(), name

    # -- calls ---------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model, proofs looked up in what is published; raises ``BadInput`` naming verb and argument."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a campaign has no stages, got {stage!r}")
        if intent.verb not in VERBS:
            raise UnknownName("verb of a campaign", intent.verb, VERBS)
        given = Given(intent)
        calls = self._calls(intent.verb, given)
        given.finish()
        return calls

    def _calls(self, verb: str, given: Given) -> Sequence[Call]:
        at = self.deployment
        archive = at.archive
        if verb == "submit":
            told: Args = (
                {"root": given.text("root")} if "root" in given.intent.args else {"epoch": given.number("epoch")}
            )
            return [self._call(verb, "submit", root_of(archive, told).to_bytes(32, "big"))]
        if verb == "dispute":
            bond = {at.token(archive.bond_token): archive.bond}
            return with_approvals(
                self.rpc, self.account, bond, at.distributor, self._call(verb, "dispute"), reset=False
            )
        if verb == "resolve":
            return [self._call(verb, "resolve", given.flag("valid"))]
        if verb == "claim":
            return [self._claim(given)]
        token = at.token(given.text("token", archive.own))
        if verb == "fund":
            data = abi(PAID).encode("transfer", at.distributor, given.number("amount"))
            return [Call(token, data, purpose=verb)]
        return [self._call(verb, "recover", token, at.address(given.text("to", self.account)), given.number("amount"))]

    def _claim(self, given: Given) -> Call:
        at = self.deployment
        told: dict[str, int | str | bool] = {
            name: given.text(name) for name in ("account", "token", "proof") if name in given.intent.args
        }
        if "cumulative" in given.intent.args:
            told["cumulative"] = given.number("cumulative")
        account, token, cumulative, proof = claim_of(at.archive, told, self.name, self.read("root"))
        words = [word.to_bytes(32, "big") for word in proof]
        return self._call("claim", "claim", at.address(account), at.token(token), cumulative, words)

    def _call(self, verb: str, function: str, *args: Any) -> Call:
        return Call(self.deployment.distributor, abi(DISTRIBUTOR).encode(function, *args), purpose=verb)

    # -- answers -------------------------------------------------------------------------------------------------------

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: ``reward`` paid, ``bond`` given or ``amount`` taken out, if any was."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        amounts: dict[str, int] = {}
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            if event.name == "Claimed":
                amounts["reward"] = int(event.args["amount"])
            elif event.name == "Recovered":
                amounts["amount"] = int(event.args["amount"])
            elif event.name == "Disputed":
                amounts["bond"] = self.deployment.archive.bond
        return Filled(amounts)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the distributor's logs in order; skip all others."""
        found = [log for log in logs if str(log["address"]).lower() == self.deployment.distributor]
        events = (decode_log(log, DISTRIBUTOR, venue="the distributor") for log in found)
        return [event for event in events if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; the time that ``root`` takes there is the block's own here.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            return ask(self.rpc, at.token(args[0]), ERC20, "balanceOf", (args[1],), block)[0]
        if query in _ROOTS:
            return int.from_bytes(self._ask(query, block=block), "big")
        if query in _PLAIN:
            return self._ask(query, block=block)
        if query == "disputer":
            found = self._ask(query, block=block)
            names = {address: name for name, address in at.archive.people.items()} | {
                NOBODY: "",
                self.account: self.name,
            }
            return names.get(found, found)
        if query == "claimed":
            return self._ask(query, at.address(args[0]), at.token(args[1]), block=block)
        raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return what the root in force at ``block`` lets ``owner`` (an address) claim, if it is in any tree at all."""
        at, seen = self.deployment, self.rpc.block(block)
        names = {address.lower(): name for name, address in at.archive.people.items()}
        name = names.get(owner.lower(), owner.lower())

        def paid(token: str) -> int:
            return int(self._ask("claimed", owner, at.token(token), block=seen))

        return claims_of(at.archive, self.venue, name, self.read("root", block=seen), paid)

    def _ask(self, name: str, *args: Any, block: BlockId = "latest") -> Any:
        return ask(self.rpc, self.deployment.distributor, DISTRIBUTOR, name, args, block)[0]
