"""The real MiniChefV2 with its rewarders: intents to calls, receipts to what they mean, views. It never sends."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, Revert, RpcRejected, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.minichef.client_abi import CHEF, NOBODY, PAID, REWARDER, ChefDeployment
from tidemill.venues.minichef.doing import HALT
from tidemill.venues.minichef.model import ALIASES
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, decode_log, with_approvals

__all__ = ["ChefClient", "moved"]

_OF_STAKERS = {
    "deposit": "deposit",
    "withdraw": "withdraw",
    "harvest": "harvest",
    "withdraw_and_harvest": "withdrawAndHarvest",
    "exit": "withdrawAndHarvest",
    "emergency_withdraw": "emergencyWithdraw",
}
_WITH_AMOUNT = ("deposit", "withdraw", "withdraw_and_harvest")
_OTHERS = (
    "add_pool",
    "set_pool",
    "set_sushi_per_second",
    "update_pool",
    "update_rewarder",
    "fund",
    "rewarder_add",
    "rewarder_set",
    "rewarder_rate",
)
_TIMED = {"pendingSushi": 2, "rewarder.pendingToken": 3}
"""Views that move with time, and how many arguments they take here: the model is told time and balance as well."""

_HALTS = ("invalidfeopcode", "invalid opcode")
"""How endpoints tell of a division by zero in old Solidity."""


class ChefClient:
    """One chef as ``account`` (an address) uses it.

    ``venue`` is the study's own name of it; a stake's position id is ``venue#pid``.
    """

    def __init__(self, rpc: Rpc, deployment: ChefDeployment, *, venue: str, account: str, name: str = "me") -> None:
        self.rpc, self.deployment, self.venue = rpc, deployment, venue
        self.account, self.name = account.lower(), name

    # -- calls ---------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model; raises ``BadInput`` naming verb and argument."""
        del view
        if stage:
            raise BadInput(f"{intent.verb}: a farm has no stages, got {stage!r}")
        verb = ALIASES.get(intent.verb, intent.verb)
        if verb not in _OF_STAKERS and verb not in _OTHERS:
            raise UnknownName("verb of MiniChefV2", intent.verb, (*_OF_STAKERS, *ALIASES, *_OTHERS))
        given = Given(intent)
        calls = self._of_staker(verb, intent.verb, given) if verb in _OF_STAKERS else [self._other(verb, given)]
        given.finish()
        return calls

    def _of_staker(self, verb: str, purpose: str, given: Given) -> Sequence[Call]:
        at = self.deployment
        pid = given.number("pid", at.pid)
        to = at.address(given.text("to", self.account))
        args: list[Any] = [pid]
        if verb in _WITH_AMOUNT:
            args.append(given.number("amount"))
        elif verb == "exit":
            args.append(self._ask("userInfo", pid, self.account)[0])
        call = Call(at.chef, abi(CHEF).encode(_OF_STAKERS[verb], *args, to), purpose=purpose)
        if verb != "deposit":
            return [call]
        token = at.staked[pid] if pid < len(at.staked) else self._ask("lpToken", pid)[0]
        return with_approvals(self.rpc, self.account, {token: args[1]}, at.chef, call, reset=False)

    def _other(self, verb: str, given: Given) -> Call:
        at = self.deployment
        if verb == "fund":
            to = given.text("rewarder", "")
            data = abi(PAID).encode("transfer", at.rewarder(to) if to else at.chef, given.number("amount"))
            return Call(at.token(given.text("token")), data, purpose=verb)
        if verb.startswith("rewarder_") or verb == "update_rewarder":
            return self._of_rewarder(verb, given)
        if verb == "add_pool":
            args: tuple[Any, ...] = (
                given.number("points"),
                at.token(given.text("token")),
                at.rewarder(given.text("rewarder", "")),
            )
        elif verb == "set_pool":
            overwrite = given.flag("overwrite") if "overwrite" in given.intent.args else False
            args = given.number("pid"), given.number("points"), at.rewarder(given.text("rewarder", "")), overwrite
        elif verb == "set_sushi_per_second":
            args = (given.number("rate"),)
        else:
            args = (given.number("pid", at.pid),)
        names = {"add_pool": "add", "set_pool": "set", "set_sushi_per_second": "setSushiPerSecond"}
        return Call(at.chef, abi(CHEF).encode(names.get(verb, "updatePool"), *args), purpose=verb)

    def _of_rewarder(self, verb: str, given: Given) -> Call:
        to = self.deployment.rewarder(given.text("rewarder"))
        args: tuple[Any, ...]
        if verb == "rewarder_add":
            name, args = "add", (given.number("points"), given.number("pid"))
        elif verb == "rewarder_set":
            name, args = "set", (given.number("pid"), given.number("points"))
        elif verb == "rewarder_rate":
            name, args = "setRewardPerSecond", (given.number("rate"),)
        else:
            name, args = "updatePool", (given.number("pid", self.deployment.pid),)
        return Call(to, abi(REWARDER).encode(name, *args), purpose=verb)

    # -- answers -------------------------------------------------------------------------------------------------------

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean.

        ``amount`` staked or taken out, ``reward`` in SUSHI where the verb harvests, ``bonus`` what a rewarder sent, in
        each case 0 where there was none.
        """
        for receipt in receipts:
            if not receipt.status:
                reason = receipt.revert_reason or ""
                return Reverted(HALT if _halted(reason) else reason)
        logs = [log for receipt in receipts for log in receipt.logs]
        amounts: dict[str, int] = {}
        for event in self.events(logs):
            if event.name == "Harvest":
                amounts["reward"] = int(event.args["amount"])
            elif event.name in ("Deposit", "Withdraw", "EmergencyWithdraw") and "at" not in event.args:
                amounts["amount"] = int(event.args["amount"])
        if amounts:
            amounts["bonus"] = sum(amount for source, _, amount in map(moved, logs) if source in self._senders())
        return Filled(amounts)

    def _senders(self) -> set[str]:
        return set(self.deployment.rewarders.values())

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the logs of chef and rewarders in order, tokens and rewarders by name; skip all others.

        A rewarder's carry its name as ``at``, as the model's do.
        """
        at, out = self.deployment, []
        for log in logs:
            address = str(log["address"]).lower()
            rewarder = at.name_of(address)
            if address != at.chef and not rewarder:
                continue
            event = decode_log(log, REWARDER if rewarder else CHEF, venue="MiniChefV2", may_be_unknown=True)
            if event is not None:
                args = {name: self._named(name, value) for name, value in event.args.items()}
                out.append(Event(event.name, {"at": rewarder, **args} if rewarder else args))
        return out

    def _named(self, name: str, value: Any) -> Any:
        at = self.deployment
        if name == "lpToken":
            return at.tokens.get(value, value)
        if name == "rewarder":
            return "" if value == NOBODY else at.name_of(value) or value
        return self.name if value == self.account else value

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; time and balance that it takes last are the block's own.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            return ask(self.rpc, at.token(args[0]), ERC20, "balanceOf", (args[1],), block)[0]
        args = args[: _TIMED.get(query, len(args))]
        if query.startswith("rewarder."):
            name = query.partition(".")[2]
            if name not in abi(REWARDER).functions:
                raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
            return _bare(_ask(self.rpc, at.rewarder(args[0]), REWARDER, name, args[1:], block))
        if query not in abi(CHEF).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        value = _bare(self._ask(query, *args, block=block))
        return self._named(query, value) if query in ("lpToken", "rewarder") else value

    def positions(
        self, owner: str, block: BlockId = "latest", *, pids: Sequence[int] | None = None
    ) -> Sequence[Position]:
        """Return the owner's stake in each pool (of ``pids``) with both rewards it could claim at ``block``.

        What the contract would refuse to pay at this moment is not claimable.
        """
        at, seen, out = self.deployment, self.rpc.block(block), []
        count = self._ask("poolLength", block=seen)[0]
        for pid in range(count) if pids is None else [one for one in pids if one < count]:
            staked, _ = self._ask("userInfo", pid, owner, block=seen)
            claimable = {token: amount for token, amount in self._claimable(pid, owner, seen).items() if amount}
            if staked or claimable:
                (token,) = self._ask("lpToken", pid, block=seen)
                principal = {at.tokens.get(token, token): staked} if staked else {}
                data = {"staked": staked}
                out.append(Position(f"{self.venue}#{pid}", self.venue, "stake", data, principal, claimable))
        return tuple(out)

    def _claimable(self, pid: int, owner: str, block: BlockId) -> dict[str, int]:
        at, out = self.deployment, {}
        try:
            (sushi,) = self._ask("pendingSushi", pid, owner, block=block)
            out[at.tokens.get(at.sushi, at.sushi)] = sushi
            (rewarder,) = self._ask("rewarder", pid, block=block)
            if rewarder != NOBODY:
                asked = (pid, owner, sushi)
                tokens, amounts = _ask(self.rpc, rewarder, REWARDER, "pendingTokens", asked, block)
                for token, amount in zip(tokens, amounts, strict=True):
                    name = at.tokens.get(token, token)
                    out[name] = out.get(name, 0) + amount
        except Revert:
            pass
        return out

    def _ask(self, name: str, *args: Any, block: BlockId = "latest") -> tuple[Any, ...]:
        return _ask(self.rpc, self.deployment.chef, CHEF, name, args, block)


def _ask(rpc: Rpc, to: str, contract: str, name: str, args: Sequence[Any], block: BlockId) -> tuple[Any, ...]:
    """Ask a view; one that burns all its gas refuses too, only endpoints do not call it a revert."""
    try:
        return ask(rpc, to, contract, name, args, block)
    except RpcRejected as rejected:
        if _halted(rejected.reason):
            raise Revert(HALT) from None
        raise


def _halted(reason: str) -> bool:
    return any(word in reason.lower() for word in _HALTS)


def moved(log: Mapping[str, Any]) -> tuple[str, str, int]:
    """Return (source, target, raw units) where a log is a transfer of a token; nobody otherwise."""
    topics = [str(topic).lower() for topic in log["topics"]]
    transfer = abi(PAID).events.get(topics[0]) if len(topics) == 3 else None
    return ("0x" + topics[1][-40:], "0x" + topics[2][-40:], int(str(log["data"]), 16)) if transfer else ("", "", 0)


def _bare(values: tuple[Any, ...]) -> Any:
    return values[0] if len(values) == 1 else values
