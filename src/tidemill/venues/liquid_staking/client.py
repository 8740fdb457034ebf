"""The real contracts of liquid staking, or of its bridged form: intents to calls, receipts to what they mean, views."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from msgspec import Struct

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Rate, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals

__all__ = ["BRIDGED", "STAKING", "BridgedClient", "StakingClient", "StakingDeployment"]

STAKING = """
event Staked(address indexed owner, uint256 assets, uint256 shares)
event Rewarded(uint256 assets, uint256 feeShares)
event Slashed(uint256 assets)
event WithdrawalRequested(uint256 indexed id, address indexed owner, uint256 assets, uint256 shares)
event WithdrawalFinalized(uint256 indexed id, uint256 assets, uint256 shares)
event WithdrawalClaimed(uint256 indexed id, address indexed owner, uint256 assets)
function stake(uint256 amount) returns (uint256)
function transfer(address receiver, uint256 amount) returns (bool)
function requestWithdrawal(uint256 shares) returns (uint256)
function claim(uint256 id) returns (uint256)
function reportRewards(uint256 amount) returns (uint256)
function reportSlashing(uint256 amount)
function finalize(uint256 until) returns (uint256)
function asset() view returns (address)
function totalAssets() view returns (uint256)
function totalSupply() view returns (uint256)
function lastFinalized() view returns (uint256)
function requestCount() view returns (uint256)
function getRate() view returns (uint256)
function convertToShares(uint256 assets) view returns (uint256)
function convertToAssets(uint256 shares) view returns (uint256)
function maxRequest() view returns (uint256)
"""
STAKING += (
    "function request(uint256 id) view returns "
    "((address owner, uint256 assets, uint256 shares, uint256 time, uint256 paid, bool claimed) found)\n"
)


BRIDGED = """
event RateUpdated(uint256 rate, uint256 time)
function push(uint256 rate)
function getRate() view returns (uint256)
function updatedAt() view returns (uint256)
"""

_FUNCTIONS = {
    "stake": "stake",
    "transfer": "transfer",
    "request_withdrawal": "requestWithdrawal",
    "claim": "claim",
    "report_rewards": "reportRewards",
    "report_slashing": "reportSlashing",
    "finalize": "finalize",
}
_PAID_IN = ("stake", "report_rewards")
_OF_OWN_STEPS = ("Staked", "WithdrawalRequested", "WithdrawalClaimed")


class StakingDeployment(Struct, frozen=True):
    """Where a contract stands (lower case), and how tidemill names what is staked and the token.

    ``share`` is where the token of the bridged form stands; the other's is the contract itself.
    """

    contract: str
    asset: str
    asset_id: str
    share_id: str
    share: str = ""


class StakingClient:
    """One contract as ``account`` (an address) uses it; ``venue`` is the study's own name of it."""

    def __init__(self, rpc: Rpc, deployment: StakingDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model; raises ``BadInput`` naming verb and argument. A stage's verb comes as an intent."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: give the stage's own verb as an intent, not {stage!r}")
        if intent.verb not in _FUNCTIONS:
            raise UnknownName("verb of liquid staking", intent.verb, _FUNCTIONS)
        given, at = Given(intent), self.deployment
        args: tuple[Any, ...]
        if intent.verb == "claim":
            given.number("shares", 0)  # the request's own argument, which its later stage still carries
            args = (self._number(given.text("position")),)
        elif intent.verb == "transfer":
            args = given.text("to"), given.number("amount")
        else:
            name = {"request_withdrawal": "shares", "finalize": "until"}.get(intent.verb, "amount")
            args = (given.number(name),)
        given.finish()
        call = Call(at.contract, abi(STAKING).encode(_FUNCTIONS[intent.verb], *args), purpose=intent.verb)
        if intent.verb not in _PAID_IN:
            return [call]
        return with_approvals(self.rpc, self.account, {at.asset: int(args[0])}, at.contract, call, reset=False)

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        for event in self.events([log for receipt in receipts for log in receipt.logs]):
            if event.name in _OF_OWN_STEPS:
                amounts = {name: int(event.args[name]) for name in ("assets", "shares") if name in event.args}
                return Filled(amounts, f"{self.venue}#{event.args['id']}" if "id" in event.args else None)
        return Filled({})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the contract's own logs in order, transfers of its token left out; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.contract]
        decoded = [decode_log(log, STAKING, venue="liquid staking", may_be_unknown=True) for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; ``balance`` takes a token id and an address."""
        at = self.deployment
        if query == "balance":
            token = {at.asset_id: at.asset, at.share_id: at.contract}
            if args[0] not in token:
                raise BadInput(f"token {args[0]!r} is not of venue {self.venue}; it has {' and '.join(token)}")
            return ask(self.rpc, token[args[0]], ERC20, "balanceOf", (args[1],), block)[0]
        if query not in abi(STAKING).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        value = ask(self.rpc, at.contract, STAKING, query, args, block)[0]
        return tuple(value) if query == "request" else value

    def positions(
        self, owner: str, block: BlockId = "latest", *, numbers: Sequence[int] | None = None
    ) -> Sequence[Position]:
        """Return the owner's requests that are not claimed, at what they would be paid at ``block``.

        ``numbers`` : of the requests that may be the owner's, in order, where that is known; else all are asked.
        """
        at, seen = self.deployment, self.rpc.block(block)
        (count,) = ask(self.rpc, at.contract, STAKING, "requestCount", (), seen)
        there = [id_ for id_ in (range(1, count + 1) if numbers is None else numbers) if id_ <= count]
        asked = [("request", (id_,)) for id_ in there]
        told = ask_many(self.rpc, at.contract, STAKING, asked, seen) if asked else []
        out = []
        for id_, ((who, _assets, shares, _time, paid, claimed),) in zip(there, told, strict=True):
            if who == owner.lower() and not claimed:
                principal = {at.asset_id: int(paid)}
                out.append(
                    Position(f"{self.venue}#{id_}", self.venue, "withdrawal", {"size": int(shares)}, principal, {})
                )
        return tuple(out)

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """What a share stands for at the contract's own rate, unrounded."""
        at, seen = self.deployment, self.rpc.block(block)
        asked: list[tuple[str, tuple[Any, ...]]] = [("totalAssets", ()), ("totalSupply", ())]
        (assets,), (shares,) = ask_many(self.rpc, at.contract, STAKING, asked, seen)
        return {at.share_id: Rate(self.venue, {at.asset_id: assets if shares else 1}, shares or 1)}

    def _number(self, position: str) -> int:
        venue, _, number = position.rpartition("#")
        if venue != self.venue or not number.isdigit():
            raise BadInput(f"claim: {position!r} is no request of venue {self.venue}")
        return int(number)


class BridgedClient:
    """A rate provider as its feeder uses it, and everybody reads it."""

    def __init__(self, rpc: Rpc, deployment: StakingDeployment, *, venue: str, account: str) -> None:
        self.rpc, self.deployment, self.venue, self.account = rpc, deployment, venue, account.lower()

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode the feeder's push; a bridged token is bought and sold at a pool."""
        del view
        if stage or intent.verb != "push":
            raise UnknownName("verb of a bridged staking token", intent.verb, ("push",))
        given = Given(intent)
        data = abi(BRIDGED).encode("push", given.number("rate"))
        given.finish()
        return [Call(self.deployment.contract, data, purpose="push")]

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        told = self.events([log for receipt in receipts for log in receipt.logs])
        return Filled({"rate": int(told[-1].args["rate"])} if told else {})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the provider's own logs in order; skip all others."""
        mine = [log for log in logs if str(log["address"]).lower() == self.deployment.contract]
        decoded = [decode_log(log, BRIDGED, venue="a rate provider") for log in mine]
        return [event for event in decoded if event is not None]

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's."""
        if query not in abi(BRIDGED).functions or query == "push":
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        return ask(self.rpc, self.deployment.contract, BRIDGED, query, args, block)[0]

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """A provider holds nothing."""
        del owner, block
        return ()

    def rates(self, block: BlockId = "latest") -> Mapping[str, Rate]:
        """What the token stands for by the last update."""
        at = self.deployment
        return {at.share_id: Rate(self.venue, {at.asset_id: self.read("getRate", block=block)}, 10**18)}
