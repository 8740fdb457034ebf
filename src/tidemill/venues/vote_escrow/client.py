"""The real VotingEscrow and its distributor: intents to calls, receipts to what they mean, views. It never sends."""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from typing import Any

from tidemill.chain.rpc import BlockId, Rpc
from tidemill.chain.types import Call, Receipt
from tidemill.errors import BadInput, UnknownName
from tidemill.interfaces import Event, Filled, Intent, Position, Reverted, Status
from tidemill.venues.shared.client_parts import ERC20, Given, abi, ask, ask_many, decode_log, with_approvals
from tidemill.venues.vote_escrow.client_abi import DIVIDENDS, ESCROW, PAID, EscrowDeployment
from tidemill.venues.vote_escrow.rules import LONGEST, WEEK, dividend_down, week_down, week_up
from tidemill.venues.vote_escrow.state import NOBODY, Dividends, EscrowState, Lock, Point

__all__ = ["VERBS", "EscrowClient"]

ZERO = "0x" + "00" * 20
VERBS = {
    "create_lock": "create_lock",
    "increase_amount": "increase_amount",
    "increase_unlock_time": "increase_unlock_time",
    "deposit_for": "deposit_for",
    "withdraw": "withdraw",
    "checkpoint": "checkpoint",
    "commit_checker": "commit_smart_wallet_checker",
    "apply_checker": "apply_smart_wallet_checker",
    "claim": "claim",
    "checkpoint_dividends": "checkpoint_token",
    "fund": "transfer",
}
"""Verb to the contract's function; the last three are not the escrow's."""

_NOW = {"balanceOfAt": 2, "totalSupplyAt": 1}
"""Views of the past, and how many arguments they take here: the model is told the present as well."""


