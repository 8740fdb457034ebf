"""The real contract of delegated stake: intents to calls, receipts to what they mean, views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Rate, Reverted, Status
from tidemill.units import BPS
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals

__all__ = ["STAKE", "DelegationClient", "DelegationDeployment"]

STAKE = """
event Delegated(address indexed owner, uint256 amount)
event Claimed(address indexed owner, uint256 amount)
event Restaked(address indexed owner, uint256 amount)
event Unbonding(uint256 indexed id, address indexed owner, uint256 amount, uint256 ready)
event Unbonded(uint256 indexed id, address indexed owner, uint256 amount)
event Epoch(uint256 minted, uint256 paid)
function delegate(uint256 amount)
function undelegate(uint256 amount) returns (uint256)
function claimUnbonded(uint256 id) returns (uint256)
function claim() returns (uint256)
function restake() returns (uint256)
function epoch(uint256 blocks, uint256 signedBps, bool proposer)
function shares(address owner) view returns (uint256)
function rewards(address owner) view returns (uint256)
function owed(address owner) view returns (uint256, uint256)
function totalStake() view returns (uint256)
function total() view returns (uint256)
function minted() view returns (uint256)
function spent() view returns (uint256)
function pace() view returns (uint256)
function beyond() view returns (uint256)
function at() view returns (uint256)
function leavingCount() view returns (uint256)
function leaving(uint256 id) view returns (address owner, uint256 amount, uint256 ready, bool claimed)
"""
_VIEWS = ("shares", "rewards", "totalStake", "minted")
_OF_OWN_STEPS = ("Delegated", "Unbonding", "Unbonded", "Restaked")


class DelegationDeployment(Struct, frozen=True):
    """Where the contract and its token stand (lower case), and the token's id."""

    contract: str
    token: str
    token_id: str


class DelegationClient:
    """One validator's contract as ``account`` (an address) uses it; ``venue`` is the study's own name of it."""

    def __init__(self, rpc: Rpc, deployment: DelegationDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model; raises ``BadInput`` naming verb and argument. A stage's verb comes as an intent."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: give the stage's own verb as an intent, not {stage!r}")
        given, at, codec = Given(intent), self.deployment, abi(STAKE)
        args: tuple[Any, ...] = ()
        if intent.verb in ("delegate", "undelegate"):
            args = (given.number("amount"),)
        elif intent.verb == "claim_unbonded":
            given.number("amount", 0)  # the request's own argument, which its later stage still carries
            args = (self._number(given.text("position")),)
        elif intent.verb == "epoch":
            args = given.number("blocks", 0), given.number("signed_bps", int(BPS)), bool(given.number("proposer", 0))
        elif intent.verb not in ("claim", "restake"):
            raise UnknownName("verb of delegation", intent.verb, ("delegate", "undelegate", "claim", "restake"))
        given.finish()
        name = "claimUnbonded" if intent.verb == "claim_unbonded" else intent.verb
        call = Call(at.contract, codec.encode(name, *args), purpose=intent.verb)
        if intent.verb != "delegate":
            return [call]
        return with_approvals(self.rpc, self.account, {at.token: int(args[0])}, at.contract, call, reset=False)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        amounts: dict[str, int] = {}
        position = None
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            if event.name == "Claimed":
                amounts["reward"] = int(event.args["amount"])
            elif event.name in _OF_OWN_STEPS:
                amounts["amount"] = int(event.args["amount"])
                position = f"{self.venue}#{event.args['id']}" if "id" in event.args else None
                if event.name in ("Delegated", "Unbonding"):
                    amounts.setdefault("reward", 0)
        return Filled(amounts, position)

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the contract's own logs in order; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.contract]
        decoded = [decode_log(log, STAKE, venue="delegation") for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; ``balance`` takes the token's id and an address."""
        at = self.deployment
        if query == "balance":
            if args[0] != at.token_id:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {at.token_id}")
            return ask(self.rpc, at.token, ERC20, "balanceOf", (args[1],), block)[0]
        if query not in _VIEWS:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        return ask(self.rpc, at.contract, STAKE, query, args, block)[0]

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return the owner's stake, what makes up for new tokens, and what is leaving."""
        token, seen, out = self.deployment.token_id, self.rpc.block(block), []
        names: list[tuple[str, tuple[Any, ...]]] = [("shares", (owner,)), ("owed", (owner,)), ("leavingCount", ())]
        (shares,), (pace, beyond), (count,) = ask_many(self.rpc, self.deployment.contract, STAKE, names, seen)
        if shares or pace or beyond:
            held, more, kept = ({token: n} if n else {} for n in (shares, beyond, pace))
            out.append(Position(f"{self.venue}#stake", self.venue, "stake", {"staked": shares}, held, more))
            out.append(Position(f"{self.venue}#pace", self.venue, "pace", {"size": 1}, {}, kept))
        asked: list[tuple[str, tuple[Any, ...]]] = [("leaving", (number,)) for number in range(1, count + 1)]
        told = ask_many(self.rpc, self.deployment.contract, STAKE, asked, seen) if asked else []
        for number, (who, amount, ready, claimed) in enumerate(told, 1):
            if who == owner.lower() and not claimed:
                data = {"size": int(amount), "ready": int(ready)}
                name = f"{self.venue}#{number}"
                out.append(Position(name, self.venue, "unbonding", data, {token: int(amount)}, {}))
        return tuple(out)

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """Delegation issues no receipt token."""
        del block
        return {}

    def _number(self, position: str) -> int:
        venue, _, number = position.rpartition("#")
        if venue != self.venue or not number.isdigit():
            raise BadInput(f"claim_unbonded: {position!r} is nothing that leaves venue {self.venue}")
        return int(number)
