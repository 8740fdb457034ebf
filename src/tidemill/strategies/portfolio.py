"""A portfolio: several strategies under one wallet, each with a purse of its own, and transfers between the purses."""

from __future__ import annotations

import json
from collections.abc import Mapping, Sequence
from typing import Annotated, Any, ClassVar, Literal

import msgspec
from msgspec import Meta, Struct, field, structs

from tidemill.execution.decisions import memo_type
from tidemill.execution.ids import canonical
from tidemill.interfaces import COMMON, At, Decision, Every, Happened, Move, News, Outcome, Plan, View, Wake, purse_of
from tidemill.strategies.liquidity import now_of
from tidemill.strategies.parameters import Amount, Seconds, Token
from tidemill.strategies.purse_view import PurseView

__all__ = ["Portfolio", "PortfolioMemo", "Stream", "Transfer"]

BPS = 10_000
Purse = Annotated[str, Meta(max_length=64, description="name of a stream, empty for what no stream has")]


class Stream(Struct, frozen=True):
    """One strategy of a portfolio: ``opening`` is what it starts with, raw units by token id; ``digest`` of its code."""

    name: str
    strategy: Any
    opening: dict[str, int]
    digest: str = ""


class Transfer(Struct, frozen=True):
    """What goes from one purse to another, as accounting: no transaction, no cost.

    Parameters
    ----------
    of : ``idle`` takes ``bps`` of what lies in the purse, ``income`` of what the purse and its positions have gained in
        ``token`` since the last time; where that is at work, the strategy is asked to free it.
    every : seconds between two, 0 for whenever there is enough. least : raw units below which nothing moves.
    """

    source: Purse
    target: Purse
    token: Token
    bps: Annotated[int, Meta(ge=1, le=BPS)] = BPS
    of: Literal["idle", "income"] = "idle"
    every: Seconds = 0
    least: Amount = 1


class Asked(Struct, frozen=True):
    """How a stream stands: its own memo as canonical text, its wake, and when it was asked last (seconds)."""

    memo: str = "null"
    wake: Wake = ()
    at: int = 0


class Due(Struct, frozen=True):
    """How a transfer stands: when it is due, above which level the next income begins, and what waits to be freed."""

    at: int
    level: int = 0
    owed: int = 0


class PortfolioMemo(Struct, frozen=True):
    """Memos by stream, and the state of each transfer by its place."""

    start: int = -1
    streams: dict[str, Asked] = field(default_factory=dict)
    transfers: tuple[Due, ...] = ()


