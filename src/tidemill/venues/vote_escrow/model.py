"""A vote escrow with its weekly dividends in memory: locks, decaying votes, and what each week pays."""

from __future__ import annotations

from collections.abc import Callable, Mapping, Sequence
from typing import Any

from tidemill.errors import Revert
from tidemill.interfaces import Action, Context, Position, Rate, Result
from tidemill.venues.shared.words import count_words
from tidemill.venues.vote_escrow import model_dividends as dividends
from tidemill.venues.vote_escrow import model_locks as locks
from tidemill.venues.vote_escrow.doing import Doing, silent
from tidemill.venues.vote_escrow.rules import week_down
from tidemill.venues.vote_escrow.state import NOTHING, Dividends, EscrowState, Point
from tidemill.venues.vote_escrow.votes import balance_at, balance_at_block, supply_at, supply_at_block

__all__ = ["EscrowModel"]

_GOVERN = ("commit_checker", "apply_checker")


class EscrowModel:
    """`Model` of a VotingEscrow and a distributor of weekly dividends.

    create_lock, increase_amount, increase_unlock_time, withdraw, claim; deposit_for (somebody else's lock), checkpoint,
    checkpoint_dividends, fund by anybody; commit_checker and apply_checker by the admin.
    """

    def init(self, params: Mapping[str, Any]) -> EscrowState:
        """Make an escrow without locks.

        ``params``: account, token, admin; dividends: account and token of the distributor; time and block of the
        escrow's making, and ``dividends_time`` of the distributor's where it is younger; contracts and lets as in the
        state.
        """
        made, time = params["dividends"], int(params["time"])
        since = int(params.get("dividends_time", time))
        own = Dividends(made["account"], made["token"], week_down(since), since)
        return EscrowState(
            params["account"],
            params["token"],
            params["admin"],
            own,
            {0: Point(ts=time, blk=int(params["block"]))},
            contracts=frozenset(params.get("contracts", ())),
            lets={name: frozenset(who) for name, who in params.get("lets", {}).items()},
        )

    def apply(self, state: EscrowState, action: Action, ctx: Context) -> Result:
        """Do one verb; nothing changes when it reverts. Features count weeks followed and storage words."""
        doing = Doing(ctx)
        try:
            amounts = self._apply(state, action, doing)
        except Revert:
            doing.undo.undo(0)
            raise
        if action.verb in _GOVERN:
            return doing.result(amounts)
        moved = dict.fromkeys((t.token, who) for t in doing.transfers for who in (t.source, t.target))
        words = [*doing.words(), *((ctx.balance(*key), doing.balance(*key)) for key in moved)]
        for name, times in count_words(words).items():
            doing.count(name, times)
        return doing.result(amounts)

    @staticmethod
    def _apply(state: EscrowState, action: Action, doing: Doing) -> dict[str, int]:
        verb, args = action.verb, action.args
        if verb == "create_lock":
            return locks.create_lock(state, doing, int(args["amount"]), int(args["unlock_time"]))
        if verb == "increase_amount":
            return locks.increase_amount(state, doing, int(args["amount"]))
        if verb == "deposit_for":
            return locks.deposit_for(state, doing, int(args["amount"]), str(args["user"]))
        if verb == "increase_unlock_time":
            return locks.increase_unlock_time(state, doing, int(args["unlock_time"]))
        if verb == "withdraw":
            return locks.withdraw(state, doing)
        if verb == "checkpoint":
            locks.checkpoint(state, doing)
            return {}
        if verb == "claim":
            return dividends.claim(state, doing, str(args.get("user", doing.ctx.sender)))
        if verb == "checkpoint_dividends":
            return dividends.checkpoint_dividends(state, doing)
        if verb == "fund":
            return dividends.fund(state, doing, int(args["amount"]))
        if verb in _GOVERN:
            _govern(state, doing, verb, args)
            return {}
        raise Revert(f"no verb {verb!r}")

    def read(self, state: EscrowState, query: str, *args: Any) -> Any:
        """Answer a view by the contract's own name, the distributor's as ``dividends.NAME``.

        ``balanceOf`` (of an account) and ``totalSupply`` take the time, ``balanceOfAt`` and ``totalSupplyAt`` a block
        and then time and number of the present one. ``dividends.owed`` is what an account's claims would pay together.
        """
        if query.startswith("dividends."):
            return _read_dividends(state, query.partition(".")[2], *args)
        plain = {
            "supply": state.supply,
            "epoch": state.epoch,
            "admin": state.admin,
            "smart_wallet_checker": state.checker,
            "future_smart_wallet_checker": state.future_checker,
        }
        if query in plain:
            return plain[query]
        if query == "balanceOf":
            return balance_at(state, *args)
        if query == "totalSupply":
            return supply_at(state, *args)
        if query in ("balanceOfAt", "totalSupplyAt"):
            *_, block, _now, number = args
            if block > number:
                raise Revert("")
            return silent(balance_at_block if query == "balanceOfAt" else supply_at_block, state, *args)
        if query == "slope_changes":
            return state.slope_changes.get(args[0], 0)
        if query == "point_history":
            return tuple(state.points.get(args[0], Point()))
        return self._read_lock(state, query, *args)

    @staticmethod
    def _read_lock(state: EscrowState, query: str, who: str, *args: Any) -> Any:
        lock, last = state.locked.get(who, NOTHING), state.user_epochs.get(who, 0)
        if query == "locked":
            return tuple(lock)
        if query == "locked__end":
            return lock.end
        if query == "user_point_epoch":
            return last
        if query == "get_last_user_slope":
            return state.user_points.get((who, last), Point()).slope
        point = state.user_points.get((who, args[0]), Point()) if args else Point()
        if query == "user_point_history":
            return tuple(point)
        if query == "user_point_history__ts":
            return point.ts
        raise KeyError(query)

    def positions(
        self, state: EscrowState, venue: str, owner: str, now: int, balance: Callable[[str, str], int]
    ) -> Sequence[Position]:
        """Return the owner's lock with its end (seconds) and the dividends of weeks that are over, if it has either."""
        lock, owed = state.locked.get(owner, NOTHING), _owed(state, owner)
        if not lock.amount and not owed:
            return ()
        principal = {state.token: lock.amount} if lock.amount else {}
        claimable = {state.dividends.token: owed} if owed else {}
        data = {"locked": lock.amount, "end": lock.end}
        return (Position(f"{venue}#{owner}", venue, "lock", data, principal, claimable),)

    def rates(self, state: EscrowState, venue: str, balance: Callable[[str, str], int]) -> Mapping[str, Rate]:
        """Votes are no token: they cannot be moved."""
        return {}