class EscrowClient:
    """One escrow with its distributor as ``account`` (an address) uses them.

    ``venue`` is the study's own name of it; a lock's position id is ``venue#name`` with ``name`` of its owner there.
    """

    def __init__(self, rpc: Rpc, deployment: EscrowDeployment, *, venue: str, account: str, name: str = "me") -> None:
        self.rpc, self.deployment, self.venue = rpc, deployment, venue
        self.account, self.name = account.lower(), name

    # --- acting -------------------------------------------------------------------------------------------------------

    def plan(self, intent: Intent, stage: str = "", view: Any = None) -> Sequence[Call]:
        """Encode a verb of the model; raises ``BadInput`` naming verb and argument."""
        del view
        verb, at = intent.verb, self.deployment
        if stage:
            raise BadInput(f"{verb}: an escrow has no stages, got {stage!r}")
        if verb not in VERBS:
            raise UnknownName("verb of the vote escrow", verb, VERBS)
        given = Given(intent)
        args: list[Any] = []
        user = given.text("user", self.account) if verb in ("deposit_for", "claim") else self.account
        if verb in ("deposit_for", "claim"):
            args.append(user)
        if verb in ("create_lock", "increase_amount", "deposit_for", "fund"):
            args.append(given.number("amount"))
        if verb in ("create_lock", "increase_unlock_time"):
            args.append(given.number("unlock_time"))
        if verb == "commit_checker":
            args.append(given.text("checker") or ZERO)
        given.finish()
        if verb == "fund":
            return [Call(at.paid, abi(PAID).encode("transfer", at.dividends, *args), purpose=verb)]
        if verb in ("claim", "checkpoint_dividends"):
            return [Call(at.dividends, abi(DIVIDENDS).encode(VERBS[verb], *args), purpose=verb)]
        call = Call(at.escrow, abi(ESCROW).encode(VERBS[verb], *args), purpose=verb)
        if verb in ("create_lock", "increase_amount", "deposit_for") and user == self.account:
            due = int(intent.args["amount"])  # type: ignore[arg-type]  # taken as a number above
            return with_approvals(self.rpc, self.account, {at.token: due}, at.escrow, call, reset=False)
        return [call]

    def decode(self, receipts: Sequence[Receipt]) -> Status:
        """Say what the receipts of one step mean: ``amount`` and ``end`` of a lock, ``amount`` taken back, sent or given
        to weeks, ``reward`` claimed.
        """
        for receipt in receipts:
            if not receipt.status:
                return Reverted(receipt.revert_reason or "")
        logs = [log for receipt in receipts for log in receipt.logs]
        for event in self.events(logs):
            told = event.args
            if event.name == "Deposit":
                return Filled({"amount": int(told["value"]), "end": int(told["locktime"])})
            if event.name == "Withdraw":
                return Filled({"amount": int(told["value"])})
            if event.name == "Claimed":
                return Filled({"reward": int(told["amount"])})
            if event.name == "CheckpointToken":
                return Filled({"amount": int(told["tokens"])})
        sent = [amount for log in logs if (amount := self._sent(log)) is not None]
        return Filled({"amount": sum(sent)} if sent else {})

    def _sent(self, log: Mapping[str, Any]) -> int | None:
        """Return how many dividends a log says were sent, ``None`` if it says something else."""
        if str(log["address"]).lower() != self.deployment.paid:
            return None
        event = decode_log(log, PAID, venue="the dividend token", may_be_unknown=True)
        return int(event.args["amount"]) if event and event.args["target"] == self.deployment.dividends else None

    def events(self, logs: Sequence[Mapping[str, Any]]) -> Sequence[Event]:
        """Decode the logs of escrow and distributor in order; skip all others."""
        texts, found = {self.deployment.escrow: ESCROW, self.deployment.dividends: DIVIDENDS}, []
        for log in logs:
            text = texts.get(str(log["address"]).lower())
            event = decode_log(log, text, venue="the vote escrow", may_be_unknown=True) if text else None
            if event is not None:
                found.append(event)
        return found

    # --- asking -------------------------------------------------------------------------------------------------------

    def read(self, query: str, *args: Any, block: BlockId = "latest") -> Any:
        """Answer a view at ``block``, equal to the model's; what views of the past are told of the present is left out.

        ``balance`` takes a token id and an address.
        """
        at = self.deployment
        if query == "balance":
            return ask(self.rpc, at.address(args[0]), ERC20, "balanceOf", (args[1],), block)[0]
        if query == "dividends.owed":
            return self.owed(args[0], block)
        name = query.removeprefix("dividends.")
        to, text = (at.escrow, ESCROW) if name == query else (at.dividends, DIVIDENDS)
        if name not in abi(text).functions:
            raise BadInput(f"venue {self.venue}: no view {query!r}", field="query")
        values = ask(self.rpc, to, text, name, args[: _NOW.get(query, len(args))], block)
        if name.endswith("checker"):
            return _named(values[0])
        return values[0] if len(values) == 1 else values

    def positions(self, owner: str, block: BlockId = "latest") -> Sequence[Position]:
        """Return the owner's lock with its end and the dividends of weeks that are over, if it has either."""
        at, seen = self.deployment, self.rpc.block(block)
        amount, end = ask(self.rpc, at.escrow, ESCROW, "locked", (owner,), seen)
        owed = self.owed(owner, seen)
        if not amount and not owed:
            return ()
        principal, claimable = {at.token_id: amount} if amount else {}, {at.paid_id: owed} if owed else {}
        name = self.name if owner.lower() == self.account else owner
        data = {"locked": amount, "end": end}
        return (Position(f"{self.venue}#{name}", self.venue, "lock", data, principal, claimable),)

    def owed(self, owner: str, block: BlockId, cursor: int | None = None) -> int:
        """Return what all claims together would pay, in raw units, week by week: as if it was paid up to ``cursor`` (0: never;
        by default as it was by then).
        """
        at = self.deployment
        if not at.dividends:
            return 0
        asked: list[tuple[str, tuple[Any, ...]]] = [
            ("time_cursor_of", (owner,)),
            ("start_time", ()),
            ("last_token_time", ()),
        ]
        (paid,), (start,), (last,) = ask_many(self.rpc, at.dividends, DIVIDENDS, asked, block)
        cursor = paid if cursor is None else cursor
        if not cursor:
            (first,) = ask(self.rpc, at.escrow, ESCROW, "user_point_history__ts", (owner, 1), block)
            if not first:
                return 0
            cursor = max(week_up(first), start)
        weeks = range(cursor, week_down(last), WEEK)
        tokens = ask_many(self.rpc, at.dividends, DIVIDENDS, [("tokens_per_week", (one,)) for one in weeks], block)
        held = ask_many(self.rpc, at.escrow, ESCROW, [("balanceOf", (owner, one)) for one in weeks], block)
        whole = ask_many(self.rpc, at.escrow, ESCROW, [("totalSupply", (one,)) for one in weeks], block)
        rows = zip(held, tokens, whole, strict=True)
        return sum(dividend_down(votes, spread, supply) for (votes,), (spread,), (supply,) in rows if votes)

    def snapshot(self, block: BlockId = "latest", *, accounts: Iterable[str] = ()) -> EscrowState:
        """Read everything at ``block``, with these accounts besides the client's own (no view lists them)."""
        at, seen = self.deployment, self.rpc.block(block)
        who = list(dict.fromkeys((self.account, *accounts)))
        own = self._dividends(seen, who)
        names = ("admin", "epoch", "supply", "smart_wallet_checker", "future_smart_wallet_checker")
        asked: list[tuple[str, tuple[Any, ...]]] = [(name, ()) for name in names]
        asked += [("user_point_epoch", (one,)) for one in who] + [("locked", (one,)) for one in who]
        values = ask_many(self.rpc, at.escrow, ESCROW, asked, seen)
        (admin,), (epoch,), (supply,), (checker,), (named,) = values[:5]
        lasts = {one: last for one, (last,) in zip(who, values[5 : 5 + len(who)], strict=True) if last}
        locks = {one: Lock(*lock) for one, lock in zip(who, values[5 + len(who) :], strict=True) if any(lock)}
        keys = [(one, number) for one, last in lasts.items() for number in range(1, last + 1)]
        history = [("point_history", (number,)) for number in range(epoch + 1)]
        points = [Point(*one) for one in ask_many(self.rpc, at.escrow, ESCROW, history, seen)]
        mine = ask_many(self.rpc, at.escrow, ESCROW, [("user_point_history", key) for key in keys], seen)
        weeks = range(week_down(points[0].ts), seen.timestamp + LONGEST + WEEK, WEEK)
        changes = ask_many(self.rpc, at.escrow, ESCROW, [("slope_changes", (week,)) for week in weeks], seen)
        return EscrowState(
            at.escrow,
            at.token_id,
            admin,
            own,
            dict(enumerate(points)),
            epoch,
            supply,
            locks,
            lasts,
            {key: Point(*one) for key, one in zip(keys, mine, strict=True)},
            {week: change for week, (change,) in zip(weeks, changes, strict=True) if change},
            _named(checker),
            _named(named),
        )

    def _dividends(self, block: BlockId, who: Sequence[str]) -> Dividends:
        at = self.deployment
        asked: list[tuple[str, tuple[Any, ...]]] = [
            (name, ()) for name in ("start_time", "last_token_time", "token_last_balance")
        ]
        asked += [("time_cursor_of", (one,)) for one in who]
        (start,), (last,), (balance,), *cursors = ask_many(self.rpc, at.dividends, DIVIDENDS, asked, block)
        weeks = range(start, last + 1, WEEK)
        paid = ask_many(self.rpc, at.dividends, DIVIDENDS, [("tokens_per_week", (week,)) for week in weeks], block)
        return Dividends(
            at.dividends,
            at.paid_id,
            start,
            last,
            balance,
            {week: tokens for week, (tokens,) in zip(weeks, paid, strict=True) if tokens},
            {one: cursor for one, (cursor,) in zip(who, cursors, strict=True) if cursor},
        )


def _named(checker: str) -> str:
    return NOBODY if checker == ZERO else checker
