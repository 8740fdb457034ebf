"""Record and marks of a real story, so that the ledger can state it: the same two lists that a world writes.

These books are of the positions and nothing else. What a position takes is *brought in* at that moment, at the price
then, and what it pays out is *taken out* at once, so that the rest of a real wallet has no part in what its positions
earned; within a block what one gives another may take. A position that was received or sent is brought in or taken out at
what it was worth; whatever else the account did to it in the same block is part of that.
"""

from __future__ import annotations

from collections.abc import Callable, Collection, Iterable, Mapping, Sequence
from typing import NamedTuple

from msgspec import structs

from tidemill.interfaces import (
    Befell,
    Block,
    Costs,
    Filled,
    Happened,
    Mark,
    Position,
    Price,
    Recorded,
    Result,
    Reverted,
    Transfer,
)
from tidemill.ledger.families import BROUGHT, TAKEN
from tidemill.ledger.timeline import Step
from tidemill.studies.held.story import Act, Happening, Story
from tidemill.venues.shared.history import ME, OUTSIDE, Deed, Holding

__all__ = ["groups", "record_and_marks"]

_SHARES = "#shares"
_MOVES = ("came", "went")
_Amounts = dict[str, int]


def groups(story: Story) -> list[frozenset[str]]:
    """Return the ids of all positions, those in one set that are one thing seen twice: a receipt token and its stake; stakes
    at one staker, which credits what each was due to one account.
    """
    found: dict[str, set[str]] = {}
    issuers = {token: rate.venue + _SHARES for holding in story.holdings() for token, rate in holding.rates.items()}
    for event in story.events:
        for deed in _deeds(event.acts) if isinstance(event, Happening) else ():
            if deed.position:  # what took shares or gave them belongs to them
                _join(found, deed.position, (issuers[move.token] for move in deed.transfers if move.token in issuers))
    for holding in story.holdings():
        for token in holding.shares:
            if holding.shares[token]:
                _join(found, issuers[token], ())
        for position in holding.positions:
            tokens = (*position.principal, *position.claimable)
            _join(found, position.id, (issuers[token] for token in tokens if token in holding.rates))
            if position.kind == "gauge":
                _join(found, position.id, found.get(f"{position.venue}#rewards", ()))
    return list(dict.fromkeys(frozenset(one) for one in found.values()))


def _join(found: dict[str, set[str]], name: str, others: Iterable[str]) -> None:
    """Make one set of a position's and of those that are the same thing."""
    linked = found.setdefault(name, {name})
    for other in others:
        linked |= found.get(other, {other})
    for one in linked:
        found[one] = linked


def record_and_marks(
    story: Story,
    priced: Callable[[Holding], Mapping[str, Price]],
    *,
    parts: Sequence[frozenset[str]],
    only: frozenset[str] | None = None,
) -> tuple[list[Step], list[Mark]]:
    """Write down a story.

    Parameters
    ----------
    priced : prices by token id at a moment; network fees are left out where the native token has none.
    parts : ``groups(story)``; a transaction that touched several shares its fee among them, the first takes the rest.
    only : one of them, for its own books; ``None`` for everything together.
    """
    return _Keeper(story, priced, parts, only).keep()


class _Flow(NamedTuple):
    """Something from outside or to there, and its transfers."""

    happened: Happened
    transfers: tuple[Transfer, ...] = ()