class Portfolio(Struct, frozen=True, forbid_unknown_fields=True):
    """Run the strategies of ``streams`` side by side, each on its own purse, and make ``transfers`` between them.

    A stream sees its own balances, positions, plans and news, and nothing of the others; it may be asked more often
    than it wants where its wake is no matter of time alone.

    Parameters
    ----------
    gas : ``common`` pays every network fee from what no stream has, ``own`` from the stream's purse.
    """

    streams: Annotated[tuple[Stream, ...], Meta(description="given by `[streams.NAME]`")]
    transfers: Annotated[tuple[Transfer, ...], Meta(description="given by `[[transfers]]`")] = ()
    gas: Annotated[Literal["common", "own"], Meta(description="who pays network fees")] = "common"

    Memo: ClassVar[type[PortfolioMemo]] = PortfolioMemo

    def decide(self, view: View, memo: PortfolioMemo, news: Sequence[News]) -> Decision[PortfolioMemo]:
        """Make the transfers that are due, then ask every stream that has something to learn or to do."""
        now = now_of(view)
        purses = {name: dict(held) for name, held in view.purses.items()}
        moves: list[Move] = []
        if memo.start < 0:
            moves = [Move(COMMON, s.name, t, n) for s in self.streams for t, n in sorted(s.opening.items()) if n]
            _make(moves, purses)
            due = tuple(Due(now + t.every, self._gained(view, purses, t)) for t in self.transfers)
            memo = PortfolioMemo(now, {}, due)
        plans: list[Plan] = []
        if view.why != "end":
            memo, more, freeing = self._transfer(view, memo, purses, now)
            moves += more
            plans += freeing
        touched = {name for move in moves for name in (move.source, move.target)} | {plan.purse for plan in plans}
        cancels: list[str] = []
        asked = dict(memo.streams)
        for stream in self.streams:
            told = tuple(one for one in news if _concerns(one, stream.name, view.owners))
            before = asked.get(stream.name)
            ready = view.why == "end" or told or stream.name in touched or before is None
            if before is None or ready or _due(before, memo.start, now):
                freed = tuple(plan for plan in plans if plan.purse == stream.name)
                shown = PurseView(view, stream.name, purses.get(stream.name, {}), freed)
                kind = memo_type(stream.strategy)
                own = _memo(before, kind)
                decision = stream.strategy.decide(shown, own, told)
                plans += [self._owned(plan, stream.name) for plan in decision.plans]
                cancels += decision.cancels
                asked[stream.name] = Asked(canonical(decision.memo), decision.wake, now)
        memo = structs.replace(memo, streams=asked)
        return Decision(tuple(plans), tuple(cancels), self._wake(memo, now), memo, tuple(moves))

    # --- transfers ----------------------------------------------------------------------------------------------------

    def _transfer(
        self, view: View, memo: PortfolioMemo, purses: dict[str, dict[str, int]], now: int
    ) -> tuple[PortfolioMemo, list[Move], list[Plan]]:
        """Return what moves now, with ``purses`` as they are then, and the plans that free what is still at work."""
        due, moves, plans = list(memo.transfers), list[Move](), list[Plan]()
        for place, transfer in enumerate(self.transfers):
            state, asks = due[place], now >= due[place].at
            if asks:
                state = self._fall_due(state, transfer, self._gained(view, purses, transfer), purses, now)
            paid = min(state.owed, purses.get(transfer.source, {}).get(transfer.token, 0))
            if paid:
                move = Move(transfer.source, transfer.target, transfer.token, paid)
                moves.append(move)
                _make([move], purses)
                state = structs.replace(state, owed=state.owed - paid)
            if asks:  # once: what cannot be freed now is asked for again when the next is due
                plans += self._free(view, purses, transfer, state.owed)
            due[place] = state
            for other, one in enumerate(self.transfers):  # what moved is neither gained nor lost
                if one.token == transfer.token:
                    change = paid * ((one.source == transfer.target) - (one.source == transfer.source))
                    due[other] = structs.replace(due[other], level=due[other].level + change)
        return structs.replace(memo, transfers=tuple(due)), moves, plans

    def _fall_due(
        self, state: Due, transfer: Transfer, has: int, purses: Mapping[str, Mapping[str, int]], now: int
    ) -> Due:
        """Return the transfer with what is to move from now on; ``has`` is what the source has in all."""
        rounds = (now - state.at) // transfer.every + 1 if transfer.every else 0  # down: the next one after now
        at = state.at + rounds * transfer.every
        if transfer.of == "idle":
            idle = purses.get(transfer.source, {}).get(transfer.token, 0) * transfer.bps // BPS  # down
            return Due(at, state.level, idle if idle >= transfer.least else 0)
        fresh = max(has - state.level, 0) * transfer.bps // BPS  # down
        if fresh < transfer.least:
            return structs.replace(state, at=at)
        return Due(at, has, state.owed + fresh)

    def _free(self, view: View, purses: Mapping[str, Mapping[str, int]], transfer: Transfer, owed: int) -> list[Plan]:
        """Ask the source's strategy to free what is owed, unless it is busy or cannot (it has no ``free``)."""
        stream = next((one for one in self.streams if one.name == transfer.source), None)
        busy = any(plan.purse == transfer.source for plan in view.in_flight)
        if not owed or stream is None or busy or not hasattr(stream.strategy, "free"):
            return []
        shown = PurseView(view, stream.name, purses.get(stream.name, {}))
        plan = stream.strategy.free(shown, transfer.token, owed)
        return [self._owned(plan, stream.name)] if plan else []

    def _gained(self, view: View, purses: Mapping[str, Mapping[str, int]], transfer: Transfer) -> int:
        """Return what the source has of the token, in its purse and at work, as its strategy says or positions show."""
        name, token = transfer.source, transfer.token
        stream = next((one for one in self.streams if one.name == name), None)
        if stream is not None and hasattr(stream.strategy, "worth"):
            told: int = stream.strategy.worth(PurseView(view, name, purses.get(name, {})), token)
            return told
        own = [p for p in view.positions if view.owners.get(p.id, COMMON) == name]
        at_work = sum(p.principal.get(token, 0) + p.claimable.get(token, 0) for p in own)
        return purses.get(name, {}).get(token, 0) + at_work

    # --- streams ------------------------------------------------------------------------------------------------------

    def _owned(self, plan: Plan, name: str) -> Plan:
        return structs.replace(plan, purse=name, payer=COMMON if self.gas == "common" else None)

    def _wake(self, memo: PortfolioMemo, now: int) -> Wake:
        """Return every condition of every stream, and the transfers' times."""
        conditions = [condition for asked in memo.streams.values() for condition in asked.wake]
        conditions += [
            At(max(due.at, now + 1)) for due, t in zip(memo.transfers, self.transfers, strict=True) if t.every
        ]
        return tuple(dict.fromkeys(conditions))


def _make(moves: Sequence[Move], purses: dict[str, dict[str, int]]) -> None:
    for move in moves:
        source, target = purses.setdefault(move.source, {}), purses.setdefault(move.target, {})
        source[move.token] = source.get(move.token, 0) - move.amount
        target[move.token] = target.get(move.token, 0) + move.amount


def _concerns(news: News, name: str, owners: Mapping[str, str]) -> bool:
    """Say whose news it is; what befell a receipt token befell everyone who holds some."""
    if isinstance(news, Outcome):
        return purse_of(news.plan) == name
    shared = isinstance(news, Happened) and news.position.endswith("#shares")
    return shared or owners.get(news.position, COMMON) == name


def _due(asked: Asked, start: int, now: int) -> bool:
    """Say whether a wake may hold: one of time alone can be told, of others only the world knows."""
    for condition in asked.wake:
        if isinstance(condition, At):
            if now >= condition.time:
                return True
        elif isinstance(condition, Every):
            if (now - start) // condition.seconds > (asked.at - start) // condition.seconds:  # down, both
                return True
        else:
            return True
    return False


def _memo(asked: Asked | None, kind: type | None) -> Any:
    if kind is None:
        return None
    return msgspec.convert(json.loads(asked.memo), kind) if asked else kind()
