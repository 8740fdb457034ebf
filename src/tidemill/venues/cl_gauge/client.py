"""The real v3 staker: intents to calls, receipts to what they mean, views. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from eth_hash.auto import keccak

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.cl_gauge.actions import NOBODY as NONE
from tidemill.venues.cl_gauge.actions import VERBS, number_of
from tidemill.venues.cl_gauge.client_abi import MANAGER, NOBODY, STAKER, GaugeDeployment
from tidemill.venues.cl_gauge.state import Key
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log, with_approvals

__all__ = ["GaugeClient", "id_of"]

_AMOUNTS = {
    "RewardClaimed": ("reward", "reward"),
    "TokenStaked": ("liquidity", "liquidity"),
    "IncentiveCreated": ("amount", "reward"),
    "IncentiveEnded": ("refund", "refund"),
}
"""By event: name of the amount it tells, and its field there; the first of these that was logged counts."""


class GaugeClient:
    """One staker as ``account`` (an address) uses it.

    ``venue`` is the study's own name of it, ``pool`` the client of the pool beside it, which shows position tokens.
    """

    def __init__(
        self, rpc: Rpc, deployment: GaugeDeployment, *, venue: str, account: str, pool: Any, name: str = "me"
    ) -> None:
        self.rpc, self.deployment, self.venue, self.pool = rpc, deployment, venue, pool
        self.account, self.name = account.lower(), name

    # -- calls ---------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model; raises ``BadInput`` naming verb and argument."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a gauge has no stages, got {stage!r}")
        if intent.verb not in VERBS:
            raise UnknownName("verb of a gauge", intent.verb, VERBS)
        given = Given(intent)
        own = self.deployment.own
        key = self.deployment.on_chain(
            Key(
                given.text("reward", own.reward), given.text("pool", own.pool), given.number("start", own.start),
                given.number("end", own.end), given.text("refundee", own.refundee),
            )
        )  # fmt: skip
        calls = self._calls(intent.verb, given, key)
        given.finish()
        return calls

    def _calls(self, verb: str, given: Given, key: tuple[Any, ...]) -> Sequence[Call]:
        at = self.deployment
        if verb == "create_incentive":
            amount = given.number("amount")
            call = self._call(verb, "createIncentive", key, amount)
            return with_approvals(self.rpc, self.account, {key[0]: amount}, at.staker, call, reset=False)
        if verb == "end_incentive":
            return [self._call(verb, "endIncentive", key)]
        if verb == "claim":
            to = at.address(given.text("to", self.account))
            return [self._call(verb, "claimReward", key[0], to, given.number("amount", 0))]
        number = number_of(given.text("position"))
        if verb in ("deposit", "stake"):
            return [self._hand_in(verb, number, key)]
        if verb == "unstake":
            return [self._call(verb, "unstakeToken", key, number)]
        if verb == "withdraw":
            to = at.address(given.text("to", self.account))
            return [self._call(verb, "withdrawToken", number, to, b"")]
        if verb == "transfer_deposit":
            return [self._call(verb, "transferDeposit", number, at.address(given.text("to")))]
        return [self._call(verb, "multicall", self._together(verb, number, key))]

    def _call(self, verb: str, function: str, *args: Any) -> Call:
        return Call(self.deployment.staker, abi(STAKER).encode(function, *args), purpose=verb)

    def _hand_in(self, verb: str, number: int, key: tuple[Any, ...]) -> Call:
        """A token still in the wallet is staked by the very transfer that hands it in: the key travels as its data."""
        at = self.deployment
        if verb == "stake" and self._ask("deposits", number)[0] != NOBODY:
            return self._call(verb, "stakeToken", key, number)
        data = _words(key) if verb == "stake" else b""
        return Call(
            at.manager, abi(MANAGER).encode("safeTransferFrom", self.account, at.staker, number, data), purpose=verb
        )

    def _together(self, verb: str, number: int, key: tuple[Any, ...]) -> list[bytes]:
        codec = abi(STAKER)
        out, paid = codec.encode("unstakeToken", key, number), codec.encode("claimReward", key[0], self.account, 0)
        if verb == "harvest":
            return [out, codec.encode("stakeToken", key, number), paid]
        return [out, paid, codec.encode("withdrawToken", number, self.account, b"")]

    # -- answers -------------------------------------------------------------------------------------------------------

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: what was paid, staked, brought or sent back, whichever it was."""
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        told = {event.name: event.args for event in self.events([log for receipt in receipts for log in receipt.logs])}
        for event, (amount, field) in _AMOUNTS.items():
            if event in told:
                return Filled({amount: int(told[event][field])})
        return Filled({})

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the staker's logs in order; skip all others."""
        out = []
        for log in logs:
            if str(log["address"]).lower() == self.deployment.staker:
                event = decode_log(log, STAKER, venue="the v3 staker")
                if event is not None:
                    out.append(event)
        return out

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; the time that ``getRewardInfo`` takes last is the block's own.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            return ask(self.rpc, at.token(args[0]), ERC20, "balanceOf", (args[1],), block)[0]
        if query == "key":
            return tuple(at.own)
        if query == "incentives":
            return self._ask("incentives", id_of(self._key(args)), block=block)
        if query == "deposits":
            owner, *rest = self._ask("deposits", args[0], block=block)
            names = {address: name for name, address in at.people.items()} | {NOBODY: NONE, self.account: self.name}
            return (names.get(owner, owner), *rest)
        if query == "stakes":
            return self._ask("stakes", args[0], id_of(self._key(args[1:])), block=block)
        if query == "rewards":
            return self._ask("rewards", at.token(args[0]), at.address(args[1]), block=block)[0]
        if query == "getRewardInfo":
            return self._ask("getRewardInfo", self._key(args[1:6]), args[0], block=block)
        raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return the position tokens that ``owner`` (an address) has here, as the pool's client shows them, and one position
        of the rewards of the own incentive.
        """
        at, seen, out = self.deployment, self.rpc.block(block), []
        key, staked = at.on_chain(at.own), 0
        (due,) = self._ask("rewards", key[0], owner, block=seen)
        for held in self.pool.positions(at.staker, block=seen):
            number = number_of(held.id)
            if self._ask("deposits", number, block=seen)[0] != owner.lower():
                continue
            out.append(held)
            liquidity = self._ask("stakes", number, id_of(key), block=seen)[1]
            if liquidity:
                staked += liquidity
                due += self._ask("getRewardInfo", key, number, block=seen)[0]
        if staked or due:
            claimable = {at.own.reward: due} if due else {}
            out.append(Position(f"{self.venue}#rewards", self.venue, "gauge", {"staked": staked}, {}, claimable))
        return tuple(out)

    def _key(self, fields: Sequence[Any]) -> tuple[Any, ...]:
        at = self.deployment
        return at.on_chain(Key(*fields) if len(fields) == len(at.own) else at.own)

    def _ask(self, name: str, *args: Any, block: BlockId = "latest") -> tuple[Any, ...]:
        return ask(self.rpc, self.deployment.staker, STAKER, name, args, block)


def _words(key: tuple[Any, ...]) -> bytes:
    """Return an incentive's five words, one behind the other."""
    numbers = (part if isinstance(part, int) else int(part, 16) for part in key)
    return b"".join(number.to_bytes(32, "big") for number in numbers)


def id_of(key: tuple[Any, ...]) -> bytes:
    """Return the hash that the contract files an incentive under, given as the contract takes it."""
    return keccak(_words(key))