class _Keeper:
    def __init__(
        self,
        story: Story,
        priced: Callable[[Holding], Mapping[str, Price]],
        parts: Sequence[frozenset[str]],
        only: frozenset[str] | None,
    ) -> None:
        self.story, self.priced, self.parts, self.only = story, priced, parts, only
        self.receipts = {token for holding in story.holdings() for token in holding.rates}
        self.purse: _Amounts = {}
        self.record: list[Step] = []
        self.marks: list[Mark] = []

    @property
    def seq(self) -> int:
        return len(self.record) + len(self.marks)

    def keep(self) -> tuple[list[Step], list[Mark]]:
        story = self.story
        self._mark("start", story.start.at, story.start.holding)
        for event in story.events:
            if isinstance(event, Happening):
                self._happening(event)
            else:
                self._mark("sample", event.at, event.holding)
        self._mark("end", story.end.at, story.end.holding)
        return self.record, self.marks

    def _mark(
        self,
        why: str,
        at: Block,
        holding: Holding,
        *,
        parent: bool = False,
        settled: frozenset[str] = frozenset(),
    ) -> None:
        held, prices = self._mine(holding), self.priced(holding)
        balances = {token: amount for token, amount in self.purse.items() if amount} | dict(held.shares)
        self.marks.append(
            Mark(
                self.seq,
                at.time,
                why,  # type: ignore[arg-type]
                balances,
                held.positions,
                prices,
                held.rates,
                {self.story.network: at},
                parent,
                settled,
            )
        )

    def _mine(self, holding: Holding) -> Holding:
        """Return the part of what is held that these books are about."""
        only = self.only
        if only is None:
            return holding
        rates = {token: rate for token, rate in holding.rates.items() if rate.venue + _SHARES in only}
        return structs.replace(
            holding,
            positions=tuple(p for p in holding.positions if p.id in only),
            shares={token: amount for token, amount in holding.shares.items() if token in rates},
            rates=rates,
        )

    # --- one block ----------------------------------------------------------------------------------------------------

    def _happening(self, event: Happening) -> None:
        acts = [act for act in map(self._share, event.acts) if act.deeds]
        if not acts:
            return
        at, before, after = event.at, self._mine(event.before), self._mine(event.after)
        moved = {d.position for d in _deeds(acts) if d.kind in _MOVES and not d.position.endswith(_SHARES)}
        if self.story.native not in self.priced(event.before):
            acts = [structs.replace(act, costs=None) for act in acts]
        # first what came from outside, then what was done, then what went there: each between marks of its own
        kept = {p.id for p in before.positions}
        came = [p for p in after.positions if p.id in moved and p.id not in kept]
        flows = [_Flow(_worth(p, BROUGHT, at, 1)) for p in came]
        ahead = structs.replace(before, positions=(*before.positions, *came), rates={**after.rates, **before.rates})
        ahead = self._shares(acts, "came", ahead, at, flows)
        lacking = self._lacking(acts, moved)
        if lacking:
            moves = tuple(Transfer(token, OUTSIDE, ME, amount) for token, amount in lacking.items())
            flows.append(_Flow(Happened("", "", BROUGHT, lacking, at), moves))
        self._flows(flows, at, before, ahead)
        # what goes is still there behind the block, as it was ahead of it; what was paid out goes as well
        kept = {p.id for p in after.positions}
        gone = [p for p in ahead.positions if p.id in moved and p.id not in kept]
        flows = [_Flow(_worth(p, TAKEN, at, -1)) for p in gone]
        behind = structs.replace(after, positions=(*after.positions, *gone), rates={**before.rates, **after.rates})
        behind = self._shares(acts, "went", behind, at, flows)
        self._mark("before", at, ahead, parent=event.parent, settled=event.settled)
        for act in acts:
            self._act(act, moved, at)
        self._mark("after", at, behind)
        left = {token: -amount for token, amount in self.purse.items() if amount}
        if left:
            moves = tuple(Transfer(token, ME, OUTSIDE, -amount) for token, amount in left.items())
            flows.append(_Flow(Happened("", "", TAKEN, left, at), moves))
        self._flows(flows, at, behind, after)

    def _shares(self, acts: Sequence[Act], kind: str, holding: Holding, at: Block, flows: list[_Flow]) -> Holding:
        """Return ``holding`` with receipt tokens that came from outside, or with those that are about to go there."""
        for deed in _deeds(acts):
            if deed.kind != kind or not deed.position.endswith(_SHARES):
                continue
            for move in deed.transfers:
                rate, with_it = holding.rates[move.token], dict(holding.shares)
                whole = with_it.get(move.token, 0) + sum(
                    p.principal.get(move.token, 0) + p.claimable.get(move.token, 0) for p in holding.positions
                )
                with_it[move.token] = with_it.get(move.token, 0) + move.amount
                old, new = rate.of_down(whole), rate.of_down(whole + move.amount)
                sign, cause = (1, BROUGHT) if kind == "came" else (-1, TAKEN)
                amounts = {token: sign * (new[token] - old[token]) for token in new}
                flows.append(_Flow(Happened(deed.venue, deed.position, cause, amounts, at), (move,)))
                holding = structs.replace(holding, shares=with_it)
        return holding

    def _flows(self, flows: Sequence[_Flow], at: Block, before: Holding, after: Holding) -> None:
        if not flows:
            return
        self._mark("before", at, before)
        for flow in flows:
            self.record.append(Befell(self.seq, flow.happened, flow.transfers))
            self._apply(self.purse, flow.transfers)
        self._mark("after", at, after)

    def _lacking(self, acts: Sequence[Act], moved: Collection[str]) -> _Amounts:
        """Return what must be brought in so that everything can be paid, in the order in which it was paid."""
        purse, least = _Amounts(), _Amounts()
        for act in acts:
            if act.costs is not None:
                purse[self.story.native] = purse.get(self.story.native, 0) - act.costs.total
            for deed in act.deeds:
                if deed.position not in moved and deed.kind not in _MOVES:
                    self._apply(purse, deed.transfers)
                for token, amount in purse.items():
                    least[token] = min(least.get(token, 0), amount)
        return {token: -amount for token, amount in least.items() if amount < 0}

    def _act(self, act: Act, moved: Collection[str], at: Block) -> None:
        costs = act.costs or Costs()
        if costs.total:
            self.purse[self.story.native] = self.purse.get(self.story.native, 0) - costs.total
        for number, deed in enumerate(act.deeds):
            transfers = () if deed.position in moved or deed.kind in _MOVES else deed.transfers
            self._apply(self.purse, transfers)
            if deed.kind == "befell":
                happened = Happened(deed.venue, deed.position, deed.verb, deed.amounts, at)
                self.record.append(Befell(self.seq, happened, transfers))
                continue
            failed = deed.kind == "failed"
            self.record.append(
                Recorded(
                    seq=self.seq,
                    at=at,
                    network=self.story.network,
                    native=self.story.native,
                    plan=act.tx,
                    step=number,
                    venue=deed.venue,
                    verb=deed.verb,
                    status=Reverted("") if failed else Filled(deed.amounts, deed.position or None),
                    costs=costs,
                    result=None if failed else Result(deed.amounts, transfers, position=deed.position or None),
                    tx=act.tx,
                )
            )
            costs = Costs()

    def _apply(self, purse: _Amounts, transfers: Iterable[Transfer]) -> None:
        """Move tokens in or out of the purse; receipt tokens are the wallet's own business."""
        for move in transfers:
            if move.token not in self.receipts and move.source != move.target:
                sign = (move.target == ME) - (move.source == ME)
                purse[move.token] = purse.get(move.token, 0) + sign * move.amount

    def _share(self, act: Act) -> Act:
        """Return these books' part of a transaction."""
        if self.only is None:
            return act
        deeds = tuple(deed for deed in act.deeds if deed.position in self.only)
        touched = [part for part in self.parts if any(deed.position in part for deed in act.deeds)]
        costs, count = act.costs, len(touched)
        if costs is not None and count > 1 and deeds:
            first = touched[0] == self.only
            l2, l1, operator = (
                n // count + n % count * first for n in (costs.l2_execution, costs.l1_data, costs.operator)
            )
            costs = Costs(l2, l1, operator, costs.gas_used // count)
        return Act(act.tx, deeds, costs)


def _worth(position: Position, cause: str, at: Block, sign: int) -> Happened:
    amounts: _Amounts = {}
    for side in (position.principal, position.claimable):
        for token, amount in side.items():
            amounts[token] = amounts.get(token, 0) + sign * amount
    return Happened(position.venue, position.id, cause, amounts, at)


def _deeds(acts: Iterable[Act]) -> Iterable[Deed]:
    return (deed for act in acts for deed in act.deeds)