def _govern(state: EscrowState, doing: Doing, verb: str, args: Mapping[str, Any]) -> None:
    """Name a checker of contracts, or put the named one in force; the admin's alone."""
    if doing.ctx.sender != state.admin:
        raise Revert("")
    if verb == "commit_checker":
        doing.undo.set(state, "future_checker", str(args["checker"]))
    else:
        doing.undo.set(state, "checker", state.future_checker)


def _owed(state: EscrowState, who: str) -> int:
    """Return what is owed for all weeks that are over; nothing where the numbers burst, for then no claim succeeds."""
    cursor = dividends.first_week(state, who)
    try:
        return sum(owed for _, owed in dividends.weeks_of_dividends(state, who, cursor)) if cursor else 0
    except Revert:
        return 0


def _read_dividends(state: EscrowState, query: str, *args: Any) -> Any:
    own = state.dividends
    plain = {
        "last_token_time": own.last_time,
        "token_last_balance": own.last_balance,
        "start_time": own.start,
    }
    if query in plain:
        return plain[query]
    if query == "tokens_per_week":
        return own.tokens.get(args[0], 0)
    if query == "time_cursor_of":
        return own.cursors.get(args[0], 0)
    if query == "owed":
        return _owed(state, args[0])
    raise KeyError(query)
